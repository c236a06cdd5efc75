//! The resources that the API serves: the built-in ones, and those that CustomResourceDefinitions add.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::openapi;
use crate::schema::{Schema, Schemas};
use crate::store::ResourceKey;
use crate::write::versions;

/// A resource in one version.
#[derive(Debug)]
pub struct Resource {
    /// `replicasets.apps`; the core group adds nothing.
    pub key: ResourceKey,
    /// The group; empty for the core.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind of its objects.
    pub kind: String,
    /// The kind of its lists.
    pub list_kind: String,
    /// The name in paths.
    pub plural: String,
    /// The name of one.
    pub singular: String,
    /// Abbreviations.
    pub short_names: Vec<String>,
    /// Groups of resources that it belongs to, such as `all`.
    pub categories: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Whether the status has a path of its own.
    pub status: bool,
    /// Where the scale subresource reads and writes, if there is one.
    pub scale: Option<Scale>,
    /// The version of the CustomResourceDefinition that made it; `None` where it is built in.
    pub custom: Option<Custom>,
    /// Whether it is never stored: its objects are questions, and their creation is answered.
    pub question: bool,
}

/// What a CustomResourceDefinition says of one version.
#[derive(Debug)]
pub struct Custom {
    /// Its schema.
    pub schema: Arc<Schema>,
    /// The entry of `spec.versions`.
    pub version: Value,
}

/// Where an object keeps what the scale subresource shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Pointer to the wanted replicas.
    pub spec_replicas: String,
    /// Pointer to the observed replicas.
    pub status_replicas: String,
    /// Pointer to the label selector as a line of text; built-in kinds have a selector in `spec` instead.
    pub selector: Option<String>,
}

impl Resource {
    /// Whether a CustomResourceDefinition made it.
    pub fn is_custom(&self) -> bool {
        self.custom.is_some()
    }

    /// What is posted to a service account for a token. As it is no resource, refusals name it by its kind.
    pub fn token_request() -> Resource {
        let found =
            json!({ "resource": "TokenRequest", "responseKind": { "kind": "TokenRequest" }, "scope": "Namespaced" });
        builtin(("authentication.k8s.io", "v1"), &found)
    }

    /// What its objects look like.
    pub fn schema(&self) -> Option<Arc<Schema>> {
        match &self.custom {
            Some(custom) => Some(Arc::clone(&custom.schema)),
            None => Schemas::builtin().kind(&self.group, &self.version, &self.kind),
        }
    }

    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }
}

/// Every resource by group and name, each with the versions that are served, the stored one first.
#[derive(Debug, Default)]
pub struct Registry {
    resources: BTreeMap<(String, String), Vec<Arc<Resource>>>,
    /// What each CustomResourceDefinition says, by its name.
    definitions: BTreeMap<String, Value>,
    /// What can only be created, and is never stored.
    questions: Vec<Arc<Resource>>,
}

impl Registry {
    /// The built-in resources.
    pub fn builtin() -> Registry {
        let mut registry = Registry::default();
        for group in openapi::resources() {
            let name = group["metadata"]["name"].as_str().unwrap_or_default();
            for version in group["versions"].as_array().into_iter().flatten() {
                let of = (name, version["version"].as_str().unwrap_or_default());
                let resources = version["resources"].as_array().into_iter().flatten();
                for resource in resources {
                    if is_kept(of, resource) {
                        registry.add(Arc::new(builtin(of, resource)));
                    } else {
                        let asked = Some(builtin(of, resource)).filter(|asked| asked.question && !name.is_empty());
                        registry.questions.extend(asked.map(Arc::new));
                    }
                }
            }
        }
        registry
    }

    fn add(&mut self, resource: Arc<Resource>) {
        let key = (resource.group.clone(), resource.plural.clone());
        self.resources.entry(key).or_default().push(resource);
    }

