//! The words in which scenarios are told: deploy, set an image, promote, abort, expect.

#![expect(clippy::needless_pass_by_value, reason = "manifests are written in place, without an ampersand each")]

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::{Event, Namespace, Pod};
use kube::Client;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, ObjectMeta, Patch, PatchParams,
    PostParams,
};
use serde_json::{Value, json};
use sluice_core::api::{ReplicaSet, Rollout, RolloutStatus, labels};
use sluice_core::replicas::Limits;
use sluice_core::status::conditions;

use crate::cluster::Cluster;
use crate::programs::Programs;

/// How long a condition may take before a scenario gives up. Generous: it is only ever waited out on failure.
const LIMIT: Duration = Duration::from_mins(1);

/// One scenario in a namespace of its own.
#[derive(Clone)]
pub struct Scenario {
    pub cluster: Arc<dyn Cluster>,
    pub namespace: String,
    /// A controller that dies between a write and its event does not tell of it any more.
    pub events_may_be_lost: bool,
}

impl Scenario {
    /// Makes the namespace.
    pub async fn begin(cluster: Arc<dyn Cluster>, name: &str) -> Scenario {
        // Namespaces have at most 63 characters; the cluster makes the rest of the name unique.
        let stem: String = name.replace('_', "-").chars().take(50).collect();
        let api: Api<Namespace> = Api::all(cluster.client());
        let metadata =
            ObjectMeta { generate_name: Some(format!("{}-", stem.trim_end_matches('-'))), ..ObjectMeta::default() };
        let made = api.create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() }).await;
        let namespace = made.expect("a namespace").metadata.name.expect("a name");
        Scenario { cluster, namespace, events_may_be_lost: false }
    }

    pub fn client(&self) -> Client {
        self.cluster.client()
    }

    /// Programs beside the controller; only where the scenario is listed `with_processes`.
    pub fn programs(&self) -> &Programs {
        self.cluster.programs().expect("virtual time does not wait for programs")
    }

    pub async fn sleep(&self, seconds: u64) {
        self.cluster.sleep(Duration::from_secs(seconds)).await;
    }

    /// Waits for a condition, and says what was seen last if it never comes.
    pub async fn eventually<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
        let limit = SignedDuration::try_from(LIMIT).expect("a duration");
        let start = self.cluster.now();
        loop {
            let seen = match look().await {
                Ok(value) => return value,
                Err(seen) => seen,
            };
            assert!(self.cluster.now().duration_since(start) < limit, "never {what}; last seen: {seen}");
            self.cluster.sleep(Duration::from_millis(50)).await;
        }
    }

    /// The objects of a kind here.
    pub fn objects(&self, api_version: &str, kind: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Api::namespaced_with(self.client(), &self.namespace, &resource)
    }

    /// Reads an object.
    pub async fn read(&self, api_version: &str, kind: &str, name: &str) -> Value {
        let object = self.objects(api_version, kind).get(name).await.expect("it is there");
        serde_json::to_value(object).expect("JSON")
    }

    /// Patches an object (JSON Merge Patch).
    pub async fn patch(&self, api_version: &str, kind: &str, name: &str, patch: Value) -> Result<(), kube::Error> {
        let patch = Patch::Merge(patch);
        self.objects(api_version, kind).patch(name, &PatchParams::default(), &patch).await.map(|_| ())
    }

    /// Deletes an object.
    pub async fn delete(&self, api_version: &str, kind: &str, name: &str) {
        let deleted = self.objects(api_version, kind).delete(name, &DeleteParams::default()).await;
        deleted.expect("it was there");
    }

    /// Makes an object from its manifest.
    pub async fn create(&self, manifest: Value) -> Result<Value, kube::Error> {
        let api_version = manifest["apiVersion"].as_str().unwrap_or("v1");
        let kind = manifest["kind"].as_str().expect("a kind");
        let api = self.objects(api_version, kind);
        let object = serde_json::from_value(manifest).expect("an object");
        let made = api.create(&PostParams::default(), &object).await?;
        Ok(serde_json::to_value(made).expect("JSON"))
    }

    /// Makes Services for the pods of `web`.
    pub async fn serve(&self, names: &[&str]) {
        for name in names {
            let spec = json!({ "selector": { "app": "web" }, "ports": [{ "port": 80 }] });
            let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": name }, "spec": spec });
            self.create(service).await.expect("a Service");
        }
    }

    /// Applies a Rollout without waiting for anything.
    pub async fn apply(&self, manifest: Value) -> Subject {
        let name = manifest["metadata"]["name"].as_str().expect("a name").to_owned();
        self.create(manifest).await.expect("the API server accepts the Rollout");
        Subject { scenario: self.clone(), name }
    }

    /// Applies a Rollout and waits until it is healthy.
    pub async fn deploy(&self, manifest: Value) -> Subject {
        let subject = self.apply(manifest).await;
        subject.until_healthy().await;
        subject
    }

    /// Every event about Rollouts here, in the order in which they were written, as `Reason: message`.
    pub async fn events(&self) -> Vec<String> {
        let api: Api<Event> = Api::namespaced(self.client(), &self.namespace);
        let mut events = api.list(&ListParams::default()).await.expect("events").items;
        let version = |event: &Event| event.metadata.resource_version.as_ref().and_then(|v| v.parse::<u64>().ok());
        events.sort_by_key(version);
        let about = events.into_iter().filter(|event| event.involved_object.kind.as_deref() == Some("Rollout"));
        about.map(|e| format!("{}: {}", e.reason.unwrap_or_default(), e.message.unwrap_or_default())).collect()
    }

    /// Waits for an event whose `Reason: message` contains this. Events are written after the fact, on a queue of their own.
    pub async fn until_told(&self, words: &str) {
        if self.events_may_be_lost {
            return;
        }
        self.eventually(&format!("told {words:?}"), async || {
            let events = self.events().await;
            if events.iter().any(|event| event.contains(words)) { Ok(()) } else { Err(format!("{events:#?}")) }
        })
        .await;
    }

    /// The reasons of those events.
    pub async fn event_reasons(&self) -> Vec<String> {
        self.events().await.iter().map(|event| event.split(':').next().unwrap_or_default().to_owned()).collect()
    }
}

