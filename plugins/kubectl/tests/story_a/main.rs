//! The canary behind a load balancer, walked through with the plugin as its users tell it, and what they read on the way compared.
//!
//! `cargo test --test story_a in_the_sandbox`, or `tests/cluster/run cargo test --test story_a on_the_real_control_plane`.

mod stage;

use serde_json::json;

use crate::stage::{Stage, rollout};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_behind_a_load_balancer_in_the_sandbox() {
    walk(Stage::in_the_sandbox().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_behind_a_load_balancer_on_the_real_control_plane() {
    walk(Stage::on_the_real_control_plane().await).await;
}

async fn walk(stage: Stage) {
    let version = stage.says("version", "sluice").await;
    assert!(version.starts_with("kubectl-"), "{version}");
    stage.furnish().await;
    let careless = json!([{"setWeight": 5}, {"pause": {}}]);
    stage.apply(&rollout(1, &careless)).await;
    stage.shows(FIRST).await;

    let said = stage.does("set image rollouts-demo rollouts-demo=argoproj/rollouts-demo:yellow").await;
    assert_eq!(said, "rollout \"rollouts-demo\" image updated\n");
    stage.shows(AT_FIVE).await;
    assert_eq!(stage.shares().await, json!({"rollouts-demo-stable": 95, "rollouts-demo-canary": 5}));

    assert_eq!(stage.does("promote rollouts-demo").await, "rollout 'rollouts-demo' promoted\n");
    // The old pods stay for 20 seconds, and then go.
    let draining = stage.says("get rollout rollouts-demo", "delay:").await;
    let delay = draining.split("delay:").nth(1).and_then(|rest| rest.split('s').next()).expect("a delay");
    assert!(delay.parse::<u32>().is_ok_and(|seconds| seconds <= 20), "{draining}");
    assert!(draining.contains("ReplicaSet  ✔ Healthy") && draining.contains("stable"), "{draining}");
    assert_eq!(stage.shares().await, json!({"rollouts-demo-stable": 100, "rollouts-demo-canary": 0}));
    let gone = stage.says("get rollout rollouts-demo", "• ScaledDown").await;
    assert!(!gone.contains("delay:"), "{gone}");
    stage.shows(PROMOTED).await;

    // A step of 5 % and then everything felt risky.
    let careful = json!([
        {"setWeight": 25}, {"pause": {}}, {"setWeight": 50}, {"pause": {"duration": "30s"}},
        {"setWeight": 75}, {"pause": {"duration": "30s"}},
    ]);
    stage.change(&rollout(10, &careful)).await;
    stage.says("get rollout rollouts-demo", "Available:     10").await;
    stage.does("set image rollouts-demo rollouts-demo=argoproj/rollouts-demo:green").await;
    stage.says("get rollout rollouts-demo", "CanaryPauseStep").await;
    let board = stage.dashboard().await;
    board.says("wait until promoted").await;
    stage.does("promote rollouts-demo").await;
    let half =
        ["Step:          3/6", "ActualWeight:  50", "Desired:       10", "Current:       15", "Updated:       5"];
    stage.says_all("get rollout rollouts-demo", &half).await;
    assert_eq!(stage.shares().await, json!({"rollouts-demo-stable": 50, "rollouts-demo-canary": 50}));
    // The rest goes by itself, on the dashboard's page, too.
    let most =
        ["Step:          5/6", "ActualWeight:  75", "Desired:       10", "Current:       18", "Updated:       8"];
    stage.says_all("get rollout rollouts-demo", &most).await;
    assert_eq!(stage.shares().await, json!({"rollouts-demo-stable": 25, "rollouts-demo-canary": 75}));
    board.says("send 75% to the new revision").await;
    board.says(r#"<li class="current" aria-current="step"><span class="unseen">now: </span>wait for 30s"#).await;
    assert_eq!(stage.does("status rollouts-demo --timeout 2m").await.lines().last(), Some("Healthy"));
    let end = [
        "Status:          ✔ Healthy",
        "Step:          6/6",
        "ActualWeight:  100",
        "argoproj/rollouts-demo:green (stable)",
    ];
    stage.says_all("get rollout rollouts-demo", &end).await;
    assert_eq!(stage.shares().await, json!({"rollouts-demo-stable": 100, "rollouts-demo-canary": 0}));

    // And back, by the dashboard.
    board.asks("undo", "revision=2", "rollout 'rollouts-demo' goes back").await;
    let back = stage.says("get rollout rollouts-demo", "CanaryPauseStep").await;
    assert!(back.contains("argoproj/rollouts-demo:yellow (canary)"), "{back}");
    stage.end().await;
}

const FIRST: &str = "
Name: rollouts-demo
Namespace: story-a
Status: ✔ Healthy
Strategy: Canary
Step: 2/2
SetWeight: 100
ActualWeight: 100
Images: argoproj/rollouts-demo:blue (stable)
Replicas:
Desired: 1
Current: 1
Updated: 1
Ready: 1
Available: 1

NAME KIND STATUS AGE INFO
⟳ rollouts-demo Rollout ✔ Healthy AGE
└──# revision:1
└──⧉ rollouts-demo-HASH ReplicaSet ✔ Healthy AGE stable
└──□ rollouts-demo-HASH-POD Pod ✔ Running AGE ready:1/1
";

const AT_FIVE: &str = "
Name: rollouts-demo
Namespace: story-a
Status: ॥ Paused
Message: CanaryPauseStep
Waiting: the pause step waits for a promotion
Strategy: Canary
Step: 1/2
SetWeight: 5
ActualWeight: 5
Images: argoproj/rollouts-demo:blue (stable)
argoproj/rollouts-demo:yellow (canary)
Replicas:
Desired: 1
Current: 2
Updated: 1
Ready: 2
Available: 2

NAME KIND STATUS AGE INFO
⟳ rollouts-demo Rollout ॥ Paused AGE
├──# revision:2
│ └──⧉ rollouts-demo-HASH ReplicaSet ✔ Healthy AGE canary
│ └──□ rollouts-demo-HASH-POD Pod ✔ Running AGE ready:1/1
└──# revision:1
└──⧉ rollouts-demo-HASH ReplicaSet ✔ Healthy AGE stable
└──□ rollouts-demo-HASH-POD Pod ✔ Running AGE ready:1/1
";

const PROMOTED: &str = "
Name: rollouts-demo
Namespace: story-a
Status: ✔ Healthy
Strategy: Canary
Step: 2/2
SetWeight: 100
ActualWeight: 100
Images: argoproj/rollouts-demo:yellow (stable)
Replicas:
Desired: 1
Current: 1
Updated: 1
Ready: 1
Available: 1

NAME KIND STATUS AGE INFO
⟳ rollouts-demo Rollout ✔ Healthy AGE
├──# revision:2
│ └──⧉ rollouts-demo-HASH ReplicaSet ✔ Healthy AGE stable
│ └──□ rollouts-demo-HASH-POD Pod ✔ Running AGE ready:1/1
└──# revision:1
└──⧉ rollouts-demo-HASH ReplicaSet • ScaledDown AGE
";
