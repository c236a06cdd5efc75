//! `get`: the whole picture of one object, once or live.

pub mod analysis_run;
pub mod experiment;
pub mod rollout;

use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use kube::runtime::reflector::Store;
use tokio::signal::unix::{self, SignalKind};
use tokio::time::{self, MissedTickBehavior};

use super::stored;
use crate::client::Session;
use crate::clock;
use crate::ending::Endings;
use crate::output::Output;
use crate::problem::Problem;
use crate::term::{self, Screen};
use crate::view::paint::Paint;
use crate::watch::{Changes, Losses};

/// Changes come in bursts; this long after the first of them the page is drawn again.
const SETTLE: Duration = Duration::from_millis(100);

/// How to show it.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Keep the page up to date
    #[arg(long, short)]
    watch: bool,
    /// No colours
    #[arg(long)]
    no_color: bool,
    /// With --watch: end after this many seconds; 0 is never
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    timeout_seconds: u64,
    /// How to print it
    #[arg(long, short, value_name = "FORMAT", value_parser = Output::among(&[Output::Wide, Output::Json, Output::Yaml, Output::Name]))]
    output: Option<Output>,
}

/// What keeps a picture up to date.
pub struct Feed<T> {
    /// Says that something changed.
    pub changes: Changes,
    /// The picture; `None` before everything is listed, when what was read at the start is the better one.
    pub read: Box<dyn Fn() -> Option<Result<T, Problem>> + Send>,
}

impl Options {
    /// Those that keep the page up to date.
    fn watching(no_color: bool) -> Options {
        Options { watch: true, no_color, timeout_seconds: 0, output: None }
    }

    /// Prints an object as it is stored, if that is what is wanted.
    async fn print_stored<K>(&self, name: &str, session: &Session) -> Result<bool, Problem>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        let Some(output) = self.output.filter(|output| *output != Output::Wide) else { return Ok(false) };
        if self.watch {
            return Err(Problem::new("--watch shows a page: use it without --output, or with --output wide"));
        }
        let read = stored::all_fields::<K>(session.client.clone(), Some(&session.namespace)).get(name).await;
        let kind = K::kind(&K::DynamicType::default()).to_lowercase();
        let object = read.map_err(|error| session.explain(&error, &format!("read {kind} '{name}'")))?;
        if let Some(text) = stored::one::<K>(&object, output) {
            term::print(&text?)?;
        }
        Ok(true)
    }

    /// Whether more columns are wanted.
    fn is_wide(&self) -> bool {
        self.output == Some(Output::Wide)
    }

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
        let screen = Screen::new();
        // The cursor has to come back, however it ends.
        let mut endings = if screen.is_live() { Endings::listen()? } else { Endings::by_default() };
        let limit = Duration::from_secs(self.timeout_seconds);
        tokio::select! {
            ended = live(first, feed, draw, paint, screen) => ended,
            () = time::sleep(limit), if !limit.is_zero() => Ok(()),
            ending = endings.first() => Err(ending),
        }
    }
}

async fn live<T>(
    mut shown: T,
    Feed { mut changes, read }: Feed<T>,
    draw: impl Fn(&T, Timestamp, Paint) -> String,
    paint: Paint,
    mut screen: Screen,
) -> Result<(), Problem> {
    let start = clock::now();
    let mut ticks = time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut resized = unix::signal(SignalKind::window_change())?;
    let mut losses = Losses::default();
    let is_live = screen.is_live();
    // A page that is redrawn says itself what is lost.
    let hear = |losses: &mut Losses, news| {
        if is_live { drop(losses.hear(news, clock::now())) } else { losses.tell(news) }
    };
    loop {
        let now = clock::now();
        // Ages change all the time; seen from a fixed moment only what matters does.
        screen.show(&draw(&shown, now, paint), losses.line(now).as_deref(), draw(&shown, start, Paint::Plain))?;
        tokio::select! {
            Some(news) = changes.next() => {
                hear(&mut losses, news?);
                let settled = time::sleep(SETTLE);
                tokio::pin!(settled);
                while let Some(news) = tokio::select! { news = changes.next() => news, () = &mut settled => None } {
                    hear(&mut losses, news?);
                }
            }
            _ = ticks.tick(), if screen.is_live() => {}
            _ = resized.recv(), if screen.is_live() => {}
        }
        if let Some(now) = read() {
            shown = now?;
        }
    }
}

/// Everything in a store, once it has been listed.
pub fn listed<K>(store: &Store<K>) -> Option<Vec<K>>
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
