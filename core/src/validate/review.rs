//! Everything that can be said of one object before it is applied, and of what it refers to.
//!
//! This is all that `kubectl sluice lint` knows, and what the admission webhook decides by: raw JSON in, problems out.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::{Problem, Problems};
use super::references::{self, Surroundings};
use super::{fields, metrics, spec, unsupported};
use crate::api::{API_VERSION, AnalysisRun, AnalysisTemplate, Experiment, decode};
use crate::traffic;

/// The group of our kinds.
const GROUP: &str = "argoproj.io/";

/// Whether [`review`] has something to say of an object: it is of a kind of ours.
pub fn is_known(object: &Value) -> bool {
    text(object, "apiVersion").starts_with(GROUP) && fields::knows(text(object, "kind"))
}

/// Everything that is wrong or doubtful in an object of a kind of ours: unknown fields and wrong types, its rules, and, for a
/// Rollout, what it refers to among the objects around it. Problems come in the order in which they are looked for.
pub fn review(object: &Value, around: &dyn Surroundings) -> Vec<Problem> {
    let mut found = Problems::default();
    let (version, kind) = (text(object, "apiVersion"), text(object, "kind"));
    if !fields::knows(kind) {
        found.error("kind", format!("Unsupported value: {kind:?}"));
        return found.into_vec();
    }
    if version != API_VERSION {
        found.unsupported("apiVersion", version, &[API_VERSION]);
    }
    let named = ["name", "generateName"].iter().any(|field| !text(&object["metadata"], field).is_empty());
    if !named {
        found.required("metadata.name", "");
    }
    let mut strict = Problems::default();
    fields::check(kind, object, &mut strict);
    // Rules about values that were misread would say what is not so.
    let readable = match kind {
        "Rollout" => rollout(object, around, &mut found),
        "AnalysisTemplate" | "ClusterAnalysisTemplate" => template(object, &mut found),
        "AnalysisRun" => read(object, &mut found, |run: &AnalysisRun, found| {
            metrics::check_written("spec.metrics", &run.spec.metrics, found);
        }),
        _ => read(object, &mut found, |_: &Experiment, _| {}),
    };
    let mut all = strict;
    if let Err(why) = readable
        && !all.has_errors()
    {
        all.error("", format!("cannot be read: {why}"));
    }
    all.extend(found.into_vec());
    all.into_vec()
}

/// Checks a Rollout, or says why it cannot be read.
fn rollout(object: &Value, around: &dyn Surroundings, found: &mut Problems) -> Result<(), String> {
    let (rollout, problems) = decode::rollout(object.clone());
    if let Some(problem) = problems.first() {
        return Err(problem.to_string());
    }
    spec::check(&rollout, found);
    references::check(&rollout, around, found);
    if !found.has_errors() {
        let routers = traffic::named(&rollout);
        let names: Vec<&str> = routers.iter().map(|router| router.name()).collect();
        if let Err(held) = unsupported::check(&rollout, &names) {
            found.warn("", held);
        }
    }
    Ok(())
}

fn template(object: &Value, found: &mut Problems) -> Result<(), String> {
    // Both kinds of templates have the same fields.
    read(object, found, |template: &AnalysisTemplate, found| metrics::check_template(&template.spec, found))
}

fn read<T: DeserializeOwned>(
    object: &Value,
    found: &mut Problems,
    check: impl FnOnce(&T, &mut Problems),
) -> Result<(), String> {
    let read = serde_json::from_value(object.clone()).map_err(|error| error.to_string())?;
    check(&read, found);
    Ok(())
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}
