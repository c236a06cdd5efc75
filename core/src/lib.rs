//! What Sluice decides, as pure functions.
//!
//! **Architecture invariant:** nothing in this crate talks to the outside world: no client, no clock, no randomness, no
//! logging. The same snapshot gives the same plan, on a laptop, in production and in a simulation.
//!
//! The way of a decision: a [`snapshot`] of everything that matters, a [`plan`] made from it, and the [`guard`] that checks
//! the plan's [effects](effect) once more before anybody executes them.

pub mod act;
pub mod admission;
pub mod analysis;
pub mod api;
pub mod effect;
pub mod event;
pub mod experiment;
pub mod expr;
pub mod field_path;
pub mod gitops;
pub mod guard;
pub mod identity;
pub mod info;
pub mod jsonpath;
pub mod object_kind;
pub mod plan;
pub mod planted;
pub mod replicas;
pub mod revision;
pub mod selector;
pub mod sight;
pub mod snapshot;
pub mod status;
pub mod step_plugin;
pub mod steps;
pub mod strategy;
pub mod time;
pub mod traffic;
pub mod validate;
pub mod workload;
