//! `history`: the revisions of a rollout, and what is known of each.

use kube::api::ListParams;
use kube::{Api, Error};
use sluice_core::api::{Application, Rollout};
use sluice_core::info::history::application::{self, Named};
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
    #[arg(long)]
    no_color: bool,
}

/// Prints the revisions, the newest first.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    // Pods say nothing of revisions: who may not list them is told the rest.
    let (family, _) = session.family_in_sight(&args.name).await?;
    if family.runs.is_none() {
        term::note("analysis runs cannot be read: what they say of a revision is unknown");
    }
    let events = session.events().await.unwrap_or_else(|problem| {
        term::note(&format!("{problem}: what became of a revision is unknown where only an event says it"));
        Vec::new()
    });
    let applications = applications(&family.rollout, session).await;
    let history = revisions(&family, &events, application::of(&family.rollout, &applications));
    if let Some(text) = args.output.and_then(|output| output.structured(&of(&history))) {
        return Ok(term::print(&text?)?);
    }
    if history.is_empty() {
        eprintln!("No revisions of rollout '{}' yet.", args.name);
        return Ok(());
    }
    Ok(term::print(&render(&history, args.output == Some(Output::Wide), clock::now(), term::paint(args.no_color)))?)
}

/// The Applications that a rollout may be of.
async fn applications(rollout: &Rollout, session: &Session) -> Vec<Application> {
    let Some(Named { namespace, name, is_certain }) = application::named(rollout) else { return Vec::new() };
    let api: Api<Stored> = match &namespace {
        Some(namespace) => Api::namespaced(session.client.clone(), namespace),
        None => Api::all(session.client.clone()),
    };
    let params = ListParams::default().fields(&format!("metadata.name={name}"));
    match api.list(&params).await {
        Ok(listed) => listed.items.iter().filter_map(|stored| stored.read().ok()).collect(),
        // Where there is no such kind, nothing is synced.
        Err(Error::Api(status)) if status.code == 404 => Vec::new(),
        // Who may list none in the whole cluster is told nothing of one that there need not be.
        Err(Error::Api(status)) if status.code == 403 && !is_certain => Vec::new(),
        Err(error) => {
            let problem = Problem::of_call(&error, &format!("read Application '{name}'"));
            term::note(&format!("{problem}: the commits of revisions are unknown"));
            Vec::new()
        }
    }
}
