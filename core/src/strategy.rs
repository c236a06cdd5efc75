//! How a rollout updates, whichever of the two strategies it uses: what both have, in one place.

use crate::api::{
    AntiAffinity, BlueGreenStrategy, BlueGreenTrafficRouting, CanaryStep, CanaryStrategy, PodTemplateMetadata,
    ReplicaProgressThreshold, Rollout, RolloutStatus, TrafficRouting,
};
use crate::replicas::Limits;

/// What applies when a delay is not given, in seconds.
const DEFAULT_DELAY_SECONDS: i32 = 30;

/// The strategy of a valid rollout.
#[derive(Clone, Copy, Debug)]
pub enum Strategy<'a> {
    /// A growing share for the new revision.
    Canary(&'a CanaryStrategy),
    /// Two revisions side by side, and one switch.
    BlueGreen(&'a BlueGreenStrategy),
}

/// The Services by which the two revisions of a routed canary are reached; empty where the router does without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles<'a> {
    /// Of the revision on trial.
    pub canary: &'a str,
    /// Of the stable revision.
    pub stable: &'a str,
}

impl<'a> Strategy<'a> {
    /// The strategy of a manifest that names exactly one.
    pub fn of(rollout: &'a Rollout) -> Option<Strategy<'a>> {
        match (&rollout.spec.strategy.canary, &rollout.spec.strategy.blue_green) {
            (Some(canary), None) => Some(Strategy::Canary(canary)),
            (None, Some(blue_green)) => Some(Strategy::BlueGreen(blue_green)),
            _ => None,
        }
    }

    /// The steps; blue-green has none.
    pub fn steps(self) -> &'a [CanaryStep] {
        match self {
            Strategy::Canary(canary) => canary.steps.as_deref().unwrap_or_default(),
            Strategy::BlueGreen(_) => &[],
        }
    }

    /// The band in which the number of serving pods may move. Blue-green adds its pods beside those that serve, so it needs
    /// no surge; its `maxUnavailable` only matters to restarts.
    pub fn limits(self, replicas: i32) -> Limits {
        match self {
            Strategy::Canary(canary) => {
                Limits::resolve(replicas, canary.max_surge.as_ref(), canary.max_unavailable.as_ref())
            }
            Strategy::BlueGreen(blue_green) => Limits::resolve(replicas, None, blue_green.max_unavailable.as_ref()),
        }
    }

    /// The Services whose selectors the rollout keeps, each with the field that names it.
    pub fn services(self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let (named, ping_pong) = match self {
            Strategy::Canary(canary) => {
                let named = [
                    ("spec.strategy.canary.canaryService", canary.canary_service.as_deref()),
                    ("spec.strategy.canary.stableService", canary.stable_service.as_deref()),
                ];
                (named, canary.ping_pong.as_ref())
            }
            Strategy::BlueGreen(blue_green) => {
                let named = [
                    ("spec.strategy.blueGreen.activeService", Some(blue_green.active_service.as_str())),
                    ("spec.strategy.blueGreen.previewService", blue_green.preview_service.as_deref()),
                ];
                (named, None)
            }
        };
        let pair = [
            ("spec.strategy.canary.pingPong.pingService", ping_pong.map(|pair| pair.ping_service.as_str())),
            ("spec.strategy.canary.pingPong.pongService", ping_pong.map(|pair| pair.pong_service.as_str())),
        ];
        named.into_iter().chain(pair).filter_map(|(field, name)| Some((field, name.filter(|name| !name.is_empty())?)))
    }

    /// The routers that it names.
    pub fn routing(self) -> Option<TrafficRouting> {
        match self {
            Strategy::Canary(canary) => canary.traffic_routing.clone(),
            Strategy::BlueGreen(blue_green) => {
                let BlueGreenTrafficRouting { gateway_api } = blue_green.traffic_routing.clone()?;
                Some(TrafficRouting { gateway_api, ..TrafficRouting::default() })
            }
        }
    }

    /// Whether routers carry the weights.
    pub fn is_routed(self) -> bool {
        matches!(self, Strategy::Canary(canary) if canary.traffic_routing.is_some())
    }

    /// What all weights add up to.
    pub fn max_weight(self) -> i32 {
        match self {
            Strategy::Canary(canary) => canary.max_weight(),
            Strategy::BlueGreen(_) => 100,
        }
    }

    /// Whether the stable side of a routed canary has pods for its own share alone (`dynamicStableScale`).
    pub fn is_dynamic(self) -> bool {
        self.is_routed() && matches!(self, Strategy::Canary(canary) if canary.dynamic_stable_scale)
    }

    /// The fewest pods of a ReplicaSet of a routed canary that has any.
    pub fn min_pods(self) -> i32 {
        match self {
            Strategy::Canary(canary) => canary.min_pods_per_replica_set.unwrap_or(0).max(0),
            Strategy::BlueGreen(_) => 0,
        }
    }

    /// Whether two Services take turns in being the stable one.
    pub fn takes_turns(self) -> bool {
        matches!(self, Strategy::Canary(canary) if canary.ping_pong.is_some())
    }

