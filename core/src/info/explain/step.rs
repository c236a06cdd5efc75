//! A step of a canary, as one would say it.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Serialize;

use crate::api::{AnalysisTemplateRef, CanaryStep, PauseReason, Rollout};
use crate::info::{age, text};
use crate::time::{self, parse_go_duration};

/// Names that are listed of a step, at most.
const MOST_NAMES: usize = 10;

/// The step that a canary is at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepAt {
    /// Its number, counted from 1; one more than there are once all are done.
    pub number: usize,
    /// How many there are.
    pub count: usize,
    /// What it does.
    pub doing: String,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

impl StepAt {
    /// The step that a rollout is at, if it has steps and an update is under way.
    pub fn of(rollout: &Rollout, now: Timestamp) -> Option<StepAt> {
        let canary = rollout.spec.strategy.canary.as_ref()?;
        let steps = canary.steps.as_deref().filter(|steps| !steps.is_empty())?;
        let index = usize::try_from(rollout.status().current_step_index?).ok()?;
        let Some(step) = steps.get(index) else {
            let doing = "all steps are done".to_owned();
            return Some(StepAt { number: steps.len() + 1, count: steps.len(), doing, until: None });
        };
        let until = length(step).and_then(|length| {
            let since = rollout.status().paused_since(PauseReason::CANARY_PAUSE_STEP)?;
            Some(time::after(since, length))
        });
        let left = until.map(|until| match until.duration_since(now) {
            left if left.is_positive() => format!(", {} left", age::human(left)),
            _ => ", which is over".to_owned(),
        });
        let doing = in_words(step, canary.max_weight()) + &left.unwrap_or_default();
        Some(StepAt { number: index + 1, count: steps.len(), doing, until })
    }

    /// `step 3 of 6: wait until promoted`.
    pub fn text(&self) -> String {
        if self.number > self.count {
            return format!("all {} steps are done", self.count);
        }
        format!("step {} of {}: {}", self.number, self.count, self.doing)
    }
}

/// How long a pause lasts that ends by itself.
fn length(step: &CanaryStep) -> Option<jiff::SignedDuration> {
    match step.pause.as_ref()?.duration.as_ref()? {
        IntOrString::Int(seconds) => Some(jiff::SignedDuration::from_secs(i64::from(*seconds))),
        IntOrString::String(text) => match text.parse() {
            Ok(seconds) => Some(jiff::SignedDuration::from_secs(seconds)),
            Err(_) => parse_go_duration(text).ok(),
        },
    }
}

/// What a step does, where all of the traffic is `max_weight`.
pub fn in_words(step: &CanaryStep, max_weight: i32) -> String {
    if let Some(weight) = step.set_weight {
        return format!("send {}% to the new revision", percent(weight, max_weight));
    }
    if step.pause.is_some() {
        return length(step)
            .map_or_else(|| "wait until promoted".into(), |length| format!("wait for {}", age::human(length)));
    }
    if let Some(experiment) = &step.experiment {
        let names = experiment.templates.iter().map(|template| template.name.as_str());
        return format!("run an experiment with {}", list(names));
    }
    if let Some(analysis) = &step.analysis {
        return format!("run the analysis {}", templates(&analysis.templates));
    }
    if let Some(scale) = &step.set_canary_scale {
        return match (scale.replicas, scale.weight) {
            (Some(replicas), _) => format!("bring the new revision to {replicas} pods"),
            (None, Some(weight)) => format!("bring the new revision to {weight}% of the pods"),
            (None, None) => "bring the new revision to the size that its weight asks for".to_owned(),
        };
    }
    if let Some(route) = &step.set_header_route {
        let name = text::printable(&route.name);
        if route.matches.is_empty() {
            return format!("take the header route {name} away");
        }
        let headers = list(route.matches.iter().map(|header| header.header_name.as_str()));
        return format!("send requests with the header {headers} to the new revision (route {name})");
    }
    if let Some(route) = &step.set_mirror_route {
        let name = text::printable(&route.name);
        if route.matches.is_empty() {
            return format!("take the mirror route {name} away");
        }
        return format!("copy {}% of requests to the new revision (route {name})", route.percentage.unwrap_or(100));
    }
    match &step.plugin {
        Some(plugin) => format!("run the plugin {}", text::printable(&plugin.name)),
        None => "a kind of step that this version does not know".to_owned(),
    }
}

/// A weight in percent, to the hundredth.
fn percent(weight: i32, of: i32) -> f64 {
    (f64::from(weight) * 10_000.0 / f64::from(of.max(1))).round() / 100.0
}

fn templates(templates: &[AnalysisTemplateRef]) -> String {
    list(templates.iter().map(|template| template.template_name.as_str()))
}

/// Names, separated by commas, and no more than one can read.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(MOST_NAMES).map(|name| text::printable(name)).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn every_kind_of_step_reads_as_one_would_say_it() {
        let reads = |step: Value, words: &str| {
            assert_eq!(in_words(&serde_json::from_value(step).expect("a step"), 100), words);
        };
        reads(json!({"setWeight": 20}), "send 20% to the new revision");
        reads(json!({"pause": {}}), "wait until promoted");
        reads(json!({"pause": {"duration": 90}}), "wait for 90s");
        reads(json!({"pause": {"duration": "90"}}), "wait for 90s");
        reads(json!({"pause": {"duration": "10m"}}), "wait for 10m");
        let templates = json!([{"templateName": "errors"}, {"templateName": "latency"}]);
        reads(json!({"analysis": {"templates": templates}}), "run the analysis errors, latency");
        let experiment =
            json!({"templates": [{"name": "old", "specRef": "stable"}, {"name": "new", "specRef": "canary"}]});
        reads(json!({"experiment": experiment}), "run an experiment with old, new");
        reads(json!({"setCanaryScale": {"replicas": 3}}), "bring the new revision to 3 pods");
        reads(json!({"setCanaryScale": {"weight": 25}}), "bring the new revision to 25% of the pods");
        reads(
            json!({"setCanaryScale": {"matchTrafficWeight": true}}),
            "bring the new revision to the size that its weight asks for",
        );
        let header = json!({"name": "beta", "match": [{"headerName": "x-beta", "headerValue": {"exact": "1"}}]});
        reads(
            json!({"setHeaderRoute": header}),
            "send requests with the header x-beta to the new revision (route beta)",
        );
        reads(json!({"setHeaderRoute": {"name": "beta"}}), "take the header route beta away");
        let mirror = json!({"name": "copy", "percentage": 35, "match": [{"method": {"exact": "GET"}}]});
        reads(json!({"setMirrorRoute": mirror}), "copy 35% of requests to the new revision (route copy)");
        reads(json!({"setMirrorRoute": {"name": "copy"}}), "take the mirror route copy away");
        reads(json!({"plugin": {"name": "org/approve"}}), "run the plugin org/approve");
        reads(json!({}), "a kind of step that this version does not know");
    }

    #[test]
    fn a_weight_is_a_share_of_the_most_that_there_is() {
        for (weight, words) in [(500, "send 50% to"), (5, "send 0.5% to"), (1, "send 0.1% to"), (1000, "send 100% to")]
        {
            let step = serde_json::from_value(json!({"setWeight": weight})).expect("a step");
            assert_eq!(in_words(&step, 1000), format!("{words} the new revision"));
        }
        let step = serde_json::from_value(json!({"setWeight": 1})).expect("a step");
        assert_eq!(in_words(&step, 3), "send 33.33% to the new revision");
    }
}
