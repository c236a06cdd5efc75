//! Data planes behind plugins: one task for each that a rollout has told something.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sluice_core::traffic::{Heard, Seen, Tell};
use sluice_plugin::{Kind, Observation, Subject};
use sluice_plugin_host::{CallError, Lookup, Plugin, Standing};
use tokio::sync::Notify;

use super::slot::Slot;
use super::{Beat, Errand, Plugins};

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The plugin's name, and the Rollout's `metadata.uid`.
pub type Key = (String, String);

/// Data planes, by plugin and rollout.
#[derive(Debug, Default)]
pub struct Routers(Mutex<HashMap<Key, Kept>>);

#[derive(Debug)]
struct Kept {
    slot: Slot,
    /// The Rollout.
    rollout: Subject,
    /// Rings when it is to be called, or is not wanted any more.
    bell: Arc<Notify>,
}

impl Routers {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with one of them; `None` where it is forgotten.
    fn with<R>(&self, key: &Key, with: impl FnOnce(&mut Slot) -> R) -> Option<R> {
        self.lock().get_mut(key).map(|kept| with(&mut kept.slot))
    }

    /// Forgets the data planes of a rollout that is gone.
    pub fn forget(&self, uid: &str) {
        for (_, kept) in self.lock().extract_if(|(_, of), _| of == uid) {
            kept.bell.notify_one();
        }
    }

    /// Forgets what a plugin has said, because it is another one from now on: whoever needs it tells it anew.
    pub fn reset(&self, plugin: &str) {
        for (_, kept) in self.lock().extract_if(|(name, _), _| name == plugin) {
            kept.bell.notify_one();
        }
    }
}

impl Plugins {
    /// What is known of a plugin's data plane, in the place of an object; `None` while nobody knows which plugins there are.
    pub fn seen(&self, name: &str, rollout: &Subject) -> Option<Seen> {
        if !self.are_known() {
            return None;
        }
        let key = (name.to_owned(), rollout.uid.clone());
        let mut heard = self.routers.with(&key, |slot| slot.heard().clone()).unwrap_or_default();
        match self.router(name) {
            Ok(plugin) => heard.capabilities = capabilities(&plugin),
            Err(why) => heard.trouble = Some(why),
        }
        Some(Seen::of_plugin(&rollout.namespace, name, &heard))
    }

    /// Has a plugin told something.
    pub fn tell(&self, name: &str, tell: &Tell) {
        let rollout = match tell {
            Tell::Observe(call) => &call.rollout,
            Tell::Apply(call) => &call.rollout,
            Tell::Release(call) => &call.rollout,
        };
        let key = (name.to_owned(), rollout.uid.clone());
        let mut routers = self.routers.lock();
        let is_new = !routers.contains_key(&key);
        let kept = routers.entry(key.clone()).or_insert_with(|| Kept {
            slot: Slot::default(),
            rollout: rollout.clone(),
            bell: Arc::default(),
        });
        if kept.slot.tell(tell.clone()) {
            kept.bell.notify_one();
        }
        drop(routers);
        if is_new {
            self.send(Errand::Router(key));
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

fn capabilities(plugin: &Plugin) -> Option<std::collections::BTreeSet<String>> {
    match &*plugin.standing().borrow() {
        Standing::Ready(about) => Some(about.capabilities.clone()),
        Standing::Starting | Standing::Failing(_) | Standing::Stopped => None,
    }
}

/// Calls a plugin whenever there is something to call it for, until the data plane is forgotten.
pub async fn attend(key: Key, beat: Beat) {
    let plugins = &beat.context.plugins;
    let Some((bell, rollout)) =
        plugins.routers.lock().get(&key).map(|kept| (Arc::clone(&kept.bell), kept.rollout.clone()))
    else {
        return;
    };
    let mut wait = None;
    loop {
        tokio::select! {
            biased;
            () = bell.notified() => {}
            () = sleep(wait) => {}
        }
        let is_mine = |kept: &Kept| Arc::ptr_eq(&kept.bell, &bell);
        let next = match plugins.routers.lock().get_mut(&key).filter(|kept| is_mine(kept)) {
            Some(kept) => kept.slot.next(),
            None => return,
        };
        let Some(tell) = next else {
            wait = None;
            continue;
        };
        let answer = make(&beat, &key.0, &tell).await;
        let mut routers = plugins.routers.lock();
        let Some(kept) = routers.get_mut(&key).filter(|kept| is_mine(kept)) else { return };
        let before: Heard = kept.slot.heard().clone();
        wait = kept.slot.answered(&tell, answer);
        let moved = *kept.slot.heard() != before;
        drop(routers);
        if moved {
            beat.touch_one(&rollout.namespace, &rollout.name);
        }
    }
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
