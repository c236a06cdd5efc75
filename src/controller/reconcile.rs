//! One pass over one rollout: observe, plan, guard, execute, one status write.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use sluice_core::api::{Rollout, RolloutStatus, labels};
use sluice_core::effect::Effect;
use sluice_core::effect::merge::merge_patch;
use sluice_core::event::{Note, in_order};
use sluice_core::guard;
use sluice_core::plan::{Plan, Urgency, plan, same_but_times};
use sluice_core::snapshot::Snapshot;
use sluice_core::status::duration;

use super::children::version_number;
use super::context::{Context, GuardMode, Quiet};
use super::execute::{Outcome, Place, catch_up_rollout, classify, execute};
use super::object::Observed;
use super::observe::observe;
use super::tell::{Telling, reference};

/// How long to wait for a cache that lags behind an own write; its next event comes first, as a rule.
const CACHE_LAG: Duration = Duration::from_millis(100);
/// How long a status that may wait must have stayed the same before it is written,
const QUIET: SignedDuration = SignedDuration::from_secs(1);
/// and how long it may wait at most.
const QUIET_MOST: SignedDuration = SignedDuration::from_secs(10);

/// Why a pass did not get through.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The status could not be read or written as JSON.
    #[error("cannot serialise the status of the Rollout: {0}")]
    Serialise(#[from] serde_json::Error),
    /// The status write failed for a reason other than a conflict.
    #[error("cannot write the status of Rollout {namespace}/{name}: {error}")]
    Status {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The API server's words.
        error: String,
    },
}

/// Reconciles one rollout, and returns after which time to look at it again although nothing happened.
pub async fn reconcile(observed: Arc<Observed>, cx: Arc<Context>) -> Result<Option<Duration>, Error> {
    if !*cx.leading.borrow() || !is_mine(&cx.instance_id, &observed.rollout) {
        return Ok(None);
    }
    let Some(snapshot) = observe(&cx, &observed) else {
        return Ok(Some(CACHE_LAG));
    };
    let plan = guarded(&cx, &snapshot, plan(&snapshot));
    let pass = Pass::new(&cx, &snapshot);
    let rollout = (pass.namespace.to_owned(), pass.name.to_owned());
    let routers = snapshot.routers.iter().chain(&snapshot.former).map(|routed| &routed.router);
    cx.balancers.heed(&rollout, routers, plan.asks);
    pass.greet();
    let mut done = Vec::new();
    let mut again = None;
    for planned in &plan.effects {
        let key = planned.effect.key();
        let of_a_pod = planned.effect.is_of_a_pod();
        match execute(&cx, pass.place(), &planned.effect).await {
            Outcome::Done => {
                tracing::info!(namespace = pass.namespace, rollout = pass.name, effect = %key, "done");
                cx.with_memory(pass.uid, |memory| match &planned.effect {
                    Effect::Route(change) => memory.route(key, &change.write, cx.clock.now()),
                    _ => memory.accept(&key),
                });
                done.extend(planned.notes.iter().cloned());
            }
            Outcome::Conflict(reason) => {
                tracing::debug!(namespace = pass.namespace, rollout = pass.name, effect = %key, reason, "conflict");
                if of_a_pod {
                    // It went or changed by itself; everything else goes on.
                    again = Some(snapshot.now);
                    continue;
                }
                cx.with_memory(pass.uid, |memory| memory.conflict(key, reason, cx.clock.now()));
                pass.tell(&done);
                return Ok(Some(CACHE_LAG));
            }
            Outcome::Refused { error, name_taken } => {
                tracing::warn!(namespace = pass.namespace, rollout = pass.name, effect = %key, error, "refused");
                cx.with_memory(pass.uid, |memory| memory.refuse(key, error, name_taken, cx.clock.now()));
                if of_a_pod {
                    again = Some(snapshot.now);
                    continue;
                }
                pass.tell(&done);
                // The next plan takes the refusal into account and tells of it.
                return Ok(Some(Duration::ZERO));
            }
        }
    }
    let wake = pass.write_status(&plan, done).await?;
    if let Some(call) = &plan.call {
        cx.plugins.ask(call);
    }
    let next = until(snapshot.now, [plan.wake_at, wake, again], cx.resync);
    Ok(Some(if again.is_some() { next.max(CACHE_LAG) } else { next }))
}

/// `--instance-id` divides the rollouts between controllers by a label.
fn is_mine(instance_id: &str, rollout: &Rollout) -> bool {
    let label = rollout.metadata.labels.as_ref().and_then(|labels| labels.get(labels::INSTANCE_ID));
    label.map_or("", String::as_str) == instance_id
}

fn guarded(cx: &Context, snapshot: &Snapshot, plan: Plan) -> Plan {
    let violations = guard::check(snapshot, &plan);
    for violation in &violations {
        cx.metrics.violation(violation.invariant);
        let name = snapshot.rollout.metadata.name.as_deref();
        let namespace = snapshot.rollout.metadata.namespace.as_deref();
        tracing::error!(namespace, rollout = name, invariant = violation.invariant.as_str(), "{}", violation.message);
    }
    match cx.guard {
        GuardMode::Enforce if !violations.is_empty() => guard::enforce(snapshot, plan, &violations),
        _ => plan,
    }
}

fn until(now: Timestamp, wakes: [Option<Timestamp>; 3], resync: Duration) -> Duration {
    let earliest = wakes.into_iter().flatten().min();
    let wait = earliest.map(|wake| Duration::try_from(wake.duration_since(now)).unwrap_or(Duration::ZERO));
    wait.unwrap_or(resync).min(resync)
}

