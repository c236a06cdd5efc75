//! Rollouts under a constant load of real requests: no request may fail, and the shares of the versions are those of the weights.
//!
//! `SLUICE_CLUSTER_GATEWAY=contour tests/cluster/run cargo test --test requests -- --nocapture` runs all and prints the reports.

mod binomial;
mod freezer;
mod gateway;
mod harness;
mod load;
mod report;
mod run;
mod story;

#[allow(dead_code, reason = "the scenarios use the rest")]
#[path = "../scenarios/cluster.rs"]
mod cluster;
#[allow(dead_code, reason = "the scenarios use the rest")]
#[path = "../scenarios/programs.rs"]
mod programs;
#[allow(dead_code, reason = "the scenarios use the rest")]
#[path = "../scenarios/real.rs"]
mod real;
#[allow(dead_code, reason = "the scenarios use the rest")]
#[path = "../scenarios/scenario.rs"]
mod scenario;
