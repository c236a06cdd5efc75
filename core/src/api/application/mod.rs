//! `Application`: what a place in Git says that a cluster should have, and how it gets there. Compatible with Argo CD field by field.

pub(super) mod crd;
mod operation;
mod policy;
mod project;
mod source;
mod status;

use std::borrow::Cow;
use std::sync::LazyLock;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_core::{NamespaceResourceScope, Resource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use operation::*;
pub use policy::*;
pub use project::*;
pub use source::*;
pub use status::*;

use super::null;

/// An Application: unlike other kinds it has its `operation` beside `spec` and `status`, for anybody to ask for a sync by writing it.
/// Its status is no subresource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Application {
    /// Name, namespace and what else every object has.
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub metadata: ObjectMeta,
    /// What it should be.
    pub spec: ApplicationSpec,
    /// What the controller makes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ApplicationStatus>,
    /// A sync that somebody asks for; the controller takes it away when it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
}

/// What should be where.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationSpec {
    /// The AppProject whose rules it keeps to; `default` where it is empty.
    #[serde(default, deserialize_with = "null::as_default")]
    pub project: String,
    /// Where the manifests are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ApplicationSource>,
    /// Where the manifests are, if in several places: they count instead of `source`.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<ApplicationSource>,
    /// Manifests that are rendered into a branch first, and synced from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::raw::any_object")]
    pub source_hydrator: Option<serde_json::Value>,
    /// Where the objects go.
    pub destination: ApplicationDestination,
    /// When and how to sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_policy: Option<SyncPolicy>,
    /// Differences that do not count.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub ignore_differences: Vec<ResourceIgnoreDifferences>,
    /// Something to show.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub info: Vec<Info>,
    /// Syncs that are remembered; 10 when absent, none where it is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_history_limit: Option<i64>,
}

impl ApplicationSpec {
    /// The project's name.
    pub fn project(&self) -> &str {
        if self.project.is_empty() { "default" } else { &self.project }
    }

    /// Where manifests come from, one place or several.
    pub fn all_sources(&self) -> &[ApplicationSource] {
        if self.sources.is_empty() { self.source.as_slice() } else { &self.sources }
    }

    /// The same, as a status keeps them.
    pub fn stored_sources(&self) -> Vec<ApplicationSource> {
        self.all_sources().iter().map(ApplicationSource::stored).collect()
    }

    /// Whether it has several places, of which its status then tells in lists.
    pub fn has_several(&self) -> bool {
        !self.sources.is_empty()
    }
}

/// A cluster, and a namespace in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApplicationDestination {
    /// The API server's URL.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// The namespace of objects that name none.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The cluster's name, instead of its URL.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// A line to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Info {
    /// What it is.
    pub name: String,
    /// What it says.
    pub value: String,
}

impl Resource for Application {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        "Application".into()
    }

    fn group((): &()) -> Cow<'_, str> {
        "argoproj.io".into()
    }

    fn version((): &()) -> Cow<'_, str> {
        "v1alpha1".into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "applications".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl Application {
    /// Its status, empty where there is none yet.
    pub fn status(&self) -> &ApplicationStatus {
        static NONE: LazyLock<ApplicationStatus> = LazyLock::new(ApplicationStatus::default);
        self.status.as_ref().unwrap_or(&NONE)
    }

    /// An annotation's value.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.metadata.annotations.as_ref()?.get(name).map(String::as_str)
    }

    /// Whether a person has allowed, at this time or later, that objects go which ask first.
    pub fn has_approved_deletion(&self, since: Timestamp) -> bool {
        let at = self.annotation("argocd.argoproj.io/deletion-approved").and_then(|at| at.parse::<Timestamp>().ok());
        at.is_some_and(|at| at >= since)
    }
}
