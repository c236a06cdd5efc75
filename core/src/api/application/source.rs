//! Where manifests come from, and what makes them.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::{null, raw};

/// A place with manifests: a folder in Git, or a chart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationSource {
    /// The repository: `https://`, `ssh://` or `file://`, `host:path` as Git has it, or a repository of charts.
    #[serde(rename = "repoURL")]
    pub repo_url: String,
    /// The folder.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// A branch, tag, commit or range of versions; the default branch where it is empty.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub target_revision: String,
    /// Values for Helm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helm: Option<SourceHelm>,
    /// Additions for Kustomize.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kustomize: Option<SourceKustomize>,
    /// How a plain folder is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<SourceDirectory>,
    /// A program that renders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<SourcePlugin>,
    /// A chart's name, in a repository of charts.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub chart: String,
    /// The name by which other sources of the same Application refer to this one's files, as `$name/...`.
    #[serde(rename = "ref", default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// What people call it, among several.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Of tags that a range of versions looks at, what comes before the version.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub tag_prefix: String,
}

/// How a plain folder is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceDirectory {
    /// Whether folders in it are read too.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub recurse: bool,
    /// What Jsonnet is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "raw::any_object")]
    pub jsonnet: Option<Value>,
    /// Files that are left out, such as `*.secret.yaml` or `{a.yaml,b.yaml}`.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub exclude: String,
    /// Files that are read, if not all.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub include: String,
    /// Whether files are read whatever their names end in.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub disable_extension_filter: bool,
}

/// What Helm is given.
#[expect(clippy::struct_excessive_bools, reason = "the API has them")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceHelm {
    /// Files with values, the later ones over the earlier ones.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub value_files: Vec<String>,
    /// Single values, over all others.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<HelmParameter>,
    /// The release; the Application's name where it is empty.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub release_name: String,
    /// Values as YAML.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub values: String,
    /// Single values, out of files.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub file_parameters: Vec<HelmFileParameter>,
    /// The major version of Helm.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Whether charts that this one needs get its credentials.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub pass_credentials: bool,
    /// Whether files with values may be missing.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub ignore_missing_value_files: bool,
    /// Whether the chart's CRDs are left out.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub skip_crds: bool,
    /// Values as an object, instead of `values`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "raw::any_object")]
    pub values_object: Option<Value>,
    /// The namespace; the destination's where it is empty.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The version of Kubernetes that the chart is told.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub kube_version: String,
    /// The APIs that the chart is told.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub api_versions: Vec<String>,
    /// Whether the chart's tests are left out.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub skip_tests: bool,
    /// Whether values are taken that the chart's schema refuses.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub skip_schema_validation: bool,
}

/// One value for Helm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelmParameter {
    /// Where, such as `image.tag`.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Whether it is text even where it looks like a number.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub force_string: bool,
}

/// One value for Helm, out of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HelmFileParameter {
    /// Where.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The file.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub path: String,
}

/// What Kustomize adds.
#[expect(clippy::struct_excessive_bools, reason = "the API has them")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceKustomize {
    /// What all names begin with.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub name_prefix: String,
    /// What all names end with.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub name_suffix: String,
    /// Images, as `[old=]name[:tag|@digest]`.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    /// Labels for all objects.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub common_labels: BTreeMap<String, String>,
    /// The version of Kustomize.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Annotations for all objects.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub common_annotations: BTreeMap<String, String>,
    /// Whether labels replace those of the objects.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub force_common_labels: bool,
    /// Whether annotations replace those of the objects.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub force_common_annotations: bool,
    /// The namespace of all objects.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Whether annotations may name variables of the build.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub common_annotations_envsubst: bool,
    /// Sizes of workloads.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub replicas: Vec<KustomizeReplicas>,
    /// Patches.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "raw::any_objects")]
    pub patches: Vec<Value>,
    /// Components.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    /// Whether components may be missing.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub ignore_missing_components: bool,
    /// Whether labels stay out of selectors.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub label_without_selector: bool,
    /// Whether labels that stay out of selectors go into templates.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub label_include_templates: bool,
    /// The version of Kubernetes that charts are told.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub kube_version: String,
    /// The APIs that charts are told.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub api_versions: Vec<String>,
}

/// The size of a workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KustomizeReplicas {
    /// Its name.
    pub name: String,
    /// Its size.
    pub count: IntOrString,
}

/// A program that renders.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourcePlugin {
    /// Its name.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Variables of its environment.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<PluginEnv>,
    /// What else it is given.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "raw::any_objects")]
    pub parameters: Vec<Value>,
}

/// A variable of the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PluginEnv {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl ApplicationSource {
    /// A source as a status keeps it: a merge patch cannot write a null, which free fields such as `helm.valuesObject` may have.
    #[must_use]
    pub fn stored(&self) -> ApplicationSource {
        let mut stored = self.clone();
        if let Some(values) = stored.helm.as_mut().and_then(|helm| helm.values_object.as_mut()) {
            drop_nulls(values);
        }
        if let Some(jsonnet) = stored.directory.as_mut().and_then(|directory| directory.jsonnet.as_mut()) {
            drop_nulls(jsonnet);
        }
        stored.kustomize.iter_mut().flat_map(|kustomize| &mut kustomize.patches).for_each(drop_nulls);
        stored.plugin.iter_mut().flat_map(|plugin| &mut plugin.parameters).for_each(drop_nulls);
        stored
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
