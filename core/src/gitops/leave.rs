//! An Application that goes: hooks before and after, and what goes with it.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::hook;
use super::marks::{self, DeletePolicy, Phase};
use super::operation::{self, FAILED, RUNNING, SUCCEEDED};
use super::plan::done;
use super::report::{self, DELETION_ERROR};
use super::snapshot::{Effect, Goes, Hook, Live, Object, Plan, Rendered, Snapshot};
use super::unsupported;
use crate::api::{Application, ApplicationStatus, Operation, OperationState, ResourceResult};
use crate::time::floor_to_second;

/// The finalizers for which the objects of an Application go with it, and how they go.
const CASCADES: [(&str, &str); 3] = [
    ("resources-finalizer.argocd.argoproj.io", "Foreground"),
    ("resources-finalizer.argocd.argoproj.io/foreground", "Foreground"),
    ("resources-finalizer.argocd.argoproj.io/background", "Background"),
];
/// The finalizers for which hooks run before that and after it.
const HOOKS: [(&str, Phase); 2] = [
    ("pre-delete-finalizer.argocd.argoproj.io", Phase::PreDelete),
    ("post-delete-finalizer.argocd.argoproj.io", Phase::PostDelete),
];
/// How often objects that go are looked for.
const DELETES: SignedDuration = SignedDuration::from_secs(2);

fn has(application: &Application, finalizer: &str) -> bool {
    application.metadata.finalizers.iter().flatten().any(|name| name == finalizer)
}

fn cascade(application: &Application) -> Option<(&'static str, &'static str)> {
    CASCADES.into_iter().find(|(name, _)| has(application, name))
}

/// Whether there is anything to do before an Application may go.
pub fn is_held(application: &Application) -> bool {
    cascade(application).is_some() || runs_hooks(application)
}

/// Whether hooks have yet to run before an Application may go.
pub fn runs_hooks(application: &Application) -> bool {
    HOOKS.iter().any(|(name, _)| has(application, name))
}

/// The finalizers that an Application should have, if they are others: those of the hooks that Git has for its end.
pub(super) fn finalizers(s: &Snapshot) -> Option<Vec<String>> {
    let Rendered::Done { hooks, .. } = &s.rendered else { return None };
    if s.application.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let before = s.application.metadata.finalizers.clone().unwrap_or_default();
    let is_wanted = |phase: Phase| hooks.contains(&phase);
    let is_kept = |name: &String| HOOKS.iter().all(|(known, phase)| known != name || is_wanted(*phase));
    let mut wanted: Vec<String> = before.iter().filter(|name| is_kept(name)).cloned().collect();
    let missing = HOOKS.iter().filter(|(name, phase)| is_wanted(*phase) && !has(&s.application, name));
    wanted.extend(missing.map(|(name, _)| (*name).to_owned()));
    (wanted != before).then_some(wanted)
}

/// What is to be done about an Application that goes.
pub(super) fn plan(s: &Snapshot, mut status: ApplicationStatus) -> Plan {
    if !is_held(&s.application) {
        return done(s, status, Vec::new(), None);
    }
    note(s, &mut status);
    let refused = s.outcomes.iter().filter_map(|outcome| {
        let why = outcome.result.as_ref().err()?;
        Some((DELETION_ERROR, format!("{}: {why}", outcome.key)))
    });
    let (effects, problems) = match next(s, &status) {
        Ok(effects) => (effects, refused.collect()),
        Err(why) => (Vec::new(), vec![(DELETION_ERROR, why)]),
    };
    report::conditions(&mut status, problems, s.now);
    let look_again = (!effects.iter().any(|effect| matches!(effect, Effect::Release { .. }))).then_some(DELETES);
    done(s, status, effects, look_again)
}

/// Writes down which hooks have succeeded: their objects may be gone before all is over.
fn note(s: &Snapshot, status: &mut ApplicationStatus) {
    let is_new = |hook: &&Hook| has_ended_well(s, hook) && !is_noted(s, status, hook);
    let ended: Vec<ResourceResult> = s.hooks.iter().filter(is_new).filter_map(|hook| result(s, hook)).collect();
    if ended.is_empty() {
        return;
    }
    let state = status.operation_state.get_or_insert_with(|| OperationState {
        operation: Operation::default(),
        phase: SUCCEEDED.to_owned(),
        message: "the hooks of its end".to_owned(),
        sync_result: None,
        started_at: Time(floor_to_second(s.now)),
        finished_at: Some(Time(floor_to_second(s.now))),
        retry_count: 0,
    });
    state.sync_result.get_or_insert_default().resources.extend(ended);
}

