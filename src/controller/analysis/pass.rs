//! One pass over one analysis run: observe, plan, one status write, and the measurements that follow from what is stored.

use std::sync::Arc;
use std::time::Duration;

use kube::api::{Api, DeleteParams, Preconditions};
use sluice_core::analysis::{RunSnapshot, plan};
use sluice_core::api::AnalysisRun;
use tokio::time::Instant;

use super::super::children::{Child as _, Key};
use super::super::context::Context;
use super::super::execute::{Outcome, classify};
use super::super::flat::{self, BACK_OFF, CACHE_LAG, Written};
use super::super::owned::Found;
use super::measure;

/// Makes a pass, and returns after which time to make another although nothing happened.
pub async fn pass(key: Key, cx: Arc<Context>) -> Option<Duration> {
    let leads = *cx.leading.borrow();
    let run = match cx.runs.find(&key) {
        Found::Object(run) => run,
        Found::Gone => {
            cx.metrics.forget_run(&key.0, &key.1);
            cx.measurer.measuring.forget_named(&key);
            return None;
        }
        Found::Stale => return leads.then_some(CACHE_LAG),
        Found::Unknown => return None,
    };
    if !leads || !flat::is_mine(&cx.instance_id, &run.metadata) {
        return None;
    }
    let started = Instant::now();
    let next = of_run(&key, run, &cx).await;
    cx.metrics.run_reconciled(&key.0, &key.1, started.elapsed().as_secs_f64());
    next
}

async fn of_run(key: &Key, run: Arc<AnalysisRun>, cx: &Arc<Context>) -> Option<Duration> {
    let uid = run.metadata.uid.clone().unwrap_or_default();
    let (taken, begun) = cx.measurer.measuring.observe(&uid);
    let snapshot = RunSnapshot { now: cx.clock.now(), run: (*run).clone(), taken, begun };
    let plan = plan(&snapshot);
    if plan.expired {
        cx.measurer.measuring.forget(&uid);
        return delete(cx, &run).await;
    }
    let before = run.status.clone().unwrap_or_default();
    match flat::write_status::<AnalysisRun, _>(cx, key, &run.metadata, &before, &plan.status).await {
        Written::Nothing => {}
        Written::Version(version) => {
            cx.runs.await_version(key.clone(), version);
            flat::tell(cx, "AnalysisRun", &run.metadata, plan.notes.clone());
        }
        Written::Later(stored, wait) => {
            cx.runs.await_newer(key.clone(), stored);
            if wait >= BACK_OFF {
                cx.metrics.run_failed(&key.0, &key.1);
            }
            return Some(wait);
        }
    }
    cx.measurer.measuring.stored(&uid, &snapshot.taken);
    if !*cx.leading.borrow() {
        return None;
    }
    if plan.tasks.is_empty() && plan.status.completed_at.is_some() {
        cx.measurer.measuring.forget(&uid);
    } else {
        cx.measurer.measuring.heed(&uid, key, &plan.tasks, |task| measure::start(cx, &run, task));
    }
    let wake = plan.wake_at?;
    Some(Duration::try_from(wake.duration_since(snapshot.now)).unwrap_or(Duration::ZERO).min(cx.resync))
}

/// Deletes a run whose time is over.
async fn delete(cx: &Context, run: &AnalysisRun) -> Option<Duration> {
    let (namespace, name) = run.key();
    let api: Api<AnalysisRun> = Api::namespaced(cx.writes.clone(), &namespace);
    let (uid, resource_version) = (run.metadata.uid.clone(), run.metadata.resource_version.clone());
    let preconditions = Preconditions { uid, resource_version };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
    match api.delete(&name, &params).await {
        Ok(_) => None,
        Err(error) => match classify(&error) {
            Outcome::Conflict(_) | Outcome::Done => Some(CACHE_LAG),
            Outcome::Refused { error, .. } => {
                cx.metrics.run_failed(&namespace, &name);
                tracing::warn!(namespace, run = name, error, "cannot delete an AnalysisRun whose time is over");
                Some(BACK_OFF)
            }
        },
    }
}
