//! What a look at one Application reads once, where the controller watches: no watch is left open, and whoever asks may be allowed less
//! than the controller.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::ApiResource;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::Event;
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use sluice_core::api::Application;
use tokio::sync::watch;

use super::cluster::{Cluster, plural};
use super::projects::{self, Projects};
use super::repository::SECRET_TYPE;
use super::{CONFIGS, Gitops, Inputs, Programs, Settings, assemble};
use crate::clock::Clock;
use crate::metrics::Metrics;

/// Objects of one answer.
const PAGE: u32 = 500;

/// The namespaces in which objects are looked for by one who may not look in all; and what could not be looked at.
#[derive(Debug, Default)]
pub struct Places {
    namespaces: Vec<String>,
    unlisted: Mutex<Vec<String>>,
}

impl Places {
    /// The namespaces that an Application is about.
    fn of(application: &Application) -> Places {
        let had = application.status().resources.iter().map(|it| it.namespace.clone());
        let all = had.chain([application.spec.destination.namespace.clone()]);
        let mut namespaces: Vec<String> = all.filter(|namespace| !namespace.is_empty()).collect();
        namespaces.sort();
        namespaces.dedup();
        Places { namespaces, unlisted: Mutex::default() }
    }

    /// What could not be looked at: a sentence each.
    pub fn unlisted(&self) -> Vec<String> {
        self.unlisted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, what: String) {
        self.unlisted.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }
}

/// All objects of a kind, listed when they are asked for the first time.
pub struct Listing {
    client: Client,
    places: Arc<Places>,
    /// There until they are listed.
    writer: tokio::sync::Mutex<Option<Writer<DynamicObject>>>,
}

impl Listing {
    /// Nothing yet.
    pub fn new(client: Client, places: Arc<Places>, writer: Writer<DynamicObject>) -> Listing {
        Listing { client, places, writer: tokio::sync::Mutex::new(Some(writer)) }
    }

    /// Lists them, unless they are listed already. What may not be listed is noted, and counts as not there.
    pub async fn fill(&self, resource: &ApiResource, is_namespaced: bool) -> Result<(), String> {
        let mut writer = self.writer.lock().await;
        if let Some(filling) = writer.as_mut() {
            fill(filling, self.all(resource, is_namespaced).await?);
            *writer = None;
        }
        Ok(())
    }

    async fn all(&self, resource: &ApiResource, is_namespaced: bool) -> Result<Vec<DynamicObject>, String> {
        let refused = |error: kube::Error| format!("cannot list {}: {error}", plural(resource));
        let params = ListParams::default();
        match every(&Api::all_with(self.client.clone(), resource), &params).await.map_err(refused)? {
            Some(found) => return Ok(found),
            None if !is_namespaced => {
                self.places.note(format!("you may not list {}: what would go of them is not known", plural(resource)));
                return Ok(Vec::new());
            }
            None => {}
        }
        let mut all = Vec::new();
        for namespace in &self.places.namespaces {
            let api = Api::namespaced_with(self.client.clone(), namespace, resource);
            match every(&api, &params).await.map_err(refused)? {
                Some(found) => all.extend(found),
                None => self.places.note(format!(
                    "you may not list {} in namespace {namespace}: what would go of them is not known",
                    plural(resource)
                )),
            }
        }
        Ok(all)
    }
}

/// Puts objects into a cache, as all that there are.
pub fn fill<K>(writer: &mut Writer<K>, objects: impl IntoIterator<Item = K>)
where
    K: reflector::Lookup + Clone + 'static,
    K::DynamicType: Eq + std::hash::Hash + Clone,
{
    writer.apply_watcher_event(&Event::Init);
    for object in objects {
        writer.apply_watcher_event(&Event::InitApply(object));
    }
    writer.apply_watcher_event(&Event::InitDone);
}

/// A cache of what was read.
fn store<K>(objects: impl IntoIterator<Item = K>) -> Store<K>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let (store, mut writer) = reflector::store();
    fill(&mut writer, objects);
    store
}

/// Everything of a list, page by page; nothing where it may not be listed.
async fn every<K>(api: &Api<K>, params: &ListParams) -> Result<Option<Vec<K>>, kube::Error>
where
    K: Clone + DeserializeOwned + Debug,
{
    let (mut all, mut params) = (Vec::new(), params.clone().limit(PAGE));
    loop {
        let page = match api.list(&params).await {
            Ok(page) => page,
            Err(kube::Error::Api(status)) if status.code == 403 => return Ok(None),
            Err(error) => return Err(error),
        };
        all.extend(page.items);
        match page.metadata.continue_.filter(|next| !next.is_empty()) {
            Some(next) => params = params.continue_token(&next),
            None => return Ok(Some(all)),
        }
    }
}

/// What is shared by all that is done for one Application.
pub struct Once {
    /// What renders and compares.
    pub cx: Gitops,
    /// Where objects are looked for.
    pub places: Arc<Places>,
    /// What may not be read of what says how repositories are reached.
    pub unread: Vec<&'static str>,
    /// Whether its project may be read.
    pub is_project_known: bool,
}

impl Once {
    /// Reads what the controller has in its caches, as far as it is about an Application.
    ///
    /// # Errors
    /// What cannot be read, other than for want of permission.
    pub async fn read(client: &Client, application: &Application, settings: &Settings) -> Result<Once, String> {
        let home = &settings.home;
        let mut unread = Vec::new();
        let typed = ListParams::default().labels(SECRET_TYPE);
        let secrets = every::<Secret>(&Api::namespaced(client.clone(), home), &typed).await;
        let secrets = secrets.map_err(|error| format!("cannot list the Secrets of repositories in {home}: {error}"))?;
        let labelled = ListParams::default().labels(CONFIGS);
        let configs = every::<ConfigMap>(&Api::namespaced(client.clone(), home), &labelled).await;
        let configs =
            configs.map_err(|error| format!("cannot list the ConfigMaps of Git servers in {home}: {error}"))?;
        unread.extend(secrets.is_none().then_some("Secrets"));
        unread.extend(configs.is_none().then_some("ConfigMaps"));
        let (projects, is_project_known) = project(client, home, application.spec.project()).await?;
        let places = Arc::new(Places::of(application));
        let (_, leading) = watch::channel(false);
        let applications = store([application.clone()]);
        let inputs = Inputs {
            metrics: Metrics::new().applications(applications.clone()),
            applications,
            secrets: store(secrets.unwrap_or_default()),
            configs: store(configs.unwrap_or_default()),
            shared_secret: store([]),
            projects,
            cluster: Cluster::once(client.clone(), Arc::clone(&places)),
            leading,
        };
        let cx = assemble(client.clone(), settings, Clock::System, inputs);
        Ok(Once { cx, places, unread, is_project_known })
    }
}

/// The project of an Application, and whether it may be read.
async fn project(client: &Client, home: &str, name: &str) -> Result<(Projects, bool), String> {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), home, &projects::resource());
    match api.get_opt(name).await {
        Ok(found) => Ok((Projects::read(home, found), true)),
        // Where there is no such kind, there is none of them either.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok((Projects::read(home, None), true)),
        Err(kube::Error::Api(status)) if status.code == 403 => Ok((Projects::hidden(home), false)),
        Err(error) => Err(format!("cannot read AppProject {home}/{name}: {error}")),
    }
}

/// How the GitOps core works for one look.
pub fn settings(home: &str, folder: &std::path::Path, programs: Programs) -> Settings {
    Settings {
        home: home.to_owned(),
        namespace: None,
        folder: folder.to_owned(),
        poll: Duration::ZERO,
        jitter: Duration::ZERO,
        programs,
    }
}
