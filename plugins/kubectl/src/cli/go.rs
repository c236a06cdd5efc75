//! Flags that are on or off, as programs in Go have them: with a value, too, as scripts make it of a variable.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, Command};

/// Lets every flag of a command that is on or off be given a value: `--prune=false`.
pub fn with_values(command: Command) -> Command {
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
    command.mut_subcommands(with_values)
}

/// A command line without the flags that are given as off and in no other form: what is off speaks against no other flag, and asks for
/// none. `definition` is the command line before [`with_values`], `commands` what the line names of it.
pub fn without_what_is_off(definition: &Command, line: &[OsString], commands: &[String]) -> Vec<OsString> {
    let mut path = vec![definition];
    for name in commands {
        path.extend(path[path.len() - 1].find_subcommand(name));
    }
    let end = line.iter().position(|word| word == "--").unwrap_or(line.len());
    let (flags, rest) = line.split_at(end);
    let is_off = |word: &OsString| {
        let called = word.to_str().and_then(|word| word.strip_suffix("=false"));
        let mut all = path.iter().flat_map(|command| command.get_arguments());
        let flag = called.and_then(|name| all.find(|arg| names(arg, name)));
        flag.is_some_and(|flag| {
            matches!(flag.get_action(), ArgAction::SetTrue)
                && flags.iter().filter(|word| gives(word, flag)).count() == 1
        })
    };
    flags.iter().filter(|word| !is_off(word)).chain(rest).cloned().collect()
}

/// Whether a flag is called so, `--watch` or `-w`.
fn names(flag: &Arg, name: &str) -> bool {
    match name.strip_prefix("--") {
        Some(long) => flag.get_long() == Some(long),
        None => {
            name.strip_prefix('-').is_some_and(|short| flag.get_short().is_some_and(|own| short == own.to_string()))
        }
    }
}

/// Whether a word gives a flag in any form: alone, with a value, or as one of several letters.
fn gives(word: &OsStr, flag: &Arg) -> bool {
    let Some(word) = word.to_str() else { return false };
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    let is_among = !name.starts_with("--") && flag.get_short().is_some_and(|own| name.contains(own));
    names(flag, name) || (name.starts_with('-') && is_among)
}
