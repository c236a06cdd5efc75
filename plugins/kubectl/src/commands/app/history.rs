//! `app history`.

use serde_json::{Value, json};

use super::target::{Name, One};
use crate::client::Session;
use crate::output::Output;
use crate::problem::Problem;
use crate::term;
use crate::view::app::history::{ids, render};

/// Arguments of `app history`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The Application
    #[arg(value_name = "NAME")]
    name: Name,
    /// How to print it
    #[arg(long, short, value_name = "FORMAT", value_parser = Output::among(&[Output::Id, Output::Wide, Output::Json, Output::Yaml]))]
    output: Option<Output>,
}

/// Prints what was synced, the oldest first.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let found = One::of(&args.name, session).read().await?;
    let stored = || found.stored.rest.get("status").map_or(Value::Null, |status| status["history"].clone());
    let all = || if stored().is_array() { stored() } else { json!([]) };
    if let Some(text) = args.output.and_then(|output| output.structured(&all())) {
        return Ok(term::print(&text?)?);
    }
    let history = &found.application.status().history;
    if args.output == Some(Output::Id) {
        return Ok(term::print(&ids(history))?);
    }
    Ok(term::print(&render(history, args.output == Some(Output::Wide), term::paint(false)))?)
}
