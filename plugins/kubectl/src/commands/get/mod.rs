//! `get`: the whole picture of one object, once or live.

pub mod analysis_run;
pub mod experiment;
pub mod rollout;

use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use kube::runtime::reflector::Store;
use tokio::time::{self, MissedTickBehavior};

use crate::clock;
use crate::problem::Problem;
use crate::term::{self, Screen};
use crate::view::paint::Paint;
use crate::watch::Changes;

/// Changes come in bursts; this long after the first of them the page is drawn again.
const SETTLE: Duration = Duration::from_millis(100);

/// How to show it.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Keep the page up to date
    #[arg(long, short, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    watch: bool,
    /// No colours
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    no_color: bool,
    /// With --watch: end after this many seconds; 0 is never
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    timeout_seconds: u64,
}

/// What keeps a picture up to date.
struct Feed<T> {
    /// Says that something changed.
    changes: Changes,
    /// The picture; `None` before everything is listed, when what was read at the start is the better one.
    read: Box<dyn Fn() -> Option<Result<T, Problem>> + Send>,
}

impl Options {
    /// Shows what was read, and with `--watch` whatever becomes of it.
    async fn show<T>(
        &self,
        first: T,
        feed: impl FnOnce(&T) -> Feed<T>,
        draw: impl Fn(&T, Timestamp, Paint) -> String,
    ) -> Result<(), Problem> {
        let paint = term::paint(self.no_color);
        if !self.watch {
            return Ok(term::print(&draw(&first, clock::now(), paint))?);
        }
        let feed = feed(&first);
        let watching = live(first, feed, draw, paint);
        match self.timeout_seconds {
            0 => watching.await,
            seconds => time::timeout(Duration::from_secs(seconds), watching).await.unwrap_or(Ok(())),
        }
    }
}

async fn live<T>(
    mut shown: T,
    Feed { mut changes, read }: Feed<T>,
    draw: impl Fn(&T, Timestamp, Paint) -> String,
    paint: Paint,
) -> Result<(), Problem> {
    let start = clock::now();
    let mut ticks = time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut screen = Screen::new();
    loop {
        // Ages change all the time; seen from a fixed moment only what matters does.
        screen.show(&draw(&shown, clock::now(), paint), draw(&shown, start, Paint::Plain))?;
        tokio::select! {
            change = changes.next() => {
                change.unwrap_or(Ok(()))?;
                let settled = time::sleep(SETTLE);
                tokio::pin!(settled);
                while let Some(change) = tokio::select! { change = changes.next() => change, () = &mut settled => None } {
                    change?;
                }
            }
            _ = ticks.tick(), if screen.is_live() => {}
        }
        if let Some(now) = read() {
            shown = now?;
        }
    }
}

/// Everything in a store, once it has been listed.
fn listed<K>(store: &Store<K>) -> Option<Vec<K>>
where
    K: kube::runtime::reflector::Lookup + Clone + 'static,
    K::DynamicType: Eq + std::hash::Hash + Clone,
{
    store.wait_until_ready().now_or_never()?.ok()?;
    Some(store.state().iter().map(|object| K::clone(object)).collect())
}

/// The one object that a page is about.
fn only<K>(listed: Vec<K>, what: &str) -> Result<K, Problem> {
    listed.into_iter().next().ok_or_else(|| Problem::new(format!("{what} was deleted")))
}
