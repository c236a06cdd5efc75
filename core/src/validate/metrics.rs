//! Metrics, with the words in which an analysis run refuses them.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use super::conditions;
use super::problem::{Problems, Severity};
use crate::analysis::provider_of;
use crate::api::{AnalysisTemplateSpec, Metric};
use crate::time::parse_go_duration;

/// A limit as written: a number, or an expression such as `{{args.limit}}` that becomes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// It is this.
    Known(i64),
    /// It is not written down.
    Absent,
    /// It depends on arguments.
    Open,
    /// It is no number.
    Nonsense,
}

impl Count {
    pub(super) fn of(value: Option<&IntOrString>) -> Count {
        match value {
            None => Count::Absent,
            Some(IntOrString::Int(number)) => Count::Known(i64::from(*number)),
            Some(IntOrString::String(text)) if text.contains("{{") => Count::Open,
            Some(IntOrString::String(text)) => text.trim().parse().map_or(Count::Nonsense, Count::Known),
        }
    }

    /// The number, where it is known; `default` where it is absent.
    fn known_or(self, default: i64) -> Option<i64> {
        match self {
            Count::Known(number) => Some(number),
            Count::Absent => Some(default),
            Count::Open | Count::Nonsense => None,
        }
    }
}

/// Whether a metric is measured until somebody stops it: it has an interval and no count.
pub(super) fn runs_indefinitely(metric: &Metric) -> bool {
    let has_interval = metric.interval.as_ref().is_some_and(|interval| !interval.is_empty());
    has_interval && matches!(Count::of(metric.count.as_ref()), Count::Absent | Count::Known(0))
}

/// A template by itself: what it takes from other templates is not known here.
pub(super) fn check_template(template: &AnalysisTemplateSpec, found: &mut Problems) {
    if template.metrics.is_empty() && template.templates.is_empty() {
        found.required("spec.metrics", "no metrics specified");
    }
    check_written("spec.metrics", &template.metrics, found);
    let declared: BTreeSet<String> = template.args.iter().map(|arg| arg.name.clone()).collect();
    for (index, metric) in template.metrics.iter().enumerate() {
        for name in arguments_of(metric).difference(&declared) {
            // Of ours: another template that runs together with this one may have the argument.
            let message = format!("refers to {{{{args.{name}}}}}, and there is no {name:?} in spec.args");
            found.warn(format!("spec.metrics[{index}]"), message);
        }
    }
}

/// The first thing that is wrong with the metrics of a run, arguments filled in.
pub(super) fn problem_of(metrics: &[Metric]) -> Option<String> {
    let mut found = Problems::default();
    if metrics.is_empty() {
        found.error("", "no metrics specified");
    }
    check("metrics", metrics, &mut found);
    let errors = found.into_vec().into_iter().filter(|problem| problem.severity == Severity::Error);
    errors.map(|problem| problem.to_string()).next()
}

/// The arguments that a metric refers to.
fn arguments_of(metric: &Metric) -> BTreeSet<String> {
    let text = serde_json::to_string(metric).unwrap_or_default();
    let references = text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
    let names = references.filter_map(|(inside, _)| inside.trim().strip_prefix("args."));
    names.map(str::to_owned).collect()
}

/// Metrics as they are written down, before anybody runs them.
pub(super) fn check_written(field: &str, metrics: &[Metric], found: &mut Problems) {
    check(field, metrics, found);
    conditions::check(field, metrics, found);
    for (index, metric) in metrics.iter().enumerate() {
        if let Some(kind) = provider_of(metric).filter(|kind| !kind.is_supported) {
            let field = format!("{field}[{index}].provider.{}", kind.field);
            found.warn(field, "is not supported by this version of Sluice yet: a rollout that asks for it is held there, and a run by itself ends in an error");
        }
    }
}

fn check(field: &str, metrics: &[Metric], found: &mut Problems) {
    let mut names = BTreeSet::new();
    for (index, metric) in metrics.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if metric.name.is_empty() {
            found.required(format!("{field}.name"), "");
        } else if !names.insert(metric.name.as_str()) {
            found.error(&field, format!("duplicate name '{}'", metric.name));
        }
        limits(&field, metric, found);
        times(&field, metric, found);
        provider(&field, metric, found);
    }
}

