//! The syncs that an Application remembers, and the way back to each.

use jiff::Timestamp;
use maud::{Markup, html};
use sluice_core::api::Application;
use sluice_core::info::age::Age;
use sluice_core::info::application::summary::{by, parts};

use super::action::Action;
use super::path;
use crate::dashboard::Dashboard;
use crate::dashboard::html as shell;

/// So many syncs are shown, the newest.
const MOST: usize = 100;

/// All of them, the newest first.
pub fn section(dashboard: &Dashboard, application: &Application, own: (&str, &str), now: Timestamp) -> Markup {
    let history = &application.status().history;
    let is_automatic = application.spec.sync_policy.as_ref().is_some_and(|policy| policy.automatic().is_some());
    let can_return = !dashboard.settings.read_only && !is_automatic;
    let back = path(&[own.0, own.1, "do", Action::RollBack.name()]);
    html! {
        section id="history" hidden[history.is_empty()] aria-labelledby="history-title" {
            h2 id="history-title" { "History" }
            @if is_automatic {
                p class="quiet" { "It syncs by itself: a way back is a commit in Git. A rollback needs automated sync off." }
            }
            table class="list history" {
                thead { tr {
                    @for title in ["Id", "Synced", "By", "Revision", "Source"] { th scope="col" { (title) } }
                    @if can_return { th scope="col" { "Way back" } }
                } }
                tbody {
                    @for (index, entry) in history.iter().rev().take(MOST).enumerate() {
                        @let at = Some(entry.deployed_at.0);
                        @let parts = parts(entry);
                        tr {
                            td { (entry.id) }
                            td { (shell::age(&Age::of(at, now))) " ago" }
                            td { (by(entry.initiated_by.as_ref())) }
                            td { @for (revision, ..) in &parts { div { code { (revision) } } } }
                            td { @for (_, repository, place) in &parts { div { (repository) " " (place) } } }
                            @if can_return {
                                td { @if index > 0 { a class="button" data-ask href=(format!("{back}?id={}", entry.id)) { "Roll back to " (entry.id) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}
