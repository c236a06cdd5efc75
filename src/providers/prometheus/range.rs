//! The range of a query: from when to when, in which steps.

use jiff::{SignedDuration, Timestamp};
use sluice_core::api::PrometheusRangeQuery;
use sluice_core::expr::{Env, moment};
use sluice_core::time::parse_go_duration;

use crate::providers::http::Failure;

/// Units of Prometheus, in seconds, that Go's durations do not have.
const LONG: [(char, i64); 3] = [('d', 86_400), ('w', 7 * 86_400), ('y', 365 * 86_400)];

/// What a range query says besides the query.
pub(super) fn pairs(range: &PrometheusRangeQuery, now: Timestamp) -> Result<[(&'static str, String); 3], Failure> {
    let env = Env { now };
    let time = |field: &Option<String>, name| {
        let text = field.as_deref().unwrap_or_default();
        moment(text, &env).map_err(|error| {
            Failure::new(format!(
                "failed to parse rangeQuery.{name} as time: {error}; write such as now() - duration(\"5m\")"
            ))
        })
    };
    let (start, end) = (time(&range.start, "start")?, time(&range.end, "end")?);
    if end < start {
        return Err(Failure::new(format!("rangeQuery ends at {end}, before it starts at {start}")));
    }
    let text = range.step.as_deref().unwrap_or_default();
    let step = duration(text).filter(SignedDuration::is_positive).ok_or_else(|| {
        Failure::new(format!("failed to parse rangeQuery.step as duration: {text:?}; write such as \"30s\" or \"1m\""))
    })?;
    Ok([("start", seconds(start.as_duration())), ("end", seconds(end.as_duration())), ("step", seconds(step))])
}

/// A duration as Go or as Prometheus writes it: `90s`, `1m30s`, `0.5h`, `1d`, `1w2d`.
fn duration(text: &str) -> Option<SignedDuration> {
    if let Ok(duration) = parse_go_duration(text) {
        return Some(duration);
    }
    let mut total = SignedDuration::ZERO;
    let mut rest = text;
    // Prometheus has the long units before those that Go has too.
    while let Some(length) = rest.find(|c: char| !c.is_ascii_digit()) {
        let unit = rest[length..].chars().next()?;
        let Some((_, seconds)) = LONG.iter().find(|(name, _)| *name == unit) else { break };
        let count: i64 = rest[..length].parse().ok()?;
        total = total.checked_add(SignedDuration::from_secs(count.checked_mul(*seconds)?))?;
        rest = &rest[length + 1..];
    }
    match rest {
        "" if text.is_empty() => None,
        "" => Some(total),
        rest => total.checked_add(parse_go_duration(rest).ok()?),
    }
}

/// Seconds with milliseconds, which is as exact as Prometheus is.
fn seconds(duration: SignedDuration) -> String {
    let millis = duration.as_millis();
    let sign = if millis < 0 { "-" } else { "" };
    let millis = millis.unsigned_abs();
    format!("{sign}{}.{:03}", millis / 1000, millis % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(start: &str, end: &str, step: &str) -> Result<Vec<String>, String> {
        let field = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let range = PrometheusRangeQuery { start: field(start), end: field(end), step: field(step) };
        let now = "2026-01-01T00:00:00.25Z".parse().expect("a time");
        let pairs = pairs(&range, now).map_err(|failure| failure.message)?;
        Ok(pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
    }

    #[test]
    fn a_range_is_told_in_seconds() {
        let pairs = of("now() - duration(\"5m\")", "now()", "1m30s").expect("a range");
        assert_eq!(pairs, ["start=1767225300.250", "end=1767225600.250", "step=90.000"]);
    }

    #[test]
    fn a_mistake_is_told_by_its_field() {
        let cases = [
            ("", "now()", "1m", "failed to parse rangeQuery.start as time: "),
            ("now()", "now() - 5", "1m", "failed to parse rangeQuery.end as time: "),
            ("now()", "now()", "", "failed to parse rangeQuery.step as duration: \"\"; "),
            ("now()", "now()", "60", "failed to parse rangeQuery.step as duration: \"60\"; "),
            ("now()", "now()", "-1m", "failed to parse rangeQuery.step as duration: \"-1m\"; "),
            ("now()", "now() - duration(\"1m\")", "1m", "rangeQuery ends at "),
        ];
        for (start, end, step, message) in cases {
            let error = of(start, end, step).expect_err(message);
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn steps_are_durations_of_go_or_of_prometheus() {
        let cases =
            [("90s", 90), ("0.5h", 1800), ("1d", 86_400), ("1w2d", 777_600), ("1y", 31_536_000), ("1d12h", 129_600)];
        for (text, seconds) in cases {
            assert_eq!(duration(text), Some(SignedDuration::from_secs(seconds)), "{text}");
        }
        for text in ["", "d", "1", "1dd", "1h1d", "99999999999999999999d", "9223372036854775807y"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
