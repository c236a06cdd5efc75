//! What `wait` waits for, and whether a rollout is there, can still get there, or cannot.

use std::fmt;
use std::str::FromStr;

use sluice_core::api::Rollout;
use sluice_core::info::phase;
use sluice_core::status::conditions;

/// What to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// A phase.
    Phase(&'static str),
    /// So many steps done, as `get rollout` counts them.
    Step(i32),
    /// A condition with this status.
    Condition(String, String),
    /// That it is gone.
    Delete,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There.
    Reached,
    /// It may get there.
    Open,
    /// It will not get there by itself, for this reason.
    Hopeless(String),
}

impl FromStr for Goal {
    type Err = String;

    fn from_str(text: &str) -> Result<Goal, String> {
        let phases = ["Healthy", "Paused", "Degraded", "Progressing"];
        if let Some(phase) = phases.into_iter().find(|phase| phase.eq_ignore_ascii_case(text)) {
            return Ok(Goal::Phase(phase));
        }
        let number = |text: &str| text.parse().ok().filter(|number| *number >= 0);
        match text.split_once('=') {
            Some(("step", index)) => number(index)
                .map(Goal::Step)
                .ok_or_else(|| format!("step={index}: give a number of steps, such as step=3")),
            Some(("condition", condition)) => {
                let (kind, status) = condition.split_once('=').unwrap_or((condition, "True"));
                if kind.is_empty() {
                    return Err("name a condition, such as condition=Available".to_owned());
                }
                Ok(Goal::Condition(kind.to_owned(), status.to_owned()))
            }
            None if text == "delete" => Ok(Goal::Delete),
            _ => {
                Err("use healthy, paused, degraded, progressing, step=N, condition=TYPE[=STATUS] or delete".to_owned())
            }
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Goal::Phase(phase) => f.write_str(&phase.to_lowercase()),
            Goal::Step(index) => write!(f, "step={index}"),
            Goal::Condition(kind, status) => write!(f, "condition={kind}={status}"),
            Goal::Delete => f.write_str("delete"),
        }
    }
}

impl Goal {
    /// How far a rollout is that has to have seen this generation of its workload; `None` is one that is gone.
    pub fn judge(&self, rollout: Option<&Rollout>, workload: Option<i64>) -> Standing {
        let Some(rollout) = rollout else {
            let gone = || Standing::Hopeless("it was deleted".to_owned());
            return if *self == Goal::Delete { Standing::Reached } else { gone() };
        };
        if !has_seen(rollout, workload) {
            return if *self == Goal::Phase("Progressing") { Standing::Reached } else { Standing::Open };
        }
        let (phase, message) = phase::shown(rollout);
        let status = rollout.status();
        // A status that speaks of an older manifest reaches nothing.
        let is_observed = rollout.is_observed();
        let reached = match self {
            Goal::Phase(wanted) => phase == *wanted,
            Goal::Step(index) => {
                is_observed && !status.abort && status.current_step_index.is_some_and(|at| at >= *index)
            }
            Goal::Condition(kind, wanted) => {
                let condition = status.conditions.iter().find(|it| it.type_.eq_ignore_ascii_case(kind));
                is_observed && condition.is_some_and(|it| it.status.eq_ignore_ascii_case(wanted))
            }
            Goal::Delete => false,
        };
        let steps = rollout.spec.strategy.canary.as_ref().and_then(|canary| canary.steps.as_ref()).map_or(0, Vec::len);
        match self {
            _ if reached => Standing::Reached,
            Goal::Step(index) if usize::try_from(*index).is_ok_and(|index| index > steps) => {
                Standing::Hopeless(format!("it has {steps} steps"))
            }
            Goal::Phase(_) | Goal::Step(_) if phase == "Degraded" => {
                Standing::Hopeless(format!("it is degraded: {message}"))
            }
            _ => Standing::Open,
        }
    }
}

