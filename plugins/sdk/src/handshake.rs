//! Calls that every plugin answers, of whichever kind it is.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::call::Call;

/// The version of the protocol that this crate speaks.
pub const PROTOCOL: u32 = 1;

/// Kinds of plugins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Tells a data plane how to split traffic.
    TrafficRouter,
    /// Measures.
    MetricProvider,
    /// Does a step of a canary.
    Step,
}

impl Kind {
    /// The kind as it is written in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::TrafficRouter => "trafficRouter",
            Kind::MetricProvider => "metricProvider",
            Kind::Step => "step",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a plugin may say that it can do besides the calls of its kind that all answer.
pub mod capability {
    /// A traffic router sends requests with certain headers to the canary.
    pub const HEADER_ROUTES: &str = "headerRoutes";
    /// A traffic router copies requests to the canary.
    pub const MIRROR_ROUTES: &str = "mirrorRoutes";
    /// A traffic router has destinations beside the canary and the stable one.
    pub const ADDITIONAL: &str = "additionalDestinations";
    /// A step undoes what it did when the rollout is aborted.
    pub const ABORT: &str = "abort";
    /// A step ends early when the rollout is promoted in full.
    pub const TERMINATE: &str = "terminate";
}

/// The first call on a connection, and the only one until it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Initialize {
    /// The versions that the host speaks.
    pub protocols: Vec<u32>,
    /// As what the plugin is configured.
    pub kind: Kind,
    /// Under which name.
    pub name: String,
    /// The host's name and version, for logs.
    pub host: String,
}

/// The answer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Initialized {
    /// The version that both speak from now on: one of those offered.
    pub protocol: u32,
    /// What the plugin is.
    pub kind: Kind,
    /// What it calls itself, for logs.
    pub name: String,
    /// Its version, for logs.
    pub version: String,
    /// What it can do besides, of [`capability`]; the host ignores what it does not know.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub capabilities: BTreeSet<String>,
    /// How many calls it takes at a time; one where this is absent.
    #[serde(default = "one")]
    pub concurrency: u32,
}

fn one() -> u32 {
    1
}

impl Call for Initialize {
    const METHOD: &'static str = "initialize";
    type Answer = Initialized;

    fn check(&self, answer: &Initialized) -> Result<(), String> {
        let Initialized { protocol, kind, .. } = answer;
        if !self.protocols.contains(protocol) {
            return Err(format!("speaks version {protocol} of the protocol, and the host {:?}", self.protocols));
        }
        if *kind != self.kind {
            return Err(format!("is a plugin of kind {kind}, and configured as {}", self.kind));
        }
        if answer.concurrency == 0 {
            return Err("takes no calls: its concurrency is 0".to_owned());
        }
        Ok(())
    }
}

/// An answer, or a call, without content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

/// Whether the plugin still answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {}

impl Call for Ping {
    const METHOD: &'static str = "ping";
    type Answer = Nothing;
}

/// The last call: the plugin answers and ends, or closes the connection where it listens on a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shutdown {}

impl Call for Shutdown {
    const METHOD: &'static str = "shutdown";
    type Answer = Nothing;
}
