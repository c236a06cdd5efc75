//! Analysis: metrics that are measured again and again, and what they say of a version.
//!
//! A run is the same shape as a rollout: a snapshot in, a plan out. [`plan()`] decides which measurements should be under way and what
//! the status says; taking a measurement is a call that may be made twice, and what came of it counts once it is stored. Its number
//! tells a repetition from the next one.

pub mod arguments;
mod assess;
mod counters;
mod judge;
mod number;
pub mod origin;
mod phase;
mod plan;
mod provider;
mod read;
mod rules;
mod schedule;
mod standing;
pub mod templates;

pub use judge::{Reading, Verdict, judge};
pub use number::number;
pub use phase::Phase;
pub use plan::{RunPlan, RunSnapshot, Taken, Task, Turn, plan, rules_of};
pub use provider::{ProviderKind, provider_of};
pub use rules::Rules;
pub use standing::{Standing, progress};

#[cfg(test)]
mod tests;
