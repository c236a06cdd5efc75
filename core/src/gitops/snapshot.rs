//! Everything that a decision on an Application may look at.

use jiff::{SignedDuration, Timestamp};

use serde_json::Value;

use super::compare::Verdict;
use super::health::{self, Rules};
use super::hook;
use super::key::Key;
use super::manifest::Manifest;
use super::marks::{self, DeletePolicy, Phase, Role};
use super::project::Project;
use super::tracking::Owner;
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
    /// The runs of hooks that the sync under way has.
    pub hooks: Vec<Hook>,
    /// The commit that the Application's revision stands for now, where a sync keeps to another one, and which says something else.
    pub newest: Option<String>,
    /// What became of writes since the last status.
    pub outcomes: Vec<Outcome>,
    /// What there is beside it in its namespace that no Application has, where its project asks to be told.
    pub orphans: Vec<Key>,
    /// Its project, or why there is none.
    pub project: Result<Project, String>,
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
        /// The phases that Git has hooks for.
        hooks: Vec<Phase>,
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
    /// How it is, for kinds of which that can be told. What the Application is of itself does not count.
    pub health: Option<HealthStatus>,
    /// Its wave.
    pub wave: i64,
    /// Whether it goes when Git does not have it any more.
    pub prune: Goes,
    /// Whether it goes with its Application.
    pub delete: Goes,
    /// Whether it makes no difference that Git does not have it.
    pub is_extraneous: bool,
    /// What it ran for, if it is a hook's.
    pub hook: Option<Ran>,
}

/// Whether an object goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Goes {
    /// It does.
    #[default]
    Yes,
    /// It does when a person has allowed it.
    Asks,
    /// It does not.
    No,
}

/// What an object of a hook ran for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// The sync and the phase: [`hook::mark_of`].
    pub by: String,
    /// Whether it stays until somebody has read how it ended.
    pub is_held: bool,
    /// When it goes.
    pub policies: Vec<DeletePolicy>,
}

impl Live {
    /// What an object says. The options are its Application's; the rules say what is healthy where people have written that.
    pub fn of(object: &Value, owner: &Owner, options: &[String], rules: &Rules) -> Live {
        let text = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_kept = text("/metadata/annotations/helm.sh~1resource-policy") == "keep";
        let goes = |name: &str, is_kept: bool| match marks::option(object, options, name) {
            Some("false") => Goes::No,
            _ if is_kept => Goes::No,
            Some("confirm") => Goes::Asks,
            _ => Goes::Yes,
        };
        let key = Key::of(object);
        Live {
            uid: text("/metadata/uid"),
            resource_version: text("/metadata/resourceVersion"),
            is_own: owner.owns(object),
            other: owner.other(object).map(str::to_owned),
            is_going: object["metadata"]["deletionTimestamp"].is_string(),
            health: if owner.lineage().has(&key) { None } else { health::of(object, rules) },
            wave: marks::wave(object),
            prune: goes("Prune", is_kept),
            // With a definition all objects of its kind would go, whoever made them. What waits for the Application is going already.
            delete: goes(
                "Delete",
                is_kept || object["kind"] == "CustomResourceDefinition" || owner.lineage().waits(&key),
            ),
            is_extraneous: marks::is_extraneous(object),
            hook: matches!(marks::role(object), Role::Hook(_)).then(|| hook::ran(object)),
        }
    }
}

/// A run of a hook that a sync under way has, by itself or in an object of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    /// When it runs.
    pub phase: Phase,
    /// What is applied for it, under the name that it has in this sync.
    pub manifest: Manifest,
    /// The object of that name.
    pub live: Option<Live>,
    /// Why the API server would not take it.
    pub refused: Option<String>,
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Of which object.
    pub key: Key,
    /// What it was.
    pub write: Write,
    /// What the API server said: a word of what was done, or why not.
    pub result: Result<String, String>,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// An object was applied.
    Applied,
    /// A hook was begun.
    Begun(Phase),
    /// An object was deleted that Git does not have any more.
    Pruned,
    /// Something was done about what a hook leaves behind, or about what goes with the Application.
    Tidied,
}

/// How a manifest is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// Everything that the object has is replaced, rather than what the manifest says.
    pub replaces: bool,
    /// An object that cannot be changed so is deleted and made anew.
    pub forces: bool,
    /// What was applied by the client stays with the client.
    pub leaves_fields: bool,
}

impl How {
    /// How an object is applied: as it says, or else its Application.
    pub fn of(object: &Value, options: &[String]) -> How {
        let has = |name| marks::has(object, options, name);
        let replaces = has("Replace");
        How {
            replaces,
            // With these everything in them would go.
            forces: has("Force") && object["kind"] != "Namespace" && object["kind"] != "CustomResourceDefinition",
            leaves_fields: replaces || marks::option(object, options, "ClientSideApplyMigration") == Some("false"),
        }
    }
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
        /// How.
        how: How,
    },
    /// Begins a hook. It has the place of its kind, as what is applied has.
    Hook {
        /// When it runs.
        phase: Phase,
        /// What.
        manifest: Manifest,
        /// Its place.
        rank: usize,
    },
    /// Takes away from an object what kept it until somebody has read how it ended.
    LetGo {
        /// Which.
        key: Key,
        /// The version of its group.
        version: String,
        /// Its uid.
        uid: String,
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
        /// Whether it goes because Git does not have it any more, rather than for any other reason.
        is_prune: bool,
    },
    /// Takes a finalizer from the Application: what it was for is done.
    Release {
        /// Which.
        finalizer: String,
    },
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
    /// The finalizers that the Application should have, if others than it has.
    pub finalizers: Option<Vec<String>>,
    /// How long from now it is time to look again, if not at the next poll.
    pub look_again: Option<SignedDuration>,
}
