//! Going back: the template of an earlier revision becomes the manifest's.

use anyhow::bail;
use serde_json::{Value, json};
use sluice_core::api::{ReplicaSet, Rollout, labels};
use sluice_core::identity::semantically_equal;

/// The JSON Patch that goes back to a revision; 0 is the one before the present.
pub fn undo(rollout: &Rollout, replica_sets: &[ReplicaSet], revision: i64) -> anyhow::Result<Value> {
    let target = find(replica_sets, revision)?;
    let mut template = target.spec.template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(labels::POD_TEMPLATE_HASH);
    }
    let present = rollout.spec.template.clone().unwrap_or(Value::Null);
    if semantically_equal(&present, &template) {
        bail!("the rollout is at revision {} already: skipped rollback", target.revision());
    }
    Ok(json!([
        { "op": "test", "path": "/spec/template", "value": present },
        { "op": "replace", "path": "/spec/template", "value": template },
    ]))
}

fn find(replica_sets: &[ReplicaSet], revision: i64) -> anyhow::Result<&ReplicaSet> {
    let mut newest_first: Vec<&ReplicaSet> = replica_sets.iter().collect();
    newest_first.sort_by_key(|rs| std::cmp::Reverse(rs.revision()));
    let found = match revision {
        0 => newest_first.get(1).copied(),
        _ => newest_first.iter().copied().find(|rs| rs.revision() == revision),
    };
    let Some(found) = found else {
        if newest_first.len() < 2 && revision == 0 {
            bail!("no revision to go back to: there is only one");
        }
        let known: Vec<_> = newest_first.iter().map(|rs| rs.revision().to_string()).collect();
        bail!("unable to find revision {revision}; there are {}", known.join(", "));
    };
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(image: &str, hash: Option<&str>) -> Value {
        let mut labels = json!({"app": "web"});
        if let Some(hash) = hash {
            labels[labels::POD_TEMPLATE_HASH] = json!(hash);
        }
        json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": image}]}})
    }

    fn replica_set(revision: i64) -> ReplicaSet {
        serde_json::from_value(json!({
            "metadata": {"name": "web", "annotations": {labels::REVISION: revision.to_string()}},
            "spec": {"selector": {}, "template": template(&format!("web:{revision}"), Some("abc"))},
        }))
        .expect("a ReplicaSet")
    }

    fn rollout() -> Rollout {
        let spec = json!({"template": template("web:3", None), "strategy": {}});
        serde_json::from_value(json!({"metadata": {}, "spec": spec})).expect("a Rollout")
    }

    fn goes_to(revision: i64) -> anyhow::Result<Value> {
        let patch = undo(&rollout(), &[replica_set(2), replica_set(3), replica_set(1)], revision)?;
        Ok(patch[1]["value"].clone())
    }

    #[test]
    fn without_a_number_it_is_the_revision_before() {
        assert_eq!(goes_to(0).expect("a patch"), template("web:2", None));
    }

    #[test]
    fn the_hash_of_the_revision_stays_behind() {
        assert_eq!(goes_to(1).expect("a patch"), template("web:1", None));
    }

    #[test]
    fn an_unknown_revision_is_an_error_that_names_the_known_ones() {
        assert_eq!(goes_to(7).expect_err("an error").to_string(), "unable to find revision 7; there are 3, 2, 1");
    }

    #[test]
    fn the_present_revision_is_nothing_to_go_back_to() {
        assert!(goes_to(3).expect_err("an error").to_string().contains("already"));
        let only = undo(&rollout(), &[replica_set(3)], 0).expect_err("an error").to_string();
        assert_eq!(only, "no revision to go back to: there is only one");
    }
}
