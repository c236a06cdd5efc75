//! ResourceQuotas: what is used of what may be.

use serde_json::json;

use crate::object;
use crate::state::State;
use crate::write::{self, Call};

/// Looks at one.
pub fn look(state: &mut State, namespace: &str, name: &str) {
    let Some(quota) = state.store.get("resourcequotas", namespace, name).cloned() else { return };
    let hard = &quota["spec"]["hard"];
    let status = json!({ "hard": hard, "used": write::quota::used(state, namespace, hard) });
    if status == quota["status"] || object::is_deleting(&quota) {
        return;
    }
    let resource = state.registry.known("resourcequotas");
    let _ =
        write::update(state, &Call::new(&resource, namespace, "kube-controller-manager").status(), name, |current| {
            let mut new = current.clone();
            new["status"] = status;
            Ok(new)
        });
}
