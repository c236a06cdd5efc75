//! Running the controller: what it costs, how it stops, and what happens when it is killed.

use std::process::Child;
use std::time::Duration;

use jiff::SignedDuration;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::Api;
use serde_json::json;
use sluice_core::api::labels;

use crate::programs::{self, HOME};
use crate::scenario::{Scenario, Subject, rollout, with};

crate::scenarios! {
    an_update_costs_at_most_twelve_writes,
    an_idle_controller_writes_nothing;
    with_processes:
    a_controller_killed_at_any_moment_comes_to_the_same_end,
    a_controller_that_stops_gives_its_lease_back_and_the_next_one_acts_at_once,
    a_second_controller_elsewhere_refuses_to_start,
    a_controller_without_permissions_says_which,
}

const STEPS: &str =
    r#"[{"setWeight": 50}, {"pause": {"duration": "2s"}}, {"setWeight": 80}, {"pause": {"duration": "1s"}}]"#;

fn steps() -> serde_json::Value {
    serde_json::from_str(STEPS).expect("JSON")
}

async fn an_update_costs_at_most_twelve_writes(s: Scenario) {
    let web = s.deploy(rollout(2, steps())).await;
    s.sleep(2).await;
    let before = s.cluster.writes(&s.namespace).await.len();
    web.set_image("web:2").await;
    web.until_healthy().await;
    s.sleep(3).await;
    let writes = s.cluster.writes(&s.namespace).await.split_off(before);
    println!("{} writes for an update of four steps", writes.len());
    assert!(writes.len() <= 12, "{} writes: {writes:#?}", writes.len());
    assert!(writes.len() >= 11, "an update needs 11 writes, but the audit log has {}: {writes:#?}", writes.len());
}

async fn an_idle_controller_writes_nothing(s: Scenario) {
    s.deploy(rollout(2, steps())).await;
    s.sleep(3).await;
    let before = s.cluster.writes(&s.namespace).await;
    s.sleep(8).await;
    assert_eq!(s.cluster.writes(&s.namespace).await, before);
}

/// A controller of its own, which acts on Rollouts with its instance id alone.
struct Own {
    s: Scenario,
    id: &'static str,
    kubeconfig: String,
    runs: usize,
    process: Option<Child>,
}

impl Own {
    async fn new(s: &Scenario, id: &'static str) -> Own {
        let kubeconfig = s.programs().kubeconfig_of(&s.client(), "sluice").await.display().to_string();
        Own { s: s.clone(), id, kubeconfig, runs: 0, process: None }
    }

    fn start(&mut self) {
        self.runs += 1;
        let arguments = ["--kubeconfig", &self.kubeconfig, "--namespace", HOME, "--instance-id", self.id];
        // A killed controller cannot give its lease back, so its successor should not have to wait for long.
        let short = ["--leader-election-lease-duration", "1s", "--leader-election-renew-deadline", "800ms"];
        let retry = ["--leader-election-retry-period", "100ms"];
        let arguments = [&arguments[..], &short, &retry].concat();
        self.process = Some(self.s.programs().controller(&arguments, &format!("{}-{}", self.id, self.runs)));
    }

    fn signal(&mut self, signal: &str) {
        let mut process = self.process.take().expect("it runs");
        programs::signal(&process, signal);
        process.wait().expect("it ends");
    }

