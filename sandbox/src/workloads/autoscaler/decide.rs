//! What an autoscaler decides: a function of its spec, of the size of its target, of what its metrics ask for, and of what it
//! remembers.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::metrics::{Failure, Proposal, Size};
use super::pace::{Bounds, History};
use super::report::Condition;
use crate::read::{at, number};

/// Why the pods of the target cannot be told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPods {
    /// Its scale does not say which they are.
    Unselected,
    /// Other autoscalers select them too.
    Contested(String),
}

/// What the metrics ask for, each for itself.
pub type Asked = Result<Vec<Result<Proposal, Failure>>, NoPods>;

/// What is to be done, and said.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The size, unless nothing could be decided.
    pub replicas: Option<i64>,
    /// Why the size is changed.
    pub why: String,
    /// What is to be said in conditions.
    pub conditions: Vec<Condition>,
    /// What the metrics are now: null where nobody asked.
    pub metrics: Value,
    /// Reasons and messages of events.
    pub warnings: Vec<(&'static str, String)>,
}

/// Decides.
pub fn decide(spec: &Value, size: Size, asked: Asked, history: &mut History, now: Timestamp) -> Verdict {
    let current = size.wanted;
    let bounds =
        Bounds { least: number(spec, "minReplicas").unwrap_or(1), most: number(spec, "maxReplicas").unwrap_or(1) };
    let outside = |replicas: i64, why: &str| Verdict {
        replicas: Some(replicas),
        why: why.to_owned(),
        conditions: Vec::new(),
        metrics: Value::Null,
        warnings: Vec::new(),
    };
    if current == 0 && bounds.least != 0 {
        let message = "scaling is disabled since the replica count of the target is zero";
        let conditions = vec![Condition::active(false, "ScalingDisabled", message)];
        return Verdict { conditions, ..outside(0, "") };
    }
    if current > bounds.most {
        return outside(bounds.most, "Current number of replicas above Spec.MaxReplicas");
    }
    if current < bounds.least {
        return outside(bounds.least, "Current number of replicas below Spec.MinReplicas");
    }
    let considered = match asked {
        Ok(asked) => consider(asked, current),
        Err(trouble) => Err(undecided(trouble)),
    };
    let Considered { proposal, metrics, warnings } = match considered {
        Ok(considered) => considered,
        Err(verdict) => return verdict,
    };
    let settled = history.settle(at(spec, "behavior"), bounds, current, proposal.replicas, now);
    let message = format!("the HPA was able to successfully calculate a replica count from {}", proposal.name);
    let why = if settled.replicas > current {
        format!("{} above target", proposal.name)
    } else {
        "All metrics below target".to_owned()
    };
    let active = Condition::active(true, "ValidMetricFound", message);
    let conditions = vec![settled.able, active, settled.limited];
    Verdict { replicas: Some(settled.replicas), why, conditions, metrics, warnings }
}

