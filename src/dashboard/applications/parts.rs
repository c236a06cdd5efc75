//! The parts of an Application's page that are about the Application as a whole.

use jiff::Timestamp;
use maud::{Markup, html};
use sluice_core::api::{Application, OperationState, SyncOperationResult, SyncStatus};
use sluice_core::info::age::{self, Age};
use sluice_core::info::application::operation::{Progress, progress};
use sluice_core::info::application::summary::{Summary, by, waits_for, what};
use sluice_core::info::application::words;
use sluice_core::info::badge::Tone;

use super::action::Action;
use super::path;
use crate::dashboard::Dashboard;
use crate::dashboard::html as shell;

/// What it is, how it is, why, and what can be asked of it.
pub fn head(dashboard: &Dashboard, application: &Application, own: (&str, &str), now: Timestamp) -> Markup {
    let (spec, status) = (&application.spec, application.status());
    let summary = Summary::of(application);
    let sync = words::sync_to(application);
    let health = status.health.as_ref().map_or("", |health| &health.message);
    let created = application.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let compared = status.reconciled_at.as_ref().map(|time| time.0);
    html! {
        section id="head" class="head" {
            h1 {
                (own.1) " " span class="state" { (shell::badge(&sync)) }
                " " span class="state" { (shell::badge(&summary.health)) }
            }
            @if !health.is_empty() { p class="message" { (words::line(health)) } }
            @if let Some(waits) = waits_for(application) { p class="waiting" { b { "Waits for: " } (waits) } }
            dl class="facts" {
                div { dt { "Project" } dd { (summary.project) } }
                div { dt { "Cluster" } dd { (words::cluster(application)) } }
                div { dt { "Namespace" } dd { (words::line(&spec.destination.namespace)) } }
                div { dt { "Sync policy" } dd { (words::policy(application)) } }
                @if let Some((at, by)) = &summary.synced {
                    div { dt { "Synced" } dd { (shell::age(&Age::of(Some(*at), now))) " ago by " (by) } }
                }
                @if compared.is_some() {
                    div { dt { "Compared" } dd { (shell::age(&Age::of(compared, now))) " ago" } }
                }
                div { dt { "Age" } dd { (shell::age(&Age::of(created, now))) } }
            }
            div class="actions" role="group" aria-label="Actions" {
                @if !dashboard.settings.read_only {
                    @for action in Action::OF_APPLICATION {
                        a class="button" data-ask href=(path(&[own.0, own.1, "do", action.name()])) { (action.label()) }
                    }
                }
                a class="button" href=(path(&[own.0, own.1, "diff"])) { "Differences" }
            }
        }
    }
}

/// One that makes no sense.
pub fn unreadable(name: &str, why: &str) -> Markup {
    html! {
        section id="head" class="head" {
            h1 { (name) }
            p class="message bad" role="alert" { "It cannot be read: " (words::line(why)) }
        }
    }
}

/// Where its manifests come from.
pub fn sources(application: &Application) -> Markup {
    let revisions = application.status().sync.as_ref().map(SyncStatus::commits).unwrap_or_default();
    let urls = application.status().summary.iter().flat_map(|summary| &summary.external_urls);
    html! {
        section id="sources" aria-labelledby="sources-title" {
            h2 id="sources-title" { "Sources" }
            table {
                thead { tr { th scope="col" { "Repository" } th scope="col" { "Folder or chart" } th scope="col" { "Target" } th scope="col" { "Revision" } } }
                tbody {
                    @for (index, source) in application.spec.all_sources().iter().enumerate() {
                        tr {
                            td { (words::line(&source.repo_url)) }
                            td { (words::line(if source.path.is_empty() { &source.chart } else { &source.path })) }
                            td { (words::target(source)) }
                            td { @if let Some(revision) = revisions.get(index) { code { (words::line(revision)) } } }
                        }
                    }
                }
            }
            // A link to wherever an object says is not ours to offer.
            @for url in urls { p class="quiet" { "Reached at " (words::line(url)) } }
        }
    }
}

/// The operation under way, or the last one.
pub fn operation(application: &Application, now: Timestamp) -> Markup {
    let (title, state) = match progress(application) {
        Progress::Idle(None) => return html! { section id="operation" hidden {} },
        Progress::Asked => ("Operation asked for", None),
        Progress::Running(state) => ("Operation in progress", Some(state)),
        Progress::Idle(Some(state)) | Progress::Settling(state) => ("Last operation", Some(state)),
    };
    html! {
        section id="operation" aria-labelledby="operation-title" {
            h2 id="operation-title" { (title) }
            @match (state, &application.operation) {
                (Some(state), _) => { (of_state(application, state, now)) }
                (None, Some(asked)) => { p { (what(asked)) ", asked for by " (by(asked.initiated_by.as_ref())) } }
                (None, None) => {}
            }
        }
    }
}

fn of_state(application: &Application, state: &OperationState, now: Timestamp) -> Markup {
    let is_under_way = matches!(progress(application), Progress::Running(_));
    let started = state.started_at.0;
    let ended = state.finished_at.as_ref().filter(|_| !is_under_way).map(|time| time.0);
    let result = state.sync_result.as_ref();
    let revisions: Vec<String> =
        result.map(SyncOperationResult::commits).unwrap_or_default().iter().map(|commit| words::line(commit)).collect();
    let waves: Vec<i64> =
        application.status().resources.iter().map(|it| it.sync_wave).filter(|wave| *wave != 0).collect();
    html! {
        p { (shell::badge(&words::phase(&state.phase))) " " span class="quiet" { (what(&state.operation)) } }
        @if !state.message.is_empty() {
            @if is_under_way { p class="waiting" { b { "Waits for: " } (words::line(&state.message)) } }
            @else { p class="message" { (words::line(&state.message)) } }
        }
        dl class="facts" {
            div { dt { "By" } dd { (by(state.operation.initiated_by.as_ref())) } }
            @if !revisions.is_empty() { div { dt { "Revision" } dd { code { (revisions.join(", ")) } } } }
            div { dt { "Started" } dd { (shell::age(&Age::of(Some(started), now))) " ago" } }
            div { dt { "Took" } dd { (age::human(ended.unwrap_or(now).duration_since(started))) } }
            @if let (Some(first), Some(last)) = (waves.iter().min(), waves.iter().max()) {
                div { dt { "Waves" } dd { (first.min(&0)) " to " (last.max(&0)) } }
            }
            @if state.retry_count > 0 { div { dt { "Tried again" } dd { (state.retry_count) } } }
        }
    }
}

/// What is wrong. Orphaned resources are told here, too.
pub fn conditions(application: &Application, now: Timestamp) -> Markup {
    let conditions = &application.status().conditions;
    html! {
        section id="conditions" hidden[conditions.is_empty()] aria-labelledby="conditions-title" {
            h2 id="conditions-title" { "Conditions" }
            table {
                thead { tr { th scope="col" { "Condition" } th scope="col" { "Since" } th scope="col" { "Message" } } }
                tbody {
                    @for condition in conditions {
                        @let tone = if condition.type_.ends_with("Warning") { Tone::Doubtful } else { Tone::Bad };
                        @let since = condition.last_transition_time.as_ref().map(|time| time.0);
                        tr {
                            td class=(shell::class(tone)) { (words::line(&condition.type_)) }
                            td { (shell::age(&Age::of(since, now))) }
                            td { (words::line(&condition.message)) }
                        }
                    }
                }
            }
        }
    }
}
