//! Which commit brought a revision: that of the sync during which its ReplicaSet came to be.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::api::Application;
use crate::info::text;
use crate::time;

/// How long after a sync its last change may reach the cluster. Anything later was not this sync's doing.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// A commit that a revision came with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Commit {
    /// The Application that synced it.
    pub application: String,
    /// The commits, or versions of charts, one for each source.
    pub revisions: Vec<String>,
    /// The repositories that they are of.
    pub repositories: Vec<String>,
    /// Who asked for the sync; `None` where it came by itself.
    pub by: Option<String>,
}

/// The commit of the sync that was at work when a ReplicaSet was `created`; none where there was no sync, or nothing says when
/// it was.
pub fn of(application: &Application, created: Timestamp) -> Option<Commit> {
    let status = application.status.as_ref()?;
    let name = text::printable(application.metadata.name.as_deref().unwrap_or_default());
    let is_during =
        |from: Timestamp, to: Timestamp| time::floor_to_second(from) <= created && created <= time::after(to, GRACE);
    // Syncs may follow each other closely: the last that had begun is the one.
    let past = status.history.iter().rev().find(|entry| {
        let began = entry.deploy_started_at.as_ref().map(|time| time.0);
        began.is_some_and(|began| is_during(began, entry.deployed_at.0))
    });
    if let Some(entry) = past {
        let sources = if entry.sources.is_empty() { entry.source.as_slice() } else { &entry.sources };
        let by = entry.initiated_by.clone().unwrap_or_default();
        return Some(Commit {
            application: name,
            revisions: revisions(&entry.revision, &entry.revisions),
            repositories: sources.iter().map(|source| text::printable(&source.repo_url)).collect(),
            by: Some(text::printable(&by.username)).filter(|user| !user.is_empty()),
        });
    }
    // One that is under way, or failed later, is not in the history.
    let state = status.operation_state.as_ref()?;
    let result = state.sync_result.as_ref()?;
    let began = state.started_at.0;
    let is_during = match &state.finished_at {
        Some(finished) => is_during(began, finished.0),
        None => time::floor_to_second(began) <= created,
    };
    let sources = if result.sources.is_empty() { result.source.as_slice() } else { &result.sources };
    let by = state.operation.initiated_by.clone().unwrap_or_default();
    is_during.then(|| Commit {
        application: name,
        revisions: revisions(&result.revision, &result.revisions),
        repositories: sources.iter().map(|source| text::printable(&source.repo_url)).collect(),
        by: Some(text::printable(&by.username)).filter(|user| !user.is_empty()),
    })
}

fn revisions(one: &str, several: &[String]) -> Vec<String> {
    let all: Vec<&str> = if several.is_empty() { vec![one] } else { several.iter().map(String::as_str).collect() };
    all.into_iter().filter(|revision| !revision.is_empty()).map(text::printable).collect()
}
