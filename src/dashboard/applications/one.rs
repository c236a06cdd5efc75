//! The page of one Application.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query as Asked, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use sluice_core::info::application::row::rows;
use sluice_core::info::application::tree::Show;

use super::query::said;
use super::watched::Known;
use super::{history, parts, path, seen, trail, tree};
use crate::dashboard::Dashboard;
use crate::dashboard::access::Caller;
use crate::dashboard::html::Page;
use crate::dashboard::live::{self, Part, Viewer};
use crate::dashboard::refused::Refused;
use crate::dashboard::results::Said;

/// The part with its objects.
const OBJECTS: &str = "objects";

/// Which of its objects are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Query {
    /// With this in the name, the kind or the namespace.
    pub search: String,
    /// `all`, `differs` or `ails`; empty for what is usual.
    pub show: String,
    /// The group that is open, besides those that are by themselves.
    pub open: String,
}

impl Query {
    /// What somebody has said.
    pub fn show(&self) -> Option<Show> {
        match self.show.as_str() {
            "all" => Some(Show::All),
            "differs" => Some(Show::Differs),
            "ails" => Some(Show::Ails),
            _ => None,
        }
    }

    /// The same as part of a path.
    pub fn to_text(&self) -> String {
        said(&[("search", &self.search), ("show", &self.show), ("open", &self.open)])
    }
}

/// The page.
pub async fn page(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(caller): Extension<Caller>,
    Path((namespace, name)): Path<(String, String)>,
    Asked(query): Asked<Query>,
    Asked(said): Asked<Said>,
) -> Result<Markup, Refused> {
    let known = seen::one(&dashboard, &caller, &namespace, &name).await?;
    let parts = parts(&dashboard, &known, (&namespace, &name), &query);
    let content = html! {
        (dashboard.results.tell(&said, &path(&[&namespace, &name])))
        @for part in &parts {
            @if part.id == OBJECTS { (tree::form((&namespace, &name), &query)) }
            (part.html)
        }
    };
    let base = format!("{}{}", path(&[&namespace, &name, "live"]), query.to_text());
    let live = Some(live::path(&dashboard, &base, &parts));
    let page = Page { title: &name, live, trail: trail(&namespace, &name) };
    Ok(page.render(&dashboard, &caller, &content))
}

/// What keeps it up to date.
pub async fn live(
    State(dashboard): State<Arc<Dashboard>>,
    Path((namespace, name)): Path<(String, String)>,
    Asked(query): Asked<Query>,
    viewer: Viewer,
) -> Result<Response, Refused> {
    let make = move |dashboard: Arc<Dashboard>, caller: Caller| {
        let (namespace, name, query) = (namespace.clone(), name.clone(), query.clone());
        async move {
            let known = seen::one(&dashboard, &caller, &namespace, &name).await?;
            Ok(parts(&dashboard, &known, (&namespace, &name), &query))
        }
    };
    live::stream(dashboard, viewer, live::COUNTING, make).await
}

/// What the page is made of, each by itself, so that what changes can be sent alone.
fn parts(dashboard: &Dashboard, known: &Known, own: (&str, &str), query: &Query) -> Vec<Part> {
    let now = dashboard.clock.now();
    let application = match &known.said {
        Ok(application) => application,
        Err(why) => {
            // The same elements as of one that can be read, which it may become.
            let hidden = |id: &str| Part::whole(id, html! { section id=(id) hidden {} });
            let mut all = vec![Part::whole("head", parts::unreadable(own.1, why))];
            all.extend(["operation", "conditions", OBJECTS, "sources", "history"].map(hidden));
            return all;
        }
    };
    let rows = rows(application);
    vec![
        Part::whole("head", parts::head(dashboard, application, own, now)),
        Part::whole("operation", parts::operation(application, now)),
        Part::whole("conditions", parts::conditions(application, now)),
        Part::whole(OBJECTS, tree::section(dashboard, application, own, &rows, query)),
        Part::whole("sources", parts::sources(application)),
        Part::whole("history", history::section(dashboard, application, own, now)),
    ]
}
