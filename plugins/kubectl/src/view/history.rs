//! `history` as a table, the newest revision first.

use jiff::Timestamp;
use sluice_core::info::age;
use sluice_core::info::badge::Tone;
use sluice_core::info::history::{Commit, Outcome, Past};

use super::paint::Paint;
use super::table::{Cell, Layout};

/// Characters of a commit that are enough for people.
const SHORT: usize = 7;

/// The table, with the analysis runs, the repository and what it was called before where it is a wide one.
pub fn render(history: &[Past], is_wide: bool, now: Timestamp, paint: Paint) -> String {
    let titles = ["REVISION", "AGE", "OUTCOME", "IMAGES", "BY", "COMMIT", "CAUSE"];
    let wide = ["REPLICASET", "EARLIER", "ANALYSIS", "APPLICATION"];
    let titles = titles.into_iter().chain(wide.into_iter().filter(|_| is_wide)).map(Cell::from).collect();
    let rows = history.iter().map(|past| row(past, is_wide, now));
    let rows: Vec<Vec<Cell>> = std::iter::once(titles).chain(rows).collect();
    Layout::default().render(&rows, paint)
}

fn row(past: &Past, is_wide: bool, now: Timestamp) -> Vec<Cell> {
    let commit = past.commit.as_ref();
    let mut row = vec![
        past.revision.to_string().into(),
        age::age(past.created, now).into(),
        Cell::toned(tone(past.outcome), past.outcome.text()),
        past.images.join(",").into(),
        dash(by(past)),
        dash(commit.map(|commit| commit.revisions.iter().map(|it| short(it)).collect::<Vec<_>>().join(","))),
        dash(past.cause.clone()),
    ];
    if is_wide {
        let earlier = past.earlier_numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let runs = past.runs.iter().map(|run| format!("{}:{}", run.name, run.phase)).collect::<Vec<_>>().join(",");
        let of = |commit: &Commit| format!("{} ({})", commit.application, commit.repositories.join(","));
        row.extend([past.replica_set.as_str().into(), dash(Some(earlier)), dash(Some(runs)), dash(commit.map(of))]);
    }
    row
}

/// Who is known: the person who asked for a sync, or the program that wrote the template.
fn by(past: &Past) -> Option<String> {
    let person = past.commit.as_ref().and_then(|commit| commit.by.clone());
    match (person, past.manager.clone()) {
        (Some(person), Some(manager)) => Some(format!("{person} ({manager})")),
        (person, manager) => person.or(manager),
    }
}

/// A commit is shortened, a version is not.
fn short(revision: &str) -> &str {
    let is_commit = revision.len() >= 40 && revision.chars().all(|c| c.is_ascii_hexdigit());
    if is_commit { &revision[..SHORT] } else { revision }
}

fn dash(text: Option<String>) -> Cell {
    Cell::from(text.filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned()))
}

fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Stable | Outcome::Completed => Tone::Good,
        Outcome::InProgress => Tone::Busy,
        Outcome::Paused => Tone::Held,
        Outcome::Degraded | Outcome::Aborted | Outcome::AnalysisFailed => Tone::Bad,
        Outcome::Unknown => Tone::Idle,
    }
}
