//! `app rollback`.

use super::operate::{After, operate};
use super::target::{Found, Name, One};
use crate::act::app::rollback::{Way, operation};
use crate::client::Session;
use crate::problem::Problem;

/// Arguments of `app rollback`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The Application
    #[arg(value_name = "NAME")]
    name: Name,
    /// The entry of its history; the one before the last, where none is given
    #[arg(value_name = "ID")]
    id: Option<i64>,
    /// Let objects go that were not there then
    #[arg(long)]
    prune: bool,
    /// Change nothing: only let the API server say whether it would take everything
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    after: After,
}

/// Goes back.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let one = One::of(&args.name, session);
    let way = Way { id: args.id, prune: args.prune, dry_run: args.dry_run };
    let build = |found: &Found, user: &str| operation(way, &found.stored, &found.application, user);
    operate(&one, &format!("roll {} back", one.title()), &build, args.after).await
}
