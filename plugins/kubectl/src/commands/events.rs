//! `events`: what happened to a rollout and to all that belongs to it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::select;
use k8s_openapi::api::core::v1::Event;
use kube::runtime::watcher;
use sluice_core::info::event::{EventInfo, of_family};
use sluice_core::info::family::Family;

use super::get::{listed, rollout::feed};
use crate::client::Session;
use crate::clock;
use crate::output::{Output, of};
use crate::problem::Problem;
use crate::term;
use crate::view::events::{row, titles};
use crate::view::paint::Paint;
use crate::view::table::Layout;
use crate::watch::{Losses, follow};

/// Events come in bursts, and before the objects that they are about; this long after one of them is looked.
const SETTLE: Duration = Duration::from_millis(300);

/// Arguments of `events`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
    name: String,
    /// Print new ones as they come
    #[arg(long, short, conflicts_with = "output")]
    watch: bool,
    /// How to print them
    #[arg(long, short, value_name = "FORMAT", value_parser = Output::among(&[Output::Json, Output::Yaml]))]
    output: Option<Output>,
    /// No colours
    #[arg(long)]
    no_color: bool,
}

/// What was printed: how often each event, by its uid, had happened.
type Told = BTreeMap<String, i32>;

/// Prints the events, the oldest first.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let family = session.family(&args.name).await?;
    let events = session.events().await?;
    let infos: Vec<EventInfo> = of_family(&family, &events).into_iter().map(EventInfo::of).collect();
    if let Some(text) = args.output.and_then(|output| output.structured(&of(&infos))) {
        return Ok(term::print(&text?)?);
    }
    let paint = term::paint(args.no_color);
    if infos.is_empty() && !args.watch {
        eprintln!("No events of rollout '{}'; Kubernetes keeps them for an hour.", args.name);
        return Ok(());
    }
    let now = clock::now();
    let rows: Vec<_> = std::iter::once(titles()).chain(infos.iter().map(|info| row(info, now))).collect();
    let mut layout = Layout::default();
    term::print(&layout.render(&rows, paint))?;
    if !args.watch {
        return Ok(());
    }
    let mut told = Told::new();
    unheard(&family, &events, &mut told);
    Box::pin(go_on(&args.name, family, told, layout, paint, session)).await
}

async fn go_on(
    name: &str,
    mut family: Family,
    mut told: Told,
    mut layout: Layout,
    paint: Paint,
    session: &Session,
) -> Result<(), Problem> {
    let members = feed(name, &family, session);
    let (events, of_events) = follow(session.api::<Event>(), watcher::Config::default());
    let mut changes = select(members.changes, of_events);
    let mut losses = Losses::default();
    while let Some(news) = changes.next().await {
        losses.tell(news?);
        let settled = tokio::time::sleep(SETTLE);
        tokio::pin!(settled);
        while let Some(news) = tokio::select! { news = changes.next() => news, () = &mut settled => None } {
            losses.tell(news?);
        }
        if let Some(present) = (members.read)() {
            family = present?;
        }
        let Some(all) = listed(&events) else { continue };
        let now = clock::now();
        let rows: Vec<_> = unheard(&family, &all, &mut told).iter().map(|info| row(info, now)).collect();
        term::print(&layout.render(&rows, paint))?;
    }
    Ok(())
}

/// Events that were not told yet, or happened again since.
fn unheard(family: &Family, events: &[Event], told: &mut Told) -> Vec<EventInfo> {
    let mut news = Vec::new();
    for event in of_family(family, events) {
        let info = EventInfo::of(event);
        let uid = event.metadata.uid.clone().or_else(|| event.metadata.name.clone()).unwrap_or_default();
        if told.insert(uid, info.count).is_none_or(|before| before < info.count) {
            news.push(info);
        }
    }
    news
}
