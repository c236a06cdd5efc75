//! What holds of identity for any input.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sluice_core::identity::{
    Quantity, clean_template, default_pod_template, legacy_pod_template_hash, pod_template_hash, semantically_equal,
    step_hash,
};

/// Field names that lead deep into the tables, so that arbitrary values meet every kind.
const NAMES: &[&str] = &[
    "metadata",
    "labels",
    "annotations",
    "spec",
    "containers",
    "initContainers",
    "ephemeralContainers",
    "name",
    "image",
    "resources",
    "limits",
    "requests",
    "cpu",
    "memory",
    "env",
    "valueFrom",
    "ports",
    "containerPort",
    "volumes",
    "emptyDir",
    "sizeLimit",
    "ephemeral",
    "volumeClaimTemplate",
    "creationTimestamp",
    "livenessProbe",
    "httpGet",
    "port",
    "affinity",
    "podAntiAffinity",
    "securityContext",
    "terminationGracePeriodSeconds",
    "hostNetwork",
    "command",
    "setWeight",
    "pause",
    "duration",
    "analysis",
    "args",
    "plugin",
    "config",
    "fieldOfTheFuture",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-3..200_i64).prop_map(Value::from),
        "[-+]?[0-9]{0,25}(\\.[0-9]{0,25})?([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]{1,12})?".prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(Value::from("2024-02-29T01:02:03+02:00")),
    ];
    leaf.prop_recursive(9, 96, 6, |inner| {
        let object = prop::collection::vec((prop::sample::select(NAMES), inner.clone()), 0..6)
            .prop_map(|entries| entries.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>().into());
        prop_oneof![prop::collection::vec(inner, 0..4).prop_map(Value::Array), object]
    })
}

/// Arbitrary values where a template has its spec and its containers.
fn any_template() -> impl Strategy<Value = Value> {
    prop_oneof![
        any_json(),
        any_json().prop_map(|spec| json!({"metadata": {"labels": {"a": "b"}}, "spec": spec})),
        prop::collection::vec(any_json(), 0..4).prop_map(|c| json!({"spec": {"containers": c, "volumes": c}})),
        any_json().prop_map(|r| json!({"spec": {"containers": [{"name": "c", "resources": {"limits": r}}]}})),
    ]
}

/// The same JSON text with the keys of all objects the other way round.
fn reversed(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(reversed).collect::<Vec<_>>().join(",")),
        Value::Object(entries) => {
            let entries: Vec<_> =
                entries.iter().rev().map(|(key, entry)| format!("{}:{}", json!(key), reversed(entry))).collect();
            format!("{{{}}}", entries.join(","))
        }
        _ => value.to_string(),
    }
}

proptest! {
    #[test]
    fn nothing_panics_on_any_json(value in any_template()) {
        pod_template_hash(&value, Some(i32::MIN));
        legacy_pod_template_hash(&value, None);
        step_hash(&value);
        let mut defaulted = value.clone();
        default_pod_template(&mut defaulted);
        semantically_equal(&value, &defaulted);
    }

    #[test]
    fn cleaning_twice_is_cleaning_once(value in any_template()) {
        let once = clean_template(&value);
        prop_assert_eq!(clean_template(&once), once.clone());
        prop_assert_eq!(pod_template_hash(&once, None), pod_template_hash(&value, None));
    }

    #[test]
    fn defaulting_twice_is_defaulting_once(value in any_template()) {
        let mut once = clean_template(&value);
        default_pod_template(&mut once);
        let mut twice = once.clone();
        default_pod_template(&mut twice);
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn the_order_of_keys_does_not_change_the_hash(value in any_template()) {
        let same: Value = serde_json::from_str(&reversed(&value)).expect("still JSON");
        prop_assert_eq!(pod_template_hash(&same, None), pod_template_hash(&value, None));
    }

    #[test]
    fn a_template_means_the_same_as_itself_defaulted(value in any_template()) {
        let mut defaulted = clean_template(&value);
        default_pod_template(&mut defaulted);
        prop_assert!(semantically_equal(&value, &defaulted));
    }

    #[test]
    fn a_field_that_no_table_knows_makes_another_hash(value in any_json(), place in 0..3_usize) {
        prop_assume!(!value.is_null());
        let template = json!({"metadata": {}, "spec": {"containers": [{"name": "c"}]}});
        let mut changed = template.clone();
        let pointer = ["", "/spec", "/spec/containers/0"][place];
        changed.pointer_mut(pointer).expect("the place exists")["unheardOf"] = value;
        prop_assert_ne!(pod_template_hash(&changed, None), pod_template_hash(&template, None));
        prop_assert!(!semantically_equal(&changed, &template));
    }

    #[test]
    fn canonical_quantities_stay_as_they_are(text in "[-+]?[0-9]{0,22}(\\.[0-9]{0,22})?([numkMGTP]|[KMGTPE]i|[eE][-+]?[0-9]{1,3})?") {
        if let Ok(quantity) = Quantity::parse(&text) {
            let canonical = quantity.to_string();
            let again = Quantity::parse(&canonical).expect("a canonical quantity is a quantity");
            prop_assert_eq!(again.to_string(), canonical);
        }
    }
}

#[test]
fn a_mistake_anywhere_in_ephemeral_containers_drops_them_all() {
    let mut template = json!({"spec": {"containers": [{"name": "c"}], "ephemeralContainers": [
        {"name": "good"},
        {"name": "bad", "resources": {"requests": {"memory": "invalid"}}},
    ]}});
    assert_eq!(clean_template(&template)["spec"].get("ephemeralContainers"), None);
    template["spec"]["ephemeralContainers"][1]["resources"]["requests"]["memory"] = "1Gi".into();
    assert_eq!(clean_template(&template)["spec"]["ephemeralContainers"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_follows_a_malformed_quantity_stays() {
    let template = json!({"spec": {"containers": [
        {"name": "c", "resources": {"requests": {"cpu": "1", "memory": "invalid", "x/y": "2"}}, "tty": true},
        {"name": "d"},
    ]}});
    let cleaned = clean_template(&template);
    assert_eq!(cleaned["spec"]["containers"][0]["resources"], json!({"requests": {"cpu": "1", "x/y": "2"}}));
    assert_eq!(cleaned["spec"]["containers"][0]["tty"], json!(true));
    assert_eq!(cleaned["spec"]["containers"][1]["name"], json!("d"));
}

#[test]
fn template_metadata_keeps_only_labels_and_annotations() {
    let template = json!({"metadata": {"name": "x", "labels": {"a": "b"}, "creationTimestamp": null}});
    assert_eq!(clean_template(&template)["metadata"], json!({"labels": {"a": "b"}}));
}