/// The metric that asks for the most.
struct Considered {
    proposal: Proposal,
    metrics: Value,
    warnings: Vec<(&'static str, String)>,
}

/// Takes the metric that asks for the most. Where some cannot be had, the others may only add pods.
fn consider(asked: Vec<Result<Proposal, Failure>>, current: i64) -> Result<Considered, Verdict> {
    let count = asked.len();
    let mut metrics = Vec::with_capacity(count);
    let mut most: Option<Proposal> = None;
    let mut failures: Vec<Failure> = Vec::new();
    for metric in asked {
        match metric {
            Ok(proposal) => {
                metrics.push(proposal.status.clone());
                if most.as_ref().is_none_or(|most| proposal.replicas > most.replicas) {
                    most = Some(proposal);
                }
            }
            Err(failure) => {
                metrics.push(json!({ "type": "" }));
                failures.push(failure);
            }
        }
    }
    let metrics = Value::Array(metrics);
    let mut warnings: Vec<_> = failures.iter().map(|failure| (failure.reason, failure.message.clone())).collect();
    let enough = |most: &Proposal| failures.is_empty() || most.replicas >= current;
    match (most.filter(enough), failures.first()) {
        (Some(proposal), _) => Ok(Considered { proposal, metrics, warnings }),
        (None, first) => {
            let (reason, message, story) =
                first.map(|first| (first.reason, first.message.as_str(), first.story.as_str())).unwrap_or_default();
            let invalid = failures.len();
            let told = format!("invalid metrics ({invalid} invalid out of {count}), first error is: {story}");
            warnings.push((NOTHING_COMPUTED, told));
            let message = format!("the HPA was unable to compute the replica count: {message}");
            let conditions = vec![Condition::active(false, reason, message)];
            Err(Verdict { replicas: None, why: String::new(), conditions, metrics, warnings })
        }
    }
}

/// The event that follows whatever kept it from deciding.
const NOTHING_COMPUTED: &str = "FailedComputeMetricsReplicas";

fn undecided(trouble: NoPods) -> Verdict {
    let (condition, event, told) = match trouble {
        NoPods::Unselected => (
            Condition::active(false, "InvalidSelector", "the HPA target's scale is missing a selector"),
            "SelectorRequired",
            "selector is required".to_owned(),
        ),
        NoPods::Contested(message) => {
            (Condition::active(false, "AmbiguousSelector", message.clone()), "AmbiguousSelector", message)
        }
    };
    let warnings = vec![(event, told.clone()), (NOTHING_COMPUTED, told)];
    Verdict { replicas: None, why: String::new(), conditions: vec![condition], metrics: Value::Null, warnings }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A metric that asks for this, or cannot be had.
    fn metric(name: &str, replicas: Option<i64>) -> Result<Proposal, Failure> {
        let status = json!({ "type": "External" });
        let proposal = replicas.map(|replicas| Proposal { replicas, name: name.to_owned(), status });
        let (message, story) = ("no".to_owned(), "asked: no".to_owned());
        proposal.ok_or(Failure { reason: "FailedGetExternalMetric", message, story })
    }

    fn decided(current: i64, asked: Asked) -> Verdict {
        let spec = json!({ "minReplicas": 2, "maxReplicas": 10, "behavior": { "scaleDown": {
            "stabilizationWindowSeconds": 0, "policies": [{ "type": "Pods", "value": 100, "periodSeconds": 1 }],
        }, "scaleUp": { "policies": [{ "type": "Pods", "value": 100, "periodSeconds": 1 }] } } });
        let size = Size { wanted: current, observed: current };
        decide(&spec, size, asked, &mut History::default(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_metric_that_asks_for_the_most_decides() {
        let verdict = decided(4, Ok(vec![metric("a", Some(5)), metric("b", Some(7)), metric("c", Some(6))]));
        assert_eq!((verdict.replicas, verdict.why.as_str()), (Some(7), "b above target"));
        let verdict = decided(4, Ok(vec![metric("a", Some(3)), metric("b", Some(2))]));
        assert_eq!((verdict.replicas, verdict.why.as_str()), (Some(3), "All metrics below target"));
    }

    #[test]
    fn a_metric_that_cannot_be_had_keeps_pods_from_going_but_not_from_coming() {
        assert_eq!(decided(4, Ok(vec![metric("x", None), metric("b", Some(5))])).replicas, Some(5));
        assert_eq!(decided(4, Ok(vec![metric("x", None), metric("b", Some(4))])).replicas, Some(4));
        let verdict = decided(4, Ok(vec![metric("x", None), metric("b", Some(3))]));
        assert_eq!(verdict.replicas, None);
        let told = "invalid metrics (1 invalid out of 2), first error is: asked: no".to_owned();
        assert_eq!(verdict.warnings[1], ("FailedComputeMetricsReplicas", told));
    }

    #[test]
    fn outside_of_the_bounds_no_metric_is_asked() {
        for (current, replicas) in [(0, 0), (1, 2), (11, 10)] {
            let verdict = decided(current, Ok(vec![metric("x", None)]));
            assert_eq!((verdict.replicas, verdict.warnings.len()), (Some(replicas), 0), "{current}");
        }
    }
}
