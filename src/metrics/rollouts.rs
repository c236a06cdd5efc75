//! What describes a rollout: computed from the cache when it is scraped.

use kube::runtime::reflector::Store;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use sluice_core::api::Rollout;
use sluice_core::status::conditions::{self, kind, reason};

use super::object;
use crate::controller::object::Observed;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InfoLabels {
    namespace: String,
    name: String,
    strategy: String,
    traffic_router: String,
    phase: String,
}

/// The metrics that describe each rollout, computed when they are scraped.
#[derive(Debug)]
pub(super) struct Rollouts(pub(super) Store<Observed>);

type ReplicaGauge = (&'static str, &'static str, fn(&Rollout) -> i32);

const REPLICA_GAUGES: [ReplicaGauge; 4] = [
    ("rollout_info_replicas_available", "Available pods of a rollout", |r| r.status().available_replicas),
    ("rollout_info_replicas_unavailable", "Pods of a rollout that are not available", |r| {
        (r.status().replicas - r.status().available_replicas).max(0)
    }),
    ("rollout_info_replicas_desired", "Pods that a rollout should have", |r| r.spec.replicas.unwrap_or(1)),
    ("rollout_info_replicas_updated", "Pods of a rollout's newest revision", |r| r.status().updated_replicas),
];

impl Collector for Rollouts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let rollouts = self.0.state();
        let info: Family<InfoLabels, Gauge> = Family::default();
        for observed in &rollouts {
            info.get_or_create(&info_of(&observed.rollout)).set(1);
        }
        let description =
            encoder.encode_descriptor("rollout_info", "Strategy and phase of a rollout", None, MetricType::Gauge)?;
        info.encode(description)?;
        for (name, help, value) in REPLICA_GAUGES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for observed in &rollouts {
                let metadata = &observed.rollout.metadata;
                let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
                let labels = object(namespace.unwrap_or_default(), name.unwrap_or_default());
                ConstGauge::new(i64::from(value(&observed.rollout))).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn info_of(rollout: &Rollout) -> InfoLabels {
    let canary = rollout.spec.strategy.canary.as_ref();
    InfoLabels {
        namespace: rollout.metadata.namespace.clone().unwrap_or_default(),
        name: rollout.metadata.name.clone().unwrap_or_default(),
        strategy: if canary.is_some() { "canary" } else { "blueGreen" }.into(),
        traffic_router: canary
            .and_then(|canary| canary.traffic_routing.as_ref())
            .map(sluice_core::api::TrafficRouting::router_names)
            .unwrap_or_default()
            .join(","),
        phase: phase_of(rollout).into(),
    }
}

/// The phase as the metric has it, which is not the phase of the status.
fn phase_of(rollout: &Rollout) -> &'static str {
    let status = rollout.status();
    if conditions::get(status, kind::INVALID_SPEC).is_some() {
        return "InvalidSpec";
    }
    match conditions::reason_of(status, kind::PROGRESSING) {
        reason::ABORTED => "Abort",
        reason::TIMED_OUT => "Timeout",
        reason::CREATE_ERROR => "Error",
        reason::PAUSED => "Paused",
        reason::NEW_REPLICA_SET_AVAILABLE => "Completed",
        _ => "Progressing",
    }
}
