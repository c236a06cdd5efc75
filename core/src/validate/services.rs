//! The Services that a manifest names: each must be there, be free, and select these pods.

use serde_json::Value;

use super::Problem;
use crate::api::labels;
use crate::snapshot::{Service, Snapshot};
use crate::strategy::Strategy;

/// The first Service that the rollout cannot work with. The words are those of Argo Rollouts.
pub(super) fn check(snapshot: &Snapshot, strategy: Strategy<'_>) -> Result<(), Problem> {
    for (field, name) in strategy.services() {
        let Some(service) = snapshot.service(name) else {
            return Err(Problem::invalid(field, &name, &format!("service \"{name}\" not found")));
        };
        check_one(snapshot, field, service)?;
    }
    Ok(())
}

fn check_one(snapshot: &Snapshot, field: &str, service: &Service) -> Result<(), Problem> {
    let name = &service.target.name;
    let own = snapshot.rollout.metadata.name.as_deref();
    if service.managed_by.as_deref().is_some_and(|manager| Some(manager) != own) {
        return Err(Problem::invalid(field, name, &format!("Service \"{name}\" is managed by another Rollout")));
    }
    let template = snapshot.template().and_then(|template| template.pointer("/metadata/labels"));
    let label = |key: &str| template.and_then(|labels| labels.get(key)).and_then(Value::as_str);
    let mut selected = service.selector.iter().filter(|(key, _)| *key != labels::POD_TEMPLATE_HASH);
    match selected.find(|(key, value)| label(key) != Some(value.as_str())) {
        Some((key, _)) => {
            Err(Problem::invalid(field, name, &format!("Service \"{name}\" has unmatch label \"{key}\" in rollout")))
        }
        None => Ok(()),
    }
}
