//! Custom resource definitions, all but their schemas.

use serde_json::{Value, json};

use super::common::{immutable, one_of};
use super::metadata::invalid_text;
use super::names::{self, report};
use super::structural;
use crate::read::{at, is_empty, is_true, items, text};
use crate::refusal::Cause;
use crate::schema::{self, Schema};

/// A CRD; with `old`, an update of it.
pub(super) fn definition(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>) {
    let spec = at(object, "spec");
    let (group, plural) = (text(spec, "group"), text(spec, "names.plural"));
    let name = text(object, "metadata.name");
    if old.is_none() && name != format!("{plural}.{group}") {
        out.push(Cause::invalid("metadata.name", &json!(name), "must be spec.names.plural+\".\"+spec.group"));
    }
    check_group(out, group);
    scope(out, spec);
    if is_true(spec, "preserveUnknownFields") {
        let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema \
                      instead";
        out.push(Cause::invalid("spec.preserveUnknownFields", &json!(true), detail));
    }
    versions(out, object, spec);
    check_names(out, at(spec, "names"));
    conversion(out, at(spec, "conversion"));
    stored_versions(out, object, old);
    approval(out, object, group);
    if let Some(old) = old {
        let established = items(old, "status.conditions")
            .iter()
            .any(|condition| text(condition, "type") == "Established" && text(condition, "status") == "True");
        immutable(out, "spec.group", at(spec, "group"), at(old, "spec.group"));
        if established {
            immutable(out, "spec.scope", at(spec, "scope"), at(old, "spec.scope"));
            immutable(out, "spec.names.kind", at(spec, "names.kind"), at(old, "spec.names.kind"));
        }
        immutable(out, "spec.names.plural", at(spec, "names.plural"), at(old, "spec.names.plural"));
    }
}

fn check_group(out: &mut Vec<Cause>, group: &str) {
    let one_dot = |group: &str| {
        let wrong = names::dns_subdomain(group);
        let is_short = wrong.is_empty() && !group.contains('.');
        if is_short { vec!["should be a domain with at least one dot".to_owned()] } else { wrong }
    };
    names::required(out, "spec.group", group, one_dot);
}

fn scope(out: &mut Vec<Cause>, spec: &Value) {
    if is_empty(spec, "scope") {
        out.push(Cause::required("spec.scope", ""));
    }
    one_of(out, spec, "spec", "scope", &["Cluster", "Namespaced"]);
}

fn check_names(out: &mut Vec<Cause>, all: &Value) {
    names::required(out, "spec.names.plural", text(all, "plural"), names::dns_1035_label);
    names::required(out, "spec.names.singular", text(all, "singular"), names::dns_1035_label);
    let mixed_case = |name: &str| -> names::Wrong {
        names::dns_1035_label(&name.to_lowercase())
            .into_iter()
            .map(|wrong| format!("may have mixed case, but should otherwise match: {wrong}"))
            .collect()
    };
    names::required(out, "spec.names.kind", text(all, "kind"), mixed_case);
    names::required(out, "spec.names.listKind", text(all, "listKind"), mixed_case);
    for list in ["shortNames", "categories"] {
        for (index, name) in items(all, list).iter().enumerate() {
            let name = name.as_str().unwrap_or_default();
            report(out, &format!("spec.names.{list}[{index}]"), name, names::dns_1035_label(name));
        }
    }
    let kind = text(all, "kind");
    if !kind.is_empty() && kind == text(all, "listKind") {
        out.push(Cause::invalid("spec.names.listKind", &json!(kind), "kind and listKind may not be the same"));
    }
}

