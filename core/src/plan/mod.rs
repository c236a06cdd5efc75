//! Deciding: a [`Snapshot`] in, a [`Plan`] out, and nothing else.
//!
//! [`plan`] is pure: the same snapshot gives the same plan. What it returns is complete; executing it takes no decision.

mod active;
mod affinity;
mod analysis;
mod analysis_history;
mod balancers;
mod blue_green;
mod canary;
mod delay;
mod draft;
mod experiment;
mod former;
mod held;
mod history;
mod lacking;
mod metadata;
mod ownership;
mod promote;
mod report;
mod requests;
mod restart;
mod revise;
mod rollback;
mod routed;
mod scale;
mod services;
mod step_plugins;
mod traffic;
mod walk;
mod workload;

use jiff::Timestamp;

use crate::api::{RolloutStatus, WaitingOn};
use crate::effect::Planned;
use crate::event::Note;
use crate::snapshot::Snapshot;
use crate::step_plugin::StepCall;
use crate::strategy::Strategy;
use crate::validate;

pub use metadata::concerns_pods;
pub use report::{Urgency, same_but_times};
pub use services::release_orphan;

/// What to do about a rollout now.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Writes to make, all of one phase or of none.
    pub effects: Vec<Planned>,
    /// The status as it should read.
    pub status: RolloutStatus,
    /// How soon a changed status has to be written.
    pub urgency: Urgency,
    /// What to tell once the status is written.
    pub notes: Vec<Note>,
    /// A plugin to ask about its step. No write: it may be asked twice.
    pub call: Option<StepCall>,
    /// When to look again although nothing happened.
    pub wake_at: Option<Timestamp>,
    /// Whether it matters what data planes do by now, as they are not known to do what they were told, or not to be able to.
    pub asks: bool,
}

impl Plan {
    /// What the rollout waits for, where it does.
    pub fn waiting_on(&self) -> Option<&WaitingOn> {
        self.status.waiting_on.as_ref()
    }

    fn nothing(snapshot: &Snapshot) -> Plan {
        Plan {
            effects: Vec::new(),
            status: snapshot.rollout.status().clone(),
            urgency: Urgency::None,
            notes: Vec::new(),
            call: None,
            wake_at: None,
            asks: false,
        }
    }
}

/// Decides what to do about a rollout.
pub fn plan(snapshot: &Snapshot) -> Plan {
    if snapshot.rollout.metadata.deletion_timestamp.is_some() {
        // The garbage collector takes the ReplicaSets along.
        return Plan::nothing(snapshot);
    }
    match validate::admit(snapshot) {
        Ok(strategy @ Strategy::Canary(_)) => canary::plan(snapshot, strategy),
        Ok(Strategy::BlueGreen(blue_green)) => blue_green::plan(snapshot, blue_green),
        Err(held) => held::plan(snapshot, &held),
    }
}
