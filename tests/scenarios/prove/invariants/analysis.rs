//! What must hold of analysis runs after every write of the controller.

use serde_json::Value;
use sluice_sandbox::object;
use sluice_sandbox::store::Change;

use super::{Objects, number, walked};

/// S9: no step with analysis is left behind unless a run for it was successful.
pub(super) fn gate(objects: &Objects, change: &Change) -> Option<String> {
    let (from, steps) = walked(change)?;
    let hash = change.after["status"]["currentPodHash"].as_str()?;
    (from..).zip(steps).filter(|(_, step)| !step["analysis"].is_null()).find_map(|(index, _)| {
        let is_of_step = |run: &Value| {
            let labels = object::labels(run);
            labels.get("rollouts-pod-template-hash").is_some_and(|label| label == hash)
                && labels.get("step-index").is_some_and(|label| *label == index.to_string())
        };
        let mut runs = objects.iter().filter(|((resource, _), _)| resource == "analysisruns.argoproj.io");
        let good = runs.any(|(_, run)| is_of_step(run) && run["status"]["phase"] == "Successful");
        (!good).then(|| format!("S9 analysis: walked past the analysis at step {index} without a successful run"))
    })
}

/// A run ends once, and a measurement counts once.
pub(super) fn once(change: &Change) -> Option<String> {
    let (before, after) = (&change.before.as_ref()?["status"], &change.after["status"]);
    let name = object::name(&change.after);
    if !before["completedAt"].is_null() && before != after {
        return Some(format!("S9 analysis: {name} changed after its end"));
    }
    let results = |status: &Value| status["metricResults"].as_array().cloned().unwrap_or_default();
    results(after).iter().find_map(|result| {
        let known = results(before).into_iter().find(|known| known["name"] == result["name"]).unwrap_or_default();
        let taken = |result: &Value| number(result, "/count") + number(result, "/error");
        let more = taken(result) - taken(&known);
        (!(0..=1).contains(&more))
            .then(|| format!("S9 analysis: {name} counts {more} measurements of one metric at once"))
    })
}

/// An experiment ends once: its phase does not change any more.
pub(super) fn ends_once(change: &Change) -> Option<String> {
    let phase = |object: &Value| object["status"]["phase"].as_str().unwrap_or_default().to_owned();
    let (before, after) = (phase(change.before.as_ref()?), phase(&change.after));
    let is_over = ["Successful", "Failed", "Error", "Inconclusive"].contains(&before.as_str());
    (is_over && before != after)
        .then(|| format!("S9 experiment: {} was {before} and is {after}", object::name(&change.after)))
}
