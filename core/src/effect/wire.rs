//! Effects as requests: JSON Patches whose `test` operations are the preconditions.

use serde_json::{Value, json};

use super::{Entries, Entry, Ownership, PodPatch, ReplicaSetPatch, RolloutPatch, ServicePatch, Target, WorkloadScale};

/// The operations of a JSON Patch (RFC 6902), as the API server takes them.
pub type Operations = Vec<Value>;

impl ReplicaSetPatch {
    /// The patch: it applies to the observed object at the observed size, or not at all.
    pub fn operations(&self) -> Operations {
        let mut operations = vec![test("/metadata/uid", &json!(self.target.uid))];
        if let Some(change) = &self.replicas {
            operations.push(test("/spec/replicas", &json!(change.from)));
            operations.push(set("/spec/replicas", &json!(change.to)));
        }
        if let Some(change) = &self.min_ready_seconds {
            // The API server leaves the field out when it is 0, so there may be nothing to test.
            if change.from != 0 {
                operations.push(test("/spec/minReadySeconds", &json!(change.from)));
            }
            operations.push(set("/spec/minReadySeconds", &json!(change.to)));
        }
        let template = &self.template;
        test_version_if_new(&mut operations, &self.target, [&template.labels, &template.annotations]);
        change(&mut operations, "/spec/template/metadata/labels", &template.labels);
        change(&mut operations, "/spec/template/metadata/annotations", &template.annotations);
        if let Some(affinity) = &template.affinity {
            if !affinity.from.is_null() {
                operations.push(test("/spec/template/spec/affinity", &affinity.from));
            }
            operations.push(if affinity.to.is_null() {
                remove("/spec/template/spec/affinity")
            } else {
                set("/spec/template/spec/affinity", &affinity.to)
            });
        }
        change(&mut operations, "/metadata/annotations", &self.annotations);
        operations
    }
}

impl PodPatch {
    /// The patch: it applies to the observed pod, where what it replaces still stands.
    pub fn operations(&self) -> Operations {
        let mut operations = vec![test("/metadata/uid", &json!(self.target.uid))];
        test_version_if_new(&mut operations, &self.target, [&self.labels, &self.annotations]);
        change(&mut operations, "/metadata/labels", &self.labels);
        change(&mut operations, "/metadata/annotations", &self.annotations);
        operations
    }
}

impl ServicePatch {
    /// The patch: it applies to the very version that was observed, because an absent entry cannot be tested for.
    pub fn operations(&self) -> Operations {
        let mut operations = vec![
            test("/metadata/uid", &json!(self.target.uid)),
            test("/metadata/resourceVersion", &json!(self.target.resource_version)),
        ];
        change(&mut operations, "/spec/selector", &self.selector);
        change(&mut operations, "/metadata/annotations", &self.annotations);
        operations
    }
}

impl RolloutPatch {
    /// The patch: it applies to the very version that was observed, because an absent field cannot be tested for.
    pub fn operations(&self) -> Operations {
        let mut operations = vec![
            test("/metadata/uid", &json!(self.target.uid)),
            test("/metadata/resourceVersion", &json!(self.target.resource_version)),
        ];
        if let Some(replicas) = self.replicas {
            operations.push(set("/spec/replicas", &json!(replicas)));
        }
        change(&mut operations, "/metadata/annotations", &self.annotations);
        operations
    }
}

impl WorkloadScale {
    /// The patch: it applies to the observed Deployment at the observed size, or not at all.
    pub fn operations(&self) -> Operations {
        vec![
            test("/metadata/uid", &json!(self.target.uid)),
            test("/spec/replicas", &json!(self.replicas.from)),
            set("/spec/replicas", &json!(self.replicas.to)),
        ]
    }
}

impl Ownership {
    /// The patch: it applies to the very version that was observed.
    pub fn operations(&self) -> Operations {
        vec![
            test("/metadata/uid", &json!(self.target.uid)),
            test("/metadata/resourceVersion", &json!(self.target.resource_version)),
            set("/metadata/ownerReferences", &self.owner_references),
        ]
    }
}

/// An absent entry cannot be tested for, and whoever adds a map must not replace another one: then the whole object must be as
/// it was observed.
fn test_version_if_new(operations: &mut Operations, target: &Target, maps: [&Entries; 2]) {
    if maps.into_iter().flat_map(|entries| &entries.changes).any(Entry::is_new) {
        operations.push(test("/metadata/resourceVersion", &json!(target.resource_version)));
    }
}

/// Changes entries of the map at `map`.
fn change(operations: &mut Operations, map: &str, entries: &Entries) {
    if entries.changes.is_empty() {
        return;
    }
    if !entries.had_any {
        let all = entries.changes.iter().filter_map(|entry| Some((entry.key.clone(), json!(entry.value.to.as_ref()?))));
        operations.push(set(map, &Value::Object(all.collect())));
        return;
    }
    for Entry { key, value } in &entries.changes {
        let path = format!("{map}/{}", escape(key));
        if let Some(from) = &value.from {
            operations.push(test(&path, &json!(from)));
        }
        operations.push(match &value.to {
            Some(to) => set(&path, &json!(to)),
            None => remove(&path),
        });
    }
}

fn remove(path: &str) -> Value {
    json!({ "op": "remove", "path": path })
}

fn test(path: &str, value: &Value) -> Value {
    json!({ "op": "test", "path": path, "value": value })
}

/// `add` replaces what is there, and unlike `replace` also works where nothing is.
fn set(path: &str, value: &Value) -> Value {
    json!({ "op": "add", "path": path, "value": value })
}

/// A map key as a JSON Pointer segment (RFC 6901).
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::super::{Change, TemplatePatch};
    use super::*;

    fn patch() -> ReplicaSetPatch {
        ReplicaSetPatch {
            target: Target { name: "web-abc".into(), uid: "u1".into(), resource_version: "7".into() },
            replicas: Some(Change { from: 1, to: 2 }),
            min_ready_seconds: None,
            annotations: Entries {
                changes: Entry::change("rollout.argoproj.io/desired-replicas", Some("2"), Some("4"))
                    .into_iter()
                    .collect(),
                had_any: true,
            },
            template: TemplatePatch::default(),
        }
    }

    #[test]
    fn a_size_and_its_annotation_are_one_patch_that_tests_both() {
        let path = "/metadata/annotations/rollout.argoproj.io~1desired-replicas";
        assert_eq!(
            patch().operations(),
            [
                json!({"op": "test", "path": "/metadata/uid", "value": "u1"}),
                json!({"op": "test", "path": "/spec/replicas", "value": 1}),
                json!({"op": "add", "path": "/spec/replicas", "value": 2}),
                json!({"op": "test", "path": path, "value": "2"}),
                json!({"op": "add", "path": path, "value": "4"}),
            ]
        );
    }

    #[test]
    fn the_first_annotation_brings_its_map() {
        let mut patch = ReplicaSetPatch { replicas: None, ..patch() };
        patch.annotations.had_any = false;
        assert_eq!(
            patch.operations()[1..],
            [json!({
                "op": "add",
                "path": "/metadata/annotations",
                "value": {"rollout.argoproj.io/desired-replicas": "4"}
            })]
        );
    }
}
