//! The fields that nobody can own: those of the server, and those that a write to this part of the object cannot change.

use serde_json::{Map, Value};

use super::Manager;
use super::element::field;
use super::set::Set;

/// What a write does not touch, whatever it sends.
#[derive(Default)]
pub(super) struct Ignored {
    root: Option<&'static str>,
    metadata: &'static [&'static str],
    all_metadata: bool,
}

/// What the server keeps in the metadata.
const OF_THE_SERVER: &[&str] = &[
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
];

impl Ignored {
    /// The one field of the root of which some is ignored.
    pub(super) const PARTLY: &str = "metadata";

    /// For a write of a kind.
    pub(super) fn of(writer: &Manager, kind: &str) -> Ignored {
        let group = writer.api_version.split_once('/').map_or("", |(group, _)| group);
        match (writer.subresource.as_str(), group, kind) {
            _ if !writer.has_status => Ignored::default(),
            ("", _, _) => Ignored { root: Some("status"), ..Ignored::default() },
            ("status", "apps", "Deployment") => {
                Ignored { root: Some("spec"), metadata: &["labels"], ..Ignored::default() }
            }
            ("status", "", "Pod") => {
                let metadata = &["deletionTimestamp", "ownerReferences"];
                Ignored { root: Some("spec"), metadata, ..Ignored::default() }
            }
            ("status", "apiextensions.k8s.io", "CustomResourceDefinition") => {
                Ignored { root: Some("spec"), all_metadata: true, ..Ignored::default() }
            }
            ("status", _, _) => Ignored { root: Some("spec"), ..Ignored::default() },
            _ => Ignored::default(),
        }
    }

    /// What a writer of this part cannot own, with all that is in it.
    pub(super) fn as_set(&self) -> Set {
        let mut set = Map::new();
        if let Some(root) = self.root {
            set.insert(field(root), leaf());
        }
        if self.all_metadata {
            set.insert(field(Ignored::PARTLY), leaf());
        } else if !self.metadata.is_empty() {
            set.insert(field(Ignored::PARTLY), fields(self.metadata));
        }
        Set(set)
    }

    /// What nobody owns.
    pub(super) fn of_the_server() -> Set {
        let mut metadata = fields(OF_THE_SERVER);
        metadata[super::set::SELF] = leaf();
        let all = [("apiVersion", leaf()), ("kind", leaf()), (Ignored::PARTLY, metadata)];
        Set(all.into_iter().map(|(name, node)| (field(name), node)).collect())
    }

    /// A field of the root that is not looked at.
    pub(super) fn whole(&self, name: &str) -> bool {
        name == "apiVersion" || name == "kind" || self.root == Some(name)
    }

    /// A field of the metadata that is not looked at.
    pub(super) fn metadata(&self, name: &str) -> bool {
        self.all_metadata || OF_THE_SERVER.contains(&name) || self.metadata.contains(&name)
    }
}

fn leaf() -> Value {
    Value::Object(Map::new())
}

fn fields(names: &[&str]) -> Value {
    Value::Object(names.iter().map(|name| (field(name), leaf())).collect())
}
