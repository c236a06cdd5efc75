//! `app diff`: what a sync would change. Exits with 0 where that is nothing, 1 where there is something, and 2 where it is not known.

use std::process::Command;

use sluice::gitops::preview::{Sight, Stand};

use super::follow::Deadline;
use super::get::refresh;
use super::look::{Look, warn};
use super::target::{Name, One};
use crate::client::Session;
use crate::problem::Problem;
use crate::term;
use crate::view::app::diff::{Sides, header, sides, unified};
use crate::view::app::words;

/// The program that shows differences, where the user has one.
const PROGRAM: &str = "KUBECTL_EXTERNAL_DIFF";
/// How long the controller may take to look.
const REFRESH: u64 = 60;

/// Arguments of `app diff`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit codes: 0 no differences, 1 differences, 2 they are not known, or the API server would refuse something. The program in \
    KUBECTL_EXTERNAL_DIFF shows them, where there is one."
)]
pub struct Args {
    /// The Application
    #[arg(value_name = "NAME")]
    name: Name,
    #[command(flatten)]
    look: Look,
    /// Whether differences are an exit code
    #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", hide_possible_values = true)]
    exit_code: bool,
    /// The exit code where there are differences
    #[arg(long, value_name = "CODE", default_value_t = 1)]
    diff_exit_code: u8,
    /// Let the controller look at Git and the cluster first
    #[arg(long)]
    refresh: bool,
    /// The same, and let it forget what it remembers
    #[arg(long)]
    hard_refresh: bool,
}

/// Prints the differences.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let code = args.exit_code.then_some(args.diff_exit_code);
    let differs = Box::pin(look(args, session)).await.map_err(|problem| problem.with_code(2))?;
    match code {
        Some(code) if differs && code > 0 => Err(Problem::told().with_code(code)),
        _ => Ok(()),
    }
}

/// Prints them, and says whether there are any.
async fn look(args: Args, session: &Session) -> Result<bool, Problem> {
    let one = One::of(&args.name, session);
    if args.refresh || args.hard_refresh {
        refresh(&one, args.hard_refresh, Deadline::after(REFRESH)).await?;
    }
    let found = one.read().await?;
    let mut preview = Box::pin(args.look.open(&one, found.application)).await?;
    let sights = preview.sights().await;
    let sights = sights.map_err(|why| args.look.folder.failed("compare", &one, &why))?;
    warn(&preview);
    let mut refused = Vec::new();
    for sight in sights.iter().filter(|sight| sight.stand != Stand::Same) {
        term::line(&header(&sight.key))?;
        show(sight)?;
        refused.extend(matches!(sight.stand, Stand::Refused(_)).then(|| sight.key.to_string()));
    }
    if refused.is_empty() {
        return Ok(sights.iter().any(|sight| sight.stand != Stand::Same));
    }
    Err(Problem::new(format!("a sync of {} would fail with {}", one.title(), words::line(&refused.join(", ")))))
}

fn show(sight: &Sight) -> Result<(), Problem> {
    match &sight.stand {
        Stand::Same => Ok(()),
        Stand::Refused(why) => Ok(term::line(&format!("would be refused: {}", words::line(why)))?),
        Stand::TakenOver => Ok(term::line("would be taken over from `kubectl apply`: nothing of it changes now")?),
        Stand::Differs | Stand::New | Stand::Goes => {
            let sides = sides(sight)?;
            match std::env::var(PROGRAM).ok().filter(|program| !program.trim().is_empty()) {
                Some(program) => external(&program, &sides),
                None => Ok(term::print(&unified(&sides, term::paint(false)))?),
            }
        }
    }
}

/// Lets the user's program show the two sides.
fn external(program: &str, sides: &Sides) -> Result<(), Problem> {
    let cannot = |why: String| Problem::new(format!("cannot show a difference with {program:?} of {PROGRAM}: {why}"));
    let folder = tempfile::tempdir().map_err(|error| cannot(error.to_string()))?;
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).map(|()| path).map_err(|error| cannot(error.to_string()))
    };
    let (live, target) = (write("live.yaml", &sides.live)?, write("target.yaml", &sides.target)?);
    let mut words = program.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    let status = command.args(words).arg(live).arg(target).status().map_err(|error| cannot(error.to_string()))?;
    // 1 says that they differ, which they do.
    if matches!(status.code(), Some(0 | 1)) { Ok(()) } else { Err(cannot(status.to_string())) }
}
