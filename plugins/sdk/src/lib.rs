//! Plugins of Sluice: what they speak, as types, and what serves one that is written in Rust.
//!
//! A plugin is a traffic router, a metric provider or a kind of step that the controller does not have. It runs outside of the
//! controller, which starts it or connects to it. `plugins/README.md` describes the messages for other languages; [`Call`] lists
//! the calls.
//!
//! ```no_run
//! use sluice_plugin::{About, Context, Failure, Progress, RunStep, StepPlugin};
//!
//! struct Approve;
//!
//! impl StepPlugin for Approve {
//!     fn about(&self) -> About {
//!         About::new("example/approve", "1.0.0")
//!     }
//!
//!     fn run(&self, call: &RunStep, _: &Context) -> Result<Progress, Failure> {
//!         Ok(Progress::successful(format!("step {} of {} is approved", call.step.index, call.rollout)))
//!     }
//! }
//!
//! sluice_plugin::serve(&sluice_plugin::Step(Approve)).expect("standard input and output work");
//! ```

mod call;
mod envelope;
mod failure;
mod frame;
mod handshake;
mod metric;
mod routes;
mod serve;
mod service;
mod step;
mod subject;
mod traffic;

pub use call::{Call, MAX_TEXT, Params};
pub use envelope::{ErrorObject, Fault, Request, Response, Said, code};
pub use failure::Failure;
pub use frame::{FrameError, MAX_MESSAGE, read_message};
pub use handshake::{Initialize, Initialized, Kind, Nothing, PROTOCOL, Ping, Shutdown, capability};
pub use metric::{
    DescribeMetric, MAX_VALUE, Measurement, MetricMetadata, MetricPhase, ResumeMetric, RunMetric, TerminateMetric,
};
pub use routes::{HeaderMatch, HeaderRoute, MirrorRoute, RequestMatch, Route, StringMatch};
pub use serve::{listen_tcp, listen_unix, serve, serve_connection};
pub use service::{
    About, Context, MetricProvider, MetricProviderPlugin, Service, Step, StepPlugin, TrafficRouter, TrafficRouterPlugin,
};
pub use step::{AbortStep, MAX_STATE, Progress, RunStep, StepAt, StepPhase, TerminateStep};
pub use subject::Subject;
pub use traffic::{Apply, Destination, Observation, Observe, Release, Routing, Share, Weighted, Weights};
