//! What a sync would change, line by line.
//!
//! What Git says has to be rendered for that, which the dashboard does on a person's own machine alone, in their process and with their
//! rights, as `kubectl sluice app diff` does. One that runs in the cluster says so, and how to see it.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query as Asked, State};
use maud::{Markup, html};

use super::object::Query;
use super::{seen, trail};
use crate::dashboard::Dashboard;
use crate::dashboard::access::{Caller, Gate};
use crate::dashboard::html::Page;
use crate::dashboard::refused::Refused;

/// The page: about one object, or about all that differ.
pub async fn page(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(caller): Extension<Caller>,
    Path((namespace, name)): Path<(String, String)>,
    Asked(query): Asked<Query>,
) -> Result<Markup, Refused> {
    seen::one(&dashboard, &caller, &namespace, &name).await?;
    let differences = match dashboard.gatekeeper.gate() {
        Gate::Owner => rendered::differences(&caller, &namespace, &name, query.key()).await?,
        Gate::Token => elsewhere(&namespace, &name),
    };
    let content = html! { h1 { "What a sync of " (name) " would change" } (differences) };
    let page = Page { title: "Differences", live: None, trail: trail(&namespace, &name) };
    Ok(page.render(&dashboard, &caller, &content))
}

fn elsewhere(namespace: &str, name: &str) -> Markup {
    html! {
        p { "This dashboard does not render what Git says: that would be with rights that are not yours. On your own machine:" }
        ul {
            li { code { "kubectl sluice app diff " (name) " -n " (namespace) } }
            li { code { "kubectl sluice dashboard" } ", on this page" }
        }
    }
}

#[cfg(not(feature = "gitops"))]
mod rendered {
    //! A build without the GitOps core renders nothing.

    use maud::Markup;
    use sluice_core::gitops::key::Key;

    use crate::dashboard::access::Caller;
    use crate::dashboard::refused::Refused;

    #[expect(clippy::unused_async, reason = "the other build has to wait")]
    pub async fn differences(_: &Caller, namespace: &str, name: &str, _: Option<Key>) -> Result<Markup, Refused> {
        Ok(super::elsewhere(namespace, name))
    }
}

#[cfg(feature = "gitops")]
#[path = "rendered.rs"]
mod rendered;
