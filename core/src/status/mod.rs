//! What `status` says: counters, conditions, phase, deadline and durations, each computed from facts.

pub mod conditions;
pub mod counters;
pub mod deadline;
pub mod duration;
pub mod phase;
pub mod waiting;

pub use counters::count;
pub use phase::{Phase, phase};
