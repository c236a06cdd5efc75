//! What the ReplicaSet controller and the nodes do in a [`World`].

use jiff::Timestamp;
use sluice_core::api::{ReplicaSet, ReplicaSetStatus};
use sluice_core::effect::Target;
use sluice_core::snapshot::Pod;

use crate::world::{World, texts};

impl World {
    /// What the ReplicaSet controller and the nodes do. Says whether anything moved.
    pub fn run_replica_sets(&mut self) -> bool {
        let mut moved = false;
        for rs in &mut self.replica_sets {
            let image = rs.spec.template["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
            let wanted = rs.wanted();
            let serving = if self.broken.contains(image) { 0 } else { wanted };
            moved |= report(rs, serving);
            moved |= run_pods(&mut self.pods, rs, &mut self.serial, self.now);
        }
        let available: i32 = self.replica_sets.iter().map(|rs| rs.observed().available_replicas).sum();
        self.fewest_available = self.fewest_available.min(available);
        self.most_pods = self.most_pods.max(self.replica_sets.iter().map(ReplicaSet::wanted).sum());
        moved
    }

    /// So many pods of a revision are ready and available for now.
    pub fn report_available(&mut self, image: &str, available: i32) {
        let of = |rs: &&mut ReplicaSet| rs.spec.template["spec"]["containers"][0]["image"] == image;
        for status in self.replica_sets.iter_mut().filter(of).filter_map(|rs| rs.status.as_mut()) {
            (status.ready_replicas, status.available_replicas) = (available, available);
        }
    }
}

/// The ReplicaSet's controller reports, with this many of the pods available. Says whether that is news.
pub fn report(rs: &mut ReplicaSet, available: i32) -> bool {
    let status = Some(ReplicaSetStatus {
        replicas: rs.wanted(),
        ready_replicas: available,
        available_replicas: available,
        observed_generation: rs.metadata.generation,
        ..ReplicaSetStatus::default()
    });
    let news = rs.status != status;
    rs.status = status;
    news
}

/// Creates pods that are missing and removes those that are too many. Says whether there were any.
fn run_pods(pods: &mut Vec<Pod>, rs: &ReplicaSet, serial: &mut i64, now: Timestamp) -> bool {
    let is_own = |pod: &Pod| pod.replica_set_uid == rs.uid();
    let (wanted, there) = (usize::try_from(rs.wanted()).unwrap_or(0), pods.iter().filter(|pod| is_own(pod)).count());
    for _ in there..wanted {
        *serial += 1;
        let metadata = &rs.spec.template["metadata"];
        pods.push(Pod {
            target: Target {
                name: format!("pod-{serial}"),
                uid: format!("uid-{serial}"),
                resource_version: "1".into(),
            },
            replica_set_uid: rs.uid().to_owned(),
            created: now,
            deleting: false,
            labels: texts(&metadata["labels"]),
            annotations: texts(&metadata["annotations"]),
        });
    }
    for _ in wanted..there {
        let last = pods.iter().rposition(is_own).expect("one that is too many");
        pods.remove(last);
    }
    wanted != there
}