    fn manifest(&self, replicas: i32) -> serde_json::Value {
        with(rollout(replicas, steps()), "/metadata/labels", json!({ labels::INSTANCE_ID: self.id }))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// What an update leaves behind, uids and times aside.
async fn end_of(web: &Subject) -> Vec<(String, i32, i64)> {
    let sets = web.replica_sets().await;
    sets.iter().map(|rs| (rs.name().to_owned(), rs.wanted(), rs.revision())).collect()
}

async fn a_controller_killed_at_any_moment_comes_to_the_same_end(s: Scenario) {
    let mut own = Own::new(&s, "killed").await;
    own.start();
    let web = s.deploy(own.manifest(2)).await;
    let mut moments = Moments::new();
    let mut previous = 1;
    for update in 2..=6 {
        web.set_image(&format!("web:{update}")).await;
        for _ in 0..4 {
            s.cluster.sleep(moments.next()).await;
            own.signal("KILL");
            own.start();
        }
        let done = web.until_healthy().await;
        let end = end_of(&web).await;
        let newest = end.last().expect("ReplicaSets");
        assert_eq!(end.len(), update, "one ReplicaSet a revision: {end:?}");
        assert_eq!((newest.1, newest.2), (2, previous + 1), "{end:?}");
        assert!(end[..end.len() - 1].iter().all(|(_, size, _)| *size == 0), "{end:?}");
        assert_eq!(done.status().current_step_index, Some(4));
        previous = newest.2;
    }
    let completed = s.events().await.iter().filter(|event| event.starts_with("RolloutCompleted")).count();
    assert!(completed <= 6, "an event is told at most once, not {completed} times");
}

/// Moments between 0 and 1.5 seconds, the same in every run, so that a failure can be looked at again.
struct Moments(u64);

impl Moments {
    fn new() -> Moments {
        Moments(0x5EED)
    }

    fn next(&mut self) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((self.0 >> 33) % 1500)
    }
}

async fn a_controller_that_stops_gives_its_lease_back_and_the_next_one_acts_at_once(s: Scenario) {
    let mut own = Own::new(&s, "stopped").await;
    own.start();
    let web = s.deploy(own.manifest(1)).await;
    own.signal("TERM");
    let leases: Api<Lease> = Api::namespaced(s.client(), HOME);
    let lease = leases.get("argo-rollouts-controller-lock-stopped").await.expect("the lease");
    assert_eq!(lease.spec.and_then(|spec| spec.holder_identity).as_deref(), Some(""));
    web.set_image("web:2").await;
    let begun = s.cluster.now();
    own.start();
    s.eventually("a second ReplicaSet", async || match web.replica_sets().await.len() {
        2 => Ok(()),
        other => Err(format!("{other} ReplicaSets")),
    })
    .await;
    let waited = s.cluster.now().duration_since(begun);
    println!("{waited:#} from the start of the process to its first ReplicaSet");
    assert!(waited < SignedDuration::from_secs(20), "it took {waited:#}");
}

async fn a_second_controller_elsewhere_refuses_to_start(s: Scenario) {
    let mut own = Own::new(&s, "alone").await;
    own.start();
    s.deploy(own.manifest(1)).await;
    let arguments = ["--namespace", &s.namespace, "--instance-id", "alone"];
    let mut second = s.programs().controller(&arguments, "elsewhere");
    let status = s
        .eventually("the second one ended", async || second.try_wait().expect("a child").ok_or("it runs".to_owned()))
        .await;
    assert!(!status.success());
    let log = std::fs::read_to_string(s.programs().log("elsewhere")).expect("a log");
    assert!(
        log.contains("another controller holds the live lease argo-rollouts/argo-rollouts-controller-lock-alone"),
        "{log}"
    );
}

async fn a_controller_without_permissions_says_which(s: Scenario) {
    s.programs().kubectl(&["-n", HOME, "create", "serviceaccount", "nobody"]);
    let kubeconfig = s.programs().kubeconfig_of(&s.client(), "nobody").await.display().to_string();
    let mut process = s.programs().controller(&["--kubeconfig", &kubeconfig, "--namespace", &s.namespace], "nobody");
    let status =
        s.eventually("it ended", async || process.try_wait().expect("a child").ok_or("it runs".to_owned())).await;
    assert!(!status.success());
    let log = std::fs::read_to_string(s.programs().log("nobody")).expect("a log");
    assert!(
        log.contains(
            "lacks permissions in all namespaces: get rollouts, list rollouts, watch rollouts, patch rollouts"
        ),
        "{log}"
    );
}
