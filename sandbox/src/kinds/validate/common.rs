//! Rules that many kinds share: numbers, percentages, selectors, lists of allowed words.

use serde_json::{Value, json};

use super::metadata::labels;
use super::names::{self, report};
use crate::read::{at, items, number, text};
use crate::refusal::Cause;

/// Texts that the API server uses over and over.
pub(super) const NOT_NEGATIVE: &str = "must be greater than or equal to 0";
pub(super) const POSITIVE: &str = "must be greater than 0";
pub(super) const IMMUTABLE: &str = "field is immutable";
pub(super) const PORT_RANGE: &str = "must be between 1 and 65535, inclusive";
pub(super) const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

/// A number below zero.
pub(super) fn not_negative(out: &mut Vec<Cause>, holder: &Value, base: &str, name: &str) {
    at_least(out, holder, base, name, 0, NOT_NEGATIVE);
}

/// A number, where there is one, that is too small.
pub(super) fn at_least(out: &mut Vec<Cause>, holder: &Value, base: &str, name: &str, least: i64, detail: &str) {
    if let Some(value) = number(holder, name).filter(|value| *value < least) {
        out.push(Cause::invalid(format!("{base}.{name}"), &json!(value), detail));
    }
}

/// A word, where there is one, that is none of those allowed.
pub(super) fn one_of(out: &mut Vec<Cause>, holder: &Value, base: &str, name: &str, allowed: &[&str]) {
    let value = text(holder, name);
    if !value.is_empty() && !allowed.contains(&value) {
        out.push(Cause::not_supported(format!("{base}.{name}"), &json!(value), allowed));
    }
}

/// A field that must stay as it is.
pub(super) fn immutable(out: &mut Vec<Cause>, field: &str, new: &Value, old: &Value) {
    if new != old {
        out.push(Cause::invalid(field, new, IMMUTABLE));
    }
}

/// A number of a port.
pub(super) fn port(out: &mut Vec<Cause>, field: &str, port: i64) {
    if !(1..=65535).contains(&port) {
        out.push(Cause::invalid(field, &json!(port), PORT_RANGE));
    }
}

/// A port by number or by name.
pub(super) fn port_or_name(out: &mut Vec<Cause>, field: &str, value: &Value) {
    match value {
        Value::String(name) => report(out, field, name, names::port_name(name)),
        other => port(out, field, other.as_i64().unwrap_or_default()),
    }
}

/// A number, or a percentage. With `most_all`, not above 100 %.
pub(super) fn number_or_percent(out: &mut Vec<Cause>, field: &str, value: &Value, most_all: bool) {
    match value {
        Value::Number(number) if number.as_i64().is_some_and(|number| number < 0) => {
            out.push(Cause::invalid(field, value, NOT_NEGATIVE));
        }
        Value::String(text) => match percent(text) {
            None => out.push(Cause::invalid(
                field,
                value,
                "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex \
                 used for validation is '[0-9]+%')",
            )),
            Some(percent) if most_all && percent > 100 => {
                out.push(Cause::invalid(field, value, "must not be greater than 100%"));
            }
            Some(_) => {}
        },
        _ => {}
    }
}

/// Digits before a percent sign.
pub(super) fn percent(text: &str) -> Option<u64> {
    let digits = text.strip_suffix('%')?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// Whether nothing is asked for: 0 or 0 %.
pub(super) fn is_nothing(value: &Value) -> bool {
    value == 0 || value.as_str().is_some_and(|text| percent(text) == Some(0))
}

/// A label selector.
pub(super) fn selector(out: &mut Vec<Cause>, field: &str, selector: &Value) {
    labels(out, &format!("{field}.matchLabels"), at(selector, "matchLabels"));
    for (index, requirement) in items(selector, "matchExpressions").iter().enumerate() {
        let base = format!("{field}.matchExpressions[{index}]");
        let has_values = !items(requirement, "values").is_empty();
        let values = format!("{base}.values");
        match text(requirement, "operator") {
            "In" | "NotIn" if !has_values => {
                out.push(Cause::required(&values, "must be specified when `operator` is 'In' or 'NotIn'"));
            }
            "Exists" | "DoesNotExist" if has_values => {
                out.push(Cause::forbidden(
                    &values,
                    "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                ));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => {
                out.push(Cause::invalid(format!("{base}.operator"), &json!(other), "not a valid selector operator"));
            }
        }
        let key = text(requirement, "key");
        report(out, &format!("{base}.key"), key, names::qualified(key));
        for (index, value) in items(requirement, "values").iter().enumerate() {
            let value = value.as_str().unwrap_or_default();
            report(out, &format!("{values}[{index}]"), value, names::label_value(value));
        }
    }
}

/// Whether a selector has any requirement.
pub(super) fn selects_all(selector: &Value) -> bool {
    at(selector, "matchLabels").as_object().is_none_or(serde_json::Map::is_empty)
        && items(selector, "matchExpressions").is_empty()
}
