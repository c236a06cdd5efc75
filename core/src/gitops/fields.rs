//! Places in an object that somebody owns, as `metadata.managedFields` tells them.

use serde_json::Value;

use super::jq::Step;

/// How deep fields may lie in each other.
const DEEPEST: usize = 100;

/// The places in `object` that one of the managers owns, as the managed fields of `live` say.
pub fn owned(live: &Value, managers: &[String], object: &Value) -> Vec<Vec<Step>> {
    let entries = live["metadata"]["managedFields"].as_array().into_iter().flatten();
    let is_meant = |entry: &&Value| entry["manager"].as_str().is_some_and(|name| managers.iter().any(|it| it == name));
    let mut places = Vec::new();
    for entry in entries.filter(is_meant) {
        collect(&entry["fieldsV1"], object, &mut Vec::new(), &mut places);
    }
    places.sort();
    places.dedup();
    places
}

fn collect(fields: &Value, object: &Value, at: &mut Vec<Step>, places: &mut Vec<Vec<Step>>) {
    let Some(fields) = fields.as_object().filter(|_| at.len() < DEEPEST) else { return };
    let inner = || fields.iter().filter(|(name, _)| *name != ".");
    if inner().next().is_none() {
        // Of an object or a list with nothing further in it, all is meant.
        if !at.is_empty() {
            places.push(at.clone());
        }
        return;
    }
    for (name, fields) in inner() {
        let Some((step, value)) = step(name, object) else { continue };
        at.push(step);
        collect(fields, value, at, places);
        at.pop();
    }
}

/// One step, as `f:name`, `k:{"name":"web"}`, `v:"text"` or `i:0`, if it leads to something.
fn step<'a>(name: &str, object: &'a Value) -> Option<(Step, &'a Value)> {
    let (kind, rest) = name.split_once(':')?;
    let read = || serde_json::from_str::<Value>(rest).ok();
    let item = |is_meant: &dyn Fn(&Value) -> bool| {
        let index = object.as_array()?.iter().position(is_meant)?;
        Some((Step::Item(index), object.get(index)?))
    };
    match kind {
        "f" => Some((Step::Field(rest.to_owned()), object.get(rest)?)),
        "k" => {
            let keys = read()?;
            let keys = keys.as_object()?;
            item(&|it| keys.iter().all(|(name, value)| it.get(name) == Some(value)))
        }
        "v" => {
            let value = read()?;
            item(&|it| *it == value)
        }
        "i" => {
            let index: usize = rest.parse().ok()?;
            Some((Step::Item(index), object.get(index)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::jq::pointer;
    use super::*;

    #[test]
    fn the_fields_of_a_manager_are_found_wherever_they_stand() {
        let fields = json!({
            "f:metadata": { "f:annotations": { ".": {}, "f:a/b": {} } },
            "f:spec": {
                "f:replicas": {},
                "f:containers": { "k:{\"name\":\"proxy\"}": { ".": {}, "f:image": {} }, "k:{\"name\":\"gone\"}": { "f:image": {} } },
                "f:finalizers": { "v:\"x\"": {} },
                "f:missing": {},
            },
        });
        let object = json!({
            "metadata": {
                "annotations": { "a/b": "1" },
                "managedFields": [
                    { "manager": "autoscaler", "fieldsV1": fields }, { "manager": "other", "fieldsV1": { "f:spec": { "f:paused": {} } } },
                ],
            },
            "spec": {
                "replicas": 3, "paused": true, "finalizers": ["y", "x"],
                "containers": [{ "name": "web", "image": "a" }, { "name": "proxy", "image": "b" }],
            },
        });
        let found = owned(&object, &["autoscaler".to_owned()], &object);
        let found: Vec<String> = found.iter().map(|place| pointer(place)).collect();
        assert_eq!(
            found,
            ["/metadata/annotations/a~1b", "/spec/containers/1/image", "/spec/finalizers/1", "/spec/replicas"]
        );
        // In the other object the same item stands elsewhere.
        let other = json!({ "spec": { "containers": [{ "name": "proxy", "image": "c" }] } });
        let found = owned(&object, &["autoscaler".to_owned()], &other);
        assert_eq!(found.iter().map(|place| pointer(place)).collect::<Vec<_>>(), ["/spec/containers/0/image"]);
        assert_eq!(owned(&object, &[], &object), Vec::<Vec<Step>>::new());
        assert_eq!(
            owned(&json!({ "metadata": { "managedFields": [{ "manager": "x" }, 1] } }), &["x".to_owned()], &other),
            Vec::<Vec<Step>>::new()
        );
    }
}
