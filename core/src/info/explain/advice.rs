//! What to do next: the commands that fit the state that a rollout is in, the likeliest first.

use serde::Serialize;

use super::Explanation;
use super::pods::PodFault;
use crate::api::{PauseReason, Rollout};
use crate::info::text::printable;
use crate::status::conditions::{self, kind};
use crate::status::waiting;

/// A command, and what it is good for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// What it is good for.
    pub why: String,
    /// The command, as one types it.
    pub command: String,
}

/// Makes commands about one rollout.
struct Commands<'a> {
    /// How the plugin is called.
    program: &'a str,
    name: String,
    namespace: String,
    advice: Vec<Advice>,
}

impl Commands<'_> {
    /// `kubectl sluice WORDS NAME -n NAMESPACE`.
    fn steer(&mut self, words: &str, why: &str) {
        let command = format!("{} {words} {} -n {}", self.program, self.name, self.namespace);
        self.advice.push(Advice { why: why.to_owned(), command });
    }

    /// `kubectl sluice WORDS -n NAMESPACE`, about another object.
    fn look(&mut self, words: &str, why: &str) {
        let command = format!("{} {words} -n {}", self.program, self.namespace);
        self.advice.push(Advice { why: why.to_owned(), command });
    }

    /// `kubectl WORDS -n NAMESPACE`.
    fn kubectl(&mut self, words: &str, why: &str) {
        let command = format!("kubectl {words} -n {}", self.namespace);
        self.advice.push(Advice { why: why.to_owned(), command });
    }
}

/// What to do about a rollout that is explained so.
pub fn of(rollout: &Rollout, explained: &Explanation, program: &str) -> Vec<Advice> {
    let mut commands =
        Commands { program, name: explained.name.clone(), namespace: explained.namespace.clone(), advice: Vec::new() };
    let status = rollout.status();
    if !explained.is_observed {
        unobserved(&mut commands);
    } else if conditions::get(status, kind::INVALID_SPEC).is_some() {
        commands
            .kubectl(&format!("edit rollout {}", commands.name.clone()), "correct the manifest, if it is not in Git");
        commands.look("lint -f FILE", "check a corrected manifest before you apply it");
    } else if explained.aborted.is_some() {
        causes(&mut commands, explained);
        aborted(&mut commands, explained);
    } else if explained.phase == "Paused" {
        paused(&mut commands, rollout, explained);
    } else if explained.phase == "Healthy" {
        healthy(&mut commands, explained);
    } else {
        causes(&mut commands, explained);
        on_its_way(&mut commands, explained);
    }
    commands.advice
}

/// The change was made and no status speaks of it: either it is a matter of moments, or nobody is there.
fn unobserved(commands: &mut Commands) {
    commands.advice.push(Advice {
        why: "the controller has not looked at the last change yet; if this stays so, see that one is running"
            .to_owned(),
        command: "kubectl get leases --all-namespaces".to_owned(),
    });
}

/// Commands that show what is wrong.
fn causes(commands: &mut Commands, explained: &Explanation) {
    let against = explained.metrics.iter().find(|verdict| verdict.is_against).map(|verdict| verdict.run.clone());
    let run = against.or_else(|| explained.runs.first().map(|run| run.run.clone()));
    if let Some(run) = run {
        commands.look(&format!("get analysisrun {run}"), "see what was measured");
    }
    let ended = explained.pods.iter().find_map(|pod| Some((&pod.name, pod.ended.as_ref()?)));
    if let Some((pod, ended)) = ended {
        let previous = if ended.is_previous { " --previous" } else { "" };
        let words = format!("logs {pod} -c {}{previous}", ended.container);
        commands.kubectl(&words, "read what a container said before it ended");
    }
    if let Some(pod) = explained.pods.first() {
        commands.kubectl(&format!("describe pod {}", pod.name), "see what happened to a pod that is not ready");
    }
    if explained.pods.iter().any(|pod| pod.is_unscheduled) {
        let command = "kubectl describe nodes".to_owned();
        commands.advice.push(Advice { why: "see what room there is on the nodes".to_owned(), command });
    }
}

