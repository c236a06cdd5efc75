//! One measurement: what conditions make of what was measured.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{Phase, Rules};
use crate::expr::{Condition, Env, Value, told};

/// What a provider says of a measurement.
#[derive(Clone, Debug)]
pub enum Reading {
    /// A value, which conditions judge.
    Value {
        /// What conditions see as `result`.
        value: Value,
        /// How the status shows it.
        text: String,
    },
    /// The provider judges by itself.
    Verdict {
        /// How it ends.
        phase: Phase,
        /// Why, in words.
        message: String,
    },
    /// It could not be taken.
    Error {
        /// Why, in one line, and what to do.
        message: String,
        /// When to try again at the earliest, where the other side said so.
        retry_after: Option<Duration>,
    },
}

/// How a measurement ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Successful, Failed, Inconclusive or Error.
    pub phase: Phase,
    /// Why, in words.
    pub message: String,
    /// What was measured, as the status shows it.
    pub value: String,
}

/// The longest value that a status shows, in bytes: it is stored with every measurement.
const LONGEST_VALUE: usize = 4 << 10;

/// Judges what a provider says. `metadata` is what it says besides; the query in it is told to people.
pub fn judge(rules: &Rules, reading: Reading, metadata: &BTreeMap<String, String>, now: Timestamp) -> Verdict {
    match reading {
        Reading::Value { value, text } => {
            let query = metadata.get("ResolvedPrometheusQuery").map(String::as_str);
            let (phase, message) = of_value(rules, &value, query, &Env { now });
            Verdict { phase, message, value: short(text) }
        }
        Reading::Verdict { phase, message } => Verdict { phase, message, value: String::new() },
        Reading::Error { message, .. } => Verdict { phase: Phase::Error, message, value: String::new() },
    }
}

/// Two conditions leave room between them; one is the other's opposite; without any, what could be measured is good.
fn of_value(rules: &Rules, value: &Value, query: Option<&str>, env: &Env) -> (Phase, String) {
    let mut said = Vec::new();
    let mut ask = |which: &str, condition: &Option<Condition>| {
        let Some(condition) = condition else { return Ok(None) };
        let outcome = condition.holds(value, env);
        said.push(told(which, condition, query, value, &outcome));
        outcome.map(Some).map_err(|_| ())
    };
    let asked =
        ask("failureCondition", &rules.failure).and_then(|fails| Ok((fails, ask("successCondition", &rules.success)?)));
    let Ok((fails, succeeds)) = asked else {
        return (Phase::Error, said.pop().unwrap_or_default());
    };
    let phase = match (succeeds, fails) {
        (_, Some(true)) | (Some(false), None) => Phase::Failed,
        (Some(true), _) | (None, Some(false) | None) => Phase::Successful,
        (Some(false), Some(false)) => Phase::Inconclusive,
    };
    if phase == Phase::Successful && lacks_data(rules, value) {
        return (Phase::Error, no_data(rules, value, query));
    }
    let message = match (phase, fails) {
        (Phase::Successful, _) => String::new(),
        (Phase::Failed, Some(true)) => said.swap_remove(0),
        _ => said.join("; "),
    };
    (phase, message)
}

/// Whether there is nothing in what was measured that could be good, and no condition says that this is fine.
fn lacks_data(rules: &Rules, value: &Value) -> bool {
    let mut conditions = [&rules.success, &rules.failure].into_iter().flatten();
    match value {
        // Of a text that could be read as a number.
        Value::String(text) if text.trim().eq_ignore_ascii_case("nan") => {
            !conditions.any(|condition| condition.text().to_ascii_lowercase().contains("nan"))
        }
        Value::String(text) if text.trim().is_empty() => !conditions.any(|condition| {
            condition.considers_no_data()
                || ["\"\"", "''", "``"].iter().any(|nothing| condition.text().contains(nothing))
        }),
        Value::Float(number) if number.is_nan() => !conditions.any(|condition| condition.text().contains("isNaN")),
        Value::Array(array) if !array.items.is_empty() => {
            let is_nan = |item: &Value| matches!(item, Value::Float(number) if number.is_nan());
            array.items.iter().all(is_nan) && !conditions.any(|condition| condition.text().contains("isNaN"))
        }
        _ => value.is_no_data() && !conditions.any(Condition::considers_no_data),
    }
}

fn no_data(rules: &Rules, value: &Value, query: Option<&str>) -> String {
    let from = query.map(|query| format!(" from the query {query}")).unwrap_or_default();
    let how = if rules.success.is_none() && rules.failure.is_none() {
        "give the metric a condition that says what no data means"
    } else {
        "say in a condition what no data means, such as len(result) == 0, isNil(result) or isNaN(result[0])"
    };
    format!("no data: result is {value}{from}; {how}")
}

