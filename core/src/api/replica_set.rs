//! `ReplicaSet` of `apps/v1`, with its pod template as raw JSON: what is not known is kept.

use std::borrow::Cow;
use std::sync::LazyLock;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube_core::{NamespaceResourceScope, Resource};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::null;

/// A ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ReplicaSet {
    /// Its metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What it should run.
    #[serde(default)]
    pub spec: ReplicaSetSpec,
    /// What it runs.
    #[serde(default)]
    pub status: Option<ReplicaSetStatus>,
}

/// What a ReplicaSet should run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaSetSpec {
    /// Wanted pods; the API server defaults it to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Seconds for which a pod must have been ready to count as available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_ready_seconds: Option<i32>,
    /// Which pods it counts as its own; immutable.
    #[serde(default)]
    pub selector: LabelSelector,
    /// The pods.
    #[serde(default)]
    pub template: Value,
}

/// What a ReplicaSet runs, as its controller counted it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaSetStatus {
    /// Pods that exist and are not being deleted.
    #[serde(default, deserialize_with = "null::as_default")]
    pub replicas: i32,
    /// Of those, the ready ones.
    #[serde(default, deserialize_with = "null::as_default")]
    pub ready_replicas: i32,
    /// Of those, the ones that were ready for `minReadySeconds`.
    #[serde(default, deserialize_with = "null::as_default")]
    pub available_replicas: i32,
    /// The `metadata.generation` that was counted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions; `ReplicaFailure` says that pods could not be created.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ReplicaSetCondition>,
}

/// A condition of a ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplicaSetCondition {
    /// Its type.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in one word.
    #[serde(default)]
    pub reason: Option<String>,
    /// Why, in words.
    #[serde(default)]
    pub message: Option<String>,
}

static NOT_COUNTED: LazyLock<ReplicaSetStatus> = LazyLock::new(ReplicaSetStatus::default);

impl ReplicaSet {
    /// The status; an empty one before its controller has counted.
    pub fn observed(&self) -> &ReplicaSetStatus {
        self.status.as_ref().unwrap_or(&NOT_COUNTED)
    }

    /// An empty one with this name.
    pub fn named(name: &str) -> ReplicaSet {
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        ReplicaSet { metadata, ..ReplicaSet::default() }
    }
}

impl Serialize for ReplicaSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("ReplicaSet", 5)?;
        object.serialize_field("apiVersion", "apps/v1")?;
        object.serialize_field("kind", "ReplicaSet")?;
        object.serialize_field("metadata", &self.metadata)?;
        object.serialize_field("spec", &self.spec)?;
        if let Some(status) = &self.status {
            object.serialize_field("status", status)?;
        }
        object.end()
    }
}

impl Resource for ReplicaSet {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        "ReplicaSet".into()
    }

    fn group((): &()) -> Cow<'_, str> {
        "apps".into()
    }

    fn version((): &()) -> Cow<'_, str> {
        "v1".into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "replicasets".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
