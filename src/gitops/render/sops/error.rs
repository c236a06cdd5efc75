//! Why a text cannot be decrypted. What is named are keys of maps, recipients and lines, and never a value.

use super::age::Problem;

/// Why a text cannot be decrypted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is too large.
    #[error("it has more than {} KiB, and no more than that is decrypted: make several files of it", super::LONGEST >> 10)]
    TooLong,
    /// It is of too many files.
    #[error("more than {} files of SOPS are in one: make several files of it", super::MOST_FILES)]
    TooMany,
    /// Of several documents, one.
    #[error("the document from line {line} on: {error}")]
    Document {
        /// Its first line.
        line: u64,
        /// Why it cannot be decrypted.
        error: Box<Error>,
    },
    /// It is no YAML.
    #[error("line {0} is no YAML that can be read")]
    Unreadable(
        /// The line.
        u64,
    ),
    /// What SOPS says of the file makes no sense, or is not supported.
    #[error("{field}: {why}")]
    Metadata {
        /// The field.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// None of the identities fits.
    #[error(
        "it is encrypted for {}, and the identity of none of them is there: put one (AGE-SECRET-KEY-1…) into the Secret, or encrypt \
         it for a recipient whose identity is there (sops updatekeys)",
        listed(.0)
    )]
    NoIdentity(
        /// Recipients of age.
        Vec<String>,
    ),
    /// It is not for age.
    #[error("its key is kept by {} alone, and only age's are read here: add a recipient of age (sops rotate --add-age)", .0.join(", "))]
    NotForAge(
        /// Who keeps its key.
        Vec<&'static str>,
    ),
    /// The file's key cannot be unwrapped.
    #[error("{field}: {problem}")]
    Key {
        /// The field.
        field: String,
        /// Why not.
        problem: Problem,
    },
    /// A value is not what it should be.
    #[error("{path}: {why}")]
    Value {
        /// The keys that lead to it.
        path: String,
        /// What is wrong with it.
        why: Wrong,
    },
    /// The values together are not those that were encrypted.
    #[error(
        "sops.mac does not fit: values were changed, moved, added or taken away since the file was encrypted; take the file as it \
         was, and change it with sops"
    )]
    Mac,
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It is plain.
    #[error("it should be encrypted, and is not: encrypt the file anew with sops")]
    Plain,
    /// It is not written as SOPS writes values.
    #[error("it is no value that SOPS has encrypted (AES256_GCM)")]
    Malformed,
    /// It does not fit the key and the place.
    #[error("it was changed, moved here from elsewhere, or encrypted with another key: take the file as it was")]
    Changed,
    /// Its type is unknown, or not its own.
    #[error("what is encrypted is not of the type that it says")]
    Type,
    /// It is a comment.
    #[error("a comment is where a value should be")]
    Comment,
    /// It is no text.
    #[error("what is encrypted is no text (UTF-8), and manifests have nothing else: put it in Base64")]
    Text,
    /// It is too deep, or its keys are too long.
    #[error("the keys that lead to it are longer than {} bytes together", super::LONGEST_PATH)]
    TooDeep,
    /// To find out whether it is encrypted takes too long.
    #[error("to match the keys up to here with the pattern of `sops` takes too long: make the pattern simpler")]
    Pattern,
}

/// The beginning of a text that may be long.
pub fn beginning(text: &str) -> String {
    const SHOWN: usize = 200;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A few of many.
fn listed(all: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = all.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
