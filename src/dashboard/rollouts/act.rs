//! Asking for something: first what it means, then, once that was confirmed, doing it with the rights of who asks.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Form};
use maud::{Markup, html};
use sluice_core::act::action::{Action, Details};
use sluice_core::act::asked::Asked;
use sluice_core::act::template::Home;
use sluice_core::api::Rollout;
use sluice_core::info::family::Family;
use sluice_core::info::rollout::RolloutInfo;

use super::seen;
use crate::dashboard::Dashboard;
use crate::dashboard::access::Caller;
use crate::dashboard::access::review::Kind;
use crate::dashboard::html::Page;
use crate::dashboard::question::{Question, told};
use crate::dashboard::refused::Refused;
use crate::steer::{Outcome, Refusal, Rollouts};

/// The name that writes are recorded under in `metadata.managedFields`.
const MANAGER: &str = "sluice-dashboard";

/// What is to be said of a change of the manifest.
const FROM_GIT: &str =
    "It changes the manifest in the cluster. Where that comes from Git, the next sync puts it back: change it there.";

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
    question(&dashboard, &caller, &family, action, &details, false).await
}

/// The page that asks about a rollout as it is.
async fn question(
    dashboard: &Dashboard,
    caller: &Caller,
    family: &Family,
    action: Action,
    details: &Details,
    is_changed: bool,
) -> Result<Markup, Refused> {
    let metadata = &family.rollout.metadata;
    let (namespace, name) = (metadata.namespace.as_deref().unwrap_or(""), metadata.name.as_deref().unwrap_or(""));
    let own = dashboard.path(&[namespace, name]);
    let revisions = RolloutInfo::of(family, dashboard.clock.now()).to_go_back_to();
    // The one before the newest may be another one by the time of the answer.
    let before = Some(details.revision).filter(|number| *number > 0).or(revisions.get(1).copied());
    let fields = html! {
        input type="hidden" name="asked" value=(Asked::about(action, &family.rollout).as_str());
        @match action {
            Action::SetImage => { (images(&family.rollout)) }
            Action::Undo => { input type="hidden" name="revision" value=(before.unwrap_or(0)); }
            _ => {}
        }
    };
    let is_blind = action == Action::Undo && seen::hidden(caller, namespace).await?.contains(&Kind::ReplicaSets);
    let effect = if is_blind {
        Err("cannot go back: its revisions are its ReplicaSets, which you may not list here".to_owned())
    } else {
        action.effect(&family.rollout, &revisions, details)
    };
    let question = Question {
        title: format!("{} {name}", action.label()),
        effect,
        is_changed,
        note: matches!(action, Action::SetImage | Action::Undo).then_some(FROM_GIT),
        fields,
        label: action.label(),
        to: dashboard.path(&[namespace, name, "do", action.name()]),
        back: &own,
        namespace,
    };
    Ok(page(dashboard, caller, action.label(), (namespace, name), &question.render(dashboard)))
}

/// Does it. What was done is said on the page of the rollout, so that loading it again does nothing again.
pub async fn act(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(caller): Extension<Caller>,
    Path((namespace, name, action)): Named,
    Form(details): Form<Details>,
) -> Response {
    let own = dashboard.path(&[&namespace, &name]);
    let label = Action::named(&action).map_or("Nothing for", Action::label);
    let shown = |status, outcome: Result<&str, &str>| {
        let content = told(&format!("{label} {name}"), outcome, &own);
        (status, page(&dashboard, &caller, label, (&namespace, &name), &content)).into_response()
    };
    let action = match known(&action) {
        Ok(action) => action,
        Err(refused) => return shown(refused.status, Err(&refused.why)),
    };
    // Whoever does not say what was asked was asked about nothing.
    let details = Details { asked: Some(details.asked.unwrap_or_default()), ..details };
    let rollouts = steering(&caller, &namespace);
    match rollouts.act(&name, action, &details, dashboard.clock.now()).await {
        Ok(Outcome::Done) => {
            dashboard.results.lead_to(&own, format!("{label} {name}"), action.done(&name)).into_response()
        }
        Ok(Outcome::Nothing(why)) => shown(StatusCode::OK, Ok(&why)),
        Err(Refusal::GoneOn { .. }) => {
            match ask_anew(&dashboard, &caller, (&namespace, &name), action, &details).await {
                Ok(question) => (StatusCode::CONFLICT, question).into_response(),
                Err(refused) => shown(refused.status, Err(&refused.why)),
            }
        }
        Err(refusal) => {
            let refused = Refused::by_server(&refusal);
            shown(refused.status, Err(&refused.why))
        }
    }
}

/// The question about a rollout as the API server has it: what is watched may be older.
async fn ask_anew(
    dashboard: &Dashboard,
    caller: &Caller,
    (namespace, name): (&str, &str),
    action: Action,
    details: &Details,
) -> Result<Markup, Refused> {
    let mut family = seen::family(dashboard, caller, namespace, name).await?;
    let read = steering(caller, namespace).rollout(name).await;
    family.rollout = read.map_err(|refusal| Refused::by_server(&refusal))?;
    question(dashboard, caller, &family, action, details, true).await
}

/// The rollouts of a namespace, steered with the rights of who asks.
fn steering(caller: &Caller, namespace: &str) -> Rollouts {
    Rollouts { client: caller.client.clone(), namespace: namespace.to_owned(), manager: MANAGER }
}

/// Does what a program asks for, and says what came of it.
pub async fn carry_out(
    dashboard: &Dashboard,
    caller: &Caller,
    (namespace, name): (&str, &str),
    action: Action,
    details: &Details,
) -> Result<String, Refused> {
    match steering(caller, namespace).act(name, action, details, dashboard.clock.now()).await {
        Ok(Outcome::Done) => Ok(action.done(name)),
        Ok(Outcome::Nothing(why)) => Ok(why),
        Err(refusal) => Err(Refused::by_server(&refusal)),
    }
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
    // Of several containers, the image of one is not to be put into another.
    let image = if let [(_, image)] = containers[..] { image } else { "" };
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
            value=(image);
    }
}

fn page(
    dashboard: &Dashboard,
    caller: &Caller,
    title: &str,
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
    Page { title, live: None, trail }.render(dashboard, caller, content)
}
