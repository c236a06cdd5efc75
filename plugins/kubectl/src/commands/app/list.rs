//! `app list`.

use kube::Api;
use serde_json::Value;
use sluice_core::api::Application;
use sluice_core::gitops::push::is_one_repository;

use super::target;
use crate::application::Stored;
use crate::client::Session;
use crate::output::Output;
use crate::problem::Problem;
use crate::term;
use crate::view::app::list::{Columns, render};
use crate::view::app::words;

/// Arguments of `app list`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Those with these labels
    #[arg(long, short = 'l', value_name = "LABELS")]
    selector: Option<String>,
    /// Those of this project; may be repeated
    #[arg(long, short = 'p', value_name = "PROJECT", value_delimiter = ',')]
    project: Vec<String>,
    /// Those of this repository
    #[arg(long, short = 'r', value_name = "URL")]
    repo: Option<String>,
    /// Those of all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// How to print them
    #[arg(long, short, value_name = "FORMAT", value_parser = Output::among(&[Output::Wide, Output::Json, Output::Yaml, Output::Name]))]
    output: Option<Output>,
}

/// Prints the table.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let api: Api<Stored> = if args.all_namespaces { Api::all(session.client.clone()) } else { session.api() };
    let listed = target::list(api, args.selector.as_deref()).await?;
    let (mut found, mut applications) = (Vec::new(), Vec::new());
    for stored in listed {
        match stored.read() {
            Ok(application) if is_wanted(&args, &application) => {
                applications.push(application);
                found.push(stored);
            }
            Ok(_) => {}
            // One that makes no sense does not hide the others.
            Err(why) => eprintln!("Warning: cannot read application {}: {}", stored.full_name(), words::line(&why)),
        }
    }
    found.sort_by_key(Stored::full_name);
    let all = || Value::Array(found.iter().map(Stored::shown).collect());
    if let Some(text) = args.output.and_then(|output| output.structured(&all())) {
        return Ok(term::print(&text?)?);
    }
    if args.output == Some(Output::Name) {
        return Ok(term::print(&found.iter().map(|stored| stored.full_name() + "\n").collect::<String>())?);
    }
    if found.is_empty() {
        let place = if args.all_namespaces { String::new() } else { format!(" in {} namespace", session.namespace) };
        eprintln!("No applications found{place}.");
        return Ok(());
    }
    let columns = Columns { namespace: args.all_namespaces, source: args.output == Some(Output::Wide) };
    Ok(term::print(&render(&applications, columns, term::paint(false)))?)
}

fn is_wanted(args: &Args, application: &Application) -> bool {
    let is_of_project =
        args.project.is_empty() || args.project.iter().any(|wanted| wanted == application.spec.project());
    let is_of =
        |url: &String| application.spec.all_sources().iter().any(|source| is_one_repository(&source.repo_url, url));
    is_of_project && args.repo.as_ref().is_none_or(is_of)
}