fn aborted(commands: &mut Commands, explained: &Explanation) {
    commands.steer("retry rollout", "try the same revision again, from the first step");
    if let Some(revision) = explained.stable_revision {
        let words = format!("undo --to-revision={revision}");
        commands.steer(&words, "ask for the stable revision again, so that the rollout is healthy");
    }
}

/// A rollout may be healthy by its phase, and something is wrong with it all the same.
fn healthy(commands: &mut Commands, explained: &Explanation) {
    if explained.holds.is_empty() && explained.pods.is_empty() {
        return;
    }
    causes(commands, explained);
    if commands.advice.is_empty() {
        commands.steer("get rollout --watch", "watch whether it stays so");
    }
}

/// Whether something is known that speaks against the new revision.
fn is_against(explained: &Explanation) -> bool {
    let serves = |role: &&str| ["stable", "active"].contains(role);
    let fails = |pod: &PodFault| pod.is_against() && !pod.roles.iter().any(serves);
    explained.metrics.iter().any(|verdict| verdict.is_against)
        || !explained.runs.is_empty()
        || explained.pods.iter().any(fails)
}

fn paused(commands: &mut Commands, rollout: &Rollout, explained: &Explanation) {
    let inconclusive = [PauseReason::INCONCLUSIVE_ANALYSIS_RUN, PauseReason::INCONCLUSIVE_EXPERIMENT];
    let is_inconclusive = rollout.status().pause_conditions.iter().any(|it| inconclusive.contains(&it.reason.as_str()));
    let is_against = explained.is_updating && is_against(explained);
    if is_inconclusive || is_against || explained.pods.iter().any(PodFault::is_against) {
        causes(commands, explained);
    }
    if is_against && !is_inconclusive {
        commands.steer("abort", "send all traffic back to the stable revision");
    }
    let waits_for_time = explained.step.as_ref().is_some_and(|step| step.until.is_some()) && !rollout.spec.paused;
    let why = if rollout.spec.paused {
        "let it go on; it was paused by hand"
    } else if is_inconclusive {
        "let it go on although the measurements say neither yes nor no"
    } else if waits_for_time {
        "go on now; without it the pause ends by itself"
    } else if explained.step.is_some() {
        "let it go on to its next step"
    } else {
        "let it go on"
    };
    commands.steer("promote", why);
    if explained.is_updating {
        commands.steer("promote --full", "skip everything that is left of the update");
        if !is_against || is_inconclusive {
            commands.steer("abort", "send all traffic back to the stable revision");
        }
    }
}

fn on_its_way(commands: &mut Commands, explained: &Explanation) {
    let waits_for = explained.waiting.as_ref().map_or("", |on| on.reason.as_str());
    let object = explained.waiting.as_ref().and_then(|on| on.object.as_deref()).and_then(|on| on.split_once('/'));
    if waiting::is_for_measurements(waits_for) && explained.metrics.iter().all(|verdict| !verdict.is_against) {
        match object {
            Some(("AnalysisRun", name)) => {
                commands.look(&format!("get analysisrun {} --watch", printable(name)), "watch what is measured");
            }
            Some(("Experiment", name)) => {
                commands.look(&format!("get experiment {} --watch", printable(name)), "watch the experiment");
            }
            _ => {}
        }
    }
    let telling = [waiting::ROUTING, waiting::VERIFICATION, waiting::REPLICA_FAILURE, waiting::TEMPLATE];
    if let Some((kind, name)) = object.filter(|_| telling.contains(&waits_for)) {
        let words = format!("describe {} {}", printable(kind).to_lowercase(), printable(name));
        commands.kubectl(&words, "see the object that it waits for");
    }
    if explained.is_updating {
        commands.steer("abort", "send all traffic back to the stable revision");
    }
    if commands.advice.len() < 2 {
        commands.steer("get rollout --watch", "watch it go on");
    }
}
