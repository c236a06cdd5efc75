//! The syncs that an Application remembers.

use sluice_core::api::{ApplicationSource, RevisionHistory};

use super::words;
use crate::view::paint::Paint;
use crate::view::table::{Cell, Layout};

/// The tables, one for each repository; with the source in every line where it is a wide one.
pub fn render(history: &[RevisionHistory], is_wide: bool, paint: Paint) -> String {
    let mut repositories: Vec<(String, Vec<Vec<Cell>>)> = Vec::new();
    for entry in history {
        for (source, revision) in parts(entry) {
            let repository = words::line(&source.repo_url);
            let row = row(entry, &source, &revision, is_wide);
            match repositories.iter_mut().find(|(known, _)| *known == repository) {
                Some((_, rows)) => rows.push(row),
                None => repositories.push((repository, vec![row])),
            }
        }
    }
    let tables = repositories.into_iter().map(|(repository, rows)| {
        let titles = ["ID", "DATE", "REVISION", "INITIATED BY"].into_iter();
        let wide = ["PATH", "COMMIT"].into_iter().filter(|_| is_wide);
        let titles = titles.chain(wide).map(Cell::from).collect();
        let lines: Vec<Vec<Cell>> = std::iter::once(titles).chain(rows).collect();
        format!("SOURCE  {repository}\n{}", Layout::default().render(&lines, paint))
    });
    tables.collect::<Vec<_>>().join("\n")
}

/// Each source with the revision of it.
fn parts(entry: &RevisionHistory) -> Vec<(ApplicationSource, String)> {
    if entry.sources.is_empty() {
        return vec![(entry.source.clone().unwrap_or_default(), entry.revision.clone())];
    }
    let revision = |index: usize| entry.revisions.get(index).cloned().unwrap_or_default();
    entry.sources.iter().enumerate().map(|(index, source)| (source.clone(), revision(index))).collect()
}

fn row(entry: &RevisionHistory, source: &ApplicationSource, revision: &str, is_wide: bool) -> Vec<Cell> {
    let by = entry.initiated_by.clone().unwrap_or_default();
    let by = match (by.username.as_str(), by.automated) {
        ("", true) => "automatic".to_owned(),
        ("", false) => String::new(),
        (user, _) => words::line(user),
    };
    let mut row: Vec<Cell> = vec![
        entry.id.to_string().into(),
        entry.deployed_at.0.to_string().into(),
        words::revisions(std::slice::from_ref(source), revision, &[]).into(),
        by.into(),
    ];
    if is_wide {
        row.push(words::line(if source.path.is_empty() { &source.chart } else { &source.path }).into());
        row.push(words::line(revision).into());
    }
    row
}

/// The numbers alone, one a line.
pub fn ids(history: &[RevisionHistory]) -> String {
    history.iter().map(|entry| entry.id.to_string() + "\n").collect()
}
