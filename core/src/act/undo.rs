//! Going back: the pod template of an earlier revision, put into the manifest.

use crate::api::{ReplicaSet, Rollout, labels};
use serde_json::{Value, json};

/// Annotation of ReplicaSets: labels and annotations that the controller added to the template for the ReplicaSet's role.
const EPHEMERAL_METADATA: &str = "rollout.argoproj.io/ephemeral-metadata";

/// What going back amounts to.
#[derive(Clone, Debug, PartialEq)]
pub enum Undo {
    /// The manifest asks for that revision already.
    AlreadyThere(i64),
    /// The template to put into the manifest.
    Template(Value),
}

/// Goes back to `revision`, or with 0 to the one before the newest.
pub fn undo(rollout: &Rollout, owned: &[ReplicaSet], revision: i64) -> Result<Undo, String> {
    let mut history: Vec<&ReplicaSet> = owned.iter().filter(|rs| rs.revision() > 0).collect();
    history.sort_by_key(|rs| std::cmp::Reverse(rs.revision()));
    let numbers = history.iter().map(|rs| rs.revision().to_string()).collect::<Vec<_>>().join(", ");
    let target = if revision == 0 {
        history.get(1).ok_or_else(|| match numbers.as_str() {
            "" => "there is no revision yet".to_owned(),
            only => format!("there is no revision before the newest; there is: {only}"),
        })?
    } else {
        history
            .iter()
            .find(|rs| rs.revision() == revision)
            .ok_or_else(|| format!("unable to find revision {revision}; there are: {numbers}"))?
    };
    let current = rollout.status().current_pod_hash.as_str();
    // An older generation's hash says nothing about the manifest as it is now.
    if rollout.is_observed() && target.hash().is_some_and(|hash| hash.as_str() == current) {
        return Ok(Undo::AlreadyThere(target.revision()));
    }
    Ok(Undo::Template(template(target)))
}

/// The template as the user wrote it: without what the controller added.
fn template(rs: &ReplicaSet) -> Value {
    let mut template = rs.spec.template.clone();
    remove(&mut template, "labels", labels::POD_TEMPLATE_HASH);
    let added: Value =
        rs.annotation(EPHEMERAL_METADATA).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    for map in ["labels", "annotations"] {
        for key in added[map].as_object().into_iter().flat_map(serde_json::Map::keys) {
            remove(&mut template, map, key);
        }
    }
    if let Some(metadata) = template["metadata"].as_object_mut() {
        // Written by the API server's defaulting, never by a person.
        if metadata.get("creationTimestamp").is_some_and(Value::is_null) {
            metadata.remove("creationTimestamp");
        }
    }
    template
}

fn remove(template: &mut Value, map: &str, key: &str) {
    let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let Some(entries) = metadata.get_mut(map).and_then(Value::as_object_mut) else { return };
    entries.remove(key);
    if entries.is_empty() {
        metadata.remove(map);
    }
}

/// The patch that puts `template` at `path`, to be refused where what stands there is no longer `old`.
pub fn patch(path: &str, old: &Value, template: &Value) -> Result<json_patch::Patch, String> {
    serde_json::from_value(json!([
        {"op": "test", "path": path, "value": old},
        {"op": "replace", "path": path, "value": template},
    ]))
    .map_err(|error| format!("cannot build the patch: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(hash: &str) -> Rollout {
        serde_json::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
            "metadata": {"name": "web", "generation": 3},
            "spec": {"strategy": {"canary": {}}},
            "status": {"observedGeneration": "3", "currentPodHash": hash},
        }))
        .expect("a rollout")
    }

    fn revision(number: i64) -> ReplicaSet {
        let hash = format!("h{number}");
        serde_json::from_value(json!({
            "metadata": {
                "name": format!("web-{hash}"),
                "labels": {"app": "web", "rollouts-pod-template-hash": hash},
                "annotations": {
                    "rollout.argoproj.io/revision": number.to_string(),
                    "rollout.argoproj.io/ephemeral-metadata": r#"{"labels":{"role":"stable"},"annotations":{"n":"1"}}"#,
                },
            },
            "spec": {"template": {
                "metadata": {
                    "creationTimestamp": null,
                    "labels": {"app": "web", "role": "stable", "rollouts-pod-template-hash": hash},
                    "annotations": {"n": "1"},
                },
                "spec": {"containers": [{"name": "web", "image": format!("web:{number}")}]},
            }},
        }))
        .expect("a ReplicaSet")
    }

    fn of(number: i64) -> Undo {
        Undo::Template(json!({
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": format!("web:{number}")}]},
        }))
    }

    #[test]
    fn the_template_comes_back_as_the_user_wrote_it() {
        let owned = [revision(3), revision(1), revision(2)];
        assert_eq!(undo(&rollout("h3"), &owned, 0), Ok(of(2)));
        assert_eq!(undo(&rollout("h3"), &owned, 1), Ok(of(1)));
        assert_eq!(undo(&rollout("h3"), &owned, 3), Ok(Undo::AlreadyThere(3)));
    }

    #[test]
    fn a_manifest_that_nobody_has_looked_at_yet_may_ask_for_anything() {
        let mut changed = rollout("h3");
        changed.metadata.generation = Some(4);
        assert_eq!(undo(&changed, &[revision(3), revision(2)], 3), Ok(of(3)));
    }

    #[test]
    fn a_revision_that_is_not_there_is_answered_with_those_that_are() {
        let error = undo(&rollout("h3"), &[revision(3), revision(2)], 7);
        assert_eq!(error, Err("unable to find revision 7; there are: 3, 2".to_owned()));
        let error = undo(&rollout("h3"), &[revision(3)], 0);
        assert_eq!(error, Err("there is no revision before the newest; there is: 3".to_owned()));
    }

    #[test]
    fn a_template_that_was_changed_meanwhile_is_not_written_over() {
        let image = |image: &str| json!({"spec": {"containers": [{"name": "web", "image": image}]}});
        let patch = patch("/spec/template", &image("web:2"), &image("web:1")).expect("a patch");
        let mut rollout = json!({"spec": {"template": image("web:2")}});
        json_patch::patch(&mut rollout, &patch).expect("it is as it was read");
        assert_eq!(rollout["spec"]["template"], image("web:1"));
        let mut rollout = json!({"spec": {"template": image("web:3")}});
        assert!(json_patch::patch(&mut rollout, &patch).is_err());
    }
}
