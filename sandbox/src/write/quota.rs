//! Resource quotas: a namespace may hold so many objects and no more.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Call;
use crate::object;
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::state::State;
use crate::store::Store;

/// Refuses an object that would exceed a quota of its namespace.
pub fn check(state: &State, call: &Call<'_>, name: &str) -> Result<(), Refusal> {
    for quota in state.store.list("resourcequotas", Some(call.namespace)) {
        let hard = object::texts(&quota["status"]["hard"]);
        let counted = hard.iter().filter(|(what, _)| counts(what, call.resource));
        for (what, limit) in counted {
            let used = usage(&state.store, call.namespace, call.resource);
            let limit: u64 = limit.parse().unwrap_or(u64::MAX);
            if used + 1 > limit {
                let why = format!(
                    "exceeded quota: {}, requested: {what}=1, used: {what}={used}, limited: {what}={limit}",
                    object::name(quota)
                );
                return Err(Refusal::forbidden(call.resource, name, &why));
            }
        }
    }
    Ok(())
}

/// Whether a quota's entry counts objects of a resource: `pods`, `count/replicasets.apps`.
fn counts(what: &str, resource: &Resource) -> bool {
    let counted = what.strip_prefix("count/");
    counted == Some(&resource.key) || (counted.is_none() && *what == *resource.key && resource.group.is_empty())
}

/// What a namespace holds of each thing that a quota limits.
pub fn used(state: &State, namespace: &str, hard: &Value) -> BTreeMap<String, String> {
    let mut used = BTreeMap::new();
    for what in object::texts(hard).into_keys() {
        let counted = state.registry.iter().find(|resource| counts(&what, resource));
        if let Some(resource) = counted {
            let number = usage(&state.store, namespace, resource);
            used.insert(what, number.to_string());
        }
    }
    used
}

/// Objects that count: pods that have ended do not.
fn usage(store: &Store, namespace: &str, resource: &Resource) -> u64 {
    let ended = |object: &Value| {
        *resource.key == *"pods" && matches!(object["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
    };
    store.list(&resource.key, Some(namespace)).filter(|object| !ended(object)).count() as u64
}
