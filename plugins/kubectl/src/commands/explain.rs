//! `explain`: why a rollout is where it is, and what to do next.

use sluice_core::info::explain::Explanation;

use crate::client::Session;
use crate::clock;
use crate::output::{Output, of};
use crate::problem::Problem;
use crate::term;
use crate::view::explain::render;

/// Arguments of `explain`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
    name: String,
    /// How to print it
    #[arg(long, short, value_name = "FORMAT", value_parser = Output::among(&[Output::Json, Output::Yaml]))]
    output: Option<Output>,
    /// No colours
    #[arg(long)]
    no_color: bool,
}

/// Explains it.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let (family, of_pods) = session.family_in_sight(&args.name).await?;
    // Without events and pods the rest is as true.
    let events = session.events().await.map_err(|problem| term::note(&format!("{problem}: no events are told"))).ok();
    if let Some(problem) = &of_pods {
        term::note(&format!("{problem}: what is wrong with them is unknown"));
    }
    let now = clock::now();
    let mut explained = Explanation::of(&family, events.as_deref(), now, &session.program.to_string());
    for advice in &mut explained.next {
        advice.command += &session.flags;
    }
    explained.unread.extend(of_pods.map(|_| "pods"));
    if let Some(text) = args.output.and_then(|output| output.structured(&of(&explained))) {
        return Ok(term::print(&text?)?);
    }
    Ok(term::print(&render(&explained, now, term::paint(args.no_color)))?)
}
