//! Conditions of metrics, as far as they can be judged before anything is measured. Of ours: Argo Rollouts finds out when it measures.

use super::problem::Problems;
use crate::api::Metric;
use crate::expr::{Condition, ExprError, Stage, Type};

/// What may stand for a reference whose value is not known here: a number, a name, an operator, or nothing.
const STAND_INS: [&str; 4] = ["1", "a", ">", ""];

/// Conditions that are no expressions, or that make no sense whatever is measured.
pub(super) fn check(field: &str, metrics: &[Metric], found: &mut Problems) {
    for (index, metric) in metrics.iter().enumerate() {
        for (name, condition) in
            [("successCondition", &metric.success_condition), ("failureCondition", &metric.failure_condition)]
        {
            let Some(text) = condition.as_deref().filter(|text| !text.is_empty()) else { continue };
            if let Err(error) = of(text) {
                found.invalid(format!("{field}[{index}].{name}"), &text, &error.to_string());
            }
        }
    }
}

fn of(text: &str) -> Result<(), ExprError> {
    if !text.contains("{{") {
        return Condition::parse(text)?.check(Type::Any);
    }
    // What a value may be is not known, so only what is no expression with any is wrong.
    let readings = STAND_INS.map(|word| Condition::parse(&stood_in(text, word)).map(|_| ()));
    let could_be_read = readings.iter().any(|reading| reading.as_ref().err().is_none_or(|e| e.stage != Stage::Syntax));
    let [first, ..] = readings;
    if could_be_read { Ok(()) } else { first }
}

/// A condition with this word for each reference, as wide as that was, so that places stay where they are.
fn stood_in(text: &str, word: &str) -> String {
    let (mut filled, mut rest) = (String::new(), text);
    while let Some((before, (inside, after))) =
        rest.split_once("{{").and_then(|(before, after)| Some((before, after.split_once("}}")?)))
    {
        let width = inside.chars().count() + 4;
        filled = format!("{filled}{before}{word:width$}");
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn says(condition: &str, expected: Option<&str>) {
        let metric = json!({"name": "rate", "provider": {}, "failureCondition": condition});
        let mut found = Problems::default();
        check("spec.metrics", &[serde_json::from_value(metric).expect("a metric")], &mut found);
        let found: Vec<String> = found.into_vec().iter().map(ToString::to_string).collect();
        let quoted = serde_json::to_string(condition).expect("JSON");
        let told = |why| format!("spec.metrics[0].failureCondition: Invalid value: {quoted}: {why}");
        assert_eq!(found, expected.map(told).into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn conditions_that_make_sense_are_fine() {
        for condition in ["", "result[0] >= 0.95", "all(result, # < 1) and !isNaN(result[0])", "result.ok"] {
            says(condition, None);
        }
    }

    #[test]
    fn what_is_no_expression_is_told_with_its_place() {
        says("result[0] >= ", Some("unexpected the end, expected a value (1:14)"));
        says("result >\n  = 1", Some("unexpected `=`, expected a value (2:3)"));
    }

    #[test]
    fn what_makes_no_sense_for_any_result_is_told_with_its_place() {
        says("lenght(result) > 0", Some("unknown name lenght: expected a function (1:1)"));
        says("asInt(result) + 1", Some("expected bool, but got int (1:15)"));
    }

    #[test]
    fn a_reference_may_stand_for_anything() {
        for condition in [
            "result[0] >= {{args.least}}",
            "result.{{ args.field }} == \"{{args.expected}}\"",
            "result {{args.operator}} 1",
            "{{args.condition}}",
            "result > 1 {{args.more}}",
        ] {
            says(condition, None);
        }
        says("result[0 >= {{args.least}}", Some("unexpected the end, expected `]` (1:27)"));
    }

    #[test]
    fn a_reference_that_does_not_end_is_no_expression() {
        let metric = json!({"name": "rate", "provider": {}, "successCondition": "result > {{args.least"});
        let mut found = Problems::default();
        check("spec.metrics", &[serde_json::from_value(metric).expect("a metric")], &mut found);
        assert!(found.has_errors());
    }
}
