//! Everything that a decision on an Application may look at.

use jiff::{SignedDuration, Timestamp};

use super::compare::Verdict;
use super::key::Key;
use super::manifest::Manifest;
use crate::api::{Application, HealthStatus};

/// Everything that a decision may look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The Application as it is stored.
    pub application: Application,
    /// The time.
    pub now: Timestamp,
    /// What its sources say.
    pub rendered: Rendered,
    /// What there should be, and what there is of its own.
    pub objects: Vec<Object>,
    /// What became of writes since the last status.
    pub outcomes: Vec<Outcome>,
    /// Whether there is a project of its name, and what stands against it.
    pub project: Result<(), String>,
}

/// What the sources of an Application say.
#[derive(Clone, Debug, PartialEq)]
pub enum Rendered {
    /// It is not known yet.
    Waiting,
    /// It cannot be known: where and why.
    Failed(String),
    /// It is known.
    Done {
        /// The commit of each source.
        revisions: Vec<String>,
        /// What each source is: `Directory` and so on.
        types: Vec<String>,
        /// Objects that there are several of.
        repeated: Vec<Key>,
    },
}

/// An object that there should be, or is.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Which.
    pub key: Key,
    /// The version of its group in which it is shown.
    pub version: String,
    /// What it should be, where it should be.
    pub wanted: Option<Manifest>,
    /// How the two stand to each other, where it should be.
    pub verdict: Option<Verdict>,
    /// What it is, where it is.
    pub live: Option<Live>,
}

/// An object of the cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// Its uid.
    pub uid: String,
    /// The version that was seen.
    pub resource_version: String,
    /// Whether it says that it is the Application's.
    pub is_own: bool,
    /// The other Application that it says it is of.
    pub other: Option<String>,
    /// Whether it is going.
    pub is_going: bool,
    /// How it is, for kinds of which that can be told.
    pub health: Option<HealthStatus>,
    /// Its option by which it stays when Git does not have it any more, or its Application goes.
    pub stays: Stays,
}

/// What keeps an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stays {
    /// When Git does not have it any more.
    pub unpruned: bool,
    /// When its Application is deleted.
    pub undeleted: bool,
    /// When its Application is deleted, until a person allows it.
    pub asks: bool,
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Of which object.
    pub key: Key,
    /// Whether it went, rather than came.
    pub is_pruned: bool,
    /// What the API server said: a word of what was done, or why not.
    pub result: Result<String, String>,
}

/// What a plan does.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Makes sure that a namespace is there, with these labels and annotations.
    Namespace {
        /// Its name.
        name: String,
        /// What it is given.
        metadata: crate::api::NamespaceMetadata,
    },
    /// Applies a manifest. Effects of one rank go together; the next rank waits for them.
    Apply {
        /// What.
        manifest: Manifest,
        /// Its place.
        rank: usize,
    },
    /// Deletes an object, if it is still the one that was seen.
    Delete {
        /// Which.
        key: Key,
        /// The version of its group.
        version: String,
        /// Its uid.
        uid: String,
        /// The version of it that was seen: one that has changed since may be another's by now.
        resource_version: String,
        /// What becomes of what it owns: `Foreground`, `Background` or `Orphan`.
        propagation: &'static str,
    },
    /// Lets the Application itself go: nothing that is its own is left.
    Release,
}

/// What to do about an Application.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What to write.
    pub effects: Vec<Effect>,
    /// How the status should read; it is stored before the effects begin.
    pub status: crate::api::ApplicationStatus,
    /// Whether the operation that was asked for is over.
    pub is_operation_over: bool,
    /// How long from now it is time to look again, if not at the next poll.
    pub look_again: Option<SignedDuration>,
}
