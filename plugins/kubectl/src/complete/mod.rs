//! Completion for shells: [`mod@line`] says what can come next, this looks up the names and prints them.
//!
//! kubectl (1.26 and later) runs `kubectl_complete-sluice` with the words after `kubectl sluice` and reads one candidate a line,
//! each with its meaning after a tab, and at the end `:` with a number that says how to go on. The scripts of `completion` read
//! the same from `kubectl-sluice __complete`.

pub mod line;
mod lookup;

use std::ffi::OsString;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use self::line::{Line, Names, Wanted};
use crate::cli::{Program, command};
use crate::term;

/// A shell waits for the candidates: a slow API server must not hold it up.
const LIMIT: Duration = Duration::from_secs(2);
/// How to go on: the shell offers names of files.
const FILES: &str = ":0";
/// No names of files are to be offered.
const NO_FILES: &str = ":4";
/// The same, and no space after the candidate, which goes on.
const NO_FILES_NO_SPACE: &str = ":6";

/// The words to complete, if that is what the program was called for.
pub fn asked(arguments: &[OsString]) -> Option<(Program, Vec<String>)> {
    let called = Path::new(arguments.first()?).file_stem()?.to_str()?;
    let words = |from: usize| arguments.iter().skip(from).map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(plugin) = called.strip_prefix("kubectl_complete-") {
        let is_other = plugin.replace('_', "-") == "argo-rollouts";
        return Some((if is_other { Program::ArgoRollouts } else { Program::Sluice }, words(1)));
    }
    let is_asked = arguments.get(1).is_some_and(|word| word == "__complete");
    is_asked.then(|| (Program::of(arguments.first()), words(2)))
}

/// Prints what can come next. What cannot be found out is not offered, and is no error: nobody asked for its message.
pub fn run(program: Program, words: &[String]) {
    let line = line::read(command(program), words);
    let candidates = match &line.wanted {
        Wanted::Words(words) => words.clone(),
        Wanted::Names(names) => look_up(*names, &line).unwrap_or_default(),
        Wanted::Files | Wanted::Nothing => Vec::new(),
    };
    // The reader of a pipe that has gone away wants nothing more.
    let _ = term::print(&render(&line, &candidates));
}

/// Looks names up in a thread of its own, which is left behind when the time is over: programs that a kubeconfig names for
/// credentials block whoever runs them.
fn look_up(names: Names, line: &Line) -> Option<Vec<(String, String)>> {
    let (sender, found) = mpsc::channel();
    let line = line.clone();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        sender.send(runtime.block_on(lookup::find(names, &line))).ok()
    });
    found.recv_timeout(LIMIT).ok().flatten()
}

/// The candidates that begin as was typed, and how to go on.
fn render(line: &Line, candidates: &[(String, String)]) -> String {
    if line.wanted == Wanted::Files {
        return format!("{FILES}\n");
    }
    let mut text = String::new();
    let fitting: Vec<_> = candidates.iter().filter(|(word, _)| word.starts_with(&line.typed)).collect();
    for (word, meaning) in &fitting {
        let meaning = if meaning.is_empty() { String::new() } else { format!("\t{meaning}") };
        text += &sluice_core::info::text::printable(&format!("{}{word}", line.lead));
        text.extend([meaning.as_str(), "\n"]);
    }
    let goes_on = !fitting.is_empty() && fitting.iter().all(|(word, _)| word.ends_with('='));
    text + if goes_on { NO_FILES_NO_SPACE } else { NO_FILES } + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_for(line: &str) -> Option<(Program, Vec<String>)> {
        asked(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn kubectl_and_shells_ask_each_in_their_way() {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let get = words(&["get", ""]);
        assert_eq!(asked_for("/bin/kubectl_complete-sluice get "), Some((Program::Sluice, get.clone())));
        assert_eq!(asked_for("kubectl_complete-argo-rollouts get "), Some((Program::ArgoRollouts, get.clone())));
        assert_eq!(asked_for("kubectl-sluice __complete get "), Some((Program::Sluice, get)));
        assert_eq!(asked_for("kubectl-sluice get __complete"), None);
        assert_eq!(asked(&[]), None);
    }

    #[test]
    fn candidates_begin_as_was_typed_and_cannot_steer_the_terminal() {
        let line = line::read(command(Program::Sluice), &["get".into(), "rollout".into(), "--namespace=s".into()]);
        let candidates = ["shop", "store", "api"].map(|name| (name.to_owned(), String::new()));
        assert_eq!(render(&line, &candidates), "--namespace=shop\n--namespace=store\n:4\n");
        let line = line::read(command(Program::Sluice), &["set".into(), "image".into(), "web".into(), "w".into()]);
        assert_eq!(render(&line, &[("web=".into(), "web:1".into())]), "web=\tweb:1\n:6\n");
        assert_eq!(render(&line, &[("w\x1b[2J".into(), String::new())]), "w\\u{1b}[2J\n:4\n");
    }
}
