//! Reading: get, list, watch.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::page::Token;
use super::present::Form;
use super::{Answer, Body, Request, options, watch as watching};
use crate::refusal::Refusal;
use crate::selector::Selection;
use crate::state::{Sandbox, State};

/// One object.
pub fn get(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let name = request.path.name.as_deref().unwrap_or_default();
    let asked = version(request)?;
    sandbox.with(|state| {
        reached(state, asked)?;
        let found = state.store.get(&request.resource.key, request.namespace(), name);
        let found = found.ok_or_else(|| Refusal::not_found(&request.resource, name))?;
        Ok(Answer::ok(request.form.one(&request.resource, found, state.now)))
    })
}

fn selection(request: &Request) -> Result<Selection, Refusal> {
    let selection =
        Selection::parse(&request.resource, request.query.get("labelSelector"), request.query.get("fieldSelector"))?;
    Ok(match &request.path.name {
        Some(name) => selection.and_named(name),
        None => selection,
    })
}

/// The version that is asked for; 0 is any.
fn version(request: &Request) -> Result<u64, Refusal> {
    match request.query.get("resourceVersion") {
        "" => Ok(0),
        text => text.parse().map_err(|_| {
            let why = format!("Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax");
            Refusal::bad_request(format!("invalid resource version: resourceVersion: {why}"))
        }),
    }
}

/// Nobody can read from the future.
fn reached(state: &State, asked: u64) -> Result<(), Refusal> {
    let current = state.store.version();
    if asked <= current {
        return Ok(());
    }
    let cause = json!({ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" });
    let details = json!({ "causes": [cause], "retryAfterSeconds": 1 });
    let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
    Err(Refusal::with(504, "Timeout", message, details))
}

/// The objects that are selected, in the order of namespace and name; `limit` and `continue` cut them into pages.
pub fn list(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let query = &request.query;
    options::check_list(query)?;
    let selection = selection(request)?;
    let limit = query.get("limit").parse::<usize>().ok().filter(|limit| *limit > 0);
    let token = Token::read(query.get("continue"))?;
    if token.is_some() && !["", "0"].contains(&query.get("resourceVersion")) {
        return Err(Refusal::bad_request("specifying resource version is not allowed when using continue"));
    }
    let asked = version(request)?;
    sandbox.with(|state| {
        reached(state, asked)?;
        let at = match &token {
            Some(token) => token.version,
            None if query.get("resourceVersionMatch") == "Exact" => asked,
            None => state.store.version(),
        };
        if at < state.store.oldest() {
            return Err(Refusal::expired(
                "The provided continue parameter is too old to display a consistent list result.",
            ));
        }
        let mut objects = state.store.list_at(&request.resource.key, request.path.namespace.as_deref(), at);
        objects
            .retain(|object| selection.matches(object) && token.as_ref().is_none_or(|token| token.is_before(object)));
        let shown = limit.map_or(objects.len(), |limit| objects.len().min(limit));
        let mut metadata = json!({ "resourceVersion": at.to_string() });
        if request.resource.is_custom() && request.form == Form::Object {
            metadata["continue"] = json!("");
        }
        if let Some(last) = objects.get(shown.wrapping_sub(1)).filter(|_| shown < objects.len()) {
            metadata["continue"] = json!(Token::after(last, at).to_string());
            if selection.is_everything() {
                metadata["remainingItemCount"] = json!(objects.len() - shown);
            }
        }
        let items: Vec<&Value> = objects[..shown].iter().map(AsRef::as_ref).collect();
        Ok(Answer::ok(request.form.list(&request.resource, &items, &metadata, state.now)))
    })
}

/// What changes.
pub fn watch(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let query = &request.query;
    if !request.path.watch {
        options::check_list(query)?;
    }
    let version = version(request).map_err(|refusal| {
        let message = refusal.message.trim_start_matches("invalid resource version: ");
        Refusal::with(500, "", message, Value::Null)
    })?;
    let wanted = watching::Wanted {
        resource: Arc::clone(&request.resource),
        namespace: request.path.namespace.clone(),
        selection: selection(request)?,
        form: request.form,
        from: (version > 0).then_some(version),
        initial_events: query.is_set("sendInitialEvents"),
        bookmarks: query.is_set("allowWatchBookmarks"),
        timeout: query.number("timeoutSeconds")?.filter(|seconds| *seconds > 0).map(Duration::from_secs),
    };
    Ok(Answer::Watch(Body::Lines(Box::pin(watching::watch(sandbox, wanted)))))
}
