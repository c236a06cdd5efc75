//! The routers that there are. A new one is a file, and a line here.

use std::sync::Arc;

use super::gateway_api::GatewayApi;
use super::istio::Istio;
use super::recorded::{Recorded, recorded};
use super::router::TrafficRouter;
use crate::api::{Rollout, TrafficRouting};
use crate::strategy::Strategy;

/// Whose traffic a router carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Client {
    /// Namespace of the Rollout.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
    /// What all weights add up to.
    pub(super) max: i32,
    /// The names of the routes that are made for it (`managedRoutes`).
    pub(super) managed: Vec<String>,
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
        max: routing.max_weight(),
        managed: routing.managed_routes.iter().map(|route| route.name.clone()).collect(),
    };
    let mut all: Vec<Arc<dyn TrafficRouter>> = Vec::new();
    all.extend(routing.istio.iter().map(|config| Arc::new(Istio::new(&client, config)) as _));
    // What does not read is told by validation.
    let gateways = routing.gateway_apis().unwrap_or_default().into_iter();
    all.extend(gateways.map(|(name, config)| Arc::new(GatewayApi::new(name, &client, &config)) as _));
    all
}
