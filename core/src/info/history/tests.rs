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
    // It was tried again, and nothing says how that ended.
    let mut again = family.runs.as_ref().expect("runs")[0].clone();
    again.metadata.name = Some("web-h1-1.1".into());
    again.status.as_mut().expect("a status").phase = "Successful".into();
    family.runs.as_mut().expect("runs").push(again);
    assert_eq!(revisions(&family, &[], None)[0].outcome, Outcome::Unknown);
}

/// That a program wrote something last at this time, and owns a part of the template.
fn wrote(manager: &str, time: &str) -> Value {
    json!({"manager": manager, "time": time, "fieldsV1": {"f:spec": {"f:template": {"f:spec": {}}}}})
}

#[test]
fn who_wrote_the_template_is_known_only_where_it_was_just_before_its_replica_set() {
    let manager = |written: &[Value]| {
        let changes = json!({"metadata": {"managedFields": written}});
        revisions(&family(rollout(&changes), vec![revision(3, &json!({}))]), &[], None)[0].manager.clone()
    };
    let set = wrote("kubectl-set", "2026-01-01T03:00:00Z");
    // Who owns the rest of the template changed the strategy an hour later.
    assert_eq!(manager(&[set.clone(), wrote(SYNC, "2026-01-01T04:00:00Z")]).as_deref(), Some("kubectl-set"));
    assert_eq!(manager(&[wrote(SYNC, "2026-01-01T04:00:00Z")]), None);
    assert_eq!(manager(&[wrote("kubectl-client-side-apply", "2026-01-01T01:00:00Z")]), None);
    assert_eq!(manager(&[set, wrote("kubectl-edit", "2026-01-01T03:00:03Z")]), None);
}

#[test]
fn the_present_revision_names_who_wrote_its_template_and_why() {
    let changes = json!({"metadata": {
        "annotations": {"kubernetes.io/change-cause": "a faster search"},
        "managedFields": [
            wrote("kubectl-set", "2026-01-01T03:00:00Z"),
            wrote("kubectl-client-side-apply", "2026-01-01T01:00:00Z"),
            {"manager": "kubectl-scale", "time": "2026-01-01T03:00:02Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
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

/// The third revision came with a sync.
fn synced() -> Rollout {
    rollout(&json!({"metadata": {"managedFields": [wrote(SYNC, "2026-01-01T03:00:02Z")]}}))
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
    let found = revisions(&family(synced(), all), &[], Some(&application()));
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
    let found = revisions(&family(synced(), vec![back]), &[], Some(&application()));
    assert_eq!((found[0].earlier_numbers.as_slice(), &found[0].commit), ([1].as_slice(), &None));
    // Argo Rollouts writes the present number down as well, though nobody went back.
    let adopted = revision(3, &json!({"rollout.argoproj.io/revision-history": "3,3"}));
    let found = revisions(&family(synced(), vec![adopted]), &[], Some(&application()));
    assert_eq!((found[0].earlier_numbers.as_slice(), found[0].commit.is_some()), ([].as_slice(), true));
}

#[test]
fn a_commit_is_not_named_where_anything_else_may_have_brought_the_revision() {
    let commit = |rollout: Rollout, application: &Application| {
        let found = revisions(&family(rollout, vec![revision(3, &json!({}))]), &[], Some(application));
        found[0].commit.as_ref().map(|commit| commit.revisions.join(","))
    };
    let shop = application();
    assert_eq!(commit(synced(), &shop).as_deref(), Some("ccc"));
    // Somebody set the image by hand meanwhile.
    let by_hand = rollout(&json!({"metadata": {"managedFields": [wrote("kubectl-set", "2026-01-01T03:00:02Z")]}}));
    assert_eq!(commit(by_hand, &shop), None);
    let began = |at: &str| {
        let mut shop = application();
        let state = shop.status.as_mut().and_then(|status| status.operation_state.as_mut()).expect("a sync");
        state.started_at.0 = at.parse().expect("a time");
        shop
    };
    // A sync that has been under way for minutes waits for something, and anything may have come by then.
    assert_eq!(commit(synced(), &began("2026-01-01T02:55:00Z")), None);
    // Two syncs that are so close leave it open which it was.
    let mut close = application();
    let status = close.status.as_mut().expect("a status");
    status.history[1].deploy_started_at = Some(status.operation_state.as_ref().expect("a sync").started_at.clone());
    assert_eq!(commit(synced(), &close).as_deref(), Some("bbb"), "it is the same sync");
    let mut before = close.clone();
    let status = before.status.as_mut().expect("a status");
    status.operation_state.as_mut().expect("a sync").started_at.0 = "2026-01-01T03:00:03Z".parse().expect("a time");
    assert_eq!(commit(synced(), &before), None);
}

#[test]
fn an_application_brings_what_it_lists_and_no_copy_of_it() {
    let named = |metadata: Value| {
        let mut rollout = rollout(&json!({"metadata": {"namespace": "team"}}));
        let mut of = serde_json::to_value(&rollout.metadata).expect("metadata");
        json_patch::merge(&mut of, &metadata);
        rollout.metadata = serde_json::from_value(of).expect("metadata");
        application::named(&rollout).map(|named| (named.namespace, named.name))
    };
    let tracked = |id: &str| json!({"annotations": {"argocd.argoproj.io/tracking-id": id}});
    let shop = |namespace: Option<&str>| Some((namespace.map(str::to_owned), "shop".to_owned()));
    assert_eq!(named(tracked("shop:argoproj.io/Rollout:team/web")), shop(None));
    assert_eq!(named(tracked("apps_shop:argoproj.io/Rollout:team/web")), shop(Some("apps")));
    assert_eq!(named(tracked("shop:argoproj.io/Rollout:team/other")), None, "it is a copy");
    assert_eq!(named(json!({"labels": {"app.kubernetes.io/instance": "shop"}})), shop(None));
    assert_eq!(named(json!({})), None);

    let web = rollout(&json!({"metadata": {"namespace": "team"}}));
    let lists = |name: &str| {
        let mut shop = application();
        let resource = json!([{"group": "argoproj.io", "kind": "Rollout", "namespace": "team", "name": name}]);
        shop.status.as_mut().expect("a status").resources = serde_json::from_value(resource).expect("resources");
        shop
    };
    let brings = |names: &[&str]| {
        let all: Vec<Application> = names.iter().map(|name| lists(name)).collect();
        application::of(&web, &all).is_some()
    };
    assert!(brings(&["other", "web"]));
    assert!(!brings(&["other"]));
    assert!(!brings(&["web", "web"]));
}
