//! What the admission plugins of every cluster add to a pod: its account, its priority and the usual tolerations.

use serde_json::{Value, json};

use crate::read::{items, text};

/// How long a pod stays on a node that is gone, unless it says otherwise.
const TOLERATION_SECONDS: i64 = 300;
const NODE_TAINTS: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
/// The priority classes that every cluster has.
const SYSTEM_PRIORITIES: [(&str, i64); 2] =
    [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)];

/// Adds to the spec of a pod. The volume with the account's token is left out: it only serves who runs containers.
pub(super) fn admit(spec: &mut Value) {
    let tolerations = with_usual_tolerations(items(spec, "tolerations"));
    let class = text(spec, "priorityClassName");
    let priority = SYSTEM_PRIORITIES.iter().find(|(name, _)| *name == class).map_or(0, |(_, priority)| *priority);
    let Some(spec) = spec.as_object_mut() else { return };
    spec.insert("tolerations".to_owned(), tolerations);
    let mut add = |field: &str, value: Value| {
        let field = spec.entry(field).or_insert(Value::Null);
        if field.is_null() {
            *field = value;
        }
    };
    add("serviceAccountName", json!("default"));
    add("serviceAccount", json!("default"));
    add("priority", json!(priority));
    add("preemptionPolicy", json!("PreemptLowerPriority"));
}

fn with_usual_tolerations(tolerations: &[Value]) -> Value {
    let tolerated = |taint: &str| {
        tolerations.iter().any(|toleration| {
            let key = text(toleration, "key");
            (key.is_empty() || key == taint) && matches!(text(toleration, "effect"), "" | "NoExecute")
        })
    };
    let usual = NODE_TAINTS.iter().filter(|taint| !tolerated(taint)).map(|taint| {
        json!({ "key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_SECONDS })
    });
    tolerations.iter().cloned().chain(usual).collect()
}
