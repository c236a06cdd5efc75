//! An Application in a line: what a list shows of it.

use jiff::Timestamp;

use super::operation::{Progress, progress};
use super::words;
use crate::api::{Application, InitiatedBy, Operation, RevisionHistory};
use crate::info::badge::Badge;

/// What a list shows of an Application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its project.
    pub project: String,
    /// Whether the cluster has what Git says.
    pub sync: Badge,
    /// How it is.
    pub health: Badge,
    /// The commits that were compared, short.
    pub revision: String,
    /// Where the first of its manifests come from.
    pub repository: String,
    /// The folder or chart there.
    pub path: String,
    /// How many more sources it has.
    pub more_sources: usize,
    /// When it was synced last, and by whom.
    pub synced: Option<(Timestamp, String)>,
    /// What it waits for, or what is wrong.
    pub waits: Option<String>,
}

impl Summary {
    /// Of one.
    pub fn of(application: &Application) -> Summary {
        let (metadata, spec, status) = (&application.metadata, &application.spec, application.status());
        let sync = status.sync.clone().unwrap_or_default();
        let sources = spec.all_sources();
        let first = sources.first().cloned().unwrap_or_default();
        let revisions: Vec<String> = sync.commits().iter().map(|commit| words::short(commit)).collect();
        Summary {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
            project: words::line(spec.project()),
            sync: words::sync(&sync.status),
            health: words::health(status.health.as_ref().map_or("", |health| &health.status)),
            revision: revisions.join(", "),
            repository: words::line(&first.repo_url),
            path: words::line(if first.path.is_empty() { &first.chart } else { &first.path }),
            more_sources: sources.len().saturating_sub(1),
            synced: status.history.last().map(|last| (last.deployed_at.0, by(last.initiated_by.as_ref()))),
            waits: waits_for(application).or_else(|| ails(application)),
        }
    }
}

impl Summary {
    /// Of one that makes no sense.
    pub fn unreadable(namespace: &str, name: &str, why: &str) -> Summary {
        Summary {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            project: String::new(),
            sync: words::sync(""),
            health: words::health(""),
            revision: String::new(),
            repository: String::new(),
            path: String::new(),
            more_sources: 0,
            synced: None,
            waits: Some(format!("it cannot be read: {}", words::line(why))),
        }
    }
}

/// What something waits for that is to happen to an Application.
pub fn waits_for(application: &Application) -> Option<String> {
    let metadata = &application.metadata;
    if metadata.deletion_timestamp.is_some() {
        let left: Vec<String> = metadata.finalizers.iter().flatten().map(|name| words::line(name)).collect();
        return Some(format!("its deletion waits for {}", left.join(", ")));
    }
    match progress(application) {
        Progress::Asked => Some("the operation is asked for, and no controller has begun it".to_owned()),
        Progress::Running(state) if state.message.is_empty() => Some("its operation goes on".to_owned()),
        Progress::Running(state) => Some(words::line(&state.message)),
        Progress::Idle(_) | Progress::Settling(_) => None,
    }
}

/// What is wrong, where nothing is under way.
fn ails(application: &Application) -> Option<String> {
    let status = application.status();
    if let Some(condition) = status.conditions.first() {
        return Some(words::line(&format!("{}: {}", condition.type_, condition.message)));
    }
    let health = status.health.as_ref().map(|health| health.message.as_str());
    health.filter(|message| !message.is_empty()).map(words::line)
}

/// Who asked for something.
pub fn by(initiated: Option<&InitiatedBy>) -> String {
    match initiated {
        Some(by) if !by.username.is_empty() => words::line(&by.username),
        Some(by) if by.automated => "automatic".to_owned(),
        _ => "unknown".to_owned(),
    }
}

/// What kind of operation it is: `Sync (dry run, 2 objects)`.
pub fn what(operation: &Operation) -> String {
    let sync = operation.sync.as_ref();
    let mut marks = Vec::new();
    if sync.is_some_and(|sync| sync.dry_run) {
        marks.push("dry run".to_owned());
    }
    if let Some(count) = sync.map(|sync| sync.resources.len()).filter(|count| *count > 0) {
        marks.push(if count == 1 { "one object".to_owned() } else { format!("{count} objects") });
    }
    if marks.is_empty() { "Sync".to_owned() } else { format!("Sync ({})", marks.join(", ")) }
}

/// The sources of a sync of the past, each with the revision of it and its folder or chart.
pub fn parts(entry: &RevisionHistory) -> Vec<(String, String, String)> {
    let sources = if entry.sources.is_empty() { entry.source.as_slice() } else { &entry.sources };
    let revision = |index: usize| {
        let several = entry.revisions.get(index).map(String::as_str);
        let revision = if entry.sources.is_empty() { Some(entry.revision.as_str()) } else { several };
        words::short(revision.unwrap_or_default())
    };
    let path = |path: &str, chart: &str| words::line(if path.is_empty() { chart } else { path });
    let one = |(index, source): (usize, &crate::api::ApplicationSource)| {
        (revision(index), words::line(&source.repo_url), path(&source.path, &source.chart))
    };
    sources.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::info::application::sample::application;

    #[test]
    fn a_line_says_what_it_waits_for_or_what_is_wrong() {
        let at = "2026-01-01T00:00:00Z";
        let state = |message: &str| json!({"operation": {}, "phase": "Running", "message": message, "startedAt": at});
        let wrong = json!([{"type": "ComparisonError", "message": "no such\nfolder"}]);
        let waits = |changes: &Value| Summary::of(&application(changes)).waits.unwrap_or_default();
        for (changes, expected) in [
            (json!({}), ""),
            (json!({"operation": {}}), "the operation is asked for, and no controller has begun it"),
            (json!({"status": {"operationState": state("wave 2 waits for x")}}), "wave 2 waits for x"),
            (json!({"status": {"operationState": state("")}}), "its operation goes on"),
            (json!({"status": {"conditions": wrong}}), "ComparisonError: no such folder"),
            (json!({"status": {"health": {"status": "Degraded", "message": "it broke"}}}), "it broke"),
            (json!({"metadata": {"deletionTimestamp": at, "finalizers": ["a"]}}), "its deletion waits for a"),
        ] {
            assert_eq!(waits(&changes), expected, "{changes}");
        }
    }

    #[test]
    fn a_line_says_where_it_comes_from_and_who_synced_it() {
        let at = "2026-01-01T00:00:00Z";
        let entry = json!({"id": 1, "deployedAt": at, "revision": "x", "initiatedBy": {"username": "jane"}});
        let summary = Summary::of(&application(&json!({"status": {"history": [entry]}})));
        assert_eq!((summary.revision.as_str(), summary.path.as_str()), ("abc1234", "deploy"));
        assert_eq!(summary.synced, Some((at.parse().expect("a time"), "jane".to_owned())));
    }
}
