//! Why a rollout is where it is, and what to do next: what the plugin's `explain` says.

use jiff::Timestamp;
use maud::{Markup, html};
use sluice_core::info::age::Age;
use sluice_core::info::badge::Badge;
use sluice_core::info::explain::Explanation;
use sluice_core::info::explain::advice::Advice;
use sluice_core::info::explain::metrics::Verdict;
use sluice_core::info::explain::pods::PodFault;

use crate::dashboard::html as shell;

/// What stands in the way, the likeliest first. Nothing is shown of a rollout that is as it should be.
pub fn section(it: &Explanation, now: Timestamp) -> Markup {
    let nothing = it.aborted.is_none() && it.holds.is_empty() && it.metrics.is_empty() && it.runs.is_empty();
    let nothing = nothing && it.pods.is_empty() && it.next.is_empty() && it.is_observed;
    let ago = |at: Option<Timestamp>| at.map(|at| html! { (shell::age(&Age::of(Some(at), now))) " ago" });
    html! {
        section id="why" hidden[nothing] aria-labelledby="why-title" {
            h2 id="why-title" { "Why, and what next" }
            @if !it.is_observed { p { "The controller has not looked at the last change of the manifest yet." } }
            @if let Some(step) = &it.step { p { (step.text()) } }
            @if let Some(aborted) = &it.aborted {
                p { b { "The update was given up: " } (aborted.why) @if let Some(ago) = ago(aborted.at) { ", " (ago) } }
            }
            @for hold in &it.holds {
                p { b { (hold.condition) } " (" (hold.reason) "): " (hold.message) ", " @if let Some(ago) = ago(Some(hold.since)) { (ago) } }
            }
            @for verdict in &it.metrics { (metric(verdict)) }
            @for run in &it.runs { p { (shell::badge(&Badge::analysis(&run.phase))) " analysis run " b { (run.run) } @if !run.message.is_empty() { ": " (run.message) } } }
            @if !it.pods.is_empty() {
                ul class="faults" aria-label="Pods that are not ready" {
                    @for fault in &it.pods { (pod(fault)) }
                    @if it.more_pods > 0 { li { "and " (it.more_pods) " more" } }
                }
            }
            @if !it.next.is_empty() {
                dl class="next" aria-label="What to do next" {
                    @for Advice { why, command } in &it.next { div { dt { (why) } dd { code { (command) } } } }
                }
            }
        }
    }
}

fn metric(it: &Verdict) -> Markup {
    html! {
        p {
            (shell::badge(&Badge::analysis(&it.phase))) " " b { (it.metric) } " of analysis run " (it.run)
            @if let Some(value) = &it.value { ", last " b { (value) } }
            @for condition in &it.conditions { "; " (condition) }
            @if !it.message.is_empty() { ": " (it.message) }
        }
    }
}

fn pod(it: &PodFault) -> Markup {
    html! {
        li {
            b { (it.name) } @for role in &it.roles { " " span class="role" { (role) } } ": " (it.state)
            @for why in &it.why { ", " (why) }
        }
    }
}
