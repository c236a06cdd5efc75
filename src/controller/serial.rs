//! One rollout after the other, in the order of their moments and names: the same run every time, for proofs. The product uses
//! kube's `Controller`, which works on several at once and in no certain order.

use std::sync::Arc;

use futures::{Stream, StreamExt};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::children::Key;
use super::context::Context;
use super::object::Observed;
use super::work::Due;
use super::{BACK_OFF, failed, timed_reconcile};

/// What leads to a pass.
pub struct Triggers<W> {
    /// Rollouts that changed.
    pub watched: W,
    /// Rollouts of which something else changed.
    pub touched: mpsc::UnboundedReceiver<ObjectRef<Observed>>,
    /// All of them.
    pub everything: mpsc::UnboundedReceiver<()>,
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
                due.remove(&key);
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
