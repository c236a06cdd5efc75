//! Orphans: objects in an Application's namespace that belong to no Application at all. What counts is what counts for Argo CD.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::Value;

use super::glob;
use super::key::Key;
use super::tracking::TRACKING_ID;

/// What a project says of orphans.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Monitoring {
    warn: Option<bool>,
    ignore: Option<Vec<Ignored>>,
}

/// Objects that do not count: patterns, of which a kind or a name that is not said fits any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Ignored {
    group: Option<String>,
    kind: Option<String>,
    name: Option<String>,
}

impl Monitoring {
    /// What a project's `orphanedResources` says.
    ///
    /// # Errors
    /// Why it makes no sense.
    pub fn read(value: &Value) -> Result<Monitoring, String> {
        serde_json::from_value(value.clone()).map_err(|error| error.to_string())
    }

    /// Whether Applications are told of them; where it is not said, they are.
    pub fn warns(&self) -> bool {
        self.warn.unwrap_or(true)
    }

    fn ignores(&self, key: &Key) -> bool {
        let fits = |pattern: &Option<String>, text: &str| {
            pattern.as_deref().is_none_or(|pattern| pattern.is_empty() || glob::matches(pattern, text))
        };
        self.ignore.iter().flatten().any(|one| {
            glob::matches(one.group.as_deref().unwrap_or_default(), &key.group)
                && fits(&one.kind, &key.kind)
                && fits(&one.name, &key.name)
        })
    }
}

/// An object that is an orphan if no Application has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub key: Key,
    /// What its tracking annotation says.
    pub tracking: Option<String>,
}

/// Whether objects of a kind can be orphans at all. What a cluster writes by itself, and what the controller is told by, cannot.
pub fn is_kind(group: &str, kind: &str) -> bool {
    match (group, kind) {
        ("" | "events.k8s.io", "Event")
        | ("", "Endpoints")
        | ("discovery.k8s.io", "EndpointSlice")
        | ("coordination.k8s.io", "Lease" | "LeaseCandidate")
        | ("argoproj.io", "Application" | "ApplicationSet" | "AppProject") => false,
        (group, _) => group != "metrics.k8s.io" && !group.ends_with(".metrics.k8s.io"),
    }
}

impl Candidate {
    /// An object, by what its metadata say; nothing where it never counts.
    pub fn of(group: &str, kind: &str, metadata: &ObjectMeta) -> Option<Candidate> {
        let has_owner = metadata.owner_references.as_ref().is_some_and(|owners| !owners.is_empty());
        let key = Key {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
        };
        if has_owner || metadata.deletion_timestamp.is_some() || is_clusters(&key, metadata) || is_ours(&key, metadata)
        {
            return None;
        }
        let tracking = metadata.annotations.as_ref().and_then(|all| all.get(TRACKING_ID)).cloned();
        Some(Candidate { key, tracking })
    }
}

/// What a cluster puts into each namespace by itself.
fn is_clusters(key: &Key, metadata: &ObjectMeta) -> bool {
    match (key.group.as_str(), key.kind.as_str(), key.name.as_str()) {
        ("", "ServiceAccount", "default") | ("", "ConfigMap", "kube-root-ca.crt") => true,
        ("", "Service", "kubernetes") => key.namespace == "default",
        // The token of a service account.
        ("", "Secret", _) => {
            metadata.annotations.as_ref().is_some_and(|all| all.contains_key("kubernetes.io/service-account.name"))
        }
        _ => false,
    }
}

/// What the controller itself is told by.
fn is_ours(key: &Key, metadata: &ObjectMeta) -> bool {
    let label = |name: &str| metadata.labels.as_ref().and_then(|all| all.get(name)).map(String::as_str);
    let is_of_argo = label("app.kubernetes.io/part-of") == Some("argocd");
    match (key.group.as_str(), key.kind.as_str()) {
        ("", "ConfigMap") => is_of_argo,
        ("", "Secret") => {
            is_of_argo || label("argocd.argoproj.io/secret-type").is_some() || key.name == "argocd-secret"
        }
        _ => false,
    }
}

