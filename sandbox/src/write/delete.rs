//! How an object ends: at once, after a grace period, or when the last finalizer is gone.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Call, map};
use crate::object;
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::state::State;

/// What happens to the dependents of a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// They go after it.
    Background,
    /// It goes after them.
    Foreground,
    /// They stay.
    Orphan,
}

/// How to delete.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// What happens to dependents; the background takes them by default.
    pub propagation: Option<Propagation>,
    /// Only the object with this uid.
    pub uid: Option<String>,
    /// Only in this version.
    pub resource_version: Option<String>,
    /// Seconds that a pod gets to end.
    pub grace: Option<i64>,
}

/// What became of the object.
#[derive(Clone, Debug, PartialEq)]
pub enum Deleted {
    /// It is gone.
    Gone(Arc<Value>),
    /// It is marked and goes later.
    Marked(Arc<Value>),
}

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";
/// It lets a `CustomResourceDefinition` go once its objects are gone.
pub const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";
/// The namespaces that are always there.
const IMMORTAL: [&str; 3] = ["default", "kube-public", "kube-system"];

/// Deletes an object, or marks it for deletion.
pub fn delete(state: &mut State, call: &Call<'_>, name: &str, options: &DeleteOptions) -> Result<Deleted, Refusal> {
    let resource = call.resource;
    let found = state.store.get(&resource.key, call.namespace, name);
    let current = Arc::clone(found.ok_or_else(|| Refusal::not_found(resource, name))?);
    preconditions(call, name, &current, options)?;
    let key: &str = &resource.key;
    if key == "namespaces" && IMMORTAL.contains(&name) {
        return Err(Refusal::forbidden(resource, name, "this namespace may not be deleted"));
    }
    if matches!(key, "namespaces" | DEFINITIONS) && !object::is_deleting(&current) {
        return Ok(Deleted::Marked(begin(state, call, &current, options)));
    }
    let mark = super::mark(state, call);
    let mut new = (*current).clone();
    let grace = grace(call, &current, options);
    let finalizers = finalizers(call, &current, options);
    let has_content = current["spec"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty());
    if grace == 0 && finalizers.is_empty() && !has_content {
        if call.dry_run {
            return Ok(Deleted::Gone(current));
        }
        return match state.store.remove(&resource.key, call.namespace, name, mark) {
            Some(last) if *resource.key == *"pods" => Ok(Deleted::Gone(Arc::new(ended(&last, state.now)))),
            Some(last) => Ok(Deleted::Gone(last)),
            None => Err(Refusal::not_found(resource, name)),
        };
    }
    let metadata = map(&mut new, "metadata");
    let before = metadata.get("deletionGracePeriodSeconds").and_then(Value::as_i64);
    let marked = metadata.get("deletionTimestamp").and_then(object::moment);
    if marked.is_none() || before.is_none_or(|before| grace < before) {
        // A time that is shortened runs from when it began.
        let begin = match (marked, before) {
            (Some(at), Some(before)) => at.saturating_sub(SignedDuration::from_secs(before)).unwrap_or(state.now),
            _ => state.now,
        };
        let at = begin.saturating_add(SignedDuration::from_secs(grace)).unwrap_or(state.now);
        metadata.insert("deletionTimestamp".into(), json!(object::time(at)));
        metadata.insert("deletionGracePeriodSeconds".into(), json!(grace));
        if super::shape::counts_generations(resource) && !object::is_deleting(&current) {
            let generation = current["metadata"]["generation"].as_i64().unwrap_or(0);
            metadata.insert("generation".into(), json!(generation + 1));
        }
    }
    if !finalizers.is_empty() {
        metadata.insert("finalizers".into(), json!(finalizers));
    }
    if call.dry_run || new == *current {
        return Ok(Deleted::Marked(Arc::new(new)));
    }
    Ok(Deleted::Marked(state.store.put(&resource.key, new, mark)))
}

