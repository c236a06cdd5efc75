//! What comes of a query: a function of the counters, the expression and a moment.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::ast::{Aggregation, Expr, Operator};
use super::counters::{Series, Snapshot};
use super::matching::Matcher;
use super::{Labels, NAME};

/// The most values that one query may look at.
const MOST_WORK: usize = 1_000_000;

/// One series at one moment.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its labels.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

/// What comes of an expression.
#[derive(Clone, Debug)]
pub enum Value {
    /// One number.
    Scalar(f64),
    /// Series, no two with the same labels.
    Vector(Vec<Sample>),
}

/// The query looks at too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("query processing would load too many samples into memory in query execution")]
pub struct TooMuch;

/// A query that is being answered.
pub struct Evaluation<'a> {
    counters: &'a Snapshot,
    work: usize,
}

impl<'a> Evaluation<'a> {
    /// About these counters.
    pub fn new(counters: &'a Snapshot) -> Evaluation<'a> {
        Evaluation { counters, work: 0 }
    }

    /// The value of an expression at a moment, in milliseconds since 1970.
    pub fn at(&mut self, expr: &Expr, now: i64) -> Result<Value, TooMuch> {
        Ok(match expr {
            Expr::Number(number) => Value::Scalar(*number),
            Expr::Selector(of) => Value::Vector(self.select(of, |series| series.value(now))?),
            Expr::Rise { of, range, per_second } => {
                let over = if *per_second { *range as f64 / 1000.0 } else { 1.0 };
                let rose = self.select(of, |series| Some(series.increase(now, *range)? / over))?;
                Value::Vector(rose.into_iter().map(nameless).collect())
            }
            Expr::Vector(of) => match self.at(of, now)? {
                Value::Scalar(value) => Value::Vector(vec![Sample { labels: Labels::default(), value }]),
                vector @ Value::Vector(_) => vector,
            },
            Expr::Negative(of) => match self.at(of, now)? {
                Value::Scalar(value) => Value::Scalar(-value),
                Value::Vector(samples) => Value::Vector(
                    samples.into_iter().map(|sample| nameless(Sample { value: -sample.value, ..sample })).collect(),
                ),
            },
            Expr::Aggregate { how, by, of } => match self.at(of, now)? {
                Value::Vector(samples) => Value::Vector(aggregate(*how, by, &samples)),
                scalar @ Value::Scalar(_) => scalar,
            },
            Expr::Binary { operator, left, right } => {
                let (left, right) = (self.at(left, now)?, self.at(right, now)?);
                self.charge(&right)?;
                self.charge(&left)?;
                combine(*operator, left, right)
            }
        })
    }

    /// The values of the series that these matchers are for.
    fn select(&mut self, of: &[Matcher], value: impl Fn(&Series) -> Option<f64>) -> Result<Vec<Sample>, TooMuch> {
        self.spend(self.counters.0.len())?;
        let chosen = self.counters.0.iter().filter(|(labels, _)| of.iter().all(|matcher| matcher.is_for(labels)));
        Ok(chosen
            .filter_map(|(labels, series)| Some(Sample { labels: Arc::clone(labels), value: value(series)? }))
            .collect())
    }

    fn charge(&mut self, value: &Value) -> Result<(), TooMuch> {
        match value {
            Value::Scalar(_) => self.spend(1),
            Value::Vector(samples) => self.spend(samples.len()),
        }
    }

    fn spend(&mut self, samples: usize) -> Result<(), TooMuch> {
        self.work += samples + 1;
        if self.work > MOST_WORK { Err(TooMuch) } else { Ok(()) }
    }
}

fn nameless(mut sample: Sample) -> Sample {
    if sample.labels.contains_key(NAME) {
        Arc::make_mut(&mut sample.labels).remove(NAME);
    }
    sample
}

/// Labels without the name, by which two sides belong together.
fn key(sample: &Sample) -> Labels {
    nameless(sample.clone()).labels
}

fn combine(operator: Operator, left: Value, right: Value) -> Value {
    let keep = |sample: Sample| if operator.compares() { sample } else { nameless(sample) };
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => {
            // Comparisons of two scalars are not parsed.
            Value::Scalar(operator.apply(left, right).unwrap_or(0.0))
        }
        // A comparison leaves the value of the series, on whichever side it is.
        (Value::Vector(samples), Value::Scalar(number)) => Value::Vector(
            samples
                .into_iter()
                .filter_map(|sample| {
                    let value = operator.apply(sample.value, number)?;
                    Some(keep(Sample { value, ..sample }))
                })
                .collect(),
        ),
        (Value::Scalar(number), Value::Vector(samples)) => Value::Vector(
            samples
                .into_iter()
                .filter_map(|sample| {
                    let value = operator.apply(number, sample.value)?;
                    let value = if operator.compares() { sample.value } else { value };
                    Some(keep(Sample { value, ..sample }))
                })
                .collect(),
        ),
        (Value::Vector(mut left), Value::Vector(right)) if operator == Operator::Or => {
            let there: HashSet<Labels> = left.iter().map(key).collect();
            left.extend(right.into_iter().filter(|sample| !there.contains(&key(sample))));
            Value::Vector(left)
        }
        (Value::Vector(left), Value::Vector(right)) => {
            let others: HashMap<Labels, f64> = right.iter().map(|sample| (key(sample), sample.value)).collect();
            let matched = left.into_iter().filter_map(|sample| {
                let value = operator.apply(sample.value, *others.get(&key(&sample))?)?;
                Some(keep(Sample { value, ..sample }))
            });
            Value::Vector(matched.collect())
        }
    }
}

fn aggregate(how: Aggregation, by: &[String], samples: &[Sample]) -> Vec<Sample> {
    let mut groups: BTreeMap<BTreeMap<String, String>, Vec<f64>> = BTreeMap::new();
    for sample in samples {
        let kept = by.iter().filter_map(|label| Some((label.clone(), sample.labels.get(label)?.clone())));
        groups.entry(kept.collect()).or_default().push(sample.value);
    }
    let made = groups.into_iter().map(|(labels, values)| Sample { labels: Arc::new(labels), value: one(how, &values) });
    made.collect()
}

/// One value of many. `NaN` is neither the largest nor the smallest, unless it is alone.
fn one(how: Aggregation, values: &[f64]) -> f64 {
    let (sum, count) = (values.iter().sum::<f64>(), values.len() as f64);
    match how {
        // An empty sum of Rust's is -0.
        Aggregation::Sum => sum + 0.0,
        Aggregation::Avg => sum / count,
        Aggregation::Count => count,
        Aggregation::Max => values.iter().copied().fold(f64::NAN, f64::max),
        Aggregation::Min => values.iter().copied().fold(f64::NAN, f64::min),
    }
}
