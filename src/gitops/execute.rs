//! Carrying out what a plan does.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use kube::ResourceExt as _;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use sluice_core::api::Application;
use sluice_core::gitops::hook::FINALIZER;
use sluice_core::gitops::key::Key;
use sluice_core::gitops::snapshot::{Effect, How, Outcome, Write};

use super::Gitops;

/// Effects of one rank that are carried out at the same time.
const TOGETHER: usize = 10;

/// Carries effects out, those of one rank together; after one that fails, later ranks are not begun.
pub async fn execute(cx: &Gitops, application: &Application, effects: Vec<Effect>) -> Vec<Outcome> {
    let mut told = Vec::new();
    let mut ranks: BTreeMap<usize, Vec<Effect>> = BTreeMap::new();
    for effect in effects {
        let rank = match &effect {
            Effect::Namespace { .. } => 0,
            Effect::Apply { rank, .. } | Effect::Hook { rank, .. } => 1 + rank,
            // What is to be done once is known to be done before its traces go.
            Effect::Release { .. } => usize::MAX - 1,
            Effect::Delete { .. } | Effect::LetGo { .. } => usize::MAX,
        };
        ranks.entry(rank).or_default().push(effect);
    }
    for effects in ranks.into_values() {
        let all = futures::stream::iter(effects.into_iter().map(|effect| one(cx, application, effect)));
        let outcomes: Vec<Option<Outcome>> = all.buffer_unordered(TOGETHER).collect().await;
        let mut outcomes: Vec<Outcome> = outcomes.into_iter().flatten().collect();
        outcomes.sort_by(|a, b| a.key.cmp(&b.key));
        let has_failed = outcomes.iter().any(|outcome| outcome.result.is_err());
        told.extend(outcomes);
        if has_failed {
            break;
        }
    }
    told
}

async fn one(cx: &Gitops, application: &Application, effect: Effect) -> Option<Outcome> {
    let cluster = &cx.cluster;
    Some(match effect {
        Effect::Namespace { name, metadata } => {
            let result = cluster.namespace(&name, &metadata).await;
            Outcome { key: Key { kind: "Namespace".to_owned(), name, ..Key::default() }, write: Write::Applied, result }
        }
        Effect::Apply { manifest, how, .. } => {
            let result = cluster.apply(&manifest, how).await.transpose()?;
            Outcome { key: manifest.key, write: Write::Applied, result }
        }
        Effect::Hook { phase, manifest, .. } => {
            let result = cluster.apply(&manifest, How::default()).await.transpose()?;
            Outcome { key: manifest.key, write: Write::Begun(phase), result }
        }
        Effect::Delete { key, version, uid, resource_version, propagation, is_prune } => {
            let seen = (uid.as_str(), resource_version.as_str());
            let write = if is_prune { Write::Pruned } else { Write::Tidied };
            // One that has changed since is looked at once more before anything is done about it.
            let result = cluster.delete(&key, &version, seen, propagation).await.transpose()?;
            Outcome { key, write, result }
        }
        Effect::LetGo { key, version, uid } => {
            let result = cluster.let_go(&key, &version, &uid, FINALIZER).await;
            Outcome { key, write: Write::Tidied, result: result.map(|()| String::new()) }
        }
        Effect::Release { finalizer } => {
            let result = release(cx, application, &finalizer).await;
            let key = Key { kind: "Application".to_owned(), name: application.name_any(), ..Key::default() };
            Outcome { key, write: Write::Tidied, result: result.map(|()| String::new()) }
        }
    })
}

/// Takes the finalizer away, if the others are still those that were seen.
async fn release(cx: &Gitops, application: &Application, finalizer: &str) -> Result<(), String> {
    let metadata = &application.metadata;
    let (namespace, name) =
        (metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default());
    let finalizers = application.metadata.finalizers.clone().unwrap_or_default();
    let left: Vec<&String> = finalizers.iter().filter(|name| *name != finalizer).collect();
    let body = json!({ "metadata": { "resourceVersion": application.metadata.resource_version, "finalizers": left } });
    let api: Api<Application> = Api::namespaced(cx.writes.clone(), namespace);
    match api.patch(name, &PatchParams::default(), &Patch::Merge(body)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("cannot take the finalizer {finalizer} away: {error}")),
    }
}
