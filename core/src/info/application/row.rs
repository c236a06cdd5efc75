//! The objects of an Application, and what the last operation did to each.

use std::collections::BTreeMap;

use super::words;
use crate::api::{Application, ResourceResult, ResourceStatus};
use crate::gitops::health::HEALTHY;
use crate::gitops::key::Key;
use crate::gitops::operation::SYNC_FAILED;
use crate::gitops::report::SYNCED;
use crate::info::badge::{Badge, Tone};

/// An object, or a run of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub key: Key,
    /// The version of its group.
    pub version: String,
    /// Its wave.
    pub wave: i64,
    /// How it stands to Git; of a hook and of what is gone, how far it is.
    pub status: Badge,
    /// How it is; of a hook and of what is gone, what became of it.
    pub health: Badge,
    /// Of a hook, when it runs.
    pub hook: String,
    /// What became of it, and why.
    pub message: String,
    /// Whether it was not taken.
    pub was_refused: bool,
    /// Whether it is not as Git says.
    pub differs: bool,
    /// Whether it is known not to be healthy.
    pub ails: bool,
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
        differs: was_refused(result) || live.is_some_and(differs),
        ails: live.and_then(|live| live.health.as_ref()).is_some_and(|health| health.status != HEALTHY),
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

fn differs(live: &ResourceStatus) -> bool {
    live.requires_pruning || !matches!(live.status.as_str(), "" | SYNCED)
}
