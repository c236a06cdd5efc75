//! Commands that watch: on a terminal as people see them, and over connections that are lost.

#[path = "../top/screen.rs"]
mod screen;
#[expect(dead_code, reason = "the tests of `top` use all of it")]
#[path = "../top/stage.rs"]
mod stage;
#[path = "../top/tty.rs"]
mod tty;

use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::stage::Stage;
use crate::tty::Tty;

const WATCH: [&str; 4] = ["get", "rollout", "web", "-w"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_redrawn_in_place_and_fits_the_window_whatever_its_size() {
    let stage = Stage::new().await;
    let mut tty = Tty::start(&stage.kubeconfig(), &WATCH);
    tty.shows("Status: ॥ Paused").await;
    let long = format!("{}end", "x".repeat(80 - "Message:         ".len() - "end".len()));
    stage.set_status("web", &json!({"message": long})).await;
    tty.shows(&format!("Message: {long}")).await;
    tty.hides("CanaryPauseStep").await;

    tty.resize(40, 8);
    tty.shows("more lines: the window is too low").await;
    tty.shows("…").await;
    tty.resize(100, 30);
    tty.hides("more lines").await;
    tty.shows(&format!("Message: {long}")).await;
    tty.press("\x03");
    assert_eq!(tty.ends().await, Some(130));
    tty.is_as_before();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_it_while_everything_moves() {
    let stage = Stage::new().await;
    let mut tty = Tty::start(&stage.kubeconfig(), &WATCH);
    tty.shows("Status: ॥ Paused").await;
    let moving = async {
        for count in 0_u64.. {
            stage.set_status("web", &json!({"message": format!("change {count}")})).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let interrupting = async {
        tty.shows("Message: change").await;
        tty.press("\x03");
        tty.ends().await
    };
    let code = tokio::select! {
        () = moving => None,
        code = interrupting => code,
    };
    assert_eq!(code, Some(130));
    tty.is_as_before();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cursor_comes_back_whoever_ends_it() {
    let stage = Stage::new().await;
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut tty = Tty::start(&stage.kubeconfig(), &WATCH);
        tty.shows("Status: ॥ Paused").await;
        tty.signal(signal);
        assert_eq!(tty.ends().await, Some(code));
        tty.is_as_before();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_server_is_said_below_the_page_until_it_is_back() {
    let mut stage = Stage::new().await;
    let mut tty = Tty::start(&stage.kubeconfig(), &WATCH);
    tty.shows("Status: ॥ Paused").await;
    stage.cut();
    tty.shows("old, trying again: cannot watch").await;
    tty.shows("Status: ॥ Paused").await;
    stage.set_status("web", &json!({"message": "meanwhile"})).await;
    stage.mend();
    tty.shows("Message: meanwhile").await;
    tty.hides("trying again").await;
    tty.press("\x03");
    assert_eq!(tty.ends().await, Some(130));
    tty.is_as_before();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_are_told_of_a_lost_server_on_the_standard_error() {
    let mut stage = Stage::new().await;
    let mut command = plugin(&["status", "web"]);
    command.env("KUBECONFIG", stage.kubeconfig()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut printed = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut said = BufReader::new(child.stderr.take().expect("piped")).lines();
    let first = printed.next_line().await.expect("text");
    assert_eq!(first.as_deref(), Some("Paused - CanaryPauseStep"));
    stage.cut();
    let line = said.next_line().await.expect("text").expect("a line");
    assert!(line.starts_with("Trying again: cannot watch rollouts: "), "{line}");
    stage.mend();
    let line = said.next_line().await.expect("text").expect("a line");
    assert!(line.starts_with("Up to date again, after "), "{line}");
    let healthy = json!({"phase": "Healthy", "stableRS": "b", "controllerPause": false, "pauseConditions": null});
    stage.set_status("web", &healthy).await;
    assert_eq!(child.wait().await.expect("it ends").code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_is_over_for_a_server_that_accepts_and_does_not_answer_too() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let server = format!("http://{}", silent.local_addr().expect("an address"));
    for (command, code) in [("wait", 3), ("status", 1)] {
        let mut command = plugin(&[command, "web", "--timeout", "500ms", "--server", &server]);
        let output = command.env("KUBECONFIG", "/dev/null").output().await.expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(&format!("web -n default --server={server}")), "{said}");
    }
}

fn plugin(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-sluice"));
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}
