//! A file as SOPS sees it: one document or several, with one key and one MAC over the values of all.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA512};
use serde_json::{Map, Value};
use sluice_core::validate::field_path;
use sluice_yaml::Ordered;

use super::LONGEST_PATH;
use super::age::Identities;
use super::error::{Error, Wrong, beginning};
use super::metadata::Metadata;
use super::rule::Rule;
use super::sealed::{self, DataKey, Plain};

/// What the hash begins with where it is of encrypted values alone, so that the one cannot pass for the other: the SHA-256 of `sops`.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b, 0x0b, 0x97, 0x5b,
    0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// Where the MAC is, and what it is bound to.
pub const MAC: &str = "sops.mac (with sops.lastmodified)";

/// A file that is being decrypted, document by document.
pub struct File {
    key: DataKey,
    rule: Rule,
    only_encrypted: bool,
    hash: Context,
    mac: String,
}

/// Where a value is.
#[derive(Default)]
struct Place {
    /// As SOPS binds a value to it: the keys, each with a colon behind it. Places in lists do not count.
    bound: String,
    /// Whether the rule speaks of one of the keys.
    is_named: bool,
}

/// A value that is wrong, and the way to it, from its end.
struct At(Vec<Step>, Wrong);

enum Step {
    Key(String),
    Item(usize),
}

impl File {
    /// Begins with what the file says of itself.
    pub fn open(metadata: &Metadata<'_>, identities: &Identities) -> Result<File, Error> {
        let rule = metadata.rule()?;
        let only_encrypted = metadata.mac_only_encrypted()?;
        let (sealed, bound) = (metadata.mac()?, metadata.last_modified()?);
        let key = metadata.data_key(identities)?;
        let wrong = |why| Error::Value { path: MAC.to_owned(), why };
        let Plain::Text(mac) = key.open(sealed, bound).map_err(wrong)? else { return Err(wrong(Wrong::Type)) };
        let mut hash = Context::new(&SHA512);
        if only_encrypted {
            hash.update(&ONLY_ENCRYPTED);
        }
        Ok(File { key, rule, only_encrypted, hash, mac })
    }

    /// The next document, without what SOPS says of it. It must not be used before the end has been verified.
    pub fn document(&mut self, entries: Vec<(String, Ordered)>) -> Result<Value, Error> {
        let map = self.map(entries, &Place::default()).map_err(|At(way, why)| Error::Value { path: path(way), why })?;
        Ok(Value::Object(map))
    }

    /// Whether all of its documents were there, with all of their values in their order.
    pub fn verify(self) -> Result<(), Error> {
        let hash = self.hash.finish();
        let hash = hash.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02X}"));
        verify_slices_are_equal(hash.as_bytes(), self.mac.as_bytes()).map_err(|_| Error::Mac)
    }

    fn map(&mut self, entries: Vec<(String, Ordered)>, place: &Place) -> Result<Map<String, Value>, At> {
        let mut map = Map::new();
        for (key, node) in entries {
            let value = self.entry(&key, node, place);
            map.insert(key.clone(), value.map_err(|at| at.behind(Step::Key(key)))?);
        }
        Ok(map)
    }

    fn entry(&mut self, key: &str, node: Ordered, place: &Place) -> Result<Value, At> {
        if place.bound.len() + key.len() > LONGEST_PATH {
            return Err(At::here(Wrong::TooDeep));
        }
        let is_named = place.is_named || self.rule.names(key).ok_or(At::here(Wrong::Pattern))?;
        let place = Place { bound: format!("{}{key}:", place.bound), is_named };
        self.node(node, &place)?.ok_or(At::here(Wrong::Comment))
    }

    /// The value of a node; nothing if it is a comment. SOPS puts a comment that it encrypts in a list among the items.
    fn node(&mut self, node: Ordered, place: &Place) -> Result<Option<Value>, At> {
        Ok(match node {
            Ordered::Scalar(value) => self.scalar(value, place).map_err(At::here)?,
            Ordered::Map(entries) => Some(Value::Object(self.map(entries, place)?)),
            Ordered::List(nodes) => {
                let mut items = Vec::new();
                for (index, node) in nodes.into_iter().enumerate() {
                    items.extend(self.node(node, place).map_err(|at| at.behind(Step::Item(index)))?);
                }
                Some(Value::Array(items))
            }
        })
    }

    fn scalar(&mut self, value: Value, place: &Place) -> Result<Option<Value>, Wrong> {
        if value.is_null() {
            return Ok(Some(value));
        }
        if !self.rule.says_encrypted(place.is_named, &value) {
            if !self.only_encrypted {
                self.hash.update(sealed::in_mac(&value).as_bytes());
            }
            return Ok(Some(value));
        }
        match value.as_str() {
            // An empty text stays as it is.
            Some("") => Ok(Some(value)),
            Some(text) if sealed::looks_sealed(text) => {
                let plain = self.key.open(text, &place.bound)?;
                self.hash.update(plain.in_mac().unwrap_or_default().as_bytes());
                Ok(plain.into_value())
            }
            _ => Err(Wrong::Plain),
        }
    }
}

impl At {
    fn here(why: Wrong) -> At {
        At(Vec::new(), why)
    }

    fn behind(mut self, step: Step) -> At {
        self.0.push(step);
        self
    }
}

fn path(way: Vec<Step>) -> String {
    let path = way.into_iter().rev().fold(String::new(), |path, step| match step {
        Step::Key(key) => field_path(&path, &key),
        Step::Item(index) => format!("{path}[{index}]"),
    });
    beginning(&path)
}
