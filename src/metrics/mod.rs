//! Prometheus metrics, under the names that dashboards for Argo Rollouts use.
//!
//! What describes a rollout (`rollout_info` and its kin) is computed from the cache when it is scraped, so a deleted rollout
//! leaves no series behind. Labels that grow without bound are left out: `controller_clientset_k8s_request_total` has no
//! object name.

mod applications;
mod experiments;
mod rollouts;
mod runs;

use std::sync::Arc;

use kube::runtime::reflector::Store;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use sluice_core::api::{AnalysisRun, Application, Experiment};
use sluice_core::guard::Invariant;
use sluice_core::status::duration::Finished;
use sluice_plugin::Kind;

use crate::controller::object::Observed;
use crate::controller::tell::Telling;
pub use applications::Applications;
use experiments::Experiments;
use rollouts::Rollouts;
use runs::{Passes, Runs};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ObjectLabels {
    namespace: String,
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    namespace: String,
    name: String,
    r#type: String,
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FinishedLabels {
    namespace: String,
    name: String,
    completion_status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    kind: String,
    verb: String,
    status_code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InvariantLabels {
    invariant: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReviewLabels {
    kind: String,
    allowed: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PluginLabels {
    kind: String,
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PluginCallLabels {
    kind: String,
    name: String,
    method: String,
    outcome: String,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// All metrics of the program. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<std::sync::Mutex<Registry>>,
    reconciles: Histograms<ObjectLabels>,
    /// A gauge that only rises: as a counter its name would end in `_total`, and dashboards ask for it without.
    errors: Family<ObjectLabels, Gauge>,
    runs: Passes,
    events: Family<EventLabels, Counter>,
    requests: Family<RequestLabels, Counter>,
    violations: Family<InvariantLabels, Counter>,
    reviews: Family<ReviewLabels, Counter>,
    plugins: Family<PluginLabels, Gauge>,
    plugin_starts: Family<PluginLabels, Counter>,
    plugin_calls: Family<PluginCallLabels, Counter>,
    total: Histograms<FinishedLabels>,
    progression: Histograms<FinishedLabels>,
    manual_pause: Histograms<FinishedLabels>,
}

/// Seconds of a reconcile.
fn reconcile_seconds() -> Histogram {
    Histogram::new([0.01, 0.15, 0.25, 0.5, 1.0])
}

/// Seconds of an update: a minute to a week.
fn update_seconds() -> Histogram {
    Histogram::new([60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 86400.0, 604_800.0])
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// Registers every metric.
    pub fn new() -> Metrics {
        let metrics = Metrics {
            registry: Arc::default(),
            reconciles: Family::new_with_constructor(reconcile_seconds),
            errors: Family::default(),
            runs: Passes::new(),
            events: Family::default(),
            requests: Family::default(),
            violations: Family::default(),
            reviews: Family::default(),
            plugins: Family::default(),
            plugin_starts: Family::default(),
            plugin_calls: Family::default(),
            total: Family::new_with_constructor(update_seconds),
            progression: Family::new_with_constructor(update_seconds),
            manual_pause: Family::new_with_constructor(update_seconds),
        };
        metrics.with_registry(|registry| {
            registry.register("rollout_reconcile", "Seconds that a reconcile took", metrics.reconciles.clone());
            registry.register("rollout_reconcile_error", "Reconciles that failed", metrics.errors.clone());
            metrics.runs.register(registry);
            registry.register("rollout_events", "Events told about rollouts", metrics.events.clone());
            registry.register(
                "controller_clientset_k8s_request",
                "Requests to the Kubernetes API",
                metrics.requests.clone(),
            );
            registry.register(
                "sluice_guard_violations",
                "Plans that would break an invariant",
                metrics.violations.clone(),
            );
            registry.register(
                "sluice_admission_reviews",
                "Objects that the admission webhook reviewed",
                metrics.reviews.clone(),
            );
            registry.register("sluice_plugin_ready", "Whether a plugin can be called", metrics.plugins.clone());
            registry.register("sluice_plugin_starts", "How often a plugin became ready", metrics.plugin_starts.clone());
            registry.register("sluice_plugin_calls", "Calls of plugins", metrics.plugin_calls.clone());
            registry.register(
                "rollout_duration_seconds",
                "Seconds from start to end of an update",
                metrics.total.clone(),
            );
            registry.register(
                "rollout_progression_duration_seconds",
                "Seconds of an update without those in which it waited for people",
                metrics.progression.clone(),
            );
            registry.register(
                "rollout_manual_pause_duration_seconds",
                "Seconds in which an update waited for people",
                metrics.manual_pause.clone(),
            );
            let version = [("version", env!("CARGO_PKG_VERSION"))];
            let info = registry.sub_registry_with_labels(version.into_iter().map(|(k, v)| (k.into(), v.into())));
            info.register("argo_rollouts_controller_info", "The running controller", always_one());
            info.register("build_info", "The running controller", always_one());
        });
        metrics
    }

    fn with_registry<R>(&self, with: impl FnOnce(&mut Registry) -> R) -> R {
        with(&mut self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Adds the metrics of the GitOps core, some of which are computed from the cached Applications.
    pub fn applications(&self, cached: Store<Application>) -> Applications {
        let applications = Applications::new();
        self.with_registry(|registry| applications.register(registry, cached));
        applications
    }

    /// Adds the metrics that are computed from the cached Rollouts, analysis runs and experiments.
    pub fn describe(
        &self,
        rollouts: Store<Observed>,
        runs: impl Fn() -> Vec<Arc<AnalysisRun>> + Send + Sync + 'static,
        experiments: impl Fn() -> Vec<Arc<Experiment>> + Send + Sync + 'static,
    ) {
        let runs = Runs { runs: Box::new(runs), rollouts: rollouts.clone() };
        self.with_registry(|registry| {
            registry.register_collector(Box::new(Rollouts(rollouts)));
            registry.register_collector(Box::new(runs));
            registry.register_collector(Box::new(Experiments(Box::new(experiments))));
        });
    }

    /// Everything, in the text format of Prometheus.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        self.with_registry(|registry| prometheus_client::encoding::text::encode(&mut text, registry))?;
        Ok(text)
    }

    /// A plugin can be called, or cannot.
    pub fn plugin_stands(&self, kind: Kind, name: &str, ready: bool) {
        let labels = plugin(kind, name);
        let was_ready = self.plugins.get_or_create(&labels).set(i64::from(ready)) == 1;
        if ready && !was_ready {
            self.plugin_starts.get_or_create(&labels).inc();
        }
    }

    /// A plugin is another one from now on, or gone.
    pub fn plugin_gone(&self, kind: Kind, name: &str) {
        self.plugins.remove(&plugin(kind, name));
    }

    /// A plugin was called.
    pub fn plugin_called(&self, kind: Kind, name: &str, method: &str, answered: bool) {
        let PluginLabels { kind, name } = plugin(kind, name);
        let outcome = if answered { "answered" } else { "failed" }.to_owned();
        self.plugin_calls.get_or_create(&PluginCallLabels { kind, name, method: method.to_owned(), outcome }).inc();
    }

    /// A reconcile took so long.
    pub fn reconciled(&self, namespace: &str, name: &str, seconds: f64) {
        self.reconciles.get_or_create(&object(namespace, name)).observe(seconds);
    }

    /// A reconcile failed.
    pub fn failed(&self, namespace: &str, name: &str) {
        self.errors.get_or_create(&object(namespace, name)).inc();
    }

    /// A rollout is gone, and with it its series.
    pub fn forget(&self, namespace: &str, name: &str) {
        self.reconciles.remove(&object(namespace, name));
        self.errors.remove(&object(namespace, name));
    }

    /// A reconcile of an analysis run took so long.
    pub fn run_reconciled(&self, namespace: &str, name: &str, seconds: f64) {
        self.runs.passed(namespace, name, seconds);
    }

    /// A reconcile of an analysis run failed.
    pub fn run_failed(&self, namespace: &str, name: &str) {
        self.runs.failed(namespace, name);
    }

    /// An analysis run is gone, and with it its series.
    pub fn forget_run(&self, namespace: &str, name: &str) {
        self.runs.forget(namespace, name);
    }

    /// An event was told.
    pub fn told(&self, telling: &Telling) {
        // Names of runs and experiments are new with each revision: there would be no end of series.
        if telling.about.kind.as_deref().is_some_and(|kind| kind != "Rollout") {
            return;
        }
        self.events
            .get_or_create(&EventLabels {
                namespace: telling.about.namespace.clone().unwrap_or_default(),
                name: telling.about.name.clone().unwrap_or_default(),
                r#type: telling.note.severity.as_str().into(),
                reason: telling.note.reason.into(),
            })
            .inc();
    }

    /// A request was answered.
    pub fn requested(&self, kind: &str, verb: &str, status: u16) {
        let labels = RequestLabels { kind: kind.into(), verb: verb.into(), status_code: status.to_string() };
        self.requests.get_or_create(&labels).inc();
    }

    /// The guard found something.
    pub fn violation(&self, invariant: Invariant) {
        self.violations.get_or_create(&InvariantLabels { invariant: invariant.as_str().into() }).inc();
    }

    /// The admission webhook reviewed an object of a kind of ours, or of another.
    pub fn reviewed(&self, kind: &str, is_allowed: bool) {
        let labels = ReviewLabels { kind: kind.into(), allowed: is_allowed.to_string() };
        self.reviews.get_or_create(&labels).inc();
    }

    /// An update ended.
    #[expect(clippy::cast_precision_loss, reason = "seconds of an update are far below 2^52")]
    pub fn finished(&self, namespace: &str, name: &str, finished: &Finished) {
        let labels =
            FinishedLabels { namespace: namespace.into(), name: name.into(), completion_status: finished.how.clone() };
        let (total, paused) = (finished.total_seconds as f64, finished.manual_pause_seconds as f64);
        self.total.get_or_create(&labels).observe(total);
        self.progression.get_or_create(&labels).observe((total - paused).max(0.0));
        self.manual_pause.get_or_create(&labels).observe(paused);
    }
}

fn always_one() -> impl Metric {
    let one: Gauge = Gauge::default();
    one.set(1);
    one
}

fn plugin(kind: Kind, name: &str) -> PluginLabels {
    PluginLabels { kind: kind.as_str().to_owned(), name: name.to_owned() }
}

fn object(namespace: &str, name: &str) -> ObjectLabels {
    ObjectLabels { namespace: namespace.into(), name: name.into() }
}

#[cfg(test)]
mod tests;
