//! The host over streams in memory, in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use sluice_plugin::{Kind, RunStep, StepAt, Subject};
use sluice_plugin_host::{CallError, Connect, Connecting, Connection, Host, Lookup, Registry, Standing};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex, split};
use tokio::time::{Instant, sleep};

/// A plugin that answers each `run` after some seconds, and goes silent with its connection `silent_on`.
#[derive(Clone)]
struct Slow {
    connections: Arc<AtomicU32>,
    seconds: u64,
    silent_on: u32,
}

impl Connect for Slow {
    fn connect(&self) -> Connecting {
        let (own, host) = duplex(4096);
        let number = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        tokio::spawn(serve(own, self.seconds, number == self.silent_on));
        let (reader, writer) = split(host);
        Box::pin(async move { Ok(Connection::new(reader, writer)) })
    }
}

async fn serve(stream: DuplexStream, seconds: u64, silent: bool) {
    let (reader, mut writer) = split(stream);
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let request: Value = serde_json::from_str(&line).expect("a request");
        let result = match request["method"].as_str() {
            Some("initialize") => json!({"protocol": 1, "kind": "step", "name": "slow", "version": "1"}),
            _ if silent => continue,
            Some("step/run") => {
                sleep(Duration::from_secs(seconds)).await;
                json!({"phase": "Successful", "message": format!("{} ms were left", request["params"]["timeoutMs"])})
            }
            _ => json!({}),
        };
        let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
        // The host may have gone.
        writer.write_all(format!("{answer}\n").as_bytes()).await.ok();
        if request["method"] == "shutdown" {
            return;
        }
    }
}

fn host(slow: &Slow) -> Host {
    let slow = slow.clone();
    let host = Host::reaching("test", move |_, _| Arc::new(slow.clone()));
    let entry = "[{name: test/slow, location: 'unix:///nowhere'}]".to_owned();
    host.apply(&Registry::read(&BTreeMap::from([("stepPlugins".to_owned(), entry)]), &[]));
    host
}

fn slow(seconds: u64, silent_on: u32) -> Slow {
    Slow { connections: Arc::default(), seconds, silent_on }
}

async fn run(host: &Host, seconds: u64) -> Result<String, CallError> {
    let step = StepAt { index: 0, revision: "abc".into(), config: Value::Null, state: None };
    let call = RunStep { rollout: Subject::default(), step, execution: 1 };
    let Lookup::Plugin(plugin) = host.find(Kind::Step, "test/slow") else { panic!("no plugin") };
    plugin.call(&call, Duration::from_secs(seconds)).await.map(|progress| progress.message)
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_another_one_has_less_time() {
    let host = host(&slow(3, 0));
    let (first, second, third) = tokio::join!(run(&host, 10), run(&host, 10), run(&host, 5));
    assert_eq!(first.expect("an answer"), "10000 ms were left");
    assert_eq!(second.expect("an answer"), "7000 ms were left");
    assert_eq!(third, Err(CallError::Late { method: "step/run" }));
}

#[tokio::test(start_paused = true)]
async fn a_day_of_idleness_is_no_reason_to_start_again() {
    let slow = slow(1, 0);
    let host = host(&slow);
    sleep(Duration::from_hours(24)).await;
    run(&host, 10).await.expect("an answer");
    assert_eq!(slow.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_goes_silent_is_found_and_replaced() {
    let slow = slow(1, 1);
    let host = host(&slow);
    let Lookup::Plugin(plugin) = host.find(Kind::Step, "test/slow") else { panic!("no plugin") };
    let (start, mut standing) = (Instant::now(), plugin.standing());
    standing.wait_for(|now| *now == Standing::Failing("did not answer ping within 5s".into())).await.expect("a plugin");
    assert_eq!(start.elapsed().as_secs(), 15);
    standing.wait_for(|now| matches!(now, Standing::Ready(_))).await.expect("a plugin");
    assert_eq!(start.elapsed().as_secs(), 16);
    run(&host, 10).await.expect("an answer");
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_the_calls_that_are_under_way() {
    let host = host(&slow(20, 0));
    let (answer, ()) = tokio::join!(run(&host, 60), async {
        sleep(Duration::from_secs(1)).await;
        host.stop().await;
    });
    assert_eq!(answer.expect("an answer"), "60000 ms were left");
}
