//! What an update takes from the stored object, whatever it says itself.

use serde_json::{Value, json};

use super::registry::{StatusRule, facts};
use crate::read::{at, is_empty, make, text};

/// Puts into an update of a whole object what such an update cannot change, or what it may leave away: status, the finalizers
/// of a namespace, the addresses of a Service. To be called before [`default`](super::default()), except for the `status` and
/// `finalize` subresources.
pub fn carry_over(group: &str, kind: &str, object: &mut Value, old: &Value) {
    if facts(group, kind).is_some_and(|facts| facts.status != StatusRule::None) {
        carry(object, old, "status");
    }
    match (group, kind) {
        ("", "Namespace") => carry(object, old, "spec"),
        ("", "Service") => service(object, old),
        ("apps", "DaemonSet") => carry_annotation(object, old, "deprecated.daemonset.template.generation"),
        _ => {}
    }
}

fn carry(object: &mut Value, old: &Value, field: &str) {
    let Some(object) = object.as_object_mut() else { return };
    match old.get(field) {
        Some(value) => object.insert(field.to_owned(), value.clone()),
        None => object.remove(field),
    };
}

fn carry_annotation(object: &mut Value, old: &Value, name: &str) {
    if let Some(value) = at(old, "metadata.annotations").get(name) {
        make(object, "metadata.annotations").entry(name).or_insert(value.clone());
    }
}

/// Addresses and node ports stay where they are needed and not given; where they are not needed any more they go.
fn service(object: &mut Value, old: &Value) {
    let (kind, old_kind) = (text(object, "spec.type").to_owned(), text(old, "spec.type"));
    if kind == "ExternalName" && old_kind != "ExternalName" {
        let spec = make(object, "spec");
        for field in ["ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy", "externalTrafficPolicy"] {
            spec.remove(field);
        }
        return;
    }
    if old_kind == "ExternalName" {
        return;
    }
    let single = text(object, "spec.clusterIP").to_owned();
    if single.is_empty() {
        for field in ["clusterIP", "clusterIPs"] {
            if is_empty(object, &format!("spec.{field}")) {
                make(object, "spec").insert(field.to_owned(), at(old, &format!("spec.{field}")).clone());
            }
        }
    } else if single != text(old, "spec.clusterIP") && at(object, "spec.clusterIPs") == at(old, "spec.clusterIPs") {
        // Whoever knows only the single address has meant the list, too.
        make(object, "spec").insert("clusterIPs".to_owned(), json!([single]));
    }
    for field in ["ipFamilies", "ipFamilyPolicy"] {
        if is_empty(object, &format!("spec.{field}")) && !at(old, &format!("spec.{field}")).is_null() {
            make(object, "spec").insert(field.to_owned(), at(old, &format!("spec.{field}")).clone());
        }
    }
}
