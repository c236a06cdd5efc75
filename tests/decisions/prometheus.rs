//! The Prometheus of all tests here. It finds the pods of every namespace by itself, and scrapes the page of `served.rs`.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::scenario::Scenario;
use crate::served;

/// A Prometheus that scrapes every second.
pub struct Prometheus {
    pub url: String,
    /// What else it scrapes.
    pub served: SocketAddr,
    /// Nobody waits for it: it ends with the control plane.
    _process: Child,
}

impl Prometheus {
    /// Starts it on first use.
    pub async fn get(s: &Scenario) -> &'static Prometheus {
        static STARTED: OnceCell<Prometheus> = OnceCell::const_new();
        STARTED.get_or_init(|| start(s)).await
    }
}

/// Pods of Rollouts: each series has the namespace, the pod, and the hash of the version.
fn pods() -> Value {
    let hash = "__meta_kubernetes_pod_label_rollouts_pod_template_hash";
    let label = |from: &str, to: &str| json!({ "source_labels": [from], "target_label": to });
    json!({
        "job_name": "pods",
        "kubernetes_sd_configs": [{ "role": "pod", "kubeconfig_file": std::env::var("KUBECONFIG").expect("KUBECONFIG") }],
        "relabel_configs": [
            { "source_labels": [hash], "regex": ".+", "action": "keep" },
            label(hash, "hash"),
            label("__meta_kubernetes_namespace", "namespace"),
            label("__meta_kubernetes_pod_name", "pod"),
        ],
    })
}

async fn start(s: &Scenario) -> Prometheus {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/.cache/prometheus/prometheus");
    assert!(Path::new(program).exists(), "there is no Prometheus: tests/cluster/build-prometheus builds it");
    let folder = s.programs().logs().join("prometheus");
    std::fs::create_dir_all(&folder).expect("the folder is writable");
    let served = served::serve();
    let config = json!({
        "global": { "scrape_interval": "1s", "scrape_timeout": "1s" },
        "scrape_configs": [pods(), { "job_name": "served", "static_configs": [{ "targets": [served.to_string()] }] }],
    });
    std::fs::write(folder.join("prometheus.yml"), config.to_string()).expect("the folder is writable");
    // The network is the control plane's own, so that nobody takes the port in between.
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let mut command = s.programs().command(program);
    command.arg("--config.file=prometheus.yml").arg("--storage.tsdb.path=data").current_dir(&folder);
    command.arg("--scrape.discovery-reload-interval=100ms").arg(format!("--web.listen-address={address}"));
    let process = s.programs().start(&mut command, "prometheus");
    let url = format!("http://{address}");
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().expect("a client");
    s.eventually("Prometheus is ready", async || {
        let answer = client.get(format!("{url}/-/ready")).send().await.and_then(reqwest::Response::error_for_status);
        answer.map(drop).map_err(|error| error.to_string())
    })
    .await;
    Prometheus { url, served, _process: process }
}
