//! How the command of a Job's container ends, read without running it.
//!
//! The node stand-in of `tests/cluster` runs such a command as a process. Here a few programs are understood, and a shell script
//! made of them: whatever is read here ends there the same. A command with anything else in it is refused with a reason: it must
//! not seem to have ended when nobody knows how it would have.

mod environment;
mod shell;
mod words;

use jiff::SignedDuration;
use serde_json::Value;

use crate::object;
use crate::read::{items, text};

pub use environment::Environment;

/// How much of its output becomes the termination message.
const MOST_OUTPUT: usize = 2048;
/// How long the arguments of a command, or the values of its variables, may be in all.
const LONGEST: usize = 1 << 18;
const TOO_LONG: &str = "its variables make it too long";
/// Shells within shells.
const DEEPEST: usize = 8;
/// What a shell answers for a command that cannot be run.
const CANNOT_RUN: i32 = 127;

/// How a command ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// How long it takes; for ever if nothing is here.
    pub takes: Option<SignedDuration>,
    /// How it ends.
    pub exit: Exit,
}

/// The end of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code.
    pub code: i32,
    /// Why, if not by the code.
    pub reason: Option<&'static str>,
    /// What it has printed, or the end of that.
    pub output: String,
}

impl Exit {
    /// One that says nothing.
    pub fn of(code: i32) -> Exit {
        Exit { code, ..Exit::default() }
    }
}

/// Whether the containers of a pod run their commands. Only a Job's do: the image of anything else is not there to be run.
pub fn is_run(pod: &Value) -> bool {
    object::controller(pod).is_some_and(|owner| owner["kind"] == "Job") && text(pod, "spec.restartPolicy") != "Always"
}

/// How the command of a container ends, or why that cannot be said.
pub fn read(pod: &Value, container: &Value) -> Result<Run, String> {
    understand(pod, container).map_err(|what| {
        format!(
            "the sandbox runs no process, and how this command ends it cannot say: {what}. The annotations \
             node.sluice.dev/exit-code and node.sluice.dev/run-time of the pod can"
        )
    })
}

/// A container without a command succeeds at once: what its image would run is unknown.
fn understand(pod: &Value, container: &Value) -> Result<Run, String> {
    let command = items(container, "command");
    if command.is_empty() {
        return Ok(Run { takes: Some(SignedDuration::ZERO), exit: Exit::default() });
    }
    let environment = Environment::of(pod, container)?;
    let mut args = Vec::new();
    let mut length = 0;
    for arg in command.iter().chain(items(container, "args")) {
        let arg = environment.expand(arg.as_str().unwrap_or_default())?;
        length += arg.len();
        if length > LONGEST {
            return Err(TOO_LONG.to_owned());
        }
        args.push(arg);
    }
    directly(&args, &environment)
}

/// A command that no shell reads.
fn directly(args: &[String], environment: &Environment) -> Result<Run, String> {
    let name = args.first().map_or("", String::as_str);
    if matches!(name, "exit" | ":" | "exec" | "set") {
        let output = format!("exec: {name:?}: executable file not found in $PATH");
        let exit = Exit { code: CANNOT_RUN, reason: Some("ContainerCannotRun"), output };
        return Ok(Run { takes: Some(SignedDuration::ZERO), exit });
    }
    program(args, environment, 0)
}

/// A program with its arguments.
fn program(args: &[String], environment: &Environment, depth: usize) -> Result<Run, String> {
    let (name, rest) = args.split_first().ok_or("there is no command")?;
    let ends = |code: i32, output: String| {
        Ok(Run { takes: Some(SignedDuration::ZERO), exit: Exit { output, ..Exit::of(code) } })
    };
    let base = ["/bin/", "/usr/bin/"].iter().find_map(|folder| name.strip_prefix(folder)).unwrap_or(name);
    match base {
        "true" => ends(0, String::new()),
        "false" => ends(1, String::new()),
        "echo" => ends(0, echo(rest)?),
        "sleep" => Ok(Run { takes: sleep(rest)?, exit: Exit::default() }),
        "test" => ends(i32::from(!test(rest)?), String::new()),
        "[" => match rest.split_last() {
            Some((last, rest)) if last == "]" => ends(i32::from(!test(rest)?), String::new()),
            _ => Err("`[` without `]`".to_owned()),
        },
        "sh" | "bash" if depth < DEEPEST => shell(rest, environment, depth + 1),
        _ => Err(format!("what {name:?} does is not known")),
    }
}

