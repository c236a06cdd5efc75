//! `list rollouts`: a table, and with `--watch` a line for every change.

use std::collections::BTreeMap;

use futures::StreamExt;
use kube::Api;
use kube::api::ListParams;
use kube::runtime::watcher;
use sluice_core::api::Rollout;
use sluice_core::time::floor_to_second;

use crate::client::Session;
use crate::clock;
use crate::problem::Problem;
use crate::term;
use crate::view::list::{self, Columns};
use crate::view::table::Layout;
use crate::watch::follow;

/// Arguments of `list rollouts`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only the rollout with this name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Rollouts of all namespaces
    #[arg(long, short = 'A', num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    all_namespaces: bool,
    /// Print a line whenever a rollout changes
    #[arg(long, short, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    watch: bool,
    /// Begin every line with the time
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    timestamps: bool,
}

/// Prints the table.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let api: Api<Rollout> = if args.all_namespaces { Api::all(session.client.clone()) } else { session.rollouts() };
    let fields = args.name.as_ref().map(|name| format!("metadata.name={name}"));
    let mut params = ListParams::default();
    params.field_selector.clone_from(&fields);
    let listed = api.list(&params).await.map_err(|error| session.explain(&error, "list rollouts"))?;
    let columns = Columns { namespace: args.all_namespaces, time: args.timestamps };
    let paint = term::paint(false);
    if listed.items.is_empty() && !args.watch {
        let place = if args.all_namespaces { String::new() } else { format!(" in {} namespace", session.namespace) };
        eprintln!("No resources found{place}.");
        return Ok(());
    }
    let mut table = Layout::default();
    let time = || floor_to_second(clock::now()).to_string();
    term::print(&list::render(&listed.items, columns, &time(), &mut table, paint))?;
    if !args.watch {
        return Ok(());
    }
    let key = |rollout: &Rollout| (rollout.metadata.namespace.clone(), rollout.metadata.name.clone());
    let row = |rollout: &Rollout| list::row(rollout, columns, "");
    let mut shown: BTreeMap<_, _> = listed.items.iter().map(|rollout| (key(rollout), row(rollout))).collect();
    let config = watcher::Config { field_selector: fields, ..watcher::Config::default() };
    let (store, mut changes) = follow(api, config);
    while let Some(change) = changes.next().await {
        change?;
        let present = store.state();
        shown.retain(|known, _| present.iter().any(|rollout| key(rollout) == *known));
        for rollout in present {
            if shown.insert(key(&rollout), row(&rollout)) != Some(row(&rollout)) {
                term::print(&table.render(&[list::row(&rollout, columns, &time())], paint))?;
            }
        }
    }
    Ok(())
}
