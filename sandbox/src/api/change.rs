//! Changing: create, replace, delete.

use std::sync::Arc;

use serde_json::{Value, json};

use super::decode::{self, Decoded};
use super::{Answer, Request};
use crate::object;
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::state::Sandbox;
use crate::write::delete::Deleted;
use crate::write::{self, Call, DeleteOptions, Part, Propagation};

/// How a request writes.
pub fn call(request: &Request) -> Call<'_> {
    let part = match request.path.subresource.as_deref() {
        Some("status") => Part::Status,
        Some("finalize") => Part::Finalizers,
        _ => Part::Main,
    };
    let dry_run = request.query.has("dryRun");
    Call { part, dry_run, trusted: false, ..Call::new(&request.resource, request.namespace(), &request.manager) }
}

/// POST: a new object.
pub fn create(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    if request.resource.namespaced && request.path.namespace.is_none() {
        return Err(Refusal::method_not_allowed());
    }
    let Decoded { object, warnings } = decode::object(request)?;
    let made = sandbox.with(|state| write::create(state, &call(request), object))?;
    Ok(Answer::Json(201, request.form.object(&made), warnings))
}

/// PUT: the whole object.
pub fn replace(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let Decoded { object, warnings } = decode::object(request)?;
    let name = request.path.name.as_deref().unwrap_or_default();
    let written = sandbox.with(|state| write::replace(state, &call(request), name, object))?;
    Ok(Answer::Json(200, request.form.object(&written), warnings))
}

/// DELETE of one object.
pub fn delete(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let options = delete_options(request)?;
    let name = request.path.name.as_deref().unwrap_or_default();
    let deleted = sandbox.with(|state| write::delete(state, &call(request), name, &options))?;
    Ok(Answer::ok(match deleted {
        Deleted::Marked(object) => request.form.object(&object),
        Deleted::Gone(object) if returns_deleted(&request.resource) => request.form.object(&object),
        Deleted::Gone(object) => success(&request.resource, &object),
    }))
}

/// Resources whose deletion answers with the object instead of a Status.
fn returns_deleted(resource: &Resource) -> bool {
    ["pods", "services", "serviceaccounts", "resourcequotas", "limitranges", "podtemplates", "persistentvolumeclaims"]
        .contains(&&*resource.key)
}

fn success(resource: &Resource, object: &Value) -> Value {
    let mut details = json!({ "name": object::name(object), "kind": resource.plural, "uid": object::uid(object) });
    if !resource.group.is_empty() {
        details["group"] = json!(resource.group);
    }
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}

/// DELETE of all objects that are selected.
pub fn delete_collection(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let options = delete_options(request)?;
    let query = &request.query;
    let selection =
        crate::selector::Selection::parse(&request.resource, query.get("labelSelector"), query.get("fieldSelector"))?;
    sandbox.with(|state| {
        let objects = state.store.list(&request.resource.key, request.path.namespace.as_deref());
        let selected: Vec<Arc<Value>> = objects.filter(|object| selection.matches(object)).cloned().collect();
        for object in &selected {
            let call = Call { namespace: object::namespace(object), ..call(request) };
            write::delete(state, &call, object::name(object), &options)?;
        }
        let items: Vec<&Value> = selected.iter().map(AsRef::as_ref).collect();
        let metadata = json!({ "resourceVersion": state.store.version().to_string() });
        Ok(Answer::ok(request.form.list(&request.resource, &items, &metadata, state.now)))
    })
}

/// From the body, and from the query where the body says nothing.
pub fn delete_options(request: &Request) -> Result<DeleteOptions, Refusal> {
    let body: Value = if request.body.is_empty() { Value::Null } else { decode::value(request)? };
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let propagation = text("/propagationPolicy").unwrap_or_else(|| request.query.get("propagationPolicy").to_owned());
    let propagation = match propagation.as_str() {
        "Background" => Some(Propagation::Background),
        "Foreground" => Some(Propagation::Foreground),
        "Orphan" => Some(Propagation::Orphan),
        "" => match body["orphanDependents"].as_bool() {
            Some(true) => Some(Propagation::Orphan),
            Some(false) => Some(Propagation::Background),
            None => None,
        },
        other => {
            return Err(Refusal::bad_request(format!(
                "invalid DeleteOptions: propagationPolicy: Unsupported value: {other:?}: supported values: \"Background\", \"Foreground\", \"Orphan\""
            )));
        }
    };
    let grace = match body["gracePeriodSeconds"].as_i64() {
        Some(seconds) => Some(seconds),
        None => request.query.number("gracePeriodSeconds")?.and_then(|seconds| i64::try_from(seconds).ok()),
    };
    Ok(DeleteOptions {
        propagation,
        uid: text("/preconditions/uid"),
        resource_version: text("/preconditions/resourceVersion"),
        grace,
    })
}