/// A Rollout manifest with these steps.
pub fn rollout(replicas: i32, steps: Value) -> Value {
    canary(replicas, json!({ "steps": steps }))
}

/// A Rollout manifest with this canary.
pub fn canary(replicas: i32, canary: Value) -> Value {
    strategy(replicas, json!({ "canary": canary }))
}

/// A Rollout manifest with this blue-green strategy, whose Services are `active` and `preview`.
pub fn blue_green(replicas: i32, mut blue_green: Value) -> Value {
    blue_green["activeService"] = json!("active");
    blue_green["previewService"] = json!("preview");
    strategy(replicas, json!({ "blueGreen": blue_green }))
}

/// A Rollout manifest with this strategy.
pub fn strategy(replicas: i32, strategy: Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": { "name": "web" },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": "web:1" }] },
            },
            "strategy": strategy,
        },
    })
}

/// `manifest` with `value` at `pointer`, whose parent exists.
pub fn with(mut manifest: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    manifest.pointer_mut(parent).expect("the parent exists")[key] = value;
    manifest
}

/// The Rollout that a scenario is about.
#[derive(Clone)]
pub struct Subject {
    pub scenario: Scenario,
    pub name: String,
}

impl Subject {
    pub fn api(&self) -> Api<Rollout> {
        Api::namespaced(self.scenario.client(), &self.scenario.namespace)
    }

    pub async fn get(&self) -> Rollout {
        self.api().get(&self.name).await.expect("the Rollout")
    }

    pub async fn status(&self) -> RolloutStatus {
        self.get().await.status().clone()
    }