fn short(mut text: String) -> String {
    if text.len() > LONGEST_VALUE {
        text.truncate(text.floor_char_boundary(LONGEST_VALUE));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What comes of a value, by its JSON; `NaN` is one.
    fn judged(success: &str, failure: &str, value: &str) -> (Phase, String) {
        let metric = json!({ "name": "m", "successCondition": success, "failureCondition": failure, "provider": {} });
        let rules = Rules::read(serde_json::from_value(metric).expect("a metric")).expect("rules");
        let value = match value {
            "NaN" => Value::Float(f64::NAN),
            "[NaN]" => Value::floats([f64::NAN]),
            "[NaN, 1]" => Value::floats([f64::NAN, 1.0]),
            "[]" => Value::floats([]),
            json => Value::from_json(&serde_json::from_str(json).expect("JSON")).expect("a shallow value"),
        };
        let verdict =
            judge(&rules, Reading::Value { value, text: "text".into() }, &BTreeMap::new(), Timestamp::UNIX_EPOCH);
        assert_eq!(verdict.value, "text");
        (verdict.phase, verdict.message)
    }

    #[test]
    fn conditions_decide() {
        use Phase::{Error, Failed, Inconclusive, Successful};
        for (success, failure, value, phase) in [
            ("", "", "0", Successful),
            ("result > 1", "", "2", Successful),
            ("result > 1", "", "0", Failed),
            ("", "result > 1", "0", Successful),
            ("", "result > 1", "2", Failed),
            ("result > 5", "result < 2", "6", Successful),
            ("result > 5", "result < 2", "1", Failed),
            ("result > 5", "result < 2", "3", Inconclusive),
            ("result > 1", "result > 1", "2", Failed),
            ("result.x > 1", "", "2", Error),
            ("result", "", "2", Error),
        ] {
            assert_eq!(judged(success, failure, value).0, phase, "{success:?} {failure:?} {value}");
        }
    }

    #[test]
    fn no_data_is_no_success_unless_a_condition_says_so() {
        use Phase::{Error, Failed, Successful};
        for (success, failure, value, phase) in [
            ("", "", "[]", Error),
            ("", "", "null", Error),
            ("", "", "NaN", Error),
            ("result[0] > 1", "", "[]", Error),
            ("all(result, # < 1)", "", "[]", Error),
            ("", "result[0] > 1", "[NaN]", Error),
            ("result[0] > 1", "", "[NaN]", Failed),
            ("len(result) == 0 || result[0] < 1", "", "[]", Successful),
            ("", "len(result) > 0 && isNaN(result[0])", "[NaN]", Failed),
            ("isNaN(result[0]) || result[0] > 1", "", "[NaN]", Successful),
            ("", "result[1] > 1", "[NaN, 1]", Successful),
            ("default(result, 0) < 1", "", "null", Successful),
            ("", "", "\" \"", Error),
            ("", "result == 'down'", "\"\"", Error),
            ("result == ''", "", "\"\"", Successful),
            ("", "asFloat(result) > 0.05", "\"NaN\"", Error),
            ("", "isNaN(asFloat(result))", "\"NaN\"", Failed),
            ("result == 'up'", "", "\"up\"", Successful),
        ] {
            assert_eq!(judged(success, failure, value).0, phase, "{success:?} {failure:?} {value}");
        }
    }

    #[test]
    fn a_verdict_says_what_was_measured_and_what_was_asked_of_it() {
        assert_eq!(
            judged("result[0] >= 0.95", "", "[0.5]").1,
            "successCondition \"result[0] >= 0.95\" is false; result is [0.5]"
        );
        assert_eq!(judged("result > 5", "result < 2", "1").1, "failureCondition \"result < 2\" is true; result is 1");
        let both = "failureCondition \"result < 2\" is false; result is 3; successCondition \"result > 5\" is false; result is 3";
        assert_eq!(judged("result > 5", "result < 2", "3").1, both);
        assert_eq!(judged("result > 1", "", "2").1, "");
        let message = judged("", "result > 1", "NaN").1;
        assert!(message.starts_with("no data: result is NaN; say in a condition what no data means"), "{message}");
        // The beginning is that of Argo Rollouts.
        let message = judged("result[0] > 1", "", "[]").1;
        let argo = "could not evaluate successCondition \"result[0] > 1\": metric result is nil or empty: no data returned from the metric provider";
        assert!(message.starts_with(argo), "{message}");
    }

    #[test]
    fn a_query_is_told_and_a_long_value_is_cut() {
        let metric = json!({ "name": "m", "successCondition": "result > 1", "provider": {} });
        let rules = Rules::read(serde_json::from_value(metric).expect("a metric")).expect("rules");
        let known = BTreeMap::from([("ResolvedPrometheusQuery".to_owned(), "up{x=\"y\"}".to_owned())]);
        let reading = Reading::Value { value: Value::Float(0.0), text: "é".repeat(LONGEST_VALUE) };
        let verdict = judge(&rules, reading, &known, Timestamp::UNIX_EPOCH);
        assert!(verdict.message.ends_with("result is 0, from the query up{x=\"y\"}"), "{}", verdict.message);
        assert_eq!(verdict.value.len(), LONGEST_VALUE + '…'.len_utf8());
    }
}
