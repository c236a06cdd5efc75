//! Whether to sync without being asked.

use jiff::SignedDuration;

use super::operation::{self, SUCCEEDED, is_left_over, is_prunable};
use super::snapshot::{Object, Snapshot};
use crate::api::{
    ApplicationStatus, InitiatedBy, Operation, OperationState, Retry, SyncOperation, SyncOperationResource,
};
use crate::time::after;

/// How often a sync that nobody asked for is tried again.
const RETRIES: i64 = 5;
/// The first wait before a change in the cluster is taken back once more, by how much each wait is longer, and the longest.
const HEAL: (i64, i64, i64) = (2, 3, 300);

/// What to do without being asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Automatic {
    /// Nothing.
    Nothing,
    /// To look again after this long.
    Later(SignedDuration),
    /// A sync.
    Sync(Box<Operation>),
    /// Nothing, and to say why.
    Refuse(String),
}

/// Decides on an Application that is out of sync, with no sync under way.
pub fn decide(s: &Snapshot, status: &ApplicationStatus) -> Automatic {
    let policy = s.application.spec.sync_policy.clone().unwrap_or_default();
    let Some(automated) = policy.automatic() else { return Automatic::Nothing };
    let (prune, heal) = (automated.prune == Some(true), automated.self_heal == Some(true));
    // What is going already needs nothing more.
    let is_open = |object: &&Object| is_out(object) && (is_prunable(object) || !is_left_over(object));
    if s.objects.iter().filter(is_open).all(|object| !prune && is_left_over(object)) {
        return Automatic::Nothing;
    }
    if prune
        && automated.allow_empty != Some(true)
        && !s.objects.is_empty()
        && s.objects.iter().all(|object| object.wanted.is_none())
    {
        let message = "Skipping sync attempt: auto-sync will wipe out all resources. \
            Set syncPolicy.automated.allowEmpty if that is meant, or sync by hand with --prune";
        return Automatic::Refuse(message.to_owned());
    }
    let now = status.sync.clone().unwrap_or_default();
    let sync = SyncOperation {
        revision: now.revision.clone(),
        revisions: now.revisions.clone(),
        prune,
        sync_options: policy.sync_options.clone(),
        ..SyncOperation::default()
    };
    let retry = policy.retry.clone().or(Some(Retry { limit: RETRIES, ..Retry::default() }));
    let initiated_by = Some(InitiatedBy { automated: true, ..InitiatedBy::default() });
    let operation = Operation { sync: Some(sync), retry, initiated_by, ..Operation::default() };
    let Some(last) = status.operation_state.as_ref().filter(|last| is_about(last, s, now.commits())) else {
        return Automatic::Sync(Box::new(operation));
    };
    if last.phase != SUCCEEDED {
        let (commits, why) = (now.commits().join(", "), &last.message);
        return Automatic::Refuse(format!("Failed last sync attempt to {commits}: {why}"));
    }
    if !heal {
        return Automatic::Nothing;
    }
    heal_again(s, status, last, operation)
}

/// Takes back what was changed in the cluster: object by object, so that no hook runs and no history is written.
fn heal_again(s: &Snapshot, status: &ApplicationStatus, last: &OperationState, mut operation: Operation) -> Automatic {
    let attempts = last.operation.sync.as_ref().map_or(0, |sync| sync.auto_heal_attempts_count);
    let (first, factor, most) = HEAL;
    let wait = match attempts {
        0 => 0,
        _ => (1..attempts.min(10)).fold(first, |wait, _| wait * factor).min(most),
    };
    let due = operation::ended(status).map(|ended| after(ended, SignedDuration::from_secs(wait)));
    if let Some(due) = due.filter(|due| *due > s.now) {
        return Automatic::Later(due.duration_since(s.now));
    }
    let prune = operation.sync.as_ref().is_some_and(|sync| sync.prune);
    let out =
        s.objects.iter().filter(|object| is_out(object) && (!is_left_over(object) || prune && is_prunable(object)));
    let resources = out.map(|object| SyncOperationResource {
        group: object.key.group.clone(),
        kind: object.key.kind.clone(),
        name: object.key.name.clone(),
        namespace: object.key.namespace.clone(),
    });
    if let Some(sync) = &mut operation.sync {
        sync.resources = resources.collect();
        sync.auto_heal_attempts_count = attempts + 1;
    }
    Automatic::Sync(Box::new(operation))
}

/// Whether an object is not as Git has it.
pub fn is_out(object: &Object) -> bool {
    use super::compare::Verdict;
    match &object.verdict {
        Some(Verdict::Same) => false,
        Some(Verdict::Differs(_) | Verdict::Absent | Verdict::Refused(_)) => true,
        None => is_left_over(object) && object.live.as_ref().is_some_and(|live| !live.is_extraneous),
    }
}

/// Whether the last sync was of these commits, and of what the Application is made of now.
fn is_about(last: &OperationState, s: &Snapshot, commits: &[String]) -> bool {
    let sources = s.application.spec.stored_sources();
    last.sync_result.as_ref().is_some_and(|result| result.commits() == commits && result.all_sources() == sources)
}
