//! Analysis runs: their cache, a pass over each that changes, and measurements beside the workers.
//!
//! `pass.rs` lets `core` decide which measurements should be under way; `measuring.rs` keeps those that are, each a task of its own
//! (`measure.rs`); what came of one is an observation for the next pass. No worker waits for a provider.

mod lanes;
mod measure;
mod measuring;
mod pass;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{FutureExt as _, TryStreamExt as _};
use kube::Client;
use kube::runtime::reflector::Store;
use kube::runtime::watcher::Event;
use sluice_core::analysis::origin;
use sluice_core::analysis::templates::{self, TemplateKey, Templates};
use sluice_core::api::{AnalysisRun, AnalysisTemplateSpec, Rollout};
use sluice_core::object_kind::ObjectKind;
use sluice_core::sight::Sight;
use sluice_core::snapshot::Analyses;
use tokio::sync::mpsc;

use self::lanes::Lanes;
use self::measuring::Measuring;
use super::caches::{Scope, Touch};
use super::children::Key;
use super::context::Context;
use super::object::Observed;
use super::{flat, work};
use crate::providers::Providers;

/// `AnalysisTemplate`.
const TEMPLATE: ObjectKind =
    ObjectKind { group: "argoproj.io", kind: "AnalysisTemplate", plural: "analysistemplates", versions: &["v1alpha1"] };
/// `ClusterAnalysisTemplate`.
pub const CLUSTER_TEMPLATE: ObjectKind = ObjectKind {
    group: "argoproj.io",
    kind: "ClusterAnalysisTemplate",
    plural: "clusteranalysistemplates",
    versions: &["v1alpha1"],
};
/// The kinds of templates. One may name others, so that a change of any concerns whoever names one.
pub const TEMPLATES: [ObjectKind; 2] = [TEMPLATE, CLUSTER_TEMPLATE];

/// What takes measurements.
pub struct Measurer {
    measuring: Measuring,
    lanes: Lanes,
    providers: Arc<Providers>,
    /// For Secrets that arguments come from.
    reads: Client,
}

impl Measurer {
    /// Nothing is under way.
    pub fn new(providers: Arc<Providers>, reads: Client) -> Measurer {
        Measurer { measuring: Measuring::default(), lanes: Lanes::default(), providers, reads }
    }

    /// Drops all measurements that are under way.
    pub fn stop(&self) {
        self.measuring.stop_all();
    }
}

/// What a plan may know of analyses of a rollout; `None` while nobody knows it.
pub fn of_rollout(cx: &Context, rollout: &Rollout) -> Option<Analyses> {
    let named = origin::named(rollout);
    let runs = cx.runs.of_rollout(rollout, !named.is_empty())?;
    let status = rollout.status();
    let at_rest = !status.stable_rs.is_empty() && status.stable_rs == status.current_pod_hash;
    if at_rest || named.is_empty() {
        return Some(Analyses { runs, templates: Templates::default() });
    }
    let wanted = named.into_iter().map(|named| (named.cluster_scope, named.template_name.clone()));
    let namespace = rollout.metadata.namespace.as_deref()?;
    Some(Analyses { runs, templates: gather(cx, namespace, wanted.collect())? })
}

/// These templates and those that they name; `None` while a cache is empty.
pub fn gather(cx: &Context, namespace: &str, mut wanted: Vec<TemplateKey>) -> Option<Templates> {
    let mut found = BTreeMap::new();
    while let Some(key) = wanted.pop() {
        if found.contains_key(&key) || found.len() > templates::MOST_TEMPLATES {
            continue;
        }
        let (kind, at) = if key.0 { (CLUSTER_TEMPLATE, "") } else { (TEMPLATE, namespace) };
        let sight = match cx.objects.sight(kind, &(at.to_owned(), key.1.clone()))? {
            Sight::Found(object) => match serde_json::from_value::<AnalysisTemplateSpec>(object["spec"].clone()) {
                Ok(spec) => {
                    let inner = spec.templates.iter();
                    wanted.extend(inner.map(|inner| (inner.cluster_scope, inner.template_name.clone())));
                    Sight::Found(Box::new(spec))
                }
                Err(error) => Sight::Unreadable(error.to_string()),
            },
            Sight::Missing => Sight::Missing,
            Sight::Absent(why) => Sight::Absent(why),
            Sight::Unreadable(why) => Sight::Unreadable(why),
        };
        found.insert(key, sight);
    }
    Some(Templates(found))
}

/// Keeps the cache of runs, and looks at each that changes, until the task is stopped.
pub async fn attend(
    touched: mpsc::UnboundedReceiver<Key>,
    concurrency: usize,
    scope: Scope,
    context: Arc<Context>,
    rollouts: Store<Observed>,
    touch: Touch,
) {
    let passes = work::run(touched, concurrency, |key| pass::pass(key, Arc::clone(&context)).boxed());
    tokio::select! {
        () = passes => {}
        () = watch(scope, &context, &rollouts, &touch) => {}
        () = context.runs.look_when_leading(context.leading.clone(), || context.measurer.stop()) => {}
    }
}

async fn watch(scope: Scope, context: &Context, rollouts: &Store<Observed>, touch: &Touch) {
    let events = flat::events(&scope).inspect_ok(|event: &Event<AnalysisRun>| {
        if let Event::Delete(run) = event {
            context.measurer.measuring.forget(run.metadata.uid.as_deref().unwrap_or_default());
        }
    });
    let changed = |run: &AnalysisRun| {
        if let Some(experiment) = flat::controller_of(&run.metadata, "Experiment") {
            context.experiments.touch(experiment);
        }
    };
    context.runs.keep(events, rollouts, touch, changed).await;
}