/// Whether the status speaks of this generation of the workload, or of a later one. Of a manifest that cannot be acted on the
/// workload is not looked at: it stands as it is.
pub fn has_seen(rollout: &Rollout, workload: Option<i64>) -> bool {
    let status = rollout.status();
    let seen = || status.workload_observed_generation.parse().unwrap_or(0);
    let is_held = || conditions::get(status, conditions::kind::INVALID_SPEC).is_some();
    workload.is_none_or(|generation: i64| seen() >= generation) || is_held()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn rollout(phase: &str, changes: &Value) -> Rollout {
        let condition = json!([{
            "type": "Available", "status": "True", "reason": "r", "message": "m",
            "lastUpdateTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]);
        let mut rollout = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web", "generation": 1},
            "spec": {"strategy": {"canary": {"steps": [{"setWeight": 5}, {"pause": {}}]}}},
            "status": {
                "observedGeneration": "1", "phase": phase, "message": "why", "currentStepIndex": 1, "conditions": condition,
            },
        });
        json_patch::merge(&mut rollout, changes);
        serde_json::from_value(rollout).expect("a rollout")
    }

    #[test]
    fn goals_are_reached_open_or_hopeless() {
        let degraded = Standing::Hopeless("it is degraded: why".to_owned());
        let steps = Standing::Hopeless("it has 2 steps".to_owned());
        for (goal, phase, expected) in [
            ("healthy", "Healthy", Standing::Reached),
            ("Healthy", "Paused", Standing::Open),
            ("healthy", "Degraded", degraded.clone()),
            ("paused", "Paused", Standing::Reached),
            ("paused", "Healthy", Standing::Open),
            ("degraded", "Degraded", Standing::Reached),
            ("degraded", "Healthy", Standing::Open),
            ("progressing", "Progressing", Standing::Reached),
            ("step=1", "Paused", Standing::Reached),
            ("step=2", "Paused", Standing::Open),
            ("step=2", "Degraded", degraded),
            ("step=3", "Paused", steps),
            ("condition=Available", "Degraded", Standing::Reached),
            ("condition=available=true", "Degraded", Standing::Reached),
            ("condition=Available=false", "Healthy", Standing::Open),
            ("condition=Healthy=true", "Degraded", Standing::Open),
            ("delete", "Degraded", Standing::Open),
        ] {
            let goal: Goal = goal.parse().expect(goal);
            assert_eq!(goal.judge(Some(&rollout(phase, &json!({}))), None), expected, "{goal} of {phase}");
        }
        let gone = Standing::Hopeless("it was deleted".to_owned());
        assert_eq!(Goal::Step(0).judge(None, None), gone);
        assert_eq!(Goal::Delete.judge(None, None), Standing::Reached);
    }

    #[test]
    fn a_status_of_an_older_manifest_reaches_nothing() {
        let changed = rollout("Healthy", &json!({"metadata": {"generation": 2}}));
        for goal in [Goal::Phase("Healthy"), Goal::Step(1), Goal::Condition("Available".into(), "True".into())] {
            assert_eq!(goal.judge(Some(&changed), None), Standing::Open, "{goal}");
        }
    }

    #[test]
    fn a_status_of_an_older_workload_reaches_nothing() {
        let of_workload = |known: &str, seen: &str| {
            let changes = json!({
                "metadata": {"annotations": {"rollout.argoproj.io/workload-generation": known}},
                "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
                "status": {"workloadObservedGeneration": seen},
            });
            rollout("Healthy", &changes)
        };
        for goal in [Goal::Phase("Healthy"), Goal::Step(1), Goal::Condition("Available".into(), "True".into())] {
            for (known, seen, generation, expected) in [
                ("4", "4", Some(4), Standing::Reached),
                ("4", "4", None, Standing::Reached),
                // The workload has changed, and nobody has written it down.
                ("4", "4", Some(5), Standing::Open),
                ("5", "4", None, Standing::Open),
                // It has changed once more since it was read.
                ("6", "6", Some(5), Standing::Reached),
            ] {
                let found = goal.judge(Some(&of_workload(known, seen)), generation);
                assert_eq!(found, expected, "{goal}: {known} {seen} {generation:?}");
            }
        }
        let progressing = Goal::Phase("Progressing").judge(Some(&of_workload("4", "4")), Some(5));
        assert_eq!(progressing, Standing::Reached);
    }

    #[test]
    fn what_is_no_goal_is_answered_with_what_is() {
        for text in ["", "done", "step=", "step=-1", "step=x", "condition=", "phase=Healthy"] {
            assert!(text.parse::<Goal>().is_err(), "{text}");
        }
    }
}
