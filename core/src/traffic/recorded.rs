//! What is written down of the routers of a rollout, so that what they did can be undone when the manifest does not name them any more.

use serde::{Deserialize, Serialize};

use crate::api::{BlueGreenStrategy, CanaryStrategy, PingPongSpec, Rollout, RolloutStatus, TrafficRouting, labels};
use crate::strategy::{Roles, Strategy};

/// Routers, and the Services between which they divided the traffic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// The routers.
    pub traffic_routing: TrafficRouting,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    active_service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    canary_service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stable_service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ping_pong: Option<PingPongSpec>,
}

impl Recorded {
    /// What is to be written down of a strategy; nothing where it names no routers.
    pub fn of(strategy: Strategy<'_>) -> Option<Recorded> {
        let recorded = Recorded { traffic_routing: strategy.routing()?, ..Recorded::default() };
        Some(match strategy {
            Strategy::Canary(canary) => Recorded {
                canary_service: canary.canary_service.clone(),
                stable_service: canary.stable_service.clone(),
                ping_pong: canary.ping_pong.clone(),
                ..recorded
            },
            Strategy::BlueGreen(blue_green) => {
                Recorded { active_service: Some(blue_green.active_service.clone()), ..recorded }
            }
        })
    }

    /// The names of the Services of the new revision and of the stable one; the first is empty for blue-green.
    pub fn services(&self, status: &RolloutStatus) -> (String, String) {
        let owned = |roles: Roles<'_>| (roles.canary.to_owned(), roles.stable.to_owned());
        if let Some(active) = &self.active_service {
            let blue_green = BlueGreenStrategy { active_service: active.clone(), ..BlueGreenStrategy::default() };
            return owned(Strategy::BlueGreen(&blue_green).roles(status));
        }
        let canary = CanaryStrategy {
            canary_service: self.canary_service.clone(),
            stable_service: self.stable_service.clone(),
            ping_pong: self.ping_pong.clone(),
            ..CanaryStrategy::default()
        };
        owned(Strategy::Canary(&canary).roles(status))
    }
}

/// What is written down on a Rollout. An annotation that somebody has spoilt says nothing.
pub fn recorded(rollout: &Rollout) -> Option<Recorded> {
    let text = rollout.metadata.annotations.as_ref()?.get(labels::ROUTES_BY)?;
    serde_json::from_str(text).ok()
}
