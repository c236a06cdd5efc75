//! What a cluster has from the start: the system's namespaces and its nodes.

use serde_json::{Value, json};

use crate::object;
use crate::state::State;
use crate::write::{self, Call};

/// How many nodes there are, each in a zone of its own.
const NODES: u8 = 3;

/// Makes them.
pub fn furnish(state: &mut State) {
    for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        make(state, "namespaces", json!({ "metadata": { "name": name } }));
    }
    for number in 1..=NODES {
        let node = node(state, number);
        make(state, "nodes", node);
    }
}

fn make(state: &mut State, key: &str, object: Value) {
    let resource = state.registry.known(key);
    if let Err(refusal) = write::create(state, &Call::new(&resource, "", "kube-apiserver"), object) {
        unreachable!("the sandbox's own objects are valid: {}", refusal.message);
    }
}

fn node(state: &State, number: u8) -> Value {
    let name = format!("node-{number}");
    let now = object::time(state.now);
    let condition = |kind: &str, status: &str, reason: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": "",
            "lastHeartbeatTime": now, "lastTransitionTime": now,
        })
    };
    let room = json!({ "cpu": "1k", "memory": "4Ti", "ephemeral-storage": "4Ti", "pods": "4k" });
    json!({
        "metadata": { "name": name, "labels": {
            "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
            "topology.kubernetes.io/zone": format!("zone-{number}"), "topology.kubernetes.io/region": "region-1",
        } },
        "spec": {},
        "status": {
            "conditions": [
                condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
                condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
                condition("PIDPressure", "False", "KubeletHasSufficientPID"),
                condition("Ready", "True", "KubeletReady"),
            ],
            "addresses": [
                { "type": "InternalIP", "address": format!("10.200.0.{}", 10 + number) },
                { "type": "Hostname", "address": name },
            ],
            "capacity": room, "allocatable": room,
            "nodeInfo": {
                "kubeletVersion": "v1.34.2", "osImage": "sandbox", "operatingSystem": "linux", "architecture": "amd64",
                "containerRuntimeVersion": "sandbox://1", "kernelVersion": "", "machineID": "", "systemUUID": "",
                "bootID": "", "kubeProxyVersion": "",
            },
        },
    })
}
