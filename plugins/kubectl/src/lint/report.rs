//! The outcome, for people and for programs.

use serde_json::{Value, json};
use sluice_core::validate::Severity;

use super::Finding;
use super::check::Outcome;
use sluice_core::info::text::printable;

/// One line a problem, and a summary.
pub fn text(outcome: &Outcome) -> String {
    let lines = outcome.findings.iter().map(|finding| printable(&line(finding)));
    let mut text: String = lines.map(|line| line + "\n").collect();
    text.push_str(&summary(outcome));
    text.push('\n');
    text
}

fn line(finding: &Finding) -> String {
    let mut line = finding.place.file.clone();
    if let Some(document) = finding.place.document {
        line = format!("{line}:{document}");
    }
    if finding.severity == Severity::Warning {
        line.push_str(": warning");
    }
    for part in [&finding.object, &finding.field] {
        if !part.is_empty() {
            line = format!("{line}: {part}");
        }
    }
    line = format!("{line}: {}", finding.message);
    match finding.place.line {
        Some(number) => format!("{line} (line {number})"),
        None => line,
    }
}

fn summary(outcome: &Outcome) -> String {
    let files = counted(outcome.files, "file");
    let (errors, warnings) = counts(outcome);
    let objects = counted(outcome.objects, "object");
    match (outcome.objects, errors, warnings) {
        (0, 0, 0) => {
            format!("{files}: no Rollout, Experiment, AnalysisTemplate or AnalysisRun in them, nothing was checked")
        }
        (_, 0, 0) => format!("{objects} in {files}: no problems"),
        _ => format!("{objects} in {files}: {}, {}", counted(errors, "error"), counted(warnings, "warning")),
    }
}

/// The numbers of errors and of warnings.
pub fn counts(outcome: &Outcome) -> (usize, usize) {
    let errors = outcome.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    (errors, outcome.findings.len() - errors)
}

fn counted(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// One JSON object.
pub fn json(outcome: &Outcome) -> Value {
    let (errors, warnings) = counts(outcome);
    let problems = outcome.findings.iter().map(|finding| {
        json!({
            "severity": finding.severity,
            "file": finding.place.file,
            "document": finding.place.document,
            "line": finding.place.line,
            "object": finding.object,
            "field": finding.field,
            "message": finding.message,
        })
    });
    json!({
        "problems": problems.collect::<Vec<_>>(),
        "files": outcome.files,
        "objects": outcome.objects,
        "errors": errors,
        "warnings": warnings,
    })
}
