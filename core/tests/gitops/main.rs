//! The GitOps planner, without a cluster and without Git.

mod guard;
mod plan;
mod world;
