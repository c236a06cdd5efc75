//! The kubectl plugin: `kubectl sluice ...`, also installed as `kubectl-argo-rollouts`.
//!
//! What a command shows is built in [`view`] and what it writes in [`act`], both pure; [`commands`] carries data between
//! those and the API server. [`lint`] needs none.

mod act;
mod again;
mod application;
mod cli;
mod client;
mod clock;
mod commands;
mod complete;
mod connection;
mod ending;
mod file;
mod goal;
mod lint;
mod names;
mod output;
mod problem;
mod suggest;
mod term;
mod top;
mod view;
mod watch;
mod workload;

use std::process::ExitCode;

fn main() -> ExitCode {
    // The one TLS provider of the program; without this line the first connection panics.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let arguments: Vec<_> = std::env::args_os().collect();
    if let Some((program, words)) = complete::asked(&arguments) {
        complete::run(program, &words);
        return ExitCode::SUCCESS;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("Error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (program, cli) = cli::parse(&arguments);
    let ended = runtime.block_on(commands::run(cli, program));
    // What still goes on, such as the look-up of an address, is not waited for.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) if problem.is_silent() => ExitCode::from(problem.code()),
        Err(problem) => {
            term::complain(&problem);
            ExitCode::from(problem.code())
        }
    }
}
