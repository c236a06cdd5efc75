//! What a file says of itself, under `sops`.

use serde_json::{Map, Value};

use super::age::{Identities, decrypt};
use super::error::{Error, beginning};
use super::rule::Rule;
use super::sealed::DataKey;

/// Where keepers of keys are listed, besides those of age.
const OTHERS: [&str; 6] = ["pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms"];
/// Recipients that a file may have.
const MOST: usize = 100;

/// What a file says of itself.
pub struct Metadata<'a> {
    sops: &'a Map<String, Value>,
}

impl<'a> Metadata<'a> {
    /// What a document has under `sops`, if SOPS wrote it.
    pub fn of(sops: &'a Value) -> Option<Metadata<'a>> {
        let sops = sops.as_object().filter(|sops| sops.get("mac").is_some_and(Value::is_string))?;
        let metadata = Metadata { sops };
        ["age", "key_groups"].into_iter().chain(OTHERS).any(|name| !metadata.list(name).is_empty()).then_some(metadata)
    }

    /// What is encrypted.
    pub fn rule(&self) -> Result<Rule, Error> {
        Rule::read(self.sops)
    }

    /// Whether the MAC is of encrypted values alone.
    pub fn mac_only_encrypted(&self) -> Result<bool, Error> {
        match self.sops.get("mac_only_encrypted") {
            None | Some(Value::Null) => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| wrong("mac_only_encrypted", "it has to be true or false")),
        }
    }

    /// The MAC, which is encrypted.
    pub fn mac(&self) -> Result<&'a str, Error> {
        self.text("mac")
    }

    /// What the MAC is bound to.
    pub fn last_modified(&self) -> Result<&'a str, Error> {
        self.text("lastmodified")
    }

    /// The key that the values are encrypted with, if one of the identities can unwrap it.
    pub fn data_key(&self, identities: &Identities) -> Result<DataKey, Error> {
        let recipients = self.list("age");
        if recipients.len() > MOST {
            return Err(wrong("age", &format!("it has more than {MOST} recipients")));
        }
        if recipients.is_empty() {
            let others: Vec<&str> = OTHERS.into_iter().filter(|name| !self.list(name).is_empty()).collect();
            let split = || wrong("key_groups", "a key that is split between groups is not supported: use one group");
            return Err(if others.is_empty() { split() } else { Error::NotForAge(others) });
        }
        let mut failed = None;
        for (index, recipient) in recipients.iter().enumerate() {
            let Some(identity) = recipient["recipient"].as_str().and_then(|name| identities.of(name)) else { continue };
            let armored = recipient["enc"].as_str().unwrap_or_default();
            let field = || format!("sops.age[{index}].enc");
            match decrypt(armored, identity) {
                Ok(key) => match DataKey::new(&key) {
                    Some(key) => return Ok(key),
                    None => failed = Some(Error::Metadata { field: field(), why: "it holds no key of AES-256".into() }),
                },
                Err(problem) => failed = Some(Error::Key { field: field(), problem }),
            }
        }
        let named = recipients.iter().filter_map(|one| one["recipient"].as_str());
        Err(failed.unwrap_or_else(|| Error::NoIdentity(named.map(beginning).collect())))
    }

    fn list(&self, name: &str) -> &'a [Value] {
        self.sops.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    fn text(&self, name: &str) -> Result<&'a str, Error> {
        self.sops.get(name).and_then(Value::as_str).ok_or_else(|| wrong(name, "it has to be there, as text"))
    }
}

fn wrong(name: &str, why: &str) -> Error {
    Error::Metadata { field: format!("sops.{name}"), why: why.to_owned() }
}
