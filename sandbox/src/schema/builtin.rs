//! The schemas of the built-in kinds, each document read when its first kind is asked for.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::read::{Components, Places, Reader, Written};
use super::{Field, Link, Schema, Strategy, Type};
use crate::openapi;

/// The component that is the metadata of every object.
pub(super) const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// The schemas of the built-in groups.
pub struct Schemas {
    documents: Vec<(&'static str, OnceLock<Document>)>,
}

#[derive(Default)]
struct Document {
    places: Places,
    kinds: HashMap<(String, String, String), String>,
}

#[derive(Deserialize)]
struct WrittenDocument {
    components: WrittenComponents,
}

#[derive(Deserialize)]
struct WrittenComponents {
    schemas: Components,
}

impl Schemas {
    /// Those that are recorded.
    pub fn builtin() -> &'static Schemas {
        static BUILTIN: OnceLock<Schemas> = OnceLock::new();
        BUILTIN.get_or_init(|| Schemas {
            documents: openapi::paths().iter().map(|path| (*path, OnceLock::new())).collect(),
        })
    }

    /// The schema of a kind; the core group is the empty one. What subresources take may be of another group than their
    /// resource, and then only the resource's document has it.
    pub fn kind(&self, group: &str, version: &str, kind: &str) -> Option<Arc<Schema>> {
        let path = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
        let kind = (group.to_string(), version.to_string(), kind.to_string());
        [path.as_str(), "api/v1"].into_iter().find_map(|path| {
            let document = self.document(path)?;
            document.component(document.kinds.get(&kind)?)
        })
    }

    fn document(&self, path: &str) -> Option<&Document> {
        let (path, document) = self.documents.iter().find(|(known, _)| *known == path)?;
        Some(document.get_or_init(|| match read(path) {
            Ok(document) => document,
            Err(error) => unreachable!("a test reads all that is recorded, {path} as well: {error}"),
        }))
    }
}

impl Document {
    fn component(&self, name: &str) -> Option<Arc<Schema>> {
        self.places.get(name)?.get().cloned()
    }
}

fn read(path: &str) -> Result<Document, String> {
    let document = openapi::document(path).ok_or("it is not recorded")?;
    let written: WrittenDocument = serde_json::from_slice(document).map_err(|error| error.to_string())?;
    let components = written.components.schemas;
    let places: Places = components.keys().map(|name| (name.clone(), Arc::default())).collect();
    let reader = Reader { components: &components, places: &places };
    let mut kinds = HashMap::new();
    for (name, component) in &components {
        let node = Arc::new(reader.node(component, Some(name))?);
        places[name].get_or_init(|| node);
        kinds.extend(kinds_of(component).map(|kind| (kind, name.clone())));
    }
    Ok(Document { places, kinds })
}

fn kinds_of(component: &Written) -> impl Iterator<Item = (String, String, String)> {
    component.kinds.iter().map(|kind| (kind.group.clone(), kind.version.clone(), kind.kind.clone()))
}

/// Makes an object of a CRD a Kubernetes object: what its schema says of these three is beside the point.
pub(super) fn add_type_and_metadata(node: &mut Schema) {
    static METADATA: OnceLock<Arc<Schema>> = OnceLock::new();
    let metadata = METADATA.get_or_init(|| {
        let core = Schemas::builtin().document("api/v1");
        core.and_then(|core| core.component(OBJECT_META)).unwrap_or_default()
    });
    let text = Arc::new(Schema { kind: Type::String, ..Schema::default() });
    for (name, schema) in [("apiVersion", &text), ("kind", &text), ("metadata", metadata)] {
        let field = Field { schema: Link::Here(schema.clone()), strategy: Strategy::default(), by_value: false };
        node.properties.insert(name.to_string(), field);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::schema::ListType;

    #[test]
    fn every_recorded_document_can_be_read() {
        for path in openapi::paths() {
            let document = read(path).unwrap();
            assert!(!document.kinds.is_empty(), "{path}");
        }
    }

    #[test]
    fn a_deployment_is_known_down_to_the_ports_of_its_containers() {
        let deployment = Schemas::builtin().kind("apps", "v1", "Deployment").unwrap();
        let spec = deployment.property("spec").unwrap();
        assert!(spec.properties["strategy"].strategy.retain_keys);
        let pod = spec.property("template").unwrap().property("spec").unwrap();
        let containers = &pod.properties["containers"];
        assert_eq!(containers.strategy.key.as_deref(), Some("name"));
        let ports = containers.schema.item().property("ports").unwrap();
        assert_eq!(ports.list, ListType::Map(vec!["containerPort".into(), "protocol".into()]));
        assert_eq!(ports.item().property("protocol").unwrap().default, Some("TCP".into()));
        assert!(spec.property("selector").unwrap().atomic);
    }

    #[test]
    fn a_schema_that_contains_itself_can_be_followed_for_ever() {
        let crd = Schemas::builtin().kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition").unwrap();
        let version = crd.property("spec").unwrap().property("versions").unwrap().item();
        let schema = version.property("schema").unwrap().property("openAPIV3Schema").unwrap();
        let mut node = schema;
        for _ in 0..100 {
            node = node.property("properties").unwrap().property("any").unwrap();
        }
        assert_eq!(node.name, schema.name);
    }

    #[test]
    fn what_does_not_exist_has_no_schema() {
        assert!(Schemas::builtin().kind("apps", "v1", "Rollout").is_none());
        assert!(Schemas::builtin().kind("apps", "v2", "Deployment").is_none());
    }
}
