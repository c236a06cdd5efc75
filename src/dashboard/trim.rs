//! What is left of an object that is kept for the pages: no more than they show. A controller's process holds it beside its own caches, and
//! a cluster has ten thousand pods.

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use kube::{Resource, ResourceExt as _};
use serde_json::{Value, json};
use sluice_core::api::ReplicaSet;

/// The whole object in the words of whoever applied it.
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// An object without what is twice in it.
pub fn any<K: Resource>(object: &mut K) {
    object.managed_fields_mut().clear();
    object.annotations_mut().remove(APPLIED);
}

/// A `ReplicaSet` with no more of its template than the images of its containers.
pub fn replica_set(rs: &mut ReplicaSet) {
    any(rs);
    let Some(spec) = rs.spec.template.get_mut("spec") else { return };
    let mut kept = json!({});
    for list in ["containers", "initContainers"] {
        let Some(containers) = spec[list].as_array() else { continue };
        let of = |container: &Value| json!({"name": container["name"], "image": container["image"]});
        kept[list] = containers.iter().map(of).collect();
    }
    *spec = kept;
}

/// A pod with its status, and of its specification no more than which containers there are.
pub fn pod(pod: &mut Pod) {
    any(pod);
    pod.annotations_mut().clear();
    let Some(spec) = pod.spec.take() else { return };
    let of = |container: Container| Container {
        name: container.name,
        restart_policy: container.restart_policy,
        ..Container::default()
    };
    pod.spec = Some(PodSpec {
        containers: spec.containers.into_iter().map(of).collect(),
        init_containers: spec.init_containers.map(|containers| containers.into_iter().map(of).collect()),
        ..PodSpec::default()
    });
}

#[cfg(test)]
mod tests {
    use sluice_core::info::pod::PodInfo;
    use sluice_core::info::replica_set::ReplicaSetInfo;

    use super::*;

    fn now() -> jiff::Timestamp {
        "2026-01-01T00:10:00Z".parse().expect("a time")
    }

    #[test]
    fn a_pod_without_what_no_page_shows_reads_the_same_and_is_small() {
        let long = "x".repeat(5_000);
        let whole = json!({
            "metadata": {
                "name": "web-1", "creationTimestamp": "2026-01-01T00:00:00Z",
                "annotations": {"example.com/long": long}, "managedFields": [{"manager": long}],
            },
            "spec": {
                "nodeName": "node-1", "volumes": [{"name": long}],
                "initContainers": [
                    {"name": "proxy", "restartPolicy": "Always", "env": [{"name": "LONG", "value": long}]}, {"name": "schema"},
                ],
                "containers": [{"name": "web", "image": "web:1", "args": [long]}],
            },
            "status": {
                "phase": "Running",
                "initContainerStatuses": [
                    {"name": "proxy", "ready": true, "started": true, "image": "", "imageID": "", "restartCount": 0},
                    {"name": "schema", "ready": false, "image": "", "imageID": "", "restartCount": 2},
                ],
                "containerStatuses": [{"name": "web", "ready": true, "image": "web:1", "imageID": "", "restartCount": 1}],
            },
        });
        let whole: Pod = serde_json::from_value(whole).expect("a pod");
        let mut trimmed = whole.clone();
        pod(&mut trimmed);
        assert_eq!(format!("{:?}", PodInfo::of(&trimmed, now())), format!("{:?}", PodInfo::of(&whole, now())));
        let size = serde_json::to_string(&trimmed).expect("JSON").len();
        assert!(size < 1_000, "{size} bytes");
    }

    #[test]
    fn a_replica_set_without_what_no_page_shows_reads_the_same_and_is_small() {
        let long = "x".repeat(5_000);
        let containers = json!([{"name": "web", "image": "web:1", "env": [{"name": "LONG", "value": long}]}]);
        let whole = json!({
            "metadata": {"name": "web-abc", "annotations": {(APPLIED): long, "rollout.argoproj.io/revision": "2"}},
            "spec": {"replicas": 2, "template": {
                "metadata": {"annotations": {"kubernetes.io/change-cause": "a fix"}},
                "spec": {"containers": containers, "volumes": [{"name": long}]},
            }},
        });
        let whole: ReplicaSet = serde_json::from_value(whole).expect("a ReplicaSet");
        let mut trimmed = whole.clone();
        replica_set(&mut trimmed);
        let info = |rs: &ReplicaSet| format!("{:?}", ReplicaSetInfo::of(rs, Vec::new(), &[], now()));
        assert_eq!(info(&trimmed), info(&whole));
        assert_eq!(trimmed.spec.template["metadata"], whole.spec.template["metadata"]);
        assert_eq!(trimmed.revision(), 2);
        let size = serde_json::to_string(&trimmed).expect("JSON").len();
        assert!(size < 1_000, "{size} bytes");
    }
}
