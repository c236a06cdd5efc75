//! Which requests a route is for, and how that is narrowed to some of them.

use serde_json::{Value, json};

use crate::api::{HeaderRoutingMatch, RouteMatch, StringMatch};

/// The conditions of a route, each narrowed to requests that have one of these headers: one is enough, as with Argo Rollouts.
///
/// # Errors
/// Says which conditions cannot be combined.
pub(super) fn with_headers(route: &Value, wanted: &[HeaderRoutingMatch]) -> Result<Vec<Value>, String> {
    let one = |wanted: &HeaderRoutingMatch| {
        let value = condition(wanted.header_value.as_ref().unwrap_or(&StringMatch::default()));
        json!({ "headers": { wanted.header_name.as_str(): value } })
    };
    narrowed(route, &wanted.iter().map(one).collect::<Vec<_>>())
}

/// The conditions of a route, each narrowed to one of these; without those that have no request in common.
///
/// # Errors
/// Says which conditions cannot be combined.
pub(super) fn like(route: &Value, wanted: &[RouteMatch]) -> Result<Vec<Value>, String> {
    let one = |wanted: &RouteMatch| {
        let mut all = json!({});
        for (field, value) in [("method", &wanted.method), ("uri", &wanted.path)] {
            if let Some(value) = value {
                all[field] = condition(value);
            }
        }
        if !wanted.headers.is_empty() {
            let headers = wanted.headers.iter().map(|(name, value)| (name.clone(), condition(value)));
            all["headers"] = Value::Object(headers.collect());
        }
        all
    };
    narrowed(route, &wanted.iter().map(one).collect::<Vec<_>>())
}

fn narrowed(route: &Value, wanted: &[Value]) -> Result<Vec<Value>, String> {
    let own = route["match"].as_array().map(Vec::as_slice).unwrap_or_default();
    // A route without conditions is for every request.
    let own = if own.is_empty() { vec![json!({})] } else { own.to_vec() };
    let mut all = Vec::new();
    for own in own {
        for wanted in wanted {
            all.extend(narrow(own.clone(), wanted)?);
        }
    }
    Ok(all)
}

/// A condition narrowed further; none where no request meets both.
fn narrow(mut own: Value, wanted: &Value) -> Result<Option<Value>, String> {
    for field in ["method", "uri"] {
        if let Some(wanted) = wanted.get(field) {
            let Some(both) = common(field, own.get(field), wanted)? else { return Ok(None) };
            own[field] = both;
        }
    }
    for (name, wanted) in wanted["headers"].as_object().into_iter().flatten() {
        let found = own["headers"].get(name);
        let Some(both) = common(&format!("header {name:?}"), found, wanted)? else { return Ok(None) };
        if !own["headers"].is_object() {
            own["headers"] = json!({});
        }
        own["headers"][name] = both;
    }
    Ok(Some(own))
}

/// What two conditions on a text have in common; none where no text meets both.
fn common(what: &str, own: Option<&Value>, wanted: &Value) -> Result<Option<Value>, String> {
    let Some(own) = own.filter(|own| *own != wanted) else { return Ok(Some(wanted.clone())) };
    let text = |value: &Value, kind: &str| value[kind].as_str().map(str::to_owned);
    let (exact, prefix) = (|value: &Value| text(value, "exact"), |value: &Value| text(value, "prefix"));
    let narrower = match (exact(own), prefix(own), exact(wanted), prefix(wanted)) {
        (Some(_), _, Some(_), _) => None,
        (Some(text), _, _, Some(start)) => text.starts_with(&start).then_some(own),
        (_, Some(start), Some(text), _) => text.starts_with(&start).then_some(wanted),
        (_, Some(one), _, Some(other)) if one.starts_with(&other) => Some(own),
        (_, Some(one), _, Some(other)) if other.starts_with(&one) => Some(wanted),
        (_, Some(_), _, Some(_)) => None,
        _ => return Err(format!("its condition {own} on the {what} cannot be combined with {wanted}")),
    };
    Ok(narrower.cloned())
}

fn condition(wanted: &StringMatch) -> Value {
    let kinds = [("exact", &wanted.exact), ("prefix", &wanted.prefix), ("regex", &wanted.regex)];
    let set = kinds.into_iter().find_map(|(kind, text)| Some((kind.to_owned(), json!(text.as_ref()?))));
    Value::Object(set.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_conditions_have_in_common_what_meets_both() {
        let some = |value: Value| Ok(Some(value));
        for (own, wanted, expected) in [
            (json!({"exact": "/a"}), json!({"exact": "/a"}), some(json!({"exact": "/a"}))),
            (json!({"exact": "/a"}), json!({"exact": "/b"}), Ok(None)),
            (json!({"exact": "/a/b"}), json!({"prefix": "/a"}), some(json!({"exact": "/a/b"}))),
            (json!({"prefix": "/a"}), json!({"exact": "/a/b"}), some(json!({"exact": "/a/b"}))),
            (json!({"prefix": "/a"}), json!({"exact": "/b"}), Ok(None)),
            (json!({"prefix": "/a"}), json!({"prefix": "/a/b"}), some(json!({"prefix": "/a/b"}))),
            (json!({"prefix": "/a/b"}), json!({"prefix": "/a"}), some(json!({"prefix": "/a/b"}))),
            (json!({"prefix": "/a"}), json!({"prefix": "/b"}), Ok(None)),
            (
                json!({"regex": ".*"}),
                json!({"exact": "/b"}),
                Err("its condition {\"regex\":\".*\"} on the uri cannot be combined with {\"exact\":\"/b\"}".to_owned()),
            ),
            (
                json!("nonsense"),
                json!({"regex": "x"}),
                Err("its condition \"nonsense\" on the uri cannot be combined with {\"regex\":\"x\"}".to_owned()),
            ),
        ] {
            assert_eq!(common("uri", Some(&own), &wanted), expected, "{own} {wanted}");
        }
        assert_eq!(common("uri", None, &json!({"regex": "x"})), some(json!({"regex": "x"})));
    }

    #[test]
    fn each_condition_is_narrowed_by_each_header_and_keeps_the_rest() {
        let route = json!({"match": [{"uri": {"prefix": "/api"}, "port": 80}, {"headers": {"x": {"exact": "2"}}}]});
        let wanted: Vec<HeaderRoutingMatch> = serde_json::from_value(json!([
            {"headerName": "x", "headerValue": {"exact": "1"}},
            {"headerName": "y", "headerValue": {"prefix": "a"}},
        ]))
        .expect("headers");
        let expected = [
            json!({"uri": {"prefix": "/api"}, "port": 80, "headers": {"x": {"exact": "1"}}}),
            json!({"uri": {"prefix": "/api"}, "port": 80, "headers": {"y": {"prefix": "a"}}}),
            json!({"headers": {"x": {"exact": "2"}, "y": {"prefix": "a"}}}),
        ];
        assert_eq!(with_headers(&route, &wanted), Ok(expected.to_vec()));
    }
}
