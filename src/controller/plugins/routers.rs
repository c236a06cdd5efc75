//! Data planes behind plugins: one task for each that a rollout has told something.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::runtime::reflector::ObjectRef;
use sluice_core::api::{Rollout, TrafficWeights, WeightDestination};
use sluice_core::traffic::{Heard, Plane, Seen, Tell};
use sluice_plugin::{Destination, Kind, Observation, Observe, Routing, Subject, Weighted};
use sluice_plugin_host::{CallError, Lookup, Plugin, Standing};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::slot::Slot;
use super::{Beat, Errand, Plugins};
use crate::controller::object::Observed;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long plans wait for what a data plane does that was told something before: what is not known is not to be taken for unknown.
const FIRST: Duration = Duration::from_secs(3);
/// The same for a Rollout at rest, which misses nothing meanwhile.
const FIRST_AT_REST: Duration = Duration::from_mins(1);

/// From here on a wait is long.
const LONG: Duration = Duration::from_secs(30);

/// Data planes.
#[derive(Debug, Default)]
pub struct Routers(Mutex<HashMap<Plane, Kept>>);

#[derive(Debug)]
struct Kept {
    slot: Slot,
    /// When it was first told or asked something.
    since: Instant,
    /// Rings when it is to be called, or is not wanted any more.
    bell: Arc<Notify>,
}

impl Routers {
    fn lock(&self) -> MutexGuard<'_, HashMap<Plane, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the data planes of a rollout that is gone.
    pub fn forget(&self, uid: &str) {
        for (_, kept) in self.lock().extract_if(|plane, _| plane.rollout.uid == uid) {
            kept.bell.notify_one();
        }
    }

    /// Forgets what a plugin has said, because it is another one from now on: whoever needs it tells it anew.
    pub fn reset(&self, plugin: &str) {
        for (_, kept) in self.lock().extract_if(|plane, _| plane.plugin == plugin) {
            kept.bell.notify_one();
        }
    }

    /// Has a plugin told at once what it could not be told, for it can be called now.
    pub fn ring(&self, plugin: &str) {
        let routers = self.lock();
        let waiting =
            routers.iter().filter(|(plane, kept)| plane.plugin == plugin && kept.slot.heard().telling.is_some());
        waiting.for_each(|(_, kept)| kept.bell.notify_one());
    }
}

impl Plugins {
    /// What is known of a data plane, in the place of an object; `None` while nobody knows which plugins there are, and while one that
    /// was told something before is being asked what it does.
    pub fn seen(&self, plane: &Plane, rollout: &Rollout, at_rest: bool) -> Option<Seen> {
        if !self.are_known() {
            return None;
        }
        let plugin = self.router(&plane.plugin);
        let known = self.routers.lock().get(plane).map(|kept| (kept.slot.heard().clone(), kept.since));
        let (mut heard, since) = known.unwrap_or_else(|| (Heard::default(), Instant::now()));
        let told_before = rollout.status().canary.as_ref().and_then(|canary| canary.weights.as_ref());
        if let (Ok(_), None, None, None, Some(weights)) =
            (&plugin, &heard.seen, &heard.told, &heard.trouble, told_before)
        {
            let patience = if at_rest { FIRST_AT_REST } else { FIRST };
            if heard.telling.is_none() {
                self.tell(&plane.plugin, &look(plane, weights));
            }
            if since.elapsed() < patience {
                return None;
            }
        }
        match plugin {
            Ok(plugin) => heard.capabilities = capabilities(&plugin),
            Err(why) => heard.trouble = Some(why),
        }
        Some(plane.seen(&heard))
    }

    /// Whether something is known of a rollout's data planes.
    pub fn keeps(&self, uid: &str) -> bool {
        self.routers.lock().keys().any(|plane| plane.rollout.uid == uid)
    }

    /// Has a plugin told something.
    pub fn tell(&self, name: &str, tell: &Tell) {
        let plane = tell.plane(name);
        let mut routers = self.routers.lock();
        let mut errand = None;
        let kept = routers.entry(plane.clone()).or_insert_with(|| {
            let kept = Kept::new();
            errand = Some(Errand::Router(plane, Arc::clone(&kept.bell)));
            kept
        });
        if kept.slot.tell(tell.clone()) {
            kept.bell.notify_one();
        }
        drop(routers);
        if let Some(errand) = errand {
            self.send(errand);
        }
    }

