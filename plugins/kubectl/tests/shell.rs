//! The completion in a shell, as people press the key.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const CONTEXT: &str = "arn:aws:eks:eu-1:1:cluster/prod";

/// A folder with a kubeconfig: its context has colons in its name, and its user gets credentials from a program that asks.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let exec = r#"{"apiVersion": "client.authentication.k8s.io/v1", "command": "sleep", "args": ["600"]}"#;
    let config = format!(
        r#"{{"apiVersion": "v1", "kind": "Config", "current-context": "{CONTEXT}",
            "clusters": [{{"name": "one", "cluster": {{"server": "http://127.0.0.1:1"}}}}],
            "users": [{{"name": "ann", "user": {{"exec": {exec}}}}}],
            "contexts": [{{"name": "{CONTEXT}", "context": {{"cluster": "one", "user": "ann"}}}}]}}"#
    );
    std::fs::write(folder.path().join("kubeconfig"), config).expect("a file");
    folder
}

/// What bash offers for a line that ends at the cursor and that it has taken apart into `words`.
fn offered(line: &str, words: &[&str], folder: &Path) -> Vec<String> {
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "set -u; source <(kubectl-sluice completion bash); COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}
        COMP_WORDS=({}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _kubectl_sluice
        for word in ${{COMPREPLY[@]+\"${{COMPREPLY[@]}}\"}}; do echo \"$word\"; done",
        words.join(" ")
    );
    let program = Path::new(env!("CARGO_BIN_EXE_kubectl-sluice")).parent().expect("a folder");
    let path = std::env::join_paths(
        std::iter::once(program.to_owned()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let output = Command::new("bash")
        .args(["--norc", "-c", &script])
        .env("PATH", path.expect("a path"))
        .env("KUBECONFIG", folder.join("kubeconfig"))
        .output()
        .expect("bash is installed");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_words_that_it_takes_apart() {
    let folder = folder();
    let offered = |line: &str, words: &[&str]| offered(line, words, folder.path());
    assert_eq!(offered("kubectl-sluice pro", &["kubectl-sluice", "pro"]), ["promote"]);
    assert_eq!(offered("kubectl-sluice  get  ", &["kubectl-sluice", "get", ""])[..2], ["rollout", "analysisrun"]);
    for (typed, words, rest) in [
        ("--context ", &["--context", ""][..], CONTEXT),
        ("--context arn:", &["--context", "arn", ":"], "aws:eks:eu-1:1:cluster/prod"),
        ("--context arn:aws:e", &["--context", "arn", ":", "aws", ":", "e"], "eks:eu-1:1:cluster/prod"),
        ("--context=arn:aws:e", &["--context", "=", "arn", ":", "aws", ":", "e"], "eks:eu-1:1:cluster/prod"),
        ("get rollout web --output=j", &["get", "rollout", "web", "--output", "=", "j"], "json"),
        ("get rollout web --output=", &["get", "rollout", "web", "--output", "="], "wide"),
    ] {
        let words: Vec<&str> = std::iter::once("kubectl-sluice").chain(words.iter().copied()).collect();
        let found = offered(&format!("kubectl-sluice {typed}"), &words);
        assert_eq!(found.first().map(String::as_str), Some(rest), "{typed}: {found:?}");
    }
}

#[test]
fn a_program_that_gets_credentials_holds_nobody_up() {
    let folder = folder();
    // It would take ten minutes.
    assert_eq!(
        offered("kubectl-sluice get rollout ", &["kubectl-sluice", "get", "rollout", ""], folder.path()),
        [""; 0]
    );
}
