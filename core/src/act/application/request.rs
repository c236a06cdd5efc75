//! Requests of one field.

use crate::api::Application;
use crate::gitops::operation::{RUNNING, TERMINATING, running};
use crate::time::{ceil_to_second, floor_to_second};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The annotation by which a look at the sources is asked for; the controller takes it away when it has looked.
pub const REFRESH: &str = "argocd.argoproj.io/refresh";
/// When it was asked for.
const REFRESH_AT: &str = "argocd.argoproj.io/refresh-timestamp";
/// The annotation by which a person lets go what asks first.
const APPROVED: &str = "argocd.argoproj.io/deletion-approved";

/// Asks for a look at the sources: a hard one trusts nothing that is remembered.
pub fn refresh(is_hard: bool, now: Timestamp) -> Value {
    json!({"metadata": {"annotations": look(is_hard, now)}})
}

fn look(is_hard: bool, now: Timestamp) -> Value {
    let how = if is_hard { "hard" } else { "normal" };
    json!({REFRESH: how, REFRESH_AT: now.to_string()})
}

/// Asks for an operation, on the version of the Application that was read: a later one may have an operation already. And for a
/// look at the sources: who has just pushed a commit means that one, and not what was there when Git was last asked.
pub fn operation(application: &Application, operation: &Value, now: Timestamp) -> Value {
    let version = &application.metadata.resource_version;
    json!({"metadata": {"resourceVersion": version, "annotations": look(false, now)}, "operation": operation})
}

/// Ends the operation under way, and no other that may have begun meanwhile. Or why it cannot be ended.
pub fn terminate(application: &Application) -> Result<json_patch::Patch, String> {
    let Some(state) = running(application.status()) else {
        return Err(if application.operation.is_some() {
            "its operation has not begun; only one that runs can be ended".to_owned()
        } else {
            "no operation is in progress".to_owned()
        });
    };
    if state.phase != RUNNING {
        return Err("its operation is being ended already".to_owned());
    }
    let patch = json!([
        {"op": "test", "path": "/status/operationState/phase", "value": RUNNING},
        {"op": "test", "path": "/status/operationState/startedAt", "value": state.started_at},
        {"op": "replace", "path": "/status/operationState/phase", "value": TERMINATING},
    ]);
    serde_json::from_value(patch).map_err(|error| format!("cannot build the patch: {error}"))
}

/// Lets go what asks first. The controller compares the time with its own: by a clock that runs behind, the permission would be
/// older than the question.
pub fn approve(application: &Application, now: Timestamp) -> Value {
    let going = application.metadata.deletion_timestamp.as_ref();
    let syncing = running(application.status()).map(|state| &state.started_at);
    let asked = going.into_iter().chain(syncing).map(|time| ceil_to_second(time.0));
    let at = asked.fold(floor_to_second(now), Timestamp::max);
    json!({"metadata": {"annotations": {APPROVED: at.to_string()}}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::info::application::sample::application;

    fn now() -> Timestamp {
        "2026-01-01T00:05:00.25Z".parse().expect("a time")
    }

    fn with_state(phase: &str) -> Application {
        let state = json!({"operation": {}, "phase": phase, "startedAt": "2026-01-01T00:00:00Z"});
        application(&json!({"status": {"operationState": state}}))
    }

    #[test]
    fn a_look_is_asked_for_with_the_time_to_the_fraction() {
        for (is_hard, how) in [(false, "normal"), (true, "hard")] {
            let expected = json!({REFRESH: how, REFRESH_AT: "2026-01-01T00:05:00.25Z"});
            assert_eq!(refresh(is_hard, now())["metadata"]["annotations"], expected);
        }
    }

    #[test]
    fn an_operation_is_asked_for_on_the_version_that_was_read_and_of_the_newest_commit() {
        let patch = operation(&application(&json!({})), &json!({"sync": {}}), now());
        let annotations = json!({REFRESH: "normal", REFRESH_AT: "2026-01-01T00:05:00.25Z"});
        let metadata = json!({"resourceVersion": "7", "annotations": annotations});
        assert_eq!(patch, json!({"metadata": metadata, "operation": {"sync": {}}}));
    }

    #[test]
    fn only_the_operation_that_was_seen_is_ended() {
        let patch = terminate(&with_state("Running")).expect("a patch");
        let mut stored = serde_json::to_value(with_state("Running")).expect("JSON");
        json_patch::patch(&mut stored, &patch).expect("it is the one");
        assert_eq!(stored["status"]["operationState"]["phase"], "Terminating");
        stored["status"]["operationState"] = json!({"phase": "Running", "startedAt": "2026-01-01T00:00:01Z"});
        assert!(json_patch::patch(&mut stored, &patch).is_err(), "another one");
    }

    #[test]
    fn what_does_not_run_cannot_be_ended() {
        let why = |application: &Application| terminate(application).expect_err("a problem");
        assert_eq!(why(&with_state("Succeeded")), "no operation is in progress");
        assert_eq!(why(&application(&json!({"status": null}))), "no operation is in progress");
        assert_eq!(why(&with_state("Terminating")), "its operation is being ended already");
        let asked = application(&json!({"operation": {"sync": {}}}));
        assert_eq!(why(&asked), "its operation has not begun; only one that runs can be ended");
    }

    #[test]
    fn a_permission_is_never_older_than_the_question() {
        let approved = |application: &Application, now: Timestamp| {
            let patch = approve(application, now);
            patch["metadata"]["annotations"][APPROVED].as_str().expect("a time").to_owned()
        };
        let early = "2025-12-31T23:59:00Z".parse().expect("a time");
        let going = application(&json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:30Z"}}));
        assert_eq!(approved(&with_state("Running"), now()), "2026-01-01T00:05:00Z");
        assert_eq!(approved(&with_state("Running"), early), "2026-01-01T00:00:00Z");
        assert_eq!(approved(&going, early), "2026-01-01T00:00:30Z");
        assert_eq!(approved(&with_state("Succeeded"), early), "2025-12-31T23:59:00Z");
    }
}
