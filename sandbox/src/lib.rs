//! An in-process Kubernetes API, with the workloads behind it, in a time of its own.
//!
//! It lets a newcomer try the whole product without a cluster, and lets the tests run the real controller under a clock that
//! they own. It is held to the truth: what it does is recorded from a real API server, and a difference is its bug.

pub mod kinds;
mod read;
pub mod refusal;
pub mod tables;
