//! Analysis runs in scenarios: their templates, and waiting for their ends.

use kube::api::{Api, ListParams};
use serde_json::{Value, json};
use sluice_core::api::AnalysisRun;

use crate::scenario::Scenario;

impl Scenario {
    /// Makes an `AnalysisTemplate` with these metrics.
    pub async fn template(&self, name: &str, spec: Value) {
        let template = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": { "name": name }, "spec": spec,
        });
        self.create(template).await.expect("an AnalysisTemplate");
    }

    /// Makes an `AnalysisRun` of nobody.
    pub async fn analyse(&self, name: &str, spec: Value) {
        let run = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": { "name": name }, "spec": spec,
        });
        self.create(run).await.expect("an AnalysisRun");
    }

    /// All analysis runs, the oldest first.
    pub async fn runs(&self) -> Vec<AnalysisRun> {
        let api: Api<AnalysisRun> = Api::namespaced(self.client(), &self.namespace);
        let mut runs = api.list(&ListParams::default()).await.expect("runs").items;
        runs.sort_by_key(|run| {
            (run.metadata.creation_timestamp.as_ref().map(|time| time.0), run.metadata.name.clone())
        });
        runs
    }

    pub async fn until_run(&self, what: &str, holds: impl Fn(&AnalysisRun) -> bool) -> AnalysisRun {
        self.eventually(what, async || {
            let runs = self.runs().await;
            runs.iter()
                .find(|run| holds(run))
                .cloned()
                .ok_or_else(|| format!("{:#?}", runs.iter().map(told).collect::<Vec<_>>()))
        })
        .await
    }

    /// Waits until a run ends in a phase.
    pub async fn until_ended(&self, phase: &str) -> AnalysisRun {
        self.until_run(&format!("a run is {phase}"), |run| phase_of(run) == phase).await
    }
}

/// How a run stands, for messages.
pub fn told(run: &AnalysisRun) -> String {
    let status = run.status.clone().unwrap_or_default();
    format!("{} is {}: {}", run.metadata.name.as_deref().unwrap_or_default(), status.phase, status.message)
}

/// The phase of a run; empty where it has none yet.
pub fn phase_of(run: &AnalysisRun) -> &str {
    run.status.as_ref().map_or("", |status| &status.phase)
}
