//! Experiments: versions side by side for a while, as a step of an update and by themselves.

use kube::api::{Api, ListParams};
use serde_json::{Value, json};
use sluice_core::api::{AnalysisRun, Experiment, ReplicaSet, labels};

use crate::scenario::{Scenario, Subject, rollout, with};

crate::scenarios! {
    a_step_runs_both_versions_side_by_side_for_a_while,
    an_experiment_whose_pods_never_come_aborts_the_update,
    an_abort_ends_the_experiment_and_its_pods_go,
    an_experiment_by_itself_has_a_service_until_it_is_over,
    a_job_of_an_experiment_decides,
}

const API_VERSION: &str = "argoproj.io/v1alpha1";

impl Scenario {
    async fn experiments(&self) -> Vec<Experiment> {
        let api: Api<Experiment> = Api::namespaced(self.client(), &self.namespace);
        api.list(&ListParams::default()).await.expect("experiments").items
    }

    /// Waits for something about the one experiment that there is.
    async fn until_experiment(&self, what: &str, holds: impl Fn(&Experiment) -> bool) -> Experiment {
        self.eventually(what, async || {
            let all = self.experiments().await;
            all.iter()
                .find(|one| holds(one))
                .cloned()
                .ok_or_else(|| format!("{:#?}", all.iter().map(|one| &one.status).collect::<Vec<_>>()))
        })
        .await
    }

    /// The ReplicaSets of experiments, with their wanted and available pods.
    pub async fn tried(&self) -> Vec<(String, i32, i32)> {
        let api: Api<ReplicaSet> = Api::namespaced(self.client(), &self.namespace);
        let sets = api.list(&ListParams::default().labels(labels::POD_TEMPLATE_HASH)).await.expect("ReplicaSets").items;
        let is_tried = |rs: &&ReplicaSet| rs.annotation(labels::EXPERIMENT_NAME).is_some();
        let told = |rs: &ReplicaSet| {
            let template = rs.annotation(labels::EXPERIMENT_TEMPLATE).unwrap_or_default().to_owned();
            (template, rs.wanted(), rs.observed().available_replicas)
        };
        sets.iter().filter(is_tried).map(told).collect()
    }

    /// Waits until the experiments' pods are gone.
    async fn until_untried(&self) {
        self.eventually("the pods of the experiment are gone", async || {
            let tried = self.tried().await;
            if tried.iter().all(|(_, wanted, _)| *wanted == 0) { Ok(()) } else { Err(format!("{tried:?}")) }
        })
        .await;
    }
}

fn phase(experiment: &Experiment) -> &str {
    experiment.status.as_ref().map_or("", |status| &status.phase)
}

/// An update through a canary whose second step is this experiment.
async fn with_experiment(s: &Scenario, experiment: Value) -> Subject {
    let steps = json!([{ "setWeight": 50 }, { "experiment": experiment }, { "pause": {} }]);
    let web = s.deploy(with(rollout(2, steps), "/spec/progressDeadlineSeconds", json!(8))).await;
    web.set_image("web:2").await;
    web
}

fn both() -> Value {
    json!([{ "name": "baseline", "specRef": "stable" }, { "name": "canary", "specRef": "canary", "replicas": 2 }])
}

async fn a_step_runs_both_versions_side_by_side_for_a_while(s: Scenario) {
    let web = with_experiment(&s, json!({ "duration": "3s", "scaleDownDelaySeconds": 1, "templates": both() })).await;
    let running = s.until_experiment("runs", |experiment| phase(experiment) == "Running").await;
    assert_eq!(web.status().await.canary.expect("canary").current_experiment, running.metadata.name.expect("a name"));
    assert_eq!(s.tried().await, [("baseline".to_owned(), 1, 1), ("canary".to_owned(), 2, 2)]);
    web.until_paused_at(2).await;
    assert_eq!(web.sizes("web:1", "web:2").await, (1, 1), "the experiment's pods are its own");
    s.until_untried().await;
    web.promote().await;
    web.until_healthy().await;
    assert_eq!(phase(&s.experiments().await[0]), "Successful");
}