    /// The plugin of a traffic router, or why there is none.
    fn router(&self, name: &str) -> Result<Plugin, String> {
        match self.find(Kind::TrafficRouter, name) {
            Lookup::Plugin(plugin) => Ok(plugin),
            Lookup::Disabled => Err(format!("plugin {name:?} is disabled in argo-rollouts-config")),
            Lookup::Absent(why) => Err(why),
        }
    }
}

impl Kept {
    fn new() -> Kept {
        Kept { slot: Slot::default(), since: Instant::now(), bell: Arc::default() }
    }
}

/// The question what a data plane does of what was seen of it last.
fn look(plane: &Plane, weights: &TrafficWeights) -> Tell {
    let weighted = |to: &WeightDestination| Weighted {
        destination: Destination { service: to.service_name.clone(), hash: to.pod_template_hash.clone() },
        weight: u32::try_from(to.weight).unwrap_or(0),
    };
    let (canary, stable) = (weighted(&weights.canary), weighted(&weights.stable));
    let additional: Vec<Weighted> = weights.additional.iter().map(weighted).collect();
    let total = canary.weight + stable.weight + additional.iter().map(|to| to.weight).sum::<u32>();
    let routing = Routing { canary, stable, additional, total: total.max(1), routes: Vec::new() };
    let config = serde_json::from_str(&plane.config).unwrap_or_default();
    Tell::Observe(Observe { rollout: plane.rollout.clone(), config, routing })
}

fn capabilities(plugin: &Plugin) -> Option<std::collections::BTreeSet<String>> {
    match &*plugin.standing().borrow() {
        Standing::Ready(about) => Some(about.capabilities.clone()),
        Standing::Starting | Standing::Failing(_) | Standing::Stopped => None,
    }
}

/// Calls a plugin whenever there is something to call it for, until the data plane is forgotten.
pub async fn attend(plane: Plane, bell: Arc<Notify>, beat: Beat) {
    let plugins = &beat.context.plugins;
    let Subject { namespace, name, uid } = plane.rollout.clone();
    let rollout = ObjectRef::<Observed>::new(&name).within(&namespace);
    let is_mine = |kept: &Kept| Arc::ptr_eq(&kept.bell, &bell);
    let mut wait = None;
    loop {
        tokio::select! {
            biased;
            () = bell.notified() => {}
            () = sleep(wait) => {}
        }
        let stored = beat.rollouts.get(&rollout);
        let is_gone = stored.is_none_or(|stored| stored.rollout.metadata.uid.as_deref() != Some(&uid));
        let next = {
            let mut routers = plugins.routers.lock();
            let Some(kept) = routers.get_mut(&plane).filter(|kept| is_mine(kept)) else { return };
            // Of one that is gone only the leave is taken; nobody looks any more.
            if is_gone && kept.slot.heard().telling.is_none() {
                routers.remove(&plane);
                return;
            }
            kept.slot.next()
        };
        let Some(tell) = next else {
            wait = None;
            continue;
        };
        let answer = make(&beat, &plane.plugin, &tell).await;
        let mut routers = plugins.routers.lock();
        let Some(kept) = routers.get_mut(&plane).filter(|kept| is_mine(kept)) else { return };
        let before: Heard = kept.slot.heard().clone();
        wait = kept.slot.answered(&tell, answer).map(|wait| spread(wait, &uid));
        let moved = *kept.slot.heard() != before;
        drop(routers);
        if moved {
            beat.touch_one(&namespace, &name);
        }
    }
}

/// Some of those who wait for long wait a little longer, so that not all come at the same time.
fn spread(wait: Duration, uid: &str) -> Duration {
    let part = uid.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 64;
    if wait < LONG { wait } else { wait + wait * part / 256 }
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => pending().await,
    }
}

/// Makes one call.
async fn make(beat: &Beat, name: &str, tell: &Tell) -> Result<Option<Observation>, CallError> {
    let plugin = beat.context.plugins.router(name).map_err(CallError::Absent)?;
    let (method, answer) = match tell {
        Tell::Observe(call) => ("observe", plugin.call(call, PATIENCE).await.map(Some)),
        Tell::Apply(call) => ("apply", plugin.call(call, PATIENCE).await.map(Some)),
        Tell::Release(call) => ("release", plugin.call(call, PATIENCE).await.map(|_| None)),
    };
    beat.context.metrics.plugin_called(Kind::TrafficRouter, name, method, answer.is_ok());
    if let Err(error) = &answer {
        tracing::warn!(plugin = name, method, %error, "a plugin was called in vain");
    }
    answer
}
