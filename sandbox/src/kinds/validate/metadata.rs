//! Metadata, which obeys the same rules in every kind, custom ones included.

use serde_json::{Value, json};

use super::super::registry::NameRule;
use super::names::{self, report};
use crate::read::{at, is_true, items, text};
use crate::refusal::Cause;

const ANNOTATIONS_LIMIT: usize = 256 * 1024;
const IMMUTABLE: &str = "field is immutable";

/// What is wrong with metadata: of a new object, or compared with the stored one.
pub(super) fn check(
    namespaced: bool,
    rule: NameRule,
    object: &Value,
    old: Option<&Value>,
    is_built_in: bool,
) -> Vec<Cause> {
    let mut out = Vec::new();
    let metadata = at(object, "metadata");
    if old.is_none() {
        check_names(&mut out, namespaced, rule, metadata);
    }
    labels(&mut out, "metadata.labels", at(metadata, "labels"));
    annotations(&mut out, "metadata.annotations", at(metadata, "annotations"));
    owner_references(&mut out, items(metadata, "ownerReferences"));
    finalizers(&mut out, at(metadata, "finalizers"), is_built_in);
    if let Some(old) = old {
        compare(&mut out, metadata, at(old, "metadata"));
    }
    out
}

fn check_names(out: &mut Vec<Cause>, namespaced: bool, rule: NameRule, metadata: &Value) {
    let (name, generate_name) = (text(metadata, "name"), text(metadata, "generateName"));
    if !generate_name.is_empty() {
        // What will follow makes a last dash good.
        let with_suffix = generate_name.strip_suffix('-').map_or(generate_name.to_owned(), |stem| format!("{stem}a"));
        report(out, "metadata.generateName", generate_name, rule.check(&with_suffix));
    }
    if name.is_empty() {
        out.push(Cause::required("metadata.name", "name or generateName is required"));
    } else {
        report(out, "metadata.name", name, rule.check(name));
    }
    let namespace = text(metadata, "namespace");
    if !namespaced && !namespace.is_empty() {
        out.push(Cause::forbidden("metadata.namespace", "not allowed on this type"));
    }
    if namespaced && !namespace.is_empty() {
        report(out, "metadata.namespace", namespace, names::dns_label(namespace));
    }
}

/// Labels, or anything with their form.
pub(super) fn labels(out: &mut Vec<Cause>, field: &str, labels: &Value) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        report(out, field, key, names::qualified(key));
        let value = value.as_str().unwrap_or_default();
        report(out, field, value, names::label_value(value));
    }
}

/// Annotations: keys like those of labels, in any case, and values of limited size.
pub(super) fn annotations(out: &mut Vec<Cause>, field: &str, annotations: &Value) {
    let mut size = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        report(out, field, key, names::qualified(&key.to_lowercase()));
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS_LIMIT {
        let message = format!("Too long: may not be more than {ANNOTATIONS_LIMIT} bytes");
        out.push(Cause { reason: "FieldValueTooLong", message, field: field.to_owned() });
    }
}

fn owner_references(out: &mut Vec<Cause>, owners: &[Value]) {
    const FIELD: &str = "metadata.ownerReferences";
    for owner in owners {
        let api_version = text(owner, "apiVersion");
        // A text that has more than one slash reads as nothing.
        let version = match api_version.split('/').collect::<Vec<_>>()[..] {
            [version] | [_, version] => version,
            _ => "",
        };
        if version.is_empty() {
            out.push(Cause::invalid(format!("{FIELD}.apiVersion"), &json!(api_version), "version must not be empty"));
        }
        for name in ["kind", "name", "uid"] {
            if text(owner, name).is_empty() {
                out.push(Cause::invalid(format!("{FIELD}.{name}"), &json!(""), "must not be empty"));
            }
        }
        if (api_version, text(owner, "kind")) == ("v1", "Event") {
            let detail = "/v1, Kind=Event is disallowed from being an owner";
            out.push(invalid_text(FIELD, &owner_text(owner), detail));
        }
    }
    let mut controllers = owners.iter().filter(|owner| is_true(owner, "controller"));
    if let Some(first) = controllers.next() {
        for second in controllers {
            let named = |owner: &Value| format!("{}/{}", text(owner, "kind"), text(owner, "name"));
            let all = owners.iter().map(owner_text).collect::<Vec<_>>().join(",");
            let detail = format!(
                "Only one reference can have Controller set to true. Found \"true\" in references for {} and {}",
                named(first),
                named(second)
            );
            out.push(invalid_text(FIELD, &format!("[{all}]"), &detail));
        }
    }
}

