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
