//! The commands, one file each: what it takes from the command line, reads, writes and says.

pub mod abort;
pub mod app;
pub mod completion;
pub mod create;
pub mod dashboard;
pub mod events;
pub mod explain;
pub mod get;
pub mod history;
pub mod lint;
pub mod list;
pub mod man;
pub mod pause;
pub mod promote;
pub mod restart;
pub mod retry;
pub mod set_image;
pub mod status;
pub mod stored;
pub mod terminate;
pub mod undo;
pub mod version;
pub mod wait;

use sluice_core::api::{AnalysisRun, Experiment, Rollout};

use crate::again;
use crate::cli::{Cli, Command, Get, List, Program, Retry, Set, Terminate};
use crate::client::Session;
use crate::connection::{Connected, connect};
use crate::problem::Problem;
use crate::suggest;
use crate::top;

/// Does what the command line asks for.
pub async fn run(cli: Cli, program: Program) -> Result<(), Problem> {
    match cli.command {
        Command::Lint(args) => return lint::run(&args),
        Command::Version(args) => return version::run(&args, program),
        Command::Completion(args) => return completion::run(&args, program),
        Command::Top(_) => top::check(program)?,
        Command::Man(args) => return man::run(&args, program),
        _ => {}
    }
    let code = if let Command::App(args) = &cli.command { args.code_of_failure() } else { 1 };
    let connected = connect(&cli.connection).await;
    let Connected { client, namespace, config, context } = connected.map_err(|problem| problem.with_code(code))?;
    let session = Session { client, namespace, program, flags: again::flags(&cli.connection) };
    let is_namespace_said = cli.connection.namespace.is_some();
    let command = match cli.command {
        Command::App(args) => return Box::pin(app::run(*args, session, is_namespace_said)).await,
        Command::Dashboard(args) => return dashboard::run(args, &session, &config, context).await,
        Command::Top(args) => return top::run(args, &session, &cli.connection).await,
        command => command,
    };
    match Box::pin(act(command, &session, is_namespace_said)).await {
        Err(problem) if problem.missing().is_some() => Err(suggest::improve(problem, &session).await),
        outcome => outcome,
    }
}

/// Does what needs a cluster.
async fn act(command: Command, session: &Session, is_namespace_said: bool) -> Result<(), Problem> {
    match command {
        Command::Create(args) => Box::pin(create::run(args, session, is_namespace_said)).await,
        Command::Get(Get::Rollout(args)) => get::rollout::run(args, session).await,
        Command::Get(Get::AnalysisRun(args)) => get::analysis_run::run(args, session).await,
        Command::Get(Get::Experiment(args)) => get::experiment::run(args, session).await,
        Command::List(List::Rollouts(args)) => list::run::<Rollout>(args, session).await,
        Command::List(List::Experiments(args)) => list::run::<Experiment>(args, session).await,
        Command::Explain(args) => explain::run(args, session).await,
        Command::History(args) => Box::pin(history::run(args, session)).await,
        Command::Events(args) => Box::pin(events::run(args, session)).await,
        Command::Wait(args) => Box::pin(wait::run(args, session)).await,
        Command::Status(args) => status::run(args, session).await,
        Command::Set(Set::Image(args)) => set_image::run(args, session).await,
        Command::Promote(args) => promote::run(args, session).await,
        Command::Abort(args) => abort::run(args, session).await,
        Command::Retry(Retry::Rollout(args)) => retry::rollouts(args, session).await,
        Command::Retry(Retry::Experiment(args)) => retry::experiments(args, session).await,
        Command::Terminate(Terminate::AnalysisRun(args)) => {
            terminate::run::<AnalysisRun>(args, "analysisrun", session).await
        }
        Command::Terminate(Terminate::Experiment(args)) => {
            terminate::run::<Experiment>(args, "experiment", session).await
        }
        Command::Pause(args) => pause::run(args, session).await,
        Command::Restart(args) => restart::run(args, session).await,
        Command::Undo(args) => undo::run(args, session).await,
        // They went before.
        Command::App(_)
        | Command::Dashboard(_)
        | Command::Top(_)
        | Command::Lint(_)
        | Command::Version(_)
        | Command::Completion(_)
        | Command::Man(_) => Ok(()),
    }
}
