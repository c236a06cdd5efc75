//! What the demo shows of a rollout: its state, the commit that it came by, its pods, the weights and where the requests go, what was
//! measured, and what it waits for.

use std::fmt::Write as _;

use k8s_openapi::api::core::v1::Pod;
use sluice_core::api::{AnalysisRun, ReplicaSet, Rollout};

use super::load::Tally;
use super::measured;

/// Width of a bar of 100 %.
const BAR: f64 = 30.0;
/// Width of what is said.
const WIDTH: usize = 118;

/// Everything that is shown, as text of several lines; the one about its commit is told elsewhere.
pub fn view(
    commit: &str,
    rollout: &Rollout,
    sets: &[ReplicaSet],
    pods: &[Pod],
    runs: &[&AnalysisRun],
    traffic: &Tally,
) -> String {
    let status = rollout.status();
    let steps = rollout.spec.strategy.canary.as_ref().and_then(|canary| canary.steps.as_ref()).map_or(0, Vec::len);
    let mut text = String::new();
    let step = status.current_step_index.unwrap_or(0);
    let _ = writeln!(text, "  rollouts-demo   {}   step {step}/{steps}", status.phase);
    text += commit;
    let mut newest_first: Vec<&ReplicaSet> = sets.iter().collect();
    newest_first.sort_by_key(|rs| std::cmp::Reverse(rs.revision()));
    for rs in newest_first.into_iter().filter(|rs| rs.wanted() > 0 || rs.observed().replicas > 0) {
        let version = version_of(rs);
        let role = match rs.hash() {
            Some(hash) if hash.as_str() == status.stable_rs => "stable",
            Some(hash) if hash.as_str() == status.current_pod_hash => "canary",
            _ => "old",
        };
        let mine = pods.iter().filter(|pod| is_of(pod, rs));
        let pods: String = mine.map(symbol).collect::<Vec<_>>().join(" ");
        let _ = writeln!(text, "    revision {}  {version:<8} {role:<7} {pods}", rs.revision());
    }
    if let Some(weights) = status.canary.as_ref().and_then(|canary| canary.weights.as_ref()) {
        let heard = if weights.verified == Some(true) { "confirmed by the gateway" } else { "not confirmed yet" };
        let (stable, canary) = (weights.stable.weight, weights.canary.weight);
        let _ = writeln!(text, "    weights  stable {stable}, canary {canary}, {heard}");
    }
    for (version, count) in &traffic.answered {
        let share = traffic.share(version);
        let bar = "█".repeat((share * BAR / 100.0).round() as usize);
        let errors = match traffic.errors_of(version) {
            0 => String::new(),
            errors => format!(", {errors} of them with an error"),
        };
        let _ = writeln!(text, "    {version:<8} {bar:<30} {share:>4.0} % of requests ({count}{errors})");
    }
    if traffic.lost > 0 {
        let _ = writeln!(text, "    lost     {}", traffic.lost);
    }
    text += &measured::lines(runs);
    match &status.waiting_on {
        Some(waiting) => {
            let _ = writeln!(text, "  waits for: {}", waiting.message);
        }
        None => {
            let _ = writeln!(text, "  waits for nothing");
        }
    }
    text
}

/// A text in lines that are not too long, each a little to the right.
pub fn wrapped(text: &str) -> String {
    let mut lines = vec!["  ".to_owned()];
    for word in text.split_whitespace() {
        let room = lines.last().map_or(0, |line| line.chars().count());
        if room + 1 + word.chars().count() > WIDTH {
            lines.push("  ".to_owned());
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// The version that a ReplicaSet runs: the tag of its image.
pub fn version_of(rs: &ReplicaSet) -> String {
    let image = rs.spec.template["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
    image.rsplit(':').next().unwrap_or(image).to_owned()
}

fn is_of(pod: &Pod, rs: &ReplicaSet) -> bool {
    pod.metadata.owner_references.iter().flatten().any(|owner| Some(&owner.uid) == rs.metadata.uid.as_ref())
}

/// A pod as one sign: ready, not ready, or going.
fn symbol(pod: &Pod) -> &'static str {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready =
        conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    match (pod.metadata.deletion_timestamp.is_some(), ready) {
        (true, _) => "✖",
        (false, true) => "●",
        (false, false) => "○",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_canary_reads_at_a_glance() {
        let rollout = serde_json::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "rollouts-demo" },
            "spec": { "strategy": { "canary": { "steps": [{ "setWeight": 20 }, { "pause": {} }] } } },
            "status": {
                "canary": { "weights": { "stable": { "weight": 80 }, "canary": { "weight": 20 }, "verified": true } },
                "phase": "Paused", "currentStepIndex": 1, "stableRS": "a", "currentPodHash": "b",
                "waitingOn": { "reason": "PauseStep", "message": "the pause step waits for a promotion" },
            },
        }))
        .expect("a Rollout");
        let set = |hash: &str, revision: &str, image: &str| {
            serde_json::from_value(json!({
                "apiVersion": "apps/v1", "kind": "ReplicaSet",
                "metadata": {
                    "name": hash, "uid": hash, "labels": { "rollouts-pod-template-hash": hash },
                    "annotations": { "rollout.argoproj.io/revision": revision },
                },
                "spec": {
                    "replicas": 1, "selector": {},
                    "template": { "spec": { "containers": [{ "name": "c", "image": image }] } },
                },
            }))
            .expect("a ReplicaSet")
        };
        let pod = |owner: &str, ready: &str| {
            serde_json::from_value(json!({
                "metadata": { "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": owner }] },
                "status": { "conditions": [{ "type": "Ready", "status": ready }] },
            }))
            .expect("a pod")
        };
        let answered = [("blue".to_owned(), 80), ("yellow".to_owned(), 20)].into_iter().collect();
        let errors = [("yellow".to_owned(), 6)].into_iter().collect();
        let traffic = Tally { answered, errors, lost: 0, first_loss: None };
        let sets = [set("a", "1", "x:blue"), set("b", "2", "x:yellow")];
        let pods = [pod("a", "True"), pod("a", "True"), pod("b", "False")];
        let shown = view("    commit   3f2a91c\n", &rollout, &sets, &pods, &[], &traffic);
        let expected = "  rollouts-demo   Paused   step 1/2
    commit   3f2a91c
    revision 2  yellow   canary  ○
    revision 1  blue     stable  ● ●
    weights  stable 80, canary 20, confirmed by the gateway
    blue     ████████████████████████         80 % of requests (80)
    yellow   ██████                           20 % of requests (20, 6 of them with an error)
  waits for: the pause step waits for a promotion
";
        assert!(shown == expected, "{shown}");
    }

    #[test]
    fn long_texts_are_told_in_lines() {
        assert_eq!(wrapped("a b"), "   a b");
        let shown = wrapped(&"word ".repeat(40));
        assert!(shown.lines().count() == 2 && shown.lines().all(|line| line.len() <= WIDTH), "{shown}");
    }
}
