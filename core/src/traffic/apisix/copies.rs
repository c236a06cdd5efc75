//! Header routes: a copy of the `ApisixRoute` under the name of the route, with those of its rules that have the weights, narrowed to
//! requests with the headers, ahead of the others, and leading to the canary alone.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::object::{RouteWrite, Seen, Trouble};
use super::super::routers::Client;
use super::super::share;
use super::super::{Route, Routing};
use super::rules::{is_backend, is_own};
use crate::api::{SetHeaderRoute, StringMatch};

/// What a destination that has everything has.
const ALL: i32 = 100;

/// What makes a copy say it, or takes it away.
pub(super) fn tell(
    now: Timestamp,
    seen: &Seen,
    route: Option<&Value>,
    names: &[String],
    client: &Client,
    routing: &Routing,
) -> Result<Option<RouteWrite>, Trouble> {
    let headers = || {
        routing.routes.iter().filter_map(|route| match route {
            Route::Header(header) => Some(header),
            // APISIX mirrors nothing; that is for the other routers of the rollout.
            Route::Mirror(_) => None,
        })
    };
    let Some(at) = headers().position(|header| header.name == seen.name) else { return Ok(client.unmake(seen)) };
    // Of several the first one counts, so it is the one that is furthest ahead.
    let ahead = i64::try_from(headers().count() - at).unwrap_or(1);
    let (Some(route), Some(header)) = (route, headers().nth(at)) else { return Ok(None) };
    let spec = spec(route, names, routing, header, ahead).map_err(|message| seen.trouble(message))?;
    // A route without rules for the rollout is told to be so where the weights are set.
    let Some(spec) = spec else { return Ok(None) };
    let Some(before) = seen.found_or_none()? else {
        let version = route["apiVersion"].as_str().unwrap_or_default();
        return Ok(Some(client.make(now, seen, version, &spec, routing)));
    };
    if !client.controls(before) {
        let message =
            "it is not this Rollout's, which needs an ApisixRoute of that name for a header route; rename one of them";
        return Err(seen.trouble(message));
    }
    let mut after = before.clone();
    share::set(&mut after, "spec", spec);
    client.date(now, before, &mut after, routing);
    Ok(seen.turned_into(before, &after))
}

fn spec(
    route: &Value,
    names: &[String],
    routing: &Routing,
    header: &SetHeaderRoute,
    ahead: i64,
) -> Result<Option<Value>, String> {
    let (canary, stable) = (&routing.canary.service, &routing.stable.service);
    let mut exprs = Vec::new();
    for one in &header.matches {
        exprs.push(expression(&one.header_name, one.header_value.as_ref())?);
    }
    let own = route["spec"]["http"].as_array().into_iter().flatten();
    let own = own.filter(|rule| is_own(rule, names, canary, stable));
    let rules: Vec<Value> = own.map(|rule| narrowed(rule, canary, &exprs, ahead)).collect();
    if rules.is_empty() {
        return Ok(None);
    }
    let mut spec = route["spec"].clone();
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("stream");
    }
    share::set(&mut spec, "http", json!(rules));
    Ok(Some(spec))
}

fn narrowed(rule: &Value, canary: &str, exprs: &[Value], ahead: i64) -> Value {
    let mut rule = rule.clone();
    let priority = rule["priority"].as_i64().unwrap_or(0).saturating_add(ahead);
    share::set(&mut rule, "priority", json!(priority));
    let mut all = rule["match"]["exprs"].as_array().cloned().unwrap_or_default();
    all.extend(exprs.iter().cloned());
    share::set(&mut rule["match"], "exprs", json!(all));
    let backends = rule["backends"].as_array().into_iter().flatten();
    let mut only: Vec<Value> = backends.filter(|backend| is_backend(backend, canary)).cloned().collect();
    share::weigh(&mut only, |_| Some(ALL.into()));
    share::set(&mut rule, "backends", json!(only));
    rule
}

/// A condition on a header. APISIX knows no prefixes, so that one is written as a regular expression.
fn expression(name: &str, value: Option<&StringMatch>) -> Result<Value, String> {
    let value = value.cloned().unwrap_or_default();
    let (op, value) = match (value.exact, value.prefix, value.regex) {
        (Some(exact), _, _) => ("Equal", exact),
        (None, Some(prefix), _) => ("RegexMatch", format!("^{}.*", share::literally(&prefix))),
        (None, None, Some(regex)) => ("RegexMatch", regex),
        (None, None, None) => return Err(format!("the header {name:?} has no value to match")),
    };
    Ok(json!({ "subject": { "scope": "Header", "name": name }, "op": op, "value": value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_compared_or_matched() {
        let value = |kind: &str, text: &str| {
            let text = Some(text.to_owned());
            match kind {
                "exact" => StringMatch { exact: text, ..StringMatch::default() },
                "prefix" => StringMatch { prefix: text, ..StringMatch::default() },
                _ => StringMatch { regex: text, ..StringMatch::default() },
            }
        };
        for (kind, text, op, expected) in [
            ("exact", "a.b", "Equal", "a.b"),
            ("prefix", "a.b", "RegexMatch", r"^a\.b.*"),
            ("regex", "[0-9]+", "RegexMatch", "[0-9]+"),
        ] {
            let expected = json!({"subject": {"scope": "Header", "name": "x-beta"}, "op": op, "value": expected});
            assert_eq!(expression("x-beta", Some(&value(kind, text))), Ok(expected));
        }
        assert_eq!(expression("x-beta", None), Err("the header \"x-beta\" has no value to match".to_owned()));
    }
}
