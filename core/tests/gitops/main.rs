//! The GitOps planner, without a cluster and without Git.

mod faults;
mod guard;
mod hooks;
mod plan;
mod waves;
mod world;
