//! S17: what no plan may do, whatever led to it. It is restated here apart from the planner, and holds in production.
//!
//! - Nothing goes that is not the Application's own, that Git still has, or of which a sync was not asked to prune.
//! - Nothing goes where the sources could not be read, nor everything at once where nobody allowed that.
//! - Of what another Application has, nothing goes.
//! - A hook runs once in a sync, and does not go while it runs.
//! - Nothing is written or goes that its project does not permit.
//! - A wave is applied when what came before it has come to its end.

use super::key::Key;
use super::manifest::Manifest;
use super::marks::{self, Phase};
use super::snapshot::{Effect, Goes, Live, Object, Plan, Rendered, Snapshot};
use crate::api::{ResourceResult, SyncOperation};

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
    let beyond = plan.effects.iter().filter_map(|effect| beyond(s, effect));
    let wrong = plan.effects.iter().filter_map(|effect| match effect {
        Effect::Delete { key, uid, .. } => wrong(s, plan, key, uid).map(|why| Violation { key: key.clone(), why }),
        Effect::Hook { phase, manifest, .. } => {
            let key = &manifest.key;
            has_run(plan, key, *phase).then(|| Violation { key: key.clone(), why: "it has run in this sync" })
        }
        Effect::Apply { manifest, .. } => {
            let key = &manifest.key;
            let why = "what comes before it is not at its end";
            is_early(s, plan, manifest).then(|| Violation { key: key.clone(), why })
        }
        Effect::Namespace { .. } | Effect::LetGo { .. } | Effect::Release { .. } => None,
    });
    beyond.chain(wrong).collect()
}

/// What the project does not permit. Where nobody knows what that is, an Application takes its objects along when it goes, and does nothing else.
fn beyond(s: &Snapshot, effect: &Effect) -> Option<Violation> {
    let key = match effect {
        Effect::Apply { manifest, .. } | Effect::Hook { manifest, .. } => manifest.key.clone(),
        Effect::Delete { key, .. } => key.clone(),
        Effect::Namespace { name, .. } => Key { kind: "Namespace".to_owned(), name: name.clone(), ..Key::default() },
        Effect::LetGo { .. } | Effect::Release { .. } => return None,
    };
    let is_permitted = match (&s.project, effect) {
        (Ok(project), _) => project.permits(&key, &s.application.spec.destination).is_ok(),
        (Err(_), Effect::Delete { .. }) => s.application.metadata.deletion_timestamp.is_some(),
        (Err(_), _) => false,
    };
    (!is_permitted).then_some(Violation { key, why: "its project does not permit it" })
}

fn results(plan: &Plan) -> impl Iterator<Item = &ResourceResult> {
    let state = plan.status.operation_state.as_ref();
    state.and_then(|state| state.sync_result.as_ref()).into_iter().flat_map(|result| &result.resources)
}

fn is_of(result: &ResourceResult, key: &Key, phase: Phase) -> bool {
    let Key { group, kind, namespace, name } = key;
    result.sync_phase == phase.name()
        && (&result.group, &result.kind, &result.namespace, &result.name) == (group, kind, namespace, name)
}

fn has_run(plan: &Plan, key: &Key, phase: Phase) -> bool {
    results(plan).any(|result| is_of(result, key, phase))
}

/// Whether something of an earlier wave, or of an earlier phase, has not come to its end.
fn is_early(s: &Snapshot, plan: &Plan, manifest: &Manifest) -> bool {
    let wave = marks::wave(&manifest.value);
    let sync = sync(plan).cloned().unwrap_or_default();
    let is_over = |key: &Key, phase| {
        results(plan).find(|result| is_of(result, key, phase)).map(|result| result.hook_phase == "Succeeded")
    };
    let earlier = s.objects.iter().filter(|object| {
        object.wanted.as_ref().is_some_and(|wanted| marks::wave(&wanted.value) < wave) && is_meant(&sync, &object.key)
    });
    // One that was not applied, as it is what Git has, is nothing to wait for.
    let holds = |object: &Object| match is_over(&object.key, Phase::Sync) {
        Some(is_over) => !is_over,
        None => object.verdict != Some(super::compare::Verdict::Same),
    };
    let before = s.hooks.iter().filter(|hook| (hook.phase, marks::wave(&hook.manifest.value)) < (Phase::Sync, wave));
    let mut before = before.map(|hook| is_over(&hook.manifest.key, hook.phase) != Some(true));
    earlier.into_iter().any(holds) || before.any(|holds| holds)
}

