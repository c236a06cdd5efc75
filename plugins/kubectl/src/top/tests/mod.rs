//! The live view without a terminal: what comes of keys and news, and what is drawn of it.

mod draw;
mod update;

use std::sync::Arc;

use jiff::Timestamp;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::{Value, json};
use sluice_core::api::{ReplicaSet, Rollout};

use super::state::{Place, Row, State};
use super::update::{Command, Event, update};
use crate::view::paint::Paint;

/// Five minutes after everything was created.
fn now() -> Timestamp {
    "2026-01-01T00:05:00Z".parse().expect("a time")
}

/// A rollout in some phase, at its first pause if that is `Paused`.
fn rollout(namespace: &str, name: &str, phase: &str, changes: &Value) -> Rollout {
    let pauses = json!([{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:01:00Z"}]);
    let mut rollout = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {
            "name": name, "namespace": namespace, "uid": format!("{namespace}/{name}"), "generation": 2,
            "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {
            "replicas": 2,
            "template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}},
            "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}, {"setWeight": 80}, {"pause": {}}]}},
        },
        "status": {
            "phase": phase, "observedGeneration": "2", "currentPodHash": "b", "stableRS": "a", "currentStepIndex": 1,
            "replicas": 2, "updatedReplicas": 1, "readyReplicas": 2, "availableReplicas": 2,
        },
    });
    if phase == "Paused" {
        rollout["status"]["message"] = json!("CanaryPauseStep");
        rollout["status"]["pauseConditions"] = pauses;
        rollout["status"]["controllerPause"] = json!(true);
    }
    json_patch::merge(&mut rollout, changes);
    serde_json::from_value(rollout).expect("a rollout")
}

fn replica_set(owner: &str, hash: &str, revision: i64, available: i32) -> ReplicaSet {
    serde_json::from_value(json!({
        "metadata": {
            "name": format!("web-{hash}"), "uid": hash, "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"rollouts-pod-template-hash": hash},
            "annotations": {"rollout.argoproj.io/revision": revision.to_string()},
            "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": owner, "controller": true}],
        },
        "spec": {"replicas": available, "template": {"spec": {"containers": [{"name": "web", "image": format!("web:{revision}")}]}}},
        "status": {"replicas": available, "availableReplicas": available, "readyReplicas": available},
    }))
    .expect("a ReplicaSet")
}

/// The row of a rollout with two revisions, one pod each.
fn row(namespace: &str, name: &str, phase: &str, changes: &Value) -> Row {
    let rollout = rollout(namespace, name, phase, changes);
    let uid = rollout.metadata.uid.clone().unwrap_or_default();
    let owned = [replica_set(&uid, "a", 1, 1), replica_set(&uid, "b", 2, 1)];
    Row::of(Arc::new(rollout), Some(&owned.iter().collect::<Vec<_>>()))
}

/// One of each phase, in two namespaces.
fn rows() -> Vec<Row> {
    let none = json!({});
    let waiting = json!({"status": {"waitingOn": {
        "reason": "PodsUnavailable", "object": "ReplicaSet/api-b", "message": "1 of 2 pods is not available",
    }}});
    let aborted = json!({"status": {"abort": true, "message": "RolloutAborted: Rollout aborted update to revision 2"}});
    vec![
        row("shop", "front", "Healthy", &json!({"status": {"stableRS": "b", "currentStepIndex": 4}})),
        row("shop", "web", "Paused", &none),
        row("billing", "api", "Progressing", &waiting),
        row("billing", "ledger", "Degraded", &aborted),
    ]
}

/// The view of all namespaces, with nothing in it.
fn empty(width: u16, height: u16) -> State {
    State::new(Place { context: "prod".to_owned(), namespace: None }, Paint::Plain, now(), (width, height))
}

/// The view of all namespaces.
fn state(width: u16, height: u16) -> State {
    let mut state = empty(width, height);
    update(&mut state, Event::Rollouts(rows()));
    state
}

/// Presses a key: a letter, or one that is named.
fn press(state: &mut State, key: &str) -> Vec<Command> {
    let (code, modifiers) = match key {
        "enter" => (KeyCode::Enter, KeyModifiers::NONE),
        "esc" => (KeyCode::Esc, KeyModifiers::NONE),
        "up" => (KeyCode::Up, KeyModifiers::NONE),
        "down" => (KeyCode::Down, KeyModifiers::NONE),
        "pgdn" => (KeyCode::PageDown, KeyModifiers::NONE),
        "end" => (KeyCode::End, KeyModifiers::NONE),
        "back" => (KeyCode::Backspace, KeyModifiers::NONE),
        "ctrl-c" => (KeyCode::Char('c'), KeyModifiers::CONTROL),
        letter => (KeyCode::Char(letter.chars().next().expect("a letter")), KeyModifiers::NONE),
    };
    update(state, Event::Key(KeyEvent::new(code, modifiers)))
}

/// Presses one key after the other; gives all that is to be done.
fn press_all(state: &mut State, keys: &[&str]) -> Vec<Command> {
    keys.iter().flat_map(|key| press(state, key)).collect()
}
