//! Which plugins there are to be: the ConfigMap `argo-rollouts-config` in the controller's namespace, read again when it changes.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use k8s_openapi::api::core::v1::{ConfigMap, ObjectReference};
use kube::api::Api;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch_objects};
use kube::{Client, ResourceExt as _};
use sluice_core::api::GATEWAY_API_PLUGIN;
use sluice_core::event::Note;
use sluice_plugin::Kind;
use sluice_plugin_host::{Lookup, Registry, Standing};

use super::{Beat, Unknown};
use crate::controller::tell::Telling;

/// The ConfigMap's name: Argo Rollouts' own.
const NAME: &str = "argo-rollouts-config";

/// Where the controller itself is.
#[derive(Clone)]
pub struct Home {
    /// For the watch.
    pub client: Client,
    /// Its namespace.
    pub namespace: String,
}

/// Keeps as many plugins running as the ConfigMap lists, whenever this replica leads: two controllers would write at the same time.
pub async fn keep(home: Home, beat: Beat) {
    let mut leading = beat.context.leading.clone();
    while leading.wait_for(|leading| *leading).await.is_ok() {
        tokio::select! {
            () = follow(&home, &beat) => {}
            ended = leading.wait_for(|leading| !*leading) => if ended.is_err() { return },
        }
        let plugins = &beat.context.plugins;
        plugins.stop().await;
        plugins.set_known(Err(Unknown::NotYet));
        plugins.steps.clear();
    }
}

/// Follows the ConfigMap.
async fn follow(home: &Home, beat: &Beat) {
    let api: Api<ConfigMap> = Api::namespaced(home.client.clone(), &home.namespace);
    let config = watcher::Config::default().fields(&format!("metadata.name={NAME}"));
    let mut events = std::pin::pin!(watch_objects(api, config).default_backoff());
    let mut known = Registry::default();
    let mut listed = None;
    let mut watched: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            Some(()) = watched.next() => continue,
        };
        let map = match event {
            None => return,
            Some(Err(error)) => {
                unreadable(beat, home, &error);
                continue;
            }
            Some(Ok(Event::Init)) => {
                listed = None;
                continue;
            }
            Some(Ok(Event::InitApply(map))) => {
                listed = Some(map);
                continue;
            }
            Some(Ok(Event::InitDone)) => listed.take(),
            Some(Ok(Event::Apply(map))) => Some(map),
            Some(Ok(Event::Delete(_))) => None,
        };
        let mut next = read(beat, home, map.as_ref());
        // What cannot be read is left as it is.
        let kept = known.plugins.iter().filter(|((kind, _), _)| next.unreadable.contains_key(kind));
        let kept: Vec<_> = kept.map(|(key, entry)| (key.clone(), entry.clone())).collect();
        next.plugins.extend(kept);
        for (kind, name) in take(beat, &known, &next) {
            watched.push(Box::pin(watch(beat, kind, name)));
        }
        known = next;
    }
}

/// The plugins that a ConfigMap lists; what is wrong with it is told.
fn read(beat: &Beat, home: &Home, map: Option<&ConfigMap>) -> Registry {
    let nothing = BTreeMap::new();
    let data = map.and_then(|map| map.data.as_ref()).unwrap_or(&nothing);
    let registry = Registry::read(data, &[(Kind::TrafficRouter, GATEWAY_API_PLUGIN)]);
    let wrong = registry.plugins.iter().filter_map(|((kind, name), entry)| {
        entry.as_ref().err().map(|why| format!("plugin {name:?} of kind {kind} is left out: {why}"))
    });
    for what in registry.unreadable.values().chain(&registry.nameless).cloned().chain(wrong) {
        tracing::warn!(namespace = home.namespace, configmap = NAME, "{what}");
        let Some(map) = map else { continue };
        let about = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("ConfigMap".to_owned()),
            namespace: Some(home.namespace.clone()),
            name: Some(NAME.to_owned()),
            uid: map.uid(),
            resource_version: map.resource_version(),
            field_path: None,
        };
        let occasion = map.resource_version().unwrap_or_default();
        // The queue is only gone while the program stops.
        let _ = beat.context.telling.send(Telling { about, note: Note::invalid_plugin(&what), occasion });
    }
    registry
}

/// Has the host keep these plugins, and those who use one that has changed look again. Returns the plugins that are new.
fn take(beat: &Beat, before: &Registry, next: &Registry) -> Vec<(Kind, String)> {
    let plugins = &beat.context.plugins;
    plugins.host.apply(next);
    let first = plugins.set_known(Ok(()));
    let all: BTreeSet<_> = before.plugins.keys().chain(next.plugins.keys()).collect();
    let changed = |key: &&(Kind, String)| before.plugins.get(*key) != next.plugins.get(*key);
    let changed: Vec<_> = all.into_iter().filter(changed).cloned().collect();
    for (kind, name) in &changed {
        if *kind == Kind::TrafficRouter {
            plugins.routers.reset(name);
        }
        beat.context.metrics.plugin_gone(*kind, name);
        beat.touch_users(*kind, name);
    }
    if first {
        touch_all(beat);
    }
    changed
}

/// Has every Rollout that names a plugin looked at.
fn touch_all(beat: &Beat) {
    use crate::controller::names::Named;
    let names = beat.context.names();
    let routers = names.who_names_any(Named::Object(sluice_core::traffic::ROUTER_PLUGIN));
    let users: BTreeSet<_> = routers.into_iter().chain(names.who_names_any(Named::StepPlugin)).collect();
    drop(names);
    crate::controller::caches::touch_each(&beat.touch, &beat.rollouts, users);
}

/// Follows where a plugin stands, until it is another one.
async fn watch(beat: &Beat, kind: Kind, name: String) {
    let Lookup::Plugin(plugin) = beat.context.plugins.find(kind, &name) else { return };
    let mut standing = plugin.standing();
    loop {
        let now = standing.borrow_and_update().clone();
        if now == Standing::Stopped {
            return;
        }
        beat.context.metrics.plugin_stands(kind, &name, matches!(now, Standing::Ready(_)));
        match &now {
            Standing::Ready(about) => {
                beat.context.plugins.routers.ring(&name);
                tracing::info!(plugin = name, %kind, calls_itself = about.name, version = about.version, "ready");
            }
            Standing::Failing(why) => tracing::warn!(plugin = name, %kind, "cannot be called: {why}"),
            Standing::Starting | Standing::Stopped => {}
        }
        beat.touch_users(kind, &name);
        if standing.changed().await.is_err() {
            return;
        }
    }
}

fn unreadable(beat: &Beat, home: &Home, error: &watcher::Error) {
    let why = format!("cannot read the ConfigMap {}/{NAME}: {error}", home.namespace);
    tracing::warn!("{why}; without it there are no plugins");
    let plugins = &beat.context.plugins;
    // What is running goes on.
    if !plugins.are_known() {
        plugins.set_known(Err(Unknown::Unreadable(why)));
        touch_all(beat);
    }
}
