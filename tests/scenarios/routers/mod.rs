//! What traffic routers write, on an API server: their kinds installed, and whoever runs the data plane played by the scenario.

pub mod alb;
pub mod ambassador;
pub mod apisix;
pub mod app_mesh;
mod balancer;
pub mod gateway_api;
pub mod istio;
pub mod nginx;
mod plane;
pub mod several;
pub mod smi;
pub mod traefik;
mod trouble;

use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use crate::scenario::Scenario;

/// A kind that is no part of Kubernetes.
#[derive(Clone, Copy)]
pub struct Kind {
    pub group: &'static str,
    pub version: &'static str,
    pub name: &'static str,
    pub plural: &'static str,
}

impl Kind {
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// A definition that keeps whatever it is given.
    fn definition(&self) -> Value {
        let Kind { group, version, name, plural } = self;
        let any = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{plural}.{group}") },
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": { "kind": name, "plural": plural, "singular": name.to_lowercase(), "listKind": format!("{name}List") },
                "versions": [{
                    "name": version,
                    "served": true,
                    "storage": true,
                    "subresources": { "status": {} },
                    "schema": { "openAPIV3Schema": { "type": "object", "properties": { "spec": any, "status": any } } },
                }],
            },
        })
    }
}

impl Scenario {
    /// Installs a kind that keeps whatever it is given, unless the cluster has a true one, and waits until its objects can be listed.
    pub async fn install(&self, kind: Kind) {
        let mut definition = kind.definition();
        if kind.group.ends_with(".k8s.io") {
            let approved = "https://github.com/kubernetes-sigs/gateway-api/pull/2443";
            definition["metadata"]["annotations"] = json!({ "api-approved.kubernetes.io": approved });
        }
        self.define(definition).await;
        self.until_served(kind).await;
    }

    /// Installs kinds as `crds/` has them, unless the cluster has them.
    pub async fn install_all(&self, definitions: &str, kinds: &[Kind]) {
        for definition in definitions.split("\n---\n") {
            self.define(serde_saphyr::from_str(definition).expect("YAML")).await;
        }
        for kind in kinds {
            self.until_served(*kind).await;
        }
    }

    /// The definitions of kinds.
    pub fn definitions(&self) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
        Api::all_with(self.client(), &ApiResource::from_gvk(&kind))
    }

    pub async fn define(&self, definition: Value) {
        let definition = serde_json::from_value(definition).expect("a definition");
        match self.definitions().create(&PostParams::default(), &definition).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            made => drop(made.expect("the definition is accepted")),
        }
    }

    pub async fn until_served(&self, kind: Kind) {
        self.eventually("the kind is served", async || {
            let listed = self.objects(&kind.api_version(), kind.name).list(&kube::api::ListParams::default()).await;
            listed.map(drop).map_err(|error| error.to_string())
        })
        .await;
    }

    /// Reads an object of such a kind.
    pub async fn see(&self, kind: Kind, name: &str) -> Value {
        self.read(&kind.api_version(), kind.name, name).await
    }

    /// Reads an object that may be missing.
    pub async fn find(&self, api_version: &str, kind: &str, name: &str) -> Option<Value> {
        let object = self.objects(api_version, kind).get_opt(name).await.expect("it can be read");
        object.map(|object| serde_json::to_value(object).expect("JSON"))
    }

    /// Waits until the controller has nothing to write any more: what the API server makes of its writes is what it meant.
    pub async fn until_quiet(&self) {
        self.eventually("quiet", async || {
            let before = self.cluster.writes(&self.namespace).await;
            self.sleep(3).await;
            let after = self.cluster.writes(&self.namespace).await;
            if before == after { Ok(()) } else { Err(format!("{:#?}", &after[before.len()..])) }
        })
        .await;
    }

    /// Writes its status, as whoever runs the data plane does.
    pub async fn report(&self, kind: Kind, name: &str, status: Value) {
        self.try_report(kind, name, status).await.expect("the status is patched");
    }

    pub async fn try_report(&self, kind: Kind, name: &str, status: Value) -> Result<(), kube::Error> {
        let patch = Patch::Merge(json!({ "status": status }));
        let api = self.objects(&kind.api_version(), kind.name);
        api.patch_status(name, &PatchParams::default(), &patch).await.map(drop)
    }
}
