//! The volume with the token of its service account, which admission gives to a pod.

use serde_json::{Value, json};

use super::map;
use crate::object;
use crate::state::State;

const PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Adds the volume, unless the pod or its account does without.
pub fn mount(state: &mut State, namespace: &str, pod: &mut Value) {
    let account = pod["spec"]["serviceAccountName"].as_str().unwrap_or_default();
    let account = state.store.get("serviceaccounts", namespace, account);
    let asked = &pod["spec"]["automountServiceAccountToken"];
    let wanted = match account {
        Some(account) if asked.is_null() => &account["automountServiceAccountToken"],
        _ => asked,
    };
    if *wanted == false || object::annotation(pod, "kubernetes.io/config.mirror").is_some() {
        return;
    }
    let name = state.ids.name("kube-api-access-");
    let mut is_used = false;
    for list in ["initContainers", "containers"] {
        for container in map(pod, "spec").get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            is_used |= add_mount(container, &name);
        }
    }
    if is_used && let Value::Array(volumes) = map(pod, "spec").entry("volumes").or_insert_with(|| json!([])) {
        volumes.push(volume(&name));
    }
}

/// Mounts the volume where nothing else is mounted there.
fn add_mount(container: &mut Value, volume: &str) -> bool {
    let Some(container) = container.as_object_mut() else { return false };
    let Value::Array(mounts) = container.entry("volumeMounts").or_insert_with(|| json!([])) else { return false };
    let is_free = mounts.iter().all(|mount| mount["mountPath"] != PATH);
    if is_free {
        mounts.push(json!({ "name": volume, "readOnly": true, "mountPath": PATH }));
    }
    is_free
}

fn volume(name: &str) -> Value {
    let certificate = json!({ "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] });
    let namespace = json!({ "apiVersion": "v1", "fieldPath": "metadata.namespace" });
    json!({
        "name": name,
        "projected": {
            "defaultMode": 420,
            "sources": [
                { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
                { "configMap": certificate },
                { "downwardAPI": { "items": [{ "path": "namespace", "fieldRef": namespace }] } },
            ],
        },
    })
}