/// The names that a pass needs again and again.
struct Pass<'a> {
    cx: &'a Context,
    snapshot: &'a Snapshot,
    namespace: &'a str,
    name: &'a str,
    uid: &'a str,
}

impl<'a> Pass<'a> {
    fn new(cx: &'a Context, snapshot: &'a Snapshot) -> Pass<'a> {
        let metadata = &snapshot.rollout.metadata;
        Pass {
            cx,
            snapshot,
            namespace: metadata.namespace.as_deref().unwrap_or_default(),
            name: metadata.name.as_deref().unwrap_or_default(),
            uid: metadata.uid.as_deref().unwrap_or_default(),
        }
    }

    fn place(&self) -> Place<'a> {
        Place { namespace: self.namespace, uid: self.uid }
    }

    /// The first sight of a rollout is an event, once.
    fn greet(&self) {
        if self.snapshot.rollout.status().observed_generation.is_empty() {
            self.tell_on("first sight", &[Note::added(self.namespace, self.name)]);
        }
    }

    fn tell(&self, notes: &[Note]) {
        self.tell_on(self.snapshot.rollout.metadata.resource_version.as_deref().unwrap_or_default(), notes);
    }

    fn tell_on(&self, occasion: &str, notes: &[Note]) {
        for note in notes {
            let about = reference(&self.snapshot.rollout);
            // The queue is only gone while the program stops.
            let _ = self.cx.telling.send(Telling { about, note: note.clone(), occasion: occasion.to_owned() });
        }
    }

    /// Writes the status if it has to be written now, and otherwise says when.
    async fn write_status(&self, plan: &Plan, done: Vec<Note>) -> Result<Option<Timestamp>, Error> {
        let before = serde_json::to_value(self.snapshot.rollout.status())?;
        let after = serde_json::to_value(&plan.status)?;
        let Some(patch) = merge_patch(&before, &after) else {
            self.cx.with_memory(self.uid, |memory| memory.quiet = None);
            self.take_up();
            self.tell(&done);
            return Ok(None);
        };
        if plan.urgency == Urgency::Quiet
            && let Some(due) = self.defer(&plan.status)
        {
            self.tell(&done);
            return Ok(Some(due));
        }
        let version = self.version();
        let body = json!({ "metadata": { "resourceVersion": version }, "status": patch });
        let api: Api<Rollout> = Api::namespaced(self.cx.writes.clone(), self.namespace);
        match api.patch_status(self.name, &PatchParams::default(), &Patch::Merge(body)).await {
            Ok(written) => {
                self.remember(&written, &plan.status);
                self.take_up();
                self.tell(&in_order(done, plan.notes.clone()));
                if let Some(finished) =
                    duration::finished(self.snapshot.rollout.status(), &plan.status, self.snapshot.now)
                {
                    self.cx.metrics.finished(self.namespace, self.name, &finished);
                }
                Ok(None)
            }
            Err(error) => {
                self.tell(&done);
                // Another plan made on the observed Rollout would do the same again, or take it back.
                catch_up_rollout(self.cx, self.place(), self.name).await;
                match classify(&error) {
                    Outcome::Refused { error, .. } => {
                        Err(Error::Status { namespace: self.namespace.into(), name: self.name.into(), error })
                    }
                    Outcome::Conflict(_) | Outcome::Done => Ok(Some(self.after(CACHE_LAG))),
                }
            }
        }
    }

    /// The version that the status is a change of: the observed one, or that of an own write in this very pass.
    fn version(&self) -> String {
        let own = self.cx.with_memory(self.uid, |memory| memory.awaited);
        own.map_or_else(
            || self.snapshot.rollout.metadata.resource_version.clone().unwrap_or_default(),
            |v| v.to_string(),
        )
    }

    /// Whether a status that may wait should: `Some` is the moment to look again.
    fn defer(&self, status: &RolloutStatus) -> Option<Timestamp> {
        let now = self.snapshot.now;
        self.cx.with_memory(self.uid, |memory| {
            let quiet = match memory.quiet.take() {
                Some(quiet) if same_but_times(&quiet.status, status) => quiet,
                Some(quiet) => Quiet { status: status.clone(), first: quiet.first, last: now },
                None => Quiet { status: status.clone(), first: now, last: now },
            };
            let due =
                sluice_core::time::after(quiet.last, QUIET).min(sluice_core::time::after(quiet.first, QUIET_MOST));
            memory.quiet = Some(quiet);
            (due > now).then_some(due)
        })
    }

    fn after(&self, wait: Duration) -> Timestamp {
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::ZERO);
        sluice_core::time::after(self.snapshot.now, wait)
    }

    /// What a step plugin has answered is in the stored status now.
    fn take_up(&self) {
        if let Some(answer) = &self.snapshot.step_plugins.answer {
            self.cx.plugins.taken_up(self.uid, answer);
        }
    }

    fn remember(&self, written: &Rollout, wanted: &RolloutStatus) {
        let dropped = wanted.waiting_on.is_some() && written.status().waiting_on != wanted.waiting_on;
        let first = self.cx.with_memory(self.uid, |memory| {
            memory.awaited = version_number(written.metadata.resource_version.as_deref());
            memory.quiet = None;
            let first = dropped && !memory.drops_waiting_on;
            memory.drops_waiting_on = dropped || memory.drops_waiting_on;
            first
        });
        if first {
            tracing::warn!(
                namespace = self.namespace,
                rollout = self.name,
                "the installed Rollout CRD drops status.waitingOn; apply Sluice's CRDs to see what rollouts wait for"
            );
        }
    }
}
