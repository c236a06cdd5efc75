//! The sandbox: everything that an API server knows, behind one lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::ids::Ids;
use crate::resource::Registry;
use crate::store::Store;
use crate::time::Time;
use crate::token::Tokens;

/// Changes that are kept for watches. An API server keeps those of five minutes; this is about as much.
const WINDOW: usize = 10_000;

/// What the sandbox consists of.
#[derive(Debug)]
pub struct State {
    /// The objects.
    pub store: Store,
    /// Which resources there are.
    pub registry: Registry,
    /// Names and uids.
    pub ids: Ids,
    /// What clients show to say who they are.
    pub tokens: Tokens,
    /// The present moment, read once for each request.
    pub now: Timestamp,
}

/// An in-process Kubernetes API; clones share it.
#[derive(Clone, Debug)]
pub struct Sandbox(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    version: watch::Sender<u64>,
    time: Time,
}

impl Sandbox {
    /// An empty one on tokio's clock, which has the system's namespaces and a few nodes. Pods start only once
    /// [`crate::workloads`] run.
    pub fn new(start: Timestamp) -> Sandbox {
        Sandbox::with_time(Time::starting_at(start))
    }

    /// An empty one on the machine's clock, for clients outside this process.
    pub fn on_machine_time() -> Sandbox {
        Sandbox::with_time(Time::Machine)
    }

    fn with_time(time: Time) -> Sandbox {
        let now = time.now();
        let mut state = State {
            store: Store::new(WINDOW),
            registry: Registry::builtin(),
            ids: Ids::new(0x51_01CE),
            tokens: Tokens::default(),
            now,
        };
        crate::workloads::cluster::furnish(&mut state);
        crate::api::roles::furnish(&mut state);
        let version = watch::Sender::new(state.store.version());
        Sandbox(Arc::new(Shared { state: Mutex::new(state), version, time }))
    }

    /// The time here.
    pub fn time(&self) -> Time {
        self.0.time
    }

    /// Does something with the state, alone, and wakes who watches for changes.
    pub fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state: MutexGuard<'_, State> = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = self.0.time.now();
        let result = act(&mut state);
        let version = state.store.version();
        drop(state);
        self.0.version.send_if_modified(|seen| std::mem::replace(seen, version) != version);
        result
    }

    /// Tells when there are changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.version.subscribe()
    }
}
