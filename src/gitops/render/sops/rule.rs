//! Which values of a file are encrypted.

use serde_json::{Map, Value};
use sluice_core::expr::Pattern;

use super::error::Error;

/// What SOPS assumes where the file does not say.
const DEFAULT: &str = "_unencrypted";
/// Steps that matching the keys of a text may take in all. A simple pattern takes one for a byte.
const STEPS: u64 = super::LONGEST as u64;

/// Which values are encrypted. A key decides for all that is below it.
#[derive(Debug)]
pub enum Rule {
    /// All but those below such a key.
    AllBut(Keys),
    /// Those below such a key.
    Only(Keys),
    /// A comment says it. Those are not read here, and so what looks encrypted is.
    Marked,
}

/// Keys of a kind.
#[derive(Debug)]
pub enum Keys {
    /// Those with this end.
    EndIn(String),
    /// Those in which this is found. The number is of the steps that are left to look for it.
    Match(Pattern, u64),
}

impl Rule {
    /// The rule of a file.
    pub fn read(sops: &Map<String, Value>) -> Result<Rule, Error> {
        let said = [
            "unencrypted_suffix",
            "encrypted_suffix",
            "unencrypted_regex",
            "encrypted_regex",
            "unencrypted_comment_regex",
            "encrypted_comment_regex",
        ]
        .into_iter()
        .filter_map(|name| sops.get(name).filter(|value| !value.is_null() && **value != "").map(|value| (name, value)))
        .collect::<Vec<_>>();
        let (name, value) = match said.as_slice() {
            [] => return Ok(Rule::AllBut(Keys::EndIn(DEFAULT.to_owned()))),
            [one] => *one,
            [(one, _), (other, _), ..] => {
                return Err(wrong(one, &format!("{other} is there, too, and only one rule can say what is encrypted")));
            }
        };
        let text = value.as_str().ok_or_else(|| wrong(name, "it has to be text"))?;
        let pattern = || {
            let compiled = Pattern::compile(text);
            compiled.map(|it| Keys::Match(it, STEPS)).map_err(|_| wrong(name, "it is no regular expression"))
        };
        Ok(match name {
            "unencrypted_suffix" => Rule::AllBut(Keys::EndIn(text.to_owned())),
            "encrypted_suffix" => Rule::Only(Keys::EndIn(text.to_owned())),
            "unencrypted_regex" => Rule::AllBut(pattern()?),
            "encrypted_regex" => Rule::Only(pattern()?),
            _ => Rule::Marked,
        })
    }

    /// Whether it speaks of a key; nothing where that takes too long.
    pub fn names(&mut self, key: &str) -> Option<bool> {
        match self {
            Rule::AllBut(Keys::EndIn(end)) | Rule::Only(Keys::EndIn(end)) => Some(key.ends_with(end.as_str())),
            Rule::AllBut(Keys::Match(pattern, left)) | Rule::Only(Keys::Match(pattern, left)) => {
                *left = left.checked_sub(pattern.steps(key))?;
                Some(pattern.is_in(key))
            }
            Rule::Marked => Some(false),
        }
    }

    /// Whether a value is encrypted, given whether the rule speaks of a key above it.
    pub fn says_encrypted(&self, is_named: bool, value: &Value) -> bool {
        match self {
            Rule::AllBut(_) => !is_named,
            Rule::Only(_) => is_named,
            Rule::Marked => value.as_str().is_some_and(super::sealed::looks_sealed),
        }
    }
}

fn wrong(name: &str, why: &str) -> Error {
    Error::Metadata { field: format!("sops.{name}"), why: why.to_owned() }
}
