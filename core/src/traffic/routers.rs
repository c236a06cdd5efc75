//! The routers that there are. A new one is a file, and a line here.

use std::sync::Arc;

use serde_json::{Value, json};

use super::alb::Alb;
use super::ambassador::Ambassador;
use super::apisix::Apisix;
use super::app_mesh::AppMesh;
use super::gateway_api::GatewayApi;
use super::istio::Istio;
use super::nginx::Nginx;
use super::plugin::Plugin;
use super::recorded::{Recorded, recorded};
use super::router::TrafficRouter;
use super::smi::Smi;
use super::traefik::Traefik;
use crate::api::{GATEWAY_API_PLUGIN, Rollout, TrafficRouting};
use crate::strategy::Strategy;

/// Whose traffic a router carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Client {
    /// Namespace of the Rollout.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
    /// Its `metadata.uid`.
    pub(super) uid: String,
    /// What all weights add up to.
    pub(super) max: i32,
    /// The names of the routes that are made for it (`managedRoutes`).
    pub(super) managed: Vec<String>,
    /// Seconds after which a data plane that nobody can ask is believed to do what it was told (`propagationDelaySeconds`).
    pub(super) delay: Option<i32>,
}

impl Client {
    /// The entry of `metadata.ownerReferences` by which an object goes with the Rollout.
    pub(super) fn owner_reference(&self) -> Value {
        json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "name": self.name,
            "uid": self.uid,
            "controller": true,
            "blockOwnerDeletion": true,
        })
    }

    /// Whether an object was made for the Rollout.
    pub(super) fn controls(&self, object: &Value) -> bool {
        let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
        owners.into_iter().any(|owner| owner["controller"] == true && owner["uid"] == self.uid.as_str())
    }
}

/// The routers that a manifest names, as far as there are any.
pub fn named(rollout: &Rollout) -> Vec<Arc<dyn TrafficRouter>> {
    Strategy::of(rollout).and_then(Strategy::routing).map_or(Vec::new(), |routing| all(rollout, &routing))
}

/// The routers that a manifest named when their objects were written last, where they are others.
pub fn former(rollout: &Rollout) -> Vec<Arc<dyn TrafficRouter>> {
    let before =
        recorded(rollout).filter(|before| Strategy::of(rollout).and_then(Recorded::of).as_ref() != Some(before));
    before.map_or(Vec::new(), |before| all(rollout, &before.traffic_routing))
}

fn all(rollout: &Rollout, routing: &TrafficRouting) -> Vec<Arc<dyn TrafficRouter>> {
    let client = Client {
        namespace: rollout.metadata.namespace.clone().unwrap_or_default(),
        name: rollout.metadata.name.clone().unwrap_or_default(),
        uid: rollout.metadata.uid.clone().unwrap_or_default(),
        max: routing.max_weight(),
        managed: routing.managed_routes.iter().map(|route| route.name.clone()).collect(),
        delay: routing.propagation_delay_seconds,
    };
    let mut all: Vec<Arc<dyn TrafficRouter>> = Vec::new();
    all.extend(routing.istio.iter().map(|config| Arc::new(Istio::new(&client, config)) as Arc<dyn TrafficRouter>));
    all.extend(routing.nginx.iter().map(|config| {
        Arc::new(Nginx::new(&client, config, routing.max_traffic_weight.is_some())) as Arc<dyn TrafficRouter>
    }));
    all.extend(routing.alb.iter().map(|config| Arc::new(Alb::new(&client, config)) as Arc<dyn TrafficRouter>));
    all.extend(routing.smi.iter().map(|config| Arc::new(Smi::new(&client, config)) as Arc<dyn TrafficRouter>));
    all.extend(
        routing.ambassador.iter().map(|config| Arc::new(Ambassador::new(&client, config)) as Arc<dyn TrafficRouter>),
    );
    all.extend(routing.app_mesh.iter().map(|config| Arc::new(AppMesh::new(&client, config)) as Arc<dyn TrafficRouter>));
    all.extend(routing.traefik.iter().map(|config| Arc::new(Traefik::new(&client, config)) as Arc<dyn TrafficRouter>));
    all.extend(routing.apisix.iter().map(|config| Arc::new(Apisix::new(&client, config)) as Arc<dyn TrafficRouter>));
    // What does not read is told by validation.
    let gateways = routing.gateway_apis().unwrap_or_default().into_iter();
    all.extend(
        gateways.map(|(name, config)| Arc::new(GatewayApi::new(name, &client, &config)) as Arc<dyn TrafficRouter>),
    );
    let plugins = routing.plugins.iter().filter(|(name, _)| *name != GATEWAY_API_PLUGIN);
    all.extend(plugins.map(|(name, config)| Arc::new(Plugin::new(&client, name, config)) as Arc<dyn TrafficRouter>));
    all
}
