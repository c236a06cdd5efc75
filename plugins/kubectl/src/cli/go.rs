//! Flags that are on or off, as programs in Go have them: with a value, too, as scripts make it of a variable.

use std::ffi::{OsStr, OsString};

use clap::{ArgAction, Command};

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

/// A command line without the flags that are given as off: what is off speaks against no other flag, and asks for none. `definition` is
/// the command line before [`with_values`], `commands` what the line names of it.
pub fn without_what_is_off(definition: &Command, line: &[OsString], commands: &[String]) -> Vec<OsString> {
    let mut path = vec![definition];
    for name in commands {
        path.extend(path[path.len() - 1].find_subcommand(name));
    }
    let is_flag = |name: &str| {
        let mut all = path.iter().flat_map(|command| command.get_arguments());
        all.any(|arg| {
            let is_called = name.strip_prefix("--").map_or_else(
                || arg.get_short().is_some_and(|short| name.strip_prefix('-') == Some(short.encode_utf8(&mut [0; 4]))),
                |name| arg.get_long() == Some(name),
            );
            is_called && matches!(arg.get_action(), ArgAction::SetTrue)
        })
    };
    let is_off = |word: &OsStr| word.to_str().and_then(|word| word.strip_suffix("=false")).is_some_and(is_flag);
    let end = line.iter().position(|word| word == "--").unwrap_or(line.len());
    let (flags, rest) = line.split_at(end);
    flags.iter().filter(|word| !is_off(word)).chain(rest).cloned().collect()
}
