//! An in-process Kubernetes API, with the workloads behind it, in a time of its own.
//!
//! It lets a newcomer try the whole product without a cluster, and lets the tests run the real controller under a clock that
//! they own. It is held to the truth: what it does is recorded from a real API server, and a difference is its bug.
//!
//! Read in this order: [`store`] holds the objects and what changed; [`resource`] says which there can be; [`mod@write`] is what
//! the API server does to an object on its way in; [`api`] puts requests in front of that, as a `tower` service; and
//! [`workloads`] are the controllers and nodes that make pods of ReplicaSets.

pub mod api;
pub mod fields;
pub mod ids;
pub mod kinds;
pub mod line;
pub mod network;
pub mod object;
pub mod openapi;
pub mod patch;
pub mod prometheus;
pub mod protobuf;
pub mod proxy;
mod read;
pub mod refusal;
pub mod resource;
pub mod scale;
pub mod schema;
pub mod selector;
pub mod serve;
pub mod state;
pub mod store;
pub mod tables;
pub mod time;
pub mod token;
pub mod traffic;
pub mod workloads;
pub mod write;

pub use state::Sandbox;
pub use time::Time;
