//! `list`: a table, and with `--watch` a line for every change.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use futures::StreamExt;
use k8s_openapi::NamespaceResourceScope;
use kube::Api;
use kube::api::ListParams;
use kube::runtime::watcher;
use serde::de::DeserializeOwned;
use sluice_core::time::floor_to_second;

use super::get;
use super::stored;
use crate::client::Session;
use crate::clock;
use crate::output::Output;
use crate::problem::Problem;
use crate::term;
use crate::view::list::{self, Columns, Listed};
use crate::view::table::Layout;
use crate::watch::{Losses, follow};

/// Arguments of `list rollouts` and `list experiments`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only the one with this name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Those of all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// Print a line whenever one changes
    #[arg(long, short)]
    watch: bool,
    /// Begin every line with the time
    #[arg(long)]
    timestamps: bool,
    /// How to print them
    #[arg(long, short, value_name = "FORMAT", value_parser = Output::among(&[Output::Wide, Output::Json, Output::Yaml, Output::Name]))]
    output: Option<Output>,
    /// No colours
    #[arg(long)]
    no_color: bool,
}

/// Prints the table.
pub async fn run<K>(args: Args, session: &Session) -> Result<(), Problem>
where
    K: Listed<Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Default + Eq + Hash + Clone,
{
    let api: Api<K> = if args.all_namespaces { Api::all(session.client.clone()) } else { session.api() };
    let fields = args.name.as_ref().map(|name| format!("metadata.name={name}"));
    let mut params = ListParams::default();
    params.field_selector.clone_from(&fields);
    let what = format!("list {}", K::plural(&K::DynamicType::default()));
    if print_stored::<K>(&args, &params, session).await? {
        return Ok(());
    }
    let listed = api.list(&params).await.map_err(|error| session.explain(&error, &what))?;
    let columns =
        Columns { namespace: args.all_namespaces, time: args.timestamps, wide: args.output == Some(Output::Wide) };
    let paint = term::paint(args.no_color);
    if listed.items.is_empty() && !args.watch {
        let place = if args.all_namespaces { String::new() } else { format!(" in {} namespace", session.namespace) };
        eprintln!("No resources found{place}.");
        return Ok(());
    }
    let mut table = Layout::default();
    let time = || floor_to_second(clock::now()).to_string();
    let start = clock::now();
    term::print(&list::render(&listed.items, columns, &time(), start, &mut table, paint))?;
    if !args.watch {
        return Ok(());
    }
    let key = |object: &K| (object.meta().namespace.clone(), object.meta().name.clone());
    // Ages change all the time; seen from a fixed moment only what matters does.
    let row = |object: &K| list::row(object, columns, "", start);
    let mut shown: BTreeMap<_, _> = listed.items.iter().map(|object| (key(object), row(object))).collect();
    let config = watcher::Config { field_selector: fields, ..watcher::Config::default() };
    let (store, mut changes) = follow(api, config);
    let mut losses = Losses::default();
    while let Some(news) = changes.next().await {
        losses.tell(news?);
        let Some(present) = get::listed(&store) else { continue };
        shown.retain(|known, _| present.iter().any(|object| key(object) == *known));
        for object in present {
            if shown.insert(key(&object), row(&object)) != Some(row(&object)) {
                term::print(&table.render(&[list::row(&object, columns, &time(), clock::now())], paint))?;
            }
        }
    }
    Ok(())
}

/// Prints the objects as they are stored, if that is what is wanted.
async fn print_stored<K>(args: &Args, params: &ListParams, session: &Session) -> Result<bool, Problem>
where
    K: Listed,
    K::DynamicType: Default,
{
    let Some(output) = args.output.filter(|output| *output != Output::Wide) else { return Ok(false) };
    if args.watch {
        return Err(Problem::new("--watch prints lines: use it without --output, or with --output wide"));
    }
    let what = format!("list {}", K::plural(&K::DynamicType::default()));
    let namespace = (!args.all_namespaces).then_some(session.namespace.as_str());
    let api = stored::all_fields::<K>(session.client.clone(), namespace);
    let listed = api.list(params).await.map_err(|error| session.explain(&error, &what))?;
    if let Some(text) = stored::list::<K>(&listed.items, output) {
        term::print(&text?)?;
    }
    Ok(true)
}
