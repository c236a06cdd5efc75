//! Programs beside the test: kubectl, the plugin, and controllers with an identity of their own. All that they know of the
//! cluster is a kubeconfig.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

/// The namespace of `deploy/install.yaml`.
pub const HOME: &str = "argo-rollouts";

/// What a program needs to find its cluster, and where its logs go.
pub struct Programs {
    /// Credentials of an administrator.
    kubeconfig: PathBuf,
    /// The logs, and the credentials of service accounts.
    folder: PathBuf,
    /// Where programs look for programs.
    path: OsString,
}

impl Programs {
    pub fn new(kubeconfig: PathBuf, folder: PathBuf) -> Programs {
        Programs { kubeconfig, folder, path: path_with_kubectl() }
    }

    /// The folder of the logs.
    pub fn logs(&self) -> &Path {
        &self.folder
    }

    /// A client with every right.
    pub async fn client(&self) -> Client {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let kubeconfig = Kubeconfig::read_from(&self.kubeconfig).expect("a kubeconfig");
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        Client::try_from(config.expect("the kubeconfig names a cluster")).expect("a client")
    }

    /// A program in the repository, with the rights of an administrator.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(env!("CARGO_MANIFEST_DIR")).env("PATH", &self.path).env("KUBECONFIG", &self.kubeconfig);
        // What kubectl remembers of another cluster at the same address is not true here.
        command.env("KUBECACHEDIR", self.folder.join("kubectl-cache"));
        command
    }

    /// The same, where programs are looked for in this folder first.
    pub fn command_with(&self, folder: &Path, program: impl AsRef<OsStr>) -> Command {
        let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&self.path));
        let mut command = self.command(program);
        command.env("PATH", std::env::join_paths(folders).expect("folders without colons"));
        command
    }

    /// Runs kubectl as a user would, and returns what it printed.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let (success, output) = self.try_kubectl(arguments);
        assert!(success, "kubectl {}: {output}", arguments.join(" "));
        output
    }

    /// Runs kubectl and returns whether it succeeded, and everything that it printed.
    pub fn try_kubectl(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.command("kubectl").args(arguments).output().expect("kubectl runs");
        let printed = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
    }

    /// Applies the manifests that users apply, and starts the controller as their service account, so that every scenario also
    /// proves that its rights are enough.
    pub async fn install(&self, client: &Client) -> Child {
        self.kubectl(&["apply", "--server-side", "-f", "crds"]);
        self.kubectl(&["wait", "--for=condition=Established", "crd", "--all"]);
        self.kubectl(&["apply", "-f", "deploy/install.yaml"]);
        // The scenarios' controller is the binary under test; the Deployment's pods are only a stand-in's.
        self.kubectl(&["-n", HOME, "scale", "deployment", "sluice", "--replicas=0"]);
        let kubeconfig = self.kubeconfig_of(client, "sluice").await;
        self.controller(&["--kubeconfig", &kubeconfig.display().to_string(), "--namespace", HOME], "controller")
    }

    /// Writes a kubeconfig for a service account, with a token of its own.
    pub async fn kubeconfig_of(&self, client: &Client, account: &str) -> PathBuf {
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), HOME);
        let spec = TokenRequestSpec { expiration_seconds: Some(7200), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
        let answer = accounts.create_token_request(account, &PostParams::default(), &request).await.expect("a token");
        let token = answer.status.expect("a token").token;
        let admins = std::fs::read_to_string(&self.kubeconfig).expect("a kubeconfig");
        let mut kubeconfig: Value = serde_saphyr::from_str(&admins).expect("YAML");
        for user in kubeconfig["users"].as_array_mut().expect("users") {
            user["user"] = json!({ "token": token });
        }
        let path = self.folder.join(format!("{account}.kubeconfig"));
        // Another scenario's program may be reading it: it changes as a whole.
        let beside = path.with_extension(format!("{}-{:?}", std::process::id(), std::thread::current().id()));
        std::fs::write(&beside, kubeconfig.to_string()).expect("the folder is writable");
        std::fs::rename(&beside, &path).expect("the folder is writable");
        path
    }

    /// Starts a controller, which logs into a file.
    pub fn controller(&self, arguments: &[&str], log: &str) -> Child {
        let mut command = self.command(env!("CARGO_BIN_EXE_sluice"));
        command.args(["controller", "--metricsPort", "0", "--healthzPort", "0", "--loglevel", "debug"]);
        self.start(command.args(arguments), log)
    }

    /// Starts a program, which logs into a file.
    pub fn start(&self, command: &mut Command, log: &str) -> Child {
        let file = std::fs::File::create(self.log(log)).expect("the folder is writable");
        command.stdout(Stdio::null()).stderr(file).spawn().expect("the program starts")
    }

    /// The file that a program logs into.
    pub fn log(&self, log: &str) -> PathBuf {
        self.folder.join(format!("{log}.log"))
    }
}

/// The `PATH`, with kubectl's folder in front: the kubectl that is built with the real control plane, because it is of the
/// release that all else is compared with, or the first on the `PATH`.
fn path_with_kubectl() -> OsString {
    let built = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/.cache/current"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::iter::once(built).chain(std::env::split_paths(&path));
    let found = folders.find(|folder| folder.join("kubectl").is_file());
    let found = found.expect("there is no kubectl: tests/cluster/build makes one, or put one on the PATH");
    std::env::join_paths(std::iter::once(found).chain(std::env::split_paths(&path))).expect("folders without colons")
}

/// Sends a signal to a child.
pub fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status();
    assert!(sent.is_ok_and(|status| status.success()), "cannot send SIG{signal}");
}
