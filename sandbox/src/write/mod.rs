//! What the API server does to an object on its way in: create, update, delete.
//!
//! [`create`] makes a new object, [`update`] changes one (a PUT, every kind of patch, and the controllers' own writes come
//! down to it), [`delete`] ends one. The rooms beside it: [`shape`] decodes, prunes, defaults and validates; [`quota`] is the
//! one admission plugin that says no by itself.

pub mod addresses;
pub mod delete;
pub mod quota;
pub mod shape;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::object;
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::state::State;
use crate::store::Mark;
pub use delete::{DeleteOptions, Propagation, delete};

/// The part of an object that a request may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Everything but the status.
    Main,
    /// The status.
    Status,
    /// The finalizers that a namespace has in its specification.
    Finalizers,
}

/// What becomes of fields that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The writer is part of the sandbox and does not make mistakes: nothing is checked.
    Trusted,
    /// They are dropped.
    Ignored,
    /// They are dropped, with a warning.
    Warned,
    /// The request is refused.
    Refused,
}

/// How a write is made.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Of what.
    pub resource: &'a Arc<Resource>,
    /// Where; empty for objects of the cluster.
    pub namespace: &'a str,
    /// Who is recorded as the owner of the fields.
    pub manager: &'a str,
    /// Which part.
    pub part: Part,
    /// Do everything but write.
    pub dry_run: bool,
    /// What becomes of fields that nobody knows.
    pub unknown: Unknown,
    /// Whether the object carries its field managers already, because it was applied.
    pub managed: bool,
}

impl<'a> Call<'a> {
    /// A write to the main part.
    pub fn new(resource: &'a Arc<Resource>, namespace: &'a str, manager: &'a str) -> Call<'a> {
        Call {
            resource,
            namespace,
            manager,
            part: Part::Main,
            dry_run: false,
            unknown: Unknown::Trusted,
            managed: false,
        }
    }

    /// A write to the status.
    #[must_use]
    pub fn status(self) -> Call<'a> {
        Call { part: Part::Status, ..self }
    }
}

/// Creates an object.
pub fn create(state: &mut State, call: &Call<'_>, mut new: Value) -> Result<Arc<Value>, Refusal> {
    let resource = call.resource;
    place(call, &mut new)?;
    shape::decode(state, call, &mut new)?;
    namespace_takes(state, call, &new)?;
    let time = object::time(state.now);
    let metadata = map(&mut new, "metadata");
    for assigned in ["resourceVersion", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        metadata.remove(assigned);
    }
    let generated = metadata.get("generateName").and_then(Value::as_str).unwrap_or_default();
    if metadata.get("name").and_then(Value::as_str).unwrap_or_default().is_empty() && !generated.is_empty() {
        let name = state.ids.name(generated);
        metadata.insert("name".into(), json!(name));
    }
    metadata.insert("uid".into(), json!(state.ids.uid()));
    metadata.insert("creationTimestamp".into(), json!(time));
    metadata.remove("generation");
    if shape::counts_generations(resource) {
        metadata.insert("generation".into(), json!(1));
    }
    if resource.status
        && !shape::keeps_status_on_create(resource)
        && let Some(object) = new.as_object_mut()
    {
        object.remove("status");
    }
    shape::complete_new(state, call, &mut new);
    shape::check(resource, &new, None)?;
    let name = object::name(&new).to_owned();
    quota::check(state, call, &name)?;
    if state.store.get(&resource.key, call.namespace, &name).is_some() {
        return Err(Refusal::already_exists(resource, &name));
    }
    if !call.managed {
        shape::own_fields(call, None, &mut new, &time);
    }
    if call.dry_run {
        return Ok(Arc::new(new));
    }
    let mark = mark(state, call);
    Ok(state.store.put(&resource.key, new, mark))
}

