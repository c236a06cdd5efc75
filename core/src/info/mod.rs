//! What people see of a rollout and what belongs to it, as plain data: the kubectl plugin makes text of it, the dashboard pages.
//!
//! Words, symbols and ages are those of the existing tools, so that what people know by heart stays true.

pub mod age;
pub mod analysis_run;
pub mod application;
pub mod badge;
pub mod event;
pub mod experiment;
pub mod explain;
pub mod family;
pub mod history;
pub mod phase;
pub mod pod;
pub mod replica_set;
pub mod rollout;
pub mod steps;
pub mod strategy;
pub mod text;
