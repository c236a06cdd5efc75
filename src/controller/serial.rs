//! One rollout after the other, in the order of their moments and names: the same run every time, for proofs. The product uses
//! kube's `Controller`, which works on several at once and in no certain order.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::context::Context;
use super::object::Observed;
use super::{BACK_OFF, failed, timed_reconcile};

/// Namespace and name.
type Key = (String, String);

/// What leads to a pass.
pub struct Triggers<W> {
    /// Rollouts that changed.
    pub watched: W,
    /// Rollouts of which something else changed.
    pub touched: mpsc::UnboundedReceiver<ObjectRef<Observed>>,
    /// All of them.
    pub everything: mpsc::UnboundedReceiver<()>,
}

/// When to look at which rollout.
#[derive(Default)]
struct Due(BTreeMap<Key, Instant>);

impl Due {
    /// The earlier of two moments counts.
    fn add(&mut self, key: Key, at: Instant) {
        self.0.entry(key).and_modify(|due| *due = at.min(*due)).or_insert(at);
    }

    fn first(&self) -> Option<(Key, Instant)> {
        self.0.iter().min_by_key(|(key, at)| (**at, *key)).map(|(key, at)| (key.clone(), *at))
    }
}

/// Runs until its task is stopped.
pub async fn run<W>(triggers: Triggers<W>, rollouts: Store<Observed>, context: Arc<Context>)
where
    W: Stream<Item = Result<Observed, watcher::Error>>,
{
    let Triggers { watched, mut touched, mut everything } = triggers;
    let mut watched = std::pin::pin!(watched);
    let mut due = Due::default();
    loop {
        let first = due.first();
        let comes = async {
            match &first {
                Some((key, at)) => {
                    tokio::time::sleep_until(*at).await;
                    key.clone()
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(event) = watched.next() => {
                if let Ok(observed) = event {
                    due.add(key_of(&observed), Instant::now());
                }
            }
            Some(reference) = touched.recv() => {
                due.add((reference.namespace.unwrap_or_default(), reference.name), Instant::now());
            }
            Some(()) = everything.recv() => {
                for observed in rollouts.state() {
                    due.add(key_of(&observed), Instant::now());
                }
            }
            key = comes => {
                due.0.remove(&key);
                let Some(observed) = rollouts.get(&ObjectRef::new(&key.1).within(&key.0)) else { continue };
                let next = match timed_reconcile(Arc::clone(&observed), Arc::clone(&context)).await {
                    Ok(next) => next,
                    Err(error) => {
                        failed(&observed, &error, &context);
                        Some(BACK_OFF)
                    }
                };
                if let Some(wait) = next {
                    due.add(key, Instant::now() + wait);
                }
            }
        }
    }
}

fn key_of(observed: &Observed) -> Key {
    let metadata = &observed.rollout.metadata;
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}