    /// Patches the manifest (JSON Merge Patch).
    pub async fn edit(&self, patch: Value) {
        let patched = self.api().patch(&self.name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.expect("the API server accepts the change");
    }

    pub async fn set_image(&self, image: &str) {
        let container = json!({ "name": "web", "image": image });
        self.edit(json!({ "spec": { "template": { "spec": { "containers": [container] } } } })).await;
    }

    pub async fn scale(&self, replicas: i32) {
        self.edit(json!({ "spec": { "replicas": replicas } })).await;
    }

    /// Patches the status, as the kubectl plugin does.
    pub async fn patch_status(&self, status: Value) {
        let patch = Patch::Merge(json!({ "status": status }));
        self.api().patch_status(&self.name, &PatchParams::default(), &patch).await.expect("the status is patched");
    }

    /// Ends a pause.
    pub async fn promote(&self) {
        self.patch_status(json!({ "pauseConditions": null })).await;
    }

    pub async fn promote_full(&self) {
        self.patch_status(json!({ "promoteFull": true })).await;
    }

    pub async fn abort(&self) {
        self.patch_status(json!({ "abort": true })).await;
    }

    pub async fn retry(&self) {
        self.patch_status(json!({ "abort": false })).await;
    }

    /// Waits for something about the Rollout, whose latest generation must have been observed.
    pub async fn until(&self, what: &str, holds: impl Fn(&Rollout) -> bool) -> Rollout {
        self.scenario
            .eventually(what, async || {
                let rollout = self.get().await;
                let generation = rollout.metadata.generation.unwrap_or(0).to_string();
                let observed = rollout.status().observed_generation == generation;
                if observed && holds(&rollout) { Ok(rollout) } else { Err(summary(&rollout)) }
            })
            .await
    }

    pub async fn until_phase(&self, phase: &str, message: &str) -> Rollout {
        self.until(&format!("{phase} ({message})"), |rollout| {
            rollout.status().phase == phase && rollout.status().message.starts_with(message)
        })
        .await
    }

    pub async fn until_healthy(&self) -> Rollout {
        self.until("Healthy", |rollout| {
            rollout.status().phase == "Healthy" && conditions::is_true(rollout.status(), "Healthy")
        })
        .await
    }

    pub async fn until_paused_at(&self, step: i32) -> Rollout {
        self.until(&format!("paused at step {step}"), |rollout| {
            let status = rollout.status();
            status.phase == "Paused" && status.current_step_index == Some(step)
        })
        .await
    }

    pub async fn until_aborted(&self) -> Rollout {
        self.until_phase("Degraded", "RolloutAborted").await
    }

    /// The Rollout's ReplicaSets, oldest revision first.
    pub async fn replica_sets(&self) -> Vec<ReplicaSet> {
        let api: Api<ReplicaSet> = Api::namespaced(self.scenario.client(), &self.scenario.namespace);
        let listed = api.list(&ListParams::default().labels(labels::POD_TEMPLATE_HASH)).await.expect("ReplicaSets");
        let mut sets = listed.items;
        sets.retain(|rs| rs.metadata.owner_references.iter().flatten().any(|owner| owner.name == self.name));
        sets.sort_by_key(ReplicaSet::revision);
        sets
    }

    /// Wanted pods of the revision with this image.
    pub async fn size(&self, image: &str) -> i32 {
        let sets = self.replica_sets().await;
        sets.iter().filter(|rs| image_of(rs) == image).map(ReplicaSet::wanted).sum()
    }

    pub async fn sizes(&self, first: &str, second: &str) -> (i32, i32) {
        (self.size(first).await, self.size(second).await)
    }

    /// Waits until two revisions have these sizes.
    pub async fn until_sizes(&self, first: (&str, i32), second: (&str, i32)) {
        let what = format!("{} pods of {} and {} of {}", first.1, first.0, second.1, second.0);
        self.scenario
            .eventually(&what, async || match self.sizes(first.0, second.0).await {
                sizes if sizes == (first.1, second.1) => Ok(()),
                sizes => Err(format!("{sizes:?}")),
            })
            .await;
    }

    /// The image of the revision that a Service selects; empty where it selects none.
    pub async fn selected(&self, service: &str) -> String {
        let service = self.scenario.read("v1", "Service", service).await;
        let hash = service["spec"]["selector"][labels::POD_TEMPLATE_HASH].as_str().unwrap_or_default().to_owned();
        let sets = self.replica_sets().await;
        let rs = sets.iter().find(|rs| rs.has_hash(&hash));
        rs.map_or_else(String::new, |rs| image_of(rs).to_owned())
    }

    /// Waits until a Service selects the revision with this image.
    pub async fn until_selected(&self, service: &str, image: &str) {
        self.scenario
            .eventually(&format!("Service {service} selects {image}"), async || {
                let selected = self.selected(service).await;
                if selected == image { Ok(()) } else { Err(format!("it selects {selected:?}")) }
            })
            .await;
    }

    /// The pods of its ReplicaSets that are not being deleted.
    pub async fn pods(&self) -> Vec<Pod> {
        let api: Api<Pod> = Api::namespaced(self.scenario.client(), &self.scenario.namespace);
        let pods = api.list(&ListParams::default().labels(labels::POD_TEMPLATE_HASH)).await.expect("pods").items;
        pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect()
    }

    /// The fewest pods that must stay available.
    pub async fn floor(&self) -> i32 {
        let rollout = self.get().await;
        let canary = rollout.spec.strategy.canary.expect("a canary");
        Limits::resolve(rollout.spec.replicas.unwrap_or(1), canary.max_surge.as_ref(), canary.max_unavailable.as_ref())
            .floor()
    }

    /// Watches the available pods while `during` runs, and returns the fewest that were ever seen.
    pub async fn fewest_available(&self, during: impl Future<Output = ()>) -> i32 {
        let mut fewest = i32::MAX;
        let mut during = std::pin::pin!(during);
        loop {
            let available: i32 = self.replica_sets().await.iter().map(|rs| rs.observed().available_replicas).sum();
            fewest = fewest.min(available);
            let pause = self.scenario.cluster.sleep(Duration::from_millis(10));
            if let futures::future::Either::Left(((), _)) = futures::future::select(during.as_mut(), pause).await {
                return fewest;
            }
        }
    }
}

/// The image of a ReplicaSet's first container.
pub fn image_of(rs: &ReplicaSet) -> &str {
    rs.spec.template["spec"]["containers"][0]["image"].as_str().unwrap_or_default()
}

fn summary(rollout: &Rollout) -> String {
    let status = rollout.status();
    format!(
        "{} ({}), step {:?}, {} of {} pods available, {} updated, waiting on {:?}",
        status.phase,
        status.message,
        status.current_step_index,
        status.available_replicas,
        status.replicas,
        status.updated_replicas,
        status.waiting_on.as_ref().map(|waiting| &waiting.message)
    )
}
