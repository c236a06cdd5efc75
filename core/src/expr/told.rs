//! What users read about a condition: the condition, the value that was measured, and the query that it came from.

use super::Condition;
use super::error::ExprError;
use super::value::Value;

/// So much of a query is shown.
const SHOWN: usize = 300;

/// What came of a condition, in a sentence. `which` is the field that it stands in (`successCondition`), `query` what was
/// asked, with its arguments filled in, where the provider has such a thing.
///
/// The beginning of what is said of a failure is that of Argo Rollouts, where alerts may look for it.
pub fn told(
    which: &str,
    condition: &Condition,
    query: Option<&str>,
    result: &Value,
    outcome: &Result<bool, ExprError>,
) -> String {
    let text = condition.text();
    let what = match outcome {
        Ok(verdict) => format!("{which} \"{text}\" is {verdict}"),
        Err(_) if result.is_no_data() => {
            let why = "metric result is nil or empty: no data returned from the metric provider";
            format!("could not evaluate {which} \"{text}\": {why}")
        }
        Err(error) => format!("could not evaluate {which} \"{text}\": {error}"),
    };
    let from = query.map(|query| format!(", from the query {}", short(query))).unwrap_or_default();
    format!("{what}; result is {result}{from}")
}

/// A query on one line, cut where it gets long.
fn short(query: &str) -> String {
    let line = query.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
