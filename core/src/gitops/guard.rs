//! S17: what no plan may do, whatever led to it. It is restated here apart from the planner, and holds in production.
//!
//! - Nothing goes that is not the Application's own, that Git still has, or of which a sync was not asked to prune.
//! - Nothing goes where the sources could not be read, nor everything at once where nobody allowed that.
//! - Of what another Application has, nothing goes.

use super::key::Key;
use super::snapshot::{Effect, Object, Plan, Rendered, Snapshot};

/// What a plan must not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The object.
    pub key: Key,
    /// What is wrong.
    pub why: &'static str,
}

/// Everything that a plan must not do. An effect that is named here is not carried out.
pub fn check(s: &Snapshot, plan: &Plan) -> Vec<Violation> {
    let wrong = plan.effects.iter().filter_map(|effect| match effect {
        Effect::Delete { key, uid, .. } => wrong(s, plan, key, uid).map(|why| Violation { key: key.clone(), why }),
        Effect::Apply { .. } | Effect::Namespace { .. } | Effect::Release => None,
    });
    wrong.collect()
}

fn wrong(s: &Snapshot, plan: &Plan, key: &Key, uid: &str) -> Option<&'static str> {
    let Some(object) = s.objects.iter().find(|object| object.key == *key) else { return Some("it was not seen") };
    let Some(live) = object.live.as_ref().filter(|live| live.uid == uid) else {
        return Some("it is another one by now");
    };
    if !live.is_own || live.other.is_some() {
        return Some("it is not the Application's own");
    }
    let metadata = &s.application.metadata;
    if metadata.deletion_timestamp.is_some() {
        let finalizers = metadata.finalizers.as_deref().unwrap_or_default();
        let is_asked = finalizers.iter().any(|name| name.starts_with("resources-finalizer.argocd.argoproj.io"));
        return match (is_asked, live.stays.undeleted || live.stays.asks) {
            (false, _) => Some("the Application leaves its objects behind"),
            (true, true) => Some("it stays when its Application goes"),
            (true, false) => None,
        };
    }
    if !matches!(s.rendered, Rendered::Done { .. }) {
        return Some("nobody knows what Git has");
    }
    if object.wanted.is_some() {
        return Some("Git has it");
    }
    if live.stays.unpruned {
        return Some("it stays when Git does not have it any more");
    }
    let sync = plan.status.operation_state.as_ref().and_then(|state| state.operation.sync.as_ref());
    if !sync.is_some_and(|sync| sync.prune && !sync.dry_run) {
        return Some("no sync was asked to prune");
    }
    empties(s, plan).then_some("nothing would be left, and nobody allowed that")
}

/// Whether a sync that nobody asked for takes everything away.
fn empties(s: &Snapshot, plan: &Plan) -> bool {
    let operation = plan.status.operation_state.as_ref().map(|state| &state.operation);
    let is_automatic = operation.and_then(|it| it.initiated_by.as_ref()).is_some_and(|by| by.automated);
    let policy = s.application.spec.sync_policy.as_ref().and_then(|policy| policy.automated.as_ref());
    let is_allowed = policy.is_some_and(|automated| automated.allow_empty == Some(true));
    is_automatic && !is_allowed && s.objects.iter().all(|object: &Object| object.wanted.is_none())
}
