//! The command line: the same commands and flags as `kubectl argo rollouts`.

use std::ffi::OsString;
use std::fmt;
use std::io::IsTerminal;
use std::path::Path;

use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand};

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
    let mut command = command(program);
    let parsed = command.try_get_matches_from_mut(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    (program, parsed.unwrap_or_else(|error| leave(&error.format(&mut command), code_of_misuse(program, arguments))))
}

/// The exit code for a command line that makes no sense. Scripts expect 1, except of `lint` and `app diff`, where 1 is a verdict.
fn code_of_misuse(program: Program, arguments: &[OsString]) -> i32 {
    let words = arguments.iter().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    // What follows the last word does not matter.
    let words: Vec<String> = words.chain([String::new()]).collect();
    let commands = line::read(command(program), &words).commands;
    if commands == ["lint"] || commands == ["app", "diff"] { 2 } else { 1 }
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
    with_go_flags(names::checked(command)).mut_subcommands(|inner| inner.disable_help_subcommand(true))
}

/// Lets every flag of a command that is on or off be given a value, as programs in Go have it: `--prune=false`.
fn with_go_flags(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| {
        if !matches!(arg.get_action(), ArgAction::SetTrue) {
            return arg;
        }
        arg.action(ArgAction::Set)
            .value_parser(clap::value_parser!(bool))
            .value_name("BOOL")
            .num_args(0..=1)
            .require_equals(true)
            .default_value("false")
            .default_missing_value("true")
            .hide_default_value(true)
            .hide_possible_values(true)
    });
    command.mut_subcommands(with_go_flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        let arguments: Vec<&str> = std::iter::once("kubectl-sluice").chain(line.split(' ')).collect();
        command(Program::Sluice).try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches))
    }

    #[test]
    fn the_definition_is_sound() {
        command(Program::ArgoRollouts).debug_assert();
    }

    #[test]
    fn the_name_of_the_executable_decides_how_usage_reads() {
        let path = OsString::from("/usr/local/bin/kubectl-argo-rollouts");
        assert_eq!(Program::of(Some(&path)), Program::ArgoRollouts);
        assert_eq!(Program::of(Some(&"kubectl-sluice".into())), Program::Sluice);
        let mut command = command(Program::ArgoRollouts);
        let error = command.try_get_matches_from_mut(["x", "abort"]).expect_err("a name is missing");
        let usage = error.format(&mut command).to_string();
        assert!(usage.contains("Usage: kubectl argo rollouts abort"), "{usage}");
    }

    #[test]
    fn a_misused_command_is_no_verdict() {
        let code =
            |line: &str| code_of_misuse(Program::Sluice, &line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(
            [code("kubectl-sluice lint --wrong"), code("kubectl-sluice --wrong lint"), code("x abort lint")],
            [2, 2, 1]
        );
        assert_eq!([code("x app diff"), code("x app -n a diff"), code("x app sync")], [2, 2, 1]);
        assert_eq!(
            [code("x -n shop lint --wrong"), code("x --context=a lint"), code("x app get diff --wrong")],
            [2, 2, 1]
        );
        assert!(read("lint").is_err());
    }

    #[test]
    fn flags_that_are_on_or_off_take_a_value_as_in_go_and_no_word_that_follows() {
        let read = |line: &str| format!("{:?}", read(line).expect(line));
        for (line, expected) in [
            ("promote web -c=true", "skip_current_step: true"),
            ("version --short=true", "short: true"),
            ("dashboard --read-only=true", "read_only: true"),
            ("lint a --strict=true", "strict: true"),
            ("events web -w=false", "watch: false"),
            ("top -A=true", "all_namespaces: true"),
            ("list rollouts -Aw", "watch: true"),
            ("app sync web", "prune: false"),
            ("app sync web --prune", "prune: true"),
            ("app sync web --prune=false", "prune: false"),
            ("app sync --prune web", "prune: true"),
            ("app delete web", "cascade: true"),
            ("app delete web --cascade=false", "cascade: false"),
        ] {
            assert!(read(line).contains(expected), "{line}");
        }
    }

    #[test]
    fn help_is_a_command_too() {
        let help = |line: &str| {
            let error = read(line).expect_err("the help is what comes instead");
            assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp);
            error.to_string()
        };
        assert!(help("help promote").contains("Usage: kubectl sluice promote"));
        assert_eq!(help("help get rollout"), help("get rollout --help"));
    }

    #[test]
    fn command_lines_of_applications_that_make_no_sense_are_refused() {
        for line in [
            "app",
            "app sync",
            "app sync web -l team=a",
            "app get",
            "app get web -o name",
            "app get ../web",
            "app create",
            "app create web --sync-policy sometimes",
            "app create web -p image",
            "app wait web --delete --health",
            "app rollback web latest",
            "app manifests web --source anywhere",
            "app diff web --revision v2 --local .",
            "app manifests web --local-repo-root .",
            "app delete",
            "app delete web -p orphan",
            "app sync web --timeout -1",
            "app sync web --prune=maybe",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn command_lines_of_argo_rollouts_are_understood() {
        for line in [
            "get rollout web",
            "get ro web -w --no-color",
            "get rollout web --watch --timeout-seconds 10 -n shop",
            "get rollouts web --no-color=true -w=false",
            "get experiment web -w",
            "get exp web",
            "get analysisrun web-2 -w --no-color",
            "get ar web-2",
            "create analysisrun --from errors --name web-2 -a host=web -a path=/a=b --instance-id blue",
            "create -f rollout.yaml -f - -w --no-color",
            "create --filename analysis.yaml --watch=false --no-color=true",
            "explain web -o json",
            "history web -o wide",
            "events web -w",
            "wait web --for healthy --for=step=3 --timeout 5m",
            "wait web --for condition=Available=False",
            "get rollout web -o yaml",
            "get exp web -o name",
            "list rollouts -o wide -A",
            "status web -o json --watch=false",
            "create ar --from-file errors.yaml --generate-name web- --argument host=web",
            "create analysisrun --from errors --global",
            "terminate analysisrun web-2 web-3",
            "terminate experiment web",
            "list experiments -A",
            "list exp -w",
            "retry experiment web",
            "list rollouts -A -w",
            "list rollouts -Aw --timestamps --name web",
            "status web --watch=false",
            "status web -t 30s",
            "status web --timeout 1m --kubeconfig config --context other",
            "set image web web=web:2 *=web:3",
            "promote web --full",
            "promote web -c",
            "promote web --skip-all-steps",
            "abort web shop",
            "retry rollout web",
            "retry ro web shop",
            "pause web",
            "restart web -i 10s",
            "undo web --to-revision=3",
            "app list -l team=a -p default,shop -o wide",
            "app list -A -o name",
            "app get web --refresh --hard-refresh=true --show-operation -o yaml -n gitops",
            "app get gitops/web -N gitops",
            "app create web --repo https://git.example.com/a.git --path deploy --dest-server https://kubernetes.default.svc \
             --dest-namespace web --sync-policy auto --auto-prune --self-heal=true --allow-empty --sync-option Replace=true",
            "app create -f app.yaml --upsert --dry-run=client -o yaml",
            "app create web --repo a --helm-chart b --revision 1.* --dest-name in-cluster --values a.yaml --values b.yaml \
             -p image.tag=v2 --helm-set a=b --release-name c --project d --set-finalizer -l team=a --dry-run",
            "app create web --repo a --path b --dest-name c --directory-recurse --kustomize-image web=web:2 --sync-policy none",
            "app sync web api --prune --dry-run --revision v2 --force --strategy apply --timeout 60 --info why=because",
            "app sync -l team=a --async --replace --server-side --apply-out-of-sync-only --prune=false",
            "app sync web --resource apps:Deployment:web --resource !:Secret:a/b --resource *:ConfigMap:*",
            "app sync web --retry-limit 3 --retry-backoff-duration 10s --retry-backoff-max-duration 1m --retry-backoff-factor 3",
            "app sync web --retry-limit -1 --retry-refresh",
            "app wait web --health --sync --operation --timeout 300 --resource apps:Deployment:web",
            "app wait -l team=a --suspended --degraded",
            "app wait web api --delete",
            "app history web -o id",
            "app rollback web",
            "app rollback web 3 --prune --dry-run --timeout 60 --async",
            "app manifests web --source live -o json",
            "app diff web --local ./web --local-repo-root . --exit-code=false --hard-refresh",
            "app terminate-op web",
            "app delete web api -y --cascade=false --wait",
            "app delete -l team=a --yes --propagation-policy background",
            "app delete web -p foreground --cascade",
            "app confirm-deletion web",
            "lint -f rollout.yaml",
            "lint manifests - -o json --complete --strict",
            "dashboard",
            "dashboard -p 3200 --root-path ui --read-only",
            "version --short",
            "completion bash",
            "--namespace shop promote web -v 9 --loglevel debug --as admin --as-group a --as-group b",
        ] {
            if let Err(error) = read(line) {
                panic!("{line}: {error}");
            }
        }
    }
}
