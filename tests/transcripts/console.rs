//! The text of a console session, and kubectl run for each of its commands.
//!
//! `$` begins a command, which goes on to the end of its here document; `#` is a comment, `@` says how to take the next
//! command. All else is what was printed: first the output, then the errors, each line after `! `, then the exit code if
//! there is one.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::names::Names;
use crate::runner;
use crate::table;
use crate::target::Target;

/// How often a command is repeated, and how many times. Generous: it is only ever waited out on failure.
const PAUSE: Duration = Duration::from_millis(100);
const LOOKS: usize = 600;

/// A command and what came of it.
#[derive(Default)]
struct Block {
    /// Comments and empty lines before it, and how it is taken.
    lead: Vec<String>,
    command: Vec<String>,
    printed: Vec<String>,
}

impl Block {
    /// What stands after `@ WORD`.
    fn directive(&self, word: &str) -> Option<&str> {
        let directives = self.lead.iter().filter_map(|line| line.strip_prefix("@ "));
        directives.filter_map(|text| text.strip_prefix(word)).map(str::trim_start).next()
    }

    fn recorded(&self) -> String {
        self.printed.iter().flat_map(|line| [line, "\n"]).collect()
    }

    fn render(&self, printed: &str) -> String {
        let lines: Vec<&str> = self.lead.iter().chain(&self.command).map(String::as_str).collect();
        let text = format!("{}\n{printed}", lines.join("\n"));
        format!("{}\n\n", text.trim_end())
    }
}

fn parse(text: &str) -> Vec<Block> {
    let mut blocks = vec![Block::default()];
    let mut end_of_document: Option<String> = None;
    for line in text.lines() {
        let begins = end_of_document.is_none() && (line.starts_with(['#', '@']) || line.starts_with("$ "));
        if begins && blocks.last().is_some_and(|last| !last.command.is_empty()) {
            blocks.push(Block::default());
        }
        let last = blocks.last_mut().expect("one at least");
        if let Some(word) = &end_of_document {
            last.command.push(line.to_owned());
            if line == word {
                end_of_document = None;
            }
        } else if line.starts_with("$ ") {
            last.command.push(line.to_owned());
            end_of_document = here_document(line);
        } else if last.command.is_empty() {
            last.lead.push(line.to_owned());
        } else {
            last.printed.push(line.to_owned());
        }
    }
    blocks
}

/// The word that ends the here document of a command.
fn here_document(command: &str) -> Option<String> {
    let (_, rest) = command.split_once("<<")?;
    let word: String = rest.trim_start_matches('\'').chars().take_while(char::is_ascii_alphanumeric).collect();
    (!word.is_empty()).then_some(word)
}

/// The text of the session as `target` would have it.
pub async fn replay(target: &dyn Target, title: &str, text: &str) -> String {
    let namespace = runner::namespace(target, title).await;
    let session = Session::begin(target, &namespace);
    let mut names = Names::new(&namespace);
    let mut replayed = String::new();
    for block in parse(text) {
        let skipped = block.directive("real only").is_some() && !target.is_real();
        let printed = if block.command.is_empty() || skipped {
            block.recorded()
        } else {
            session.take(target, &block, &mut names).await
        };
        replayed.push_str(&block.render(&printed));
    }
    session.end();
    replayed
}

/// A user's shell: a folder, and credentials with the transcript's namespace.
struct Session {
    folder: PathBuf,
}

impl Session {
    fn begin(target: &dyn Target, namespace: &str) -> Session {
        let folder = std::env::temp_dir().join(namespace);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut kubeconfig = target.kubeconfig();
        for context in kubeconfig["contexts"].as_array_mut().into_iter().flatten() {
            context["context"]["namespace"] = Value::from(namespace);
        }
        std::fs::write(folder.join("kubeconfig"), kubeconfig.to_string()).expect("the folder is writable");
        Session { folder }
    }

    fn end(self) {
        // What is left behind hurts nobody.
        let _ = std::fs::remove_dir_all(self.folder);
    }

    /// Runs a command until it prints what it should.
    async fn take(&self, target: &dyn Target, block: &Block, names: &mut Names) -> String {
        let mut looks = 0;
        loop {
            let (output, code) = self.run(&names.substitute(&block.command.join("\n"))).await;
            let there = block.directive("until").is_none_or(|words| output.contains(&names.substitute(words)));
            if there && (block.directive("until").is_none() || code == 0) {
                return print(&output, code, block, names);
            }
            looks += 1;
            assert!(looks < LOOKS, "{} never says what it should; last: {output}", block.command[0]);
            target.sleep(PAUSE).await;
        }
    }

    /// What a command prints, and its exit code.
    async fn run(&self, command: &str) -> (String, i32) {
        let mut shell = Command::new("timeout");
        shell.args(["--kill-after=5", "90", "bash", "-o", "pipefail", "-c", command.trim_start_matches("$ ")]);
        shell.current_dir(&self.folder).env("KUBECONFIG", self.folder.join("kubeconfig")).env("HOME", &self.folder);
        // Another session's `api-resources` would throw away what this one knows.
        shell.env("KUBECACHEDIR", self.folder.join(".kubectl-cache")).env("PATH", path_with_kubectl());
        let output =
            tokio::task::spawn_blocking(move || shell.output()).await.expect("a shell").expect("bash and timeout");
        let errors = String::from_utf8_lossy(&output.stderr);
        let errors = errors.lines().filter(|line| !is_by_chance(line)).map(|line| format!("! {line}\n"));
        let printed = String::from_utf8_lossy(&output.stdout);
        let printed = printed.lines().map(|line| format!("{line}\n"));
        (printed.chain(errors).collect(), output.status.code().unwrap_or(-1))
    }
}

/// Of a watch that it ends itself, by its own deadline, kubectl warns or does not, depending on which of its threads is first.
fn is_by_chance(line: &str) -> bool {
    line.contains("reflector.go:") && line.contains(r#"err="context deadline exceeded""#)
}

/// The `PATH`, with the kubectl of the real control plane in front. It is of the release that was recorded; another one may
/// word things otherwise.
fn path_with_kubectl() -> OsString {
    let built = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/.cache/current"));
    assert!(built.join("kubectl").exists(), "there is no kubectl: tests/cluster/build makes it");
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(built).chain(std::env::split_paths(&path))).expect("folders without colons")
}

/// What a command printed, as it stands in a file.
fn print(output: &str, code: i32, block: &Block, names: &mut Names) -> String {
    let text = table::align(&names.text(&table::ages(&table::split(output))));
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    if block.directive("sort").is_some() {
        lines.sort_unstable();
    }
    let mut printed = lines.join("\n") + "\n";
    if code != 0 {
        printed.extend(["! exit code ", &code.to_string(), "\n"]);
    }
    printed
}

#[test]
fn a_session_renders_back_as_it_was_written() {
    let text = "# Title\n\n## One\n@ until x\n$ kubectl apply -f - <<EOF\n# not a comment\na: b\nEOF\nc created\n! d\n! exit code 1\n\n$ e\nf\n\ng\n\n";
    let blocks = parse(text);
    let rendered: String = blocks.iter().map(|block| block.render(&block.recorded())).collect();
    assert_eq!(rendered, text);
    assert_eq!(blocks[0].directive("until"), Some("x"));
}
