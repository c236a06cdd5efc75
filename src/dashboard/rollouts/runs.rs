//! What is measured of a rollout: its analysis runs, those of its experiments among them, with charts.

use maud::{Markup, html};
use sluice_core::info::analysis_run::{MetricInfo, RunInfo};
use sluice_core::info::rollout::RolloutInfo;

use crate::dashboard::chart;
use crate::dashboard::html as shell;

/// Values that are no numbers are shown of so many measurements, the newest.
const MOST_TEXTS: usize = 5;
/// So many runs are open at once; the others can be opened.
const OPEN: usize = 3;

/// All of them, those of the newest revision first.
pub fn section(info: &RolloutInfo) -> Markup {
    let of_experiments =
        info.revisions.iter().flat_map(|revision| revision.experiments.iter().flat_map(|one| &one.runs));
    // Within a revision the oldest comes first; here the newest does.
    let runs: Vec<&RunInfo> =
        info.revisions.iter().flat_map(|revision| revision.runs.iter().rev()).chain(of_experiments).collect();
    html! {
        section id="analysis" hidden[runs.is_empty()] aria-labelledby="analysis-title" {
            h2 id="analysis-title" { "Analysis" }
            @for (index, run) in runs.iter().enumerate() {
                details id=(format!("run-{}", run.name)) open[index < OPEN] {
                    summary { b { (run.name) } " " (shell::badge(&run.status)) " " span class="quiet" { (shell::age(&run.age)) } }
                    @if !run.message.is_empty() { p { (run.message) } }
                    @for metric in &run.metrics { (of_metric(metric)) }
                }
            }
        }
    }
}

fn of_metric(metric: &MetricInfo) -> Markup {
    let newest = &metric.taken[metric.taken.len().saturating_sub(MOST_TEXTS)..];
    html! {
        div class="metric" {
            p {
                b { (metric.name) } " " (shell::badge(&metric.status)) " " span class="quiet" { (metric.tally.text()) }
                @if metric.is_dry { " " span class="role" { "decides nothing" } }
            }
            @if let Some(chart) = chart::draw(metric) { (chart) }
            @else if newest.iter().any(|taken| !taken.value.is_empty()) {
                ul class="values" {
                    @for taken in newest {
                        li class=(shell::class(taken.point.tone)) {
                            span aria-hidden="true" { (taken.point.tone.symbol()) } " " (taken.value)
                        }
                    }
                }
            }
            @for condition in &metric.conditions { p class="condition" { (condition) } }
            @if let Some(query) = &metric.query { p class="quiet" { "query: " code { (query) } } }
            @if !metric.message.is_empty() { p { (metric.message) } }
        }
    }
}
