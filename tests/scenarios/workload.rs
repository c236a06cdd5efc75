//! `workloadRef`: a Rollout whose template is another workload's, and the way into that and out of it again.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use sluice_core::api::{Rollout, labels};

use crate::programs::HOME;
use crate::scenario::{Scenario, Subject, rollout, with};

crate::scenarios! {
    a_deployment_is_taken_over_when_the_rollout_serves,
    a_deployment_goes_pod_by_pod_and_never_are_fewer_pods_available_than_asked_for,
    a_deployment_that_is_scaled_up_again_is_scaled_down_again,
    a_new_image_in_the_deployment_is_a_canary_and_another_in_its_middle_starts_over,
    a_missing_workload_is_named_until_it_is_there,
    a_pod_template_and_a_replica_set_can_be_referred_to,
    a_template_that_moves_into_the_rollout_is_no_new_revision,
    a_rollout_gives_the_pods_back_to_its_deployment;
    with_processes:
    a_controller_that_may_not_watch_deployments_says_so_until_it_may,
}

const STEPS: &str = r#"[{ "setWeight": 50 }, { "pause": {} }]"#;

fn template() -> Value {
    rollout(1, json!([]))["spec"]["template"].clone()
}

fn manifest(api_version: &str, kind: &str, spec: Value) -> Value {
    let mut manifest = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": "web" } });
    let field = if kind == "PodTemplate" { "template" } else { "spec" };
    manifest[field] = spec;
    manifest
}

fn deployment(replicas: i32) -> Value {
    let selector = json!({ "matchLabels": { "app": "web" } });
    manifest("apps/v1", "Deployment", json!({ "replicas": replicas, "selector": selector, "template": template() }))
}

/// A Rollout without a template and a selector of its own.
fn referring(replicas: i32, api_version: &str, kind: &str, scale_down: &str) -> Value {
    let reference = json!({ "apiVersion": api_version, "kind": kind, "name": "web", "scaleDown": scale_down });
    let mut manifest =
        with(rollout(replicas, serde_json::from_str(STEPS).expect("steps")), "/spec/workloadRef", reference);
    let spec = manifest["spec"].as_object_mut().expect("a spec");
    spec.remove("template");
    spec.remove("selector");
    manifest
}

/// The available pods of `web`, whoever owns them, all of one moment.
async fn available(s: &Scenario) -> usize {
    let api: Api<Pod> = Api::namespaced(s.client(), &s.namespace);
    let pods = api.list(&ListParams::default().labels("app=web")).await.expect("pods").items;
    let ready = |pod: &&Pod| {
        let mut conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        pod.metadata.deletion_timestamp.is_none() && conditions.any(|c| c.type_ == "Ready" && c.status == "True")
    };
    pods.iter().filter(ready).count()
}

async fn until_available(s: &Scenario, pods: usize) {
    s.eventually(&format!("{pods} pods are available"), async || match available(s).await {
        there if there == pods => Ok(()),
        there => Err(format!("{there} are")),
    })
    .await;
}

/// The fewest pods of `web` that were available while `during` runs.
async fn fewest_available(s: &Scenario, during: impl Future<Output = ()>) -> usize {
    let mut fewest = usize::MAX;
    let mut during = std::pin::pin!(during);
    loop {
        fewest = fewest.min(available(s).await);
        let pause = s.cluster.sleep(Duration::from_millis(10));
        if let futures::future::Either::Left(((), _)) = futures::future::select(during.as_mut(), pause).await {
            return fewest;
        }
    }
}

async fn size(s: &Scenario) -> Value {
    s.read("apps/v1", "Deployment", "web").await["spec"]["replicas"].clone()
}

async fn until_size(s: &Scenario, replicas: i32) {
    s.eventually(&format!("the Deployment asks for {replicas} pods"), async || match size(s).await {
        now if now == json!(replicas) => Ok(()),
        now => Err(format!("it asks for {now}")),
    })
    .await;
}

async fn edit(s: &Scenario, spec: Value) {
    s.patch("apps/v1", "Deployment", "web", json!({ "spec": spec })).await.expect("the Deployment can be edited");
}

fn image(image: &str) -> Value {
    json!({ "template": { "spec": { "containers": [{ "name": "web", "image": image }] } } })
}

/// A Deployment of as many pods, and the Rollout that has taken them over.
async fn taken_over(s: &Scenario, replicas: i32) -> Subject {
    s.create(deployment(replicas)).await.expect("a Deployment");
    let web = s.deploy(referring(replicas, "apps/v1", "Deployment", "onsuccess")).await;
    until_size(s, 0).await;
    web
}

