//! What is written into a rollout: its status, its spec or both, and only into the rollout that it was made for.

use serde_json::{Value, json};

use crate::api::Rollout;

/// Merge patches for the two halves of a rollout.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Into the status.
    pub status: Option<Value>,
    /// Into the spec.
    pub spec: Option<Value>,
}

impl Change {
    /// One of the status alone.
    pub fn of_status(patch: Value) -> Change {
        Change { status: Some(patch), spec: None }
    }

    /// One of the spec alone.
    pub fn of_spec(patch: Value) -> Change {
        Change { status: None, spec: Some(patch) }
    }

    /// Both as one patch, for a CRD without a status subresource.
    pub fn unified(&self) -> Value {
        let mut patch = self.status.clone().unwrap_or_else(|| json!({}));
        if let Some(spec) = &self.spec {
            json_patch::merge(&mut patch, spec);
        }
        patch
    }
}

/// `patch`, to be refused where the rollout was written since it was read.
///
/// The controller may have gone on meanwhile, and what was computed from an old step must not move the rollout backwards.
pub fn under_version(mut patch: Value, rollout: &Rollout) -> Value {
    if let Some(version) = &rollout.metadata.resource_version {
        patch["metadata"] = json!({"resourceVersion": version});
    }
    patch
}

/// `patch`, to be refused where another rollout of the same name has come.
pub fn under_uid(mut patch: Value, rollout: &Rollout) -> Value {
    if let Some(uid) = &rollout.metadata.uid {
        patch["metadata"] = json!({"uid": uid});
    }
    patch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_what_it_was_made_for() {
        let change = Change {
            status: Some(json!({"status": {"pauseConditions": null}})),
            spec: Some(json!({"spec": {"paused": false}})),
        };
        let all = json!({"status": {"pauseConditions": null}, "spec": {"paused": false}});
        assert_eq!(change.unified(), all);
        let rollout = serde_json::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
            "metadata": {"name": "web", "uid": "u", "resourceVersion": "7"}, "spec": {"strategy": {}},
        }))
        .expect("a rollout");
        assert_eq!(under_version(change.unified(), &rollout)["metadata"], json!({"resourceVersion": "7"}));
        assert_eq!(under_uid(change.unified(), &rollout)["metadata"], json!({"uid": "u"}));
    }
}
