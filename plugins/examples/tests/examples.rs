//! The examples, run by the host as the controller would run them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_plugin::{
    AbortStep, Apply, Call, DescribeMetric, Destination, Failure, HeaderMatch, HeaderRoute, Kind, Measurement,
    Observation, Observe, Release, Route, Routing, RunMetric, RunStep, Share, StepAt, StepPhase, StringMatch, Subject,
    TerminateStep, Weighted,
};
use sluice_plugin_host::{CallError, Host, Lookup, Plugin, Registry, Standing};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);

/// A plugin, and the directory that it may touch.
struct Bench {
    host: Host,
    plugin: Plugin,
    directory: TempDir,
}

impl Bench {
    fn new(kind: Kind, key: &str, program: &str) -> Bench {
        let directory = tempfile::tempdir().expect("a directory");
        let entry = format!(
            "[{{name: example/it, location: 'file://{program}', args: [--directory, '{}']}}]",
            directory.path().display()
        );
        Bench::configured(kind, key, entry, directory)
    }

    fn configured(kind: Kind, key: &str, entry: String, directory: TempDir) -> Bench {
        let host = Host::new("test");
        host.apply(&Registry::read(&BTreeMap::from([(key.to_owned(), entry)]), &[]));
        let Lookup::Plugin(plugin) = host.find(kind, "example/it") else { panic!("no plugin") };
        Bench { host, plugin, directory }
    }

