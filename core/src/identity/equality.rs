//! Whether a live ReplicaSet runs the template that a rollout asks for, whatever its hash label says.
//!
//! Hashes change with the libraries that compute them; meaning does not. Argo Rollouts falls back to
//! `Semantic.DeepEqual` of the defaulted templates before it makes a new revision, and so do we: quantities compare by
//! amount, an absent list or map equals an empty one, order within lists counts, an absent optional object differs from
//! an empty one, and fields that no table knows compare as JSON.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::defaults::default_pod_template;
use super::go_json::{POD_TEMPLATE, clean_template, zero};
use super::go_types::{GoField, GoStruct, Kind};
use super::quantity::Quantity;

/// The label that carries the pod hash.
pub const POD_HASH_LABEL: &str = "rollouts-pod-template-hash";
/// The annotation of a ReplicaSet that lists the metadata which the controller put on its template for as long as the
/// ReplicaSet is canary, stable, preview or active.
pub const EPHEMERAL_METADATA_ANNOTATION: &str = "rollout.argoproj.io/ephemeral-metadata";

const HOSTNAME: &str = "kubernetes.io/hostname";
const ANTI_AFFINITY: &str = "/spec/affinity/podAntiAffinity";

/// A pod template in the form in which templates are compared.
#[derive(Debug, Clone)]
pub struct Comparable(Value);

impl Comparable {
    /// A template as a user wrote it, or as another controller did.
    pub fn new(template: &Value) -> Self {
        let mut template = clean_template(template);
        default_pod_template(&mut template);
        if let Some(labels) = object_at(&mut template, "/metadata/labels") {
            labels.remove(POD_HASH_LABEL);
        }
        if let Some(spec) = object_at(&mut template, "/spec") {
            // Deprecated: the API server copies `serviceAccountName` into it.
            spec.remove("serviceAccount");
        }
        Self(template)
    }

    /// Whether a live ReplicaSet with these annotations runs this template, once what the controller itself injected
    /// is taken away.
    pub fn matches_live(&self, live: &Value, annotations: Option<&BTreeMap<String, String>>) -> bool {
        let mut live = live.clone();
        if let Some(annotation) = annotations.and_then(|all| all.get(EPHEMERAL_METADATA_ANNOTATION)) {
            strip_ephemeral_metadata(&mut live, annotation);
        }
        if strip_injected_anti_affinity(&mut live) {
            // Where the term was the only one, an empty affinity that the user wrote is gone, too.
            let mut desired = self.clone();
            drop_hollow_affinity(&mut desired.0);
            return desired == Self::new(&live);
        }
        *self == Self::new(&live)
    }
}

impl PartialEq for Comparable {
    fn eq(&self, other: &Self) -> bool {
        same(POD_TEMPLATE, &self.0, &other.0)
    }
}

/// Whether two pod templates mean the same (Argo Rollouts ≥1.9: both defaulted, without the hash label and the
/// deprecated `serviceAccount`).
pub fn semantically_equal(one: &Value, other: &Value) -> bool {
    Comparable::new(one) == Comparable::new(other)
}

/// Removes from a live template the labels and annotations that the annotation
/// [`rollout.argoproj.io/ephemeral-metadata`](EPHEMERAL_METADATA_ANNOTATION) lists. One that cannot be read lists none.
pub fn strip_ephemeral_metadata(live: &mut Value, annotation: &str) {
    #[derive(Deserialize)]
    struct Injected {
        labels: Option<BTreeMap<String, Value>>,
        annotations: Option<BTreeMap<String, Value>>,
    }
    let Ok(injected) = serde_json::from_str::<Injected>(annotation) else { return };
    for (at, names) in [("/metadata/labels", injected.labels), ("/metadata/annotations", injected.annotations)] {
        if let Some(object) = object_at(live, at) {
            object.retain(|name, _| !names.as_ref().is_some_and(|names| names.contains_key(name)));
        }
    }
}

