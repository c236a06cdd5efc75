//! A sync: what was asked for, and how far it is.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::null;
use super::{ApplicationSource, Info, NamespaceMetadata, Retry};

/// What somebody asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// A sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<SyncOperation>,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiated_by: Option<InitiatedBy>,
    /// Something to show.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub info: Vec<Info>,
    /// What becomes of it if it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

/// A sync that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncOperation {
    /// The commit or version; what the source says where it is empty.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub revision: String,
    /// Whether objects go that Git does not have any more.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub prune: bool,
    /// Whether nothing is changed.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub dry_run: bool,
    /// With hooks or without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_strategy: Option<SyncStrategy>,
    /// Which objects, if not all.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<SyncOperationResource>,
    /// Where from, if not from where the Application says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ApplicationSource>,
    /// Manifests, instead of those of the source.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub manifests: Vec<String>,
    /// Options, instead of the Application's.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub sync_options: Vec<String>,
    /// Where from, if from several places.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<ApplicationSource>,
    /// The commits or versions, if from several places.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<String>,
    /// How often the cluster was changed and this took it back.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero_long")]
    pub auto_heal_attempts_count: i64,
}

/// With hooks or without.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncStrategy {
    /// Without hooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apply: Option<SyncStrategyForce>,
    /// With hooks, which is how it is done where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<SyncStrategyForce>,
}

/// How hard it tries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncStrategyForce {
    /// Whether an object that cannot be changed is deleted and made again.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub force: bool,
}

/// An object to sync.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncOperationResource {
    /// Its group.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace; any, where it is empty.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// Who asked for something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InitiatedBy {
    /// A person.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// Nobody: it was done by itself.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub automated: bool,
}

/// How far a sync is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationState {
    /// What was asked for.
    pub operation: Operation,
    /// `Running`, `Terminating`, `Failed`, `Error` or `Succeeded`.
    pub phase: String,
    /// What it waits for, or why it ended.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What it has done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_result: Option<SyncOperationResult>,
    /// When it began.
    pub started_at: Time,
    /// When it ended; while it is `Running`, when the last attempt did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// How often it was tried again.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero_long")]
    pub retry_count: i64,
}

/// What a sync has done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncOperationResult {
    /// Object by object.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceResult>,
    /// The commit or version.
    #[serde(default, deserialize_with = "null::as_default")]
    pub revision: String,
    /// Where from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ApplicationSource>,
    /// Where from, if from several places.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<ApplicationSource>,
    /// The commits or versions, if from several places.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<String>,
    /// What the namespace was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_namespace_metadata: Option<NamespaceMetadata>,
}

/// What became of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceResult {
    /// Its group.
    #[serde(default, deserialize_with = "null::as_default")]
    pub group: String,
    /// Its version.
    #[serde(default, deserialize_with = "null::as_default")]
    pub version: String,
    /// Its kind.
    #[serde(default, deserialize_with = "null::as_default")]
    pub kind: String,
    /// Its namespace.
    #[serde(default, deserialize_with = "null::as_default")]
    pub namespace: String,
    /// Its name.
    #[serde(default, deserialize_with = "null::as_default")]
    pub name: String,
    /// `Synced`, `SyncFailed`, `Pruned` or `PruneSkipped`.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// Why.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Of a hook, which one it is.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub hook_type: String,
    /// How far it is.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub hook_phase: String,
    /// The phase of the sync.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub sync_phase: String,
    /// Its images.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
}

/// The one value or the many, whichever is given.
pub(super) fn commits<'a>(revision: &'a String, revisions: &'a [String]) -> &'a [String] {
    match (revisions, revision.as_str()) {
        ([], "") => &[],
        ([], _) => std::slice::from_ref(revision),
        (all, _) => all,
    }
}

impl SyncOperation {
    /// The revisions that were asked for, one of each source.
    pub fn commits(&self) -> &[String] {
        commits(&self.revision, &self.revisions)
    }
}

impl SyncOperationResult {
    /// The commits that it keeps to, one of each source; none where they are not known yet.
    pub fn commits(&self) -> &[String] {
        commits(&self.revision, &self.revisions)
    }

    /// Where the manifests come from.
    pub fn all_sources(&self) -> &[ApplicationSource] {
        if self.sources.is_empty() { self.source.as_slice() } else { &self.sources }
    }

    /// Keeps to these commits.
    pub fn keep_to(&mut self, commits: &[String]) {
        if self.sources.is_empty() {
            self.revision = commits.first().cloned().unwrap_or_default();
        } else {
            self.revisions = commits.to_vec();
        }
    }
}
