//! A way back: a sync to what the history has.

use crate::api::Application;
use serde_json::{Value, json};

use super::sync::initiated_by;
use crate::info::application::stored::Stored;

/// How to go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// To which entry of the history; to the one before the last, where nothing is said.
    pub id: Option<i64>,
    /// Whether objects go that were not there then.
    pub prune: bool,
    /// Whether nothing is changed.
    pub dry_run: bool,
}

/// The operation that goes back, or why there is none. Hooks do not run: they belong to the way forward.
pub fn operation(way: Way, stored: &Stored, application: &Application, user: &str) -> Result<Value, String> {
    let policy = application.spec.sync_policy.clone().unwrap_or_default();
    if policy.automatic().is_some() {
        return Err("rollback cannot be performed when auto-sync is enabled".to_owned());
    }
    let id = chosen(way.id, application)?;
    // As it is stored: a field that is not known here counts, too.
    let history = stored.rest.get("status").and_then(|status| status["history"].as_array());
    let entry = history.into_iter().flatten().find(|entry| entry["id"].as_i64() == Some(id));
    let entry = entry.ok_or_else(|| format!("its history has no entry {id}"))?;
    let is_given = |field: &str| !matches!(&entry[field], Value::Null) && entry[field] != json!([]);
    if !is_given("source") && !is_given("sources") {
        return Err(format!("the entry {id} of its history does not say where it came from"));
    }
    let mut sync = json!({"prune": way.prune, "dryRun": way.dry_run, "syncStrategy": {"apply": {}}});
    for field in ["revision", "revisions", "source", "sources"] {
        if is_given(field) {
            sync[field] = entry[field].clone();
        }
    }
    if !policy.sync_options.is_empty() {
        sync["syncOptions"] = json!(policy.sync_options);
    }
    let mut operation = json!({"sync": sync});
    if let Some(by) = initiated_by(user) {
        operation["initiatedBy"] = json!(by);
    }
    Ok(operation)
}

fn chosen(id: Option<i64>, application: &Application) -> Result<i64, String> {
    let history = &application.status().history;
    match (id, history.as_slice()) {
        (Some(id), _) if history.iter().any(|entry| entry.id == id) => Ok(id),
        (Some(id), []) => Err(format!("its history is empty, and has no entry {id}")),
        (Some(id), _) => {
            let known = history.iter().map(|entry| entry.id.to_string()).collect::<Vec<_>>().join(", ");
            Err(format!("its history has no entry {id}; there are: {known}"))
        }
        (None, [.., before, _]) => Ok(before.id),
        (None, _) => Err("it needs two successful syncs in its history to go back from the last one".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::info::application::sample::stored;

    fn entry(id: i64, revision: &str) -> Value {
        let source = json!({"repoURL": "https://git.example.com/colors.git", "path": "deploy", "gizmo": id});
        json!({"id": id, "revision": revision, "deployedAt": "2026-01-01T00:00:00Z", "source": source})
    }

    fn built(way: Way, changes: &Value) -> Result<Value, String> {
        let stored = stored(changes);
        operation(way, &stored, &stored.read().expect("an Application"), "jane")
    }

    fn three() -> Value {
        json!({"status": {"history": [entry(4, "a"), entry(5, "b"), entry(6, "c")]}})
    }

    #[test]
    fn one_goes_back_to_the_one_before_the_last_or_as_one_says() {
        for (id, revision, gizmo) in [(None, "b", 5), (Some(4), "a", 4), (Some(6), "c", 6)] {
            let way = Way { id, prune: true, dry_run: false };
            let operation = built(way, &three()).expect("an operation");
            let source = json!({"repoURL": "https://git.example.com/colors.git", "path": "deploy", "gizmo": gizmo});
            let sync = json!({
                "revision": revision, "source": source, "prune": true, "dryRun": false, "syncStrategy": {"apply": {}},
            });
            assert_eq!(operation, json!({"sync": sync, "initiatedBy": {"username": "jane"}}));
        }
    }

    #[test]
    fn several_sources_and_the_options_of_the_application_are_taken_along() {
        let sources = json!([{"repoURL": "a"}, {"repoURL": "b"}]);
        let at = "2026-01-01T00:00:00Z";
        let old = json!({"id": 0, "revisions": ["x", "y"], "sources": sources, "deployedAt": at});
        let changes = json!({
            "spec": {"syncPolicy": {"syncOptions": ["CreateNamespace=true"]}},
            "status": {"history": [old, entry(1, "b")]},
        });
        let operation = built(Way::default(), &changes).expect("an operation");
        assert_eq!(operation["sync"]["revisions"], json!(["x", "y"]));
        assert_eq!(operation["sync"]["sources"], sources);
        assert_eq!(operation["sync"]["source"], Value::Null);
        assert_eq!(operation["sync"]["syncOptions"], json!(["CreateNamespace=true"]));
    }

    #[test]
    fn where_there_is_no_way_back_it_says_why() {
        let one = json!({"status": {"history": [entry(0, "a")]}});
        let mut automated = three();
        automated["spec"] = json!({"syncPolicy": {"automated": {}}});
        let bare = json!({"status": {"history": [{"id": 0, "deployedAt": "2026-01-01T00:00:00Z", "revision": "a"}]}});
        let to = |id| Way { id: Some(id), ..Way::default() };
        for (way, changes, why) in [
            (Way::default(), &one, "it needs two successful syncs in its history to go back from the last one"),
            (Way::default(), &automated, "rollback cannot be performed when auto-sync is enabled"),
            (to(9), &three(), "its history has no entry 9; there are: 4, 5, 6"),
            (to(9), &json!({}), "its history is empty, and has no entry 9"),
            (to(0), &bare, "the entry 0 of its history does not say where it came from"),
        ] {
            assert_eq!(built(way, changes), Err(why.to_owned()));
        }
    }
}
