//! `top` as people use it: the program itself, in a terminal, on a sandbox that is served over HTTPS.

mod screen;
mod stage;
mod tty;

use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::stage::Stage;
use crate::tty::Tty;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_rollouts_are_shown_and_one_is_promoted_after_a_yes() {
    let stage = Stage::new().await;
    let mut tty = Tty::start(&stage.kubeconfig(), &["top"]);
    for expected in ["Rollouts (2) namespace default context sluice-sandbox", "web ॥ Paused", "api ✔ Healthy"] {
        tty.shows(expected).await;
    }
    tty.press("p");
    tty.shows("Promote rollout 'web'?").await;
    tty.shows("rollout web, namespace default, context sluice-sandbox").await;
    tty.press("n");
    tty.hides("Promote rollout 'web'?").await;
    assert!(stage.status("web").await["pauseConditions"].is_array(), "a no changes nothing");

    tty.press("p");
    tty.shows("y: do it").await;
    tty.press("y");
    tty.shows("✔ rollout 'web' promoted").await;
    assert_eq!(stage.status("web").await["pauseConditions"], Value::Null);
    tty.shows("web ◌ Progressing").await;
    stage.set_status("web", &json!({"phase": "Healthy", "controllerPause": false, "stableRS": "b"})).await;
    tty.shows("web ✔ Healthy").await;

    tty.press("/status:prog\r");
    tty.shows("No rollout fits the filter.").await;
    tty.press("\x1b");
    tty.shows("Rollouts (2)").await;
    tty.press("\r");
    tty.shows("EVENTS").await;
    tty.shows("⟳ api").await;
    tty.resize(50, 10);
    // Another size and a key at the same moment would be read as one of them, until there is a further key.
    tty.shows("q back p promote P to the end a abort").await;
    stage.set_status("api", &json!({"message": "smaller"})).await;
    tty.shows("Message: smaller").await;
    tty.press("?");
    tty.shows("Ctrl-C ends always.").await;
    tty.press("qq");
    tty.shows("Rollouts (2)").await;
    tty.press("q");
    assert_eq!(tty.ends().await, Some(0));
    tty.is_as_before();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_rollout_is_shown_with_its_pods_and_its_events() {
    let stage = Stage::at_work().await;
    let mut tty = Tty::start(&stage.kubeconfig(), &["top"]);
    tty.shows("web ✔ Healthy 2/2 100/100 1/1").await;
    tty.press("\r");
    for expected in ["⟳ web Rollout ✔ Healthy", "Pod ✔ Running", "ready:1/1", "stable", "RolloutCompleted: "] {
        tty.shows(expected).await;
    }
    tty.press("Ry");
    tty.shows("✔ rollout 'web' restarts").await;
    tty.shows("ready:1/1").await;
    tty.press("q");
    tty.shows("Rollouts (1)").await;
    tty.press("u");
    tty.shows("rollout 'web' has no revision before the newest").await;
    tty.press("q");
    assert_eq!(tty.ends().await, Some(0));
    tty.is_as_before();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_shown_and_ctrl_c_ends_from_everywhere() {
    let stage = Stage::new().await;
    let mut tty = Tty::start(&stage.kubeconfig(), &["top", "-A", "--as", "somebody"]);
    assert_eq!(tty.ends().await, Some(1));
    tty.shows("cannot list rollouts").await;
    tty.is_as_before();

    stage.let_read("somebody").await;
    let mut tty = Tty::start(&stage.kubeconfig(), &["top", "-A", "--as", "somebody"]);
    tty.shows("web ॥ Paused").await;
    tty.press("a");
    tty.shows("context sluice-sandbox (as somebody)").await;
    tty.press("y");
    tty.shows("Not done").await;
    tty.shows("cannot abort rollout 'web'").await;
    tty.press("\x03");
    assert_eq!(tty.ends().await, Some(130));
    tty.is_as_before();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_said_and_the_view_goes_on_when_it_is_back() {
    let mut stage = Stage::new().await;
    let mut tty = Tty::start(&stage.kubeconfig(), &["top"]);
    tty.shows("api ✔ Healthy").await;
    stage.cut();
    tty.shows("old, trying again: cannot").await;
    tty.shows("api ✔ Healthy").await;
    stage.set_status("api", &json!({"phase": "Degraded"})).await;
    stage.mend();
    tty.shows("api ✖ Degraded").await;
    tty.hides("trying again").await;
    stage.cut();
    tty.shows("trying again").await;
    tty.signal(Signal::TERM);
    assert_eq!(tty.ends().await, Some(143));
    tty.is_as_before();
}

#[test]
fn what_is_no_terminal_is_told_what_to_use_instead() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-sluice"));
    let server = ["top", "--server", "http://127.0.0.1:1", "--kubeconfig", "/dev/null"];
    let output = command.args(server).stdin(Stdio::null()).output().expect("it starts");
    let printed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    for expected in ["the standard input is no terminal", "list rollouts -w", "get rollout NAME -w"] {
        assert!(printed.contains(expected), "{expected:?} is not in\n{printed}");
    }
}
