//! When and how an Application is synced, and which differences do not count.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::null;

/// When and how to sync.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncPolicy {
    /// Syncs by itself where it is there, unless `enabled` says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automated: Option<Automated>,
    /// Options such as `CreateNamespace=true`.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub sync_options: Vec<String>,
    /// What becomes of a sync that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// What a namespace that the sync creates is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_namespace_metadata: Option<NamespaceMetadata>,
}

/// Syncs without a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Automated {
    /// Whether objects go that Git does not have any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune: Option<bool>,
    /// Whether changes that were made in the cluster are taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_heal: Option<bool>,
    /// Whether everything may go at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_empty: Option<bool>,
    /// `false` turns it off, and the rest is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// What becomes of a sync that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retry {
    /// How often it is tried again; for ever where it is negative.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero_long")]
    pub limit: i64,
    /// How long it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// Whether a retry takes the newest commit.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub refresh: bool,
}

/// How long a retry waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backoff {
    /// The first wait, such as `5s`; a bare number has seconds.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub duration: String,
    /// By how much each wait is longer than the one before; 2 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<i64>,
    /// The longest wait, such as `3m`.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub max_duration: String,
}

/// What a namespace is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamespaceMetadata {
    /// Labels.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Differences that do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceIgnoreDifferences {
    /// Of objects of this group, which may be a pattern;
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// and of this kind, which may be one too;
    pub kind: String,
    /// of this name, if not of every name;
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// and of this namespace, if not of every namespace.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Places as JSON pointers, such as `/spec/replicas`.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub json_pointers: Vec<String>,
    /// Places as paths of jq.
    #[serde(rename = "jqPathExpressions", default, deserialize_with = "null::as_default")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jq_path_expressions: Vec<String>,
    /// Fields that these managers own.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub managed_fields_managers: Vec<String>,
}

impl SyncPolicy {
    /// Whether it syncs by itself.
    pub fn automatic(&self) -> Option<&Automated> {
        self.automated.as_ref().filter(|automated| automated.enabled != Some(false))
    }
}
