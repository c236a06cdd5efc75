//! Which live ReplicaSet is taken for the current revision.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sluice_core::identity::equality::EPHEMERAL_METADATA_ANNOTATION;
use sluice_core::identity::{
    Candidate, MatchedBy, PodHash, default_pod_template, find_new_replica_set, legacy_pod_template_hash,
    pod_template_hash, semantically_equal,
};

const LABEL: &str = "rollouts-pod-template-hash";

fn desired() -> Value {
    json!({
        "metadata": {"labels": {"app": "a"}},
        "spec": {
            "containers": [{
                "name": "c",
                "image": "nginx:1",
                "ports": [{"containerPort": 80}],
                "resources": {"requests": {"cpu": "0.5", "memory": "1Gi"}},
            }],
            "serviceAccountName": "sa",
        },
    })
}

/// The template as it comes back from the API server in a ReplicaSet with this label.
fn live(template: &Value, hash: &str) -> Value {
    let mut template = template.clone();
    default_pod_template(&mut template);
    template["metadata"]["labels"][LABEL] = hash.into();
    template["metadata"]["creationTimestamp"] = Value::Null;
    template["spec"]["serviceAccount"] = template["spec"]["serviceAccountName"].clone();
    template
}

struct ReplicaSet {
    name: &'static str,
    created: &'static str,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    template: Value,
}

impl ReplicaSet {
    fn new(name: &'static str, created: &'static str, hash: &str, template: &Value) -> Self {
        let labels = BTreeMap::from([(LABEL.to_owned(), hash.to_owned())]);
        Self { name, created, labels, annotations: BTreeMap::new(), template: live(template, hash) }
    }

    fn candidate(&self) -> Candidate<'_> {
        Candidate {
            name: self.name,
            created: self.created.parse().ok(),
            labels: Some(&self.labels),
            annotations: Some(&self.annotations),
            template: &self.template,
        }
    }
}

fn find(current: Option<&str>, all: &[ReplicaSet]) -> Option<(String, String, MatchedBy)> {
    let current = current.map(PodHash::from);
    find_new_replica_set(&desired(), None, current.as_ref(), all.iter().map(ReplicaSet::candidate))
        .map(|found| (found.replica_set.name.to_owned(), found.hash.to_string(), found.by))
}

fn other() -> Value {
    let mut template = desired();
    template["spec"]["containers"][0]["image"] = "nginx:2".into();
    template
}

const EARLY: &str = "2024-01-01T00:00:00Z";
const LATE: &str = "2024-01-02T00:00:00Z";

#[test]
fn a_new_template_has_no_replica_set() {
    assert_eq!(find(None, &[]), None);
    assert_eq!(find(Some("old"), &[ReplicaSet::new("x", EARLY, "old", &other())]), None);
}

#[test]
fn the_label_with_our_hash_wins_over_an_older_replica_set_of_the_same_meaning() {
    let ours = pod_template_hash(&desired(), None).to_string();
    let all = [ReplicaSet::new("x", EARLY, "foreign", &desired()), ReplicaSet::new("y", LATE, &ours, &desired())];
    assert_eq!(find(None, &all), Some(("y".into(), ours.clone(), MatchedBy::Hash)));
    assert_eq!(find(Some(&ours), &all), Some(("y".into(), ours, MatchedBy::Hash)));
}

#[test]
fn the_label_of_releases_up_to_1_8_is_recognised() {
    let legacy = legacy_pod_template_hash(&desired(), None).to_string();
    let all = [ReplicaSet::new("x", EARLY, "foreign", &desired()), ReplicaSet::new("y", LATE, &legacy, &desired())];
    assert_eq!(find(None, &all), Some(("y".into(), legacy, MatchedBy::LegacyHash)));
}

#[test]
fn a_replica_set_with_a_foreign_label_is_found_by_meaning_and_keeps_its_label() {
    let all = [ReplicaSet::new("x", EARLY, "foreign", &desired())];
    assert_eq!(find(None, &all), Some(("x".into(), "foreign".into(), MatchedBy::Template)));
}

#[test]
fn among_equals_the_oldest_is_found_and_names_decide_ties() {
    let late = ReplicaSet::new("a", LATE, "one", &desired());
    let early = ReplicaSet::new("c", EARLY, "two", &desired());
    let twin = ReplicaSet::new("b", EARLY, "three", &desired());
    assert_eq!(find(None, &[late, early, twin]).map(|found| found.0), Some("b".into()));
}

