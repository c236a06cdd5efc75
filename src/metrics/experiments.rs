//! What describes experiments: computed from the cache when it is scraped.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet};
use sluice_core::analysis::Phase;
use sluice_core::api::Experiment;

use super::runs::ones;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabels {
    namespace: String,
    name: String,
    phase: String,
}

/// The metrics that describe each experiment.
pub(super) struct Experiments(pub(super) Box<dyn Fn() -> Vec<Arc<Experiment>> + Send + Sync>);

impl fmt::Debug for Experiments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Experiments").finish_non_exhaustive()
    }
}

impl Collector for Experiments {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let phases: Vec<PhaseLabels> = (self.0)().iter().map(|experiment| phase_of(experiment)).collect();
        ones(&mut encoder, "experiment_info", "Phase of an experiment", &phases)?;
        ones(&mut encoder, "experiment_phase", "Phase of an experiment, under its older name", &phases)
    }
}

fn phase_of(experiment: &Experiment) -> PhaseLabels {
    let phase = Phase::read(experiment.status.as_ref().map_or("", |status| &status.phase));
    PhaseLabels {
        namespace: experiment.metadata.namespace.clone().unwrap_or_default(),
        name: experiment.metadata.name.clone().unwrap_or_default(),
        phase: phase.as_str().to_owned(),
    }
}
