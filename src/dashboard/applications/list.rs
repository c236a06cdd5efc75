//! The list of Applications.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query as Asked, State};
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use sluice_core::info::age::Age;
use sluice_core::info::application::summary::Summary;
use sluice_core::info::application::words;

use super::query::{Counts, HEALTHS, Order, Query, SYNCS};
use super::watched::Known;
use super::{path, seen};
use crate::dashboard::Dashboard;
use crate::dashboard::access::Caller;
use crate::dashboard::book::namespaces;
use crate::dashboard::html::{self as shell, Page};
use crate::dashboard::live::{self, Part, Viewer};
use crate::dashboard::refused::Refused;

/// Which columns there are besides those that always are: one in which all is the same says nothing, a thousand times.
#[derive(Clone, Copy)]
struct Columns {
    namespace: bool,
    project: bool,
    waits: bool,
}

impl Columns {
    fn of(found: &[Summary]) -> Columns {
        let differ = |part: fn(&Summary) -> &str| found.iter().any(|summary| part(summary) != part(&found[0]));
        Columns {
            namespace: differ(|summary| &summary.namespace),
            project: differ(|summary| &summary.project),
            waits: found.iter().any(|summary| summary.waits.is_some()),
        }
    }

    /// The beginning of the ids of rows: another form of the line is another line.
    fn letter(self) -> char {
        char::from(b'a' + u8::from(self.namespace) + 2 * u8::from(self.project) + 4 * u8::from(self.waits))
    }
}

/// The page.
pub async fn page(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(caller): Extension<Caller>,
    Asked(query): Asked<Query>,
) -> Result<Markup, Refused> {
    let known = seen::all(&dashboard, &caller, "").await?;
    // Of what somebody may see, and of nothing else.
    let namespaces = namespaces(&known);
    let parts = parts(&dashboard, &known, &query);
    let content = html! {
        h1 { "Applications" }
        (form(&query, &namespaces))
        @for part in &parts { (part.html) }
    };
    let base = format!("{}{}", path(&["live"]), query.to_text());
    let live = Some(live::path(&dashboard, &base, &parts));
    let page = Page { title: "Applications", live, trail: vec![("Applications".to_owned(), path(&[]))] };
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
        async move { Ok(parts(&dashboard, &seen::all(&dashboard, &caller, &query.namespace).await?, &query)) }
    };
    live::stream(dashboard, viewer, live::CALM, make).await
}

fn parts(dashboard: &Dashboard, known: &[Arc<Known>], query: &Query) -> Vec<Part> {
    let (found, counts) = query.select(known.iter().map(|known| summary(known)));
    let are_seen = dashboard.book.applications.are_seen();
    let table = table(query, &found, are_seen, dashboard.clock.now());
    vec![Part::whole("summary", filters(query, &counts)), table]
}

fn summary(known: &Known) -> Summary {
    match &known.said {
        Ok(application) => Summary::of(application),
        Err(why) => {
            let part = |part: &Option<String>| part.clone().unwrap_or_default();
            Summary::unreadable(&part(&known.metadata.namespace), &part(&known.metadata.name), why)
        }
    }
}

/// What is searched for.
fn form(query: &Query, namespaces: &[String]) -> Markup {
    let orders = [("name", Order::Name), ("sync", Order::Sync), ("health", Order::Health), ("synced", Order::Synced)];
    html! {
        form class="search" method="get" action=(path(&[])) role="search" {
            label { "Search " input type="search" name="search" value=(query.search) data-key="/" placeholder="name, project or source"; }
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
                    @for (name, order) in orders { option value=(name) selected[query.sort == order] { (name) } }
                }
            }
            @if !query.sync.is_empty() { input type="hidden" name="sync" value=(query.sync); }
            @if !query.health.is_empty() { input type="hidden" name="health" value=(query.health); }
            button { "Show" }
        }
    }
}

