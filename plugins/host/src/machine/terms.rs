//! What goes into the machine and what comes out, and how patient it is.

use std::time::Duration;

use serde_json::Value;
use sluice_plugin::{Failure, Initialized};
use tokio::time::Instant;

/// How long a connection may take to come about.
pub const CONNECT: Duration = Duration::from_secs(10);

/// How long `initialize` may take.
pub const GREET: Duration = Duration::from_secs(10);

/// How often an idle plugin is asked whether it is there.
pub const PING_EVERY: Duration = Duration::from_secs(10);

/// How long it may take to say so.
pub const PING: Duration = Duration::from_secs(5);

/// How long after its deadline a call may still be at a plugin that is not taken for hung.
pub const OVERDUE: Duration = Duration::from_secs(10);

/// How long a plugin that is to stop may take for the calls that it is at.
pub const LAST_CALLS: Duration = Duration::from_secs(30);

/// How long it may take to end after `shutdown`.
pub const LEAVE: Duration = Duration::from_secs(5);

/// How many calls wait for a plugin.
pub const QUEUE: usize = 256;

/// How many notifications a plugin may send between two answers.
pub const CHATTER: u32 = 1000;

/// Who asked.
pub type Ticket = u64;

/// What happens.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// There is a connection.
    Connected,
    /// There is none.
    NotConnected(String),
    /// The plugin said a line.
    Line(Vec<u8>),
    /// The connection is over.
    Closed(String),
    /// Somebody calls.
    Call(Pending),
    /// The plugin is not wanted any more.
    Stop,
}

/// A call that waits.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Whose it is.
    pub ticket: Ticket,
    /// What is asked for.
    pub method: &'static str,
    /// With what: an object, to which the time is added.
    pub params: Value,
    /// When nobody waits any more.
    pub deadline: Instant,
}

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Make a connection.
    Connect,
    /// Write these bytes to it.
    Write(Vec<u8>),
    /// Drop it, and end the plugin with it where it is a program of the host's; give up what is being connected.
    Disconnect,
    /// Answer a call.
    Answer(Ticket, Result<Value, CallError>),
    /// The plugin is stopped, and nothing will happen any more.
    Finished,
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The plugin cannot be called now.
    #[error("the plugin is not there: {0}")]
    Absent(String),
    /// It did not answer in time.
    #[error("the plugin did not answer {method} in time")]
    Late {
        /// What was asked for.
        method: &'static str,
    },
    /// Too many calls wait for it.
    #[error("{QUEUE} calls wait for the plugin already")]
    Busy,
    /// The call does not fit into a message.
    #[error("the call has {0} bytes, and {max} fit into a message", max = sluice_plugin::MAX_MESSAGE)]
    TooLong(usize),
    /// The plugin broke down at it.
    #[error("the plugin broke down at {method}: {why}")]
    Broken {
        /// What was asked for.
        method: &'static str,
        /// How it broke down.
        why: String,
    },
    /// The plugin answers that it cannot.
    #[error(transparent)]
    Failed(Failure),
    /// What it answers is no answer to the call.
    #[error("the plugin's answer to {method} {why}")]
    Wrong {
        /// What was asked for.
        method: &'static str,
        /// What is wrong with the answer.
        why: String,
    },
}

/// Where a plugin stands, for everyone to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is being started for the first time.
    Starting,
    /// It can be called.
    Ready(Initialized),
    /// It cannot, and why; it is tried again.
    Failing(String),
    /// It is not wanted any more.
    Stopped,
}
