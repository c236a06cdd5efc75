//! The sandbox: everything that an API server knows, behind one lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use crate::ids::Ids;
use crate::resource::Registry;
use crate::store::Store;
use crate::time::Time;
use crate::token::Tokens;
use crate::workloads::autoscaler;

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
    /// How often autoscalers look at their metrics.
    pub autoscaler_period: SignedDuration,
}

/// An in-process Kubernetes API; clones share it.
#[derive(Clone, Debug)]
pub struct Sandbox(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// The version of the store, as those who watch for changes see it.
    version: AtomicU64,
    changed: Notify,
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
            autoscaler_period: autoscaler::USUAL_PERIOD,
        };
        crate::workloads::cluster::furnish(&mut state);
        crate::api::roles::furnish(&mut state);
        let version = AtomicU64::new(state.store.version());
        Sandbox(Arc::new(Shared { state: Mutex::new(state), version, changed: Notify::new(), time }))
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
        // Still under the lock, so that it never goes back.
        if self.0.version.swap(version, Ordering::AcqRel) != version {
            self.0.changed.notify_waiters();
        }
        drop(state);
        result
    }

    /// Tells when there are changes.
    pub fn changes(&self) -> Changes {
        Changes { shared: Arc::clone(&self.0), seen: self.0.version.load(Ordering::Acquire) }
    }
}

/// Tells one watcher of changes. (tokio's `watch` would wake many of them in an order of chance, and no run would be like the
/// one before.)
#[derive(Debug)]
pub struct Changes {
    shared: Arc<Shared>,
    seen: u64,
}

impl Changes {
    /// What has changed until now has been seen.
    pub fn catch_up(&mut self) {
        self.seen = self.shared.version.load(Ordering::Acquire);
    }

    /// Waits for a change that has not been seen.
    pub async fn changed(&mut self) {
        loop {
            let mut notified = std::pin::pin!(self.shared.changed.notified());
            // From here on no change is missed.
            notified.as_mut().enable();
            let version = self.shared.version.load(Ordering::Acquire);
            if version != self.seen {
                self.seen = version;
                return;
            }
            notified.await;
        }
    }
}
