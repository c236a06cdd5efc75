//! Checking manifests without a cluster: [`read`] finds and reads them, [`document`] makes objects of their text, [`check`]
//! has them reviewed together, and [`report`] says what came of it.

pub mod check;
pub mod document;
pub mod read;
pub mod report;

use sluice_core::validate::Severity;

/// A text with manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file, or `stdin`.
    pub name: String,
    /// What is in it.
    pub text: String,
    /// Whether it was named on the command line, and not found in a folder: then it should hold manifests.
    pub is_named: bool,
}

/// Something to say about a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// The object, such as `Rollout shop/web`; empty where it is the text.
    pub object: String,
    /// The field; empty where it is the object as a whole.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

/// A place in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file, or `stdin`.
    pub file: String,
    /// Which of its documents, counted from 1; `None` where it is the whole file.
    pub document: Option<usize>,
    /// The line in the file.
    pub line: Option<u64>,
}

#[cfg(test)]
mod tests;
