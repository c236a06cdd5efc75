//! `restart`: has the controller replace all pods, now or later.

use jiff::SignedDuration;
use sluice_core::time::parse_go_duration;

use crate::client::Session;
use crate::clock;
use crate::problem::Problem;
use crate::term;
use sluice_core::info::age;

/// Arguments of `restart`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rollouts
    #[arg(required = true, value_name = "ROLLOUT")]
    names: Vec<String>,
    /// Restart after this long, for example 10s
    #[arg(long = "in", short = 'i', value_name = "DURATION", default_value = "0s", value_parser = duration)]
    delay: SignedDuration,
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    let duration = parse_go_duration(text).map_err(|error| error.to_string())?;
    if duration.is_negative() { Err(format!("{text} is in the past")) } else { Ok(duration) }
}

/// Has the pods replaced.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let steer = session.steer();
    for name in &args.names {
        steer.restart(name, clock::now(), args.delay).await.map_err(|refusal| session.because(refusal))?;
        term::line(&format!("rollout '{name}' restarts in {}", age::human(args.delay)))?;
    }
    Ok(())
}
