//! Laws that hold for whatever comes in, however odd.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sluice_sandbox::fields::{self, Manager, Set};
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

/// The set of the fields of some pod.
fn fields() -> impl Strategy<Value = Set> {
    (pod(), any::<bool>()).prop_map(|(pod, whole)| {
        let of_one_side = fields::compare(&pod_schema(), &json!({}), &pod).added;
        if whole { of_one_side } else { fields::set_of(&pod_schema(), &pod) }
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
    fn no_json_makes_the_account_of_fields_panic(before in object(), after in object(), force in any::<bool>()) {
        let writer = Manager { name: "m".into(), api_version: "v1".into(), has_status: true, ..Manager::default() };
        let pod = pod_schema();
        fields::update(&pod, None, &mut after.clone(), &writer);
        fields::update(&pod, Some(&before), &mut after.clone(), &writer);
        let _ = fields::apply(&pod, Some(&before), &after, &writer, force);
    }

    #[test]
    fn fields_are_counted_as_in_a_book(one in fields(), other in fields()) {
        let mut union = one.clone();
        union.unite(&other);
        let mut back = other.clone();
        back.unite(&one);
        prop_assert_eq!(&union, &back);

        // What is in both, and what is in one only, make up the one.
        let common = one.intersection(&other);
        prop_assert_eq!(&common, &other.intersection(&one));
        let mut rest = one.clone();
        rest.subtract(&other);
        prop_assert!(rest.intersection(&other).is_empty());
        rest.unite(&common);
        prop_assert_eq!(&rest, &one);

        let mut nothing = one.clone();
        nothing.subtract(&one);
        prop_assert!(nothing.is_empty());
        prop_assert_eq!(Set::decode(&one.clone().encode()), one);
    }

    #[test]
    fn what_changes_from_one_to_another_changes_back(one in pod(), other in pod()) {
        let there = fields::compare(&pod_schema(), &one, &other);
        let back = fields::compare(&pod_schema(), &other, &one);
        prop_assert_eq!(&there.added, &back.removed);
        prop_assert_eq!(&there.removed, &back.added);
        prop_assert_eq!(&there.modified, &back.modified);
        prop_assert_eq!(fields::compare(&pod_schema(), &one, &one), fields::Comparison::default());
    }

    #[test]
    fn whoever_applies_gets_it_and_gets_nothing_more_the_second_time(live in pod(), applied in pod()) {
        let writer = |name: &str| Manager { name: name.into(), api_version: "v1".into(), ..Manager::default() };
        let apply = |live: &Value| fields::apply(&pod_schema(), Some(live), &applied, &writer("b"), true).unwrap();
        let first = fields::apply(&pod_schema(), None, &live, &writer("a"), false).unwrap();
        let once = apply(&first);
        prop_assert_eq!(&apply(&once), &once);
        let lost = fields::compare(&pod_schema(), &once, &applied);
        prop_assert!(lost.modified.is_empty() && lost.added.is_empty());
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