fn result(s: &Snapshot, hook: &Hook) -> Option<ResourceResult> {
    let phase = hook.phase.name().to_owned();
    Some(ResourceResult {
        status: "Synced".to_owned(),
        message: hook::mark_of_end(&s.application, hook.phase)?,
        hook_type: phase.clone(),
        hook_phase: SUCCEEDED.to_owned(),
        sync_phase: phase,
        ..operation::result_of(&hook.manifest.key, hook.manifest.version.clone())
    })
}

/// Whether the status says that a hook has succeeded.
fn is_noted(s: &Snapshot, status: &ApplicationStatus, hook: &Hook) -> bool {
    let Some(expected) = result(s, hook) else { return false };
    let results = status.operation_state.iter().filter_map(|state| state.sync_result.as_ref());
    results.flat_map(|result| &result.resources).any(|result| *result == expected)
}

/// The next writes: hooks first, then what goes, then hooks. Or why there are none.
fn next(s: &Snapshot, status: &ApplicationStatus) -> Result<Vec<Effect>, String> {
    let [(before, pre), (after, post)] = HOOKS;
    if has(&s.application, before) {
        return hooks(s, status, before, pre);
    }
    if let Some((finalizer, propagation)) = cascade(&s.application) {
        let stays = |why: String| {
            format!("its objects are not deleted: {why}. Take its finalizer {finalizer} away to leave them behind")
        };
        return take_along(s, finalizer, propagation).map_err(stays);
    }
    hooks(s, status, after, post)
}

/// Runs the hooks of a phase, wave by wave, and takes its finalizer away when all have succeeded.
fn hooks(s: &Snapshot, status: &ApplicationStatus, finalizer: &str, phase: Phase) -> Result<Vec<Effect>, String> {
    let fails = |why: String| {
        let phase = phase.name();
        Err(format!(
            "its {phase} hooks do not come to their end: {why}. Take its finalizer {finalizer} away to do without them"
        ))
    };
    if let Rendered::Failed(why) = &s.rendered {
        return fails(why.clone());
    }
    // They are as much of its sources as everything else.
    let against = s.project.as_ref().map_or_else(|why| vec![why.clone()], |project| project.problems(&s.application));
    if let Some(why) = against.into_iter().chain(unsupported::problems(&s.application)).next() {
        return fails(why);
    }
    let mut all: Vec<&Hook> = s.hooks.iter().filter(|hook| hook.phase == phase).collect();
    all.sort_by_key(|hook| marks::wave(&hook.manifest.value));
    let open = all.iter().find(|hook| !is_noted(s, status, hook));
    let Some(open) = open else { return Ok(release(s, finalizer, &all)) };
    let wave = marks::wave(&open.manifest.value);
    let turn: Vec<&Hook> = all.into_iter().filter(|hook| marks::wave(&hook.manifest.value) == wave).collect();
    let mut effects = Vec::new();
    for hook in turn.into_iter().filter(|hook| !is_noted(s, status, hook)) {
        let key = &hook.manifest.key;
        match (ran(s, hook), &hook.live) {
            (Some(live), _) => match hook::progress(live) {
                (FAILED, why) => return fails(format!("{key} has failed: {why}")),
                (RUNNING, _) if live.is_going => return fails(format!("{key} was deleted before its end")),
                _ => {}
            },
            (None, Some(live)) if !live.is_own => {
                return fails(format!("an object {key} is there that is not this Application's"));
            }
            (None, Some(_)) => effects.extend(make_room(s, hook)),
            (None, None) => {
                if let Some(why) = &hook.refused {
                    return fails(format!("{key}: {why}"));
                }
                let rank = super::order::rank(&key.kind);
                effects.push(Effect::Hook { phase, manifest: hook.manifest.clone(), rank });
            }
        }
    }
    Ok(effects)
}

