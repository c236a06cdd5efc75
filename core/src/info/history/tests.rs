//! What a history says, and where it says nothing.

use super::*;
use serde_json::{Value, json};

fn rollout(changes: &Value) -> Rollout {
    let mut rollout = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "web", "uid": "u", "generation": 3},
        "spec": {"strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}}},
        "status": {"observedGeneration": "3", "stableRS": "h2", "currentPodHash": "h3", "phase": "Paused"},
    });
    json_patch::merge(&mut rollout, changes);
    serde_json::from_value(rollout).expect("a rollout")
}

fn owner() -> Value {
    json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": "u", "controller": true}])
}

fn revision(number: i64, annotations: &Value) -> ReplicaSet {
    let mut rs = json!({
        "metadata": {
            "name": format!("web-h{number}"), "uid": format!("rs{number}"), "ownerReferences": owner(),
            "creationTimestamp": format!("2026-01-01T0{number}:00:05Z"),
            "labels": {"rollouts-pod-template-hash": format!("h{number}")},
            "annotations": {"rollout.argoproj.io/revision": number.to_string()},
        },
        "spec": {"template": {"spec": {"containers": [{"name": "web", "image": format!("web:{number}")}]}}},
    });
    json_patch::merge(&mut rs["metadata"]["annotations"], annotations);
    serde_json::from_value(rs).expect("a ReplicaSet")
}

fn family(rollout: Rollout, replica_sets: Vec<ReplicaSet>) -> Family {
    Family { rollout, replica_sets, pods: vec![], runs: None, experiments: None }
}

fn event(reason: &str, message: &str) -> Event {
    serde_json::from_value(json!({
        "metadata": {}, "involvedObject": {"kind": "Rollout", "name": "web", "uid": "u"}, "reason": reason, "message": message,
    }))
    .expect("an event")
}

#[test]
fn a_revision_is_what_status_and_events_say_and_else_unknown() {
    let all = || (1..=3).map(|number| revision(number, &json!({}))).collect::<Vec<_>>();
    let outcomes = |changes: Value, events: &[Event]| {
        let found = revisions(&family(rollout(&changes), all()), events, None);
        found.into_iter().map(|past| (past.revision, past.outcome)).collect::<Vec<_>>()
    };
    let with_first = |third, first| vec![(3, third), (2, Outcome::Stable), (1, first)];
    assert_eq!(outcomes(json!({}), &[]), with_first(Outcome::Paused, Outcome::Unknown));
    let aborted = json!({"status": {"abort": true, "phase": "Degraded"}});
    let said = event("RolloutCompleted", "Rollout completed update to revision 1 (h1): Completed initial deploy");
    assert_eq!(outcomes(aborted, &[said]), with_first(Outcome::Aborted, Outcome::Completed));
    // Revision 10 is not revision 1, and the last word counts.
    let of_ten = event("RolloutAborted", "Rollout aborted update to revision 10");
    let moving = json!({"status": {"phase": "Progressing"}});
    assert_eq!(outcomes(moving.clone(), &[of_ten]), with_first(Outcome::InProgress, Outcome::Unknown));
    let words = [
        event("RolloutAborted", "Rollout aborted update to revision 1: why"),
        event("RolloutCompleted", "Rollout completed update to revision 1 (h1): x"),
    ];
    assert_eq!(outcomes(moving, &words), with_first(Outcome::InProgress, Outcome::Completed));
}

#[test]
fn a_failed_analysis_is_told_where_no_event_is_left() {
    let mut family = family(rollout(&json!({})), vec![revision(1, &json!({}))]);
    let run = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun",
        "metadata": {"name": "web-h1-1", "ownerReferences": owner(), "labels": {"rollouts-pod-template-hash": "h1"}},
        "spec": {"metrics": []}, "status": {"phase": "Failed"},
    });
    family.runs = Some(vec![serde_json::from_value(run).expect("a run")]);
    let found = revisions(&family, &[], None);
    assert_eq!(found[0].outcome, Outcome::AnalysisFailed);
    assert_eq!(found[0].runs, [Run { name: "web-h1-1".into(), phase: "Failed".into() }]);
}

