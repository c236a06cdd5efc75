//! What can come next on a command line that is not finished: pure, from the definition of the command line.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, Command};

/// What can stand where the cursor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Words that are known already, each with what it means.
    Words(Vec<(String, String)>),
    /// Names of something in the cluster or in the kubeconfig.
    Names(Names),
    /// A file or a folder, which the shell finds.
    Files,
    /// Something that only the user knows.
    Nothing,
}

/// Names that have to be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Rollouts.
    Rollouts,
    /// Experiments.
    Experiments,
    /// Analysis runs.
    AnalysisRuns,
    /// Analysis templates.
    Templates,
    /// Analysis templates of the whole cluster.
    ClusterTemplates,
    /// Applications.
    Applications,
    /// Namespaces.
    Namespaces,
    /// Contexts of the kubeconfig.
    Contexts,
    /// Clusters of the kubeconfig.
    Clusters,
    /// Users of the kubeconfig.
    Users,
    /// Containers of the rollout that was named, each with its image.
    Containers,
    /// Revisions of the rollout that was named.
    Revisions,
}

/// A command line up to the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What can come next.
    pub wanted: Wanted,
    /// What every candidate begins with: `--namespace=`.
    pub lead: String,
    /// What was typed of it.
    pub typed: String,
    /// The commands that were given: `app`, `diff`.
    pub commands: Vec<String>,
    /// Values of flags that were given, by the flags' long names; of one that needs none `true`.
    pub flags: BTreeMap<String, String>,
    /// What was given beside commands and flags.
    pub positionals: Vec<String>,
}

/// Reads a command line whose last word is not finished.
pub fn read(mut root: Command, words: &[String]) -> Line {
    root.build();
    let (typed, before) = words.split_last().map_or((String::new(), words), |(last, before)| (last.clone(), before));
    let mut line = Line {
        wanted: Wanted::Nothing,
        lead: String::new(),
        typed,
        commands: Vec::new(),
        flags: BTreeMap::new(),
        positionals: Vec::new(),
    };
    let mut path = vec![&root];
    let mut pending: Option<&Arg> = None;
    let mut only_positionals = false;
    for word in before {
        let command = path[path.len() - 1];
        if let Some(flag) = pending.take() {
            line.flags.insert(name(flag), word.clone());
        } else if word == "--" {
            only_positionals = true;
        } else if !only_positionals && word.len() > 1 && word.starts_with('-') {
            match word.split_once('=') {
                Some((flag, value)) => {
                    let known = find(command, flag).map(name);
                    line.flags.extend(known.map(|name| (name, value.to_owned())));
                }
                None => match find(command, word) {
                    Some(flag) if takes_value(flag) => pending = Some(flag),
                    flag => line.flags.extend(flag.map(|flag| (name(flag), "true".to_owned()))),
                },
            }
        } else if let Some(inner) = command.find_subcommand(word).filter(|_| line.positionals.is_empty()) {
            path.push(inner);
            line.commands.push(inner.get_name().to_owned());
        } else {
            line.positionals.push(word.clone());
        }
    }
    let command = path[path.len() - 1];
    let names: Vec<&str> = path.iter().map(|command| command.get_name()).collect();
    let typed = line.typed.clone();
    if let Some(flag) = pending {
        line.wanted = of_value(flag, &names);
    } else if let Some((flag, value)) = typed.split_once('=').filter(|(flag, _)| flag.starts_with("--")) {
        line.lead = format!("{flag}=");
        value.clone_into(&mut line.typed);
        line.wanted = find(command, flag).map_or(Wanted::Nothing, |flag| of_value(flag, &names));
    } else if typed.starts_with('-') && !only_positionals {
        line.wanted = Wanted::Words(flags(command));
    } else if command.has_subcommands() && line.positionals.is_empty() {
        line.wanted = Wanted::Words(commands(command));
    } else {
        line.wanted = positional(command, line.positionals.len()).map_or(Wanted::Nothing, |arg| of_value(arg, &names));
    }
    let is_global = line.flags.get("global").is_some_and(|value| value == "true");
    if is_global && line.wanted == Wanted::Names(Names::Templates) {
        line.wanted = Wanted::Names(Names::ClusterTemplates);
    }
    line
}

