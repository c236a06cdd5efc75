//! `app get`.

use kube::api::Patch;

use super::follow::{Deadline, deleted, follow};
use super::target::{Name, One};
use crate::act::app::request;
use crate::client::Session;
use crate::clock;
use crate::output::Output;
use crate::problem::Problem;
use crate::term;
use crate::view::app::page::{Shown, render};

/// Arguments of `app get`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The Application
    #[arg(value_name = "NAME")]
    name: Name,
    /// Let the controller look at Git and the cluster first
    #[arg(long)]
    refresh: bool,
    /// The same, and let it forget what it remembers
    #[arg(long)]
    hard_refresh: bool,
    /// With a refresh: give up after this many seconds; 0 is never
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Show all that the operation was asked for
    #[arg(long)]
    show_operation: bool,
    /// How to print it
    #[arg(long, short, value_name = "FORMAT", value_parser = Output::among(&[Output::Wide, Output::Json, Output::Yaml]))]
    output: Option<Output>,
}

/// Shows the Application.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let one = One::of(&args.name, session);
    if args.refresh || args.hard_refresh {
        refresh(&one, args.hard_refresh, Deadline::after(args.timeout)).await?;
    }
    let found = one.read().await?;
    if let Some(text) = args.output.and_then(|output| output.structured(&found.stored.shown())) {
        return Ok(term::print(&text?)?);
    }
    let shown = Shown { operation: args.show_operation, is_wide: args.output == Some(Output::Wide) };
    Ok(term::print(&render(&found.application, shown, clock::now(), term::paint(false)))?)
}

/// Asks for a look, and waits until the controller has taken note.
pub async fn refresh(one: &One<'_>, is_hard: bool, deadline: Deadline) -> Result<(), Problem> {
    let patch = Patch::Merge(request::refresh(is_hard, clock::now()));
    let written = one.patch(&patch).await;
    written.map_err(|error| one.explain(&error, &format!("refresh {}", one.title())))?;
    let seen = follow(one, deadline, |application| {
        let application = application.ok_or_else(|| deleted(one))?;
        Ok(application.annotation(request::REFRESH).is_none().then_some(()))
    });
    seen.await?.ok_or_else(|| {
        let problem = deadline.passed(one, "no controller has looked at it");
        problem.advise("Is the controller running, and are Applications of this namespace its own? Look at its log.")
    })
}