/// An owner reference with its fields in Go's order.
fn owner_text(owner: &Value) -> String {
    let always = ["apiVersion", "kind", "name", "uid"].map(|name| (name, json!(text(owner, name))));
    let optional = ["controller", "blockOwnerDeletion"].map(|name| (name, at(owner, name).clone()));
    let fields: Vec<String> = always
        .into_iter()
        .chain(optional.into_iter().filter(|(_, value)| !value.is_null()))
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}

/// A value that is written in another form than its JSON.
pub(super) fn invalid_text(field: &str, value: &str, detail: &str) -> Cause {
    let message = format!("Invalid value: {value}: {detail}");
    Cause { reason: "FieldValueInvalid", message, field: field.to_owned() }
}

/// Of custom resources, finalizers without a path are taken.
fn finalizers(out: &mut Vec<Cause>, finalizers: &Value, is_built_in: bool) {
    const FIELD: &str = "metadata.finalizers";
    let list = finalizers.as_array().map_or(&[][..], Vec::as_slice);
    for (index, finalizer) in list.iter().enumerate() {
        let name = finalizer.as_str().unwrap_or_default();
        report(out, FIELD, name, names::qualified(name));
        if is_built_in && !name.contains('/') && !is_standard_finalizer(name) && name != OF_DEFINITIONS {
            out.push(Cause::invalid(format!("{FIELD}[{index}]"), &json!(name), NOT_A_FINALIZER));
        }
    }
    let has = |name: &str| list.iter().any(|finalizer| finalizer == name);
    if has("orphan") && has("foregroundDeletion") {
        out.push(Cause::invalid(FIELD, finalizers, "finalizer orphan and foregroundDeletion cannot be both set"));
    }
}

/// What holds a CustomResourceDefinition until its objects are gone. It looks like no other.
const OF_DEFINITIONS: &str = "customresourcecleanup.apiextensions.k8s.io";
const NOT_A_FINALIZER: &str = "name is neither a standard finalizer name nor is it fully qualified";

/// The finalizers of a namespace, which stand in `spec`.
pub(super) fn namespace_finalizers(out: &mut Vec<Cause>, finalizers: &[Value]) {
    for finalizer in finalizers {
        let name = finalizer.as_str().unwrap_or_default();
        report(out, "spec.finalizers", name, names::qualified(name));
        if !name.contains('/') && !is_standard_finalizer(name) && name != OF_DEFINITIONS {
            out.push(Cause::invalid("spec.finalizers", finalizer, NOT_A_FINALIZER));
        }
    }
}

fn is_standard_finalizer(name: &str) -> bool {
    matches!(name, "kubernetes" | "orphan" | "foregroundDeletion")
}

/// What an update may not change. A field that is left away stands for the stored value.
fn compare(out: &mut Vec<Cause>, metadata: &Value, old: &Value) {
    for name in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let (new, old) = (at(metadata, name), at(old, name));
        if !new.is_null() && new != "" && new != old {
            out.push(Cause::invalid(format!("metadata.{name}"), new, IMMUTABLE));
        }
    }
    let is_held = !text(old, "deletionTimestamp").is_empty();
    let added: Vec<&str> = items(metadata, "finalizers")
        .iter()
        .filter(|finalizer| is_held && !items(old, "finalizers").contains(finalizer))
        .filter_map(Value::as_str)
        .collect();
    if !added.is_empty() {
        let detail = format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
            added.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
        );
        out.push(Cause::forbidden("metadata.finalizers", &detail));
    }
}

/// Annotations and labels of a pod template, which the API server names without `metadata`.
pub(super) fn template(out: &mut Vec<Cause>, field: &str, metadata: &Value) {
    labels(out, &format!("{field}.labels"), at(metadata, "labels"));
    annotations(out, &format!("{field}.annotations"), at(metadata, "annotations"));
}
