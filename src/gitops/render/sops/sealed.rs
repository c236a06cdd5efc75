//! A value as SOPS encrypts it: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.
//!
//! The nonces have 32 bytes, for which aws-lc-rs has no AES-GCM.

use aes_gcm::aead::array::Array;
use aes_gcm::aead::consts::U32;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{AesGcm, aes::Aes256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::decimal;
use super::error::Wrong;

const BEGIN: &str = "ENC[AES256_GCM,";
const TAG: usize = 16;

/// Whether a value is written as encrypted ones are.
pub fn looks_sealed(value: &str) -> bool {
    value.starts_with(BEGIN)
}

/// What was encrypted.
pub enum Plain {
    /// A text, or a time.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number that is finite.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A comment, which is no value.
    Comment,
}

/// The key of a file.
pub struct DataKey(AesGcm<Aes256, U32>);

impl DataKey {
    /// The key in so many bytes, if they are as many as it has.
    pub fn new(key: &[u8]) -> Option<DataKey> {
        AesGcm::new_from_slice(key).ok().map(DataKey)
    }

    /// What a value says at the place where it was encrypted.
    pub fn open(&self, value: &str, place: &str) -> Result<Plain, Wrong> {
        let (sealed, iv, kind) = parse(value).ok_or(Wrong::Malformed)?;
        let payload = Payload { msg: &sealed, aad: place.as_bytes() };
        let plain = self.0.decrypt(&Array(iv), payload).map(Zeroizing::new).map_err(|_| Wrong::Changed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| Wrong::Text)?;
        typed(text, kind).ok_or(Wrong::Type)
    }
}

/// The encrypted bytes with their tag, the nonce, and the type.
fn parse(value: &str) -> Option<(Vec<u8>, [u8; 32], &str)> {
    let mut fields = value.strip_prefix(BEGIN)?.strip_suffix(']')?.split(',');
    let mut field = |name: &str| fields.next()?.strip_prefix(name);
    let mut sealed = STANDARD.decode(field("data:")?).ok()?;
    let iv = STANDARD.decode(field("iv:")?).ok()?.try_into().ok()?;
    let tag = STANDARD.decode(field("tag:")?).ok().filter(|tag| tag.len() == TAG)?;
    let kind = field("type:")?;
    sealed.extend(tag);
    fields.next().is_none().then_some((sealed, iv, kind))
}

fn typed(text: &str, kind: &str) -> Option<Plain> {
    Some(match kind {
        "str" | "time" | "bytes" => Plain::Text(text.to_owned()),
        "int" => Plain::Int(text.parse().ok()?),
        "float" => Plain::Float(text.parse().ok().filter(|number: &f64| number.is_finite())?),
        // As Go reads them; SOPS writes `True` and `False`.
        "bool" => Plain::Bool(match text {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => true,
            "0" | "f" | "F" | "FALSE" | "false" | "False" => false,
            _ => return None,
        }),
        "comment" => Plain::Comment,
        _ => return None,
    })
}

impl Plain {
    /// As the MAC takes it; nothing for a comment.
    pub fn in_mac(&self) -> Option<String> {
        Some(match self {
            Plain::Text(text) => text.clone(),
            Plain::Int(number) => number.to_string(),
            Plain::Float(number) => decimal::plain(*number),
            Plain::Bool(value) => truth(*value).to_owned(),
            Plain::Comment => return None,
        })
    }

    /// As a manifest has it; nothing for a comment.
    pub fn into_value(self) -> Option<Value> {
        Some(match self {
            Plain::Text(text) => text.into(),
            Plain::Int(number) => number.into(),
            Plain::Float(number) => sluice_yaml::float(number),
            Plain::Bool(value) => value.into(),
            Plain::Comment => return None,
        })
    }
}

/// A value that is not encrypted, as the MAC takes it.
pub fn in_mac(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(value) => truth(*value).to_owned(),
        Value::Number(number) if number.is_f64() => decimal::plain(number.as_f64().unwrap_or_default()),
        Value::Number(number) => number.to_string(),
        // Nothing is no value, and lists and maps are what is in them.
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

fn truth(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}
