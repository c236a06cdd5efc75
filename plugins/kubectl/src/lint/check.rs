//! Reviews of all objects together: each is looked at by itself and among the others.

use serde_json::Value;
use sluice_core::validate::references::Objects;
use sluice_core::validate::{is_known, review};

use super::document::{self, Document};
use super::{Finding, Place, Source};

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Everything there is to say, errors first.
    pub findings: Vec<Finding>,
    /// How many texts there were.
    pub files: usize,
    /// How many objects were reviewed.
    pub objects: usize,
}

/// Checks texts. Are they complete, then what they do not hold does not exist.
pub fn check(sources: &[Source], is_complete: bool) -> Outcome {
    let mut outcome = Outcome { files: sources.len(), ..Outcome::default() };
    let mut documents = Vec::new();
    for source in sources {
        let (read, findings) = document::read(source);
        documents.extend(read);
        outcome.findings.extend(findings);
    }
    let around = Objects::new(documents.iter().map(|document| &document.object), is_complete);
    for document in documents.iter().filter(|document| is_known(&document.object)) {
        outcome.objects += 1;
        let problems = review(&document.object, &around);
        outcome.findings.extend(problems.into_iter().map(|problem| Finding {
            severity: problem.severity,
            place: Place { line: document.line(&problem.field), ..document.place.clone() },
            object: name(document),
            field: problem.field,
            message: problem.message,
        }));
    }
    // A stable sort: within a severity, as they stand in the files.
    outcome.findings.sort_by_key(|finding| finding.severity);
    outcome
}

/// `Rollout shop/web`.
fn name(document: &Document) -> String {
    let text = |pointer: &str| document.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (kind, namespace) = (text("/kind"), text("/metadata/namespace"));
    let name = match (text("/metadata/name"), text("/metadata/generateName")) {
        ("", "") => "without a name",
        ("", prefix) => prefix,
        (name, _) => name,
    };
    if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") }
}