/// Removes the pod anti-affinity terms that keep a revision off the other revision's nodes, and what they leave empty.
/// Returns whether there was one.
pub fn strip_injected_anti_affinity(live: &mut Value) -> bool {
    let mut found = false;
    let Some(anti_affinity) = object_at(live, ANTI_AFFINITY) else { return false };
    for (list, at) in [
        ("requiredDuringSchedulingIgnoredDuringExecution", ""),
        ("preferredDuringSchedulingIgnoredDuringExecution", "/podAffinityTerm"),
    ] {
        let Some(terms) = anti_affinity.get_mut(list).and_then(Value::as_array_mut) else { continue };
        let before = terms.len();
        terms.retain(|term| !term.pointer(at).is_some_and(is_injected));
        found |= terms.len() < before;
    }
    if found {
        drop_hollow_affinity(live);
    }
    found
}

fn is_injected(term: &Value) -> bool {
    let expressions = term.pointer("/labelSelector/matchExpressions").and_then(Value::as_array);
    term.get("topologyKey").and_then(Value::as_str) == Some(HOSTNAME)
        && expressions
            .is_some_and(|all| all.iter().any(|one| one.get("key").and_then(Value::as_str) == Some(POD_HASH_LABEL)))
}

fn drop_hollow_affinity(template: &mut Value) {
    if let Some(anti_affinity) = object_at(template, ANTI_AFFINITY) {
        anti_affinity.retain(|_, terms| !is_empty(terms));
    }
    for (parent, child) in [("/spec/affinity", "podAntiAffinity"), ("/spec", "affinity")] {
        if let Some(parent) = object_at(template, parent)
            && parent.get(child).is_some_and(is_empty)
        {
            parent.remove(child);
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    }
}

fn object_at<'a>(value: &'a mut Value, pointer: &str) -> Option<&'a mut Map<String, Value>> {
    value.pointer_mut(pointer).and_then(Value::as_object_mut)
}

fn same(kind: Kind, one: &Value, other: &Value) -> bool {
    match kind {
        Kind::List(element) => {
            let (one, other) = (items(one), items(other));
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(*element, a, b))
        }
        Kind::Map(element) => match (one.as_object(), other.as_object()) {
            (Some(one), Some(other)) => {
                one.len() == other.len()
                    && one.iter().all(|(key, a)| other.get(key).is_some_and(|b| same(*element, a, b)))
            }
            _ => is_empty(one) && is_empty(other),
        },
        Kind::Struct(of) => match (one.as_object(), other.as_object()) {
            (Some(one), Some(other)) => same_struct(of, one, other),
            _ => one == other,
        },
        Kind::Quantity => one == other || amount(one).is_some_and(|a| Some(a) == amount(other)),
        Kind::Bool | Kind::Int32 | Kind::Int64 | Kind::Str | Kind::IntOrString | Kind::Time | Kind::Raw => one == other,
    }
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn amount(value: &Value) -> Option<Quantity> {
    value.as_str().and_then(|text| Quantity::parse(text).ok())
}

fn same_struct(of: &GoStruct, one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    of.fields.iter().all(|field| same_field(field, one.get(field.name), other.get(field.name)))
        && unknown(of, one).eq(unknown(of, other))
}

fn same_field(field: &GoField, one: Option<&Value>, other: Option<&Value>) -> bool {
    let set = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
    match (one.filter(|_| set(one)), other.filter(|_| set(other))) {
        (None, None) => true,
        (Some(one), Some(other)) => same(field.kind, one, other),
        (Some(value), None) | (None, Some(value)) => !field.pointer && same(field.kind, value, &zero(field.kind)),
    }
}

fn unknown<'a>(of: &GoStruct, entries: &'a Map<String, Value>) -> impl Iterator<Item = (&'a String, &'a Value)> {
    entries.iter().filter(|(name, value)| of.field(name).is_none() && !value.is_null())
}
