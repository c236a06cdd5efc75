//! Requests of Prometheus' API, and what it answers: queries at a moment, and along a range.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::counters::Snapshot;
use super::eval::{Evaluation, Sample, TooMuch, Value};
use super::lex::duration;
use super::parse::parse;
use super::{Labels, Mistake};
use crate::api::path::Query;

/// The most moments of a range.
const MOST_POINTS: i64 = 11_000;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A parameter makes no sense.
    #[error("invalid parameter {0:?}: {1}")]
    BadData(&'static str, String),
    /// The range has too many moments.
    #[error(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
    )]
    TooFine,
    /// The query looks at too much.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
}

impl Refused {
    fn wrong(parameter: &'static str, why: impl Into<String>) -> Refused {
        Refused::BadData(parameter, why.into())
    }

    /// The status of the answer, and how Prometheus calls the kind of the error.
    pub fn kind(&self) -> (u16, &'static str) {
        match self {
            Refused::BadData(..) | Refused::TooFine => (400, "bad_data"),
            Refused::TooMuch(_) => (422, "execution"),
        }
    }
}

impl From<Mistake> for Refused {
    fn from(mistake: Mistake) -> Refused {
        Refused::wrong("query", mistake.to_string())
    }
}

/// Answers `/api/v1/query`.
pub fn query(parameters: &Query, counters: &Snapshot, now: i64) -> Result<Json, Refused> {
    let at = match parameters.get("time") {
        "" => now,
        text => moment("time", text)?,
    };
    let expr = parse(parameters.get("query"))?;
    Ok(match Evaluation::new(counters).at(&expr, at)? {
        Value::Scalar(value) => json!({ "resultType": "scalar", "result": point(at, value) }),
        Value::Vector(samples) => {
            let shown = |sample: &Sample| json!({ "metric": *sample.labels, "value": point(at, sample.value) });
            json!({ "resultType": "vector", "result": samples.iter().map(shown).collect::<Vec<_>>() })
        }
    })
}

/// Answers `/api/v1/query_range`.
pub fn query_range(parameters: &Query, counters: &Snapshot) -> Result<Json, Refused> {
    let (start, end) = (moment("start", parameters.get("start"))?, moment("end", parameters.get("end"))?);
    if end < start {
        return Err(Refused::wrong("end", "end timestamp must not be before start time"));
    }
    let step = step(parameters.get("step"))?;
    if (end - start) / step > MOST_POINTS {
        return Err(Refused::TooFine);
    }
    let expr = parse(parameters.get("query"))?;
    let mut evaluation = Evaluation::new(counters);
    let mut rows: BTreeMap<Labels, Vec<Json>> = BTreeMap::new();
    for nth in 0..=(end - start) / step {
        let at = start + nth * step;
        match evaluation.at(&expr, at)? {
            Value::Scalar(value) => rows.entry(Labels::default()).or_default().push(point(at, value)),
            Value::Vector(samples) => {
                for sample in samples {
                    rows.entry(sample.labels).or_default().push(point(at, sample.value));
                }
            }
        }
    }
    let rows: Vec<Json> =
        rows.into_iter().map(|(labels, values)| json!({ "metric": *labels, "values": values })).collect();
    Ok(json!({ "resultType": "matrix", "result": rows }))
}

/// A value at a moment: seconds as a number, the value as a text.
fn point(at: i64, value: f64) -> Json {
    let at = if at % 1000 == 0 { json!(at / 1000) } else { json!(at as f64 / 1000.0) };
    json!([at, text(value)])
}

/// A number as Prometheus writes it.
fn text(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}

/// A moment, as seconds or as RFC 3339 writes it, in milliseconds. It is one that a clock can show.
fn moment(parameter: &'static str, text: &str) -> Result<i64, Refused> {
    let seconds = text.parse::<f64>().ok().map(|seconds| seconds * 1000.0).filter(|millis| millis.is_finite());
    let parsed = match seconds {
        Some(millis) => Timestamp::from_millisecond(millis.round() as i64).ok(),
        None => text.parse::<Timestamp>().ok(),
    };
    let parsed =
        parsed.ok_or_else(|| Refused::wrong(parameter, format!("cannot parse {text:?} to a valid timestamp")))?;
    Ok(parsed.as_millisecond())
}

/// A step, as seconds or as a duration, in milliseconds.
fn step(text: &str) -> Result<i64, Refused> {
    let seconds = text.parse::<f64>().ok().map(|seconds| (seconds * 1000.0).round() as i64);
    let step = seconds.or_else(|| duration(text));
    let step = step.ok_or_else(|| Refused::wrong("step", format!("cannot parse {text:?} to a valid duration")))?;
    if step <= 0 {
        let why = "zero or negative query resolution step widths are not accepted. Try a positive integer";
        return Err(Refused::wrong("step", why));
    }
    Ok(step)
}
