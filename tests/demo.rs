//! The demo, as a newcomer runs it, on a machine without any program; and with a bug in the controller, which it must not pass over.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

#[test]
fn the_demo_shows_what_happened_and_says_so_by_its_exit_code() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
    let mut demo = command
        .args(["demo", "--speed", "4"])
        .env("PATH", "/there/is/none")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut told = String::new();
    for line in BufReader::new(demo.stdout.take().expect("an output")).lines() {
        let line = line.expect("text");
        if let Some(address) = line.strip_prefix("In a browser: http://") {
            has_pages(address);
        }
        told = told + &line + "\n";
    }
    let output = demo.wait_with_output().expect("it ends");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{error}");
    #[cfg(feature = "dashboard")]
    assert!(told.contains("In a browser: "), "{told}");
    let words = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in [
        "analysis of step 1 Successful ✔ 1.00 ✔ 1.00 ✔ 1.00 ✔ 1.00 ✔ 1.00 success-rate: result[0] >= 0.95",
        "analysis background Successful",
        "RolloutAborted: Rollout aborted update to revision 3",
        "analysis of step 1 Failed ✖ 0.",
        "RolloutAborted: Rollout aborted update to revision 4: Step-based analysis phase error/failed",
        "successCondition \"result[0] >= 0.95\" is false; result is [0.",
        "of them, by green, with an error, until Sluice took it away. None was lost.",
    ] {
        assert!(words.contains(expected), "{expected:?} is not in\n{told}");
    }
    every_version_came_by_a_commit(&told);
    let shares = canary_shares(&told);
    let weights: Vec<i32> = shares.iter().map(|(weight, _)| *weight).collect();
    // Where the machine is slow, green is gone before there is a picture of it.
    let is_right = weights.len() >= 4 && [20, 40, 60, 80, 20].starts_with(&weights);
    assert!(is_right, "the weights {weights:?} when there was a measurement or a pause of\n{told}");
    for (nth, (weight, share)) in shares.into_iter().enumerate() {
        // Where the machine is slow, the next step may begin while requests of this one are counted.
        let most = if nth < 4 { weight + 25 } else { weight + 5 };
        assert!((weight - 5..=most).contains(&share), "weight {weight} came out as {share} % in\n{told}");
    }
}

/// The dashboard answers while the story is told.
fn has_pages(address: &str) {
    let (host, path) = address.split_once('/').expect("a path");
    let mut server = TcpStream::connect(host).expect("it listens");
    write!(server, "GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").expect("it is asked");
    let mut answer = String::new();
    server.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("<h1>Rollouts</h1>"), "{answer}");
}

/// Each commit that was made is one that the Application was synced to, in this order, and no other; and one whose update was given up
/// stays as it is.
fn every_version_came_by_a_commit(told: &str) {
    let shown = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let made = told.lines().filter_map(|line| line.strip_prefix("   commit ")).map(shown).collect::<Vec<_>>();
    let (_, history) = told.split_once("was synced to, each once:\n").expect("a history");
    let synced = history.lines().take_while(|line| !line.is_empty()).map(shown).collect::<Vec<_>>();
    assert_eq!(made, synced, "{told}");
    let messages: Vec<&str> = made.iter().map(|commit| commit.split_once(' ').expect("a hash").1).collect();
    let expected =
        ["Release 1: blue", "Release 2: yellow", "Release 3: red", "Release 4: green", "Revert to release 2: yellow"];
    assert_eq!(messages, expected);
    let given_up: Vec<&str> = told.split("  rollouts-demo   ").filter(|it| it.starts_with("Degraded")).collect();
    assert_eq!(given_up.len(), 2, "{told}");
    for (picture, commit) in given_up.into_iter().zip(&made[2..]) {
        let line = picture.lines().nth(1).map(shown).expect("a line");
        assert_eq!(line, format!("commit {commit} application Synced Degraded"), "{told}");
    }
}

/// The canary's weight and its share of the requests, in percent, in every picture of a pause, and of a step that is measured, if it
/// was drawn after some requests.
fn canary_shares(told: &str) -> Vec<(i32, i32)> {
    let number = |text: &str| text.trim().parse::<i32>().expect("a number");
    let requests = |picture: &str| -> i32 {
        let counts = picture.split("% of requests (").skip(1);
        counts.filter_map(|rest| rest.split([',', ')']).next()).map(number).sum()
    };
    let counts = |picture: &&str| {
        let is_meant = picture.starts_with("Paused") || picture.contains("analysis of step 1  Running");
        is_meant && requests(picture) >= 50
    };
    let pictures = told.split("  rollouts-demo   ").filter(counts);
    let share = |picture: &str| {
        let canary = picture.lines().find(|line| line.contains(" canary  ")).expect("a canary");
        let version = canary.split_whitespace().nth(2).expect("a version").to_owned();
        let weights = picture.lines().find(|line| line.contains("  weights  ")).expect("weights");
        let weight = weights.split("canary ").nth(1).and_then(|rest| rest.split(',').next()).expect("a weight");
        let named = format!("{version} ");
        let line = picture.lines().find(|line| line.trim_start().starts_with(&named)).expect("a share");
        let share = line.split('%').next().and_then(|line| line.split_whitespace().last()).expect("a share");
        (number(weight), number(share))
    };
    pictures.map(share).collect()
}

#[test]
fn a_speed_that_makes_no_sense_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_sluice")).args(["demo", "--speed", "0"]).output().expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("--speed 0 is not between 0.1 and 10"), "{error}");
}

#[cfg(feature = "planted-bugs")]
mod with_a_planted_bug {
    use sluice::demo::{DemoFlags, perform};
    use sluice_core::planted::{Bug, plant};

    /// Why the demo fails with this bug. Everything runs in this thread, in which the bug is planted.
    fn failure(bug: Bug) -> String {
        // As `main` does, for those who ask Prometheus.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        plant(Some(bug));
        let flags = DemoFlags { keep: false, speed: 4.0, kubeconfig: None };
        let told = runtime.block_on(perform(&flags, Box::new(std::io::sink()), false));
        plant(None);
        told.err().map(|error| format!("{error:#}")).unwrap_or_default()
    }

    #[test]
    fn a_controller_that_walks_past_pauses_fails_it() {
        let why = failure(Bug::SkipsPauses);
        assert!(why.contains("never paused at step 3"), "{why}");
    }

    #[test]
    fn a_controller_that_takes_two_steps_at_once_fails_it() {
        let why = failure(Bug::TakesTwoSteps);
        assert!(why.contains("never was analysed at its second step"), "{why}");
    }
}