fn limits(field: &str, metric: &Metric, found: &mut Problems) {
    let all = [
        ("count", &metric.count),
        ("failureLimit", &metric.failure_limit),
        ("inconclusiveLimit", &metric.inconclusive_limit),
        ("consecutiveErrorLimit", &metric.consecutive_error_limit),
        ("consecutiveSuccessLimit", &metric.consecutive_success_limit),
    ];
    for (name, value) in all {
        let known = match Count::of(value.as_ref()) {
            Count::Known(number) => number,
            Count::Nonsense => {
                found.invalid(format!("{field}.{name}"), value, "must be a number");
                continue;
            }
            Count::Absent | Count::Open => continue,
        };
        let message = match (name, known) {
            ("failureLimit", ..-1) => "failureLimit must be >= 0, or -1 to be disabled".to_owned(),
            ("failureLimit", -1) | (_, 0..) => continue,
            (name, _) => format!("{name} must be >= 0"),
        };
        found.error(format!("{field}.{name}"), message);
    }
    together(field, metric, found);
}

/// Limits that exclude each other.
fn together(field: &str, metric: &Metric, found: &mut Problems) {
    let count = match Count::of(metric.count.as_ref()) {
        Count::Known(count) if count > 0 => Some(count),
        _ => None,
    };
    let failures = Count::of(metric.failure_limit.as_ref()).known_or(0);
    let successes = Count::of(metric.consecutive_success_limit.as_ref()).known_or(0);
    let inconclusive = Count::of(metric.inconclusive_limit.as_ref()).known_or(0);
    if failures == Some(-1) && successes == Some(0) {
        found.error(field, "failureLimit and consecutiveSuccessLimit cannot both be disabled");
    }
    let Some(count) = count else { return };
    match (failures, successes) {
        (Some(failures @ 0..), Some(successes @ 0..)) if count < failures + successes => {
            let rule = "must be >= failureLimit + consecutiveSuccessLimit";
            found.error(field, format!("count ({count}) {rule} ({failures} + {successes}) if both >= 0"));
        }
        (_, Some(successes)) if count < successes => found.error(field, "count must be >= consecutiveSuccessLimit"),
        _ => {}
    }
    if inconclusive.is_some_and(|limit| count < limit) {
        found.error(field, "count must be >= inconclusiveLimit");
    }
}

fn times(field: &str, metric: &Metric, found: &mut Problems) {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (interval, delay) = (text(&metric.interval), text(&metric.initial_delay));
    if interval.is_empty() && matches!(Count::of(metric.count.as_ref()), Count::Known(2..)) {
        found.error(format!("{field}.interval"), "interval must be specified when count > 1");
    }
    for (name, said, value) in [("interval", "interval", interval), ("initialDelay", "startDelay", delay)] {
        if value.is_empty() || value.contains("{{") {
            continue;
        }
        match parse_go_duration(&value) {
            Err(error) => found.error(format!("{field}.{name}"), format!("invalid {said} string: {error}")),
            // Of ours: Argo Rollouts measures without a break.
            Ok(duration) if duration.is_negative() => found.error(format!("{field}.{name}"), "it is negative"),
            Ok(_) => {}
        }
    }
}

