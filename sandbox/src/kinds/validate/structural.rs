//! Schemas of CRDs: whether they are structural, so that what they describe can be pruned and defaulted.

use serde_json::{Value, json};

use crate::read::{at, entries, is_empty, is_true, text};
use crate::refusal::Cause;

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const JUNCTORS: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// The schema of one version.
pub(super) fn schema(out: &mut Vec<Cause>, field: &str, schema: &Value) {
    if schema.is_null() {
        return;
    }
    match text(schema, "type") {
        "" => out.push(Cause::required(format!("{field}.type"), "must not be empty at the root")),
        "object" => {}
        other => out.push(Cause::invalid(format!("{field}.type"), &json!(other), "must be object at the root")),
    }
    metadata(out, field, schema);
    children(out, field, schema);
    junctors(out, field, schema);
}

fn metadata(out: &mut Vec<Cause>, field: &str, schema: &Value) {
    let allowed = |name: &str| matches!(name, "name" | "generateName");
    if entries(schema, "properties.metadata.properties").any(|(name, _)| !allowed(name)) {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        out.push(Cause::forbidden(format!("{field}.properties[metadata]"), detail));
    }
}

fn children(out: &mut Vec<Cause>, field: &str, schema: &Value) {
    for (name, property) in entries(schema, "properties") {
        node(out, &format!("{field}.properties[{name}]"), property, "must not be empty for specified object fields");
    }
    let values = at(schema, "additionalProperties");
    if values.is_object() {
        node(out, &format!("{field}.additionalProperties"), values, "must not be empty for specified object fields");
    }
    let items = at(schema, "items");
    if items.is_object() {
        node(out, &format!("{field}.items"), items, "must not be empty for specified array items");
    }
}

fn node(out: &mut Vec<Cause>, field: &str, schema: &Value, untyped: &str) {
    let reference = text(schema, "$ref");
    if !reference.is_empty() {
        out.push(Cause::forbidden(format!("{field}.$ref"), "$ref is not supported"));
        return;
    }
    children(out, field, schema);
    let free = is_true(schema, "x-kubernetes-int-or-string") || is_true(schema, "x-kubernetes-preserve-unknown-fields");
    match text(schema, "type") {
        "" if !free => out.push(Cause::required(format!("{field}.type"), untyped)),
        "" => {}
        kind if !TYPES.contains(&kind) => {
            out.push(Cause::not_supported(format!("{field}.type"), &json!(kind), &TYPES));
        }
        "array" if at(schema, "items").is_null() => {
            out.push(Cause::required(format!("{field}.items"), "must be specified"));
        }
        _ => {}
    }
    if !is_empty(schema, "properties") && at(schema, "additionalProperties").is_object() {
        let detail = "additionalProperties and properties are mutual exclusive";
        out.push(Cause::forbidden(format!("{field}.additionalProperties"), detail));
    }
    if is_true(schema, "uniqueItems") {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        out.push(Cause::forbidden(format!("{field}.uniqueItems"), detail));
    }
    list_type(out, field, schema);
    junctors(out, field, schema);
}

fn list_type(out: &mut Vec<Cause>, field: &str, schema: &Value) {
    let kind = text(schema, "x-kubernetes-list-type");
    if !matches!(kind, "" | "atomic" | "set" | "map") {
        let field = format!("{field}.x-kubernetes-list-type");
        out.push(Cause::not_supported(field, &json!(kind), &["atomic", "set", "map"]));
    }
    if kind == "map" && is_empty(schema, "x-kubernetes-list-map-keys") {
        let detail = "must not be empty if x-kubernetes-list-type is map";
        out.push(Cause::required(format!("{field}.x-kubernetes-list-map-keys"), detail));
    }
}

/// Within `anyOf` and its like only values may be restricted, not types.
fn junctors(out: &mut Vec<Cause>, field: &str, schema: &Value) {
    for junctor in JUNCTORS {
        for (index, branch) in crate::read::items(schema, junctor).iter().enumerate() {
            values_only(
                out,
                &format!("{field}.{junctor}[{index}]"),
                branch,
                is_true(schema, "x-kubernetes-int-or-string"),
            );
        }
    }
    let negated = at(schema, "not");
    if !negated.is_null() {
        values_only(out, &format!("{field}.not"), negated, false);
    }
}

fn values_only(out: &mut Vec<Cause>, field: &str, schema: &Value, type_may_be: bool) {
    for name in ["type", "description", "default", "title"] {
        if !is_empty(schema, name) && (name != "type" || !type_may_be) {
            out.push(Cause::forbidden(format!("{field}.{name}"), "must be empty to be structural"));
        }
    }
    for (name, property) in entries(schema, "properties") {
        values_only(out, &format!("{field}.properties[{name}]"), property, false);
    }
    if at(schema, "items").is_object() {
        values_only(out, &format!("{field}.items"), at(schema, "items"), false);
    }
    junctors(out, field, schema);
}
