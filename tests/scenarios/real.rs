//! The real control plane: `tests/cluster/run` has started it, and this process starts one controller for all scenarios.
//!
//! The controller runs as the service account of `deploy/install.yaml`, so every scenario also proves that its rights are
//! enough.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, PostParams};
use kube::config::KubeConfigOptions;
use kube::{Client, Config};
use serde_json::{Value, json};
use sluice::clock::Clock;

use crate::cluster::Cluster;

/// The namespace of `deploy/install.yaml`.
pub const HOME: &str = "argo-rollouts";

/// A connection to the control plane that `KUBECONFIG` names.
pub struct Real {
    client: Client,
}

impl Real {
    /// Connects, and starts the controller on first use.
    pub async fn connect() -> Real {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = admin().await;
        let (started, mine) = start_once();
        if mine {
            install(&client).await;
            let kubeconfig = kubeconfig_of(&client, "sluice").await;
            let process =
                controller(&["--kubeconfig", &kubeconfig.display().to_string(), "--namespace", HOME], "controller");
            started.set(process).expect("set once");
        }
        while started.get().is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Real { client }
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
}

/// Whether this caller is the first, and where it puts the controller when it runs. Nobody waits for the process: it ends
/// with the control plane.
fn start_once() -> (&'static OnceLock<Child>, bool) {
    static FIRST: OnceLock<()> = OnceLock::new();
    static STARTED: OnceLock<Child> = OnceLock::new();
    (&STARTED, FIRST.set(()).is_ok())
}

/// A client with every right.
pub async fn admin() -> Client {
    let config = Config::from_kubeconfig(&KubeConfigOptions::default()).await;
    Client::try_from(config.expect("KUBECONFIG names the control plane of tests/cluster")).expect("a client")
}

/// Applies the manifests that users apply.
async fn install(client: &Client) {
    kubectl(&["apply", "--server-side", "-f", "crds"]);
    kubectl(&["wait", "--for=condition=Established", "crd", "--all"]);
    kubectl(&["apply", "-f", "deploy/install.yaml"]);
    // The scenarios' controller is the binary under test; the Deployment's pods are only a stand-in's.
    kubectl(&["-n", HOME, "scale", "deployment", "sluice", "--replicas=0"]);
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), HOME);
    accounts.get("sluice").await.expect("the service account of deploy/install.yaml");
}

/// Runs kubectl in the repository, as a user would, and returns what it printed.
pub fn kubectl(arguments: &[&str]) -> String {
    let (success, output) = try_kubectl(arguments);
    assert!(success, "kubectl {}: {output}", arguments.join(" "));
    output
}

/// Runs kubectl and returns whether it succeeded, and everything that it printed.
pub fn try_kubectl(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("kubectl")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("kubectl is on the PATH of tests/cluster/run");
    let printed = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
}

/// Writes a kubeconfig for a service account, with a token of its own.
pub async fn kubeconfig_of(client: &Client, account: &str) -> PathBuf {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), HOME);
    let spec = TokenRequestSpec { expiration_seconds: Some(7200), ..TokenRequestSpec::default() };
    let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
    let answer = accounts.create_token_request(account, &PostParams::default(), &request).await.expect("a token");
    let token = answer.status.expect("a token").token;
    let admins = std::fs::read_to_string(std::env::var_os("KUBECONFIG").expect("KUBECONFIG")).expect("a kubeconfig");
    let mut kubeconfig: Value = serde_saphyr::from_str(&admins).expect("YAML");
    for user in kubeconfig["users"].as_array_mut().expect("users") {
        user["user"] = json!({ "token": token });
    }
    let path = logs().join(format!("{account}.kubeconfig"));
    std::fs::write(&path, kubeconfig.to_string()).expect("the folder is writable");
    path
}

/// Starts a controller; its log goes beside those of the control plane.
pub fn controller(arguments: &[&str], log: &str) -> Child {
    let file = std::fs::File::create(logs().join(format!("{log}.log"))).expect("the folder is writable");
    Command::new(env!("CARGO_BIN_EXE_sluice"))
        .arg("controller")
        .args(["--metricsPort", "0", "--healthzPort", "0", "--loglevel", "debug"])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(file)
        .spawn()
        .expect("the controller starts")
}

/// The folder of logs of this run of the control plane.
pub fn logs() -> PathBuf {
    audit_log().parent().expect("a folder").to_owned()
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

/// Sends a signal to a child.
pub fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status();
    assert!(sent.is_ok_and(|status| status.success()), "cannot send SIG{signal}");
}
