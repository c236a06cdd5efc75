//! Bodies in protobuf, as the typed clients of Kubernetes send them, read into the JSON that they would have sent instead.
//!
//! A body is an envelope: four bytes, and a message with the kind and the object. `wire` reads what stands there,
//! `table` knows the fields of all messages, `tree` reads a message by it, and `json` and `forms` write the tree.

mod forms;
mod json;
mod table;
mod tree;
mod wire;

use serde_json::{Value, json};
use thiserror::Error;

use self::json::JsonWriter;
use self::table::Table;
use self::tree::{Fields, Held, TreeReader};

/// What every body begins with.
const MAGIC: &[u8; 4] = b"k8s\0";
/// How many messages may be inside each other. In JSON that is twice as deep at most, which every reader takes.
const DEPTH: usize = 60;
/// How many values there may be in a body; what etcd takes is far less.
const VALUES: usize = 1 << 18;

/// A kind in its version, such as `apps/v1` and `Deployment`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its group and version.
    pub api_version: String,
    /// Its name.
    pub kind: String,
}

impl Kind {
    /// Its group, which is empty for the core, and its version.
    pub fn group_version(&self) -> (&str, &str) {
        self.api_version.split_once('/').unwrap_or(("", &self.api_version))
    }
}

/// Why a body cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Mistake {
    /// It does not even say its kind.
    #[error("{0}")]
    Envelope(EnvelopeError),
    /// Of this kind it is, but it cannot be read as such.
    #[error("{1}")]
    Object(Kind, WireError),
}

/// What is wrong around the object.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// There is nothing.
    #[error("empty data")]
    NoData,
    /// It begins otherwise.
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    NoMagic,
    /// There is no more than the beginning.
    #[error("empty body")]
    NoBody,
    /// The message cannot be read.
    #[error("{0}")]
    Wire(#[from] WireError),
}

/// Why a message cannot be read, in the words of Kubernetes' decoder.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// It ends too early.
    #[error("unexpected EOF")]
    Truncated,
    /// A number has too many bytes.
    #[error("proto: integer overflow")]
    Overflow,
    /// A length that nothing can have.
    #[error("proto: negative length found during unmarshaling")]
    NegativeLength,
    /// A group ends that did not begin.
    #[error("proto: unexpected end of group")]
    EndOfGroup,
    /// A field is written in a way that there is not.
    #[error("proto: illegal wireType {0}")]
    IllegalType(u8),
    /// A field is not written in its way.
    #[error("proto: wrong wireType = {0} for field {1}")]
    WrongType(u8, String),
    /// A group ends in the middle of a message.
    #[error("proto: {0}: wiretype end group for non-group")]
    GroupInMessage(String),
    /// A field without a number.
    #[error("proto: {0}: illegal tag {1} (wire type {2})")]
    IllegalTag(String, i32, u64),
    /// A quantity that is none.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    NotAQuantity,
    /// What it holds cannot be said in JSON.
    #[error("{0}")]
    NotJson(String),
    /// Messages inside messages; the real server takes any number.
    #[error("more than {DEPTH} messages are inside each other")]
    TooDeep,
    /// The real server takes any number.
    #[error("there are more than {VALUES} values")]
    TooMuch,
}

/// How many values there may still be.
#[derive(Debug)]
pub struct Budget(usize);

impl Budget {
    fn spend(&mut self) -> Result<(), WireError> {
        self.0 = self.0.checked_sub(1).ok_or(WireError::TooMuch)?;
        Ok(())
    }
}

/// Whether there is such a kind in Kubernetes at all.
pub fn is_registered(kind: &Kind) -> bool {
    Table::recorded().is_registered(&kind.api_version, &kind.kind)
}

/// The object of a body, as JSON with `apiVersion` and `kind`. What the body leaves out of these is as in `expected`, and of
/// a kind that the sandbox does not have there are only these.
pub fn read(body: &[u8], expected: &Kind) -> Result<Value, Mistake> {
    let (kind, raw) = open(body, expected).map_err(Mistake::Envelope)?;
    let table = Table::recorded();
    let mut object = json!({});
    if let Some(message) = table.kind(&kind.api_version, &kind.kind) {
        let mut budget = Budget(VALUES);
        let mut fields = Fields::default();
        object = TreeReader { table, budget: &mut budget }
            .message(message, raw, &mut fields, DEPTH)
            .and_then(|()| JsonWriter { table, budget: &mut budget }.message(message, &fields))
            .map_err(|error| Mistake::Object(kind.clone(), error))?;
    }
    object["apiVersion"] = json!(kind.api_version);
    object["kind"] = json!(kind.kind);
    Ok(object)
}

/// The kind that an envelope names, and what is in it.
pub fn open<'a>(body: &'a [u8], expected: &Kind) -> Result<(Kind, &'a [u8]), EnvelopeError> {
    let data = match body.strip_prefix(MAGIC) {
        None if body.is_empty() => return Err(EnvelopeError::NoData),
        None => return Err(EnvelopeError::NoMagic),
        Some([]) => return Err(EnvelopeError::NoBody),
        Some(data) => data,
    };
    let table = Table::recorded();
    let message = table.named("Unknown").unwrap_or_else(|| unreachable!("a test reads envelopes"));
    let mut fields = Fields::default();
    TreeReader { table, budget: &mut Budget(VALUES) }.message(message, data, &mut fields, DEPTH)?;
    let named = match fields.get(0) {
        Some(Held::Message(named)) => named.clone(),
        _ => Fields::default(),
    };
    let text = |place| match named.get(place) {
        Some(Held::Bytes(bytes)) => tree::text(bytes),
        _ => String::new(),
    };
    let (api_version, kind) = (text(0), text(1));
    let or = |found: String, expected: &String| if found.is_empty() { expected.clone() } else { found };
    let kind = Kind { api_version: or(api_version, &expected.api_version), kind: or(kind, &expected.kind) };
    let raw = match fields.get(1) {
        Some(Held::Bytes(raw)) => raw,
        _ => &[][..],
    };
    Ok((kind, raw))
}
