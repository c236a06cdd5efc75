//! The host of plugins: starts them or connects to them, watches over them, and speaks with them.
//!
//! [`Registry`] is what the ConfigMap says, [`Host`] keeps as many plugins running, and [`Plugin`] is how to call one. What is done to
//! a plugin is decided by a [`machine`] that is pure; the rest moves bytes. It knows neither Kubernetes nor Rollouts.
//!
//! **Architecture invariant:** nothing that a plugin does stops anything but that plugin: lines, answers, queues and calls are
//! bounded.

mod child;
mod connect;
mod host;
mod lines;
mod location;
pub mod machine;
mod registry;
mod task;

pub use connect::{Connect, Connecting, Connection};
pub use host::{Host, Lookup, Plugin};
pub use location::Location;
pub use machine::{CallError, Standing};
pub use registry::{Entry, KEYS, Registry};
