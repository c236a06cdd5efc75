//! `{{args.name}}`: the values that metrics are filled in with.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use crate::api::{Argument, Metric, SecretKeyRef};
use crate::field_path;

/// Why a metric cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// An argument has no value.
    #[error("args.{0} was not resolved: give it a value where the analysis is asked for, or a default in its template")]
    Argument(String),
    /// A metric refers to something that is no argument.
    #[error("failed to resolve {{{{{0}}}}}")]
    Reference(String),
    /// A reference has no end.
    #[error("there is no }}}} after {{{{ in {0:?}")]
    Open(String),
    /// A field of the analysis run is not there.
    #[error("args.{name} was not resolved: {why}")]
    Field {
        /// The argument.
        name: String,
        /// Why.
        why: String,
    },
    /// The metric makes no sense with the values.
    #[error("metric {name:?} makes no sense with its arguments filled in: {why}")]
    Metric {
        /// The metric.
        name: String,
        /// Why.
        why: String,
    },
}

/// The values of arguments by their names.
pub type Values = BTreeMap<String, String>;

/// What stands for a secret while nothing is asked: `plan` never sees one.
const UNSEEN: &str = "secret";

/// The values of a run's arguments. What comes from a Secret is asked of `secret`; where that says nothing, a word stands for it.
pub fn values(
    args: &[Argument],
    run: &ObjectMeta,
    secret: impl Fn(&SecretKeyRef) -> Option<String>,
) -> Result<Values, Unresolved> {
    let value = |arg: &Argument| {
        let from = arg.value_from.as_ref();
        if let Some(reference) = from.and_then(|from| from.secret_key_ref.as_ref()) {
            return Ok(secret(reference).unwrap_or_else(|| UNSEEN.to_owned()));
        }
        if let Some(reference) = from.and_then(|from| from.field_ref.as_ref()) {
            let wrong = |why| Unresolved::Field { name: arg.name.clone(), why };
            return field_path::of_metadata(run, &reference.field_path).map_err(wrong);
        }
        arg.value.clone().ok_or_else(|| Unresolved::Argument(arg.name.clone()))
    };
    args.iter().map(|arg| Ok((arg.name.clone(), value(arg)?))).collect()
}

/// The Secrets that those of the arguments come from that a metric refers to.
pub fn secrets<'a>(metric: &Metric, args: &'a [Argument]) -> Vec<&'a SecretKeyRef> {
    let text = serde_json::to_string(metric).unwrap_or_default();
    let inside = text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")?.0.trim().strip_prefix("args."));
    let named: BTreeSet<&str> = inside.collect();
    let named = args.iter().filter(|arg| named.contains(arg.name.as_str()));
    named.filter_map(|arg| arg.value_from.as_ref()?.secret_key_ref.as_ref()).collect()
}

/// A metric with its arguments filled in, wherever in it they are referred to.
pub fn fill(metric: &Metric, values: &Values) -> Result<Metric, Unresolved> {
    let wrong = |error: serde_json::Error| Unresolved::Metric { name: metric.name.clone(), why: error.to_string() };
    let written = serde_json::to_value(metric).map_err(wrong)?;
    let known = |name: &str| name.strip_prefix("args.").and_then(|name| values.get(name)).cloned();
    serde_json::from_value(fill_value(written, &known)?).map_err(wrong)
}

/// JSON with its references filled in.
fn fill_value(value: Value, known: &dyn Fn(&str) -> Option<String>) -> Result<Value, Unresolved> {
    Ok(match value {
        Value::String(text) => Value::String(fill_text(&text, known)?),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| fill_value(item, known)).collect::<Result<_, _>>()?)
        }
        Value::Object(entries) => {
            let filled =
                entries.into_iter().map(|(key, value)| Ok((fill_text(&key, known)?, fill_value(value, known)?)));
            Value::Object(filled.collect::<Result<_, _>>()?)
        }
        other => other,
    })
}

