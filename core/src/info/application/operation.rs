//! How the operation of an Application stands.

use crate::api::{Application, OperationState};
use crate::gitops::operation::running;

/// How the operation of an Application stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress<'a> {
    /// None is under way; this was the last one.
    Idle(Option<&'a OperationState>),
    /// One was asked for, and no controller has begun it.
    Asked,
    /// It goes on.
    Running(&'a OperationState),
    /// It has ended, and what the status says besides is older than its end.
    Settling(&'a OperationState),
}

/// How the operation stands.
pub fn progress(application: &Application) -> Progress<'_> {
    let status = application.status();
    if let Some(state) = running(status) {
        return Progress::Running(state);
    }
    if application.operation.is_some() {
        return Progress::Asked;
    }
    let last = status.operation_state.as_ref();
    let Some(ended) = last.and_then(|state| state.finished_at.as_ref()) else { return Progress::Idle(last) };
    match (&status.reconciled_at, last) {
        (Some(reconciled), Some(state)) if reconciled.0 < ended.0 => Progress::Settling(state),
        _ => Progress::Idle(last),
    }
}

/// Why no other operation may be asked for, if so.
pub fn busy(application: &Application) -> Option<&'static str> {
    if application.metadata.deletion_timestamp.is_some() {
        return Some("it is being deleted");
    }
    // Also while it is only asked for: it would be written over.
    let is_taken = application.operation.is_some() || running(application.status()).is_some();
    is_taken.then_some("another operation is already in progress")
}

/// What became of an operation that was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ended<'a> {
    /// It was carried out, however that ended.
    Done(&'a OperationState),
    /// It was taken away before anybody began it.
    Vanished,
}

/// What became of an operation, once it is over. `before` is the state of the operation before it.
pub fn ended<'a>(application: &'a Application, before: Option<&OperationState>) -> Option<Ended<'a>> {
    match progress(application) {
        Progress::Asked | Progress::Running(_) | Progress::Settling(_) => None,
        Progress::Idle(Some(state)) if Some(state) != before => Some(Ended::Done(state)),
        Progress::Idle(_) => Some(Ended::Vanished),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::info::application::sample::application;

    fn state(phase: &str, finished: Option<&str>) -> Value {
        json!({"operation": {}, "phase": phase, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": finished})
    }

    fn of(operation: &Value, state: &Value, reconciled: &str) -> Application {
        application(&json!({"operation": operation, "status": {"operationState": state, "reconciledAt": reconciled}}))
    }

    const END: &str = "2026-01-01T00:00:10Z";
    const LATER: &str = "2026-01-01T00:00:11Z";

    #[test]
    fn an_operation_is_over_when_the_rest_of_the_status_is_no_older() {
        let word = |progress: Progress<'_>| match progress {
            Progress::Idle(_) => "idle",
            Progress::Asked => "asked",
            Progress::Running(_) => "running",
            Progress::Settling(_) => "settling",
        };
        let (none, some) = (json!(null), json!({"sync": {}}));
        for (operation, state, reconciled, expected) in [
            (&none, none.clone(), END, "idle"),
            (&some, none.clone(), END, "asked"),
            (&some, state("Succeeded", Some(END)), LATER, "asked"),
            (&some, state("Running", None), END, "running"),
            (&none, state("Running", None), END, "running"),
            // It waits for its next attempt.
            (&none, state("Running", Some(END)), LATER, "running"),
            (&none, state("Terminating", None), LATER, "running"),
            (&none, state("Succeeded", Some(LATER)), END, "settling"),
            (&none, state("Succeeded", Some(END)), END, "idle"),
            (&none, state("Failed", Some(END)), LATER, "idle"),
        ] {
            assert_eq!(word(progress(&of(operation, &state, reconciled))), expected, "{operation} {state}");
        }
    }

    #[test]
    fn the_end_of_the_operation_before_it_is_not_its_own() {
        let (none, some) = (json!(null), json!({"sync": {}}));
        let before = of(&none, &state("Failed", Some(END)), LATER);
        let before = before.status().operation_state.as_ref();
        assert_eq!(ended(&of(&some, &state("Failed", Some(END)), LATER), before), None);
        assert_eq!(ended(&of(&none, &state("Failed", Some(END)), LATER), before), Some(Ended::Vanished));
        let done = of(&none, &state("Succeeded", Some(LATER)), LATER);
        assert!(matches!(ended(&done, before), Some(Ended::Done(state)) if state.phase == "Succeeded"));
        assert_eq!(ended(&of(&none, &state("Succeeded", Some(LATER)), END), before), None);
    }

    #[test]
    fn an_operation_that_is_asked_for_is_in_the_way_of_another() {
        let (none, some) = (json!(null), json!({"sync": {}}));
        let taken = Some("another operation is already in progress");
        assert_eq!(busy(&of(&none, &state("Failed", Some(END)), LATER)), None);
        assert_eq!(busy(&of(&some, &state("Failed", Some(END)), LATER)), taken);
        assert_eq!(busy(&of(&none, &state("Running", None), LATER)), taken);
        let going = application(&json!({"metadata": {"deletionTimestamp": END}}));
        assert_eq!(busy(&going), Some("it is being deleted"));
    }
}