fn versions(out: &mut Vec<Cause>, object: &Value, spec: &Value) {
    let list = items(spec, "versions");
    let single = list.len() == 1;
    for (index, version) in list.iter().enumerate() {
        let field = format!("spec.versions[{index}]");
        let name = text(version, "name");
        report(out, &format!("{field}.name"), name, names::dns_1035_label(name));
        let schema = at(version, "schema.openAPIV3Schema");
        if schema.is_null() {
            out.push(Cause::required(format!("{field}.schema.openAPIV3Schema"), ""));
        }
        // What a lone version has of its own is told as if the CRD had it: so it is stored.
        let holder = if single { "spec".to_owned() } else { field };
        let schema_field = if single { "spec.validation" } else { &format!("{holder}.schema") };
        let schema_field = format!("{schema_field}.openAPIV3Schema");
        let before = out.len();
        structural::schema(out, &schema_field, schema);
        if out.len() == before {
            rules(out, &schema_field, schema);
        }
        subresources(out, &format!("{holder}.subresources"), at(version, "subresources"));
        for (index, column) in items(version, "additionalPrinterColumns").iter().enumerate() {
            printer_column(out, &format!("{holder}.additionalPrinterColumns[{index}]"), column);
        }
    }
    if single {
        let name = text(&list[0], "name");
        report(out, "spec.version", name, names::dns_1035_label(name));
    }
    let mut wrong =
        |detail: &str| out.push(invalid_text("spec.versions", &versions_text(at(object, "spec.versions")), detail));
    if list.iter().filter(|version| is_true(version, "storage")).count() != 1 {
        wrong("must have exactly one version marked as storage version");
    }
    let mut taken: Vec<&str> = list.iter().map(|version| text(version, "name")).collect();
    taken.sort_unstable();
    if taken.windows(2).any(|pair| pair[0] == pair[1]) {
        wrong("must contain unique version names");
    }
}

/// The rules of a schema, once its shape is right.
fn rules(out: &mut Vec<Cause>, field: &str, schema: &Value) {
    let Ok(schema) = Schema::of_crd_version(schema) else { return };
    let mistakes = schema::rule_mistakes(&schema, field);
    if mistakes.is_empty() {
        out.extend(schema::rule_problems(&schema, field));
    }
    out.extend(mistakes);
}

/// The versions as the API server prints its own structure; of schemas and columns only their absence is known here.
fn versions_text(versions: &Value) -> String {
    let Some(versions) = versions.as_array().filter(|versions| !versions.is_empty()) else { return "null".to_owned() };
    let single = versions.len() == 1;
    let shown = |version: &Value, field: &str| if single { Value::Null } else { at(version, field).clone() };
    let texts: Vec<String> = versions
        .iter()
        .map(|version| {
            format!(
                "{{\"Name\":{},\"Served\":{},\"Storage\":{},\"Deprecated\":{},\"DeprecationWarning\":{},\"Schema\":{},\
                 \"Subresources\":{},\"AdditionalPrinterColumns\":{},\"SelectableFields\":{}}}",
                json!(text(version, "name")),
                is_true(version, "served"),
                is_true(version, "storage"),
                is_true(version, "deprecated"),
                at(version, "deprecationWarning"),
                shown(version, "schema.none"),
                shown(version, "subresources"),
                shown(version, "additionalPrinterColumns"),
                shown(version, "selectableFields"),
            )
        })
        .collect();
    format!("[{}]", texts.join(","))
}

fn subresources(out: &mut Vec<Cause>, field: &str, subresources: &Value) {
    let scale = at(subresources, "scale");
    if scale.is_null() {
        return;
    }
    for (name, below, optional) in [
        ("specReplicasPath", ".spec", false),
        ("statusReplicasPath", ".status", false),
        ("labelSelectorPath", "", true),
    ] {
        let path = text(scale, name);
        let field = format!("{field}.scale.{name}");
        if path.is_empty() {
            if !optional {
                out.push(Cause::required(field, ""));
            }
        } else if !path.starts_with('.') {
            out.push(Cause::invalid(field, &json!(path), "must be a simple json path starting with ."));
        } else if optional && !path.starts_with(".spec.") && !path.starts_with(".status.") {
            out.push(Cause::invalid(field, &json!(path), "should be a json path under either .spec or .status"));
        } else if !optional && !path.starts_with(&format!("{below}.")) {
            out.push(Cause::invalid(field, &json!(path), &format!("should be a json path under {below}")));
        }
    }
}

