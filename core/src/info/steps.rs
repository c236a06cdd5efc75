//! The steps of a canary in words, and which of them it is at.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::api::{
    AnalysisTemplateRef, CanaryStep, Rollout, RolloutExperimentStep, RolloutPause, SetCanaryScale, SetHeaderRoute,
    SetMirrorRoute,
};
use crate::steps::kind_of;

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is over.
    Done,
    /// The rollout is at it.
    Current,
    /// It comes later.
    Ahead,
}

/// What is shown of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepInfo {
    /// Its number, from 1.
    pub number: usize,
    /// What it does, in a few words.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// The steps of a rollout; none where it has no canary.
pub fn of(rollout: &Rollout) -> Vec<StepInfo> {
    let steps = rollout.spec.strategy.canary.as_ref().and_then(|canary| canary.steps.as_deref()).unwrap_or_default();
    let status = rollout.status();
    // Without an index nothing has begun. An abort leaves all of it ahead, for the retry.
    let current = status.current_step_index.and_then(|index| usize::try_from(index).ok()).filter(|_| !status.abort);
    let place = |index: usize| match current {
        Some(current) if index < current => Place::Done,
        Some(current) if index == current => Place::Current,
        Some(_) | None => Place::Ahead,
    };
    let each = steps.iter().enumerate();
    each.map(|(index, step)| StepInfo { number: index + 1, text: text(step), place: place(index) }).collect()
}

/// What a step does.
pub fn text(step: &CanaryStep) -> String {
    let told = step.set_weight.map(|weight| format!("set weight to {weight} %"));
    told.or_else(|| step.pause.as_ref().map(pause))
        .or_else(|| step.analysis.as_ref().map(|analysis| format!("analysis: {}", names(&analysis.templates))))
        .or_else(|| step.experiment.as_ref().map(experiment))
        .or_else(|| step.set_canary_scale.as_ref().map(scale))
        .or_else(|| step.set_header_route.as_ref().map(headers))
        .or_else(|| step.set_mirror_route.as_ref().map(mirror))
        .or_else(|| step.plugin.as_ref().map(|plugin| format!("plugin {}", plugin.name)))
        // A step that validation refuses still has its place in the list.
        .unwrap_or_else(|| kind_of(step).map_or_else(|| "nothing".to_owned(), |kind| kind.describe(step)))
}

fn pause(pause: &RolloutPause) -> String {
    match &pause.duration {
        None => "pause until promoted".to_owned(),
        Some(IntOrString::Int(seconds)) => format!("pause for {seconds}s"),
        Some(IntOrString::String(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("pause for {text}s")
        }
        Some(IntOrString::String(text)) => format!("pause for {text}"),
    }
}

fn names(templates: &[AnalysisTemplateRef]) -> String {
    templates.iter().map(|template| template.template_name.as_str()).collect::<Vec<_>>().join(", ")
}

fn experiment(step: &RolloutExperimentStep) -> String {
    let names: Vec<&str> = step.templates.iter().map(|template| template.name.as_str()).collect();
    let duration = step.duration.as_ref().map(|duration| format!(" for {duration}"));
    format!("experiment: {}{}", names.join(", "), duration.unwrap_or_default())
}

fn scale(scale: &SetCanaryScale) -> String {
    match (scale.replicas, scale.weight) {
        (Some(1), _) => "scale the canary to 1 pod".to_owned(),
        (Some(replicas), _) => format!("scale the canary to {replicas} pods"),
        (None, Some(weight)) => format!("scale the canary to {weight} % of the pods"),
        (None, None) => "scale the canary with its weight".to_owned(),
    }
}

fn headers(route: &SetHeaderRoute) -> String {
    let headers: Vec<&str> = route.matches.iter().map(|each| each.header_name.as_str()).collect();
    match &headers[..] {
        [] => format!("remove the header route {}", route.name),
        headers => format!("header route {}: {}", route.name, headers.join(", ")),
    }
}

fn mirror(route: &SetMirrorRoute) -> String {
    match route.matches.len() {
        0 => format!("remove the mirror {}", route.name),
        _ => format!("mirror {} % by {}", route.percentage.unwrap_or(100), route.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn rollout(status: &Value) -> Rollout {
        let steps = json!([
            {"setWeight": 20}, {"pause": {}}, {"pause": {"duration": 30}}, {"pause": {"duration": "10m"}},
            {"analysis": {"templates": [{"templateName": "errors"}, {"templateName": "latency"}]}},
            {"experiment": {"duration": "1h", "templates": [{"name": "a", "specRef": "stable"}, {"name": "b", "specRef": "canary"}]}},
            {"setCanaryScale": {"replicas": 3}}, {"setCanaryScale": {"weight": 25}}, {"setCanaryScale": {"matchTrafficWeight": true}},
            {"setHeaderRoute": {"name": "beta", "match": [{"headerName": "x-beta"}]}}, {"setHeaderRoute": {"name": "beta"}},
            {"setMirrorRoute": {"name": "copy", "percentage": 5, "match": [{"path": {"prefix": "/"}}]}},
            {"setMirrorRoute": {"name": "copy"}}, {"plugin": {"name": "example/wait"}}, {},
        ]);
        serde_json::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"},
            "spec": {"strategy": {"canary": {"steps": steps}}}, "status": status,
        }))
        .expect("a rollout")
    }

    #[test]
    fn every_kind_of_step_is_told_in_a_few_words() {
        let told: Vec<String> = of(&rollout(&json!({}))).into_iter().map(|step| step.text).collect();
        let expected = [
            "set weight to 20 %",
            "pause until promoted",
            "pause for 30s",
            "pause for 10m",
            "analysis: errors, latency",
            "experiment: a, b for 1h",
            "scale the canary to 3 pods",
            "scale the canary to 25 % of the pods",
            "scale the canary with its weight",
            "header route beta: x-beta",
            "remove the header route beta",
            "mirror 5 % by copy",
            "remove the mirror copy",
            "plugin example/wait",
            "nothing",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn the_index_says_which_are_over() {
        let places = |status: Value| -> String {
            let place = |step: StepInfo| match step.place {
                Place::Done => 'd',
                Place::Current => 'c',
                Place::Ahead => 'a',
            };
            of(&rollout(&status)).into_iter().take(3).map(place).collect()
        };
        assert_eq!(places(json!({})), "aaa");
        assert_eq!(places(json!({"currentStepIndex": 1})), "dca");
        assert_eq!(places(json!({"currentStepIndex": 15})), "ddd");
        assert_eq!(places(json!({"currentStepIndex": 1, "abort": true})), "aaa");
    }
}
