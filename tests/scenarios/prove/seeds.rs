//! Random histories of two rollouts, with random faults, each from a seed. The controller works in order, so that a seed is the
//! same history each time: `SEED=17 cargo test --release --workspace --test scenarios seeds` plays one again.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_sandbox::line::Line;

use super::run::{Run, run_with};
use crate::sandboxed::Trouble;
use crate::scenario::{Scenario, Subject, canary, with};

/// What users do next, drawn from a seed.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len() as u64) as usize]
    }
}

fn manifest(dice: &mut Dice, name: &str) -> Value {
    let steps = [
        json!([]),
        json!([{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }, { "pause": { "duration": "5s" } }]),
        json!([{ "setWeight": 50 }, { "pause": { "duration": "3s" } }]),
    ];
    let limits = [(json!(1), json!(0)), (json!("25%"), json!("25%")), (json!(0), json!(1)), (json!(3), json!(2))];
    let (surge, unavailable) = dice.pick(&limits);
    let strategy = json!({ "steps": dice.pick(&steps), "maxSurge": surge, "maxUnavailable": unavailable });
    let rollout = with(canary(1 + dice.roll(5) as i32, strategy), "/metadata/name", json!(name));
    let rollout = with(rollout, "/spec/selector/matchLabels/app", json!(name));
    with(rollout, "/spec/template/metadata/labels/app", json!(name))
}

/// A template of which the pods are ready at once, late, or never.
fn template(ready: &Value) -> Value {
    json!({ "spec": { "template": { "metadata": { "annotations": { "node.sluice.dev/ready": ready } } } } })
}

async fn act(dice: &mut Dice, web: &Subject) {
    match dice.roll(10) {
        0..3 => web.set_image(["web:1", "web:2", "web:3"][dice.roll(3) as usize]).await,
        3 => web.edit(template(dice.pick(&[json!("never"), json!("4s"), Value::Null]))).await,
        4 => web.scale(dice.roll(6) as i32).await,
        5 | 6 => web.promote().await,
        7 => web.promote_full().await,
        8 => web.abort().await,
        _ => web.retry().await,
    }
}

/// Whatever has happened, a good version that is asked for ends up alone.
async fn heal(s: &Scenario, web: &Subject) {
    web.edit(template(&Value::Null)).await;
    web.set_image("web:last").await;
    web.scale(3).await;
    s.eventually("healed", async || {
        let rollout = web.get().await;
        let status = rollout.status();
        let observed = status.observed_generation == rollout.metadata.generation.unwrap_or(0).to_string();
        if observed && status.phase == "Healthy" && web.size("web:last").await == 3 {
            return Ok(());
        }
        if observed && status.phase == "Paused" {
            web.promote().await;
        }
        Err(format!("{} ({})", status.phase, status.message))
    })
    .await;
    let others = web.replica_sets().await.iter().filter(|rs| rs.wanted() > 0).count();
    assert_eq!(others, 1, "only the last version serves");
}

async fn history(s: Scenario, line: Line, seed: u64) {
    let mut dice = Dice(seed);
    let mut subjects = Vec::new();
    for name in ["web", "api"] {
        subjects.push(s.apply(manifest(&mut dice, name)).await);
    }
    for _ in 0..5 + dice.roll(12) {
        s.cluster.sleep(Duration::from_millis(dice.roll(8000))).await;
        let web = dice.pick(&subjects).clone();
        act(&mut dice, &web).await;
    }
    line.mend();
    for web in &subjects {
        heal(&s, web).await;
    }
}

fn play(seed: u64) -> Run {
    run_with("a_random_history", Trouble::ByChance(seed), move |s, line| Box::pin(history(s, line, seed)))
}

/// `SEED`, or as many as `SEEDS` says.
fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    match number("SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("SEEDS").unwrap_or(25)).collect(),
    }
}

#[test]
fn random_histories_end_well_whatever_happens_to_the_controller() {
    let mut problems = Vec::new();
    for seed in seeds() {
        let run = play(seed);
        let found = run.violations.iter().chain(&run.panics);
        problems.extend(found.map(|problem| format!("SEED={seed}: {problem}")));
        let twice = run.children.iter().filter(|name| name.ends_with(" again"));
        problems.extend(twice.map(|name| format!("SEED={seed}: created {name}")));
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn a_seed_is_the_same_history_each_time() {
    for seed in seeds().into_iter().take(3) {
        let (one, other) = (play(seed), play(seed));
        let first = one.writes.iter().zip(&other.writes).find(|(one, other)| one != other);
        assert!(first.is_none(), "SEED={seed}: {first:#?}");
        assert_eq!(one.writes.len(), other.writes.len(), "SEED={seed}");
        assert_eq!(one.end, other.end, "SEED={seed}");
        assert!(one.writes.len() > 20, "something happens");
    }
}
