//! All that the program prints, page by page: what it says to people is kept in `*.txt` beside this file, and a change of it
//! is a change that somebody has looked at. `UPDATE=1` writes the files anew.
//!
//! A file holds commands after `$ `, and what each of them printed. What differs from run to run stands as a word: an age, a
//! time, a uid.

mod cast;
mod stage;

use std::path::PathBuf;

use regex::Regex;
use similar::TextDiff;

use crate::stage::Stage;

/// Replays the commands of a file on a stage.
async fn replay(file: &str, stage: &Stage) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pages").join(file);
    let recorded = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let same = Sameness::new();
    let mut replayed = String::new();
    for line in recorded.lines().filter(|line| line.starts_with("$ ") || line.starts_with("# ")) {
        if !replayed.is_empty() && !replayed.ends_with("\n# ") {
            replayed.push('\n');
        }
        replayed.extend([line, "\n"]);
        if let Some(command) = line.strip_prefix("$ kubectl sluice") {
            replayed += &same.of(&stage.run(command).await);
        }
    }
    if recorded == replayed {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        return std::fs::write(path, replayed).expect("the file is writable");
    }
    let diff = TextDiff::from_lines(&recorded, &replayed);
    let diff = diff.unified_diff().context_radius(5).header("recorded", "replayed").to_string();
    panic!("{file} reads otherwise; if it is meant to, run the test with UPDATE=1:\n{diff}");
}

/// Makes texts of two runs the same.
struct Sameness(Vec<(Regex, &'static str)>);

impl Sameness {
    fn new() -> Sameness {
        let rules = [
            (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\b", "TIME"),
            (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "UID"),
            (r#"("?resourceVersion"?: )"\d+""#, "${1}VERSION"),
            (r"\b\d+[smhdy](\d+[smhdy])? (ago|left)\b", "AGE $2"),
            (r", for \d+[smhdy](\d+[smhdy])?\b", ", for AGE"),
            // In a column of its own, which is as wide as its widest cell.
            (r"(?m)(^|  +)\d+[smhdy](\d+[smhdy])?( \(x\d+\))?(  +|$)", "${1}AGE$3${4}"),
            (r"(\S)  +", "$1  "),
        ];
        Sameness(rules.map(|(pattern, word)| (Regex::new(pattern).expect("a pattern"), word)).to_vec())
    }

    fn of(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (pattern, word)| pattern.replace_all(&text, *word).into_owned())
    }
}

async fn full() -> Stage {
    let stage = Stage::new().await;
    cast::pausing(&stage).await;
    cast::crashing(&stage).await;
    cast::aborted(&stage).await;
    cast::aside(&stage).await;
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_look_at_reads_as_recorded() {
    replay("look.txt", &full().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_programs_read_is_as_recorded() {
    replay("programs.txt", &full().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_ask_for_is_answered_as_recorded() {
    let stage = full().await;
    stage.file("template.yaml", "{apiVersion: argoproj.io/v1alpha1, kind: AnalysisTemplate, metadata: {name: errors}, spec: {metrics: [{name: a, successCondition: 'true', provider: {web: {url: 'http://a'}}}]}}");
    stage.file(
        "typo.yaml",
        "{apiVersion: argoproj.io/v1alpha1, kind: AnalysisTemplate, metadata: {name: e}, spec: {metrcs: []}}",
    );
    stage.file("foreign.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}");
    replay("steer.txt", &stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_are_answered_as_recorded() {
    replay("mistakes.txt", &full().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn help_reads_as_recorded() {
    replay("help.txt", &Stage::new().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shells_are_offered_what_is_recorded() {
    replay("complete.txt", &full().await).await;
}
