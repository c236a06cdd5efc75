//! Real processes and sockets, most of which misbehave.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use sluice_plugin::{Kind, Progress, RunStep, StepAt, StepPhase, Subject};
use sluice_plugin_host::{CallError, Host, Lookup, Plugin, Registry, Standing};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/misbehaving.py");

/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(30);

/// A host with one plugin, which behaves as told.
struct Bench {
    host: Host,
    directory: TempDir,
}

impl Bench {
    fn new(how: &str) -> Bench {
        let bench = Bench { host: Host::new("test"), directory: tempfile::tempdir().expect("a directory") };
        bench.configure(&bench.entry(how));
        bench
    }

    fn starts(&self) -> PathBuf {
        self.directory.path().join("starts")
    }

    fn entry(&self, how: &str) -> String {
        format!("{{name: test/plugin, location: 'file://{PROGRAM}', args: ['{how}', '{}']}}", self.starts().display())
    }

    fn configure(&self, entry: &str) {
        let data = BTreeMap::from([("stepPlugins".to_owned(), format!("[{entry}]"))]);
        self.host.apply(&Registry::read(&data, &[]));
    }

    fn plugin(&self) -> Plugin {
        match self.host.find(Kind::Step, "test/plugin") {
            Lookup::Plugin(plugin) => plugin,
            other => panic!("{other:?}"),
        }
    }

    async fn run(&self, seconds: u64) -> Result<Progress, CallError> {
        self.plugin().call(&step(), Duration::from_secs(seconds)).await
    }