    async fn call<C: Call>(&self, call: &C) -> Result<C::Answer, CallError> {
        self.plugin.call(call, LIMIT).await
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

fn subject() -> Subject {
    Subject { namespace: "shop".into(), name: "web".into(), uid: "1".into() }
}

fn config_error<T>(answer: Result<T, CallError>) -> String {
    match answer {
        Err(CallError::Failed(Failure::InvalidConfig(why))) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("no error"),
    }
}

fn router() -> Bench {
    Bench::new(Kind::TrafficRouter, "trafficRouterPlugins", env!("CARGO_BIN_EXE_file-router"))
}

fn routing(canary: u32) -> Routing {
    let to = |service: &str, hash: &str, weight| Weighted {
        destination: Destination { service: service.into(), hash: hash.into() },
        weight,
    };
    let (canary, stable) = (to("web-canary", "new", canary), to("web-stable", "old", 100 - canary));
    Routing { canary, stable, additional: Vec::new(), total: 100, routes: Vec::new() }
}

fn apply(routing: Routing) -> Apply {
    Apply { rollout: subject(), config: json!({"file": "web.json"}), routing }
}

fn observe(routing: Routing) -> Observe {
    Observe { rollout: subject(), config: json!({"file": "web.json"}), routing }
}

fn release() -> Release {
    let Routing { canary, stable, .. } = routing(0);
    let (canary, stable) = (canary.destination, stable.destination);
    Release { rollout: subject(), config: json!({"file": "web.json"}), canary, stable }
}

#[tokio::test]
async fn the_router_writes_the_weights_and_reads_them_back() {
    let bench = router();
    let before = bench.call(&observe(routing(20))).await.expect("an answer");
    assert_eq!(before.weights.canary, Share::exactly(0), "without a file, everything goes to the stable Service");

    let after = bench.call(&apply(routing(20))).await.expect("an answer");
    assert_eq!(after, Observation::of(&routing(20)), "and nobody knows what the proxy does");
    let written: Value = serde_json::from_slice(&fs::read(bench.path("web.json")).expect("a file")).expect("JSON");
    assert_eq!(written["routing"]["canary"], json!({"service": "web-canary", "hash": "new", "weight": 20}));

    let thousand = Routing { total: 1000, ..routing(20) };
    let scaled = bench.call(&observe(thousand)).await.expect("an answer");
    assert_eq!(scaled.weights.canary, Share::exactly(200), "shares are of the total that was asked for");
}

#[tokio::test]
async fn the_same_call_again_writes_nothing() {
    let bench = router();
    bench.call(&apply(routing(20))).await.expect("an answer");
    let changed = |path| fs::metadata(path).and_then(|file| file.modified()).expect("a file");
    let first = changed(bench.path("web.json"));
    bench.call(&apply(routing(20))).await.expect("an answer");
    assert_eq!(changed(bench.path("web.json")), first);
}

#[tokio::test]
async fn the_router_knows_what_the_proxy_confirms() {
    let bench = router();
    bench.call(&apply(routing(20))).await.expect("an answer");
    fs::copy(bench.path("web.json"), bench.path("web.json.applied")).expect("a copy");
    assert_eq!(bench.call(&observe(routing(20))).await.expect("an answer").verified, Some(true));
    let ahead = bench.call(&apply(routing(50))).await.expect("an answer");
    assert_eq!((ahead.verified, ahead.behind.as_deref()), (Some(false), Some("the proxy")));
}

#[tokio::test]
async fn header_routes_are_written_too() {
    let bench = router();
    let matches = vec![HeaderMatch { header_name: "X-Tester".into(), header_value: StringMatch::Exact("yes".into()) }];
    let routes = vec![Route::Header(HeaderRoute { name: "testers".into(), matches })];
    assert!(bench.call(&apply(Routing { routes, ..routing(0) })).await.expect("an answer").has_routes);
    assert!(!bench.call(&apply(routing(0))).await.expect("an answer").has_routes);
}

#[tokio::test]
async fn a_file_has_one_rollout_which_takes_it_back() {
    let bench = router();
    bench.call(&apply(routing(20))).await.expect("an answer");
    let other = Subject { uid: "2".into(), name: "other".into(), ..subject() };
    let why = config_error(bench.call(&Apply { rollout: other.clone(), ..apply(routing(50)) }).await);
    assert!(why.ends_with("web.json belongs to shop/web already"), "{why}");
    bench.call(&Release { rollout: other, ..release() }).await.expect("an answer");
    assert!(bench.path("web.json").exists());
    for _ in 0..2 {
        bench.call(&release()).await.expect("an answer");
        assert!(!bench.path("web.json").exists());
    }
}

#[tokio::test]
async fn a_rollout_reaches_no_file_outside_of_the_directory() {
    let bench = router();
    for file in [json!("../web.json"), json!("/etc/passwd"), json!(".hidden"), json!(""), json!(7), Value::Null] {
        let why = config_error(bench.call(&Apply { config: json!({"file": file}), ..apply(routing(20)) }).await);
        assert!(why.starts_with("file "), "{why}");
    }
}

fn metric(config: Value) -> RunMetric {
    RunMetric { analysis_run: subject(), metric: "errors".into(), number: 1, config }
}

async fn counts(bench: &Bench) {
    fs::write(bench.path("web.log"), "ok\nERROR a\nok\nERROR b\n").expect("a file");
    let config = json!({"file": "web.log", "contains": "ERROR"});
    let metadata = BTreeMap::from([("lines".to_owned(), "4".to_owned())]);
    let measured = bench.call(&metric(config.clone())).await.expect("a measurement");
    assert_eq!(measured, Measurement { metadata, ..Measurement::of(2) });

    let describe = DescribeMetric { analysis_run: subject(), metric: "errors".into(), config };
    let query = bench.call(&describe).await.expect("metadata").metadata["query"].clone();
    assert!(query.ends_with("web.log with \"ERROR\""), "{query}");

    assert_eq!(config_error(bench.call(&metric(json!({"file": "web.log"}))).await), "contains is required: a text");
    let missing = bench.call(&metric(json!({"file": "no.log", "contains": "x"}))).await.expect_err("no file");
    assert!(matches!(missing, CallError::Failed(Failure::Unavailable { .. })), "{missing}");
}

#[tokio::test]
async fn the_metric_provider_counts_lines() {
    counts(&Bench::new(Kind::MetricProvider, "metricProviderPlugins", env!("CARGO_BIN_EXE_line-count"))).await;
}

#[tokio::test]
async fn a_plugin_on_a_socket_is_found_when_it_comes_and_missed_when_it_goes() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("socket");
    let entry = format!("[{{name: example/it, location: 'unix://{}'}}]", socket.display());
    let start = |directory: &TempDir| {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_line-count"));
        let program = program.arg("--directory").arg(directory.path()).arg("--listen").arg(&socket).spawn();
        program.expect("a program")
    };
    let mut program = start(&directory);
    let bench = Bench::configured(Kind::MetricProvider, "metricProviderPlugins", entry, directory);
    let mut standing = bench.plugin.standing();
    for _ in 0..2 {
        let ready = standing.wait_for(|now| matches!(now, Standing::Ready(_)));
        tokio::time::timeout(LIMIT, ready).await.expect("in time").expect("a plugin");
        counts(&bench).await;
        program.kill().and_then(|()| program.wait()).expect("killed");
        let failing = standing.wait_for(|now| matches!(now, Standing::Failing(_)));
        tokio::time::timeout(LIMIT, failing).await.expect("in time").expect("a plugin");
        program = start(&bench.directory);
    }
    program.kill().and_then(|()| program.wait()).expect("killed");
}

fn approval() -> Bench {
    Bench::new(Kind::Step, "stepPlugins", concat!(env!("CARGO_MANIFEST_DIR"), "/approval.py"))
}

fn step(config: Value) -> RunStep {
    let step = StepAt { index: 2, revision: "6d4c8b7f9".into(), config, state: None };
    RunStep { rollout: subject(), step, execution: 1 }
}

#[tokio::test]
async fn the_step_waits_for_an_approval() {
    let bench = approval();
    let run = step(json!({"everySeconds": 5}));
    for _ in 0..2 {
        let waiting = bench.call(&run).await.expect("progress");
        assert_eq!((waiting.phase, waiting.retry_after_ms), (StepPhase::Running, Some(5000)));
        assert_eq!(waiting.state, Some(json!({"asked": "shop_web_6d4c8b7f9_2"})));
        assert!(bench.path("shop_web_6d4c8b7f9_2.asked").exists());
    }
    fs::write(bench.path("shop_web_6d4c8b7f9_2.approved"), "").expect("a file");
    let done = bench.call(&run).await.expect("progress");
    assert_eq!((done.phase, done.message.as_str()), (StepPhase::Successful, "shop_web_6d4c8b7f9_2 is approved"));
    assert!(!bench.path("shop_web_6d4c8b7f9_2.asked").exists());
    bench.host.stop().await;
}

#[tokio::test]
async fn a_denial_fails_the_step() {
    let bench = approval();
    fs::write(bench.path("shop_web_6d4c8b7f9_2.denied"), "").expect("a file");
    assert_eq!(bench.call(&step(Value::Null)).await.expect("progress").phase, StepPhase::Failed);
}

#[tokio::test]
async fn nobody_is_asked_after_the_step_was_ended() {
    let bench = approval();
    let RunStep { rollout, step, .. } = step(Value::Null);
    let run = RunStep { rollout: rollout.clone(), step: step.clone(), execution: 1 };
    let asked = || bench.path("shop_web_6d4c8b7f9_2.asked").exists();
    bench.call(&run).await.expect("progress");
    assert!(asked());
    bench.call(&AbortStep { rollout: rollout.clone(), step: step.clone() }).await.expect("progress");
    assert!(!asked());
    bench.call(&run).await.expect("progress");
    bench.call(&TerminateStep { rollout, step }).await.expect("progress");
    assert!(!asked());
}

#[tokio::test]
async fn what_a_rollout_configures_wrongly_is_said() {
    let bench = approval();
    for seconds in [json!("often"), json!(0), json!(1e9)] {
        let why = config_error(bench.call(&step(json!({"everySeconds": seconds}))).await);
        assert_eq!(why, "everySeconds is a number from 1 to 3600");
    }
}

#[tokio::test]
async fn a_plugin_that_is_configured_as_another_kind_says_so() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/approval.py");
    for (kind, key, program) in [
        (Kind::TrafficRouter, "trafficRouterPlugins", script),
        (Kind::Step, "stepPlugins", env!("CARGO_BIN_EXE_line-count")),
    ] {
        let bench = Bench::new(kind, key, program);
        let mut standing = bench.plugin.standing();
        let failing = standing.wait_for(|now| matches!(now, Standing::Failing(_)));
        let standing = tokio::time::timeout(LIMIT, failing).await.expect("in time").expect("a plugin").clone();
        let Standing::Failing(why) = standing else { panic!("{standing:?}") };
        assert!(why.starts_with("refuses to be initialized: is a plugin of kind "), "{why}");
        assert!(why.ends_with(&format!("configured as {kind}")), "{why}");
    }
}
