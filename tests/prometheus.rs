//! The provider of Prometheus and a real one: `tests/cluster/build-prometheus` builds it. It scrapes a server of this test's own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use sluice::clock::Clock;
use sluice::providers::{Answer, Providers, Question, Reading};
use sluice_core::api::Metric;
use sluice_core::expr::{Condition, Env};
use sluice_plugin::Subject;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// How long anything may take; only ever waited out on failure.
const LIMIT: Duration = Duration::from_secs(30);
/// What is scraped.
const PAGE: &str = "\
# TYPE requests_total counter
requests_total{code=\"200\"} 95
requests_total{code=\"500\"} 5
# TYPE load gauge
load NaN
";

/// A Prometheus that scrapes ten times a second, and ends with this.
struct Server {
    process: Child,
    folder: PathBuf,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A page of metrics on this machine.
async fn scraped() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router =
        Router::new().route("/metrics", get(|| async { ([("content-type", "text/plain; version=0.0.4")], PAGE) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn server() -> Server {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/.cache/prometheus/prometheus");
    assert!(Path::new(program).exists(), "there is no Prometheus: tests/cluster/build-prometheus builds it");
    let folder = std::env::temp_dir().join(format!("sluice-prometheus-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    let config = json!({
        "global": {"scrape_interval": "100ms", "scrape_timeout": "100ms"},
        "scrape_configs": [{"job_name": "pods", "static_configs": [{"targets": [scraped().await.to_string()]}]}],
    });
    std::fs::write(folder.join("prometheus.yml"), config.to_string()).expect("the folder is writable");
    // Somebody may take the port in between; then it ends, and another one is tried.
    for _ in 0..5 {
        let free = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let process = Command::new(program)
            .args([
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                "--scrape.discovery-reload-interval=100ms",
            ])
            .arg(format!("--web.listen-address={address}"))
            .current_dir(&folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Prometheus starts");
        let mut server = Server { process, folder: folder.clone(), url: format!("http://{address}") };
        if scrapes(&mut server).await {
            return server;
        }
        std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    }
    panic!("Prometheus does not start");
}

/// Waits until there is something to ask for; false where it has ended.
async fn scrapes(server: &mut Server) -> bool {
    let end = Instant::now() + LIMIT;
    loop {
        let answer = ask(server, &json!({"query": "count_over_time(requests_total[1m]) > 2"})).await;
        match &answer.reading {
            Reading::Value { text, .. } if text != "[]" => return true,
            _ if server.process.try_wait().expect("a child").is_some() => return false,
            _ => assert!(Instant::now() < end, "nothing is scraped: {answer:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn ask(server: &Server, fields: &Value) -> Answer {
    let providers = Providers::new(&(Arc::new(|_: &str| None) as sluice::aws::Env), Clock::System);
    let mut prometheus = json!({"address": server.url});
    prometheus.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    let metric = json!({"name": "m", "provider": {"prometheus": prometheus}});
    let metric: Metric = serde_json::from_value(metric).expect("a metric");
    let noted = BTreeMap::new();
    let question = Question { run: Subject::default(), metric, number: 1, noted, is_resumed: false, keep: 10 };
    let provider = providers.of(&question.metric.provider).expect("a provider");
    provider.measure(&question, &|_| {}).await
}

#[track_caller]
fn text(answer: &Answer) -> &str {
    match &answer.reading {
        Reading::Value { text, .. } => text,
        other => panic!("no value: {other:?}"),
    }
}

#[track_caller]
fn error(answer: &Answer) -> &str {
    match &answer.reading {
        Reading::Error { message, .. } => message,
        other => panic!("no error: {other:?}"),
    }
}

#[track_caller]
fn holds(answer: &Answer, condition: &str) -> bool {
    let Reading::Value { value, .. } = &answer.reading else { panic!("no value: {answer:?}") };
    let env = Env { now: Clock::System.now() };
    Condition::parse(condition).expect("a condition").holds(value, &env).expect(condition)
}

/// All of it with one server.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_real_prometheus_a_metric_is_what_it_says() {
    let server = server().await;
    let query = async |query: &str| ask(&server, &json!({"query": query})).await;

    let rate = r#"sum(requests_total{code!~"5.."}) / sum(requests_total)"#;
    let answer = query(rate).await;
    assert_eq!(text(&answer), "[0.95]", "an instant vector");
    assert!(holds(&answer, "result[0] >= 0.95") && !holds(&answer, "result[0] > 0.95"));
    assert_eq!(text(&query("sort_desc(requests_total)").await), "[95,5]");
    assert_eq!(text(&query("scalar(sum(requests_total))").await), "100", "a scalar");

    let answer = query("requests_total{code=\"404\"}").await;
    assert_eq!(text(&answer), "[]", "no data");
    assert!(holds(&answer, "len(result) == 0"));

    let answer = query("load").await;
    assert_eq!(text(&answer), "[NaN]", "no number");
    assert!(holds(&answer, "isNaN(result[0])"));
    assert_eq!(text(&query("vector(1) / 0").await), "[+Inf]");

    let range = json!({"start": "now() - duration(\"1m\")", "end": "now()", "step": "20s"});
    let ranged = |query: &str| json!({"query": query, "rangeQuery": range});
    assert_eq!(text(&ask(&server, &ranged("vector(2)")).await), "[2,2,2,2]", "a range");
    assert!(holds(&ask(&server, &ranged("requests_total")).await, "len(result) >= 1 && all(result, # in [5.0, 95.0])"));

    let answer = query("rate(load[1m])").await;
    assert!(answer.metadata.is_empty(), "{:?}", answer.metadata);
    let answer = query("sum(requests_total").await;
    let message = error(&answer);
    assert!(message.contains("answers 400 Bad Request: bad_data: invalid parameter \"query\": "), "{message}");
    assert!(message.contains("parse error") && message.ends_with("; see the query"), "{message}");
    let message = error(&query("\"a\"").await).to_owned();
    assert!(message.contains("Prometheus metric type not supported"), "{message}");

    let id = server.process.id().to_string();
    assert!(Command::new("kill").args(["-STOP", &id]).status().expect("kill is there").success());
    let begun = Instant::now();
    let answer = ask(&server, &json!({"query": "up", "timeout": 1})).await;
    assert!(error(&answer).contains(": no answer within 1 s; "), "{}", error(&answer));
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
}