/// The object that a hook ran in, now that the Application goes.
fn ran<'a>(s: &Snapshot, hook: &'a Hook) -> Option<&'a Live> {
    let mark = hook::mark_of_end(&s.application, hook.phase)?;
    hook.live.as_ref().filter(|live| live.is_own && live.hook.as_ref().is_some_and(|ran| ran.by == mark))
}

fn has_ended_well(s: &Snapshot, hook: &Hook) -> bool {
    ran(s, hook).is_some_and(|live| !matches!(hook::progress(live).0, FAILED | RUNNING))
}

/// Lets the object of an earlier run go, and deletes it.
fn make_room(s: &Snapshot, hook: &Hook) -> Vec<Effect> {
    let object = s.objects.iter().find(|object| object.key == hook.manifest.key);
    object.map(|object| remove(object, "Background")).unwrap_or_default()
}

/// Takes the finalizer away, and what hooks leave behind that is to go when they have succeeded. Their own finalizers go first.
fn release(s: &Snapshot, finalizer: &str, hooks: &[&Hook]) -> Vec<Effect> {
    let object = |hook: &&Hook| s.objects.iter().find(|object| object.key == hook.manifest.key);
    let objects: Vec<(&Object, &Hook)> = hooks.iter().filter_map(|hook| Some((object(hook)?, *hook))).collect();
    let held: Vec<Effect> = objects.iter().filter_map(|(object, _)| hook::let_go(object)).collect();
    if !held.is_empty() {
        return held;
    }
    let goes = |hook: &Hook| marks::delete_policies(&hook.manifest.value).contains(&DeletePolicy::HookSucceeded);
    let left = objects.into_iter().filter(|(_, hook)| goes(hook)).filter_map(|(object, _)| hook::delete(object));
    std::iter::once(Effect::Release { finalizer: finalizer.to_owned() }).chain(left).collect()
}

/// Takes everything along that is the Application's own: the latest wave first, each when the one before it is gone. Where it is not
/// known what that is, it stays.
fn take_along(s: &Snapshot, finalizer: &str, propagation: &'static str) -> Result<Vec<Effect>, String> {
    let own: Vec<&Object> = s.objects.iter().filter(|object| is_taken_along(object)).collect();
    if let Rendered::Failed(why) = &s.rendered {
        return Err(why.clone());
    }
    let why = unsupported::problems(&s.application).into_iter().next();
    if let Some(why) = why.or_else(|| unconfirmed(s, &own)) {
        return Err(why);
    }
    let wave = |object: &Object| object.live.as_ref().map_or(0, |live| live.wave);
    let Some(last) = own.iter().map(|object| wave(object)).max() else {
        // What stays is held by nobody any more.
        let held: Vec<Effect> = s.objects.iter().filter(|object| is_own(object)).filter_map(hook::let_go).collect();
        return Ok(if held.is_empty() { vec![Effect::Release { finalizer: finalizer.to_owned() }] } else { held });
    };
    let turn = own.into_iter().filter(|object| wave(object) == last);
    Ok(turn.flat_map(|object| remove(object, propagation)).collect())
}

/// Deletes an object, and takes away from it what holds it.
fn remove(object: &Object, propagation: &'static str) -> Vec<Effect> {
    operation::delete(object, propagation, false).into_iter().chain(hook::let_go(object)).collect()
}

/// What goes only when a person has allowed it, and nobody has since the Application began to go.
fn unconfirmed(s: &Snapshot, own: &[&Object]) -> Option<String> {
    let asks = |object: &&&Object| object.live.as_ref().is_some_and(|live| live.delete == Goes::Asks && !live.is_going);
    let object = own.iter().find(asks)?;
    let since = s.application.metadata.deletion_timestamp.as_ref()?.0;
    if s.application.has_approved_deletion(since) {
        return None;
    }
    let key = &object.key;
    Some(format!(
        "{key} says Delete=confirm: allow it with the annotation argocd.argoproj.io/deletion-approved and the time"
    ))
}

fn is_own(object: &Object) -> bool {
    object.live.as_ref().is_some_and(|live| live.is_own)
}

/// Whether an object goes with its Application.
fn is_taken_along(object: &Object) -> bool {
    object.live.as_ref().is_some_and(|live| live.is_own && live.delete != Goes::No)
}
