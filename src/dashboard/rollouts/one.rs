//! The page of one rollout.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use k8s_openapi::api::core::v1::Event;
use maud::{Markup, html};
use sluice_core::info::explain::Explanation;
use sluice_core::info::family::Family;
use sluice_core::info::rollout::RolloutInfo;
use sluice_core::info::steps;

use super::events::News;
use super::{parts, revisions, runs, seen, why};
use tokio::sync::Mutex;

use crate::dashboard::Dashboard;
use crate::dashboard::access::Caller;
use crate::dashboard::access::review::Kind;
use crate::dashboard::html::Page;
use crate::dashboard::live::{self, Part, Viewer};
use crate::dashboard::refused::Refused;
use crate::dashboard::results::Said;

/// How people call the plugin, in advice.
const PROGRAM: &str = "kubectl sluice";

/// The page.
pub async fn page(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(caller): Extension<Caller>,
    Path((namespace, name)): Path<(String, String)>,
    Query(said): Query<Said>,
) -> Result<Markup, Refused> {
    let family = seen::family(&dashboard, &caller, &namespace, &name).await?;
    let hidden = seen::hidden(&caller, &namespace).await?;
    let mut news = News::default();
    let parts = parts(&dashboard, &family, &hidden, news.of(&caller.client, &family).await);
    let own = dashboard.path(&[&namespace, &name]);
    let content = html! { (dashboard.results.tell(&said, &own)) @for part in &parts { (part.html) } };
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
    let news: Arc<Mutex<News>> = Arc::default();
    let make = move |dashboard: Arc<Dashboard>, caller: Caller| {
        let (namespace, name, news) = (namespace.clone(), name.clone(), Arc::clone(&news));
        async move {
            let family = seen::family(&dashboard, &caller, &namespace, &name).await?;
            let hidden = seen::hidden(&caller, &namespace).await?;
            let mut news = news.lock().await;
            Ok(parts(&dashboard, &family, &hidden, news.of(&caller.client, &family).await))
        }
    };
    live::stream(dashboard, viewer, live::COUNTING, make).await
}

/// What the page is made of, each by itself, so that what changes can be sent alone.
fn parts(dashboard: &Dashboard, family: &Family, hidden: &[Kind], events: Option<&[Event]>) -> Vec<Part> {
    let now = dashboard.clock.now();
    let info = RolloutInfo::of(family, now);
    let steps = steps::of(&family.rollout);
    vec![
        Part::whole("head", parts::head(dashboard, family, &info, hidden)),
        Part::whole("why", why::section(&Explanation::of(family, events, now, PROGRAM), now)),
        Part::whole("traffic", parts::traffic(family, &info)),
        Part::whole("steps", parts::steps(&steps)),
        Part::whole("revisions", revisions::section(dashboard, &info)),
        Part::whole("analysis", runs::section(&info)),
        Part::whole("events", parts::events(events, now)),
    ]
}
