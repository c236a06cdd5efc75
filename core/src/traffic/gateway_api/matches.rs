//! Which requests a rule is for, and how that is narrowed to some of them.

use serde_json::{Value, json};

use super::super::share::literally;
use super::{GRPC, HTTP};
use crate::api::{HeaderRoutingMatch, RouteMatch, StringMatch};
use crate::object_kind::ObjectKind;

/// The matches of a rule, with these headers besides.
pub(super) fn with_headers(
    kind: ObjectKind,
    rule: &Value,
    wanted: &[HeaderRoutingMatch],
) -> Result<Vec<Value>, String> {
    let mut headers = Vec::new();
    for one in wanted {
        headers.push(header(&one.header_name, one.header_value.as_ref())?);
    }
    Ok(all(kind, rule).into_iter().map(|found| add_headers(found, &headers)).collect())
}

/// The matches of a rule, each narrowed to what is wanted; without those that have nothing of it.
pub(super) fn narrowed(kind: ObjectKind, rule: &Value, wanted: &[RouteMatch]) -> Result<Vec<Value>, String> {
    let mut narrowed = Vec::new();
    for found in all(kind, rule) {
        for wanted in wanted {
            narrowed.extend(narrow(kind, found.clone(), wanted)?);
        }
    }
    Ok(narrowed)
}

/// The length of the longest path that a rule matches, by which the API prefers one rule to another.
pub(super) fn longest_path(rule: &Value) -> usize {
    let matches = rule["matches"].as_array().into_iter().flatten();
    matches.filter_map(|found| found["path"]["value"].as_str()).map(str::len).max().unwrap_or(0)
}

/// The matches of a rule; one without any matches everything, which the API writes as this.
fn all(kind: ObjectKind, rule: &Value) -> Vec<Value> {
    let mut found = rule["matches"].as_array().cloned().unwrap_or_default();
    if found.is_empty() {
        found.push(json!({}));
    }
    for one in found.iter_mut().filter(|one| kind == HTTP && one.get("path").is_none()) {
        one["path"] = json!({ "type": "PathPrefix", "value": "/" });
    }
    found
}

fn add_headers(mut found: Value, headers: &[Value]) -> Value {
    if headers.is_empty() {
        return found;
    }
    let mut all = headers.to_vec();
    let others = found["headers"].as_array().into_iter().flatten();
    all.extend(others.filter(|other| !headers.iter().any(|own| own["name"] == other["name"])).cloned());
    found["headers"] = json!(all);
    found
}

/// A match narrowed further; none where the two have no request in common.
fn narrow(kind: ObjectKind, mut found: Value, wanted: &RouteMatch) -> Result<Option<Value>, String> {
    if let Some(method) = &wanted.method {
        let Some(exact) = &method.exact else {
            return Err("the Gateway API matches methods exactly; use match.method.exact".into());
        };
        let now = if kind == GRPC { &found["method"]["method"] } else { &found["method"] };
        if now.as_str().is_some_and(|now| now != exact) {
            return Ok(None);
        }
        if kind == GRPC {
            found["method"]["type"] = json!("Exact");
            found["method"]["method"] = json!(exact);
        } else {
            found["method"] = json!(exact);
        }
    }
    if let Some(path) = &wanted.path {
        if kind == GRPC {
            return Err("a GRPCRoute matches no paths; use match.method or match.headers".into());
        }
        let Some(path) = common(&found["path"], path)? else { return Ok(None) };
        found["path"] = path;
    }
    let mut headers = Vec::new();
    for (name, value) in &wanted.headers {
        headers.push(header(name, Some(value))?);
    }
    Ok(Some(add_headers(found, &headers)))
}

