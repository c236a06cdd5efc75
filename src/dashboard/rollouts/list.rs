//! The list of rollouts.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query as Asked, State};
use axum::response::Response;
use maud::{Markup, html};
use sluice_core::api::Rollout;
use sluice_core::info::badge::Badge;
use sluice_core::info::phase;
use sluice_core::info::rollout::{Counts, waiting};
use sluice_core::info::strategy::Strategy;
use sluice_core::info::text;

use super::query::{Order, PHASES, Query};
use super::seen;
use crate::dashboard::Dashboard;
use crate::dashboard::access::Caller;
use crate::dashboard::book::namespaces;
use crate::dashboard::html::{self as shell, Page};
use crate::dashboard::live::{self, Part, Viewer};
use crate::dashboard::refused::Refused;

/// The longest reason that is shown in full; the rollout's own page has all of it.
const LONGEST: usize = 100;
/// Where there are many rows, all reasons together have so many characters, but each of them a few.
const TOGETHER: usize = 45_000;
const SHORTEST: usize = 40;
/// The columns.
const TITLES: [&str; 7] = ["Name", "Strategy", "Status", "Step", "Weight", "Pods", "Waits for"];

/// The page.
pub async fn page(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(caller): Extension<Caller>,
    Asked(query): Asked<Query>,
) -> Result<Markup, Refused> {
    let seen = seen::all(&dashboard, &caller, "").await?;
    // Of what somebody may see, and of nothing else.
    let namespaces = namespaces(&seen);
    let parts = parts(&dashboard, seen, &query);
    let root = dashboard.path(&[]);
    let content = html! {
        h1 { "Rollouts" }
        (form(&dashboard, &query, &namespaces))
        @for part in &parts { (part.html) }
    };
    let base = format!("{}{}", dashboard.path(&["live"]), query.to_text());
    let live = Some(live::path(&dashboard, &base, &parts));
    let page = Page { title: "Rollouts", live, trail: vec![("Rollouts".to_owned(), root)] };
    Ok(page.render(&dashboard, &caller, &content))
}

/// What keeps it up to date.
pub async fn live(
    State(dashboard): State<Arc<Dashboard>>,
    Asked(query): Asked<Query>,
    viewer: Viewer,
) -> Result<Response, Refused> {
    let make = move |dashboard: Arc<Dashboard>, caller: Caller| {
        let query = query.clone();
        async move { Ok(parts(&dashboard, seen::all(&dashboard, &caller, &query.namespace).await?, &query)) }
    };
    live::stream(dashboard, viewer, live::CALM, make).await
}

fn parts(dashboard: &Dashboard, rollouts: Vec<Arc<Rollout>>, query: &Query) -> Vec<Part> {
    let (found, counts) = query.select(rollouts);
    vec![Part::whole("summary", summary(dashboard, query, counts)), table(dashboard, query, &found)]
}

/// What is searched for.
fn form(dashboard: &Dashboard, query: &Query, namespaces: &[String]) -> Markup {
    html! {
        form class="search" method="get" action=(dashboard.path(&[])) role="search" {
            label { "Search " input type="search" name="search" value=(query.search) data-key="/" placeholder="name or namespace"; }
            label { "Namespace "
                select name="namespace" {
                    option value="" selected[query.namespace.is_empty()] { "all" }
                    @for namespace in namespaces {
                        option selected[*namespace == query.namespace] { (namespace) }
                    }
                    @if !query.namespace.is_empty() && !namespaces.contains(&query.namespace) {
                        option selected { (query.namespace) }
                    }
                }
            }
            label { "Sort by "
                select name="sort" {
                    option value="name" selected[query.sort == Order::Name] { "name" }
                    option value="status" selected[query.sort == Order::Status] { "status" }
                    option value="age" selected[query.sort == Order::Age] { "age" }
                }
            }
            @if !query.status.is_empty() { input type="hidden" name="status" value=(query.status); }
            button { "Show" }
        }
    }
}

/// How many there are in each phase; each is a filter.
fn summary(dashboard: &Dashboard, query: &Query, counts: [usize; 4]) -> Markup {
    let filter = |status: &str| {
        let query = Query { status: status.to_owned(), ..query.clone() };
        format!("{}{}", dashboard.path(&[]), query.to_text())
    };
    let all: usize = counts.iter().sum();
    html! {
        nav id="summary" class="filters" aria-label="Status" {
            a href=(filter("")) aria-current=[query.status.is_empty().then_some("true")] { "All " b { (all) } }
            @for (phase, count) in PHASES.into_iter().zip(counts) {
                a href=(filter(phase)) aria-current=[(query.status == phase).then_some("true")] {
                    (shell::badge(&Badge::phase(phase))) " " b { (count) }
                }
            }
        }
    }
}

fn table(dashboard: &Dashboard, query: &Query, rollouts: &[Arc<Rollout>]) -> Part {
    let has_namespaces = query.namespace.is_empty();
    let longest = (TOGETHER / rollouts.len().max(1)).clamp(SHORTEST, LONGEST);
    let rows: Vec<(String, Markup)> =
        rollouts.iter().map(|rollout| row(dashboard, rollout, has_namespaces, longest)).collect();
    let html = html! {
        div id="list" {
            @if rows.is_empty() {
                p class="empty" { "No rollouts " @if *query == Query::default() { "yet." } @else { "like that." } }
            } @else {
                table class="list" {
                    thead { tr {
                        @if has_namespaces { th scope="col" { "Namespace" } }
                        @for title in TITLES { th scope="col" { (title) } }
                    } }
                    tbody { @for (_, row) in &rows { (row) } }
                }
            }
        }
    };
    Part { id: "list".to_owned(), html, rows }
}

/// A line of the table: no more of it than must be, as there may be thousands.
fn row(dashboard: &Dashboard, rollout: &Rollout, has_namespace: bool, longest: usize) -> (String, Markup) {
    let namespace = rollout.metadata.namespace.as_deref().unwrap_or_default();
    let name = rollout.metadata.name.as_deref().unwrap_or_default();
    let id = format!("{namespace}/{name}");
    let (phase, message) = phase::shown(rollout);
    let badge = Badge::phase(&phase);
    let strategy = Strategy::of(rollout, &[]);
    let counts = Counts::of(rollout);
    let why = waiting(rollout).unwrap_or(message);
    let html = html! {
        tr id=(id) {
            @if has_namespace { td { (namespace) } }
            td { a href=(dashboard.path(&[namespace, name])) { (name) } }
            td { (strategy.name()) }
            td class=(shell::class(badge.tone)) { (badge.text()) }
            @match strategy {
                Strategy::Canary { step, set_weight, .. } => {
                    td { @if let Some((index, count)) = step { (index) "/" (count) } }
                    td { (set_weight) }
                }
                Strategy::BlueGreen | Strategy::Unknown => { td {} td {} }
            }
            td { (counts.ready) "/" (counts.desired) }
            td { @if phase != "Healthy" { (text::line(&why, longest)) } }
        }
    };
    (id, html)
}
