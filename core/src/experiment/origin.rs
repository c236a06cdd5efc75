//! The experiment that a step of a rollout asks for, and how far one has come, in words.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use crate::analysis::Phase;
use crate::analysis::origin::{Parent, value_of};
use crate::analysis::templates::Unfit;
use crate::api::{
    Experiment, ExperimentAnalysisTemplateRef, ExperimentSpec, ReplicaSet, RolloutExperimentStep,
    RolloutExperimentStepAnalysisTemplateRef, RolloutExperimentTemplate, TemplateSpec, labels,
};
use crate::selector;

/// The revisions that a step's templates can be taken from.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The one on trial.
    pub canary: &'a ReplicaSet,
    /// The stable one.
    pub stable: &'a ReplicaSet,
}

/// The experiment of the step at `index`.
pub fn experiment(
    name: &str,
    step: &RolloutExperimentStep,
    parent: &Parent<'_>,
    sources: Sources<'_>,
) -> Result<Experiment, Unfit> {
    let analyses = step.analyses.iter().map(|analysis| of_analysis(analysis, parent)).collect::<Result<_, _>>()?;
    let spec = ExperimentSpec {
        templates: step.templates.iter().map(|template| of_template(template, sources)).collect(),
        duration: step.duration.clone(),
        progress_deadline_seconds: parent.rollout.spec.progress_deadline_seconds,
        terminate: false,
        analyses,
        scale_down_delay_seconds: step.scale_down_delay_seconds,
        dry_run: step.dry_run.clone(),
        measurement_retention: Vec::new(),
        analysis_run_metadata: step.analysis_run_metadata.clone(),
    };
    let mut experiment = Experiment::new(name, spec);
    let rollout = &parent.rollout.metadata;
    let mut own = rollout.labels.clone().unwrap_or_default();
    own.insert(labels::POD_TEMPLATE_HASH.to_owned(), parent.hash.to_owned());
    experiment.metadata = ObjectMeta {
        name: Some(name.to_owned()),
        namespace: rollout.namespace.clone(),
        labels: Some(own),
        annotations: Some([(labels::REVISION.to_owned(), parent.revision.to_string())].into()),
        owner_references: Some(vec![parent.owner.clone()]),
        ..ObjectMeta::default()
    };
    Ok(experiment)
}

fn of_template(template: &RolloutExperimentTemplate, sources: Sources<'_>) -> TemplateSpec {
    let source = if template.spec_ref == "stable" { sources.stable } else { sources.canary };
    let mut pods = source.spec.template.clone();
    if let Some(metadata) = &template.metadata {
        for (at, entries) in [("labels", &metadata.labels), ("annotations", &metadata.annotations)] {
            let mut all = selector::texts(&pods, &format!("/metadata/{at}"));
            all.extend(entries.iter().map(|(key, value)| (key.clone(), value.clone())));
            if !all.is_empty() {
                pods["metadata"][at] = json!(all);
            }
        }
    }
    let asks_for_service = template.weight.is_some() || template.service.is_some();
    TemplateSpec {
        name: template.name.clone(),
        replicas: template.replicas,
        min_ready_seconds: source.spec.min_ready_seconds.filter(|seconds| *seconds > 0),
        selector: Some(template.selector.clone().unwrap_or_else(|| source.spec.selector.clone())),
        template: pods,
        service: asks_for_service.then(|| template.service.clone().unwrap_or_default()),
    }
}

fn of_analysis(
    analysis: &RolloutExperimentStepAnalysisTemplateRef,
    parent: &Parent<'_>,
) -> Result<ExperimentAnalysisTemplateRef, Unfit> {
    Ok(ExperimentAnalysisTemplateRef {
        name: analysis.name.clone(),
        template_name: analysis.template_name.clone(),
        cluster_scope: analysis.cluster_scope,
        args: analysis.args.iter().map(|arg| value_of(arg, parent)).collect::<Result<_, _>>()?,
        required_for_completion: analysis.required_for_completion,
    })
}

/// How far an experiment has come.
pub fn progress(experiment: &Experiment) -> String {
    let name = experiment.metadata.name.as_deref().unwrap_or_default();
    let status = experiment.status.clone().unwrap_or_default();
    let said = if !status.message.is_empty() {
        status.message
    } else if status.available_at.is_none() {
        let lacking = status.template_statuses.iter().find(|template| template.status != "Running");
        lacking.map_or_else(
            || "its pods are created".to_owned(),
            |template| format!("{} pods of template {} are available", template.available_replicas, template.name),
        )
    } else {
        let goes_on = |run: &&crate::api::ExperimentAnalysisRunStatus| !Phase::read(&run.phase).is_over();
        let runs: Vec<&str> = status.analysis_runs.iter().filter(goes_on).map(|run| run.name.as_str()).collect();
        let duration = experiment.spec.duration.as_deref().filter(|duration| !duration.is_empty());
        match (duration, runs.is_empty()) {
            (Some(duration), true) => format!("it runs for {duration}"),
            (Some(duration), false) => format!("it runs for {duration}, with the analyses {}", runs.join(", ")),
            (None, false) => format!("it waits for the analyses {}", runs.join(", ")),
            (None, true) => "it runs until it is terminated".to_owned(),
        }
    };
    format!("the experiment {name} goes on: {said}")
}