/// A text with its references filled in: what `known` says to what stands between `{{` and `}}`.
pub fn fill_text(text: &str, known: &dyn Fn(&str) -> Option<String>) -> Result<String, Unresolved> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (reference, after) = after.split_once("}}").ok_or_else(|| Unresolved::Open(text.to_owned()))?;
        let reference = reference.trim();
        filled.push_str(before);
        filled.push_str(&known(reference).ok_or_else(|| Unresolved::Reference(reference.to_owned()))?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(metric: &Value, values: &[(&str, &str)]) -> Result<Value, String> {
        let metric: Metric = serde_json::from_value(metric.clone()).expect("a metric");
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let metric = fill(&metric, &values).map_err(|error| error.to_string())?;
        Ok(serde_json::to_value(metric).expect("JSON"))
    }

    #[test]
    fn arguments_are_filled_in_wherever_they_are_referred_to() {
        let metric = json!({
            "name": "rate", "interval": "{{args.every}}", "count": "{{ args.count }}",
            "successCondition": "result[0] >= {{args.least}}",
            "provider": {"plugin": {"acme/{{args.name}}": {"q": ["{{args.name}}-{{args.name}}", 1, null]}}},
        });
        let values = [("every", "30s"), ("count", "5"), ("least", "0.95"), ("name", "we\"b")];
        let expected = json!({
            "name": "rate", "interval": "30s", "count": "5", "successCondition": "result[0] >= 0.95",
            "provider": {"plugin": {"acme/we\"b": {"q": ["we\"b-we\"b", 1, null]}}},
        });
        assert_eq!(filled(&metric, &values), Ok(expected));
    }

    #[test]
    fn a_value_is_not_looked_into_for_references() {
        let metric = json!({"name": "{{args.a}}", "provider": {}});
        assert_eq!(filled(&metric, &[("a", "{{args.b}}")]), Ok(json!({"name": "{{args.b}}", "provider": {}})));
    }

    #[test]
    fn what_is_not_known_is_named() {
        let wrong = |name: &str| filled(&json!({"name": name, "provider": {}}), &[("a", "1")]).expect_err("an error");
        assert_eq!(wrong("{{args.b}}"), "failed to resolve {{args.b}}");
        assert_eq!(wrong("{{inputs.a}}"), "failed to resolve {{inputs.a}}");
        assert_eq!(wrong("x {{args.a"), "there is no }} after {{ in \"x {{args.a\"");
    }

    fn arg(value: &Value) -> Argument {
        serde_json::from_value(value.clone()).expect("an argument")
    }

    #[test]
    fn values_come_from_texts_secrets_and_fields() {
        let run: ObjectMeta =
            serde_json::from_value(json!({"name": "web-1", "labels": {"team": "shop"}})).expect("metadata");
        let args = [
            arg(&json!({"name": "plain", "value": "v"})),
            arg(&json!({"name": "empty", "value": ""})),
            arg(&json!({"name": "token", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}})),
            arg(&json!({"name": "unread", "valueFrom": {"secretKeyRef": {"name": "s", "key": "other"}}})),
            arg(&json!({"name": "team", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['team']"}}})),
        ];
        let secret = |reference: &SecretKeyRef| (reference.key == "k").then(|| "hush".to_owned());
        let values = values(&args, &run, secret).expect("values");
        let values: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(values, [("empty", ""), ("plain", "v"), ("team", "shop"), ("token", "hush"), ("unread", "secret")]);
        let metric = json!({"name": "m", "provider": {"web": {"url": "http://x/{{args.plain}}/{{ args.token }}"}}});
        let needed = secrets(&serde_json::from_value(metric).expect("a metric"), &args);
        assert_eq!(needed.len(), 1, "nobody reads what is not needed");
    }

    #[test]
    fn an_argument_without_a_value_is_named() {
        let wrong =
            |value: Value| values(&[arg(&value)], &ObjectMeta::default(), |_| None).expect_err("an error").to_string();
        assert!(wrong(json!({"name": "a"})).starts_with("args.a was not resolved: give it a value"));
        let missing = wrong(json!({"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "metadata.generation"}}}));
        assert!(missing.starts_with("args.a was not resolved: "), "{missing}");
    }
}
