//! What the cluster has, against what it would have after a sync.
//!
//! The API server says what would become of an object that is applied; everything that it fills in, defaults and converts is in that
//! answer, so that only what really would change is a difference.

use serde_json::Value;

use super::fields;
use super::glob;
use super::jq::{Path, pointer};
use super::key::Key;
use crate::api::ResourceIgnoreDifferences;

/// Differences that one object is told of at most.
const MOST: usize = 50;

/// How an object of the cluster stands to its manifest.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// A sync would change nothing.
    Same,
    /// A sync would change this.
    Differs(Vec<Difference>),
    /// There is none yet.
    Absent,
    /// The API server would not take it, and says why.
    Refused(String),
}

/// A place at which a sync would change something.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where, as a JSON pointer.
    pub at: String,
    /// What is there now.
    pub now: Option<Value>,
    /// What would be.
    pub then: Option<Value>,
}

/// Whether rules ask who owns the fields of an object.
pub fn asks_for_managers(ignored: &[ResourceIgnoreDifferences], key: &Key) -> bool {
    ignored.iter().any(|rule| !rule.managed_fields_managers.is_empty() && concerns(rule, key))
}

/// Compares an object with what an apply of its manifest would make of it. Where [`asks_for_managers`], the object has to have its
/// managed fields.
pub fn compare(key: &Key, now: &Value, then: &Value, ignored: &[ResourceIgnoreDifferences]) -> Verdict {
    let (now, then) = match compared(key, now, then, ignored) {
        Ok(sides) => sides,
        Err(why) => return Verdict::Refused(why),
    };
    let mut differences = Vec::new();
    differ("", Some(&now), Some(&then), &mut differences);
    if differences.is_empty() { Verdict::Same } else { Verdict::Differs(differences) }
}

/// Both sides of a comparison, without what does not count.
///
/// # Errors
/// The rule that cannot be followed.
pub fn compared(
    key: &Key,
    live: &Value,
    then: &Value,
    ignored: &[ResourceIgnoreDifferences],
) -> Result<(Value, Value), String> {
    let (mut now, mut then) = (plain(live), plain(then));
    for rule in ignored.iter().filter(|rule| concerns(rule, key)) {
        for side in [&mut now, &mut then] {
            for pointer in &rule.json_pointers {
                remove(side, pointer);
            }
            for expression in &rule.jq_path_expressions {
                // Later items first: they move up when one before them goes.
                places(expression, side)?.iter().rev().for_each(|pointer| remove(side, pointer));
            }
            let owned = fields::owned(live, &rule.managed_fields_managers, side);
            owned.iter().rev().for_each(|place| remove(side, &pointer(place)));
        }
    }
    Ok((now, then))
}

/// A manifest in which the places that do not count say what the object has, so that an apply leaves them.
pub fn respect(manifest: &mut Value, key: &Key, live: &Value, ignored: &[ResourceIgnoreDifferences]) {
    for pointer in ignored.iter().filter(|rule| concerns(rule, key)).flat_map(|rule| &rule.json_pointers) {
        match live.pointer(pointer) {
            Some(value) => put(manifest, pointer, value.clone()),
            None => remove(manifest, pointer),
        }
    }
    let mut pairs = Vec::new();
    for rule in ignored.iter().filter(|rule| concerns(rule, key)) {
        let managers = &rule.managed_fields_managers;
        let owned = |object: &Value| fields::owned(live, managers, object).iter().map(|it| pointer(it)).collect();
        pairs.push((owned(live), owned(manifest)));
        // What cannot be followed is told where the two are compared.
        let expressions = rule.jq_path_expressions.iter();
        pairs.extend(expressions.filter_map(|it| places(it, live).ok().zip(places(it, manifest).ok())));
    }
    for (there, here) in pairs {
        // The same item may stand elsewhere in a list.
        let here = if here.len() == there.len() { here } else { there.clone() };
        for (from, to) in there.iter().zip(&here) {
            match live.pointer(from) {
                Some(value) => put(manifest, to, value.clone()),
                None => remove(manifest, to),
            }
        }
    }
}

/// The places of a path of jq, as pointers, in their order.
fn places(expression: &str, object: &Value) -> Result<Vec<String>, String> {
    let found = Path::read(expression).and_then(|path| path.places(object));
    let mut found = found.map_err(|why| format!("ignoreDifferences: {expression}: {why}"))?;
    found.sort();
    found.dedup();
    Ok(found.iter().map(|place| pointer(place)).collect())
}

