//! Routing objects of a Rollout that is deleted: all goes to the stable Service, and what its routers made is removed. (Services that it
//! leaves are `leftovers`; they say themselves whose they were, so that they are found after a restart too.)

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use jiff::SignedDuration;
use kube::runtime::reflector::{ObjectRef, Store};
use sluice_core::api::Rollout;
use sluice_core::traffic::{self, Answer, Destination, Recorded, RouteWrite};
use tokio::sync::mpsc;

use super::context::Context;
use super::execute::route;
use super::object::Observed;
use super::observe::{Ask, routed};

/// Time until what is left is looked at again,
const AGAIN: Duration = Duration::from_secs(1);
/// and for how long that goes on: objects may be gone, or forbidden.
const PATIENCE: SignedDuration = SignedDuration::from_mins(2);

/// Takes leave of each Rollout that is deleted, until the task is stopped.
pub async fn take_leave(
    mut deleted: mpsc::UnboundedReceiver<Rollout>,
    context: Arc<Context>,
    rollouts: Store<Observed>,
) {
    context.filled.wait().await;
    // One that has to wait for somebody keeps no other waiting.
    let mut leaving: FuturesUnordered<BoxFuture<'static, ()>> = FuturesUnordered::new();
    loop {
        tokio::select! {
            rollout = deleted.recv() => {
                let Some(rollout) = rollout else { return };
                leaving.push(Box::pin(leave(rollout, Arc::clone(&context), rollouts.clone())));
            }
            Some(()) = leaving.next() => {}
        }
    }
}

async fn leave(rollout: Rollout, context: Arc<Context>, rollouts: Store<Observed>) {
    let metadata = &rollout.metadata;
    let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
    let reference = ObjectRef::<Observed>::new(name.unwrap_or_default()).within(namespace.unwrap_or_default());
    let until = sluice_core::time::after(context.clock.now(), PATIENCE);
    // One that is there again, under the same name, has its own plan for them.
    while rollouts.get(&reference).is_none() && *context.leading.borrow() {
        match left(&context, &rollout) {
            Some(left) if left.is_nothing() => break,
            _ if context.clock.now() >= until => {
                tracing::warn!(
                    namespace,
                    rollout = name,
                    "the Rollout is gone, and what its routers did is not all undone"
                );
                break;
            }
            Some(left) => release(&context, &rollout, left.writes).await,
            None => {}
        }
        tokio::time::sleep(AGAIN).await;
    }
    context.plugins.forget_routers(metadata.uid.as_deref().unwrap_or_default());
}

/// What is left to undo; `None` while the objects are not known.
fn left(cx: &Context, rollout: &Rollout) -> Option<Answer> {
    let routers = traffic::named(rollout);
    let namespace = rollout.metadata.namespace.clone().unwrap_or_default();
    let strategy = sluice_core::strategy::Strategy::of(rollout);
    let Some((canary, stable)) = strategy.and_then(Recorded::of).map(|recorded| recorded.services(rollout.status()))
    else {
        return Some(Answer::default());
    };
    let services = cx.services();
    let to = |service: String| {
        let known = services.get(&(namespace.clone(), service.clone()));
        let hash = known.and_then(|indexed| indexed.service.leads_to().map(str::to_owned)).unwrap_or_default();
        Destination { service, hash }
    };
    let (canary, stable) = (to(canary), to(stable));
    // Nobody waits for what AWS says of it.
    let routed = routed(cx, rollout, routers, Ask::Nobody)?;
    let now = cx.clock.now();
    let mut all = Answer::default();
    for answer in routed.iter().map(|it| it.release(now, &canary, &stable)) {
        all.writes.extend(answer.writes);
        // A plugin that has been told answers later.
        all.behind = all.behind.or(answer.behind);
    }
    Some(all)
}

async fn release(cx: &Context, rollout: &Rollout, writes: Vec<RouteWrite>) {
    let (namespace, name) = (rollout.metadata.namespace.as_deref(), rollout.metadata.name.as_deref());
    for write in writes {
        let (kind, object) = (write.kind.kind, write.name.as_str());
        match route(cx, &write).await {
            Ok(()) => tracing::info!(namespace, rollout = name, kind, object, "done, as the Rollout is gone"),
            Err(error) => tracing::warn!(namespace, rollout = name, kind, object, %error, "refused"),
        }
    }
}
