//! Whether an object may be stored, and how that is said.

use serde_json::{Value, json};

use super::request::{API_VERSION, KIND, Operation, Request};
use crate::validate::references::{OutOfSight, Surroundings};
use crate::validate::{Problem, Severity, is_known, review};

/// Characters of a warning, at most: the API server may cut longer ones.
const LONGEST_WARNING: usize = 256;
/// Characters of an error, at most. A value may be as long as a manifest.
const LONGEST_ERROR: usize = 1024;
/// Errors and warnings that are told, at most.
const MOST: usize = 20;

/// What is said of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it must not be stored; if there are none, it may.
    pub errors: Vec<Problem>,
    /// What whoever stores it should know.
    pub warnings: Vec<String>,
}

impl Request {
    /// Decides, with what is known of the objects around the one in question.
    pub fn decide(&self, around: &dyn Surroundings) -> Verdict {
        let is_gone = !self.object["metadata"]["deletionTimestamp"].is_null();
        if !self.has_a_say() || !is_known(&self.object) || is_gone || self.changes_metadata_alone() {
            return Verdict::default();
        }
        let (mut errors, by_itself) = by_severity(problems(&self.object, &OutOfSight));
        let stored = if errors.is_empty() || self.operation != Operation::Update {
            Vec::new()
        } else {
            by_severity(problems(&self.old_object, &OutOfSight)).0
        };
        let others = problems(&self.object, around);
        let others = others.into_iter().filter(|problem| !errors.contains(problem) && !by_itself.contains(problem));
        let others: Vec<Problem> = others.collect();
        let still = errors.extract_if(.., |error| stored.contains(error));
        let mut warnings: Vec<String> =
            still.map(|error| format!("invalid before and after this change: {error}")).collect();
        warnings.extend(others.iter().chain(&by_itself).map(ToString::to_string));
        Verdict { errors, warnings }
    }

    /// Whether nothing is written that a rule is about.
    fn changes_metadata_alone(&self) -> bool {
        self.operation == Operation::Update && parts(&self.object) == parts(&self.old_object)
    }
}

/// What rules are about.
fn parts(object: &Value) -> Vec<(&String, &Value)> {
    let parts = object.as_object().into_iter().flatten();
    parts.filter(|(key, _)| !["metadata", "status"].contains(&key.as_str())).collect()
}

/// Of the metadata, the API server has said what there is to say; later ones know more of it.
fn problems(object: &Value, around: &dyn Surroundings) -> Vec<Problem> {
    let mut found = review(object, around);
    found.retain(|problem| problem.field != "metadata" && !problem.field.starts_with("metadata."));
    found
}

fn by_severity(problems: Vec<Problem>) -> (Vec<Problem>, Vec<Problem>) {
    problems.into_iter().partition(|problem| problem.severity == Severity::Error)
}

impl Verdict {
    /// Whether it may be stored.
    pub fn is_allowed(&self) -> bool {
        self.errors.is_empty()
    }

    /// The `AdmissionReview` to answer with.
    pub fn answer(&self, request: &Request) -> Value {
        let mut response = json!({ "uid": request.uid, "allowed": self.is_allowed() });
        if !self.is_allowed() {
            response["status"] = self.refusal(request);
        }
        if !self.warnings.is_empty() {
            response["warnings"] = json!(self.told());
        }
        json!({ "apiVersion": API_VERSION, "kind": KIND, "response": response })
    }

    /// A `Status` as the API server's own validation has it. kubectl shows the causes, other clients the message.
    fn refusal(&self, request: &Request) -> Value {
        let shown: Vec<String> =
            self.errors.iter().take(MOST).map(|error| line(&error.to_string(), LONGEST_ERROR)).collect();
        let mut all = shown.join(", ");
        if let Some(more) = self.errors.len().checked_sub(MOST + 1) {
            all = format!("{all}, and {} more", more + 1);
        }
        if shown.len() > 1 {
            all = format!("[{all}]");
        }
        let causes = self.errors.iter().take(MOST).map(|error| {
            // Nobody can point at nothing.
            let field = if error.field.is_empty() { "spec" } else { &error.field };
            let message = line(&error.message, LONGEST_ERROR);
            json!({ "reason": reason(&error.message), "field": line(field, LONGEST_ERROR), "message": message })
        });
        let (kind, name) = (&request.kind, name(request));
        json!({
            "status": "Failure", "code": 422, "reason": "Invalid",
            "message": format!("The {} \"{name}\" is invalid: {all}", kind.kind),
            "details": {
                "group": kind.group, "kind": kind.kind, "name": name, "causes": causes.collect::<Vec<_>>(),
            },
        })
    }

    /// The warnings, in the form in which they can be sent in a header.
    fn told(&self) -> Vec<String> {
        let mut told: Vec<String> =
            self.warnings.iter().take(MOST).map(|warning| line(warning, LONGEST_WARNING)).collect();
        if self.warnings.len() > MOST {
            let more = self.warnings.len() - MOST;
            told.push(format!("and {more} more; `kubectl sluice lint` tells all of them"));
        }
        told
    }
}

fn name(request: &Request) -> &str {
    let prefix = || request.object["metadata"]["generateName"].as_str().unwrap_or_default();
    if request.name.is_empty() { prefix() } else { &request.name }
}

/// The reason of a cause, which is what kind of field error it is.
fn reason(message: &str) -> &'static str {
    let reasons = [
        ("Required value", "FieldValueRequired"),
        ("Duplicate value", "FieldValueDuplicate"),
        ("Unsupported value", "FieldValueNotSupported"),
        ("Forbidden", "FieldValueForbidden"),
    ];
    reasons.into_iter().find(|(words, _)| message.starts_with(words)).map_or("FieldValueInvalid", |(_, reason)| reason)
}

/// At most so many characters in one line: the API server drops a warning with control characters in it.
fn line(text: &str, longest: usize) -> String {
    let mut line: String = text.chars().take(longest + 1).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if let Some((end, _)) = line.char_indices().nth(longest) {
        // The last place is for the ellipsis.
        let cut = line[..end].char_indices().next_back().map_or(0, |(at, _)| at);
        line.truncate(cut);
        line.push('…');
    }
    line
}