/// The end of what holds other objects begins with a mark and without a grace period; its controller does the rest.
fn begin(state: &mut State, call: &Call<'_>, current: &Value, options: &DeleteOptions) -> Arc<Value> {
    let mut new = current.clone();
    let time = object::time(state.now);
    let metadata = map(&mut new, "metadata");
    metadata.insert("deletionTimestamp".into(), json!(time));
    if *call.resource.key == *"namespaces" {
        let finalizers = finalizers(call, current, options);
        if finalizers.is_empty() {
            metadata.remove("finalizers");
        } else {
            metadata.insert("finalizers".into(), json!(finalizers));
        }
        map(&mut new, "status").insert("phase".into(), json!("Terminating"));
    } else {
        if !object::finalizers(current).any(|name| name == CLEANUP) {
            let names: Vec<&str> = object::finalizers(current).chain([CLEANUP]).collect();
            metadata.insert("finalizers".into(), json!(names));
        }
        let message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
        let terminating =
            json!({ "type": "Terminating", "status": "True", "reason": "InstanceDeletionPending", "message": message });
        object::set_condition(&mut new, terminating, state.now);
    }
    if call.dry_run {
        return Arc::new(new);
    }
    let mark = super::mark(state, call);
    state.store.put(&call.resource.key, new, mark)
}

/// A pod that has gone without any time to end still says that it was deleted.
fn ended(pod: &Value, now: Timestamp) -> Value {
    let mut pod = pod.clone();
    if !object::is_deleting(&pod) {
        let generation = pod["metadata"]["generation"].as_i64().unwrap_or(0);
        let metadata = map(&mut pod, "metadata");
        metadata.insert("generation".into(), json!(generation + 1));
        metadata.insert("deletionTimestamp".into(), json!(object::time(now)));
    }
    map(&mut pod, "metadata").insert("deletionGracePeriodSeconds".into(), json!(0));
    pod
}

/// Whether an object that is being deleted has nothing left to wait for.
pub fn is_finished(resource: &Resource, object: &Value) -> bool {
    let of_namespace = *resource.key == *"namespaces";
    object::is_deleting(object)
        && object::finalizers(object).next().is_none()
        && object["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) == 0
        && !(of_namespace && object["spec"]["finalizers"].as_array().is_some_and(|left| !left.is_empty()))
}

fn preconditions(call: &Call<'_>, name: &str, current: &Value, options: &DeleteOptions) -> Result<(), Refusal> {
    for (what, given, is, happened) in [
        ("UID", &options.uid, object::uid(current), "deleted and then recreated"),
        ("ResourceVersion", &options.resource_version, object::meta(current, "resourceVersion"), "modified"),
    ] {
        if let Some(given) = given.as_ref().filter(|given| *given != is) {
            let why = format!(
                "the {what} in the precondition ({given}) does not match the {what} in record ({is}). \
                 The object might have been {happened}"
            );
            let mut refusal = Refusal::conflict(call.resource, name, &why);
            refusal.details["kind"] = json!(call.resource.kind);
            refusal.message = refusal.message.replacen(&call.resource.plural, &call.resource.kind, 1);
            return Err(refusal);
        }
    }
    Ok(())
}

/// Only pods that run somewhere get time to end.
fn grace(call: &Call<'_>, pod: &Value, options: &DeleteOptions) -> i64 {
    let scheduled = pod["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty());
    let ended = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    if call.resource.key.as_ref() != "pods" || !scheduled || ended {
        return 0;
    }
    let own = pod["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
    options.grace.unwrap_or(own).max(0)
}

/// Whether the dependents of what is deleted stay where the client says nothing: the pods of Jobs do, for old clients' sake.
pub fn orphans(resource: &Resource, options: &DeleteOptions) -> bool {
    *resource.key == *"jobs.batch" && options.propagation.is_none()
}

fn finalizers(call: &Call<'_>, current: &Value, options: &DeleteOptions) -> Vec<String> {
    let kept = object::finalizers(current).filter(|name| ![FOREGROUND, ORPHAN].contains(name));
    let mut finalizers: Vec<String> = kept.map(str::to_owned).collect();
    let had = |finalizer| object::finalizers(current).any(|name| name == finalizer);
    let added = match options.propagation {
        Some(Propagation::Foreground) => Some(FOREGROUND),
        Some(Propagation::Orphan) => Some(ORPHAN),
        None if had(FOREGROUND) => Some(FOREGROUND),
        None if had(ORPHAN) || !call.trusted && orphans(call.resource, options) => Some(ORPHAN),
        Some(Propagation::Background) | None => None,
    };
    finalizers.extend(added.map(str::to_owned));
    finalizers
}