fn printer_column(out: &mut Vec<Cause>, field: &str, column: &Value) {
    const TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
    const FORMATS: [&str; 9] = ["int32", "int64", "float", "double", "byte", "date", "date-time", "password", "name"];
    if is_empty(column, "name") {
        out.push(Cause::required(format!("{field}.name"), ""));
    }
    let mut listed = |name: &str, allowed: &[&str]| {
        let value = text(column, name);
        let mut sorted = allowed.to_vec();
        sorted.sort_unstable();
        let detail = format!("must be one of {}", sorted.join(","));
        match value {
            "" if name == "type" => out.push(Cause::required(format!("{field}.type"), &detail)),
            "" => {}
            value if !allowed.contains(&value) => {
                out.push(Cause::invalid(format!("{field}.{name}"), &json!(value), &detail));
            }
            _ => {}
        }
    };
    listed("type", &TYPES);
    listed("format", &FORMATS);
    let path = text(column, "jsonPath");
    let field = format!("{field}.JSONPath");
    if path.is_empty() {
        out.push(Cause::required(field, ""));
    } else if !path.starts_with('.') {
        out.push(Cause::invalid(field, &json!(path), "must be a simple json path starting with ."));
    }
}

fn conversion(out: &mut Vec<Cause>, conversion: &Value) {
    const FIELD: &str = "spec.conversion";
    one_of(out, conversion, FIELD, "strategy", &["None", "Webhook"]);
    if text(conversion, "strategy") != "Webhook" {
        return;
    }
    if at(conversion, "webhook.clientConfig").is_null() {
        out.push(Cause::required(format!("{FIELD}.webhookClientConfig"), "required when strategy is set to Webhook"));
    }
    if is_empty(conversion, "webhook.conversionReviewVersions") {
        out.push(Cause::required(format!("{FIELD}.conversionReviewVersions"), ""));
    }
}

fn stored_versions(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>) {
    let stored = at(object, "status.storedVersions");
    let list: Vec<&str> = items(object, "status.storedVersions").iter().filter_map(Value::as_str).collect();
    let versions = items(object, "spec.versions");
    if list.is_empty() {
        out.push(Cause::invalid("status.storedVersions", stored, "must have at least one stored version"));
    }
    let storage = versions.iter().rfind(|version| is_true(version, "storage")).map(|version| text(version, "name"));
    if let Some(storage) = storage.filter(|storage| !list.is_empty() && !list.contains(storage)) {
        let detail = format!("must have the storage version {storage}");
        out.push(Cause::invalid("status.storedVersions", stored, &detail));
    }
    for (index, name) in list.iter().enumerate() {
        if old.is_some() && !versions.iter().any(|version| text(version, "name") == *name) {
            let detail = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions \
                 until a storage migration ensures no data remains persisted in {name} and removes {name} from \
                 status.storedVersions"
            );
            out.push(Cause::invalid(format!("status.storedVersions[{index}]"), &json!(name), &detail));
        }
    }
}

/// Groups of the project itself ask for a link to who approved the API.
fn approval(out: &mut Vec<Cause>, object: &Value, group: &str) {
    const ANNOTATION: &str = "api-approved.kubernetes.io";
    let is_protected = [".k8s.io", ".kubernetes.io"].iter().any(|suffix| group.ends_with(suffix));
    if is_protected && at(object, "metadata.annotations").get(ANNOTATION).is_none() {
        let detail = format!(
            "protected groups must have approval annotation {ANNOTATION:?}, see \
             https://github.com/kubernetes/enhancements/pull/1111"
        );
        out.push(Cause::required(format!("metadata.annotations[{ANNOTATION}]"), &detail));
    }
}
