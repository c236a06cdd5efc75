//! The objects of an Application: groups with the count of what is wrong in each. What is in a group is sent where it is open.

use maud::{Markup, html};
use sluice_core::api::Application;
use sluice_core::gitops::unsupported::{HERE, HERE_BY_NAME};
use sluice_core::info::application::row::Row;
use sluice_core::info::application::tree::{Counts, Group, Show, count, groups};
use sluice_core::info::badge::Badge;

use super::one::Query;
use super::{path, path_of};
use crate::dashboard::Dashboard;
use crate::dashboard::html as shell;

/// So few objects are shown at once, without opening their groups.
const FEW: usize = 60;
/// So many objects of a group are shown.
const MOST: usize = 1_000;

/// Who shows what to whom.
struct View<'a> {
    dashboard: &'a Dashboard,
    own: (&'a str, &'a str),
    is_here: bool,
    query: &'a Query,
    show: Show,
}

/// All of it.
pub fn section(
    dashboard: &Dashboard,
    application: &Application,
    own: (&str, &str),
    rows: &[Row],
    query: &Query,
) -> Markup {
    let counts = count(rows, &query.search);
    let show = query.show().unwrap_or_else(|| Show::usual(counts));
    let groups = groups(rows, &query.search, show);
    let shown: usize = groups.iter().map(|group| group.rows.len()).sum();
    let view = View { dashboard, own, is_here: is_here(application), query, show };
    html! {
        section id="objects" aria-labelledby="objects-title" {
            (view.filters(counts))
            @if groups.is_empty() {
                p class="empty" { "No objects " @if rows.is_empty() { "yet." } @else { "like that." } }
            }
            @for group in &groups { (view.group(group, shown <= FEW)) }
        }
    }
}

/// What is searched for among them. It stands apart from what is kept up to date: somebody may be writing in it.
pub fn form(own: (&str, &str), query: &Query) -> Markup {
    html! {
        h2 id="objects-title" { "Objects" }
        form class="search" method="get" action=(path(&[own.0, own.1])) role="search" {
            label { "Search "
                input type="search" name="search" value=(query.search) data-key="/" placeholder="name, kind or namespace";
            }
            @if !query.show.is_empty() { input type="hidden" name="show" value=(query.show); }
            button { "Show" }
        }
    }
}

/// Whether its objects are in the cluster that the dashboard sees.
pub fn is_here(application: &Application) -> bool {
    let destination = &application.spec.destination;
    let names = [destination.server.as_str(), destination.name.as_str()];
    names.iter().all(|name| ["", HERE, HERE_BY_NAME].contains(name))
}

impl View<'_> {
    fn page(&self, query: &Query) -> String {
        format!("{}{}", path(&[self.own.0, self.own.1]), query.to_text())
    }

    fn filters(&self, counts: Counts) -> Markup {
        let each = [
            ("all", "All", Show::All, counts.all),
            ("differs", "Differ from Git", Show::Differs, counts.differ),
            ("ails", "Not healthy", Show::Ails, counts.ail),
        ];
        html! {
            nav class="filters" aria-label="Objects" {
                @for (name, label, show, count) in each {
                    @let query = Query { show: name.to_owned(), ..self.query.clone() };
                    a href=(self.page(&query)) aria-current=[(self.show == show).then_some("true")] { (label) " " b { (count) } }
                }
            }
        }
    }

    fn group(&self, group: &Group<'_>, are_few: bool) -> Markup {
        let [api, kind, namespace] = group.name;
        let id = group.id();
        let is_chosen = self.query.open == id;
        let is_open = is_chosen || are_few;
        let toggled = if is_chosen { String::new() } else { id.clone() };
        let query = Query { open: toggled, ..self.query.clone() };
        let Counts { all, differ, ail } = group.counts;
        html! {
            div class="group" {
                h3 {
                    a id=(format!("group-{id}")) href=(self.page(&query)) aria-expanded=(is_open) {
                        span aria-hidden="true" { @if is_open { "▾ " } @else { "▸ " } } (kind)
                    }
                    " " span class="quiet" {
                        (api) @if !namespace.is_empty() { @if !api.is_empty() { " " } "in " (namespace) } ": " (all)
                    }
                    @if differ > 0 { " " span class="doubtful" { (differ) " differ" } }
                    @if ail > 0 { " " span class="bad" { (ail) " not healthy" } }
                }
                @if is_open {
                    table class="list objects" {
                        thead { tr { th scope="col" { "Name" } th scope="col" { "Sync" } th scope="col" { "Health" } th scope="col" { "Wave" } th scope="col" { "Message" } } }
                        tbody { @for row in group.rows.iter().take(MOST) { (self.row(row)) } }
                    }
                    @if group.rows.len() > MOST { p class="quiet" { (group.rows.len() - MOST) " more: search for them" } }
                }
            }
        }
    }

    fn row(&self, row: &Row) -> Markup {
        html! {
            tr {
                td {
                    (self.name(row))
                    @if !row.hook.is_empty() { " " span class="role" { (row.hook) } }
                }
                (state(&row.status))
                (state(&row.health))
                td { @if row.wave != 0 { (row.wave) } }
                td class=[row.was_refused.then_some("bad")] { (row.message) }
            }
        }
    }

    /// Its name, leading to a page of its own where there is one.
    fn name(&self, row: &Row) -> Markup {
        let key = &row.key;
        if !self.is_here {
            return html! { (key.name) };
        }
        let own = match (key.group.as_str(), key.kind.as_str()) {
            ("argoproj.io", "Rollout") => Some(self.dashboard.path(&[&key.namespace, &key.name])),
            ("argoproj.io", "Application") => Some(path(&[&key.namespace, &key.name])),
            _ => None,
        };
        let fields = path_of("object", self.own, key);
        html! {
            @match own {
                Some(own) => { a href=(own) { (key.name) } " " a class="quiet" href=(fields) { "fields" } }
                None => { a href=(fields) { (key.name) } }
            }
        }
    }
}

/// A cell with a state, if there is one.
fn state(badge: &Badge) -> Markup {
    html! {
        @if badge.word.is_empty() { td {} }
        @else { td class=(shell::class(badge.tone)) { (badge.text()) } }
    }
}