/// Puts a value in a place, if there is room for it: an object is made where there is none, an item of a list is not.
fn put(object: &mut Value, pointer: &str, value: Value) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    let last = last.replace("~1", "/").replace("~0", "~");
    // What is named by a number is in a list, and of that the rest is not known.
    if object.pointer(parent).is_none_or(Value::is_null) && last.parse::<usize>().is_err() {
        put(object, parent, Value::Object(serde_json::Map::new()));
    }
    match object.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.insert(last, value);
        }
        Some(Value::Array(items)) => {
            if let Some(item) = last.parse().ok().and_then(|index: usize| items.get_mut(index)) {
                *item = value;
            }
        }
        _ => {}
    }
}

/// An object without what the API server keeps of it, and without its status, which is not for manifests to say. Two objects that
/// look the same like this compare the same with any manifest.
pub fn plain(object: &Value) -> Value {
    let mut plain = object.clone();
    if let Some(object) = plain.as_object_mut() {
        object.remove("status");
    }
    if let Some(metadata) = plain["metadata"].as_object_mut() {
        for field in ["managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "selfLink"] {
            metadata.remove(field);
        }
        // Empty is as good as absent.
        for field in ["annotations", "labels"] {
            if metadata.get(field).is_some_and(|map| map.as_object().is_some_and(serde_json::Map::is_empty)) {
                metadata.remove(field);
            }
        }
    }
    plain
}

fn concerns(rule: &ResourceIgnoreDifferences, key: &Key) -> bool {
    let is = |wanted: &str, name: &str| wanted.is_empty() || wanted == name;
    glob::matches(&rule.group, &key.group)
        && glob::matches(&rule.kind, &key.kind)
        && is(&rule.name, &key.name)
        && is(&rule.namespace, &key.namespace)
}

