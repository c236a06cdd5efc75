//! The GitOps planner, without a cluster and without Git.

mod guard;
mod hooks;
mod plan;
mod waves;
mod world;