fn name(arg: &Arg) -> String {
    arg.get_long().unwrap_or_default().to_owned()
}

/// The flag that a word such as `--namespace` or `-Aw` ends in.
fn find<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    if let Some(long) = word.strip_prefix("--") {
        return command.get_arguments().find(|arg| arg.get_long() == Some(long));
    }
    let mut found = None;
    for short in word.strip_prefix('-')?.chars() {
        found = command.get_arguments().find(|arg| arg.get_short() == Some(short));
        // What follows it is its value.
        if found.is_none_or(takes_value) {
            break;
        }
    }
    let is_whole = found.and_then(Arg::get_short).is_some_and(|short| word.ends_with(short));
    found.filter(|_| is_whole)
}

/// Whether the next word is its value.
fn takes_value(arg: &Arg) -> bool {
    let least = arg.get_num_args().map_or(0, |range| range.min_values());
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) && least > 0 && !arg.is_require_equals_set()
}

/// The argument at a place; the last takes all that follow if it may be given several times.
fn positional(command: &Command, index: usize) -> Option<&Arg> {
    let all: Vec<&Arg> = command.get_positionals().collect();
    let last = all.last().copied().filter(|arg| matches!(arg.get_action(), ArgAction::Append));
    all.get(index).copied().or(last)
}

fn flags(command: &Command) -> Vec<(String, String)> {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let shown = shown.filter_map(|arg| Some((format!("--{}", arg.get_long()?), text(arg.get_help()))));
    shown.collect()
}

fn commands(command: &Command) -> Vec<(String, String)> {
    let shown = command.get_subcommands().filter(|inner| !inner.is_hide_set());
    shown.map(|inner| (inner.get_name().to_owned(), text(inner.get_about()))).collect()
}

fn text(help: Option<&clap::builder::StyledStr>) -> String {
    help.map(|help| help.to_string().lines().next().unwrap_or_default().to_owned()).unwrap_or_default()
}

/// What the value of an argument can be.
fn of_value(arg: &Arg, path: &[&str]) -> Wanted {
    let possible = arg.get_possible_values();
    if !possible.is_empty() {
        let shown = possible.iter().filter(|value| !value.is_hide_set());
        return Wanted::Words(shown.map(|value| (value.get_name().to_owned(), text(value.get_help()))).collect());
    }
    let title = arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    let is_of = |command: &str| path.contains(&command);
    let names = match (arg.get_id().as_str(), title) {
        ("namespace" | "app_namespace", _) => Names::Namespaces,
        ("context", _) => Names::Contexts,
        ("cluster", _) => Names::Clusters,
        ("user", _) => Names::Users,
        ("to_revision", _) => Names::Revisions,
        ("goals", _) => return goals(),
        // In the repository.
        ("path", "PATH") => return Wanted::Nothing,
        (_, "FILE" | "FOLDER" | "PATH") => return Wanted::Files,
        (_, "CONTAINER=IMAGE") => Names::Containers,
        (_, "ROLLOUT") => Names::Rollouts,
        (_, "EXPERIMENT") => Names::Experiments,
        (_, "ANALYSISRUN") => Names::AnalysisRuns,
        (_, "TEMPLATE") => Names::Templates,
        // An argument that several kinds share says only that it is a name.
        (_, "NAME") if arg.is_positional() && is_of("analysisrun") => Names::AnalysisRuns,
        (_, "NAME") if arg.is_positional() && is_of("experiment") => Names::Experiments,
        (_, "NAME") if arg.is_positional() && is_of("app") => Names::Applications,
        ("name", "NAME") if is_of("rollouts") => Names::Rollouts,
        ("name", "NAME") if is_of("experiments") => Names::Experiments,
        _ => return Wanted::Nothing,
    };
    Wanted::Names(names)
}

