//! The revisions of a rollout: their ReplicaSets with their pods, and their experiments.

use maud::{Markup, html};
use sluice_core::act::action::Action;
use sluice_core::info::experiment::ExperimentInfo;
use sluice_core::info::replica_set::ReplicaSetInfo;
use sluice_core::info::rollout::{Revision, RolloutInfo};

use crate::dashboard::Dashboard;
use crate::dashboard::html as shell;

/// The newest revisions, and all that have pods, are shown at once; the others can be opened.
const OPEN: usize = 2;

/// All of them, the newest first.
pub fn section(dashboard: &Dashboard, info: &RolloutInfo) -> Markup {
    html! {
        section id="revisions" aria-labelledby="revisions-title" {
            h2 id="revisions-title" { "Revisions" }
            @for (index, revision) in info.revisions.iter().enumerate() { (one(dashboard, info, index, revision)) }
        }
    }
}

fn one(dashboard: &Dashboard, info: &RolloutInfo, index: usize, revision: &Revision) -> Markup {
    let has_pods = revision.replica_sets.iter().any(|rs| rs.runs);
    let number = revision.number.to_string();
    let images: Vec<&str> = revision.replica_sets.iter().flat_map(|rs| rs.images.iter().map(String::as_str)).collect();
    let roles: Vec<&str> = revision.replica_sets.iter().flat_map(|rs| rs.roles.iter().copied()).collect();
    let path = dashboard.path(&[&info.namespace, &info.name, "do", Action::Undo.name()]);
    html! {
        details id=(format!("revision-{number}")) open[index < OPEN || has_pods] {
            summary {
                b { "Revision " (number) }
                @for role in &roles { " " span class="role" { (role) } }
                @for image in &images { " " code { (image) } }
            }
            @for rs in &revision.replica_sets { (replica_set(rs)) }
            @for experiment in &revision.experiments { (of_experiment(experiment)) }
            @if index > 0 && !dashboard.settings.read_only && !revision.replica_sets.is_empty() {
                a class="button" data-ask href=(format!("{path}?revision={number}")) { "Roll back to revision " (number) }
            }
        }
    }
}

fn replica_set(rs: &ReplicaSetInfo) -> Markup {
    html! {
        div class="replica-set" {
            p {
                span class="kind" { "ReplicaSet " } b { (rs.name) } " " (shell::badge(&rs.status))
                " " span class="quiet" { (shell::age(&rs.age)) }
                @let facts = rs.facts();
                @if !facts.is_empty() { " " span class="role" { (facts) } }
            }
            @if !rs.pods.is_empty() {
                ul class="pods" {
                    @for pod in &rs.pods {
                        li class=(shell::class(pod.status.tone)) {
                            span aria-hidden="true" { (pod.status.tone.symbol()) } " " (pod.name) " "
                            span class="quiet" { (pod.status.word) ", " (pod.facts()) ", " (shell::age(&pod.age)) }
                        }
                    }
                }
            }
        }
    }
}

fn of_experiment(experiment: &ExperimentInfo) -> Markup {
    html! {
        div class="experiment" {
            p {
                span class="kind" { "Experiment " } b { (experiment.name) } " " (shell::badge(&experiment.status))
                " " span class="quiet" { (shell::age(&experiment.age)) }
                @if let Some(remaining) = &experiment.remaining { " " span class="quiet" { "still " (remaining) } }
            }
            @if !experiment.message.is_empty() { p { (experiment.message) } }
            @for rs in &experiment.replica_sets { (replica_set(rs)) }
        }
    }
}