#[test]
fn the_replica_set_in_status_is_kept_while_its_template_means_the_same() {
    let ours = pod_template_hash(&desired(), None).to_string();
    let all = [ReplicaSet::new("x", EARLY, &ours, &desired()), ReplicaSet::new("y", LATE, "current", &desired())];
    assert_eq!(find(Some("current"), &all), Some(("y".into(), "current".into(), MatchedBy::Status)));
    let changed = [ReplicaSet::new("x", EARLY, &ours, &desired()), ReplicaSet::new("y", LATE, "current", &other())];
    assert_eq!(find(Some("current"), &changed), Some(("x".into(), ours, MatchedBy::Hash)));
}

#[test]
fn a_collision_count_makes_another_hash() {
    let counted = pod_template_hash(&desired(), Some(1)).to_string();
    let x = ReplicaSet::new("x", EARLY, &counted, &other());
    let found = find_new_replica_set(&desired(), Some(1), None, [x.candidate()]);
    assert_eq!(found.map(|found| found.by), Some(MatchedBy::Hash));
    assert!(find_new_replica_set(&desired(), None, None, [x.candidate()]).is_none());
}

#[test]
fn ephemeral_metadata_does_not_hide_a_replica_set() {
    let mut x = ReplicaSet::new("x", EARLY, "foreign", &desired());
    x.template["metadata"]["labels"]["role"] = "canary".into();
    x.template["metadata"]["annotations"] = json!({"note": "n"});
    assert_eq!(find(None, std::slice::from_ref(&x)), None);
    let injected = r#"{"labels":{"role":"canary"},"annotations":{"note":"n"}}"#;
    x.annotations.insert(EPHEMERAL_METADATA_ANNOTATION.to_owned(), injected.to_owned());
    assert!(find(None, &[x]).is_some());
}

fn anti_affinity(key: &str) -> Value {
    json!({
        "labelSelector": {"matchExpressions": [{"key": key, "operator": "In", "values": ["stable"]}]},
        "topologyKey": "kubernetes.io/hostname",
    })
}

#[test]
fn injected_anti_affinity_does_not_hide_a_replica_set() {
    for (list, term) in [
        ("requiredDuringSchedulingIgnoredDuringExecution", anti_affinity(LABEL)),
        (
            "preferredDuringSchedulingIgnoredDuringExecution",
            json!({"weight": 1, "podAffinityTerm": anti_affinity(LABEL)}),
        ),
    ] {
        let mut x = ReplicaSet::new("x", EARLY, "foreign", &desired());
        x.template["spec"]["affinity"] = json!({"podAntiAffinity": {list: [term]}});
        assert!(find(None, &[x]).is_some(), "{list}");
    }
}

#[test]
fn anti_affinity_of_the_users_own_counts() {
    let mut x = ReplicaSet::new("x", EARLY, "foreign", &desired());
    let terms = json!([anti_affinity("app")]);
    x.template["spec"]["affinity"] =
        json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}});
    assert_eq!(find(None, &[x]), None);
}

#[test]
fn quantities_compare_by_amount_and_empty_lists_equal_absent_ones() {
    let mut same = desired();
    same["spec"]["containers"][0]["resources"]["requests"] = json!({"cpu": "500m", "memory": 1_073_741_824});
    same["spec"]["containers"][0]["command"] = json!([]);
    same["spec"]["nodeSelector"] = json!({});
    assert!(semantically_equal(&desired(), &same));
}

#[test]
fn an_empty_optional_object_differs_from_an_absent_one() {
    let mut with = desired();
    with["spec"]["affinity"] = json!({});
    assert!(!semantically_equal(&desired(), &with));
}

#[test]
fn the_order_of_lists_and_unknown_fields_count() {
    let mut one = desired();
    one["spec"]["containers"][0]["args"] = json!(["a", "b"]);
    let mut other = desired();
    other["spec"]["containers"][0]["args"] = json!(["b", "a"]);
    assert!(!semantically_equal(&one, &other));
    let mut future = desired();
    future["spec"]["fieldOfTheFuture"] = json!({"a": 1});
    assert!(!semantically_equal(&desired(), &future));
    assert!(semantically_equal(&future, &future.clone()));
}