fn is_meant(sync: &SyncOperation, key: &Key) -> bool {
    let is = |it: &crate::api::SyncOperationResource| {
        (&it.group, &it.kind, &it.name) == (&key.group, &key.kind, &key.name)
            && (it.namespace.is_empty() || it.namespace == key.namespace)
    };
    sync.resources.is_empty() || sync.resources.iter().any(is)
}

fn sync(plan: &Plan) -> Option<&SyncOperation> {
    plan.status.operation_state.as_ref().and_then(|state| state.operation.sync.as_ref())
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
        if live.hook.is_some() {
            return None;
        }
        let finalizers = metadata.finalizers.as_deref().unwrap_or_default();
        let is_asked = finalizers.iter().any(|name| name.starts_with("resources-finalizer.argocd.argoproj.io"));
        let is_allowed = |since| s.application.has_approved_deletion(since);
        return match live.delete {
            _ if !is_asked => Some("the Application leaves its objects behind"),
            Goes::No => Some("it stays when its Application goes"),
            Goes::Asks if !metadata.deletion_timestamp.as_ref().is_some_and(|since| is_allowed(since.0)) => {
                Some("nobody has allowed that it goes")
            }
            Goes::Asks | Goes::Yes => None,
        };
    }
    // What has become a hook is none yet.
    if live.hook.is_some() || s.hooks.iter().any(|hook| hook.manifest.key == *key) {
        return runs(plan, key, live).then_some("it runs");
    }
    if !matches!(s.rendered, Rendered::Done { .. }) {
        return Some("nobody knows what Git has");
    }
    if object.wanted.is_some() {
        return Some("Git has it");
    }
    if live.prune == Goes::No {
        return Some("it stays when Git does not have it any more");
    }
    let begun = plan.status.operation_state.as_ref().map(|state| state.started_at.0);
    if live.prune == Goes::Asks && !begun.is_some_and(|since| s.application.has_approved_deletion(since)) {
        return Some("nobody has allowed that it goes");
    }
    if !sync(plan).is_some_and(|sync| sync.prune && !sync.dry_run) {
        return Some("no sync was asked to prune");
    }
    empties(s, plan).then_some("nothing would be left, and nobody allowed that")
}

/// Whether a hook's object is of a run of this sync that goes on.
fn runs(plan: &Plan, key: &Key, live: &Live) -> bool {
    let phase = live.hook.as_ref().and_then(|ran| Phase::read(ran.by.rsplit('/').next().unwrap_or_default()));
    let Some((state, phase)) = plan.status.operation_state.as_ref().zip(phase) else { return false };
    let is_of_now = live.hook.as_ref().is_some_and(|ran| ran.by == super::hook::mark_of(state, phase));
    is_of_now && results(plan).any(|result| is_of(result, key, phase) && result.hook_phase == "Running")
}

/// Whether a sync that nobody asked for takes everything away.
fn empties(s: &Snapshot, plan: &Plan) -> bool {
    let operation = plan.status.operation_state.as_ref().map(|state| &state.operation);
    let is_automatic = operation.and_then(|it| it.initiated_by.as_ref()).is_some_and(|by| by.automated);
    let policy = s.application.spec.sync_policy.as_ref().and_then(|policy| policy.automated.as_ref());
    let is_allowed = policy.is_some_and(|automated| automated.allow_empty == Some(true));
    is_automatic && !is_allowed && s.objects.iter().all(|object: &Object| object.wanted.is_none())
}
