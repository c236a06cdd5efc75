//! The objects of an Application, and what the last operation did to each.

use std::collections::BTreeMap;

use sluice_core::api::{Application, ResourceResult, ResourceStatus};
use sluice_core::gitops::health::HEALTHY;
use sluice_core::gitops::key::Key;
use sluice_core::gitops::operation::SYNC_FAILED;

use super::words;
use crate::view::paint::Paint;
use crate::view::table::{Cell, Layout};
use sluice_core::info::badge::{Badge, Tone};

/// An object, or a run of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub key: Key,
    /// The version of its group.
    version: String,
    /// Its wave.
    wave: i64,
    /// How it stands to Git; of a hook and of what is gone, how far it is.
    status: Badge,
    /// How it is; of a hook and of what is gone, what became of it.
    health: Badge,
    /// Of a hook, when it runs.
    pub hook: String,
    /// What became of it, and why.
    message: String,
    /// Whether it was not taken.
    was_refused: bool,
}

/// The rows: what the operation was about in its order, then the rest.
pub fn rows(application: &Application) -> Vec<Row> {
    let status = application.status();
    let mut rest: BTreeMap<Key, &ResourceStatus> =
        status.resources.iter().map(|it| (key(&it.group, &it.kind, &it.namespace, &it.name), it)).collect();
    let results = status.operation_state.iter().filter_map(|state| state.sync_result.as_ref());
    let mut rows = Vec::new();
    for result in results.flat_map(|result| &result.resources) {
        let key = key(&result.group, &result.kind, &result.namespace, &result.name);
        let live = rest.get(&key).copied().filter(|_| result.hook_type.is_empty());
        rows.push(row(key.clone(), Some(result), live));
        rest.remove(&key);
    }
    rows.extend(rest.into_iter().map(|(key, live)| row(key, None, Some(live))));
    rows
}

fn key(group: &str, kind: &str, namespace: &str, name: &str) -> Key {
    let [group, kind, namespace, name] = [group, kind, namespace, name].map(words::line);
    Key { group, kind, namespace, name }
}

fn row(key: Key, result: Option<&ResourceResult>, live: Option<&ResourceStatus>) -> Row {
    let plain = |word: &str| Badge::new(Tone::Marked, words::line(word));
    let (status, health) = match (result, live) {
        (_, Some(live)) => (
            if live.status.is_empty() { plain("") } else { words::sync(&live.status) },
            live.health.as_ref().map_or_else(|| plain(""), |health| words::health(&health.status)),
        ),
        (Some(result), None) => (words::phase(&result.hook_phase), plain(&result.status)),
        (None, None) => (plain(""), plain("")),
    };
    let version = live.map(|live| &live.version).or(result.map(|result| &result.version));
    Row {
        key,
        version: words::line(version.map_or("", String::as_str)),
        wave: live.map_or(0, |live| live.sync_wave),
        status,
        health,
        hook: words::line(result.map_or("", |result| &result.hook_type)),
        message: message(result, live),
        was_refused: was_refused(result),
    }
}

/// Why something was not taken, else why it is not healthy, else what was done.
fn message(result: Option<&ResourceResult>, live: Option<&ResourceStatus>) -> String {
    let done = result.map(|result| result.message.as_str()).unwrap_or_default();
    let health = live.and_then(|live| live.health.as_ref()).filter(|health| health.status != HEALTHY);
    let ails = health.map(|health| health.message.as_str()).unwrap_or_default();
    let asks = match live {
        Some(live) if live.requires_pruning && live.requires_deletion_confirmation => {
            "requires pruning, which a person has to confirm"
        }
        Some(live) if live.requires_pruning => "requires pruning",
        _ => "",
    };
    let first = if was_refused(result) { [done, ails, asks] } else { [asks, ails, done] };
    words::line(first.into_iter().find(|text| !text.is_empty()).unwrap_or_default())
}

fn was_refused(result: Option<&ResourceResult>) -> bool {
    result.is_some_and(|result| result.status == SYNC_FAILED)
}

impl Row {
    /// Its cells.
    pub fn cells(&self) -> Vec<Cell> {
        let Key { group, kind, namespace, name } = self.key.clone();
        let toned = |badge: &Badge| Cell::toned(badge.tone, badge.word.clone());
        let message = self.message.clone();
        let message = if self.was_refused { Cell::toned(Tone::Bad, message) } else { message.into() };
        let mut cells: Vec<Cell> = [group, kind, namespace, name].into_iter().map(Cell::from).collect();
        cells.extend([toned(&self.status), toned(&self.health), self.hook.clone().into(), message]);
        cells
    }
}

/// The titles over them.
pub fn titles() -> Vec<Cell> {
    ["GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE"].map(Cell::from).to_vec()
}

/// The table; a wide one has versions and waves, too.
pub fn render(rows: &[Row], is_wide: bool, paint: Paint) -> String {
    let wide = |mut cells: Vec<Cell>, version: Cell, wave: Cell| {
        if is_wide {
            cells.insert(1, version);
            cells.insert(5, wave);
        }
        cells
    };
    let mut lines = vec![wide(titles(), "VERSION".into(), "WAVE".into())];
    lines.extend(rows.iter().map(|row| wide(row.cells(), row.version.clone().into(), row.wave.to_string().into())));
    Layout::default().render(&lines, paint)
}
