//! What Prometheus answers, as numbers: labels and times are skipped as they are read, so that a long answer costs little more than
//! its numbers.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use sluice_core::expr::Value;

use crate::providers::http::{Answered, Failure};
use crate::providers::{Answer, Reading, value};

/// An answer of the API.
#[derive(Deserialize)]
struct Envelope {
    status: String,
    data: Option<Data>,
    #[serde(default, rename = "errorType")]
    kind: String,
    #[serde(default)]
    error: String,
    #[serde(default, deserialize_with = "or_default")]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default)]
    result_type: String,
    #[serde(default)]
    result: Outcome,
}

/// The numbers of an outcome, in their order, whichever of its types it has.
#[derive(Default)]
struct Outcome {
    numbers: Vec<f64>,
    has_histograms: bool,
}

/// One element of a list that is a vector, a matrix, or a scalar's pair of time and number.
enum Element {
    Series(Series),
    Number(f64),
    Other,
}

#[derive(Deserialize)]
struct Series {
    value: Option<Sample>,
    #[serde(default, deserialize_with = "or_default")]
    values: Vec<Sample>,
    histogram: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "or_default")]
    histograms: Vec<IgnoredAny>,
}

/// A pair of time and number, of which the number counts.
struct Sample(f64);

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// The value in an answer, or why there is none.
pub(super) fn read(answered: &Answered) -> Result<Answer, Failure> {
    let envelope: Result<Envelope, serde_json::Error> = serde_json::from_slice(&answered.body);
    let is_success = answered.status.is_success();
    let envelope = match envelope {
        Ok(envelope) => envelope,
        Err(_) if !is_success => return Err(answered.refusal(None, "; see the address of the metric")),
        Err(error) => {
            let why = format!("answers what Prometheus does not: {error}; see the address of the metric");
            return Err(answered.unusable(&why));
        }
    };
    if !is_success || envelope.status != "success" {
        let said = format!("{}: {}", envelope.kind, envelope.error);
        return Err(answered.refusal(Some(said.trim_start_matches(": ")), "; see the query"));
    }
    let warnings = envelope.warnings.iter().map(|warning| format!("{warning:?}")).collect::<Vec<_>>().join(", ");
    let metadata = Some(warnings).filter(|warnings| !warnings.is_empty());
    let metadata: BTreeMap<String, String> = metadata.map(|text| ("warnings".to_owned(), text)).into_iter().collect();
    let reading = envelope.data.ok_or("answers without data".to_owned()).and_then(reading);
    reading.map(|reading| Answer { reading, metadata }).map_err(|why| answered.unusable(&why))
}

fn reading(data: Data) -> Result<Reading, String> {
    let Data { result_type, result: Outcome { numbers, has_histograms } } = data;
    if has_histograms {
        return Err(
            "answers with native histograms, which are no numbers; take histogram_quantile() or another function"
                .to_owned(),
        );
    }
    match (result_type.as_str(), numbers.as_slice()) {
        ("scalar", [number]) => Ok(value(Value::Float(*number), text(*number))),
        ("vector" | "matrix", _) => {
            let texts = numbers.iter().map(|number| text(*number)).collect::<Vec<_>>().join(",");
            Ok(value(Value::floats(numbers), format!("[{texts}]")))
        }
        (kind, _) => Err(format!(
            "answers with a {kind:?}: Prometheus metric type not supported; ask for a scalar, a vector or a matrix"
        )),
    }
}

/// A number as Go writes it without exponents.
fn text(number: f64) -> String {
    match number {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        number => number.to_string(),
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Outcome, D::Error> {
        struct Elements;

        impl<'de> Visitor<'de> for Elements {
            type Value = Outcome;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of series, or a pair of time and number")
            }

            fn visit_unit<E: Error>(self) -> Result<Outcome, E> {
                Ok(Outcome::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Outcome, A::Error> {
                let mut outcome = Outcome::default();
                while let Some(element) = elements.next_element::<Element>()? {
                    match element {
                        Element::Series(series) => {
                            outcome.has_histograms |= series.histogram.is_some() || !series.histograms.is_empty();
                            outcome
                                .numbers
                                .extend(series.value.into_iter().chain(series.values).map(|sample| sample.0));
                        }
                        Element::Number(number) => outcome.numbers.push(number),
                        Element::Other => {}
                    }
                }
                Ok(outcome)
            }
        }

        from.deserialize_any(Elements)
    }
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Element, D::Error> {
        struct One;

        impl<'de> Visitor<'de> for One {
            type Value = Element;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a series, a time or a number")
            }

            // A time: numbers are texts.
            fn visit_f64<E: Error>(self, _: f64) -> Result<Element, E> {
                Ok(Element::Other)
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Element, E> {
                Ok(Element::Other)
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Element, E> {
                Ok(Element::Other)
            }

            // Of a scalar a number; the result of a string is anything, and refused by its type.
            fn visit_str<E: Error>(self, text: &str) -> Result<Element, E> {
                Ok(text.parse().map_or(Element::Other, Element::Number))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Element, A::Error> {
                Series::deserialize(MapAccessDeserializer::new(map)).map(Element::Series)
            }
        }

        from.deserialize_any(One)
    }
}

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Sample, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = Sample;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Sample, E> {
                text.parse().map(Sample).map_err(|_| E::custom(format_args!("{text:?} is no number")))
            }
        }

        #[derive(Deserialize)]
        struct Pair(
            #[allow(dead_code, reason = "the time is skipped")] IgnoredAny,
            #[serde(deserialize_with = "number")] Sample,
        );

        fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Sample, D::Error> {
            from.deserialize_str(Number)
        }

        Pair::deserialize(from).map(|pair| pair.1)
    }
}
