//! Session affinity of an `HTTPRoute`: a filter of the canary's backend sets the cookie, and a rule sends requests with it there.

use serde_json::{Value, json};

use super::super::Routing;
use super::super::cookie::{Cookie, sets};
use super::home::Home;
use super::{HTTP, matches};

/// The rule by which requests with the cookie go to the canary.
pub(super) fn rule(
    cookie: &Cookie<'_>,
    home: Home<'_>,
    routing: &Routing,
    source: &Value,
) -> Result<Option<Value>, String> {
    let mut rule = source.clone();
    rule["matches"] = json!(matches::with_headers(HTTP, source, &[cookie.among()])?);
    let backends = source["backendRefs"].as_array().into_iter().flatten();
    let mut canary: Vec<Value> =
        backends.filter(|backend| home.is(backend, &routing.canary.service)).cloned().collect();
    for backend in &mut canary {
        backend["weight"] = json!(1);
        set_cookie(backend, cookie.name, None);
    }
    rule["backendRefs"] = json!(canary);
    Ok(Some(rule))
}

/// Has the canary's backend add the cookie to its answers. `was` is the name of the cookie so far.
pub(super) fn mark(cookie: Option<&Cookie<'_>>, was: Option<&str>, is_canary: bool, backend: &mut Value) {
    if let Some(was) = was {
        set_cookie(backend, was, None);
    }
    if let Some(cookie) = cookie.filter(|_| is_canary) {
        set_cookie(backend, cookie.name, Some(&cookie.set()));
    }
}

/// Sets the filter that adds the cookie, or takes it away, and leaves other filters alone.
fn set_cookie(backend: &mut Value, name: &str, value: Option<&str>) {
    let is_ours = |filter: &Value| {
        let added = filter["responseHeaderModifier"]["add"].as_array().map(Vec::as_slice);
        matches!(added, Some([one]) if one["name"] == "Set-Cookie" && one["value"].as_str().is_some_and(|value| sets(value, name)))
    };
    let mut filters = backend["filters"].as_array().cloned().unwrap_or_default();
    filters.retain(|filter| !is_ours(filter));
    if let Some(value) = value {
        let add = json!([{ "name": "Set-Cookie", "value": value }]);
        filters.push(json!({ "type": "ResponseHeaderModifier", "responseHeaderModifier": { "add": add } }));
    }
    if let Some(backend) = backend.as_object_mut() {
        if filters.is_empty() {
            backend.remove("filters");
        } else {
            backend.insert("filters".to_owned(), json!(filters));
        }
    }
}