fn remove(object: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    let last = last.replace("~1", "/").replace("~0", "~");
    match object.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.remove(&last);
        }
        Some(Value::Array(items)) => {
            if let Some(index) = last.parse().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

fn differ(at: &str, now: Option<&Value>, then: Option<&Value>, found: &mut Vec<Difference>) {
    if found.len() >= MOST || now == then {
        return;
    }
    match (now, then) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                differ(&at, a.get(name), b.get(name), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differ(&format!("{at}/{index}"), Some(a), Some(b), found);
            }
        }
        _ => found.push(Difference { at: at.to_owned(), now: now.cloned(), then: then.cloned() }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(replicas: i64) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "web", "namespace": "shop", "resourceVersion": replicas.to_string(), "annotations": {} },
            "spec": { "replicas": replicas },
            "status": { "replicas": replicas },
        })
    }

    fn verdict(ignored: &Value) -> Verdict {
        let ignored: Vec<ResourceIgnoreDifferences> = serde_json::from_value(ignored.clone()).expect("rules");
        compare(&Key::of(&deployment(1)), &deployment(1), &deployment(2), &ignored)
    }

    #[test]
    fn only_what_a_sync_would_change_is_a_difference() {
        let there = Difference { at: "/spec/replicas".to_owned(), now: Some(json!(1)), then: Some(json!(2)) };
        assert_eq!(verdict(&json!([])), Verdict::Differs(vec![there]));
        let (mut now, then) = (deployment(1), deployment(1));
        now["status"]["replicas"] = json!(0);
        now["metadata"].as_object_mut().expect("metadata").remove("annotations");
        assert_eq!(compare(&Key::of(&now), &now, &then, &[]), Verdict::Same);
    }

    #[test]
    fn differences_can_be_ignored_by_kind_and_name() {
        let rule = |group: &str, kind: &str, name: &str| json!([{ "group": group, "kind": kind, "name": name, "jsonPointers": ["/spec/replicas"] }]);
        for (rule, expected) in [
            (rule("apps", "Deployment", ""), true),
            (rule("*", "*", "web"), true),
            (rule("apps", "Deployment", "db"), false),
            (rule("", "Deployment", ""), false),
        ] {
            assert_eq!(verdict(&rule) == Verdict::Same, expected, "{rule}");
        }
    }

    #[test]
    fn differences_can_be_ignored_by_paths_of_jq() {
        let pods = |web: &str, proxy: &str, order: [usize; 2]| {
            let containers = [json!({ "name": "web", "image": web }), json!({ "name": "proxy", "image": proxy })];
            json!({ "spec": { "containers": [containers[order[0]], containers[order[1]]] } })
        };
        let rules = |expression: &str| -> Vec<ResourceIgnoreDifferences> {
            let rule = json!([{ "group": "*", "kind": "*", "jqPathExpressions": [expression] }]);
            serde_json::from_value(rule).expect("rules")
        };
        let (now, then) = (pods("web:1", "proxy:9", [0, 1]), pods("web:1", "proxy:1", [0, 1]));
        let proxy = ".spec.containers[] | select(.name == \"proxy\") | .image";
        for (expression, expected) in [
            (proxy, true),
            (".spec.containers[]?.image", true),
            (".spec.containers[]", true),
            (".spec.containers[] | select(.name == \"web\") | .image", false),
            (".status.none[]", false),
        ] {
            assert_eq!(
                compare(&Key::default(), &now, &then, &rules(expression)) == Verdict::Same,
                expected,
                "{expression}"
            );
        }
        let refused = compare(&Key::default(), &now, &then, &rules("1"));
        assert!(matches!(refused, Verdict::Refused(why) if why.contains("no place")));
        // What it is in the cluster stays in an apply, wherever in the list it stands.
        let mut manifest = pods("web:2", "proxy:1", [1, 0]);
        respect(&mut manifest, &Key::default(), &now, &rules(proxy));
        assert_eq!(manifest, pods("web:2", "proxy:9", [1, 0]));
    }

    #[test]
    fn differences_can_be_ignored_by_who_owns_the_fields() {
        let managed = json!([{ "manager": "autoscaler", "fieldsV1": { "f:spec": { "f:replicas": {} } } }]);
        let mut now = deployment(5);
        now["metadata"]["managedFields"] = managed;
        for (manager, expected) in [("autoscaler", true), ("kubectl-edit", false)] {
            let rules = json!([{ "group": "*", "kind": "*", "managedFieldsManagers": [manager] }]);
            let rules: Vec<ResourceIgnoreDifferences> = serde_json::from_value(rules).expect("rules");
            assert!(asks_for_managers(&rules, &Key::default()));
            assert_eq!(compare(&Key::default(), &now, &deployment(1), &rules) == Verdict::Same, expected, "{manager}");
            let mut manifest = deployment(1);
            respect(&mut manifest, &Key::default(), &now, &rules);
            assert_eq!(manifest["spec"]["replicas"] == 5, expected, "{manager}");
        }
    }

    #[test]
    fn what_does_not_count_stays_as_it_is_in_an_apply() {
        let live = json!({ "spec": { "replicas": 5, "list": [{ "image": "b" }], "kept": { "deep": 1 } } });
        for (pointer, manifest, expected) in [
            ("/spec/replicas", json!({ "spec": { "replicas": 1 } }), json!({ "spec": { "replicas": 5 } })),
            ("/spec/kept/deep", json!({}), json!({ "spec": { "kept": { "deep": 1 } } })),
            (
                "/spec/list/0/image",
                json!({ "spec": { "list": [{}] } }),
                json!({ "spec": { "list": [{ "image": "b" }] } }),
            ),
            ("/spec/list/0/image", json!({ "spec": {} }), json!({ "spec": {} })),
            ("/spec/gone", json!({ "spec": { "gone": 1 } }), json!({ "spec": {} })),
            ("spec", json!({ "spec": 1 }), json!({ "spec": 1 })),
        ] {
            let rules = json!([{ "group": "*", "kind": "*", "jsonPointers": [pointer] }]);
            let rules: Vec<ResourceIgnoreDifferences> = serde_json::from_value(rules).expect("rules");
            let mut it = manifest.clone();
            respect(&mut it, &Key::default(), &live, &rules);
            assert_eq!(it, expected, "{pointer} of {manifest}");
        }
    }

    #[test]
    fn a_pointer_that_leads_nowhere_ignores_nothing() {
        for pointer in ["", "/", "/spec/replicas/0", "/spec/strategy", "spec"] {
            let rule = json!([{ "group": "apps", "kind": "Deployment", "jsonPointers": [pointer] }]);
            assert!(matches!(verdict(&rule), Verdict::Differs(_)), "{pointer}");
        }
    }
}
