//! A rollout that cannot be acted on: it says so, and nothing is touched.

use crate::api::WaitingOn;
use crate::event::Note;
use crate::snapshot::Snapshot;
use crate::status::conditions::{self, Is, kind};
use crate::status::{phase, waiting};
use crate::validate::Held;

use super::{Plan, report};

pub(super) fn plan(snapshot: &Snapshot, held: &Held) -> Plan {
    let mut plan = Plan::nothing(snapshot);
    let status = &mut plan.status;
    let known = conditions::get(status, kind::INVALID_SPEC).is_some_and(|c| c.message == held.message);
    if !known {
        conditions::replace(status, snapshot.now, kind::INVALID_SPEC, Is::True, held.reason, &held.message);
        plan.notes.push(Note::invalid(&held.message));
    }
    status.observed_generation = snapshot.rollout.metadata.generation.unwrap_or(0).to_string();
    let (phase, message) = phase(&snapshot.rollout, status, true, snapshot.now);
    phase.as_str().clone_into(&mut status.phase);
    status.message = message;
    let message = match &held.object {
        Some(object) => format!("{object}: {}", held.message),
        None => format!("a change of the manifest: {}", held.message),
    };
    let on = WaitingOn::new(held.reason, held.object.clone(), message);
    waiting::report(status, snapshot, Some(on), 0);
    plan.urgency = report::urgency(snapshot.rollout.status(), &plan.status);
    plan
}
