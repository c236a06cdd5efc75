//! Experiments: versions side by side for a while, measured, and gone.
//!
//! The same shape as a rollout and an analysis run: a snapshot in, a plan out. Pods and Services of a template are `pods.rs`, its
//! analyses `analyses.rs`; `outcome.rs` says when it is over; [`origin`] makes the experiment of a rollout's step.

mod analyses;
pub mod origin;
mod outcome;
mod plan;
mod pods;

pub use origin::progress;
pub use plan::{ExperimentPlan, ExperimentSnapshot, plan};

#[cfg(test)]
mod tests;
