//! The hash of a pod template that names a ReplicaSet: FNV-1a over the template as Go prints the struct that it is there.
//!
//! `go-types.txt` has the types, one a line: its name, and of each field the name in Go, the name in JSON (none where the
//! fields are those of the parent, `-` where it is not in JSON) and the type; `name=kind` is a type that is another one
//! below its name.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::quantity;

/// The letters and digits of a hash.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A field of a struct.
struct Field {
    name: &'static str,
    json: &'static str,
    kind: &'static str,
}

static TYPES: LazyLock<HashMap<&str, Vec<Field>>> = LazyLock::new(|| {
    let field = |text: &'static str| {
        let mut parts = text.splitn(3, ',');
        let mut next = || parts.next().unwrap_or_default();
        Field { name: next(), json: next(), kind: next() }
    };
    let lines = include_str!("go-types.txt").lines();
    let types = lines.filter_map(|line| line.split_once(' '));
    types.map(|(name, fields)| (name, fields.split(' ').map(field).collect())).collect()
});

/// The hash of a template.
pub fn of(template: &Value) -> String {
    let mut text = String::new();
    print(&mut text, "v1.PodTemplateSpec", template, true);
    let mix = |sum: u32, byte: u8| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let sum = text.bytes().fold(0x811c_9dc5, mix);
    sum.to_string().bytes().map(|digit| char::from(ALPHABET[usize::from(digit) % ALPHABET.len()])).collect()
}

/// Prints a value with its type, unless that is known from the list, map or pointer that it is in.
fn print(out: &mut String, kind: &str, value: &Value, typed: bool) {
    if typed {
        out.extend(["(", &name(kind), ")"]);
    }
    if let Some(target) = kind.strip_prefix('*') {
        if value.is_null() {
            out.push_str("<nil>");
        } else {
            print(out, target, value, false);
        }
        return;
    }
    let kind = below(kind);
    if let Some(item) = kind.strip_prefix("[]") {
        print_list(out, item, value);
    } else if let Some(entry) = kind.strip_prefix("map[") {
        print_map(out, entry.split_once(']').unwrap_or_default(), value);
    } else if let Some(fields) = TYPES.get(kind) {
        print_struct(out, fields, value, &inner(kind, value));
    } else {
        match (kind, value) {
            ("string", value) => out.push_str(value.as_str().unwrap_or_default()),
            ("bool", value) => out.push_str(if value == true { "true" } else { "false" }),
            (_, value) => out.push_str(&value.as_i64().unwrap_or(0).to_string()),
        }
    }
}

fn print_struct(out: &mut String, fields: &[Field], value: &Value, inner: &Map<String, Value>) {
    out.push('{');
    for (number, field) in fields.iter().enumerate() {
        out.push_str(if number > 0 { " " } else { "" });
        out.extend([field.name, ":"]);
        let of_field = match field.json {
            "" => value,
            "-" => inner.get(field.name).unwrap_or(&Value::Null),
            json => &value[json],
        };
        print(out, field.kind, of_field, true);
    }
    out.push('}');
}

fn print_list(out: &mut String, item: &str, value: &Value) {
    let Some(items) = value.as_array().filter(|items| !items.is_empty()) else {
        return out.push_str("<nil>");
    };
    out.push('[');
    for (number, value) in items.iter().enumerate() {
        out.push_str(if number > 0 { " " } else { "" });
        print(out, item, value, false);
    }
    out.push(']');
}

fn print_map(out: &mut String, (_, item): (&str, &str), value: &Value) {
    let Some(entries) = value.as_object().filter(|entries| !entries.is_empty()) else {
        return out.push_str("<nil>");
    };
    let mut entries: Vec<(&String, &Value)> = entries.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    out.push_str("map[");
    for (number, (key, value)) in entries.into_iter().enumerate() {
        out.push_str(if number > 0 { " " } else { "" });
        out.extend([key, ":"]);
        print(out, item, value, false);
    }
    out.push(']');
}

/// The fields of types that are not structs in JSON.
fn inner(kind: &str, value: &Value) -> Map<String, Value> {
    let fields = match (kind, value) {
        ("intstr.IntOrString", Value::String(text)) => json!({ "Type": 1, "StrVal": text }),
        ("intstr.IntOrString", number) => json!({ "IntVal": number }),
        ("resource.Quantity", text) => quantity::fields(text),
        // What is in there already comes from one of these.
        (_, Value::Object(fields)) if kind == "resource.int64Amount" => return fields.clone(),
        _ => return Map::new(),
    };
    fields.as_object().cloned().unwrap_or_default()
}

/// The name of a type, as Go prints it.
fn name(kind: &str) -> String {
    if let Some(target) = kind.strip_prefix('*') {
        return format!("*{}", name(target));
    }
    if let Some(item) = kind.strip_prefix("[]") {
        return format!("[]{}", name(item));
    }
    if let Some((key, item)) = kind.strip_prefix("map[").and_then(|entry| entry.split_once(']')) {
        return format!("map[{}]{}", name(key), name(item));
    }
    kind.split('=').next().unwrap_or_default().to_owned()
}

/// What a type is below its name.
fn below(kind: &str) -> &str {
    let named = kind.find('=').filter(|at| !kind[..*at].contains('['));
    named.map_or(kind, |at| &kind[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A template as the API server completes it.
    fn template(image: &str) -> Value {
        json!({
            "metadata": { "labels": { "app": "web" } },
            "spec": {
                "automountServiceAccountToken": false,
                "containers": [{
                    "image": image, "imagePullPolicy": "IfNotPresent", "name": "web", "resources": {},
                    "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                }],
                "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
                "securityContext": {}, "terminationGracePeriodSeconds": 30,
            },
        })
    }

    #[test]
    fn the_names_are_those_of_kubernetes() {
        assert_eq!(of(&template("web:1")), "6f88957769");
        assert_eq!(of(&template("web:2")), "bcb4d64f8");
        assert_eq!(of(&template("web:3")), "6b658b4587");
    }

    #[test]
    fn also_with_quantities_and_ports_by_name() {
        let mut template = template("web:1");
        let container = &mut template["spec"]["containers"][0];
        container["resources"] = json!({
            "limits": { "cpu": "1", "memory": "64Mi" }, "requests": { "cpu": "100m", "memory": "63Mi" },
        });
        container["env"] = json!([{ "name": "A", "value": "b" }]);
        container["readinessProbe"] =
            json!({ "httpGet": { "path": "/", "port": "http", "scheme": "HTTP" }, "periodSeconds": 5 });
        container["livenessProbe"] = json!({ "tcpSocket": { "port": 80 } });
        template["spec"]["volumes"] = json!([
            { "name": "a", "emptyDir": {} }, { "name": "b", "configMap": { "name": "c", "defaultMode": 420 } },
        ]);
        assert_eq!(of(&template), "5f49b979fc");
    }
}
