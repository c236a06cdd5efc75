//! Fields and types of a manifest, strictly: what the API server would drop or refuse.
//!
//! Custom resources are checked against the schemas of our own definitions, pod templates against the table of Go's fields, because
//! the schemas leave them open. That table is of one Kubernetes release, and later ones add fields: an unknown field in a
//! pod template is an error only where another name is so close that it must have been meant.

mod go;
mod places;
mod suggest;

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::Value;

use super::problem::Problems;
use crate::api::crds;
use crate::identity::go_fields;
use places::Places;

/// A kind of ours: its schema, and where in it each name occurs.
struct Definition {
    kind: String,
    schema: JSONSchemaProps,
    places: Places,
}

static DEFINITIONS: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    let schemas = crds::all().into_iter().filter_map(|definition| {
        let version = definition.spec.versions.into_iter().next()?;
        Some((definition.spec.names.kind, version.schema?.open_api_v3_schema?))
    });
    schemas.map(|(kind, schema)| Definition { places: Places::of(&schema), kind, schema }).collect()
});

/// Whether objects of this kind can be checked.
pub(super) fn knows(kind: &str) -> bool {
    DEFINITIONS.iter().any(|definition| definition.kind == kind)
}

/// Checks the fields and types of an object of a kind of ours.
pub(super) fn check(kind: &str, object: &Value, found: &mut Problems) {
    let Some(definition) = DEFINITIONS.iter().find(|definition| definition.kind == kind) else { return };
    let mut walk = Walk { places: &definition.places, found };
    let Value::Object(map) = object else { return };
    for (key, value) in map {
        let field = join("", key);
        match (key.as_str(), property(&definition.schema, key)) {
            ("metadata", _) => walk.go_struct(&field, value, &go_fields::OBJECT_META, go::Part::ObjectMeta),
            // People do not write a status, and controllers of other releases have other fields in it.
            ("apiVersion" | "kind" | "status", _) => {}
            (_, Some(inner)) => walk.schema(&field, value, inner),
            (_, None) => {
                let known = ["apiVersion", "kind", "metadata", "spec"];
                walk.unknown("", key, known.into_iter());
            }
        }
    }
    if map.get("spec").is_none_or(Value::is_null) {
        walk.found.required("spec", "");
    }
}

/// A walk through one object.
struct Walk<'a> {
    places: &'a Places,
    found: &'a mut Problems,
}

impl Walk<'_> {
    fn schema(&mut self, field: &str, value: &Value, schema: &JSONSchemaProps) {
        // The API server drops a null as if the field were absent.
        if value.is_null() {
            return;
        }
        if is_pod_template(schema) {
            return self.go_struct(field, value, &go_fields::POD_TEMPLATE_SPEC, go::Part::PodTemplate);
        }
        if schema.x_kubernetes_int_or_string == Some(true) {
            if !is_integer(value) && !value.is_string() {
                self.wrong_type(field, value, "an integer or a string");
            }
            return;
        }
        let Some(type_) = schema.type_.as_deref() else { return };
        match (type_, value) {
            ("object", Value::Object(map)) => self.object(field, map, schema),
            ("array", Value::Array(items)) => {
                if let Some(JSONSchemaPropsOrArray::Schema(inner)) = &schema.items {
                    for (index, item) in items.iter().enumerate() {
                        self.schema(&format!("{field}[{index}]"), item, inner);
                    }
                }
            }
            ("object", _) => self.wrong_type(field, value, "a map"),
            ("array", _) => self.wrong_type(field, value, "a list"),
            ("string", _) if !value.is_string() => self.wrong_type(field, value, "a string"),
            ("boolean", _) if !value.is_boolean() => self.wrong_type(field, value, "true or false"),
            ("integer", _) if !is_integer(value) => self.wrong_type(field, value, "an integer"),
            ("number", _) if !value.is_number() => self.wrong_type(field, value, "a number"),
            _ => {}
        }
    }

    fn object(&mut self, field: &str, map: &serde_json::Map<String, Value>, schema: &JSONSchemaProps) {
        for (key, value) in map {
            let inner_field = join(field, key);
            if let Some(inner) = property(schema, key) {
                self.schema(&inner_field, value, inner);
            } else if let Some(JSONSchemaPropsOrBool::Schema(inner)) = &schema.additional_properties {
                self.schema(&inner_field, value, inner);
            } else if schema.x_kubernetes_preserve_unknown_fields != Some(true) {
                self.unknown(field, key, schema.properties.iter().flatten().map(|(name, _)| name.as_str()));
            }
        }
        for name in schema.required.iter().flatten() {
            if map.get(name).is_none_or(Value::is_null) {
                self.found.required(join(field, name), "");
            }
        }
    }

    /// A field that the API server would drop.
    fn unknown<'s>(&mut self, parent: &str, key: &str, siblings: impl Iterator<Item = &'s str>) {
        if self.found.is_full() {
            return;
        }
        let hint = suggest::hint(parent, key, siblings, self.places);
        let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        self.found.error(join(parent, key), format!("unknown field{hint}"));
    }

    fn wrong_type(&mut self, field: &str, value: &Value, expected: &str) {
        /// What is shown of a value of the wrong type, at most.
        const SHOWN: usize = 60;
        let text = value.to_string();
        let short: String = text.chars().take(SHOWN).collect();
        let dots = if short.len() < text.len() { "…" } else { "" };
        self.found.error(field, format!("Invalid value: {short}{dots}: must be {expected}"));
    }
}

fn property<'a>(schema: &'a JSONSchemaProps, name: &str) -> Option<&'a JSONSchemaProps> {
    schema.properties.as_ref()?.get(name)
}

/// A pod template, as our schemas have it: metadata, and a spec that is a map and left open. (That of a Job is left open to
/// everything.)
fn is_pod_template(schema: &JSONSchemaProps) -> bool {
    let is_open = |spec: &JSONSchemaProps| {
        spec.type_.as_deref() == Some("object") && spec.x_kubernetes_preserve_unknown_fields == Some(true)
    };
    property(schema, "metadata").is_some() && property(schema, "spec").is_some_and(is_open)
}

/// JSON knows one kind of number: `5.0` is an integer too.
fn is_integer(value: &Value) -> bool {
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

/// The path of a field, as problems have it. A key that would read as several is put into brackets.
pub fn join(parent: &str, key: &str) -> String {
    let is_plain =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    match (parent, is_plain) {
        ("", true) => key.to_owned(),
        (_, true) => format!("{parent}.{key}"),
        (_, false) => format!("{parent}[{key}]"),
    }
}

#[cfg(test)]
mod tests;
