//! `AppProject`: what the Applications of a team may do. Compatible with Argo CD field by field.

use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::{null, raw};

/// What Applications that name it may do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, CustomResource)]
#[kube(
    group = "argoproj.io",
    version = "v1alpha1",
    kind = "AppProject",
    namespaced,
    shortname = "appproj",
    shortname = "appprojs",
    derive = "PartialEq",
    crates(
        kube_core = "::kube_core",
        k8s_openapi = "::k8s_openapi",
        schemars = "::schemars",
        serde = "::serde",
        serde_json = "::serde_json"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct AppProjectSpec {
    /// What it is for.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Patterns of repositories; one that begins with `!` forbids what it matches.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub source_repos: Vec<String>,
    /// Patterns of namespaces, beside the controller's own, whose Applications may name it.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub source_namespaces: Vec<String>,
    /// Where objects may go.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<ProjectDestination>,
    /// Kinds outside of namespaces that are allowed; none where it is empty.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub cluster_resource_whitelist: Vec<ProjectKind>,
    /// Kinds outside of namespaces that are not.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub cluster_resource_blacklist: Vec<ProjectKind>,
    /// Kinds in namespaces that are allowed; all where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_resource_whitelist: Option<Vec<ProjectKind>>,
    /// Kinds in namespaces that are not.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub namespace_resource_blacklist: Vec<ProjectKind>,
    /// Who may do what by other tools; Kubernetes' own rules are what counts for Sluice.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "raw::any_objects")]
    pub roles: Vec<Value>,
    /// When syncs are allowed.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "raw::any_objects")]
    pub sync_windows: Vec<Value>,
    /// Whether objects of the namespaces are told of that no Application has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "raw::any_object")]
    pub orphaned_resources: Option<Value>,
    /// Keys by which commits have to be signed.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "raw::any_objects")]
    pub signature_keys: Vec<Value>,
    /// How commits have to be signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "raw::any_object")]
    pub source_integrity: Option<Value>,
    /// Whether only clusters of the project itself are allowed.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub permit_only_project_scoped_clusters: bool,
    /// As whom syncs act.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "raw::any_objects")]
    pub destination_service_accounts: Vec<Value>,
}

/// Where objects may go. Each of the three is a pattern; one that begins with `!` matches everything else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectDestination {
    /// The API server's URL.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// The cluster's name.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The namespace.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// A kind, by patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectKind {
    /// Its group; empty for the core.
    #[serde(default, deserialize_with = "null::as_default")]
    pub group: String,
    /// What it is called.
    #[serde(default, deserialize_with = "null::as_default")]
    pub kind: String,
    /// The name of the object, if not any.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
}
