//! The AppProjects of the controller's namespace, as the API server has them now.

use std::time::Duration;

use futures::StreamExt as _;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::reflector::{ObjectRef, Store, store::Writer};
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, ResourceExt as _};
use sluice_core::gitops::project::Project;
use tokio::sync::{mpsc, watch};

use super::Touched;
use super::once::fill;
use super::watched::{FIRST, is_filled};

/// Time until it is looked again whether there are projects at all.
const AGAIN: Duration = Duration::from_secs(30);

/// The projects.
pub struct Projects {
    namespace: String,
    resource: ApiResource,
    objects: Store<DynamicObject>,
    known: watch::Receiver<Known>,
}

/// What is known of projects in general.
#[derive(Clone, Debug, PartialEq)]
enum Known {
    /// Nothing yet.
    Nothing,
    /// The cluster has no such kind.
    NoKind,
    /// They may not be read: why.
    Refused(String),
    /// They may not be read by whoever only looks, and hold nobody.
    Hidden,
    /// They are watched.
    Watched,
}

impl Projects {
    /// Watches the projects of a namespace.
    pub fn new(client: &Client, namespace: &str, touched: mpsc::UnboundedSender<Touched>) -> Projects {
        let resource = resource();
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
        let writer = Writer::<DynamicObject>::new(resource.clone());
        let objects = writer.as_reader();
        let (know, known) = watch::channel(Known::Nothing);
        tokio::spawn(follow(api, writer, know, touched));
        Projects { namespace: namespace.to_owned(), resource, objects, known }
    }

    /// Those that have been read, which are all that there are.
    pub fn read(namespace: &str, found: impl IntoIterator<Item = DynamicObject>) -> Projects {
        let resource = resource();
        let mut writer = Writer::<DynamicObject>::new(resource.clone());
        let objects = writer.as_reader();
        fill(&mut writer, found);
        let (_, known) = watch::channel(Known::Watched);
        Projects { namespace: namespace.to_owned(), resource, objects, known }
    }

    /// Those of somebody who only looks, and may not read them: they permit everything.
    pub fn hidden(namespace: &str) -> Projects {
        let projects = Projects::read(namespace, None);
        let (_, known) = watch::channel(Known::Hidden);
        Projects { known, ..projects }
    }

    /// A project; or why it is of no use. Where nobody has made one, `default` permits everything.
    ///
    /// # Errors
    /// That it is not known at the moment.
    pub async fn of(&self, name: &str) -> Result<Result<Project, String>, String> {
        let namespace = &self.namespace;
        let late = |what: &str| format!("cannot read AppProject {namespace}/{name}: {what}");
        let mut known = self.known.clone();
        let first = tokio::time::timeout(FIRST, known.wait_for(|known| *known != Known::Nothing)).await;
        let Ok(Ok(known)) = first.map(|known| known.map(|known| known.clone())) else {
            return Err(late("the API server has not answered yet"));
        };
        match known {
            Known::Refused(why) => return Ok(Err(format!("may not read AppProject {namespace}/{name}: {why}"))),
            Known::Hidden => return Ok(Ok(Project::open(name))),
            Known::Nothing | Known::NoKind => {}
            Known::Watched => {
                if !is_filled(&self.objects).await {
                    return Err(late("they cannot be listed"));
                }
            }
        }
        let at = ObjectRef::new_with(name, self.resource.clone()).within(namespace);
        Ok(match self.objects.get(&at) {
            Some(project) => Project::read(name, &project.data["spec"]),
            None if name == "default" => Ok(Project::open(name)),
            None => Err(format!("Application referencing project {name} which does not exist")),
        })
    }
}

/// What they are called.
pub fn resource() -> ApiResource {
    let kind = GroupVersionKind::gvk("argoproj.io", "v1alpha1", "AppProject");
    ApiResource::from_gvk_with_plural(&kind, "appprojects")
}

/// Keeps a cache of them, as soon as there is such a kind.
async fn follow(
    api: Api<DynamicObject>,
    writer: Writer<DynamicObject>,
    know: watch::Sender<Known>,
    touched: mpsc::UnboundedSender<Touched>,
) {
    loop {
        let known = match api.list_metadata(&ListParams::default().limit(1)).await {
            Ok(_) => break,
            Err(kube::Error::Api(status)) if status.code == 404 => Known::NoKind,
            Err(kube::Error::Api(status)) if status.code == 403 => Known::Refused(status.message.clone()),
            Err(error) => {
                tracing::warn!(%error, "cannot list AppProjects");
                tokio::time::sleep(AGAIN / 15).await;
                continue;
            }
        };
        know.send_replace(known);
        tokio::time::sleep(AGAIN).await;
    }
    know.send_replace(Known::Watched);
    let all = writer.as_reader();
    let mut events = std::pin::pin!(watcher(api, watcher::Config::default()).default_backoff().reflect(writer));
    while let Some(event) = events.next().await {
        let changed = match event {
            Ok(Event::Apply(project) | Event::Delete(project)) => vec![project.name_any()],
            Ok(Event::InitDone) => all.state().iter().map(|project| project.name_any()).collect(),
            Ok(Event::Init | Event::InitApply(_)) => Vec::new(),
            Err(error) => {
                tracing::warn!(%error, "cannot watch AppProjects");
                Vec::new()
            }
        };
        for name in changed {
            // Nobody listens any more at the end.
            let _ = touched.send(Touched::Project(name));
        }
    }
}
