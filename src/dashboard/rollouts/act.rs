//! Asking for something: first what it means, then, once that was confirmed, doing it with the rights of who asks.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Form};
use jiff::SignedDuration;
use maud::{Markup, html};
use sluice_core::act::template::Home;
use sluice_core::api::Rollout;

use super::action::{Action, Details};
use super::seen;
use crate::dashboard::Dashboard;
use crate::dashboard::access::Caller;
use crate::dashboard::html::Page;
use crate::dashboard::refused::Refused;
use crate::steer::{Refusal, Rollouts, Undone};

/// The name that writes are recorded under in `metadata.managedFields`.
const MANAGER: &str = "sluice-dashboard";

/// Where the action and its rollout are named.
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
    let family = seen::family(&dashboard, &caller, &namespace, &name).await?;
    let own = dashboard.path(&[&namespace, &name]);
    let content = html! {
        section id="question" class="question" {
            h1 id="question-title" { (action.label()) " " (name) "?" }
            p { (action.means(&details)) }
            form method="post" action=(dashboard.path(&[&namespace, &name, "do", action.name()])) {
                @match action {
                    Action::SetImage => { (images(&family.rollout)) }
                    Action::Undo => { input type="hidden" name="revision" value=(details.revision); }
                    _ => {}
                }
                div class="actions" {
                    button class="sure" { (action.label()) }
                    a class="button" data-close href=(own) { "Cancel" }
                }
            }
            p class="quiet" { "In namespace " b { (namespace) } @if !dashboard.settings.cluster.is_empty() { " of " b { (dashboard.settings.cluster) } } }
        }
    };
    Ok(page(&dashboard, &caller, action, (&namespace, &name), &content))
}

/// Does it.
pub async fn act(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(caller): Extension<Caller>,
    Path((namespace, name, action)): Named,
    Form(details): Form<Details>,
) -> Result<Markup, (StatusCode, Markup)> {
    let result = match known(&action) {
        Ok(action) => {
            carry_out(&dashboard, &caller, (&namespace, &name), action, &details).await.map(|said| (action, said))
        }
        Err(refused) => Err(refused),
    };
    let own = dashboard.path(&[&namespace, &name]);
    let title = format!("{} {name}", Action::named(&action).map_or("Nothing for", Action::label));
    let told = |class: &str, role: &str, said: &str| {
        html! {
            section id="question" class="question" {
                h1 id="question-title" { (title) }
                p class=(class) role=(role) { (said) }
                div class="actions" { a class="button" data-close href=(own) { "Close" } }
            }
        }
    };
    let at = (namespace.as_str(), name.as_str());
    match result {
        Ok((action, said)) => Ok(page(&dashboard, &caller, action, at, &told("good", "status", &said))),
        Err(refused) => {
            let content = told("bad", "alert", &refused.why);
            let action = Action::named(&action).unwrap_or(Action::Promote);
            Err((refused.status, page(&dashboard, &caller, action, at, &content)))
        }
    }
}

/// Does what was asked for, and says what came of it.
pub async fn carry_out(
    dashboard: &Dashboard,
    caller: &Caller,
    (namespace, name): (&str, &str),
    action: Action,
    details: &Details,
) -> Result<String, Refused> {
    let client = caller.client.clone();
    let rollouts = Rollouts { client, namespace: namespace.to_owned(), manager: MANAGER };
    let by_server = |refusal: Refusal| Refused::by_server(&refusal);
    let done = action.done(name);
    if let Some(extent) = action.extent() {
        return rollouts.promote(name, extent).await.map(|()| done).map_err(by_server);
    }
    match action {
        Action::Abort => rollouts.abort(name).await,
        Action::Retry => rollouts.retry(name).await,
        Action::Restart => rollouts.restart(name, dashboard.clock.now(), SignedDuration::ZERO).await,
        Action::SetImage => {
            let assignment = details.assignment().map_err(|why| Refused::new(StatusCode::BAD_REQUEST, why))?;
            let changed = rollouts.set_image(name, &[assignment]).await.map_err(by_server)?;
            return Ok(if changed { done } else { format!("rollout '{name}' has that image already") });
        }
        Action::Undo => {
            let undone = rollouts.undo(name, details.revision).await.map_err(by_server)?;
            return Ok(match undone {
                Undone::AlreadyThere(revision) => format!("the manifest asks for revision {revision} already"),
                Undone::Done => done,
            });
        }
        // Promotions went before.
        Action::Pause | Action::Promote | Action::PromoteFull => rollouts.pause(name).await,
    }
    .map(|()| done)
    .map_err(by_server)
}

/// A container and its image to fill in. A template that is in another object is not here to choose from.
fn images(rollout: &Rollout) -> Markup {
    let spec = match Home::of(rollout) {
        Home::Rollout => rollout.spec.template.as_ref().map(|template| &template["spec"]),
        Home::Workload { .. } => None,
    };
    let lists = ["containers", "initContainers"];
    let containers: Vec<(&str, &str)> = lists
        .iter()
        .flat_map(|list| spec.and_then(|spec| spec[list].as_array()).into_iter().flatten())
        .map(|container| (container["name"].as_str().unwrap_or(""), container["image"].as_str().unwrap_or("")))
        .collect();
    html! {
        label for="container" { "Container" }
        @if containers.is_empty() { input id="container" name="container" required; }
        @else {
            select id="container" name="container" {
                @for (name, image) in &containers { option value=(name) { (name) " (" (image) ")" } }
            }
        }
        label for="image" { "Image" }
        input id="image" name="image" required autocomplete="off" spellcheck="false"
            value=(containers.first().map(|(_, image)| *image).unwrap_or_default());
    }
}

fn page(
    dashboard: &Dashboard,
    caller: &Caller,
    action: Action,
    (namespace, name): (&str, &str),
    content: &Markup,
) -> Markup {
    let trail = vec![
        ("Rollouts".to_owned(), dashboard.path(&[])),
        (
            namespace.to_owned(),
            format!("{}?namespace={}", dashboard.path(&[]), crate::dashboard::html::query(namespace)),
        ),
        (name.to_owned(), dashboard.path(&[namespace, name])),
    ];
    Page { title: action.label(), live: None, trail }.render(dashboard, caller, content)
}