/// How many there are of each; each is a filter.
fn filters(query: &Query, counts: &Counts) -> Markup {
    let with = |query: Query| format!("{}{}", path(&[]), query.to_text());
    let sync = |sync: &str| with(Query { sync: sync.to_owned(), ..query.clone() });
    let health = |health: &str| with(Query { health: health.to_owned(), ..query.clone() });
    let all: usize = counts.syncs.iter().sum();
    html! {
        div id="summary" {
            nav class="filters" aria-label="Sync" {
                a href=(sync("")) aria-current=[query.sync.is_empty().then_some("true")] { "All " b { (all) } }
                @for (word, count) in SYNCS.into_iter().zip(counts.syncs) {
                    a href=(sync(word)) aria-current=[(query.sync == word).then_some("true")] {
                        (shell::badge(&words::sync(word))) " " b { (count) }
                    }
                }
            }
            nav class="filters" aria-label="Health" {
                a href=(health("")) aria-current=[query.health.is_empty().then_some("true")] { "All " b { (all) } }
                @for (word, count) in HEALTHS.into_iter().zip(counts.healths) {
                    @if count > 0 || query.health == word {
                        a href=(health(word)) aria-current=[(query.health == word).then_some("true")] {
                            (shell::badge(&words::health(word))) " " b { (count) }
                        }
                    }
                }
            }
        }
    }
}

fn table(query: &Query, found: &[Summary], are_seen: bool, now: Timestamp) -> Part {
    let columns = Columns::of(found);
    let rows: Vec<(String, Markup)> =
        found.iter().enumerate().map(|(index, summary)| row(index, summary, columns, now)).collect();
    let html = html! {
        div id="list" {
            @if let Some(first) = found.first().filter(|_| !columns.namespace || !columns.project) {
                p class="quiet" {
                    @if !columns.namespace { "In namespace " b { (first.namespace) } }
                    @if !columns.namespace && !columns.project { ", " }
                    @if !columns.project { "of project " b { (first.project) } }
                }
            }
            @if !rows.is_empty() {
                table class="list applications" {
                    thead { tr {
                        @if columns.namespace { th scope="col" { "Namespace" } }
                        th scope="col" { "Name" }
                        @if columns.project { th scope="col" { "Project" } }
                        @for title in ["Sync", "Health", "Revision", "Synced", "Source"] { th scope="col" { (title) } }
                        @if columns.waits { th scope="col" { "Waits for" } }
                    } }
                    tbody { @for (_, row) in &rows { (row) } }
                }
            } @else if are_seen {
                p class="empty" { "No applications " @if *query == Query::default() { "yet." } @else { "like that." } }
            } @else {
                p class="empty" {
                    "The cluster does not have the kind Application. Its definition: "
                    code { "sluice crds --gitops | kubectl apply --server-side -f -" }
                }
            }
        }
    };
    Part { id: "list".to_owned(), html, rows }
}

/// A line of the table: no more of it than must be, as there may be thousands. It is called after its place, which is short.
fn row(index: usize, summary: &Summary, columns: Columns, now: Timestamp) -> (String, Markup) {
    let id = format!("{}{index}", columns.letter());
    let html = html! {
        tr id=(id) {
            @if columns.namespace { td { (summary.namespace) } }
            td { a href=(path(&[&summary.namespace, &summary.name])) { (summary.name) } }
            @if columns.project { td { (summary.project) } }
            td class=(shell::class(summary.sync.tone)) { (summary.sync.text()) }
            td class=(shell::class(summary.health.tone)) { (summary.health.text()) }
            td { (summary.revision) }
            td { @if let Some((at, by)) = &summary.synced { (shell::age(&Age::of(Some(*at), now))) " " (by) } }
            td { (place(summary)) }
            @if columns.waits { td { @if let Some(waits) = &summary.waits { (waits) } } }
        }
    };
    (id, html)
}

/// Where it comes from, as short as people say it.
fn place(summary: &Summary) -> String {
    let repository = &summary.repository;
    let near = repository.strip_prefix("https://").unwrap_or(repository);
    let near = near.strip_suffix(".git").unwrap_or(near);
    let more = if summary.more_sources > 0 { format!(" (+{})", summary.more_sources) } else { String::new() };
    format!("{near} {}{more}", summary.path)
}
