//! Manifests that SOPS has encrypted for age, so that a Secret can be in Git: decrypted in memory, before they are rendered.
//!
//! Texts go in and documents come out; there are no files, no programs and no agents here. `sops` is not run, because the identity
//! would have to be in a file or its environment, and everything that it can do besides (asking clouds for keys) would be on.
//!
//! What the MAC covers is decided by SOPS: the values of a file in their order, but not the keys of those that are not encrypted,
//! nor what is empty or null; each encrypted value is bound to its keys, not to its place in a list. It says that the file is as
//! somebody encrypted it, not who: everybody can encrypt for a recipient. Who may commit decides that.
//!
//! No error and no `Debug` shows a value or anything that decrypts: keys of maps, recipients and lines are all that is named.

mod age;
mod decimal;
mod error;
mod file;
mod metadata;
mod rule;
mod sealed;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::Value;
use sluice_yaml::{Ordered, Part};

pub use age::Identities;
pub use error::Error;
use file::File;
use metadata::Metadata;

/// Bytes that a text with encrypted documents may have.
const LONGEST: usize = 1 << 20;
/// Bytes that the keys which lead to a value may have.
const LONGEST_PATH: usize = 4 << 10;
/// Files of SOPS that may be in a text.
const MOST_FILES: usize = 10;
/// Where SOPS says what it has done.
const METADATA: &str = "sops";

/// Whether a document is encrypted by SOPS.
pub fn is_encrypted(document: &Value) -> bool {
    document.get(METADATA).is_some_and(|sops| Metadata::of(sops).is_some())
}

/// The documents of a YAML or JSON text, decrypted, and without what SOPS says of them. Others are as they are.
///
/// It takes the whole text, because SOPS makes one MAC over all documents of a file. Several of its files in one text are told
/// apart by what each says of itself.
///
/// # Errors
/// If any of it cannot be decrypted, or is not as it was encrypted.
pub fn decrypt(text: &str, identities: &Identities) -> Result<Vec<Value>, Error> {
    if text.len() > LONGEST {
        return Err(Error::TooLong);
    }
    let parts = sluice_yaml::split(text);
    let is_one = parts.len() == 1;
    let mut files = BTreeMap::new();
    let mut documents = Vec::new();
    for part in parts {
        let read = document(part, identities, &mut files);
        documents.push(read.map_err(|error| match error {
            error if is_one => error,
            error => Error::Document { line: part.offset + 1, error: Box::new(error) },
        })?);
    }
    files.into_values().try_for_each(File::verify)?;
    Ok(documents)
}

fn document(part: Part<'_>, identities: &Identities, files: &mut BTreeMap<String, File>) -> Result<Value, Error> {
    let read = sluice_yaml::read_ordered(part);
    let read = read.map_err(|why| Error::Unreadable(why.line.unwrap_or(part.offset + 1)))?;
    let Ordered::Map(mut entries) = read else { return Ok(read.into()) };
    let Some(at) = entries.iter().position(|(key, _)| key == METADATA) else { return Ok(Ordered::Map(entries).into()) };
    let sops = Value::from(entries[at].1.clone());
    let Some(metadata) = Metadata::of(&sops) else { return Ok(Ordered::Map(entries).into()) };
    entries.remove(at);
    let is_full = files.len() == MOST_FILES;
    let file = match files.entry(sops.to_string()) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(_) if is_full => return Err(Error::TooMany),
        Entry::Vacant(new) => new.insert(File::open(&metadata, identities)?),
    };
    file.document(entries)
}