#[test]
fn the_present_revision_names_who_wrote_its_template_and_why() {
    let fields =
        |manager: &str, time: &str, fields: Value| json!({"manager": manager, "time": time, "fieldsV1": fields});
    let template = json!({"f:spec": {"f:template": {"f:spec": {}}}});
    let changes = json!({"metadata": {
        "annotations": {"kubernetes.io/change-cause": "a faster search"},
        "managedFields": [
            fields("kubectl-set", "2026-01-01T03:00:00Z", template.clone()),
            fields("kubectl-client-side-apply", "2026-01-01T01:00:00Z", template),
            fields("kubectl-scale", "2026-01-01T04:00:00Z", json!({"f:spec": {"f:replicas": {}}})),
        ],
    }});
    let found =
        revisions(&family(rollout(&changes), vec![revision(3, &json!({})), revision(2, &json!({}))]), &[], None);
    assert_eq!(
        (found[0].manager.as_deref(), found[0].cause.as_deref()),
        (Some("kubectl-set"), Some("a faster search"))
    );
    assert_eq!((found[1].manager.as_deref(), found[1].cause.as_deref()), (None, None));
    assert_eq!(found[0].images, ["web:3"]);
    // A manifest that nobody has looked at yet may be of another revision.
    let mut unseen = rollout(&changes);
    unseen.metadata.generation = Some(4);
    let found = revisions(&family(unseen, vec![revision(3, &json!({}))]), &[], None);
    assert_eq!((found[0].manager.as_deref(), found[0].cause.as_deref()), (None, None));
}

fn application() -> Application {
    let entry = |id: i64, from: &str, to: &str, commit: &str| {
        json!({
            "id": id, "deployStartedAt": from, "deployedAt": to, "revision": commit,
            "source": {"repoURL": "https://git.example.com/shop.git"}, "initiatedBy": {"username": "ann"},
        })
    };
    serde_json::from_value(json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "shop"},
        "spec": {"destination": {}, "project": "default"},
        "status": {
            "history": [
                entry(0, "2026-01-01T01:00:00Z", "2026-01-01T01:00:04Z", "aaa"),
                entry(1, "2026-01-01T02:30:00Z", "2026-01-01T02:30:04Z", "bbb"),
            ],
            "operationState": {
                "operation": {}, "phase": "Running", "startedAt": "2026-01-01T03:00:00Z",
                "syncResult": {"revision": "ccc", "source": {"repoURL": "https://git.example.com/shop.git"}},
            },
        },
    }))
    .expect("an Application")
}

#[test]
fn a_commit_is_named_where_a_sync_was_at_work_when_the_revision_came() {
    let all = vec![revision(3, &json!({})), revision(2, &json!({})), revision(1, &json!({}))];
    let found = revisions(&family(rollout(&json!({})), all), &[], Some(&application()));
    let commits: Vec<_> = found.iter().map(|past| past.commit.clone().map(|commit| commit.revisions)).collect();
    // The second came by hand, half an hour before the next sync.
    assert_eq!(commits, [Some(vec!["ccc".to_owned()]), None, Some(vec!["aaa".to_owned()])]);
    let first = found[2].commit.clone().expect("a commit");
    assert_eq!((first.application.as_str(), first.by.as_deref()), ("shop", Some("ann")));
    assert_eq!(first.repositories, ["https://git.example.com/shop.git"]);
}

#[test]
fn a_revision_that_somebody_went_back_to_remembers_its_numbers_and_no_commit() {
    let back = revision(3, &json!({"rollout.argoproj.io/revision-history": "1,x"}));
    let found = revisions(&family(rollout(&json!({})), vec![back]), &[], Some(&application()));
    assert_eq!((found[0].earlier_numbers.as_slice(), &found[0].commit), ([1].as_slice(), &None));
}