fn echo(args: &[String]) -> Result<String, String> {
    let (words, end) = match args.split_first() {
        Some((first, rest)) if first == "-n" => (rest, ""),
        _ => (args, "\n"),
    };
    if words.iter().any(|word| word.contains('\\')) || words.first().is_some_and(|word| word.starts_with('-')) {
        return Err(format!("`echo {}`, which prints something else in every shell", args.join(" ")));
    }
    Ok(words.join(" ") + end)
}

/// Nothing is for ever.
fn sleep(args: &[String]) -> Result<Option<SignedDuration>, String> {
    let mut total = SignedDuration::ZERO;
    for arg in args {
        if arg == "infinity" {
            return Ok(None);
        }
        let digits = arg.trim_end_matches(['s', 'm', 'h', 'd']);
        let unit = match &arg[digits.len()..] {
            "" | "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return Err(format!("`sleep {arg}`")),
        };
        let plain = digits.starts_with(|c: char| c.is_ascii_digit()) && !digits.contains(['e', 'E']);
        let seconds = digits.parse::<f64>().ok().filter(|_| plain).ok_or_else(|| format!("`sleep {arg}`"))?;
        let part = SignedDuration::try_from_secs_f64(seconds * unit).unwrap_or(SignedDuration::MAX);
        total = total.saturating_add(part);
    }
    if args.is_empty() { Err("`sleep` without a time".to_owned()) } else { Ok(Some(total)) }
}

/// Whether a condition of `test` holds.
fn test(args: &[String]) -> Result<bool, String> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [] => Ok(false),
        ["!", one] => Ok(one.is_empty()),
        [one] => Ok(!one.is_empty()),
        ["-n", text] => Ok(!text.is_empty()),
        ["-z", text] => Ok(text.is_empty()),
        [a, "=", b] => Ok(a == b),
        [a, "!=", b] => Ok(a != b),
        [a, operator, b] => {
            let number = |text: &str| text.parse::<i64>().map_err(|_| format!("`test` of {text:?}"));
            let order = || Ok::<_, String>(number(a)?.cmp(&number(b)?));
            match *operator {
                "-eq" => Ok(order()?.is_eq()),
                "-ne" => Ok(order()?.is_ne()),
                "-lt" => Ok(order()?.is_lt()),
                "-le" => Ok(order()?.is_le()),
                "-gt" => Ok(order()?.is_gt()),
                "-ge" => Ok(order()?.is_ge()),
                _ => Err(format!("`test` with {operator:?}")),
            }
        }
        _ => Err(format!("`test {}`", args.join(" "))),
    }
}

/// A shell with a script.
fn shell(args: &[String], environment: &Environment, depth: usize) -> Result<Run, String> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["-c", script] => shell::run(script, environment, false, depth),
        ["-ec" | "-ce", script] | ["-e", "-c", script] => shell::run(script, environment, true, depth),
        _ => Err("of a shell, only `-c SCRIPT` is".to_owned()),
    }
}

/// Appends to what was printed, and forgets its beginning.
fn print(output: &mut String, more: &str) {
    output.push_str(more);
    let surplus = output.len().saturating_sub(MOST_OUTPUT);
    let cut = (surplus..=output.len()).find(|at| output.is_char_boundary(*at)).unwrap_or(0);
    output.drain(..cut);
}

#[cfg(test)]
mod tests;
