//! Session affinity: whoever was sent to the canary once stays there, by a cookie that the gateway adds to the canary's answers.
//!
//! The cookie carries the revision, so that it means nothing for the next one. When the canary gets no requests any more, the rule for
//! the cookie is gone, and everybody is back.

use serde_json::{Value, json};

use super::super::Routing;
use super::super::share::literally;
use super::matches;
use super::rules::is_backend;
use crate::api::{HeaderRoutingMatch, SessionAffinity, StringMatch};
use crate::object_kind::ObjectKind;

/// The name of the rules.
pub(super) const RULE: &str = "session-affinity";
/// How long a browser keeps the cookie where the manifest is silent: a day.
const DEFAULT_MAX_AGE: i64 = 86_400;

/// The cookie of this revision, without its attributes.
fn cookie(affinity: &SessionAffinity, hash: &str) -> String {
    format!("{}={hash}", affinity.cookie_name)
}

/// The rule by which requests with the cookie go to the canary; none where it gets no requests.
pub(super) fn rule(
    kind: ObjectKind,
    affinity: &SessionAffinity,
    routing: &Routing,
    source: &Value,
) -> Result<Option<Value>, String> {
    if routing.weight.value() == 0 {
        return Ok(None);
    }
    let among = format!(r"(.*;\s*)?{}(;.*)?", literally(&cookie(affinity, &routing.canary.hash)));
    let value = StringMatch { regex: Some(among), ..StringMatch::default() };
    let wanted = [HeaderRoutingMatch { header_name: "Cookie".to_owned(), header_value: Some(value) }];
    let mut rule = source.clone();
    rule["matches"] = json!(matches::with_headers(kind, source, &wanted)?);
    let backends = source["backendRefs"].as_array().into_iter().flatten();
    let mut canary: Vec<Value> =
        backends.filter(|backend| is_backend(backend, &routing.canary.service)).cloned().collect();
    for backend in &mut canary {
        backend["weight"] = json!(1);
        set_cookie(backend, &affinity.cookie_name, None);
    }
    rule["backendRefs"] = json!(canary);
    Ok(Some(rule))
}

/// Has the canary's backend add the cookie to its answers while it gets requests. `was` is the name of the cookie so far.
pub(super) fn mark(affinity: Option<&SessionAffinity>, was: Option<&str>, routing: &Routing, backend: &mut Value) {
    if let Some(was) = was {
        set_cookie(backend, was, None);
    }
    let Some(affinity) = affinity else { return };
    let is_on = routing.weight.value() > 0 && is_backend(backend, &routing.canary.service);
    let max_age = affinity.max_age.unwrap_or(DEFAULT_MAX_AGE);
    let value = format!("{}; Path=/; Max-Age={max_age}", cookie(affinity, &routing.canary.hash));
    set_cookie(backend, &affinity.cookie_name, is_on.then_some(value.as_str()));
}

/// Sets the filter that adds the cookie, or takes it away, and leaves other filters alone.
fn set_cookie(backend: &mut Value, name: &str, value: Option<&str>) {
    let named = format!("{name}=");
    let is_ours = |filter: &Value| {
        let added = filter["responseHeaderModifier"]["add"].as_array().map(Vec::as_slice);
        matches!(added, Some([one]) if one["name"] == "Set-Cookie"
            && one["value"].as_str().is_some_and(|value| value.starts_with(&named)))
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