fn provider(field: &str, metric: &Metric, found: &mut Problems) {
    let written = serde_json::to_value(&metric.provider).unwrap_or_default();
    match written.as_object().map_or(0, serde_json::Map::len) {
        0 => found.error(format!("{field}.provider"), "no provider specified"),
        1 => {}
        _ => found.error(format!("{field}.provider"), "multiple providers specified"),
    }
    if written.get("plugin").and_then(Value::as_object).is_some_and(|plugins| plugins.len() > 1) {
        found.error(format!("{field}.provider.plugin"), "multiple providers specified");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(changes: &Value) -> Vec<String> {
        let mut metric = json!({"name": "rate", "provider": {"web": {"url": "http://x"}}});
        json_patch::merge(&mut metric, changes);
        let mut found = Problems::default();
        check("spec.metrics", &[serde_json::from_value(metric).expect("a metric")], &mut found);
        found.into_vec().iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn says(changes: &Value, expected: &str) {
        assert_eq!(found(changes), [format!("spec.metrics[0]{expected}")]);
    }

    #[test]
    fn an_ordinary_metric_is_fine() {
        for changes in [
            json!({}),
            json!({"interval": "1m", "successCondition": "result[0] >= 0.95"}),
            json!({"interval": "1m", "count": 5, "failureLimit": "2", "consecutiveSuccessLimit": 3}),
            json!({"interval": "{{args.interval}}", "count": "{{args.count}}", "failureLimit": "{{ args.limit }}"}),
            json!({"failureLimit": -1, "consecutiveSuccessLimit": 2, "count": 2, "interval": "5s"}),
        ] {
            assert_eq!(found(&changes), Vec::<String>::new(), "{changes}");
        }
    }

    #[test]
    fn limits_are_counts() {
        says(&json!({"failureLimit": -2}), ".failureLimit: failureLimit must be >= 0, or -1 to be disabled");
        for name in ["inconclusiveLimit", "consecutiveErrorLimit", "consecutiveSuccessLimit"] {
            says(&json!({ name: -1 }), &format!(".{name}: {name} must be >= 0"));
        }
        says(
            &json!({"consecutiveErrorLimit": "few"}),
            ".consecutiveErrorLimit: Invalid value: \"few\": must be a number",
        );
    }

    #[test]
    fn limits_leave_room_for_each_other() {
        let both = "failureLimit and consecutiveSuccessLimit cannot both be disabled";
        says(&json!({"failureLimit": -1}), &format!(": {both}"));
        says(
            &json!({"interval": "1m", "count": 4, "failureLimit": 2, "consecutiveSuccessLimit": 3}),
            ": count (4) must be >= failureLimit + consecutiveSuccessLimit (2 + 3) if both >= 0",
        );
        says(
            &json!({"interval": "1m", "count": 2, "failureLimit": -1, "consecutiveSuccessLimit": 3}),
            ": count must be >= consecutiveSuccessLimit",
        );
        says(&json!({"interval": "1m", "count": 2, "inconclusiveLimit": 3}), ": count must be >= inconclusiveLimit");
    }

    #[test]
    fn times_can_be_read() {
        says(&json!({"count": 2}), ".interval: interval must be specified when count > 1");
        let how = "use a number with a unit, such as \"30s\", \"5m\" or \"1h30m\"";
        says(&json!({"interval": "5"}), &format!(".interval: invalid interval string: invalid duration \"5\": {how}"));
        says(
            &json!({"initialDelay": "soon"}),
            &format!(".initialDelay: invalid startDelay string: invalid duration \"soon\": {how}"),
        );
        says(&json!({"interval": "-1s"}), ".interval: it is negative");
    }

    #[test]
    fn a_metric_has_one_provider() {
        says(&json!({"provider": {"web": null}}), ".provider: no provider specified");
        says(&json!({"provider": {"job": {"spec": {}}}}), ".provider: multiple providers specified");
        says(
            &json!({"provider": {"web": null, "plugin": {"a/b": {}, "c/d": {}}}}),
            ".provider.plugin: multiple providers specified",
        );
    }

    #[test]
    fn names_are_there_and_differ() {
        says(&json!({"name": ""}), ".name: Required value");
        let metric: Metric =
            serde_json::from_value(json!({"name": "a", "provider": {"plugin": {"a/b": {}}}})).expect("a metric");
        let mut found = Problems::default();
        check("spec.metrics", &[metric.clone(), metric], &mut found);
        assert_eq!(found.into_vec()[0].to_string(), "spec.metrics[1]: duplicate name 'a'");
    }

    #[test]
    fn a_template_declares_the_arguments_that_its_metrics_use() {
        let spec = json!({
            "args": [{"name": "host"}],
            "metrics": [{"name": "a", "provider": {"web": {"url": "{{args.host}}/{{ args.path }}"}}}],
        });
        let mut found = Problems::default();
        check_template(&serde_json::from_value(spec).expect("a template"), &mut found);
        let expected = "spec.metrics[0]: refers to {{args.path}}, and there is no \"path\" in spec.args";
        assert_eq!(found.into_vec().iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
        let mut found = Problems::default();
        check_template(&AnalysisTemplateSpec::default(), &mut found);
        assert_eq!(found.into_vec()[0].to_string(), "spec.metrics: Required value: no metrics specified");
    }
}
