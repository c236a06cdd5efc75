//! The program: what `sluice-core` decides, carried out.
//!
//! **Architecture invariant:** everything that touches the outside world is in this crate: watches, writes, HTTP, the clock.

pub mod admission;
pub mod aws;
pub mod clock;
pub mod controller;
pub mod crds;
#[cfg(feature = "dashboard")]
pub mod dashboard;
#[cfg(feature = "gitops")]
pub mod demo;
pub mod flags;
#[cfg(feature = "gitops")]
pub mod gitops;
pub mod lease;
pub mod metrics;
pub mod preflight;
pub mod providers;
pub mod requests;
pub mod sandbox;
pub mod serve;
pub mod start;
pub mod steer;
pub mod trial;