async fn a_deployment_is_taken_over_when_the_rollout_serves(s: Scenario) {
    s.create(deployment(3)).await.expect("a Deployment");
    until_available(&s, 3).await;
    let taking = async {
        s.deploy(referring(2, "apps/v1", "Deployment", "onsuccess")).await;
        until_size(&s, 0).await;
    };
    assert!(fewest_available(&s, taking).await >= 2);
    until_available(&s, 2).await;
    s.until_told("ScalingDeployment: Scaled down Deployment web from 3 to 0").await;
    let web = Subject { scenario: s.clone(), name: "web".to_owned() };
    s.eventually("the generation is written down", async || {
        let generation = s.read("apps/v1", "Deployment", "web").await["metadata"]["generation"].to_string();
        let rollout = web.get().await;
        let recorded =
            rollout.metadata.annotations.clone().unwrap_or_default().get(labels::WORKLOAD_GENERATION).cloned();
        let observed = rollout.status().workload_observed_generation.clone();
        if recorded.as_ref() == Some(&generation) && observed == generation { Ok(()) } else { Err(observed) }
    })
    .await;
    let rollout = web.get().await;
    assert_eq!((rollout.spec.template, rollout.spec.selector), (None, None), "nothing is written into the manifest");
    assert_eq!(web.size("web:1").await, 2);
}

async fn a_deployment_goes_pod_by_pod_and_never_are_fewer_pods_available_than_asked_for(s: Scenario) {
    let slow = json!({ "node.sluice.dev/ready": "1s" });
    s.create(with(deployment(3), "/spec/template/metadata/annotations", slow)).await.expect("a Deployment");
    until_available(&s, 3).await;
    let taking = async {
        s.deploy(referring(3, "apps/v1", "Deployment", "progressively")).await;
        until_size(&s, 0).await;
    };
    assert!(fewest_available(&s, taking).await >= 3);
    until_available(&s, 3).await;
}

async fn a_deployment_that_is_scaled_up_again_is_scaled_down_again(s: Scenario) {
    let web = taken_over(&s, 2).await;
    edit(&s, json!({ "replicas": 2 })).await;
    until_size(&s, 0).await;
    edit(&s, image("web:2")).await;
    web.until_paused_at(1).await;
    // As a GitOps tool does that applies all of the manifest.
    edit(&s, json!({ "replicas": 2 })).await;
    until_size(&s, 0).await;
    assert_eq!(web.sizes("web:1", "web:2").await, (1, 1));
    web.promote().await;
    web.until_healthy().await;
    until_available(&s, 2).await;
}

async fn a_new_image_in_the_deployment_is_a_canary_and_another_in_its_middle_starts_over(s: Scenario) {
    let web = taken_over(&s, 2).await;
    edit(&s, image("web:2")).await;
    web.until_paused_at(1).await;
    assert_eq!(web.sizes("web:1", "web:2").await, (1, 1));
    edit(&s, image("web:3")).await;
    web.until_sizes(("web:2", 0), ("web:3", 1)).await;
    web.until_paused_at(1).await;
    web.promote().await;
    web.until_sizes(("web:1", 0), ("web:3", 2)).await;
    web.until_healthy().await;
    assert_eq!(size(&s).await, json!(0));
}

async fn a_missing_workload_is_named_until_it_is_there(s: Scenario) {
    let web = s.apply(referring(1, "apps/v1", "Deployment", "onsuccess")).await;
    let missing = "InvalidSpec: The Rollout \"web\" is invalid: spec.workloadRef.name: Invalid value: \"web\": \
                   deployments.apps \"web\" not found";
    web.until_phase("Degraded", missing).await;
    assert!(web.replica_sets().await.is_empty());
    s.create(deployment(1)).await.expect("a Deployment");
    web.until_healthy().await;
    until_size(&s, 0).await;
    s.delete("apps/v1", "Deployment", "web").await;
    web.until_phase("Degraded", missing).await;
    assert_eq!(web.size("web:1").await, 1, "its pods stay");
    s.create(deployment(0)).await.expect("a Deployment");
    web.until_healthy().await;
    assert_eq!(web.replica_sets().await.len(), 1);
}

async fn a_pod_template_and_a_replica_set_can_be_referred_to(s: Scenario) {
    s.create(manifest("v1", "PodTemplate", template())).await.expect("a PodTemplate");
    let selector = json!({ "matchLabels": { "app": "web" } });
    let web = s.deploy(with(referring(2, "v1", "PodTemplate", "never"), "/spec/selector", selector.clone())).await;
    s.patch("v1", "PodTemplate", "web", image("web:2")).await.expect("a new template");
    web.until_paused_at(1).await;
    web.promote().await;
    web.until_sizes(("web:1", 0), ("web:2", 2)).await;
    web.until_healthy().await;
    let own = json!({ "matchLabels": { "app": "set" } });
    let of_set = with(template(), "/metadata/labels", json!({ "app": "set" }));
    let set = manifest("apps/v1", "ReplicaSet", json!({ "replicas": 1, "selector": own, "template": of_set }));
    s.create(with(set, "/metadata/name", json!("set"))).await.expect("a ReplicaSet");
    let referring = with(referring(1, "apps/v1", "ReplicaSet", "never"), "/spec/workloadRef/name", json!("set"));
    let other = s.deploy(with(referring, "/metadata/name", json!("other"))).await;
    assert_eq!(other.size("web:1").await, 1);
    let set = s.read("apps/v1", "ReplicaSet", "set").await;
    assert_eq!(set["spec"]["replicas"], 1, "only a Deployment is scaled");
}

