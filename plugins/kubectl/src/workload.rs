//! The workload that a rollout takes its template from: which generation of it the rollout has to have seen.
//!
//! The rollout's own annotation lags behind it: right after `set image` nothing in the rollout says that there is something new.

use kube::api::{Api, ApiResource, DynamicObject};
use sluice_core::act::template::Home;
use sluice_core::api::Rollout;

use crate::client::Session;
use crate::problem::chain;
use crate::term;

/// The generation of the workload that `rollout` refers to; `None` where there is none, or it cannot be read, which is said.
pub async fn generation(rollout: &Rollout, session: &Session) -> Option<i64> {
    let Home::Workload { kind, name } = Home::of(rollout) else { return None };
    let api: Api<DynamicObject> =
        Api::namespaced_with(session.client.clone(), &session.namespace, &ApiResource::from_gvk(&kind));
    match api.get_metadata(&name).await {
        Ok(workload) => workload.metadata.generation,
        Err(error) => {
            let what = format!("{} '{name}'", kind.kind);
            let why = chain(&error);
            term::note(&format!(
                "{what} cannot be read ({why}): a change of it counts once the controller has seen it"
            ));
            None
        }
    }
}
