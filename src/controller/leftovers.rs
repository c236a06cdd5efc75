//! Services that are left when their Rollout is deleted: they select by their own labels again, for whoever comes next.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service as KubeService;
use kube::api::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store};
use sluice_core::api::Rollout;
use sluice_core::plan::release_orphan;

use super::children::{Child as _, IndexedService};
use super::context::Context;
use super::execute::json_patch;
use super::object::Observed;

/// Time until a release that failed is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Lets go of Services whose Rollout is gone, each time that there may be one, until the task is stopped.
pub async fn release(context: Arc<Context>, rollouts: Store<Observed>) {
    context.filled.wait().await;
    loop {
        context.leftovers.notified().await;
        while *context.leading.borrow() && !release_all(&context, &rollouts).await {
            tokio::time::sleep(AGAIN).await;
        }
    }
}

/// Says whether none is left.
async fn release_all(context: &Context, rollouts: &Store<Observed>) -> bool {
    let orphans: Vec<Arc<IndexedService>> = {
        let index = context.services();
        let mut orphans: Vec<_> = index.all().filter(|indexed| is_orphan(indexed, rollouts)).map(Arc::clone).collect();
        orphans.sort_by_key(|orphan| orphan.key());
        orphans
    };
    let mut released = true;
    for orphan in &orphans {
        let (namespace, service) = (&orphan.namespace, &orphan.service);
        // The watches of Rollouts and of Services know nothing of each other: a Rollout may be there that is not cached yet.
        match has_rollout(context, orphan).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(namespace, service = service.target.name, %error, "cannot see whether its Rollout is gone");
                released = false;
                continue;
            }
        }
        let api: Api<PartialObjectMeta<KubeService>> = Api::namespaced(context.writes.clone(), namespace);
        let name = &service.target.name;
        match json_patch(&api, name, release_orphan(service).operations()).await {
            Ok(_) => tracing::info!(namespace, service = name, "let go, as its Rollout is gone"),
            // One that changed in the meantime comes back with its watch event.
            Err(kube::Error::Api(status)) if [404, 409, 422].contains(&status.code) => {}
            Err(error) => {
                tracing::warn!(namespace, service = name, %error, "cannot let go, although its Rollout is gone");
                released = false;
            }
        }
    }
    released
}

async fn has_rollout(context: &Context, orphan: &IndexedService) -> Result<bool, kube::Error> {
    let api: Api<Rollout> = Api::namespaced(context.writes.clone(), &orphan.namespace);
    let manager = orphan.service.managed_by.as_deref().unwrap_or_default();
    Ok(api.get_metadata_opt(manager).await?.is_some())
}

fn is_orphan(indexed: &IndexedService, rollouts: &Store<Observed>) -> bool {
    let manager = indexed.service.managed_by.as_deref();
    manager.is_some_and(|rollout| rollouts.get(&ObjectRef::new(rollout).within(&indexed.namespace)).is_none())
}