async fn an_experiment_whose_pods_never_come_aborts_the_update(s: Scenario) {
    let never = json!({ "annotations": { "node.sluice.dev/ready": "never" } });
    let templates = json!([{ "name": "canary", "specRef": "canary", "metadata": never }]);
    let web = with_experiment(&s, json!({ "templates": templates, "scaleDownDelaySeconds": 0 })).await;
    let aborted = web.until_aborted().await;
    let message = &aborted.status().message;
    assert!(message.contains("Experiment analysis phase is error/failed: Template 'canary' is Failed: "), "{message}");
    web.until_sizes(("web:1", 2), ("web:2", 0)).await;
    s.until_untried().await;
}

async fn an_abort_ends_the_experiment_and_its_pods_go(s: Scenario) {
    let web = with_experiment(&s, json!({ "templates": both(), "scaleDownDelaySeconds": 0 })).await;
    s.until_experiment("runs", |experiment| phase(experiment) == "Running").await;
    web.abort().await;
    web.until_aborted().await;
    let ended = s.until_experiment("has ended", |experiment| phase(experiment) == "Successful").await;
    assert!(ended.spec.terminate);
    s.until_untried().await;
}

async fn an_experiment_by_itself_has_a_service_until_it_is_over(s: Scenario) {
    let container = json!({ "name": "web", "image": "web:1", "ports": [{ "containerPort": 80 }] });
    let template = json!({
        "name": "lone",
        "service": { "name": "lone" },
        "selector": { "matchLabels": { "app": "lone" } },
        "template": { "metadata": { "labels": { "app": "lone" } }, "spec": { "containers": [container] } },
    });
    let spec = json!({ "duration": "2s", "scaleDownDelaySeconds": 1, "templates": [template] });
    s.create(json!({ "apiVersion": API_VERSION, "kind": "Experiment", "metadata": { "name": "solo" }, "spec": spec }))
        .await
        .expect("an Experiment");
    let running = s.until_experiment("runs", |experiment| phase(experiment) == "Running").await;
    let status = running.status.expect("a status").template_statuses.remove(0);
    s.eventually("has a Service", async || {
        let service = s.objects("v1", "Service").get_opt("lone").await.expect("an answer");
        let selector = service.ok_or("no Service")?.data["spec"]["selector"].clone();
        assert_eq!(selector, json!({ "app": "lone", labels::POD_TEMPLATE_HASH: status.pod_template_hash }));
        Ok(())
    })
    .await;
    s.until_experiment("is over", |experiment| phase(experiment) == "Successful").await;
    s.eventually("its Service is gone", async || {
        let service = s.objects("v1", "Service").get_opt("lone").await.expect("an answer");
        if service.is_none() { Ok(()) } else { Err("it is there".to_owned()) }
    })
    .await;
    s.until_untried().await;
}

async fn a_job_of_an_experiment_decides(s: Scenario) {
    let container = json!({ "name": "compare", "image": "compare:1", "command": ["sh", "-c", "exit 1"] });
    let job =
        json!({ "backoffLimit": 0, "template": { "spec": { "restartPolicy": "Never", "containers": [container] } } });
    let metric = json!({ "name": "compare", "provider": { "job": { "spec": job } } });
    let spec = json!({ "metrics": [metric] });
    s.create(json!({ "apiVersion": API_VERSION, "kind": "AnalysisTemplate", "metadata": { "name": "compare" }, "spec": spec }))
        .await
        .expect("an AnalysisTemplate");
    let analyses = json!([{ "name": "compare", "templateName": "compare", "requiredForCompletion": true }]);
    let web =
        with_experiment(&s, json!({ "templates": both(), "analyses": analyses, "scaleDownDelaySeconds": 0 })).await;
    let aborted = web.until_aborted().await;
    let message = &aborted.status().message;
    assert!(message.contains("Analysis 'compare' is Failed: Metric \"compare\" assessed Failed"), "{message}");
    let api: Api<AnalysisRun> = Api::namespaced(s.client(), &s.namespace);
    let runs = api.list(&ListParams::default()).await.expect("runs").items;
    assert_eq!(runs.len(), 1);
    s.until_untried().await;
}