/// The orphans among them, in order. An object is none that an Application has or that the project does not permit.
pub fn orphans(
    monitoring: &Monitoring,
    candidates: &[Candidate],
    has: impl Fn(&Candidate) -> bool,
    permits: impl Fn(&Key) -> bool,
) -> Vec<Key> {
    let is_orphan = |it: &&Candidate| !monitoring.ignores(&it.key) && permits(&it.key) && !has(it);
    let mut orphans: Vec<Key> = candidates.iter().filter(is_orphan).map(|it| it.key.clone()).collect();
    orphans.sort();
    orphans.dedup();
    orphans
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn candidate(group: &str, kind: &str, metadata: Value) -> Option<Candidate> {
        Candidate::of(group, kind, &serde_json::from_value(metadata).expect("metadata"))
    }

    #[test]
    fn what_a_cluster_and_the_controller_write_themselves_never_counts() {
        let owner = json!([{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "1" }]);
        let cases = [
            ("", "ConfigMap", json!({ "name": "settings", "namespace": "shop" }), true),
            ("apps", "Deployment", json!({ "name": "web", "namespace": "shop" }), true),
            ("", "Pod", json!({ "name": "web-1", "namespace": "shop", "ownerReferences": owner }), false),
            ("", "Pod", json!({ "name": "alone", "namespace": "shop", "ownerReferences": [] }), true),
            ("", "ServiceAccount", json!({ "name": "default", "namespace": "shop" }), false),
            ("", "ServiceAccount", json!({ "name": "robot", "namespace": "shop" }), true),
            ("", "ConfigMap", json!({ "name": "kube-root-ca.crt", "namespace": "shop" }), false),
            ("", "Service", json!({ "name": "kubernetes", "namespace": "default" }), false),
            ("", "Service", json!({ "name": "kubernetes", "namespace": "shop" }), true),
            (
                "",
                "Secret",
                json!({ "name": "t", "annotations": { "kubernetes.io/service-account.name": "robot" } }),
                false,
            ),
            ("", "Secret", json!({ "name": "argocd-secret" }), false),
            ("", "Secret", json!({ "name": "r", "labels": { "argocd.argoproj.io/secret-type": "repository" } }), false),
            ("", "Secret", json!({ "name": "password" }), true),
            ("", "ConfigMap", json!({ "name": "cm", "labels": { "app.kubernetes.io/part-of": "argocd" } }), false),
            ("", "ConfigMap", json!({ "name": "cm", "labels": { "app.kubernetes.io/part-of": "shop" } }), true),
            ("", "ConfigMap", json!({ "name": "going", "deletionTimestamp": "2026-01-01T00:00:00Z" }), false),
        ];
        for (group, kind, metadata, counts) in cases {
            assert_eq!(candidate(group, kind, metadata.clone()).is_some(), counts, "{kind} {metadata}");
        }
        for (group, kind, counts) in [
            ("", "Event", false),
            ("events.k8s.io", "Event", false),
            ("", "Endpoints", false),
            ("discovery.k8s.io", "EndpointSlice", false),
            ("coordination.k8s.io", "Lease", false),
            ("metrics.k8s.io", "PodMetrics", false),
            ("custom.metrics.k8s.io", "MetricValueList", false),
            ("argoproj.io", "Application", false),
            ("argoproj.io", "Rollout", true),
            ("example.com", "Event", true),
        ] {
            assert_eq!(is_kind(group, kind), counts, "{group} {kind}");
        }
    }

    #[test]
    fn a_project_says_which_do_not_count() {
        let names = ["cache-1", "cache-2", "settings"];
        let all: Vec<Candidate> =
            names.iter().rev().filter_map(|name| candidate("", "ConfigMap", json!({ "name": name }))).collect();
        let rest = |ignore: Value| {
            let monitoring = Monitoring::read(&json!({ "ignore": ignore })).expect("it is understood");
            let found = orphans(&monitoring, &all, |_| false, |_| true);
            found.into_iter().map(|key| key.name).collect::<Vec<_>>()
        };
        assert_eq!(rest(json!(null)), names);
        assert_eq!(rest(json!([{ "kind": "ConfigMap", "name": "cache-*" }])), ["settings"]);
        assert_eq!(rest(json!([{ "group": "*", "kind": "Config*" }])), [""; 0]);
        assert_eq!(rest(json!([{ "group": "", "name": "settings" }])), names[..2]);
        assert_eq!(rest(json!([{ "group": "apps" }, { "kind": "Secret" }])), names);
        assert_eq!(rest(json!([{}])), [""; 0], "all of the core group");
    }

    #[test]
    fn what_an_application_has_or_may_not_have_is_no_orphan() {
        let tracked = json!({ "name": "had", "annotations": { TRACKING_ID: "web:/ConfigMap:shop/had" } });
        let all: Vec<Candidate> = [tracked, json!({ "name": "left" }), json!({ "name": "forbidden" })]
            .into_iter()
            .filter_map(|metadata| candidate("", "ConfigMap", metadata))
            .collect();
        let permits = |key: &Key| key.name != "forbidden";
        let has = |it: &Candidate| it.tracking.as_deref().is_some_and(|id| id.starts_with("web:"));
        let found = orphans(&Monitoring::default(), &all, has, permits);
        assert_eq!(found.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["left"]);
    }

    #[test]
    fn a_warning_is_the_default() {
        for (said, warns) in [(json!({}), true), (json!({ "warn": null }), true), (json!({ "warn": false }), false)] {
            assert_eq!(Monitoring::read(&said).map(|it| it.warns()), Ok(warns), "{said}");
        }
        for wrong in [
            json!({ "warn": "yes" }),
            json!({ "ignore": {} }),
            json!({ "hide": [] }),
            json!({ "ignore": [{ "kin": 1 }] }),
        ] {
            assert!(Monitoring::read(&wrong).is_err(), "{wrong}");
        }
    }
}
