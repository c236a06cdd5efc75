//! What the API server does to an object on its way in: create, update, delete.
//!
//! [`create`] makes a new object, [`update`] changes one (a PUT, every kind of patch, and the controllers' own writes come
//! down to it), [`delete()`] ends one. The rooms beside it: [`shape`] decodes, prunes, defaults and validates; [`quota`] is the
//! one admission plugin that says no by itself.

pub mod addresses;
pub mod delete;
mod keep;
pub mod quota;
pub mod shape;
mod token;
pub mod versions;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::object;
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::state::State;
use crate::store::Mark;
pub use delete::{DeleteOptions, Propagation, delete};
use keep::{keep_what_is_fixed, namespace_takes, place, precondition};

/// The part of an object that a request may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Everything but the status.
    Main,
    /// The status.
    Status,
    /// The size, by way of a Scale.
    Scale,
    /// The finalizers that a namespace has in its specification.
    Finalizers,
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
    /// The writer is part of the sandbox: its objects are complete.
    pub trusted: bool,
    /// Whether the object carries its field managers already, because it was applied.
    pub managed: bool,
}

impl<'a> Call<'a> {
    /// A write to the main part.
    pub fn new(resource: &'a Arc<Resource>, namespace: &'a str, manager: &'a str) -> Call<'a> {
        Call { resource, namespace, manager, part: Part::Main, dry_run: false, trusted: true, managed: false }
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
    if !object::meta(&new, "resourceVersion").is_empty() && !call.managed {
        let message = "resourceVersion should not be set on objects to be created";
        return Err(Refusal::with(500, "", message, Value::Null));
    }
    namespace_takes(state, call, &new)?;
    shape::fill_in(call, &mut new);
    shape::own_fields(state, call, None, &mut new);
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
    shape::check(state, resource, &new, None)?;
    let name = object::name(&new).to_owned();
    quota::check(state, call, &name)?;
    if state.store.get(&resource.key, call.namespace, &name).is_some() {
        return Err(already_exists(state, call, &name));
    }
    if call.dry_run {
        return Ok(Arc::new(new));
    }
    Ok(put(state, call, new))
}

/// Stores an object, and returns it as the writer knows it.
fn put(state: &mut State, call: &Call<'_>, new: Value) -> Arc<Value> {
    let (resource, mark) = (call.resource, mark(state, call));
    let written = state.store.put(&resource.key, versions::stored(resource, new), mark);
    match versions::shown(resource, &written) {
        Cow::Owned(shown) => Arc::new(shown),
        Cow::Borrowed(_) => written,
    }
}

fn already_exists(state: &State, call: &Call<'_>, name: &str) -> Refusal {
    let mut refusal = Refusal::already_exists(call.resource, name);
    let there = state.store.get(&call.resource.key, call.namespace, name);
    if there.is_some_and(|object| object::is_deleting(object)) {
        refusal.message = format!("object is being deleted: {}", refusal.message);
    }
    refusal
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
    let mut current = Arc::clone(found.ok_or_else(|| Refusal::not_found(resource, name))?);
    if let Cow::Owned(shown) = versions::shown(resource, &current) {
        current = Arc::new(shown);
    }
    let mut new = propose(&current)?;
    place(call, &mut new)?;
    precondition(resource, name, &current, &mut new)?;
    if !call.trusted {
        shape::fill_in(call, &mut new);
    }
    shape::own_fields(state, call, Some(&current), &mut new);
    keep_what_is_fixed(call, &current, &mut new);
    shape::complete(call, &mut new);
    if *resource.key == *"services" && call.part == Part::Main {
        addresses::allocate(state, &mut new);
    }
    if shape::counts_generations(resource) && call.part != Part::Status && shape::spec_differs(resource, &current, &new)
    {
        let generation = current["metadata"]["generation"].as_i64().unwrap_or(0);
        map(&mut new, "metadata").insert("generation".into(), json!(generation + 1));
    }
    shape::check(state, resource, &new, Some(&current))?;
    if shape::is_same(&current, &new) {
        return Ok(current);
    }
    if call.dry_run {
        return Ok(Arc::new(new));
    }
    if delete::is_finished(resource, &new) {
        let mark = mark(state, call);
        state.store.remove(&resource.key, call.namespace, name, mark);
        return Ok(Arc::new(new));
    }
    Ok(put(state, call, new))
}

/// Who writes, and when.
pub fn mark(state: &State, call: &Call<'_>) -> Mark {
    Mark { by: call.manager.into(), at: state.now }
}

/// Replaces an object by a whole new one (PUT).
pub fn replace(state: &mut State, call: &Call<'_>, name: &str, new: Value) -> Result<Arc<Value>, Refusal> {
    is_named(&new, name)?;
    update(state, call, name, |_| Ok(new))
}

/// An object has the name of its path.
pub fn is_named(new: &Value, name: &str) -> Result<(), Refusal> {
    match object::name(new) {
        "" => Err(Refusal::bad_request(format!(
            "the name of the object ({name} based on URL) was undeterminable: name must be provided"
        ))),
        given if given != name => Err(another_name(given, name)),
        _ => Ok(()),
    }
}

/// An object has another name than its path.
pub fn another_name(given: &str, name: &str) -> Refusal {
    Refusal::bad_request(format!("the name of the object ({given}) does not match the name on the URL ({name})"))
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