    /// Why the plugin fails, once it does.
    async fn why(&self) -> String {
        let mut standing = self.plugin().standing();
        let failing = timeout(LONG, standing.wait_for(|now| matches!(now, Standing::Failing(_)))).await;
        match &*failing.expect("in time").expect("a plugin") {
            Standing::Failing(why) => why.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// The processes that were started.
    fn processes(&self) -> Vec<u32> {
        let text = std::fs::read_to_string(self.starts()).unwrap_or_default();
        text.lines().map(|line| line.parse().expect("a process id")).collect()
    }
}

fn step() -> RunStep {
    let step = StepAt { index: 0, revision: "abc".into(), config: serde_json::Value::Null, state: None };
    RunStep { rollout: Subject::default(), step, execution: 1 }
}

/// Whether a process runs: a zombie does not.
fn runs(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < end, "{what} does not come to be");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_plugin_that_behaves_is_called_and_ends_when_it_is_told() {
    let bench = Bench::new("behaves");
    let progress = bench.run(20).await.expect("an answer");
    assert_eq!((progress.phase, progress.message.as_str()), (StepPhase::Successful, "behaves"));
    bench.host.stop().await;
    assert!(!runs(bench.processes()[0]));
}

#[tokio::test]
async fn a_program_that_ends_at_once_says_why_and_is_started_again() {
    let bench = Bench::new("ends");
    assert_eq!(bench.why().await, "ended with exit code 3: This binary is a plugin of another host.");
    let called = Instant::now();
    assert!(matches!(bench.run(20).await, Err(CallError::Absent(_))));
    assert!(called.elapsed() < Duration::from_secs(5), "a plugin that fails is not waited for");
    eventually("another start", || bench.processes().len() > 1).await;
}

#[tokio::test]
async fn what_is_no_protocol_is_quoted() {
    let why = Bench::new("greets people").why().await;
    assert!(why.starts_with("said \"Listening on :8080\", which is no answer"), "{why}");
}

#[tokio::test]
async fn an_endless_line_is_given_up_and_the_program_killed() {
    let bench = Bench::new("is endless");
    assert_eq!(bench.why().await, "said a line of more than 1048576 bytes");
    let first = bench.processes()[0];
    eventually("the end of the program", || !runs(first)).await;
}

#[tokio::test]
async fn silence_ends_a_call_in_its_time_and_the_program_in_its_own() {
    let bench = Bench::new("is silent");
    assert_eq!(bench.run(1).await, Err(CallError::Late { method: "step/run" }));
    assert_eq!(bench.why().await, "did not answer initialize within 10s");
    let first = bench.processes()[0];
    eventually("the end of the program", || !runs(first)).await;
}

#[tokio::test]
async fn a_program_that_hangs_at_a_call_is_killed_and_another_one_started() {
    let bench = Bench::new("hangs at calls");
    assert_eq!(bench.run(1).await, Err(CallError::Late { method: "step/run" }));
    assert_eq!(bench.why().await, "is at step/run still, 10s after its deadline");
    eventually("another start", || bench.processes().len() > 1).await;
    assert!(!runs(bench.processes()[0]));
}

#[tokio::test]
async fn a_program_that_dies_at_a_call_says_so_to_the_caller() {
    let bench = Bench::new("ends at calls");
    let why = "was ended by signal 9: out of luck".to_owned();
    assert_eq!(bench.run(20).await, Err(CallError::Broken { method: "step/run", why }));
}

#[tokio::test]
async fn what_a_program_started_ends_with_it() {
    let bench = Bench::new("leaves a child");
    // Its child holds its standard output, so nobody hears of its end before the call is late.
    assert!(bench.run(1).await.is_err());
    eventually("the child", || bench.processes().len() > 1).await;
    let child = bench.processes()[1];
    assert!(runs(child));
    drop(bench.why().await);
    eventually("the end of the child", || !runs(child)).await;
}

#[tokio::test]
async fn answers_that_mean_nothing_or_too_much_are_refused() {
    let bench = Bench::new("lies");
    let error = bench.run(20).await.expect_err("no answer").to_string();
    assert!(error.starts_with("the plugin's answer to step/run does not read: unknown variant `Splendid`"), "{error}");
    let bench = Bench::new("remembers too much");
    let error = bench.run(20).await.expect_err("no answer").to_string();
    assert_eq!(error, "the plugin's answer to step/run has 100002 bytes of state, and 16384 fit");
}

#[tokio::test]
async fn shouting_on_standard_error_is_no_hindrance() {
    assert!(Bench::new("shouts").run(25).await.is_ok());
}

#[tokio::test]
async fn a_changed_entry_replaces_the_plugin_and_no_other() {
    let bench = Bench::new("one");
    let other = format!("{{name: test/other, location: '{PROGRAM}', args: [other, '{}.2']}}", bench.starts().display());
    let both = |how: &str| bench.configure(&format!("{}, {other}", bench.entry(how)));
    both("one");
    assert_eq!(bench.run(20).await.expect("an answer").message, "one");
    let Lookup::Plugin(other_plugin) = bench.host.find(Kind::Step, "test/other") else { panic!("no plugin") };
    other_plugin.call(&step(), LONG).await.expect("an answer");

    both("two");
    assert_eq!(bench.run(20).await.expect("an answer").message, "two", "the new one is waited for");
    let processes = bench.processes();
    assert_eq!(processes.len(), 2);
    assert!(!runs(processes[0]), "the old one ends before the new one begins");
    other_plugin.call(&step(), LONG).await.expect("an answer");
    let other_starts = std::fs::read_to_string(bench.directory.path().join("starts.2")).expect("a file");
    assert_eq!(other_starts.lines().count(), 1);
}

#[tokio::test]
async fn what_is_removed_or_disabled_or_wrong_is_not_there() {
    let bench = Bench::new("one");
    bench.run(20).await.expect("an answer");
    let (plugin, process) = (bench.plugin(), bench.processes()[0]);
    bench.configure("");
    let Lookup::Absent(why) = bench.host.find(Kind::Step, "test/plugin") else { panic!("a plugin") };
    assert_eq!(why, "no plugin \"test/plugin\" of kind step is configured in argo-rollouts-config");
    assert!(matches!(plugin.call(&step(), LONG).await, Err(CallError::Absent(_))));
    eventually("the end of the program", || !runs(process)).await;

    bench.configure("{name: test/plugin, location: /a, disabled: true}");
    assert!(matches!(bench.host.find(Kind::Step, "test/plugin"), Lookup::Disabled));
    bench.configure("{name: test/plugin, location: 'https://example.com/a'}");
    let Lookup::Absent(why) = bench.host.find(Kind::Step, "test/plugin") else { panic!("a plugin") };
    assert!(why.contains("plugins are not downloaded"), "{why}");
    bench.configure(&bench.entry("back"));
    assert_eq!(bench.run(20).await.expect("an answer").message, "back");
}

#[tokio::test]
async fn a_list_that_does_not_read_leaves_the_plugin_alone() {
    let bench = Bench::new("one");
    bench.run(20).await.expect("an answer");
    bench.configure("{name: [");
    bench.run(20).await.expect("an answer");
    assert_eq!(bench.processes().len(), 1);
}

#[tokio::test]
async fn a_program_that_does_not_leave_is_killed() {
    let bench = Bench::new("stays");
    bench.run(20).await.expect("an answer");
    timeout(LONG, bench.host.stop()).await.expect("in time");
    let process = bench.processes()[0];
    eventually("the end of the program", || !runs(process)).await;
}

#[tokio::test]
async fn only_the_program_that_the_checksum_is_of_is_started() {
    use sha2::{Digest, Sha256};

    let bench = Bench::new("one");
    let with = |sum: &str| bench.configure(&bench.entry("summed").replace("args", &format!("sha256: '{sum}', args")));
    with(&"0".repeat(64));
    let why = bench.why().await;
    assert!(why.starts_with(&format!("the sha256 of {PROGRAM} is ")), "{why}");
    let sum = Sha256::digest(std::fs::read(PROGRAM).expect("the program"));
    with(&sum.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02X}").expect("text");
        text
    }));
    assert_eq!(bench.run(20).await.expect("an answer").message, "summed");
}

#[tokio::test]
async fn a_program_that_is_not_there_says_so() {
    let bench = Bench::new("one");
    bench.configure("{name: test/plugin, location: /nowhere/plugin}");
    assert!(bench.why().await.starts_with("cannot start /nowhere/plugin: No such file"));
    bench.configure("{name: test/plugin, location: 'unix:///nowhere/plugin.sock'}");
    assert!(bench.why().await.starts_with("cannot connect to unix:///nowhere/plugin.sock: No such file"));
}