fn goals() -> Wanted {
    let all = ["healthy", "paused", "degraded", "progressing", "step=", "condition=", "delete"];
    Wanted::Words(all.map(|goal| (goal.to_owned(), String::new())).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Program, command};

    fn at(line: &str) -> Line {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        read(command(Program::Sluice), &words)
    }

    #[track_caller]
    fn offers(line: &str, some: &[&str]) {
        let Wanted::Words(words) = at(line).wanted else { panic!("{line}: {:?}", at(line).wanted) };
        for word in some {
            assert!(words.iter().any(|(known, _)| known == word), "{line}: no {word} in {words:?}");
        }
    }

    #[test]
    fn words_of_the_command_line_come_from_its_definition() {
        offers("", &["get", "explain", "history", "app", "set"]);
        offers("get ", &["rollout", "analysisrun", "experiment"]);
        offers("get rollout -", &["--watch", "--output", "--namespace"]);
        offers("get rollout web -o ", &["wide", "json", "yaml", "name"]);
        offers("get rollout web --output=j", &["json"]);
        offers("completion ", &["bash", "zsh", "fish"]);
        offers("wait web --for ", &["healthy", "step="]);
        assert_eq!(at("get rollout web --output=j").lead, "--output=");
        let Wanted::Words(all) = at("").wanted else { panic!("commands") };
        assert!(all.iter().all(|(word, _)| !word.starts_with("__") && word != "man"), "{all:?}");
    }

    #[test]
    fn names_are_looked_up_where_a_name_belongs() {
        for (line, names) in [
            ("get rollout ", Names::Rollouts),
            ("get ro w", Names::Rollouts),
            ("explain ", Names::Rollouts),
            ("abort web ", Names::Rollouts),
            ("get rollout web -n ", Names::Namespaces),
            ("get rollout web -wn ", Names::Namespaces),
            ("--namespace=s", Names::Namespaces),
            ("--context ", Names::Contexts),
            ("-n shop --kubeconfig a promote ", Names::Rollouts),
            ("get ar ", Names::AnalysisRuns),
            ("terminate analysisrun one ", Names::AnalysisRuns),
            ("retry experiment ", Names::Experiments),
            ("list experiments --name ", Names::Experiments),
            ("set image web ", Names::Containers),
            ("undo web --to-revision=", Names::Revisions),
            ("create analysisrun --from ", Names::Templates),
            ("create analysisrun --global --from ", Names::ClusterTemplates),
            ("create analysisrun --global=false --from ", Names::Templates),
            ("app list -N ", Names::Namespaces),
            ("app get ", Names::Applications),
        ] {
            assert_eq!(at(line).wanted, Wanted::Names(names), "{line}");
        }
        for line in [
            "create -f ",
            "lint ",
            "lint -f a --complete ",
            "--kubeconfig ",
            "--kubeconfig=",
            "man ",
            "app diff web --local ",
        ] {
            assert_eq!(at(line).wanted, Wanted::Files, "{line}");
        }
        assert_eq!(at("app create web --path ").wanted, Wanted::Nothing);
        assert_eq!(at("-n shop app diff --wrong ").commands, ["app", "diff"]);
        assert_eq!(at("get rollout web ").wanted, Wanted::Nothing);
        assert_eq!(at("set image web w").positionals, ["web"]);
        assert_eq!(at("-n shop get rollout ").flags["namespace"], "shop");
    }

    #[test]
    fn lines_that_make_no_sense_offer_nothing_and_break_nothing() {
        for line in ["nothing ", "get nothing at all ", "-", "--", "-- ", "-é ", "--=", "= =", "get rollout web -zzz x"]
        {
            let _ = at(line);
        }
        assert_eq!(read(command(Program::Sluice), &[]).typed, "");
    }
}
