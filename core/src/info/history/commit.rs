//! Which commit brought a revision: that of the sync at whose beginning its ReplicaSet came to be.
//!
//! Nothing links the two but time, so a commit is named only where time leaves no doubt.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::api::{Application, ApplicationSource, InitiatedBy};
use crate::info::text;
use crate::time;

/// How long a sync that has begun takes to bring a change to the cluster. What comes later may have come by hand meanwhile.
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

/// A sync.
struct Sync<'a> {
    began: Timestamp,
    revisions: Vec<&'a str>,
    sources: &'a [ApplicationSource],
    by: &'a str,
}

/// The commit of the one sync that had begun just before a ReplicaSet was `created`; none where there was none, or several.
pub fn of(application: &Application, created: Timestamp) -> Option<Commit> {
    let had_begun = |sync: &Sync<'_>| {
        let began = time::floor_to_second(sync.began);
        began <= created && created <= time::after(began, GRACE)
    };
    let mut found = syncs(application).into_iter().filter(had_begun);
    let sync = found.next().filter(|_| found.next().is_none())?;
    Some(Commit {
        application: text::printable(application.metadata.name.as_deref().unwrap_or_default()),
        revisions: sync.revisions.into_iter().filter(|it| !it.is_empty()).map(text::printable).collect(),
        repositories: sync.sources.iter().map(|source| text::printable(&source.repo_url)).collect(),
        by: Some(text::printable(sync.by)).filter(|user| !user.is_empty()),
    })
}

/// The syncs that are known, each once.
fn syncs(application: &Application) -> Vec<Sync<'_>> {
    let Some(status) = &application.status else { return Vec::new() };
    let past = status.history.iter().filter_map(|entry| {
        Some(Sync {
            began: entry.deploy_started_at.as_ref()?.0,
            revisions: each(&entry.revision, &entry.revisions),
            sources: if entry.sources.is_empty() { entry.source.as_slice() } else { &entry.sources },
            by: name(entry.initiated_by.as_ref()),
        })
    });
    let mut syncs: Vec<Sync<'_>> = past.collect();
    // The last one is in the history only if it came to a good end.
    if let Some(state) = &status.operation_state
        && let Some(result) = &state.sync_result
        && syncs.iter().all(|sync| sync.began != state.started_at.0)
    {
        syncs.push(Sync {
            began: state.started_at.0,
            revisions: each(&result.revision, &result.revisions),
            sources: if result.sources.is_empty() { result.source.as_slice() } else { &result.sources },
            by: name(state.operation.initiated_by.as_ref()),
        });
    }
    syncs
}

fn name(initiator: Option<&InitiatedBy>) -> &str {
    initiator.map_or("", |initiator| initiator.username.as_str())
}

fn each<'a>(one: &'a str, several: &'a [String]) -> Vec<&'a str> {
    if several.is_empty() { vec![one] } else { several.iter().map(String::as_str).collect() }
}