    /// The Services by which the two revisions are reached; blue-green has one that carries traffic. Of two that take turns, the status says which one is
    /// stable, `ping` or `pong`; before the first promotion it is `pong`.
    pub fn roles(self, status: &RolloutStatus) -> Roles<'a> {
        let canary = match self {
            Strategy::Canary(canary) => canary,
            Strategy::BlueGreen(blue_green) => return Roles { canary: "", stable: &blue_green.active_service },
        };
        let turn = status.canary.as_ref().map_or("", |canary| canary.stable_ping_pong.as_str());
        match &canary.ping_pong {
            Some(pair) if turn == "ping" => Roles { canary: &pair.pong_service, stable: &pair.ping_service },
            Some(pair) => Roles { canary: &pair.ping_service, stable: &pair.pong_service },
            None => Roles {
                canary: canary.canary_service.as_deref().unwrap_or_default(),
                stable: canary.stable_service.as_deref().unwrap_or_default(),
            },
        }
    }

    /// Labels and annotations for pods of a new revision while it is on trial.
    pub fn trial_metadata(self) -> Option<&'a PodTemplateMetadata> {
        match self {
            Strategy::Canary(canary) => canary.canary_metadata.as_ref(),
            Strategy::BlueGreen(blue_green) => blue_green.preview_metadata.as_ref(),
        }
    }

    /// Labels and annotations for pods of the revision that serves.
    pub fn serving_metadata(self) -> Option<&'a PodTemplateMetadata> {
        match self {
            Strategy::Canary(canary) => canary.stable_metadata.as_ref(),
            Strategy::BlueGreen(blue_green) => blue_green.active_metadata.as_ref(),
        }
    }

    /// Whether, and how, a new revision keeps off the nodes of the stable one.
    pub fn anti_affinity(self) -> Option<&'a AntiAffinity> {
        match self {
            Strategy::Canary(canary) => canary.anti_affinity.as_ref(),
            Strategy::BlueGreen(blue_green) => blue_green.anti_affinity.as_ref(),
        }
    }

    /// How many new pods must be available for the update to go on, where `desired` are wanted: all, or what
    /// `replicaProgressThreshold` says; a percentage is rounded up.
    pub fn needed(self, desired: i32) -> i32 {
        let Strategy::Canary(CanaryStrategy { replica_progress_threshold: Some(threshold), .. }) = self else {
            return desired;
        };
        let ReplicaProgressThreshold { type_, value } = threshold;
        match type_.as_str() {
            "Pods" => desired.min(*value),
            "Percent" => {
                let percent = i64::from((*value).clamp(0, 100));
                let needed = (i64::from(desired) * percent + 99).div_euclid(100);
                i32::try_from(needed).unwrap_or(desired)
            }
            // Validation has told of it.
            _ => desired,
        }
    }

    /// Seconds for which pods stay after the traffic has left them. A canary without a traffic router knows no such moment, and
    /// with a dynamic stable side the pods have gone along with the traffic.
    pub fn scale_down_delay(self) -> Option<i32> {
        match self {
            Strategy::Canary(_) if !self.is_routed() || self.is_dynamic() => None,
            Strategy::Canary(canary) => Some(canary.scale_down_delay_seconds.unwrap_or(DEFAULT_DELAY_SECONDS).max(0)),
            Strategy::BlueGreen(blue_green) => {
                Some(blue_green.scale_down_delay_seconds.unwrap_or(DEFAULT_DELAY_SECONDS).max(0))
            }
        }
    }

    /// Seconds for which pods stay where nobody can say whether traffic still goes there.
    pub fn delay_in_the_dark(self) -> i32 {
        self.scale_down_delay().unwrap_or(DEFAULT_DELAY_SECONDS)
    }

    /// How many old revisions may wait for their delay at once; `None` is any number.
    pub fn scale_down_limit(self) -> Option<i32> {
        match self {
            Strategy::Canary(canary) => canary.scale_down_delay_revision_limit,
            Strategy::BlueGreen(blue_green) => blue_green.scale_down_delay_revision_limit,
        }
    }

    /// Whether the new revision's pods stay for a while after an abort: with a dynamic stable side only where the manifest says so.
    pub fn has_abort_delay(self) -> bool {
        match self {
            Strategy::Canary(canary) => !self.is_dynamic() || canary.abort_scale_down_delay_seconds.is_some(),
            Strategy::BlueGreen(_) => true,
        }
    }

    /// Seconds for which the new revision's pods stay after an abort; `None` is for ever, which the manifest writes as 0.
    pub fn abort_delay(self) -> Option<i32> {
        let seconds = match self {
            Strategy::Canary(canary) => canary.abort_scale_down_delay_seconds,
            Strategy::BlueGreen(blue_green) => blue_green.abort_scale_down_delay_seconds,
        };
        Some(seconds.unwrap_or(DEFAULT_DELAY_SECONDS)).filter(|seconds| *seconds != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canary(type_: &str, value: i32) -> CanaryStrategy {
        let threshold = ReplicaProgressThreshold { type_: type_.into(), value };
        CanaryStrategy { replica_progress_threshold: Some(threshold), ..CanaryStrategy::default() }
    }

    #[test]
    fn a_threshold_in_percent_rounds_up_and_one_in_pods_is_at_most_all() {
        let cases =
            [("Percent", 90, 10, 9), ("Percent", 75, 3, 3), ("Percent", 0, 3, 0), ("Pods", 2, 5, 2), ("Pods", 9, 5, 5)];
        for (type_, value, desired, needed) in cases {
            assert_eq!(Strategy::Canary(&canary(type_, value)).needed(desired), needed, "{value} {type_} of {desired}");
        }
    }

    #[test]
    fn without_a_threshold_every_pod_is_needed() {
        assert_eq!(Strategy::Canary(&CanaryStrategy::default()).needed(7), 7);
    }

    #[test]
    fn an_abort_delay_of_zero_is_for_ever() {
        let delay = |seconds| {
            let strategy =
                BlueGreenStrategy { abort_scale_down_delay_seconds: seconds, ..BlueGreenStrategy::default() };
            Strategy::BlueGreen(&strategy).abort_delay()
        };
        assert_eq!((delay(None), delay(Some(0)), delay(Some(5))), (Some(30), None, Some(5)));
    }
}
