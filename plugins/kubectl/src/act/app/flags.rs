//! What the flags of `app create` say, field by field.

use serde_json::{Value, json};

/// Whether it syncs by itself.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// When somebody asks
    #[value(alias = "manual")]
    None,
    /// By itself
    #[value(alias = "auto", alias = "automatic")]
    Automated,
}

/// What flags say of an Application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// `spec.source.repoURL`.
    pub repo: Option<String>,
    /// `spec.source.path`.
    pub path: Option<String>,
    /// `spec.source.targetRevision`.
    pub revision: Option<String>,
    /// `spec.source.chart`.
    pub chart: Option<String>,
    /// `spec.source.helm.valueFiles`.
    pub values: Vec<String>,
    /// `spec.source.helm.parameters`.
    pub parameters: Vec<(String, String)>,
    /// `spec.source.helm.releaseName`.
    pub release_name: Option<String>,
    /// `spec.source.directory.recurse`.
    pub recurse: bool,
    /// `spec.source.kustomize.images`.
    pub images: Vec<String>,
    /// `spec.destination.server`.
    pub server: Option<String>,
    /// `spec.destination.name`.
    pub cluster: Option<String>,
    /// `spec.destination.namespace`.
    pub namespace: Option<String>,
    /// `spec.project`.
    pub project: Option<String>,
    /// `spec.syncPolicy.automated`.
    pub policy: Option<Policy>,
    /// `prune`, `selfHeal` and `allowEmpty` of that.
    pub automated: [(&'static str, bool); 3],
    /// `spec.syncPolicy.syncOptions`.
    pub options: Vec<String>,
    /// Labels.
    pub labels: Vec<(String, String)>,
    /// Annotations.
    pub annotations: Vec<(String, String)>,
    /// Whether its objects go with it.
    pub takes_along: bool,
}

/// What the flags say, as a merge patch.
pub fn overlay(said: &Said) -> Value {
    let mut over = json!({});
    let mut set = |path: &[&str], value: Value| {
        let mut at = &mut over;
        for part in path {
            at = &mut at[*part];
        }
        *at = value;
    };
    for (path, text) in [
        (&["spec", "source", "repoURL"][..], &said.repo),
        (&["spec", "source", "path"], &said.path),
        (&["spec", "source", "targetRevision"], &said.revision),
        (&["spec", "source", "chart"], &said.chart),
        (&["spec", "source", "helm", "releaseName"], &said.release_name),
        (&["spec", "destination", "server"], &said.server),
        (&["spec", "destination", "name"], &said.cluster),
        (&["spec", "destination", "namespace"], &said.namespace),
        (&["spec", "project"], &said.project),
    ] {
        if let Some(text) = text {
            set(path, json!(text));
        }
    }
    // One of the two is enough.
    match (&said.server, &said.cluster) {
        (Some(_), None) => set(&["spec", "destination", "name"], Value::Null),
        (None, Some(_)) => set(&["spec", "destination", "server"], Value::Null),
        _ => {}
    }
    for (path, list) in [
        (&["spec", "source", "helm", "valueFiles"], &said.values),
        (&["spec", "source", "kustomize", "images"], &said.images),
    ] {
        if !list.is_empty() {
            set(path, json!(list));
        }
    }
    if !said.options.is_empty() {
        set(&["spec", "syncPolicy", "syncOptions"], json!(said.options));
    }
    if !said.parameters.is_empty() {
        let parameters = said.parameters.iter().map(|(name, value)| json!({"name": name, "value": value}));
        set(&["spec", "source", "helm", "parameters"], parameters.collect());
    }
    if said.recurse {
        set(&["spec", "source", "directory", "recurse"], json!(true));
    }
    match said.policy {
        Some(Policy::Automated) => set(&["spec", "syncPolicy", "automated"], json!({})),
        Some(Policy::None) => set(&["spec", "syncPolicy", "automated"], Value::Null),
        None => {}
    }
    for (field, _) in said.automated.iter().filter(|(_, is_set)| *is_set) {
        set(&["spec", "syncPolicy", "automated", field], json!(true));
    }
    for (field, marks) in [("labels", &said.labels), ("annotations", &said.annotations)] {
        for (name, value) in marks {
            set(&["metadata", field, name], json!(value));
        }
    }
    over
}