async fn a_template_that_moves_into_the_rollout_is_no_new_revision(s: Scenario) {
    let web = taken_over(&s, 2).await;
    // As a person writes it: without what the API server has filled in.
    let selector = json!({ "matchLabels": { "app": "web" } });
    web.edit(json!({ "spec": { "workloadRef": null, "template": template(), "selector": selector } })).await;
    web.until("the reference is forgotten", |rollout| {
        let annotations = rollout.metadata.annotations.clone().unwrap_or_default();
        let forgotten = !annotations.contains_key(labels::WORKLOAD_GENERATION);
        forgotten && rollout.status().workload_observed_generation.is_empty() && rollout.status().phase == "Healthy"
    })
    .await;
    assert_eq!(web.replica_sets().await.len(), 1);
    s.delete("apps/v1", "Deployment", "web").await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    assert_eq!(web.replica_sets().await.len(), 2);
}

async fn a_rollout_gives_the_pods_back_to_its_deployment(s: Scenario) {
    let web = taken_over(&s, 2).await;
    let leaving = async {
        web.edit(json!({ "spec": { "workloadRef": { "scaleDown": "never" } } })).await;
        web.until_healthy().await;
        edit(&s, json!({ "replicas": 2 })).await;
        until_available(&s, 4).await;
        let api: Api<Rollout> = Api::namespaced(s.client(), &s.namespace);
        api.delete(&web.name, &DeleteParams::background()).await.expect("it was there");
        until_available(&s, 2).await;
    };
    assert!(fewest_available(&s, leaving).await >= 2);
    assert_eq!(size(&s).await, json!(2));
}

/// The controller's rights, without those that `spec.workloadRef` needs.
async fn a_blind_account(s: &Scenario) -> Vec<PolicyRule> {
    let roles: Api<ClusterRole> = Api::all(s.client());
    let all = roles.get("sluice").await.expect("the controller's role").rules.expect("rules");
    let about = |rule: &PolicyRule, kind: &str| rule.resources.iter().flatten().any(|resource| resource == kind);
    let fewer = all.iter().filter(|rule| !about(rule, "deployments")).cloned().collect();
    let metadata = ObjectMeta { name: Some("blind".into()), ..ObjectMeta::default() };
    let role = ClusterRole { metadata, rules: Some(fewer), ..ClusterRole::default() };
    roles.create(&PostParams::default(), &role).await.expect("a role");
    let account = format!("--serviceaccount={HOME}:blind");
    let kubectl = |arguments: &[&str]| s.programs().kubectl(arguments);
    kubectl(&["-n", HOME, "create", "serviceaccount", "blind"]);
    kubectl(&["create", "clusterrolebinding", "blind", "--clusterrole=blind", &account]);
    kubectl(&["-n", HOME, "create", "rolebinding", "blind", "--role=sluice", &account]);
    all
}

async fn a_controller_that_may_not_watch_deployments_says_so_until_it_may(s: Scenario) {
    let all = a_blind_account(&s).await;
    let kubeconfig = s.programs().kubeconfig_of(&s.client(), "blind").await.display().to_string();
    let arguments = ["--kubeconfig", &kubeconfig, "--namespace", HOME, "--instance-id", "blind"];
    let mut process = s.programs().controller(&arguments, "blind");
    s.create(deployment(1)).await.expect("a Deployment");
    let mine = json!({ labels::INSTANCE_ID: "blind" });
    let web = s.apply(with(referring(1, "apps/v1", "Deployment", "onsuccess"), "/metadata/labels", mine)).await;
    let told = web.until_phase("Degraded", "InvalidSpec: The Rollout \"web\" is invalid: spec.workloadRef: ").await;
    let message = &told.status().message;
    assert!(message.contains("cannot watch deployments.apps: deployments.apps is forbidden"), "{message}");
    let roles: Api<ClusterRole> = Api::all(s.client());
    let patch = Patch::Merge(json!({ "rules": all }));
    roles.patch("blind", &PatchParams::default(), &patch).await.expect("the rights are given");
    web.until_healthy().await;
    until_size(&s, 0).await;
    process.kill().expect("it ran until now");
    process.wait().expect("it ends");
}
