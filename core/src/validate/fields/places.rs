//! Where in a kind each name occurs, so that a field in the wrong place can be sent to the right one.

use std::collections::{BTreeMap, VecDeque};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};

use crate::identity::go_fields;
use crate::identity::go_types::{GoStruct, Kind};

use super::is_pod_template;

/// Pods have fields for many rare things; deeper than a container's nobody looks for a field that was misplaced.
const POD_DEPTH: usize = 3;

/// The parents of each name, nearest to the root first.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<String, Vec<String>>);

impl Places {
    /// The places in a schema, but for those in its status.
    pub(super) fn of(schema: &JSONSchemaProps) -> Places {
        let mut places = Places::default();
        let mut queue = VecDeque::from([(String::new(), schema)]);
        while let Some((path, schema)) = queue.pop_front() {
            if is_pod_template(schema) {
                places.add_pods(&path);
                continue;
            }
            for (name, inner) in schema.properties.iter().flatten() {
                if path.is_empty() && name != "spec" {
                    continue;
                }
                places.add(name, &path);
                queue.push_back((super::join(&path, name), inner));
            }
            if let Some(JSONSchemaPropsOrArray::Schema(inner)) = &schema.items {
                queue.push_back((format!("{path}[]"), inner));
            }
            if let Some(JSONSchemaPropsOrBool::Schema(inner)) = &schema.additional_properties {
                queue.push_back((format!("{path}.*"), inner));
            }
        }
        places
    }

    fn add_pods(&mut self, path: &str) {
        let mut queue: VecDeque<(String, &'static GoStruct, usize)> =
            VecDeque::from([(path.to_owned(), &go_fields::POD_TEMPLATE_SPEC, 0)]);
        while let Some((path, type_, depth)) = queue.pop_front() {
            for field in type_.fields {
                self.add(field.name, &path);
                let inner = match field.kind {
                    Kind::Struct(inner) => Some((String::new(), inner)),
                    Kind::List(Kind::Struct(inner)) => Some(("[]".to_owned(), *inner)),
                    _ => None,
                };
                if let Some((suffix, inner)) =
                    inner.filter(|(_, inner)| depth < POD_DEPTH && inner.name != "ObjectMeta")
                {
                    queue.push_back((format!("{}{suffix}", super::join(&path, field.name)), inner, depth + 1));
                }
            }
        }
    }

    fn add(&mut self, name: &str, parent: &str) {
        self.0.entry(name.to_owned()).or_default().push(parent.to_owned());
    }

    /// The parent that somebody who wrote `name` under `at` most likely meant.
    pub(super) fn best(&self, name: &str, at: &str) -> Option<&str> {
        let at = without_indexes(at);
        let parents = self.0.get(name)?.iter().filter(|parent| **parent != at);
        let rank = |parent: &&String| {
            // Within what surrounds it, then near the root; containers before their rarer kin.
            let is_inside = at.is_empty() || parent.starts_with(&at) || at.starts_with(parent.as_str());
            let is_common = parent.ends_with(".containers[]") || !parent.contains("ontainers[]");
            (!is_inside, parent.matches('.').count(), !parent.ends_with(".containers[]"), !is_common)
        };
        parents.min_by_key(rank).map(String::as_str)
    }
}

/// `a[0].b` as `a[].b`.
fn without_indexes(path: &str) -> String {
    let mut is_inside = false;
    let kept = path.chars().filter(|character| {
        match character {
            '[' => is_inside = true,
            ']' => is_inside = false,
            _ => return !is_inside,
        }
        true
    });
    kept.collect()
}