/// Changes an object to what `propose` makes of it.
///
/// Where the proposal carries a `resourceVersion` other than the object's, the write conflicts. What the proposal may not
/// change stays as it was; a proposal that changes nothing writes nothing.
pub fn update(
    state: &mut State,
    call: &Call<'_>,
    name: &str,
    propose: impl FnOnce(&Value) -> Result<Value, Refusal>,
) -> Result<Arc<Value>, Refusal> {
    let resource = call.resource;
    let found = state.store.get(&resource.key, call.namespace, name);
    let current = Arc::clone(found.ok_or_else(|| Refusal::not_found(resource, name))?);
    let mut new = propose(&current)?;
    place(call, &mut new)?;
    shape::decode(state, call, &mut new)?;
    precondition(resource, name, &current, &mut new)?;
    keep_what_is_fixed(call, &current, &mut new);
    shape::complete(resource, &mut new);
    if shape::counts_generations(resource) && call.part != Part::Status && shape::spec_differs(resource, &current, &new)
    {
        let generation = current["metadata"]["generation"].as_i64().unwrap_or(0);
        map(&mut new, "metadata").insert("generation".into(), json!(generation + 1));
    }
    shape::check(resource, &new, Some(&current))?;
    if !call.managed {
        shape::own_fields(call, Some(&current), &mut new, &object::time(state.now));
    }
    if new == *current {
        return Ok(current);
    }
    if call.dry_run {
        return Ok(Arc::new(new));
    }
    if delete::is_finished(&new) {
        let mark = mark(state, call);
        let written = state.store.put(&resource.key, new, mark.clone());
        state.store.remove(&resource.key, call.namespace, name, mark);
        return Ok(written);
    }
    let mark = mark(state, call);
    Ok(state.store.put(&resource.key, new, mark))
}

/// Who writes, and when.
pub fn mark(state: &State, call: &Call<'_>) -> Mark {
    Mark { by: call.manager.into(), at: state.now }
}

/// Replaces an object by a whole new one (PUT).
pub fn replace(state: &mut State, call: &Call<'_>, name: &str, new: Value) -> Result<Arc<Value>, Refusal> {
    let given = object::name(&new);
    if given != name {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({given}) does not match the name on the URL ({name})"
        )));
    }
    update(state, call, name, |_| Ok(new))
}

/// The object's kind and namespace are those of the path.
fn place(call: &Call<'_>, object: &mut Value) -> Result<(), Refusal> {
    let resource = call.resource;
    let Some(fields) = object.as_object_mut() else {
        return Err(Refusal::bad_request(format!("the body must be an object of kind {}", resource.kind)));
    };
    let (api_version, kind) = (resource.api_version(), json!(resource.kind));
    match fields.get("apiVersion").and_then(Value::as_str) {
        Some(given) if given != api_version => {
            return Err(Refusal::bad_request(format!(
                "the API version in the data ({given}) does not match the expected API version ({api_version})"
            )));
        }
        _ => fields.insert("apiVersion".into(), json!(api_version)),
    };
    match fields.get("kind").and_then(Value::as_str) {
        Some(given) if given != resource.kind => {
            let expected = &resource.kind;
            return Err(Refusal::bad_request(format!(
                "{} in version \"{}\" cannot be handled as a {expected}: converting ({given}) to ({expected}): unknown conversion",
                given, resource.version
            )));
        }
        _ => fields.insert("kind".into(), kind),
    };
    let metadata = map(object, "metadata");
    match metadata.get("namespace").and_then(Value::as_str) {
        Some(given) if !given.is_empty() && given != call.namespace => Err(Refusal::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        )),
        _ if resource.namespaced => {
            metadata.insert("namespace".into(), json!(call.namespace));
            Ok(())
        }
        _ => {
            metadata.remove("namespace");
            Ok(())
        }
    }
}

