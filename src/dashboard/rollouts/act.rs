//! Asking for something: first what it means, then, once that was confirmed, doing it with the rights of who asks.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Form};
use maud::{Markup, html};
use sluice_core::act::action::{Action, Details};
use sluice_core::act::template::Home;
use sluice_core::api::Rollout;
use sluice_core::info::rollout::RolloutInfo;

use super::seen;
use crate::dashboard::Dashboard;
use crate::dashboard::access::Caller;
use crate::dashboard::html::Page;
use crate::dashboard::question::{Question, told};
use crate::dashboard::refused::Refused;
use crate::steer::{Outcome, Rollouts};

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
    let own = dashboard.path(&[&namespace, &name]);
    let revisions = RolloutInfo::of(&family, dashboard.clock.now()).to_go_back_to();
    let fields = match action {
        Action::SetImage => images(&family.rollout),
        Action::Undo => html! { input type="hidden" name="revision" value=(details.revision); },
        _ => html! {},
    };
    let question = Question {
        title: format!("{} {name}", action.label()),
        effect: action.effect(&family.rollout, &revisions, &details),
        note: matches!(action, Action::SetImage | Action::Undo).then_some(FROM_GIT),
        fields,
        label: action.label(),
        to: dashboard.path(&[&namespace, &name, "do", action.name()]),
        back: &own,
        namespace: &namespace,
    };
    Ok(page(&dashboard, &caller, action.label(), (&namespace, &name), &question.render(&dashboard)))
}

/// Does it.
pub async fn act(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(caller): Extension<Caller>,
    Path((namespace, name, action)): Named,
    Form(details): Form<Details>,
) -> Result<Markup, (StatusCode, Markup)> {
    let done = match known(&action) {
        Ok(action) => carry_out(&dashboard, &caller, (&namespace, &name), action, &details).await,
        Err(refused) => Err(refused),
    };
    let own = dashboard.path(&[&namespace, &name]);
    let label = Action::named(&action).map_or("Nothing for", Action::label);
    let title = format!("{label} {name}");
    let shown = |content: &Markup| page(&dashboard, &caller, label, (&namespace, &name), content);
    match done {
        Ok(said) => Ok(shown(&told(&title, Ok(&said), &own))),
        Err(refused) => Err((refused.status, shown(&told(&title, Err(&refused.why), &own)))),
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
    match rollouts.act(name, action, details, dashboard.clock.now()).await {
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
