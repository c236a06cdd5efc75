//! Asking for something: first what it means, then, once that was confirmed, doing it with the rights of who asks.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Form};
use maud::{Markup, html};
use sluice_core::act::application::rollback::Way;
use sluice_core::act::application::sync::Wish;

use super::action::{Action, Details};
use super::{path, seen, trail};
use crate::dashboard::Dashboard;
use crate::dashboard::access::Caller;
use crate::dashboard::html::Page;
use crate::dashboard::question::{Question, told};
use crate::dashboard::refused::Refused;
use crate::steer::application::Applications;

/// The name that writes are recorded under in `metadata.managedFields`.
pub const MANAGER: &str = "sluice-dashboard";

/// Where the action and its Application are named.
type Named = Path<(String, String, String)>;

fn known(action: &str) -> Result<Action, Refused> {
    let unknown = || Refused::new(StatusCode::NOT_FOUND, format!("nothing can be asked by the name '{action}'"));
    Action::named(action).ok_or_else(unknown)
}

/// Says what an action means, and asks whether it is meant.
pub async fn ask(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(caller): Extension<Caller>,
    Path((namespace, name, action)): Named,
    Query(details): Query<Details>,
) -> Result<Markup, Refused> {
    let action = known(&action)?;
    seen::one(&dashboard, &caller, &namespace, &name).await?;
    let fields = html! {
        @if action == Action::RollBack { input type="hidden" name="id" value=(details.id); }
        @if action.has_choices() {
            label class="choice" {
                input type="checkbox" name="prune" value="true" checked[details.prune]; " Prune: let objects go that are not wanted any more"
            }
            label class="choice" {
                input type="checkbox" name="dry_run" value="true" checked[details.dry_run]; " Dry run: only ask the API server whether it would take everything"
            }
        }
    };
    let own = path(&[&namespace, &name]);
    let question = Question {
        title: format!("{} {name}", action.label()),
        effect: Ok(action.means(&details)),
        is_changed: false,
        note: None,
        fields,
        label: action.label(),
        to: path(&[&namespace, &name, "do", action.name()]),
        back: &own,
        namespace: &namespace,
    };
    let page = Page { title: action.label(), live: None, trail: trail(&namespace, &name) };
    Ok(page.render(&dashboard, &caller, &question.render(&dashboard)))
}

/// Does it. What was done is said on the page of the Application, so that loading it again does nothing again.
pub async fn act(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(caller): Extension<Caller>,
    Path((namespace, name, action)): Named,
    Form(details): Form<Details>,
) -> Response {
    let own = path(&[&namespace, &name]);
    let label = Action::named(&action).map_or("Nothing for", Action::label);
    let done = match known(&action) {
        Ok(action) => carry_out(&dashboard, &caller, (&namespace, &name), action, &details).await,
        Err(refused) => Err(refused),
    };
    match done {
        Ok(said) => dashboard.results.lead_to(&own, format!("{label} {name}"), said).into_response(),
        Err(refused) => {
            let page = Page { title: label, live: None, trail: trail(&namespace, &name) };
            let content = told(&format!("{label} {name}"), Err(&refused.why), &own);
            (refused.status, page.render(&dashboard, &caller, &content)).into_response()
        }
    }
}

/// Does what was asked for, and says what came of it.
async fn carry_out(
    dashboard: &Dashboard,
    caller: &Caller,
    (namespace, name): (&str, &str),
    action: Action,
    details: &Details,
) -> Result<String, Refused> {
    let (client, namespace) = (caller.client.clone(), namespace.to_owned());
    let applications = Applications { client, namespace, manager: MANAGER };
    let now = dashboard.clock.now();
    let &Details { prune, dry_run, id } = details;
    let done = match action {
        Action::Refresh => applications.refresh(name, false, now).await,
        Action::HardRefresh => applications.refresh(name, true, now).await,
        Action::Sync => applications.sync(name, &Wish { prune, dry_run, ..Wish::default() }, now).await,
        Action::Terminate => applications.terminate(name).await,
        Action::RollBack => applications.roll_back(name, Way { id: Some(id), prune, dry_run }, now).await,
    };
    done.map_err(|refusal| Refused::by_server(&refusal))?;
    Ok(action.done(name, details))
}
