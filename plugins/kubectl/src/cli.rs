//! The command line: the same commands and flags as `kubectl argo rollouts`.

mod go;

use std::ffi::OsString;
use std::fmt;
use std::io::IsTerminal;
use std::path::Path;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{
    abort, app, completion, create, dashboard, events, explain, get, history, lint, list, man, pause, promote, restart,
    retry, set_image, status, terminate, undo, version, wait,
};
use crate::complete::line;
use crate::connection::Connection;
use crate::names;
use crate::top;

/// The name that the plugin was called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `kubectl sluice`.
    Sluice,
    /// `kubectl argo rollouts`, for scripts and habits.
    ArgoRollouts,
}

impl Program {
    /// Which name the first argument stands for.
    pub fn of(argument: Option<&OsString>) -> Program {
        let name = argument.and_then(|path| Path::new(path).file_stem()).and_then(|name| name.to_str());
        if name == Some("kubectl-argo-rollouts") { Program::ArgoRollouts } else { Program::Sluice }
    }

    /// The name of the executable.
    pub fn executable(self) -> &'static str {
        match self {
            Program::Sluice => "kubectl-sluice",
            Program::ArgoRollouts => "kubectl-argo-rollouts",
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Program::Sluice => "kubectl sluice",
            Program::ArgoRollouts => "kubectl argo rollouts",
        })
    }
}

/// What scripts can rely on.
const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed or the command line makes no sense, 130 ended by Ctrl-C. lint, app diff and wait have \
    more; their own help lists them.";

/// Look at and steer rollouts and Applications
#[derive(Parser, Debug)]
#[command(after_help = EXIT_CODES)]
#[command(args_override_self = true, subcommand_required = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub connection: Connection,
    /// Accepted for compatibility
    #[arg(long, short = 'v', global = true, hide = true, value_name = "LEVEL")]
    kloglevel: Option<i32>,
    /// Accepted for compatibility
    #[arg(long, global = true, hide = true, value_name = "LEVEL")]
    loglevel: Option<String>,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    #[command(flatten)]
    InCluster(InCluster),
    /// Check manifests without a cluster
    Lint(lint::Args),
    /// Print the version
    Version(version::Args),
    /// Print a completion script for a shell
    Completion(completion::Args),
    /// Write manual pages
    #[command(hide = true)]
    Man(man::Args),
}

/// What to do in a cluster.
#[derive(Subcommand, Debug)]
pub enum InCluster {
    /// Create what is in a file, or an analysis run from a template
    Create(create::Args),
    /// Show a rollout, an analysis run or an experiment
    #[command(subcommand)]
    Get(Get),
    /// List rollouts or experiments
    #[command(subcommand)]
    List(List),
    /// Say why a rollout is where it is, and what to do next
    Explain(explain::Args),
    /// Show the revisions of a rollout: what they run, who asked for them, what became of them
    History(history::Args),
    /// Show what happened to a rollout and to what belongs to it
    Events(events::Args),
    /// Wait until a rollout is where one wants it
    Wait(wait::Args),
    /// Print the status of a rollout until it is healthy or degraded
    Status(status::Args),
    /// Change the images of containers
    #[command(subcommand)]
    Set(Set),
    /// Let a rollout go on to its next step, or all the way
    Promote(promote::Args),
    /// Send all traffic back to the stable revision
    Abort(abort::Args),
    /// Try an aborted update, or an experiment, again
    #[command(subcommand)]
    Retry(Retry),
    /// End an analysis run or an experiment
    #[command(subcommand)]
    Terminate(Terminate),
    /// Hold a rollout where it is
    Pause(pause::Args),
    /// Replace the pods of a rollout one after the other
    Restart(restart::Args),
    /// Go back to an earlier revision
    Undo(undo::Args),
    /// Watch all rollouts live, and steer them
    Top(top::Args),
    /// Look at Applications and steer them
    App(Box<app::Args>),
    /// Show rollouts in the browser
    Dashboard(dashboard::Args),
}

