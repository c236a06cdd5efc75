//! Reading: get, list, watch.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Body, Request, watch as watching};
use crate::object;
use crate::refusal::Refusal;
use crate::selector::Selection;
use crate::state::Sandbox;

/// One object.
pub fn get(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let name = request.path.name.as_deref().unwrap_or_default();
    sandbox.with(|state| {
        let found = state.store.get(&request.resource.key, request.namespace(), name);
        let found = found.ok_or_else(|| Refusal::not_found(&request.resource, name))?;
        Ok(Answer::ok(request.form.one(&request.resource, found, state.now)))
    })
}

fn selection(request: &Request) -> Result<Selection, Refusal> {
    Selection::parse(&request.resource, request.query.get("labelSelector"), request.query.get("fieldSelector"))
}

/// The objects that are selected, in the order of namespace and name; `limit` and `continue` cut them into pages.
pub fn list(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let selection = selection(request)?;
    let limit = request.query.number("limit")?.filter(|limit| *limit > 0);
    let after = cursor(request.query.get("continue"))?;
    let asked: u64 = request.query.number("resourceVersion")?.unwrap_or(0);
    sandbox.with(|state| {
        let current = state.store.version();
        if asked > current {
            let details = json!({ "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }], "retryAfterSeconds": 1 });
            let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
            return Err(Refusal::with(504, "Timeout", message, details));
        }
        let objects = state.store.list(&request.resource.key, request.path.namespace.as_deref());
        let selected = objects.filter(|object| selection.matches(object)).map(AsRef::as_ref);
        let rest: Vec<&Value> = selected.filter(|object| after.as_ref().is_none_or(|after| key(object) > *after)).collect();
        let shown = limit.map_or(rest.len(), |limit| rest.len().min(usize::try_from(limit).unwrap_or(usize::MAX)));
        let mut metadata = json!({ "resourceVersion": current.to_string() });
        if shown < rest.len() {
            let (namespace, name) = key(rest[shown - 1]);
            metadata["continue"] = json!(format!("{namespace}/{name}"));
            metadata["remainingItemCount"] = json!(rest.len() - shown);
        }
        Ok(Answer::ok(request.form.list(&request.resource, &rest[..shown], &metadata, state.now)))
    })
}

fn key(object: &Value) -> (String, String) {
    (object::namespace(object).to_owned(), object::name(object).to_owned())
}

fn cursor(token: &str) -> Result<Option<(String, String)>, Refusal> {
    if token.is_empty() {
        return Ok(None);
    }
    let (namespace, name) = token.split_once('/').ok_or_else(|| {
        Refusal::bad_request(format!("continue key is not valid: {token:?} was not given out by this server"))
    })?;
    Ok(Some((namespace.to_owned(), name.to_owned())))
}

/// What changes.
pub fn watch(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let version = request.query.number("resourceVersion")?;
    let wanted = watching::Wanted {
        resource: Arc::clone(&request.resource),
        namespace: request.path.namespace.clone(),
        selection: selection(request)?,
        form: request.form,
        from: version.filter(|version| *version > 0),
        initial_events: request.query.is_set("sendInitialEvents"),
        bookmarks: request.query.is_set("allowWatchBookmarks"),
        timeout: request.query.number("timeoutSeconds")?.filter(|seconds| *seconds > 0).map(Duration::from_secs),
    };
    Ok(Answer::Watch(Body::Lines(Box::pin(watching::watch(sandbox, wanted)))))
}
