//! Laws that hold for whatever comes in, however odd.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sluice_sandbox::patch;
use sluice_sandbox::schema::{self, Schema, Schemas};

/// Any JSON, with the words that mean something to patches and to a pod.
fn anything() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "$patch",
        "replace",
        "delete",
        "merge",
        "$retainKeys",
        "$setElementOrder/containers",
        "$deleteFromPrimitiveList/finalizers",
        "metadata",
        "spec",
        "template",
        "containers",
        "name",
        "a",
        "b",
        "finalizers",
        "labels",
        "ports",
        "containerPort",
        "managedFields",
        "fieldsV1",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..4).prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..5).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(key, value)| (key.to_string(), value)).collect())
            }),
        ]
    })
}

/// An object whose spec is anything.
fn object() -> impl Strategy<Value = Value> {
    (anything(), anything(), anything()).prop_map(|(metadata, spec, rest)| {
        let mut object = rest.as_object().cloned().unwrap_or_else(Map::new);
        object.insert("metadata".into(), metadata);
        object.insert("spec".into(), spec);
        Value::Object(object)
    })
}

/// A pod with some containers of a few names.
fn pod() -> impl Strategy<Value = Value> {
    let names = prop::sample::subsequence(vec!["a", "b", "c", "d"], 0..=4).prop_shuffle();
    (names, "[xy]", prop::option::of("[mn]")).prop_map(|(names, image, label)| {
        let containers: Vec<Value> = names.iter().map(|name| json!({ "name": name, "image": image })).collect();
        let labels = label.map_or(json!({}), |label| json!({ "l": label }));
        json!({ "metadata": { "labels": labels }, "spec": { "containers": containers } })
    })
}

fn pod_schema() -> Arc<Schema> {
    Schemas::builtin().kind("", "v1", "Pod").unwrap()
}

proptest! {
    #[test]
    fn no_json_makes_schemas_panic(new in object(), old in object()) {
        let pod = pod_schema();
        schema::decode_error(&pod, &new);
        schema::validate(&pod, &new, Some(&old));
        let _ = Schema::of_crd_version(&new);
        let mut value = new;
        schema::default(&pod, &mut value);
        schema::prune(&pod, &mut value);
        prop_assert!(schema::prune(&pod, &mut value).is_empty());
    }

    #[test]
    fn no_json_makes_patches_panic(current in object(), patch in anything()) {
        let _ = patch::strategic(&pod_schema(), &current, &patch);
        let _ = patch::merge(&current, &patch);
        let _ = patch::json(&current, &patch);
    }

    #[test]
    fn a_merge_patch_does_nothing_more_when_it_comes_again(current in object(), patch in object()) {
        let once = patch::merge(&current, &patch).unwrap();
        prop_assert_eq!(&patch::merge(&once, &patch).unwrap(), &once);
    }

    #[test]
    fn a_strategic_patch_does_nothing_more_when_it_comes_again(current in pod(), patch in pod()) {
        let once = patch::strategic(&pod_schema(), &current, &patch).unwrap();
        prop_assert_eq!(&patch::strategic(&pod_schema(), &once, &patch).unwrap(), &once);
    }

    #[test]
    fn a_strategic_patch_loses_no_item_and_sets_the_order_it_asks_for(current in pod(), wanted in pod()) {
        let mut patch = wanted.clone();
        patch["spec"]["$setElementOrder/containers"] = wanted["spec"]["containers"].clone();
        let merged = patch::strategic(&pod_schema(), &current, &patch).unwrap();
        let names = |pod: &Value| -> Vec<Value> {
            pod["spec"]["containers"].as_array().unwrap().iter().map(|container| container["name"].clone()).collect()
        };
        let (merged, wanted) = (names(&merged), names(&wanted));
        prop_assert!(names(&current).iter().all(|name| merged.contains(name)));
        let ordered: Vec<_> = merged.into_iter().filter(|name| wanted.contains(name)).collect();
        prop_assert_eq!(ordered, wanted);
    }
}
