//! Paths into JSON: JSON Pointers whose segments may also be `name=web` or `metadata.name=web` (the element of a list with
//! that field), `*` (every element) and `#` (how many).

use serde_json::{Map, Value, json};

/// The value at `path`, if there is one.
pub fn get(value: &Value, path: &str) -> Option<Value> {
    let Some((segment, rest)) = split(path) else { return Some(value.clone()) };
    if segment == "#" {
        let count = value.as_array().map(Vec::len).or(value.as_object().map(Map::len))?;
        return Some(json!(count));
    }
    positions(value, &segment).first().and_then(|at| get(child(value, at)?, rest))
}

/// Calls `change` with each value at `path`.
pub fn each(value: &mut Value, path: &str, change: &mut dyn FnMut(&mut Value)) {
    let Some((segment, rest)) = split(path) else { return change(value) };
    for at in positions(value, &segment) {
        if let Some(inner) = child_mut(value, &at) {
            each(inner, rest, change);
        }
    }
}

/// Removes what is at `path`.
pub fn remove(value: &mut Value, path: &str) {
    let Some((parent, last)) = path.rsplit_once('/') else { return };
    each(value, parent, &mut |inner| {
        for at in positions(inner, &unescape(last)).iter().rev() {
            match inner {
                Value::Object(map) => drop(map.remove(at)),
                Value::Array(items) => drop(at.parse().map(|index: usize| items.remove(index))),
                _ => {}
            }
        }
    });
}

/// `value` with nothing but what is at `paths`.
pub fn only(value: &Value, paths: &[&str]) -> Value {
    if paths.iter().any(|path| split(path).is_none()) {
        return value.clone();
    }
    let mut wanted: Vec<(String, Vec<&str>)> = Vec::new();
    for (segment, rest) in paths.iter().filter_map(|path| split(path)) {
        for at in positions(value, &segment) {
            match wanted.iter_mut().find(|(known, _)| *known == at) {
                Some((_, rests)) => rests.push(rest),
                None => wanted.push((at, vec![rest])),
            }
        }
    }
    let kept = wanted.iter().filter_map(|(at, rests)| Some((at.clone(), only(child(value, at)?, rests))));
    match value {
        Value::Array(_) => Value::Array(kept.map(|(_, inner)| inner).collect()),
        Value::Object(_) => Value::Object(kept.collect()),
        other => other.clone(),
    }
}

/// The first segment of a path, and the rest.
fn split(path: &str) -> Option<(String, &str)> {
    let path = path.strip_prefix('/')?;
    let end = path.find('/').unwrap_or(path.len());
    Some((unescape(&path[..end]), &path[end..]))
}

fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

/// The keys or indices that a segment means in `value`.
fn positions(value: &Value, segment: &str) -> Vec<String> {
    match value {
        Value::Object(map) if segment == "*" => map.keys().cloned().collect(),
        Value::Object(map) => map.contains_key(segment).then(|| segment.to_owned()).into_iter().collect(),
        Value::Array(items) => {
            let holds = |(index, item): (usize, &Value)| {
                let meant = match segment.split_once('=') {
                    Some((field, text)) => field.split('.').fold(item, |inner, key| &inner[key]).as_str() == Some(text),
                    None => segment == "*" || segment == index.to_string(),
                };
                meant.then(|| index.to_string())
            };
            items.iter().enumerate().filter_map(holds).collect()
        }
        _ => Vec::new(),
    }
}

fn child<'a>(value: &'a Value, at: &str) -> Option<&'a Value> {
    match value {
        Value::Array(items) => items.get(at.parse::<usize>().ok()?),
        other => other.get(at),
    }
}

fn child_mut<'a>(value: &'a mut Value, at: &str) -> Option<&'a mut Value> {
    match value {
        Value::Array(items) => items.get_mut(at.parse::<usize>().ok()?),
        other => other.get_mut(at),
    }
}

#[test]
fn a_path_finds_elements_by_field_counts_them_and_selects_parts() {
    let pod = json!({ "c": [{ "type": "A", "s": 1 }, { "type": "B", "s": 2 }], "l": { "x/y": 3 } });
    assert_eq!(get(&pod, "/c/type=B/s"), Some(json!(2)));
    assert_eq!(get(&pod, "/c/#"), Some(json!(2)));
    assert_eq!(get(&pod, "/l/x~1y"), Some(json!(3)));
    assert_eq!(get(&pod, "/c/type=C/s"), None);
    assert_eq!(only(&pod, &["/c/*/s", "/l"]), json!({ "c": [{ "s": 1 }, { "s": 2 }], "l": { "x/y": 3 } }));
    let mut less = pod.clone();
    remove(&mut less, "/c/*/s");
    assert_eq!(less["c"], json!([{ "type": "A" }, { "type": "B" }]));
}
