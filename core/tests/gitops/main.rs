//! The GitOps planner, without a cluster and without Git.

mod ends;
mod faults;
mod guard;
mod hooks;
mod plan;
mod waves;
mod world;
