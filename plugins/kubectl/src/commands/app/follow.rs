//! Watching one Application.

use std::time::Duration;

use futures::StreamExt as _;
use kube::runtime::watcher;
use sluice_core::api::Application;
use tokio::time::Instant;

use super::target::One;
use crate::clock;
use crate::problem::Problem;
use crate::term;
use crate::view::app::changes::Told;
use crate::view::app::words;
use crate::view::paint::Paint;
use crate::watch;

/// How long to wait at most.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Timeout {
    /// Give up after this many seconds; 0 is never
    #[arg(long = "timeout", value_name = "SECONDS", default_value_t = 0)]
    seconds: u64,
}

/// When to give up.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    seconds: u64,
    at: Option<Instant>,
}

impl Timeout {
    /// From now on.
    pub fn begin(self) -> Deadline {
        Deadline::after(self.seconds)
    }
}

impl Deadline {
    /// So many seconds from now; 0 is never.
    pub fn after(seconds: u64) -> Deadline {
        let at = Instant::now().checked_add(Duration::from_secs(seconds)).filter(|_| seconds > 0);
        Deadline { seconds, at }
    }

    /// What it means that it has passed.
    pub fn passed(&self, one: &One<'_>, open: &str) -> Problem {
        let why = if open.is_empty() { String::new() } else { format!(": {}", words::line(open)) };
        Problem::new(format!("timed out after {}s waiting for {}{why}", self.seconds, one.title()))
            .advise(format!("See how it stands: {}", one.command("get")))
    }

    async fn passes(&self) {
        match self.at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

/// Looks at an Application now and whenever it changes, until `look` has seen enough; `None` where time is up before. It is shown
/// nothing where the Application is not there.
pub async fn follow<T>(
    one: &One<'_>,
    deadline: Deadline,
    mut look: impl FnMut(Option<&Application>) -> Result<Option<T>, Problem>,
) -> Result<Option<T>, Problem> {
    let config = watcher::Config::default().fields(&format!("metadata.name={}", one.name()));
    let (store, mut changes) = watch::follow(one.api(), config);
    loop {
        let change = tokio::select! {
            change = changes.next() => change,
            () = deadline.passes() => return Ok(None),
        };
        change.unwrap_or_else(|| Err(Problem::new(format!("the watch of {} has ended", one.title()))))?;
        let stored = store.state().into_iter().next();
        let read = stored.map(|stored| stored.read()).transpose();
        let application = read.map_err(|why| Problem::new(format!("cannot read {}: {why}", one.title())))?;
        if let Some(seen) = look(application.as_ref())? {
            return Ok(Some(seen));
        }
    }
}

/// Prints what is new of an Application.
pub fn tell(told: &mut Told, application: &Application, paint: Paint) -> Result<(), Problem> {
    Ok(term::print(&told.news(application, clock::now(), paint))?)
}

/// That it is not there any more.
pub fn deleted(one: &One<'_>) -> Problem {
    Problem::new(format!("{} was deleted", one.title()))
}