    /// The resource of a path.
    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        let versions = self.resources.get(&(group.to_owned(), plural.to_owned()))?;
        versions.iter().find(|resource| resource.version == version)
    }

    /// What a path asks, if it is a question: something that can be created and is never stored.
    pub fn question(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        let mut questions = self.questions.iter();
        questions.find(|asked| asked.group == group && asked.version == version && asked.plural == plural)
    }

    /// The resource of a kind, in the version that an object names.
    pub fn kind(&self, group: &str, version: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.iter().find(|resource| resource.group == group && resource.version == version && resource.kind == kind)
    }

    /// The resource by its key.
    pub fn key(&self, key: &str) -> Option<&Arc<Resource>> {
        let (plural, group) = key.split_once('.').unwrap_or((key, ""));
        self.resources.get(&(group.to_owned(), plural.to_owned()))?.first()
    }

    /// A built-in resource of which the sandbox knows that it exists.
    pub fn known(&self, key: &str) -> Arc<Resource> {
        Arc::clone(self.key(key).unwrap_or_else(|| unreachable!("{key} is built in")))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.values().flatten()
    }

    /// Serves what a CustomResourceDefinition defines.
    pub fn define(&mut self, definition: &Value) {
        let (name, spec) = (crate::object::name(definition), &definition["spec"]);
        if self.definitions.get(name) == Some(spec) {
            return;
        }
        self.undefine(definition);
        self.definitions.insert(name.to_owned(), spec.clone());
        let text = |pointer: &str| spec.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let list = |pointer: &str| serde_json::from_value(spec.pointer(pointer).cloned().unwrap_or_default());
        let (group, plural, kind) = (text("/group"), text("/names/plural"), text("/names/kind"));
        let versions = spec["versions"].as_array().into_iter().flatten();
        let mut served: Vec<&Value> = versions.filter(|version| version["served"] == true).collect();
        served.sort_by_key(|version| version["storage"] != true);
        if self.resources.contains_key(&(group.clone(), plural.clone())) {
            // Another API serves that already, and goes on.
            return;
        }
        for version in served {
            self.add(Arc::new(Resource {
                key: format!("{plural}.{group}").into(),
                group: group.clone(),
                version: version["name"].as_str().unwrap_or_default().to_owned(),
                kind: kind.clone(),
                list_kind: text("/names/listKind"),
                plural: plural.clone(),
                singular: text("/names/singular"),
                short_names: list("/names/shortNames").unwrap_or_default(),
                categories: list("/names/categories").unwrap_or_default(),
                namespaced: spec["scope"] == "Namespaced",
                status: version.pointer("/subresources/status").is_some(),
                scale: version.pointer("/subresources/scale").map(custom_scale),
                custom: Some(Custom { schema: schema_of(version), version: version.clone() }),
                question: false,
            }));
        }
    }

    /// No longer serves what a CustomResourceDefinition defined.
    pub fn undefine(&mut self, definition: &Value) {
        let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = (text("/spec/group"), text("/spec/names/plural"));
        if self.resources.get(&key).is_some_and(|versions| versions.iter().all(|resource| resource.is_custom())) {
            self.resources.remove(&key);
        }
        self.definitions.remove(crate::object::name(definition));
    }
}

/// A schema that cannot be read lets everything through; the definition's validation tells what is wrong with it.
fn schema_of(version: &Value) -> Arc<Schema> {
    Schema::of_crd_version(&version["schema"]["openAPIV3Schema"])
        .unwrap_or_else(|_| Arc::new(Schema { preserves_unknown: true, custom: true, ..Schema::default() }))
}

/// What is only asked and not stored is no resource here, and what has two names is stored under the first.
pub fn is_kept((group, version): (&str, &str), resource: &Value) -> bool {
    const SECOND_NAME: (&str, &str) = ("autoscaling", "v1");
    let verbs = resource["verbs"].as_array().into_iter().flatten();
    verbs.into_iter().any(|verb| verb == "list")
        && SECOND_NAME != (group, version)
        && resource["resource"] != "componentstatuses"
}

/// A resource as discovery describes it.
fn builtin((group, version): (&str, &str), found: &Value) -> Resource {
    let text = |pointer: &str| found.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let list = |field: &str| serde_json::from_value(found[field].clone()).unwrap_or_default();
    let has = |name: &str| {
        let mut subresources = found["subresources"].as_array().into_iter().flatten();
        subresources.any(|subresource| subresource["subresource"] == name)
    };
    let (plural, kind) = (text("/resource"), text("/responseKind/kind"));
    Resource {
        // The events of both groups are the same ones.
        key: match group {
            "" | versions::EVENTS => plural.as_str().into(),
            _ => format!("{plural}.{group}").into(),
        },
        group: group.to_owned(),
        version: version.to_owned(),
        list_kind: format!("{kind}List"),
        kind,
        plural,
        singular: text("/singularResource"),
        short_names: list("shortNames"),
        categories: list("categories"),
        namespaced: found["scope"] == "Namespaced",
        status: has("status"),
        scale: has("scale").then(|| Scale {
            spec_replicas: "/spec/replicas".to_owned(),
            status_replicas: "/status/replicas".to_owned(),
            selector: None,
        }),
        custom: None,
        question: found["verbs"] == json!(["create"]),
    }
}

fn custom_scale(scale: &Value) -> Scale {
    let pointer = |field: &str| scale[field].as_str().map(|path| path.replace('.', "/"));
    Scale {
        spec_replicas: pointer("specReplicasPath").unwrap_or_default(),
        status_replicas: pointer("statusReplicasPath").unwrap_or_default(),
        selector: pointer("labelSelectorPath"),
    }
}
