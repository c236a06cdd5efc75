//! What describes analysis runs, and the last value of each metric of a rollout: computed from the caches when they are scraped.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::runtime::reflector::{ObjectRef, Store};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use sluice_core::analysis::{Phase, number, provider_of};
use sluice_core::api::{AnalysisRun, MetricResult};

use super::{Histograms, ObjectLabels, Registry, object, reconcile_seconds};
use crate::controller::object::Observed;

/// Metrics of one rollout that have a value, at most: those of its newest runs.
const MOST_OF_A_ROLLOUT: usize = 50;
/// Values of all rollouts, at most.
const MOST: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabels {
    namespace: String,
    name: String,
    phase: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TypeLabels {
    namespace: String,
    name: String,
    metric: String,
    r#type: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MetricLabels {
    namespace: String,
    name: String,
    metric: String,
    r#type: String,
    dry_run: String,
    phase: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct ValueLabels {
    namespace: String,
    rollout: String,
    metric: String,
}

/// Passes over analysis runs.
#[derive(Clone)]
pub(super) struct Passes {
    seconds: Histograms<ObjectLabels>,
    /// A gauge that only rises: as a counter its name would end in `_total`, and dashboards ask for it without.
    errors: Family<ObjectLabels, Gauge>,
}

impl Passes {
    pub(super) fn new() -> Passes {
        Passes { seconds: Family::new_with_constructor(reconcile_seconds), errors: Family::default() }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Seconds that a reconcile of an analysis run took";
        registry.register("analysis_run_reconcile", help, self.seconds.clone());
        let help = "Reconciles of an analysis run that failed";
        registry.register("analysis_run_reconcile_error", help, self.errors.clone());
    }

    pub(super) fn passed(&self, namespace: &str, name: &str, seconds: f64) {
        self.seconds.get_or_create(&object(namespace, name)).observe(seconds);
    }

    pub(super) fn failed(&self, namespace: &str, name: &str) {
        self.errors.get_or_create(&object(namespace, name)).inc();
    }

    pub(super) fn forget(&self, namespace: &str, name: &str) {
        self.seconds.remove(&object(namespace, name));
        self.errors.remove(&object(namespace, name));
    }
}

/// The metrics that describe each analysis run.
pub(super) struct Runs {
    /// The cached runs.
    pub runs: Box<dyn Fn() -> Vec<Arc<AnalysisRun>> + Send + Sync>,
    /// The cached rollouts: the values of one that is gone are too.
    pub rollouts: Store<Observed>,
}

impl fmt::Debug for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runs").finish_non_exhaustive()
    }
}

