//! Defaults that depend on other values of the object.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use sluice_core::identity::Quantity;

use super::batch;
use super::fill::Literal::Text;
use super::fill::{apply, drop_field, each, unset, zero};
use crate::read::{at, entries, is_empty, items, make, text};

/// The label by which selectors can name a namespace.
const NAMESPACE_LABEL: &str = "kubernetes.io/metadata.name";
/// The finalizer that holds a namespace until it is empty.
const NAMESPACE_FINALIZER: &str = "kubernetes";

/// A Namespace.
pub(super) fn namespace(object: &mut Value) {
    let name = text(object, "metadata.name").to_owned();
    if !name.is_empty() {
        make(object, "metadata.labels").insert(NAMESPACE_LABEL.to_owned(), json!(name));
    }
    // Whoever empties a namespace takes the finalizer away, for good.
    if !is_empty(object, "metadata.deletionTimestamp") {
        return;
    }
    let finalizers = make(object, "spec").entry("finalizers").or_insert(Value::Null);
    let mut list = finalizers.as_array().cloned().unwrap_or_default();
    if !list.iter().any(|finalizer| finalizer == NAMESPACE_FINALIZER) {
        list.push(json!(NAMESPACE_FINALIZER));
    }
    *finalizers = list.into();
}

/// A Secret: `stringData` goes into `data`.
pub(super) fn secret(object: &mut Value) {
    apply(object, &[zero("", "type", Text("Opaque"))]);
    let plain: Vec<(String, Value)> = entries(object, "stringData")
        .map(|(key, value)| (key.clone(), json!(BASE64_STANDARD.encode(value.as_str().unwrap_or_default()))))
        .collect();
    drop_field(object, "", "stringData");
    if !plain.is_empty() {
        make(object, "data").extend(plain);
    }
}

/// A Node: what it has can be given out, unless it says otherwise.
pub(super) fn node(object: &mut Value) {
    canonical(object, "status.capacity");
    canonical(object, "status.allocatable");
    let capacity = at(object, "status.capacity").clone();
    if !is_empty(object, "status.capacity") && is_empty(object, "status.allocatable") {
        make(object, "status").insert("allocatable".to_owned(), capacity);
    }
}

/// Kinds that hold amounts of resources: amounts are stored in their canonical form.
pub(super) fn quantities(kind: &str, object: &mut Value) {
    match kind {
        "LimitRange" => {
            for list in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
                canonical(object, &format!("spec.limits[].{list}"));
            }
            each(object, "spec.limits[]", &mut limit_defaults);
        }
        "ResourceQuota" => {
            for list in ["spec.hard", "status.hard", "status.used"] {
                canonical(object, list);
            }
        }
        _ => {
            for list in ["spec.resources.limits", "spec.resources.requests", "status.capacity"] {
                canonical(object, list);
            }
        }
    }
}

fn canonical(object: &mut Value, list: &str) {
    each(object, list, &mut |resources| {
        for amount in resources.as_object_mut().into_iter().flat_map(Map::values_mut) {
            let text = amount.as_str().map(str::to_owned).or_else(|| amount.is_number().then(|| amount.to_string()));
            if let Some(Ok(quantity)) = text.as_deref().map(Quantity::parse) {
                *amount = quantity.round_up_to_milli().to_string().into();
            }
        }
    });
}

/// A limit for containers: the default limit is the greatest one, and the default request is the default limit, or else the
/// least.
fn limit_defaults(limit: &mut Value) {
    if text(limit, "type") != "Container" {
        return;
    }
    for (target, source) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
        for (name, amount) in entries(limit, source).map(|(k, v)| (k.clone(), v.clone())).collect::<Vec<_>>() {
            make(limit, target).entry(name).or_insert(amount);
        }
    }
}

/// A CRD: names that follow from the kind, and the version that is stored.
pub(super) fn custom_resource_definition(object: &mut Value) {
    let kind = text(object, "spec.names.kind").to_owned();
    each(object, "spec.names", &mut |names| {
        let Some(names) = names.as_object_mut() else { return };
        for (field, value) in [("singular", kind.to_lowercase()), ("listKind", format!("{kind}List"))] {
            let field = names.entry(field).or_insert(Value::Null);
            if !kind.is_empty() && (field.is_null() || field == "") {
                *field = json!(value);
            }
        }
    });
    drop_false(object, "spec", "preserveUnknownFields");
    let stored: Vec<Value> = items(object, "spec.versions")
        .iter()
        .filter(|version| at(version, "storage") == true)
        .map(|version| at(version, "name").clone())
        .collect();
    let status = make(object, "status");
    let versions = status.entry("storedVersions").or_insert(Value::Null);
    // Two of them are an error that somebody else tells.
    if versions.is_null() {
        *versions = stored.first().map_or(Value::Null, |first| json!([first]));
    } else if let (Some(versions), [stored]) = (versions.as_array_mut(), stored.as_slice())
        && !versions.contains(stored)
    {
        versions.push(stored.clone());
    }
}

/// Go leaves `false` out where it has no pointer.
fn drop_false(object: &mut Value, at: &str, field: &str) {
    each(object, at, &mut |holder| {
        if holder.get(field) == Some(&Value::Bool(false)) {
            drop_field(holder, "", field);
        }
    });
}

/// What depends on the values that the tables have filled in.
pub(super) fn computed(group: &str, kind: &str, object: &mut Value) {
    match (group, kind) {
        ("apps", "Deployment") => each(object, "spec.strategy", &mut |strategy| {
            let rolling = [("maxUnavailable", Text("25%")), ("maxSurge", Text("25%"))]
                .map(|(f, v)| unset("rollingUpdate!", f, v));
            if text(strategy, "type") == "RollingUpdate" {
                apply(strategy, &rolling);
            }
        }),
        ("", "ReplicationController") => labels_become_selectors(object),
        ("apps", "StatefulSet" | "DaemonSet") => batch::rolling_update(kind, object),
        ("batch", "Job") => batch::job(object),
        ("autoscaling", "HorizontalPodAutoscaler") => batch::autoscaler(object),
        ("networking.k8s.io", "NetworkPolicy") => batch::network_policy(object),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => batch::binding(object),
        ("coordination.k8s.io", "Lease") => {
            // Behind a gate that is off.
            drop_field(object, "spec", "strategy");
            drop_field(object, "spec", "preferredHolder");
        }
        _ => {}
    }
}

fn labels_become_selectors(object: &mut Value) {
    let labels = at(object, "spec.template.metadata.labels").clone();
    if labels.is_null() {
        return;
    }
    for holder in ["spec.selector", "metadata.labels"] {
        if is_empty(object, holder) {
            make(object, holder).extend(labels.as_object().cloned().unwrap_or_default());
        }
    }
}
