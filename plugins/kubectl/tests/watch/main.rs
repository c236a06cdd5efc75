//! `get -w` as people watch it: the program itself, in a terminal.

#[path = "../top/screen.rs"]
mod screen;
#[expect(dead_code, reason = "the tests of `top` use all of it")]
#[path = "../top/stage.rs"]
mod stage;
#[path = "../top/tty.rs"]
mod tty;

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

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
