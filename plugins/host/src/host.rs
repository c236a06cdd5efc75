//! All plugins: as many run as the configuration says.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sluice_plugin::{Call, Kind, MAX_TEXT};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::connect::{Connect, Real};
use crate::machine::{CallError, Machine, QUEUE, Standing};
use crate::registry::{Entry, Registry};
use crate::task::{Asked, run};

type Key = (Kind, String);
type Reach = dyn Fn(&Key, &Entry) -> Arc<dyn Connect> + Send + Sync;

/// Keeps plugins running.
pub struct Host {
    name: String,
    reach: Box<Reach>,
    running: Mutex<BTreeMap<Key, Running>>,
}

/// What is known of a plugin.
#[derive(Debug)]
enum Running {
    /// It is there, or is being brought there.
    Up { entry: Entry, plugin: Plugin, stop: oneshot::Sender<()>, task: JoinHandle<()> },
    /// It is not; what is left of it may still be ending.
    Down { why: Down, ending: Option<JoinHandle<()>> },
}

/// Why a plugin does not run.
#[derive(Debug)]
enum Down {
    /// It is switched off.
    Disabled,
    /// Its entry is wrong.
    Wrong(String),
    /// It has none any more.
    Removed,
}

/// What is found under a name.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// A plugin.
    Plugin(Plugin),
    /// One that is switched off.
    Disabled,
    /// None, and why.
    Absent(String),
}

/// A plugin that is configured. Calls to it fail while it does not run.
#[derive(Clone, Debug)]
pub struct Plugin {
    calls: mpsc::Sender<Asked>,
    standing: watch::Receiver<Standing>,
}

impl Plugin {
    /// Where it stands; what is returned also tells when that changes.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// Calls it. Takes no longer than `timeout`; a plugin that is being started is waited for.
    ///
    /// # Errors
    /// There is no answer that could be used, and why.
    pub async fn call<C: Call>(&self, call: &C, timeout: Duration) -> Result<C::Answer, CallError> {
        let method = C::METHOD;
        let deadline = Instant::now() + timeout;
        let wrong = |mut why: String| {
            // It may quote the answer.
            why.truncate(why.floor_char_boundary(MAX_TEXT));
            CallError::Wrong { method, why }
        };
        let params = serde_json::to_value(call).map_err(|error| wrong(format!("cannot be asked for: {error}")))?;
        let (reply, answer) = oneshot::channel();
        let stopped = || CallError::Absent("it is stopped".to_owned());
        self.calls.try_send(Asked { method, params, deadline, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CallError::Busy,
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        // The task answers in time; but one that waits for its predecessor's end does nothing yet.
        let answer = match timeout_at(deadline, answer).await {
            Ok(answer) => answer.map_err(|_| stopped())??,
            Err(_) => return Err(CallError::Late { method }),
        };
        let answer: C::Answer =
            serde_json::from_value(answer).map_err(|error| wrong(format!("does not read: {error}")))?;
        call.check(&answer).map_err(wrong)?;
        Ok(answer)
    }
}

impl Host {
    /// A host without plugins, by its name and version.
    pub fn new(name: &str) -> Host {
        Host::reaching(name, |(_, name), entry| Arc::new(Real { name: name.clone(), entry: entry.clone() }))
    }

    /// A host that reaches plugins in a way of its own.
    pub fn reaching(
        name: &str,
        reach: impl Fn(&(Kind, String), &Entry) -> Arc<dyn Connect> + Send + Sync + 'static,
    ) -> Host {
        Host { name: name.to_owned(), reach: Box::new(reach), running: Mutex::new(BTreeMap::new()) }
    }

    /// Starts, replaces and stops plugins until they are those of `registry`. Those whose entries have not changed notice nothing.
    /// Returns at once; what follows happens on the runtime that this is called on.
    pub fn apply(&self, registry: &Registry) {
        let mut running = self.lock();
        for (key, entry) in &registry.plugins {
            let old = running.remove(key);
            let next = match (old, entry) {
                (Some(Running::Up { entry: old, plugin, stop, task }), Ok(entry)) if old == *entry => {
                    Running::Up { entry: old, plugin, stop, task }
                }
                (old, Err(why)) => Running::down(Down::Wrong(why.clone()), old),
                (old, Ok(entry)) if entry.disabled => Running::down(Down::Disabled, old),
                (old, Ok(entry)) => self.start(key, entry, old.and_then(Running::end)),
            };
            running.insert(key.clone(), next);
        }
        let is_removed = |key: &Key| !registry.plugins.contains_key(key) && !registry.unreadable.contains_key(&key.0);
        let removed: Vec<(Key, Running)> = running.extract_if(.., |key, _| is_removed(key)).collect();
        for (key, old) in removed {
            let down = Running::down(Down::Removed, Some(old));
            // One that comes back must still wait for its own end.
            if matches!(down, Running::Down { ending: Some(_), .. }) {
                running.insert(key, down);
            }
        }
    }

    /// The plugin of a kind and a name.
    pub fn find(&self, kind: Kind, name: &str) -> Lookup {
        match self.lock().get(&(kind, name.to_owned())) {
            Some(Running::Up { plugin, .. }) => Lookup::Plugin(plugin.clone()),
            Some(Running::Down { why: Down::Disabled, .. }) => Lookup::Disabled,
            Some(Running::Down { why: Down::Wrong(why), .. }) => Lookup::Absent(why.clone()),
            None | Some(Running::Down { why: Down::Removed, .. }) => {
                Lookup::Absent(format!("no plugin {name:?} of kind {kind} is configured in argo-rollouts-config"))
            }
        }
    }

    /// Stops all plugins, and waits for their ends.
    pub async fn stop(&self) {
        let all = std::mem::take(&mut *self.lock());
        let ending: Vec<_> = all.into_values().filter_map(Running::end).collect();
        for task in ending {
            // A task that panicked has ended too.
            drop(task.await);
        }
    }

    fn start(&self, key: &Key, entry: &Entry, former: Option<JoinHandle<()>>) -> Running {
        let (calls, asked) = mpsc::channel(QUEUE);
        let (changes, standing) = watch::channel(Standing::Starting);
        let (stop, stopped) = oneshot::channel();
        let connect = (self.reach)(key, entry);
        let (kind, name, host) = (key.0, key.1.clone(), self.name.clone());
        let task = tokio::spawn(async move {
            if let Some(former) = former {
                drop(former.await);
            }
            let machine = Machine::new(kind, &name, &host, Instant::now());
            run(machine, connect, asked, stopped, changes).await;
        });
        Running::Up { entry: entry.clone(), plugin: Plugin { calls, standing }, stop, task }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Stops what runs under a name.
    fn down(why: Down, old: Option<Running>) -> Running {
        Running::Down { why, ending: old.and_then(Running::end) }
    }

    /// Stops it; what is left to wait for.
    fn end(self) -> Option<JoinHandle<()>> {
        match self {
            // It may have ended already.
            Running::Up { stop, task, .. } => {
                stop.send(()).ok();
                Some(task)
            }
            Running::Down { ending, .. } => ending.filter(|task| !task.is_finished()),
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("name", &self.name).field("running", &self.lock()).finish_non_exhaustive()
    }
}
