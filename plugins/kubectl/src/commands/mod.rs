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
use crate::cli::{Cli, Command, Get, InCluster, List, Program, Retry, Set, Terminate};
use crate::client::Session;
use crate::connection::{Connected, Connection, connect};
use crate::problem::Problem;
use crate::suggest;
use crate::top;

/// Does what the command line asks for.
pub async fn run(cli: Cli, program: Program) -> Result<(), Problem> {
    match cli.command {
        Command::Lint(args) => lint::run(&args),
        Command::Version(args) => version::run(&args, program),
        Command::Completion(args) => completion::run(&args, program),
        Command::Man(args) => man::run(&args, program),
        Command::InCluster(command) => in_cluster(command, &cli.connection, program).await,
    }
}

async fn in_cluster(command: InCluster, connection: &Connection, program: Program) -> Result<(), Problem> {
    if let InCluster::Top(_) = &command {
        top::check(program)?;
    }
    let code = if let InCluster::App(args) = &command { args.code_of_failure() } else { 1 };
    let connected = connect(connection).await.map_err(|problem| problem.with_code(code))?;
    let Connected { client, namespace, .. } = &connected;
    let flags = again::flags(connection);
    let session = Session { client: client.clone(), namespace: namespace.clone(), program, flags };
    match Box::pin(act(command, &session, connected, connection)).await {
        Err(problem) if problem.missing().is_some() => Err(suggest::improve(problem, &session).await),
        outcome => outcome,
    }
}

async fn act(
    command: InCluster,
    session: &Session,
    connected: Connected,
    connection: &Connection,
) -> Result<(), Problem> {
    let is_namespace_said = connection.namespace.is_some();
    match command {
        InCluster::Create(args) => Box::pin(create::run(args, session, is_namespace_said)).await,
        InCluster::Get(Get::Rollout(args)) => get::rollout::run(args, session).await,
        InCluster::Get(Get::AnalysisRun(args)) => get::analysis_run::run(args, session).await,
        InCluster::Get(Get::Experiment(args)) => get::experiment::run(args, session).await,
        InCluster::List(List::Rollouts(args)) => list::run::<Rollout>(args, session).await,
        InCluster::List(List::Experiments(args)) => list::run::<Experiment>(args, session).await,
        InCluster::Explain(args) => explain::run(args, session).await,
        InCluster::History(args) => Box::pin(history::run(args, session)).await,
        InCluster::Events(args) => Box::pin(events::run(args, session)).await,
        InCluster::Wait(args) => Box::pin(wait::run(args, session)).await,
        InCluster::Status(args) => Box::pin(status::run(args, session)).await,
        InCluster::Set(Set::Image(args)) => set_image::run(args, session).await,
        InCluster::Promote(args) => promote::run(args, session).await,
        InCluster::Abort(args) => abort::run(args, session).await,
        InCluster::Retry(Retry::Rollout(args)) => retry::rollouts(args, session).await,
        InCluster::Retry(Retry::Experiment(args)) => retry::experiments(args, session).await,
        InCluster::Terminate(Terminate::AnalysisRun(args)) => {
            terminate::run::<AnalysisRun>(args, "analysisrun", session).await
        }
        InCluster::Terminate(Terminate::Experiment(args)) => {
            terminate::run::<Experiment>(args, "experiment", session).await
        }
        InCluster::Pause(args) => pause::run(args, session).await,
        InCluster::Restart(args) => restart::run(args, session).await,
        InCluster::Undo(args) => undo::run(args, session).await,
        InCluster::Top(args) => top::run(args, session, connection).await,
        InCluster::App(args) => Box::pin(app::run(*args, session.within(None), is_namespace_said)).await,
        InCluster::Dashboard(args) => dashboard::run(args, session, &connected.config, connected.context).await,
    }
}
