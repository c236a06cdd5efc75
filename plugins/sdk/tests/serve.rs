//! A plugin that is served: what goes in on lines, and what comes out.

use std::io::{BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use serde_json::{Value, json};
use sluice_plugin::{
    About, Context, Failure, Kind, MAX_MESSAGE, Measurement, MetricProvider, MetricProviderPlugin, Progress, RunMetric,
    RunStep, Service, Step, StepPlugin, serve_connection,
};

/// A step that does what its configuration says.
struct Obedient;

impl StepPlugin for Obedient {
    fn about(&self) -> About {
        About::new("test/obedient", "0.1.0").with("abort")
    }

    fn run(&self, call: &RunStep, context: &Context) -> Result<Progress, Failure> {
        match call.step.config["do"].as_str() {
            Some("panic") => panic!("as told"),
            Some("fail") => Err(Failure::InvalidConfig("as told".into())),
            Some("talk") => Err(Failure::Internal("x".repeat(MAX_MESSAGE))),
            Some("remember") => Ok(Progress::running("", Some(json!("x".repeat(70_000))), 1)),
            _ => Ok(Progress::successful(format!("{} within {:?}", call.rollout, context.timeout))),
        }
    }
}

/// What the plugin answers to these lines.
fn conversation(service: &dyn Service, lines: &[String]) -> Vec<Value> {
    let mut said = Vec::new();
    let input = lines.join("\n") + "\n";
    serve_connection(service, input.as_bytes(), &mut said).expect("served");
    let said = String::from_utf8(said).expect("text");
    said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn request(id: u64, method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

fn greeting(protocols: &[u32], kind: Kind) -> String {
    let params = json!({"protocols": protocols, "kind": kind, "name": "a/b", "host": "test"});
    request(1, "initialize", &params)
}

fn run(id: u64, config: &Value) -> String {
    let rollout = json!({"namespace": "shop", "name": "web", "uid": "u"});
    let step = json!({"index": 0, "revision": "abc", "config": config});
    let params = json!({"timeoutMs": 1500, "rollout": rollout, "step": step, "execution": 1});
    request(id, "step/run", &params)
}

#[test]
fn it_says_what_it_is() {
    let answers = conversation(&Step(Obedient), &[greeting(&[1, 2], Kind::Step)]);
    let expected = json!({
        "protocol": 1, "kind": "step", "name": "test/obedient", "version": "0.1.0", "capabilities": ["abort"],
        "concurrency": 1,
    });
    assert_eq!(answers, [json!({"jsonrpc": "2.0", "id": 1, "result": expected})]);
}

#[test]
fn it_is_no_other_kind_and_speaks_no_other_version() {
    let message = |line: String| conversation(&Step(Obedient), &[line])[0]["error"]["message"].clone();
    assert_eq!(
        message(greeting(&[1], Kind::TrafficRouter)),
        "is a plugin of kind step, and configured as trafficRouter"
    );
    assert_eq!(message(greeting(&[2, 3], Kind::Step)), "speaks version 1 of the protocol, and the host [2, 3]");
}

#[test]
fn a_call_is_answered() {
    let answers = conversation(&Step(Obedient), &[run(7, &json!({}))]);
    let result = json!({"phase": "Successful", "message": "shop/web within 1.5s"});
    assert_eq!(answers, [json!({"jsonrpc": "2.0", "id": 7, "result": result})]);
}

#[test]
fn a_failure_is_an_error_and_the_plugin_goes_on() {
    let lines = [
        run(1, &json!({"do": "fail"})),
        run(2, &json!({"do": "panic"})),
        run(3, &json!({"do": "talk"})),
        run(4, &json!({"do": "remember"})),
        run(5, &json!({})),
    ];
    let answers = conversation(&Step(Obedient), &lines);
    let errors: Vec<_> =
        answers.iter().map(|a| (a["error"]["code"].as_i64(), a["error"]["message"].as_str())).collect();
    assert_eq!(errors[0], (Some(1), Some("as told")));
    assert_eq!(errors[1], (Some(-32603), Some("the plugin panicked at step/run")));
    assert!(errors[2].1.is_some_and(|why| why.ends_with("1048576 fit into a message")), "{errors:?}");
    assert_eq!(errors[3].1, Some("the answer to step/run has 70002 bytes of state, and 16384 fit"));
    assert_eq!(answers[4]["result"]["phase"], "Successful");
}

#[test]
fn what_is_no_request_is_answered_with_what_is_wrong() {
    let lines = ["hello".to_owned(), "{}".to_owned(), request(3, "metricProvider/run", &json!({})), run(4, &json!(1))];
    let codes: Vec<_> = conversation(&Step(Obedient), &lines).iter().map(|a| a["error"]["code"].clone()).collect();
    assert_eq!(codes, [json!(-32700), json!(-32600), json!(-32601), Value::Null]);

    let lacking = request(1, "step/run", &json!({"timeoutMs": 1}));
    let answer = &conversation(&Step(Obedient), &[lacking])[0]["error"];
    assert_eq!(answer["code"], -32602);
    assert_eq!(answer["message"], "cannot read the parameters of step/run: missing field `rollout`");
}

#[test]
fn a_shutdown_ends_it_and_so_does_the_end_of_the_input() {
    let lines = [request(1, "shutdown", &json!({})), request(2, "ping", &json!({}))];
    assert_eq!(conversation(&Step(Obedient), &lines), [json!({"jsonrpc": "2.0", "id": 1, "result": {}})]);
    assert_eq!(conversation(&Step(Obedient), &[request(2, "ping", &json!({}))]).len(), 1);
}

#[test]
fn a_line_that_does_not_end_is_not_waited_for() {
    let endless = BufReader::new(std::io::repeat(b' '));
    let error = serve_connection(&Step(Obedient), endless, Vec::new()).expect_err("too long");
    assert_eq!(error.to_string(), "a line is longer than 1048576 bytes");
}

/// Measures only when two ask at a time.
struct Together {
    both: Barrier,
    calls: AtomicU32,
}

impl MetricProviderPlugin for Together {
    fn about(&self) -> About {
        About::new("test/together", "0.1.0").at_a_time(2)
    }

    fn run(&self, _: &RunMetric, _: &Context) -> Result<Measurement, Failure> {
        self.both.wait();
        Ok(Measurement::of(self.calls.fetch_add(1, Ordering::Relaxed)))
    }
}

#[test]
fn it_takes_as_many_calls_at_a_time_as_it_says_and_answers_pings_meanwhile() {
    let plugin = MetricProvider(Together { both: Barrier::new(3), calls: AtomicU32::new(0) });
    let (host, own) = UnixStream::pair().expect("a pair of sockets");
    thread::scope(|scope| {
        scope.spawn(|| serve_connection(&plugin, BufReader::new(own.try_clone().expect("a handle")), &own));
        let mut write = host.try_clone().expect("a handle");
        let run = json!({"analysisRun": {"namespace": "n", "name": "a", "uid": "u"}, "metric": "m", "number": 1, "timeoutMs": 1});
        for line in [
            request(1, "metricProvider/run", &run),
            request(2, "metricProvider/run", &run),
            request(3, "ping", &json!({})),
        ] {
            writeln!(write, "{line}").expect("written");
        }
        let mut reader = BufReader::new(&host);
        let mut next = || {
            let line = sluice_plugin::read_message(&mut reader, MAX_MESSAGE).expect("a line").expect("no end");
            serde_json::from_slice::<Value>(&line).expect("JSON")["id"].as_u64()
        };
        assert_eq!(next(), Some(3), "both calls wait for the test");
        plugin.0.both.wait();
        let mut rest = [next(), next()];
        rest.sort_unstable();
        assert_eq!(rest, [Some(1), Some(2)]);
        host.shutdown(std::net::Shutdown::Both).expect("closed");
    });
}

/// Only the first reader of a broken stream hears of it.
struct Breaks(Mutex<bool>);

impl Read for &Breaks {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        let mut broken = self.0.lock().expect("not poisoned");
        if std::mem::replace(&mut *broken, true) { Ok(0) } else { Err(std::io::Error::other("the pipe broke")) }
    }
}

#[test]
fn a_broken_stream_is_an_error() {
    let stream = Breaks(Mutex::new(false));
    let error = serve_connection(&Step(Obedient), BufReader::new(&stream), Vec::new()).expect_err("broken");
    assert_eq!(error.to_string(), "the pipe broke");
}
