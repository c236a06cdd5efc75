//! `history`: the revisions of a rollout, and what is known of each.

use kube::Api;
use kube::api::ListParams;
use sluice_core::api::{Application, Rollout};
use sluice_core::gitops::tracking::{TRACKING_ID, application_of};
use sluice_core::info::history::revisions;

use crate::application::Stored;
use crate::client::Session;
use crate::clock;
use crate::output::{Output, of};
use crate::problem::Problem;
use crate::term;
use crate::view::history::render;

/// Arguments of `history`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "A revision that nothing is known of any more is unknown: Kubernetes forgets events after an hour, and a ReplicaSet \
    does not say what became of it."
)]
pub struct Args {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
    name: String,
    /// How to print it
    #[arg(long, short, value_name = "FORMAT", value_parser = Output::among(&[Output::Wide, Output::Json, Output::Yaml]))]
    output: Option<Output>,
    /// No colours
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    no_color: bool,
}

/// Prints the revisions, the newest first.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let family = session.family(&args.name).await?;
    let events = session.events().await.unwrap_or_default();
    let application = application(&family.rollout, session).await;
    let history = revisions(&family, &events, application.as_ref());
    if let Some(text) = args.output.and_then(|output| output.structured(&of(&history))) {
        return Ok(term::print(&text?)?);
    }
    if history.is_empty() {
        eprintln!("No revisions of rollout '{}' yet.", args.name);
        return Ok(());
    }
    Ok(term::print(&render(&history, args.output == Some(Output::Wide), clock::now(), term::paint(args.no_color)))?)
}

/// The Application that the rollout belongs to, where it can be read and there is no doubt which it is.
async fn application(rollout: &Rollout, session: &Session) -> Option<Application> {
    let id = rollout.metadata.annotations.as_ref()?.get(TRACKING_ID)?;
    // The annotation names a namespace only where it is not the controller's own.
    let (namespace, name) = application_of(id, "")?;
    if !namespace.is_empty() {
        let api: Api<Stored> = Api::namespaced(session.client.clone(), &namespace);
        return api.get(&name).await.ok()?.read().ok();
    }
    let params = ListParams::default().fields(&format!("metadata.name={name}"));
    let found = Api::<Stored>::all(session.client.clone()).list(&params).await.ok()?.items;
    match found.as_slice() {
        [one] => one.read().ok(),
        _ => None,
    }
}