/// Nothing is created in a namespace that is not there, or that is going away.
fn namespace_takes(state: &State, call: &Call<'_>, new: &Value) -> Result<(), Refusal> {
    if !call.resource.namespaced {
        return Ok(());
    }
    let namespaces = state.registry.known("namespaces");
    let Some(namespace) = state.store.get("namespaces", "", call.namespace) else {
        return Err(Refusal::not_found(&namespaces, call.namespace));
    };
    if !object::is_deleting(namespace) {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {} because it is being terminated", call.namespace);
    let mut refusal = Refusal::forbidden(call.resource, object::name(new), &why);
    refusal.details["causes"] = json!([{
        "reason": "NamespaceTerminating",
        "message": format!("namespace {} is being terminated", call.namespace),
        "field": "metadata.namespace",
    }]);
    Err(refusal)
}

/// A `resourceVersion` or `uid` that the writer gives must be the object's.
fn precondition(resource: &Resource, name: &str, current: &Value, new: &mut Value) -> Result<(), Refusal> {
    let (given, uid) = (object::meta(new, "resourceVersion").to_owned(), object::uid(new).to_owned());
    if given.is_empty() && shape::needs_version(resource) {
        let cause = crate::refusal::Cause {
            reason: "FieldValueInvalid",
            message: "Invalid value: 0: must be specified for an update".into(),
            field: "metadata.resourceVersion".into(),
        };
        return Err(Refusal::invalid(resource, name, &[cause]));
    }
    if !given.is_empty() && given != object::meta(current, "resourceVersion") {
        return Err(Refusal::modified(resource, name));
    }
    if !uid.is_empty() && uid != object::uid(current) {
        let why =
            format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {}", object::uid(current));
        return Err(Refusal::conflict(resource, name, &why));
    }
    Ok(())
}

/// Puts back what this part of the object may not change.
fn keep_what_is_fixed(call: &Call<'_>, current: &Value, new: &mut Value) {
    const ASSIGNED: [&str; 9] = [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "generation",
        "resourceVersion",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
    ];
    let metadata = map(new, "metadata");
    for field in ASSIGNED {
        restore(metadata, &current["metadata"], field);
    }
    if !metadata.contains_key("managedFields") {
        restore(metadata, &current["metadata"], "managedFields");
    }
    let Some(fields) = new.as_object_mut() else { return };
    match call.part {
        Part::Main if call.resource.is_custom() && call.resource.status => restore(fields, current, "status"),
        Part::Main => crate::kinds::carry_over(&call.resource.group, &call.resource.kind, new, current),
        Part::Finalizers => restore(fields, current, "status"),
        Part::Status => {
            let names: Vec<String> =
                fields.keys().chain(current.as_object().into_iter().flat_map(Map::keys)).cloned().collect();
            for name in names.iter().filter(|name| !["status", "metadata"].contains(&name.as_str())) {
                restore(fields, current, name);
            }
            if call.resource.is_custom() {
                let managed = fields["metadata"]["managedFields"].take();
                fields.insert("metadata".into(), current["metadata"].clone());
                fields["metadata"]["managedFields"] = managed;
            } else {
                restore(map_of(fields, "metadata"), &current["metadata"], "labels");
            }
        }
    }
}

fn restore(into: &mut Map<String, Value>, from: &Value, field: &str) {
    match from.get(field) {
        Some(value) => into.insert(field.to_owned(), value.clone()),
        None => into.remove(field),
    };
}

/// A field that is an object; made where it is missing or something else.
pub fn map<'a>(object: &'a mut Value, field: &str) -> &'a mut Map<String, Value> {
    if !object.is_object() {
        *object = json!({});
    }
    match object {
        Value::Object(fields) => map_of(fields, field),
        _ => unreachable!("made an object above"),
    }
}

/// A field; null where it is missing.
pub fn child<'a>(object: &'a mut Value, field: &str) -> &'a mut Value {
    map(object, field);
    &mut object[field]
}

fn map_of<'a>(fields: &'a mut Map<String, Value>, field: &str) -> &'a mut Map<String, Value> {
    let value = fields.entry(field).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made an object above"),
    }
}

/// Gives a pod to a node, as the scheduler's binding does.
pub fn bind(
    state: &mut State,
    call: &Call<'_>,
    name: &str,
    node: &str,
    scheduled: Value,
) -> Result<Arc<Value>, Refusal> {
    let found = state.store.get(&call.resource.key, call.namespace, name);
    let mut pod = (**found.ok_or_else(|| Refusal::not_found(call.resource, name))?).clone();
    map(&mut pod, "spec").insert("nodeName".into(), json!(node));
    let status = map(&mut pod, "status");
    status.entry("conditions").or_insert_with(|| json!([]));
    if let Some(conditions) = pod["status"]["conditions"].as_array_mut() {
        conditions.retain(|condition| condition["type"] != scheduled["type"]);
        conditions.push(scheduled);
    }
    let mark = mark(state, call);
    Ok(state.store.put(&call.resource.key, pod, mark))
}
