//! `app`: Applications, with the commands of `argocd app`. One file each; what they share is in [`target`] (which ones are meant),
//! [`follow`] (watching one), [`operate`] (asking for an operation, and waiting for its end), and [`look`] (what Git says).

mod confirm_deletion;
mod create;
mod delete;
mod diff;
mod follow;
mod get;
mod history;
mod list;
mod look;
mod manifests;
mod operate;
mod rollback;
mod sync;
mod target;
mod terminate_op;
mod wait;

use crate::client::Session;
use crate::problem::Problem;

/// Arguments of `app`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// The namespace of the Applications; the same as -n
    #[arg(long, short = 'N', global = true, value_name = "NAME")]
    app_namespace: Option<String>,
}

impl Args {
    /// The exit code where it cannot even be begun. Scripts expect 1, except of `diff`, where 1 is an answer.
    pub fn code_of_failure(&self) -> u8 {
        if matches!(self.command, Command::Diff(_)) { 2 } else { 1 }
    }
}

/// What to do with Applications.
#[derive(clap::Subcommand, Debug)]
enum Command {
    /// List Applications
    List(list::Args),
    /// Show an Application: how it stands, what its operation waits for, and its objects
    Get(get::Args),
    /// Create an Application
    Create(Box<create::Args>),
    /// Show what a sync would change
    Diff(Box<diff::Args>),
    /// Make the cluster what Git says
    Sync(sync::Args),
    /// Wait until Applications are as they should be
    Wait(wait::Args),
    /// Show which revisions were synced
    History(history::Args),
    /// Go back to a revision that was synced before
    Rollback(rollback::Args),
    /// Print the objects of an Application
    Manifests(manifests::Args),
    /// End the operation that is in progress
    TerminateOp(terminate_op::Args),
    /// Delete Applications, with their objects or without
    Delete(delete::Args),
    /// Allow that objects go which ask before
    ConfirmDeletion(confirm_deletion::Args),
}

/// Does it. Whether the namespace was said, and is not only the usual one, makes a difference to files that say one.
pub async fn run(args: Args, mut session: Session, mut is_namespace_said: bool) -> Result<(), Problem> {
    if let Some(namespace) = args.app_namespace {
        session.namespace = namespace;
        is_namespace_said = true;
    }
    let session = &session;
    match args.command {
        Command::List(args) => list::run(args, session).await,
        Command::Get(args) => get::run(args, session).await,
        Command::Create(args) => Box::pin(create::run(*args, session, is_namespace_said)).await,
        Command::Diff(args) => Box::pin(diff::run(*args, session)).await,
        Command::Sync(args) => sync::run(args, session).await,
        Command::Wait(args) => Box::pin(wait::run(args, session)).await,
        Command::History(args) => history::run(args, session).await,
        Command::Rollback(args) => rollback::run(args, session).await,
        Command::Manifests(args) => Box::pin(manifests::run(args, session)).await,
        Command::TerminateOp(args) => terminate_op::run(args, session).await,
        Command::Delete(args) => Box::pin(delete::run(args, session)).await,
        Command::ConfirmDeletion(args) => confirm_deletion::run(args, session).await,
    }
}