/// The path that two conditions have in common.
fn common(found: &Value, wanted: &StringMatch) -> Result<Option<Value>, String> {
    let (kind, at) = (found["type"].as_str().unwrap_or("PathPrefix"), found["value"].as_str().unwrap_or("/"));
    let path = |kind: &str, value: &str| Some(json!({ "type": kind, "value": value }));
    Ok(match (wanted, kind) {
        (StringMatch { exact: Some(exact), .. }, "Exact") => path(kind, at).filter(|_| at == exact),
        (StringMatch { exact: Some(exact), .. }, "PathPrefix") => path("Exact", exact).filter(|_| is_below(exact, at)),
        (StringMatch { prefix: Some(prefix), .. }, "Exact") => path(kind, at).filter(|_| is_below(at, prefix)),
        (StringMatch { prefix: Some(prefix), .. }, "PathPrefix") if is_below(prefix, at) => path(kind, prefix),
        (StringMatch { prefix: Some(prefix), .. }, "PathPrefix") => path(kind, at).filter(|_| is_below(at, prefix)),
        (StringMatch { regex: Some(regex), .. }, "PathPrefix") if at == "/" => path("RegularExpression", regex),
        (wanted, _) => {
            let wanted = [&wanted.exact, &wanted.prefix, &wanted.regex].into_iter().flatten().next();
            let wanted = wanted.map_or("", String::as_str);
            return Err(format!("the paths {at:?} ({kind}) of a rule and {wanted:?} cannot be combined"));
        }
    })
}

/// Whether a path is another one or below it, element by element.
fn is_below(path: &str, above: &str) -> bool {
    let above = above.trim_end_matches('/');
    path.trim_end_matches('/').strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A condition on a header. The API knows no prefixes, so that one is written as a regular expression.
fn header(name: &str, value: Option<&StringMatch>) -> Result<Value, String> {
    let value = value.cloned().unwrap_or_default();
    let (kind, value) = match (value.exact, value.prefix, value.regex) {
        (Some(exact), _, _) => ("Exact", exact),
        (None, Some(prefix), _) => ("RegularExpression", format!("{}.*", literally(&prefix))),
        (None, None, Some(regex)) => ("RegularExpression", regex),
        (None, None, None) => return Err(format!("the header {name:?} has no value to match")),
    };
    Ok(json!({ "name": name, "type": kind, "value": value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_narrowed_to_what_both_conditions_allow() {
        let wanted = |kind: &str, value: &str| {
            let value = Some(value.to_owned());
            match kind {
                "exact" => StringMatch { exact: value, ..StringMatch::default() },
                "prefix" => StringMatch { prefix: value, ..StringMatch::default() },
                _ => StringMatch { regex: value, ..StringMatch::default() },
            }
        };
        let cases = [
            ("PathPrefix", "/", "prefix", "/api", Some("PathPrefix /api")),
            ("PathPrefix", "/api", "prefix", "/", Some("PathPrefix /api")),
            ("PathPrefix", "/api", "prefix", "/apis", None),
            ("PathPrefix", "/api/", "exact", "/api/v1", Some("Exact /api/v1")),
            ("Exact", "/a", "exact", "/b", None),
            ("Exact", "/a/b", "prefix", "/a", Some("Exact /a/b")),
            ("PathPrefix", "/", "regex", "/v[12]", Some("RegularExpression /v[12]")),
        ];
        for (kind, at, how, value, expected) in cases {
            let found =
                common(&json!({ "type": kind, "value": at }), &wanted(how, value)).expect("they can be combined");
            let text = |path: Value| format!("{} {}", path["type"], path["value"]).replace('"', "");
            assert_eq!(found.map(text).as_deref(), expected, "{kind} {at}, {how} {value}");
        }
        let error = common(&json!({ "type": "Exact", "value": "/a" }), &wanted("regex", "/.*")).expect_err("no");
        assert_eq!(error, "the paths \"/a\" (Exact) of a rule and \"/.*\" cannot be combined");
    }

    #[test]
    fn a_prefix_of_a_header_is_taken_literally() {
        let prefix = StringMatch { prefix: Some("v1.(".into()), ..StringMatch::default() };
        assert_eq!(header("x", Some(&prefix)).expect("a header")["value"], r"v1\.\(.*");
    }
}
