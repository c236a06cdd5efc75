//! The Application that there is, made the one that is wanted.

use serde_json::{Map, Value, json};
use sluice_core::effect::merge::merge_patch;

/// What makes the Application that there is the one that is wanted, on the version that was read; `None` where it is that already.
/// What it has besides in its metadata stays.
pub fn change(existing: &Value, wanted: &Value) -> Option<Value> {
    let spec = |of: &Value| without_nulls(of["spec"].clone());
    let mut patch = json!({});
    if let Some(change) = merge_patch(&spec(existing), &spec(wanted)) {
        patch["spec"] = change;
    }
    for field in ["labels", "annotations"] {
        for (name, value) in wanted["metadata"][field].as_object().into_iter().flatten() {
            if existing["metadata"][field][name] != *value {
                patch["metadata"][field][name] = value.clone();
            }
        }
    }
    let list = |of: &Value| of["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    let mut finalizers = list(existing);
    let missing: Vec<Value> = list(wanted).into_iter().filter(|name| !finalizers.contains(name)).collect();
    if !missing.is_empty() {
        finalizers.extend(missing);
        patch["metadata"]["finalizers"] = json!(finalizers);
    }
    if patch == json!({}) {
        return None;
    }
    patch["metadata"]["resourceVersion"] = existing["metadata"]["resourceVersion"].clone();
    Some(patch)
}

/// A field that is `null` is none.
pub fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(field, value)| (field, without_nulls(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::sample::stored;

    fn wanted(change: &Value) -> Value {
        let mut wanted =
            stored(&json!({"metadata": {"resourceVersion": null, "namespace": null}, "status": null})).value();
        json_patch::merge(&mut wanted, change);
        wanted
    }

    fn changed(existing: &Value, wanted: &Value) -> Option<Value> {
        change(&stored(existing).value(), wanted)
    }

    #[test]
    fn the_same_is_no_change() {
        let more = json!({
            "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}, "finalizers": ["e"]},
            "spec": {"syncPolicy": null},
        });
        assert_eq!(changed(&more, &wanted(&json!({}))), None);
        assert_eq!(changed(&more, &wanted(&json!({"metadata": {"labels": {"a": "b"}, "finalizers": ["e"]}}))), None);
        let mut null = wanted(&json!({}));
        null["spec"]["syncPolicy"] = Value::Null;
        assert_eq!(changed(&json!({}), &null), None);
    }

    #[test]
    fn the_spec_is_replaced_and_marks_are_added() {
        let existing = json!({
            "metadata": {"labels": {"a": "b", "team": "x"}, "finalizers": ["e"]},
            "spec": {"syncPolicy": {"automated": {}}, "info": [{"name": "n", "value": "v"}]},
        });
        let wanted = wanted(&json!({
            "metadata": {"labels": {"team": "y"}, "finalizers": ["f"]},
            "spec": {"source": {"targetRevision": "v2"}, "syncPolicy": {"syncOptions": ["Replace=true"]}},
        }));
        let expected = json!({
            "metadata": {"resourceVersion": "7", "labels": {"team": "y"}, "finalizers": ["e", "f"]},
            "spec": {
                "source": {"targetRevision": "v2"}, "info": null,
                "syncPolicy": {"automated": null, "syncOptions": ["Replace=true"]},
            },
        });
        assert_eq!(changed(&existing, &wanted), Some(expected));
    }
}