impl Collector for Runs {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let runs = (self.runs)();
        let phases = runs.iter().map(|run| phase_of(run)).collect::<Vec<_>>();
        let metrics = runs.iter().flat_map(|run| metrics_of(run)).collect::<Vec<_>>();
        let types = metrics.iter().map(|of| {
            let MetricLabels { namespace, name, metric, r#type, .. } = of.clone();
            TypeLabels { namespace, name, metric, r#type }
        });
        let types = types.collect::<Vec<_>>();
        ones(&mut encoder, "analysis_run_info", "Phase of an analysis run", &phases)?;
        ones(&mut encoder, "analysis_run_phase", "Phase of an analysis run, under its older name", &phases)?;
        ones(&mut encoder, "analysis_run_metric_phase", "Phase of a metric of an analysis run", &metrics)?;
        ones(&mut encoder, "analysis_run_metric_type", "Provider of a metric of an analysis run", &types)?;
        let values = last_values(&runs, |namespace, owner| {
            let rollout = self.rollouts.get(&ObjectRef::new(&owner.name).within(namespace));
            rollout.is_some_and(|known| known.rollout.metadata.uid.as_deref() == Some(owner.uid.as_str()))
        });
        let help = "The last number that was measured for a metric of a rollout";
        let mut family = encoder.encode_descriptor("sluice_analysis_metric_value", help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// A gauge that is 1 for each of these.
pub(super) fn ones(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    all: &[impl EncodeLabelSet],
) -> Result<(), fmt::Error> {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    all.iter().try_for_each(|labels| ConstGauge::new(1_i64).encode(family.encode_family(labels)?))
}

fn phase_of(run: &AnalysisRun) -> PhaseLabels {
    let ObjectLabels { namespace, name } = labels_of(run);
    let phase = Phase::read(run.status.as_ref().map_or("", |status| &status.phase));
    PhaseLabels { namespace, name, phase: phase.as_str().to_owned() }
}

/// Every metric that a run asks for, with what came of it so far.
fn metrics_of(run: &AnalysisRun) -> impl Iterator<Item = MetricLabels> {
    run.spec.metrics.iter().map(|metric| {
        let ObjectLabels { namespace, name } = labels_of(run);
        let result = results(run).iter().find(|result| result.name == metric.name);
        MetricLabels {
            namespace,
            name,
            metric: metric.name.clone(),
            r#type: provider_of(metric).map_or("Unknown", |kind| kind.name).to_owned(),
            dry_run: result.is_some_and(|result| result.dry_run).to_string(),
            phase: Phase::read(result.map_or("", |result| &result.phase)).as_str().to_owned(),
        }
    })
}

/// The last number of each metric of each rollout that is there.
fn last_values(
    runs: &[Arc<AnalysisRun>],
    is_there: impl Fn(&str, &OwnerReference) -> bool,
) -> BTreeMap<ValueLabels, f64> {
    let mut by_rollout: BTreeMap<(&str, &str), Vec<&AnalysisRun>> = BTreeMap::new();
    for run in runs {
        let namespace = run.metadata.namespace.as_deref().unwrap_or_default();
        let mut owners = run.metadata.owner_references.iter().flatten();
        let owner = owners.find(|owner| owner.controller == Some(true) && owner.kind == "Rollout");
        if let Some(owner) = owner.filter(|owner| is_there(namespace, owner)) {
            by_rollout.entry((namespace, &owner.name)).or_default().push(run);
        }
    }
    let values = by_rollout.into_iter().flat_map(|((namespace, rollout), runs)| {
        of_rollout(runs).into_iter().map(move |(metric, (_, value))| {
            let (namespace, rollout, metric) = (namespace.to_owned(), rollout.to_owned(), metric.to_owned());
            (ValueLabels { namespace, rollout, metric }, value)
        })
    });
    values.take(MOST).collect()
}

/// The last number of each metric in the runs of one rollout, and when it was measured.
fn of_rollout(mut runs: Vec<&AnalysisRun>) -> BTreeMap<&str, (Option<Timestamp>, f64)> {
    runs.sort_by_key(|run| {
        let created = run.metadata.creation_timestamp.as_ref().map(|time| time.0);
        std::cmp::Reverse((created, run.metadata.name.as_deref()))
    });
    let mut last: BTreeMap<&str, (Option<Timestamp>, f64)> = BTreeMap::new();
    for result in runs.into_iter().flat_map(results) {
        let Some((at, value)) = last_number(result) else { continue };
        match last.get(result.name.as_str()) {
            Some((known, _)) if *known >= at => continue,
            None if last.len() >= MOST_OF_A_ROLLOUT => continue,
            _ => {}
        }
        last.insert(&result.name, (at, value));
    }
    last
}

fn last_number(result: &MetricResult) -> Option<(Option<Timestamp>, f64)> {
    let mut newest = result.measurements.iter().rev();
    newest.find_map(|one| Some((one.finished_at.as_ref().map(|time| time.0), number(&one.value)?)))
}

fn results(run: &AnalysisRun) -> &[MetricResult] {
    run.status.as_ref().map_or(&[], |status| &status.metric_results)
}

fn labels_of(run: &AnalysisRun) -> ObjectLabels {
    let (namespace, name) = (run.metadata.namespace.as_deref(), run.metadata.name.as_deref());
    object(namespace.unwrap_or_default(), name.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use serde_json::{Value, json};

    use super::*;

    fn time(second: u32) -> String {
        format!("2026-01-01T00:00:{second:02}Z")
    }

    /// A run of the rollout `web`, made in this second, with these measurements of its metrics: the second, and the value.
    fn run(number: u32, metrics: &[(&str, &[(u32, &str)])]) -> Arc<AnalysisRun> {
        let results = metrics.iter().map(|(name, taken)| {
            let taken = taken
                .iter()
                .map(|(second, value)| json!({"phase": "Successful", "finishedAt": time(*second), "value": value}));
            json!({"name": name, "phase": "Running", "measurements": taken.collect::<Vec<_>>()})
        });
        let mut run: AnalysisRun = serde_json::from_value(json!({
            "metadata": {"name": format!("web-{number}"), "namespace": "shop", "ownerReferences": [owner("web")]},
            "spec": {"metrics": []},
            "status": {"phase": "Running", "metricResults": results.collect::<Vec<_>>()},
        }))
        .expect("a run");
        run.metadata.creation_timestamp = Some(Time(time(number).parse().expect("a time")));
        Arc::new(run)
    }

    fn owner(rollout: &str) -> Value {
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": rollout, "uid": "u", "controller": true})
    }

    fn values(runs: &[Arc<AnalysisRun>]) -> Vec<(String, f64)> {
        let last = last_values(runs, |namespace, owner| namespace == "shop" && owner.uid == "u");
        last.into_iter().map(|(labels, value)| (format!("{}/{}", labels.rollout, labels.metric), value)).collect()
    }

    fn of(metric: &str, value: f64) -> (String, f64) {
        (format!("web/{metric}"), value)
    }

    #[test]
    fn the_number_that_was_measured_last_counts_whichever_run_measured_it() {
        let older = run(1, &[("errors", &[(2, "0.5"), (9, "[0.3]")]), ("latency", &[(2, "7")])]);
        let newer = run(3, &[("errors", &[(4, "0.4")])]);
        assert_eq!(values(&[newer, older]), [of("errors", 0.3), of("latency", 7.0)]);
    }

    #[test]
    fn what_is_no_number_leaves_the_last_one_standing() {
        let measured = run(1, &[("errors", &[(2, "0.5"), (3, "NaN"), (4, "")]), ("health", &[(2, "ok")])]);
        assert_eq!(values(&[measured]), [of("errors", 0.5)]);
    }

    #[test]
    fn a_rollout_that_is_gone_has_no_values() {
        let mut orphan = AnalysisRun::clone(&run(1, &[("errors", &[(2, "0.5")])]));
        orphan.metadata.owner_references.iter_mut().flatten().for_each(|owner| owner.uid = "another".to_owned());
        assert_eq!(values(&[Arc::new(orphan)]), []);
    }

    #[test]
    fn of_too_many_metrics_those_of_the_newest_runs_are_seen() {
        let names: Vec<String> = (0..MOST_OF_A_ROLLOUT).map(|number| format!("m{number:02}")).collect();
        let many: Vec<(&str, &[(u32, &str)])> = names.iter().map(|name| (name.as_str(), &[(2, "1")][..])).collect();
        let seen = values(&[run(1, &[("a", &[(9, "1")])]), run(3, &many)]);
        assert_eq!(seen.len(), MOST_OF_A_ROLLOUT);
        assert_eq!(seen[0], of("m00", 1.0));
    }
}