/// What can be shown.
#[derive(Subcommand, Debug)]
pub enum Get {
    /// Show a rollout with its ReplicaSets and pods, and what is measured of it
    #[command(visible_alias = "ro", alias = "rollouts")]
    Rollout(get::rollout::Args),
    /// Show an analysis run with what was measured
    #[command(name = "analysisrun", visible_alias = "ar", alias = "analysisruns")]
    AnalysisRun(get::analysis_run::Args),
    /// Show an experiment with its pods and what is measured of them
    #[command(visible_alias = "exp", alias = "experiments")]
    Experiment(get::experiment::Args),
}

/// What can be ended.
#[derive(Subcommand, Debug)]
pub enum Terminate {
    /// End an analysis run
    #[command(name = "analysisrun", visible_alias = "ar", alias = "analysisruns")]
    AnalysisRun(terminate::Args),
    /// End an experiment
    #[command(visible_alias = "exp", alias = "experiments")]
    Experiment(terminate::Args),
}

/// What can be listed.
#[derive(Subcommand, Debug)]
pub enum List {
    /// List rollouts
    #[command(visible_alias = "ro", alias = "rollout")]
    Rollouts(list::Args),
    /// List experiments
    #[command(visible_alias = "exp", alias = "experiment")]
    Experiments(list::Args),
}

/// What can be set.
#[derive(Subcommand, Debug)]
pub enum Set {
    /// Change the images of containers
    Image(set_image::Args),
}

/// What can be tried again.
#[derive(Subcommand, Debug)]
pub enum Retry {
    /// Try an aborted update again
    #[command(visible_alias = "ro", alias = "rollouts")]
    Rollout(retry::Args),
    /// Try an experiment again
    #[command(visible_alias = "exp", alias = "experiments")]
    Experiment(retry::Args),
}

/// Reads the command line; prints help or usage and ends the process where it makes no sense.
pub fn parse(arguments: &[OsString]) -> (Program, Cli) {
    let program = Program::of(arguments.first());
    let parsed = read(program, arguments);
    (program, parsed.unwrap_or_else(|error| leave(&error, code_of_misuse(program, arguments))))
}

fn read(program: Program, arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut definition = command(program);
    let arguments = go::without_what_is_off(&Cli::command(), arguments, &commands(program, arguments));
    let parsed = definition.try_get_matches_from_mut(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| error.format(&mut definition))
}

/// The exit code for a command line that makes no sense. Scripts expect 1, except of `lint` and `app diff`, where 1 is a verdict.
fn code_of_misuse(program: Program, arguments: &[OsString]) -> i32 {
    let commands = commands(program, arguments);
    if commands == ["lint"] || commands == ["app", "diff"] { 2 } else { 1 }
}

/// The commands that a line names: `app`, `diff`.
fn commands(program: Program, arguments: &[OsString]) -> Vec<String> {
    let words = arguments.iter().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    // What follows the last word does not matter.
    let words: Vec<String> = words.chain([String::new()]).collect();
    line::read(command(program), &words).commands
}

/// Prints help, or what is wrong with the command line in the form of every other error.
fn leave(error: &clap::Error, code: i32) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    let text = error.render();
    let text = if std::io::stderr().is_terminal() { text.ansi().to_string() } else { text.to_string() };
    eprint!("{}", text.replacen("error:", "Error:", 1));
    std::process::exit(code);
}

/// The definition of the command line under the name it was called by.
pub fn command(program: Program) -> clap::Command {
    // One word for clap, so that usage lines read as what one types.
    let command = Cli::command().name(program.executable()).bin_name(program.to_string());
    // `help` is a command of the whole, and none of each that has others below it.
    go::with_values(names::checked(command)).mut_subcommands(|inner| inner.disable_help_subcommand(true))
}

#[cfg(test)]
mod tests;
