//! The roles that every cluster has from the start, and who has them.

use serde_json::{Value, json};

use crate::state::State;
use crate::write::{self, Call};

/// Makes them.
pub fn furnish(state: &mut State) {
    let everything = json!([
        { "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] },
        { "nonResourceURLs": ["*"], "verbs": ["*"] },
    ]);
    let public = json!(["/healthz", "/livez", "/readyz", "/version", "/version/"]);
    let discovery = json!([
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
    ]);
    let own = json!([
        { "apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], "verbs": ["create"] },
        { "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"] },
    ]);
    let reading = |paths: Value| json!([{ "nonResourceURLs": paths, "verbs": ["get"] }]);
    role(state, "cluster-admin", &everything, &["system:masters"]);
    role(state, "system:basic-user", &own, &["system:authenticated"]);
    role(state, "system:discovery", &reading(discovery), &["system:authenticated"]);
    let everybody = ["system:authenticated", "system:unauthenticated"];
    role(state, "system:public-info-viewer", &reading(public), &everybody);
}

/// A role for the whole cluster, and its binding to groups.
fn role(state: &mut State, name: &str, rules: &Value, groups: &[&str]) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let metadata = json!({
        "name": name,
        "annotations": { "rbac.authorization.kubernetes.io/autoupdate": "true" },
        "labels": { "kubernetes.io/bootstrapping": "rbac-defaults" },
    });
    make(state, "clusterroles.rbac.authorization.k8s.io", json!({ "metadata": metadata, "rules": rules }));
    let subjects: Vec<Value> =
        groups.iter().map(|group| json!({ "apiGroup": GROUP, "kind": "Group", "name": group })).collect();
    let role = json!({ "apiGroup": GROUP, "kind": "ClusterRole", "name": name });
    let binding = json!({ "metadata": metadata, "roleRef": role, "subjects": subjects });
    make(state, "clusterrolebindings.rbac.authorization.k8s.io", binding);
}

fn make(state: &mut State, key: &str, object: Value) {
    let resource = state.registry.known(key);
    if let Err(refusal) = write::create(state, &Call::new(&resource, "", "kube-apiserver"), object) {
        unreachable!("the sandbox's own objects are valid: {}", refusal.message);
    }
}
