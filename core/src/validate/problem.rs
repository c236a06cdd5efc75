//! What is wrong with a manifest, in the form of Kubernetes' field errors, and a list to collect it in.

use std::fmt;

use serde::Serialize;

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The manifest cannot be acted on as written.
    Error,
    /// It can, and is probably not what was meant.
    Warning,
}

/// A problem with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How much it matters.
    pub severity: Severity,
    /// Path of the field, such as `spec.strategy.canary.steps[0].setWeight`; empty where it is the object as a whole.
    pub field: String,
    /// What is wrong, in the form of a Kubernetes field error.
    pub message: String,
}

impl Problem {
    /// The error `Invalid value: …`.
    pub(super) fn invalid(field: impl Into<String>, value: &impl Serialize, detail: &str) -> Problem {
        let value = serde_json::to_string(value).unwrap_or_default();
        let message = format!("Invalid value: {value}: {detail}");
        Problem { severity: Severity::Error, field: field.into(), message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// The most problems that are kept of one object: nobody reads more, and a manifest may be hostile.
const MOST: usize = 500;

/// The problems of one object, in the order in which they are looked for.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, severity: Severity, field: impl Into<String>, message: String) {
        if !self.is_full() {
            self.0.push(Problem { severity, field: field.into(), message });
        }
    }

    /// Whether nothing more is kept. What takes time to find need not be looked for any more.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }

    /// An error in words of its own.
    pub(crate) fn error(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.add(Severity::Error, field, message.into());
    }

    /// Something that works, and is probably not what was meant.
    pub(crate) fn warn(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.add(Severity::Warning, field, message.into());
    }

    /// `Invalid value: …`.
    pub(crate) fn invalid(&mut self, field: impl Into<String>, value: &impl Serialize, detail: &str) {
        self.extend([Problem::invalid(field, value, detail)]);
    }

    /// `Required value`, with a detail unless it is empty.
    pub(crate) fn required(&mut self, field: impl Into<String>, detail: &str) {
        let separator = if detail.is_empty() { "" } else { ": " };
        self.error(field, format!("Required value{separator}{detail}"));
    }

    /// `Unsupported value: …`, with what is supported.
    pub(crate) fn unsupported(&mut self, field: impl Into<String>, value: &str, supported: &[&str]) {
        let supported: Vec<String> = supported.iter().map(|one| format!("{one:?}")).collect();
        self.error(field, format!("Unsupported value: {value:?}: supported values: {}", supported.join(", ")));
    }

    /// `Duplicate value: …`.
    pub(crate) fn duplicate(&mut self, field: impl Into<String>, value: &str) {
        self.error(field, format!("Duplicate value: {value:?}"));
    }

    /// A count that must not be negative, as Kubernetes says it.
    pub(crate) fn not_negative(&mut self, field: &str, count: Option<i32>) {
        if let Some(count) = count.filter(|count| *count < 0) {
            self.invalid(field, &count, "must be greater than or equal to 0");
        }
    }

    /// A count that makes no sense below zero, where Argo Rollouts does not mind.
    pub(crate) fn better_not_negative(&mut self, field: &str, count: Option<i32>) {
        if let Some(count) = count.filter(|count| *count < 0) {
            self.warn(field, format!("{count} is negative"));
        }
    }

    /// Adds problems that were found elsewhere.
    pub(crate) fn extend(&mut self, others: impl IntoIterator<Item = Problem>) {
        for Problem { severity, field, message } in others {
            self.add(severity, field, message);
        }
    }

    /// Whether there is an error among them.
    pub(crate) fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// What was found.
    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}
