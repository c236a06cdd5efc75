//! Experiments: their cache, and a pass over each that changes.

mod pass;

use std::sync::Arc;

use futures::{FutureExt as _, TryStreamExt as _};
use kube::runtime::reflector::Store;
use kube::runtime::watcher::Event;
use sluice_core::api::{Experiment, Rollout};
use tokio::sync::mpsc;

use super::caches::{Scope, Touch};
use super::children::Key;
use super::context::Context;
use super::object::Observed;
use super::{flat, work};

/// What a plan may know of the experiments of a rollout; `None` while nobody knows it.
pub fn of_rollout(cx: &Context, rollout: &Rollout) -> Option<Vec<Experiment>> {
    let steps = rollout.spec.strategy.canary.iter().flat_map(|canary| canary.steps.iter().flatten());
    let asks = steps.into_iter().any(|step| step.experiment.is_some());
    cx.experiments.of_rollout(rollout, asks)
}

/// Keeps the cache, and looks at each experiment that changes, until the task is stopped.
pub async fn attend(
    touched: mpsc::UnboundedReceiver<Key>,
    concurrency: usize,
    scope: Scope,
    context: Arc<Context>,
    rollouts: Store<Observed>,
    touch: Touch,
) {
    let passes = work::run(touched, concurrency, |key| pass::pass(key, Arc::clone(&context), rollouts.clone()).boxed());
    tokio::select! {
        () = passes => {}
        () = watch(scope, &context, &rollouts, &touch) => {}
        () = lead(&context) => {}
    }
}

async fn watch(scope: Scope, context: &Context, rollouts: &Store<Observed>, touch: &Touch) {
    let events = flat::events(&scope).inspect_ok(|event: &Event<Experiment>| {
        if let Event::Delete(experiment) = event {
            context.forget_memory(experiment.metadata.uid.as_deref().unwrap_or_default());
        }
    });
    context.experiments.keep(events, rollouts, touch, |_| {}).await;
}

/// An experiment needs the caches of Rollouts as well.
async fn lead(context: &Context) {
    context.filled.wait().await;
    context.experiments.look_when_leading(context.leading.clone(), || {}).await;
}
