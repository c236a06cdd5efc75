//! What all calls have in common.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A call of a plugin: its parameters, by type.
pub trait Call: Serialize + DeserializeOwned {
    /// Its method.
    const METHOD: &'static str;

    /// What a plugin answers.
    type Answer: Serialize + DeserializeOwned;

    /// What is wrong with an answer that reads well.
    fn check(&self, _answer: &Self::Answer) -> Result<(), String> {
        Ok(())
    }
}

/// The longest text for people in an answer, in bytes: it goes into a status.
pub const MAX_TEXT: usize = 4 << 10;

/// Whether something in an answer fits where it goes.
pub(crate) fn fits(what: &str, bytes: usize, max: usize) -> Result<(), String> {
    if bytes > max { Err(format!("has {bytes} bytes of {what}, and {max} fit")) } else { Ok(()) }
}

/// The parameters of a call, with the time that it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Params<C> {
    /// After so many milliseconds nobody waits for the answer any more.
    pub timeout_ms: u64,
    /// The parameters of its own.
    #[serde(flatten)]
    pub call: C,
}
