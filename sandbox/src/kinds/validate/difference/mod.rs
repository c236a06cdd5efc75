//! What an update changes of a pod's spec, as the API server shows it: the lines that differ of both as JSON.
//!
//! It shows its own types, not those of the API: `pod-types.txt` has them, one a line, each field with its name there, its
//! name in the API (with `?` where it is left out when empty) and its kind.

mod lines;

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

/// A field of a struct.
struct Field {
    shown: &'static str,
    json: &'static str,
    left_out: bool,
    kind: &'static str,
}

static TYPES: LazyLock<HashMap<&str, Vec<Field>>> = LazyLock::new(|| {
    let field = |text: &'static str| {
        let mut parts = text.splitn(3, ',');
        let mut next = || parts.next().unwrap_or_default();
        let (shown, json, kind) = (next(), next(), next());
        Field { shown, json: json.trim_end_matches('?'), left_out: json.ends_with('?'), kind }
    };
    let lines = include_str!("pod-types.txt").lines();
    let types = lines.filter_map(|line| line.split_once(' '));
    types.map(|(name, fields)| (name, fields.split(' ').map(field).collect())).collect()
});

/// The lines that differ between two specs of pods; none where they mean the same.
pub(super) fn of_pod_specs(old: &Value, new: &Value) -> String {
    let print = |spec: &Value| {
        let mut lines = vec![String::new()];
        print(&mut lines, 0, "core.PodSpec", &internal(spec));
        lines
    };
    let (old, new) = (print(old), print(new));
    if old == new { String::new() } else { lines::unified(&old, &new) }
}

/// What the API has in the spec about the host is in the security context there.
fn internal(spec: &Value) -> Value {
    let mut spec = spec.clone();
    let Some(fields) = spec.as_object_mut() else { return spec };
    let moved = ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"];
    let moved: Map<String, Value> =
        moved.iter().filter_map(|name| Some(((*name).to_owned(), fields.remove(*name)?))).collect();
    let context = fields.entry("securityContext").or_insert(Value::Null);
    if context.is_null() {
        *context = json!({});
    }
    if let Some(context) = context.as_object_mut() {
        context.extend(moved);
    }
    spec
}

/// Prints a value at the end of the last line, and on lines of its own if it has parts.
fn print(lines: &mut Vec<String>, depth: usize, kind: &str, value: &Value) {
    let (target, is_pointer) = kind.strip_prefix('*').map_or((kind, false), |target| (target, true));
    if is_pointer && value.is_null() {
        return append(lines, "null");
    }
    if let Some(item) = target.strip_prefix("[]") {
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let each = items.iter().map(|value| (None, item, value)).collect::<Vec<_>>();
        return if each.is_empty() { append(lines, "null") } else { parts(lines, depth, ['[', ']'], &each) };
    }
    if let Some(of) = target.strip_prefix("{}") {
        let entries = value.as_object().into_iter().flatten();
        let each = entries.map(|(name, value)| (Some(name.as_str()), of, value)).collect::<Vec<_>>();
        return if each.is_empty() { append(lines, "null") } else { parts(lines, depth, ['{', '}'], &each) };
    }
    if let Some(fields) = TYPES.get(target) {
        let shown = fields.iter().filter(|field| !field.left_out || !is_empty(&value[field.json]));
        let each = shown.map(|field| (Some(field.shown), field.kind, &value[field.json])).collect::<Vec<_>>();
        return if each.is_empty() { append(lines, "{}") } else { parts(lines, depth, ['{', '}'], &each) };
    }
    let shown = match (target, value) {
        ("string", Value::Null) => json!(""),
        ("quantity", Value::Null) => json!("0"),
        ("int", Value::Null) => json!(0),
        ("bool", Value::Null) => json!(false),
        (_, value) => value.clone(),
    };
    let shown = shown.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    append(lines, &shown);
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Bool(true) => false,
    }
}

/// Name, kind and value of a part; items of a list have no name.
type Part<'a> = (Option<&'a str>, &'a str, &'a Value);

fn parts(lines: &mut Vec<String>, depth: usize, brackets: [char; 2], parts: &[Part<'_>]) {
    append(lines, brackets[0].encode_utf8(&mut [0; 4]));
    for (index, (name, kind, value)) in parts.iter().enumerate() {
        lines.push(" ".repeat(depth + 1));
        if let Some(name) = name {
            append(lines, &format!("{}: ", json!(name)));
        }
        print(lines, depth + 1, kind, value);
        if index + 1 < parts.len() {
            append(lines, ",");
        }
    }
    lines.push(" ".repeat(depth));
    append(lines, brackets[1].encode_utf8(&mut [0; 4]));
}

fn append(lines: &mut [String], text: &str) {
    if let Some(last) = lines.last_mut() {
        last.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_left_out_is_the_same_as_an_empty_one() {
        let old = json!({ "containers": [{ "name": "web", "args": [] }], "securityContext": {} });
        let new = json!({ "containers": [{ "name": "web", "image": "" }], "hostNetwork": false });
        assert_eq!(of_pod_specs(&old, &new), "");
    }

    #[test]
    fn every_type_of_the_table_is_in_the_table() {
        const PLAIN: [&str; 5] = ["string", "quantity", "int", "bool", "any"];
        for (name, fields) in TYPES.iter() {
            for field in fields {
                let kind = field.kind.trim_start_matches(['*', '[', ']', '{', '}']);
                assert!(PLAIN.contains(&kind) || TYPES.contains_key(kind), "{name} has a {kind}");
            }
        }
    }
}
