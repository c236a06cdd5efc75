//! Calls of traffic routers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::{Call, MAX_TEXT, fits};
use crate::routes::Route;
use crate::subject::Subject;

/// Where a share of the traffic goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Its Service; empty where the router tells revisions apart by their hash alone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// The revision that it leads to, as in the label `rollouts-pod-template-hash`. The same Service leads elsewhere after a promotion:
    /// a router that remembers by Service is told of that here.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
}

/// A destination and its share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weighted {
    /// The destination.
    #[serde(flatten)]
    pub destination: Destination,
    /// Its share of `total`.
    pub weight: u32,
}

/// All that a router is to do for a rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routing {
    /// The new revision.
    pub canary: Weighted,
    /// The stable revision.
    pub stable: Weighted,
    /// Those of experiments; only for routers with the capability `additionalDestinations`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional: Vec<Weighted>,
    /// What all weights add up to, at least 1.
    pub total: u32,
    /// The rollout's routes, first match first: others that the router made for it go. Only for routers with the capabilities
    /// `headerRoutes` and `mirrorRoutes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
}

/// Makes the data plane do what `routing` says, and nothing but that: the same call again changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Apply {
    /// The Rollout.
    pub rollout: Subject,
    /// What it says below `trafficRouting.plugins`, by the plugin's name.
    #[serde(default)]
    pub config: Value,
    /// What is to be.
    pub routing: Routing,
}

/// What does the data plane do?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observe {
    /// The Rollout.
    pub rollout: Subject,
    /// As in [`Apply`].
    #[serde(default)]
    pub config: Value,
    /// The routing that was applied last, or what would be now.
    pub routing: Routing,
}

/// Sends everything to the stable destination and takes back what the router made for the Rollout, which does not name the plugin
/// any more or is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The Rollout.
    pub rollout: Subject,
    /// As in [`Apply`].
    #[serde(default)]
    pub config: Value,
    /// The new revision's destination.
    pub canary: Destination,
    /// Where everything goes.
    pub stable: Destination,
}

/// A destination's share where a router has several rules, which may disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// In the rule where it is lowest.
    pub lowest: u32,
    /// In the rule where it is highest.
    pub highest: u32,
}

impl Share {
    /// The same in all rules.
    pub fn exactly(weight: u32) -> Share {
        Share { lowest: weight, highest: weight }
    }
}

/// The shares that the destinations have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    /// The canary.
    pub canary: Share,
    /// The stable destination.
    pub stable: Share,
    /// Those of experiments, in the order of the call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional: Vec<Share>,
}

/// What a data plane does, as far as its router knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// What it is told to do, by what the router can read back.
    pub weights: Weights,
    /// Whether it does that: `true` where it is known, `false` where it does something else still, absent where nobody can know.
    /// The controller takes pods away sooner where this is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
    /// The part of the data plane that is behind, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<String>,
    /// When another look is worth while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_after_ms: Option<u64>,
    /// Whether certain requests go to the canary besides, by header or mirrored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_routes: bool,
    /// The revision that the canary's destination leads to, where the router and no Service says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// What keeps the data plane from doing what it is told, and what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Observation {
    /// The data plane is told what `routing` says.
    pub fn of(routing: &Routing) -> Observation {
        let share = |weighted: &Weighted| Share::exactly(weighted.weight);
        Observation {
            weights: Weights {
                canary: share(&routing.canary),
                stable: share(&routing.stable),
                additional: routing.additional.iter().map(share).collect(),
            },
            has_routes: !routing.routes.is_empty(),
            ..Observation::default()
        }
    }

    /// Shares lie within the total, and none is missing.
    fn check(&self, total: u32, additional: usize) -> Result<(), String> {
        for (what, text) in [("message", &self.message), ("hash", &self.hash), ("part that is behind", &self.behind)] {
            fits(what, text.as_ref().map_or(0, String::len), MAX_TEXT)?;
        }
        let Weights { canary, stable, additional: others } = &self.weights;
        if others.len() != additional {
            return Err(format!("names {} additional destinations of {additional}", others.len()));
        }
        match [canary, stable].into_iter().chain(others).find(|s| s.lowest > s.highest || s.highest > total) {
            Some(Share { lowest, highest }) => Err(format!("has a share from {lowest} to {highest} of {total}")),
            None => Ok(()),
        }
    }
}

impl Call for Apply {
    const METHOD: &'static str = "trafficRouter/apply";
    type Answer = Observation;

    fn check(&self, answer: &Observation) -> Result<(), String> {
        answer.check(self.routing.total, self.routing.additional.len())
    }
}

impl Call for Observe {
    const METHOD: &'static str = "trafficRouter/observe";
    type Answer = Observation;

    fn check(&self, answer: &Observation) -> Result<(), String> {
        answer.check(self.routing.total, self.routing.additional.len())
    }
}

impl Call for Release {
    const METHOD: &'static str = "trafficRouter/release";
    type Answer = crate::handshake::Nothing;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observe(additional: usize) -> Observe {
        let routing = Routing { total: 100, additional: vec![Weighted::default(); additional], ..Routing::default() };
        Observe { rollout: Subject::default(), config: Value::Null, routing }
    }

    fn shares(canary: (u32, u32), additional: usize) -> Observation {
        let canary = Share { lowest: canary.0, highest: canary.1 };
        let weights = Weights { canary, stable: Share::exactly(50), additional: vec![Share::exactly(1); additional] };
        Observation { weights, ..Observation::default() }
    }

    #[test]
    fn a_share_lies_within_the_total() {
        assert_eq!(observe(0).check(&shares((20, 30), 0)), Ok(()));
        assert_eq!(observe(0).check(&shares((30, 20), 0)), Err("has a share from 30 to 20 of 100".into()));
        assert_eq!(observe(0).check(&shares((0, 101), 0)), Err("has a share from 0 to 101 of 100".into()));
    }

    #[test]
    fn every_additional_destination_has_its_share() {
        assert_eq!(observe(2).check(&shares((0, 0), 2)), Ok(()));
        assert_eq!(observe(2).check(&shares((0, 0), 1)), Err("names 1 additional destinations of 2".into()));
    }
}
