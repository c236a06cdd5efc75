//! The sandbox as `sluice sandbox` serves it, in real time, for scenarios with programs that know nothing of virtual time. Each
//! has a sandbox and a controller of its own.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use kube::Client;
use kube::config::Kubeconfig;
use sluice::clock::Clock;

use crate::cluster::Cluster;
use crate::programs::Programs;

/// How long the sandbox may take to start. Generous: it is only ever waited out on failure.
const LIMIT: Duration = Duration::from_mins(1);

/// A sandbox and a controller, each a process.
pub struct Served {
    client: Client,
    programs: Programs,
    /// Ends the controller before the API that it speaks to, and then removes what they have left behind.
    _processes: [Process; 2],
    _folder: Folder,
}

impl Served {
    /// Starts both.
    pub async fn start() -> Served {
        let folder = Folder::new();
        let kubeconfig = folder.0.join("admin.kubeconfig");
        let programs = Programs::new(kubeconfig.clone(), folder.0.clone());
        let mut command = programs.command(env!("CARGO_BIN_EXE_sluice"));
        command.args(["sandbox", "--without-controller", "--autoscaler-period", "1s", "--kubeconfig"]).arg(&kubeconfig);
        let mut sandbox = Process(programs.start(&mut command, "sandbox"));
        let begun = tokio::time::Instant::now();
        while !Kubeconfig::read_from(&kubeconfig).is_ok_and(|kubeconfig| !kubeconfig.clusters.is_empty()) {
            let ended = sandbox.0.try_wait().expect("a child").is_some();
            assert!(
                !ended && begun.elapsed() < LIMIT,
                "no sandbox: {:?}",
                std::fs::read_to_string(programs.log("sandbox"))
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let client = programs.client().await;
        let controller = Process(programs.install(&client).await);
        Served { client, programs, _processes: [controller, sandbox], _folder: folder }
    }
}

impl Cluster for Served {
    fn client(&self) -> Client {
        self.client.clone()
    }

    fn now(&self) -> Timestamp {
        Clock::System.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn writes(&self, _: &str) -> BoxFuture<'_, Vec<String>> {
        unreachable!("the served sandbox keeps no audit log: what counts writes runs in virtual time")
    }

    fn programs(&self) -> Option<&Programs> {
        Some(&self.programs)
    }
}

/// A process that ends with its scenario.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The folder of logs and credentials. It stays where a scenario fails.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sluice-scenario-{}-{number}", std::process::id()));
        // Another process of this number may have left one.
        let _ = std::fs::remove_dir_all(&path);
        DirBuilder::new().mode(0o700).create(&path).expect("a folder for temporary files");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the logs are in {}", self.0.display());
        } else {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
