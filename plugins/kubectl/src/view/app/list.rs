//! The table of `app list`.

use std::collections::BTreeMap;

use sluice_core::api::Application;

use super::words;
use crate::view::paint::Paint;
use crate::view::table::{Cell, Layout};
use sluice_core::info::badge::Tone;

/// Which columns there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Names have their namespaces before them.
    pub namespace: bool,
    /// Repository, folder and revision at the end.
    pub source: bool,
}

/// The table, in the order of namespaces and names.
pub fn render(applications: &[Application], columns: Columns, paint: Paint) -> String {
    let titles = ["NAME", "CLUSTER", "NAMESPACE", "PROJECT", "STATUS", "HEALTH", "SYNCPOLICY", "CONDITIONS"];
    let of_source = ["REPO", "PATH", "TARGET"].into_iter().filter(|_| columns.source);
    let titles = titles.into_iter().chain(of_source).map(Cell::from).collect();
    let mut sorted: Vec<&Application> = applications.iter().collect();
    sorted.sort_by_key(|it| (&it.metadata.namespace, &it.metadata.name));
    let rows = sorted.into_iter().map(|application| row(application, columns));
    Layout::default().render(&std::iter::once(titles).chain(rows).collect::<Vec<_>>(), paint)
}

fn row(application: &Application, columns: Columns) -> Vec<Cell> {
    let (metadata, status) = (&application.metadata, application.status());
    let name = metadata.name.clone().unwrap_or_default();
    let namespace = metadata.namespace.as_ref().filter(|_| columns.namespace);
    let sync = words::sync(status.sync.as_ref().map_or("", |sync| &sync.status));
    let health = words::health(status.health.as_ref().map_or("", |health| &health.status));
    let mut row: Vec<Cell> = vec![
        namespace.map_or_else(|| name.clone(), |namespace| format!("{namespace}/{name}")).into(),
        words::cluster(application).into(),
        words::line(&application.spec.destination.namespace).into(),
        words::line(application.spec.project()).into(),
        Cell::toned(sync.tone, sync.word),
        Cell::toned(health.tone, health.word),
        words::policy_in_short(application).into(),
        conditions(application),
    ];
    if columns.source {
        let sources = application.spec.all_sources();
        let first = sources.first().cloned().unwrap_or_default();
        let more = sources.len().saturating_sub(1);
        let repo = words::line(&first.repo_url);
        row.push(if more > 0 { format!("{repo} (+{more})") } else { repo }.into());
        row.push(words::line(if first.path.is_empty() { &first.chart } else { &first.path }).into());
        row.push(words::target(&first).into());
    }
    row
}

/// What is wrong, each kind of it once.
fn conditions(application: &Application) -> Cell {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for condition in &application.status().conditions {
        *counts.entry(&condition.type_).or_default() += 1;
    }
    let told = counts.into_iter().map(|(type_, count)| match count {
        1 => words::line(type_),
        _ => format!("{}({count})", words::line(type_)),
    });
    let told = told.collect::<Vec<_>>().join(",");
    if told.is_empty() { "<none>".into() } else { Cell::toned(Tone::Doubtful, told) }
}
