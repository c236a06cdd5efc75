//! Changing: create, replace, patch, delete.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Request};
use crate::object;
use crate::patch::{self, PatchError};
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::state::{Sandbox, State};
use crate::write::delete::Deleted;
use crate::write::{self, Call, DeleteOptions, Part, Propagation, Unknown};

fn call(request: &Request) -> Call<'_> {
    let part = if request.path.subresource.as_deref() == Some("status") { Part::Status } else { Part::Main };
    let dry_run = request.query.get("dryRun") == "All";
    let unknown = match request.query.get("fieldValidation") {
        "Strict" => Unknown::Refused,
        "Ignore" => Unknown::Ignored,
        _ => Unknown::Warned,
    };
    Call { part, dry_run, unknown, ..Call::new(&request.resource, request.namespace(), &request.manager) }
}

/// Writes, and takes the warnings along.
fn warned(
    sandbox: &Sandbox,
    write: impl FnOnce(&mut State) -> Result<Arc<Value>, Refusal>,
) -> Result<(Arc<Value>, Vec<String>), Refusal> {
    sandbox.with(|state| {
        state.warnings.clear();
        let written = write(state)?;
        Ok((written, std::mem::take(&mut state.warnings)))
    })
}

/// The body as JSON or YAML.
pub fn decode(request: &Request) -> Result<Value, Refusal> {
    match request.content_type.as_str() {
        "" | "application/json" => serde_json::from_slice(&request.body)
            .map_err(|error| Refusal::bad_request(format!("error decoding the body as JSON: {error}"))),
        _ => Err(Refusal::unsupported_media_type("application/json, application/yaml")),
    }
}

/// POST: a new object.
pub fn create(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let new = decode(request)?;
    if request.resource.namespaced && request.path.namespace.is_none() {
        return Err(Refusal::method_not_allowed());
    }
    let (made, warnings) = warned(sandbox, |state| write::create(state, &call(request), new))?;
    Ok(Answer::Json(201, request.form.object(&made), warnings))
}

/// PUT: the whole object.
pub fn replace(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let new = decode(request)?;
    let name = request.path.name.as_deref().unwrap_or_default();
    let (written, warnings) = warned(sandbox, |state| write::replace(state, &call(request), name, new))?;
    Ok(Answer::Json(200, request.form.object(&written), warnings))
}

/// PATCH: some of the object.
pub fn patch(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let given: Value = serde_json::from_slice(&request.body)
        .map_err(|error| Refusal::bad_request(format!("error decoding patch: {error}")))?;
    let name = request.path.name.as_deref().unwrap_or_default();
    let (written, warnings) = warned(sandbox, |state| patched(state, request, name, &given))?;
    Ok(Answer::Json(200, request.form.object(&written), warnings))
}

fn patched(state: &mut State, request: &Request, name: &str, given: &Value) -> Result<Arc<Value>, Refusal> {
    let call = call(request);
    let refused = |error: PatchError| refused_patch(&request.resource, name, error);
    match request.content_type.as_str() {
        "application/merge-patch+json" => {
            write::update(state, &call, name, |current| patch::merge(current, given).map_err(refused))
        }
        "application/json-patch+json" => {
            write::update(state, &call, name, |current| patch::json(current, given).map_err(refused))
        }
        "application/strategic-merge-patch+json" if !request.resource.is_custom() => {
            let schema = request.resource.schema().ok_or_else(Refusal::no_such_path)?;
            write::update(state, &call, name, |current| patch::strategic(&schema, current, given).map_err(refused))
        }
        _ => Err(Refusal::unsupported_media_type(accepted_patches(&request.resource))),
    }
}

fn refused_patch(resource: &Resource, name: &str, error: PatchError) -> Refusal {
    let mut details = json!({});
    if !error.causes.is_empty() {
        details["causes"] = error.causes.iter().map(crate::refusal::Cause::to_json).collect();
    }
    let _ = (resource, name);
    Refusal::with(error.code, error.reason, error.message, details)
}

fn accepted_patches(resource: &Resource) -> &'static str {
    if resource.is_custom() {
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    } else {
        "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml"
    }
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
    let body: Value = if request.body.is_empty() { Value::Null } else { decode(request)? };
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
