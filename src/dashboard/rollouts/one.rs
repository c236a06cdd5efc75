//! The page of one rollout.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, ListParams};
use maud::{Markup, html};
use sluice_core::info::event;
use sluice_core::info::explain::Explanation;
use sluice_core::info::family::Family;
use sluice_core::info::rollout::RolloutInfo;
use sluice_core::info::steps;

use super::act::Said;
use super::{parts, revisions, runs, seen, why};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::dashboard::Dashboard;
use crate::dashboard::access::Caller;
use crate::dashboard::html::Page;
use crate::dashboard::live::{self, Part, Viewer};
use crate::dashboard::refused::Refused;

/// How many events are asked for at once, and how often at most: they are given in the order of their names.
const PAGE_OF_EVENTS: u32 = 500;
const MOST_PAGES: usize = 4;
/// How people call the plugin, in advice.
const PROGRAM: &str = "kubectl sluice";
/// How often a page that is open asks for new ones.
const NEWS: Duration = Duration::from_secs(3);

/// The page.
pub async fn page(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(caller): Extension<Caller>,
    Path((namespace, name)): Path<(String, String)>,
    Query(said): Query<Said>,
) -> Result<Markup, Refused> {
    let family = seen::family(&dashboard, &caller, &namespace, &name).await?;
    let events = events(&caller, &family).await.unwrap_or_default();
    let said = said.render(&dashboard, (&namespace, &name));
    let parts = parts(&dashboard, &family, &events);
    let content = html! { (said) @for part in &parts { (part.html) } };
    let own = dashboard.path(&[&namespace, &name]);
    let of_namespace = format!("{}?namespace={}", dashboard.path(&[]), crate::dashboard::html::query(&namespace));
    let page = Page {
        title: &name,
        live: Some(live::path(&dashboard, &dashboard.path(&[&namespace, &name, "live"]), &parts)),
        trail: vec![("Rollouts".to_owned(), dashboard.path(&[])), (namespace, of_namespace), (name.clone(), own)],
    };
    Ok(page.render(&dashboard, &caller, &content))
}

/// What keeps it up to date.
pub async fn live(
    State(dashboard): State<Arc<Dashboard>>,
    Path((namespace, name)): Path<(String, String)>,
    viewer: Viewer,
) -> Result<Response, Refused> {
    let told: Arc<Mutex<Told>> = Arc::default();
    let make = move |dashboard: Arc<Dashboard>, caller: Caller| {
        let (namespace, name, told) = (namespace.clone(), name.clone(), Arc::clone(&told));
        async move {
            let family = seen::family(&dashboard, &caller, &namespace, &name).await?;
            let mut told = told.lock().await;
            if told.at.is_none_or(|at| at.elapsed() >= NEWS) {
                // What was told before stays where there is no answer.
                let events = events(&caller, &family).await.unwrap_or_else(|| std::mem::take(&mut told.events));
                *told = Told { at: Some(Instant::now()), events };
            }
            Ok(parts(&dashboard, &family, &told.events))
        }
    };
    live::stream(dashboard, viewer, live::COUNTING, make).await
}

/// The events as they were read last. They are not watched: they would be most of what is, and few are ever looked at.
#[derive(Default)]
struct Told {
    at: Option<Instant>,
    events: Vec<Event>,
}

/// What the page is made of, each by itself, so that what changes can be sent alone.
fn parts(dashboard: &Dashboard, family: &Family, events: &[Event]) -> Vec<Part> {
    let now = dashboard.clock.now();
    let info = RolloutInfo::of(family, now);
    let steps = steps::of(&family.rollout);
    vec![
        Part::whole("head", parts::head(dashboard, family, &info)),
        Part::whole("why", why::section(&Explanation::of(family, Some(events), now, PROGRAM), now)),
        Part::whole("traffic", parts::traffic(family, &info)),
        Part::whole("steps", parts::steps(&steps)),
        Part::whole("revisions", revisions::section(dashboard, &info)),
        Part::whole("analysis", runs::section(&info)),
        Part::whole("events", parts::events(events, now)),
    ]
}

/// The events of a rollout, the oldest first, as far as who asks may see them; none where there is no answer. Without them the page is
/// still a page.
async fn events(caller: &Caller, family: &Family) -> Option<Vec<Event>> {
    let metadata = &family.rollout.metadata;
    let (uid, namespace) = (metadata.uid.as_deref()?, metadata.namespace.as_deref()?);
    let api: Api<Event> = Api::namespaced(caller.client.clone(), namespace);
    // One of the same name that was deleted is another one.
    let fields = format!("involvedObject.kind=Rollout,involvedObject.uid={uid}");
    let mut params = ListParams::default().fields(&fields).limit(PAGE_OF_EVENTS);
    let mut found = Vec::new();
    for _ in 0..MOST_PAGES {
        let page = api.list(&params).await.ok()?;
        found.extend(page.items);
        params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
        if params.continue_token.is_none() {
            break;
        }
    }
    Some(event::of_family(family, &found).into_iter().cloned().collect())
}
