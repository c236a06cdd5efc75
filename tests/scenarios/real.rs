//! The real control plane: `tests/cluster/run` has started it, and this process starts one controller for all scenarios.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::OnceLock;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use kube::Client;
use serde_json::Value;
use sluice::clock::Clock;

use crate::cluster::Cluster;
use crate::programs::Programs;

/// A connection to the control plane that `KUBECONFIG` names.
pub struct Real {
    client: Client,
    programs: Programs,
}

impl Real {
    /// Connects, and starts the controller on first use.
    pub async fn connect() -> Real {
        let kubeconfig = std::env::var_os("KUBECONFIG").expect("KUBECONFIG names the control plane of tests/cluster");
        let logs = audit_log().parent().expect("a folder").to_owned();
        let programs = Programs::new(kubeconfig.into(), logs);
        let client = programs.client().await;
        let (started, mine) = start_once();
        if mine {
            started.set(programs.install(&client).await).expect("set once");
        }
        while started.get().is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Real { client, programs }
    }
}

impl Cluster for Real {
    fn client(&self) -> Client {
        self.client.clone()
    }

    fn now(&self) -> Timestamp {
        Clock::System.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn writes(&self, namespace: &str) -> BoxFuture<'_, Vec<String>> {
        let writes = audited(namespace);
        Box::pin(async { writes })
    }

    fn programs(&self) -> Option<&Programs> {
        Some(&self.programs)
    }
}

/// Whether this caller is the first, and where it puts the controller when it runs. Nobody waits for the process: it ends
/// with the control plane.
fn start_once() -> (&'static OnceLock<Child>, bool) {
    static FIRST: OnceLock<()> = OnceLock::new();
    static STARTED: OnceLock<Child> = OnceLock::new();
    (&STARTED, FIRST.set(()).is_ok())
}

fn audit_log() -> PathBuf {
    PathBuf::from(std::env::var_os("SLUICE_AUDIT_LOG").expect("tests/cluster/run sets SLUICE_AUDIT_LOG"))
}

/// Writes by a controller in a namespace, from the API server's audit log.
fn audited(namespace: &str) -> Vec<String> {
    let log = std::fs::read_to_string(Path::new(&audit_log())).unwrap_or_default();
    let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let text =
        |event: &Value, pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    events
        .filter(|event| text(event, "/userAgent").starts_with("sluice-controller"))
        .filter(|event| text(event, "/objectRef/namespace") == namespace)
        .filter(|event| ["create", "patch", "update", "delete"].contains(&text(event, "/verb").as_str()))
        .filter(|event| !["events", "leases"].contains(&text(event, "/objectRef/resource").as_str()))
        .map(|event| format!("{} {}", text(&event, "/verb"), text(&event, "/requestURI")))
        .collect()
}
