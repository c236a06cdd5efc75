//! What the API server asks. Whoever reaches the port can send something, so sizes are bounded before anything is read.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::validate::is_known;

/// The API of the request and of the answer.
pub(super) const API_VERSION: &str = "admission.k8s.io/v1";
pub(super) const KIND: &str = "AdmissionReview";

/// Bytes of a body, at most: an object as large as etcd takes, as it is and as it was.
pub const MOST_BYTES: usize = 4 << 20;

/// Values in a body, at most: a small text can stand for a large tree.
const MOST_VALUES: usize = 150_000;

/// Why a body is not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is larger than [`MOST_BYTES`].
    #[error("the body has more than {MOST_BYTES} bytes")]
    TooLong,
    /// It has more values than anybody writes.
    #[error("the body has more than {MOST_VALUES} values")]
    TooManyValues,
    /// It is no JSON, or not that of a review.
    #[error("the body is no AdmissionReview: {0}")]
    Unreadable(String),
    /// It is a review of another API.
    #[error("the body is {kind} of {api_version}; this webhook answers {KIND} of {API_VERSION}")]
    Version {
        /// Its API.
        api_version: String,
        /// Its kind.
        kind: String,
    },
    /// It lacks a part.
    #[error("the AdmissionReview has no {0}")]
    Missing(&'static str),
}

/// What is to be done with the object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Operation {
    Create,
    Update,
    /// Nothing that this webhook has a say in.
    #[default]
    #[serde(other)]
    Other,
}

/// The kind of an object, by what identifies it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Kind {
    /// Its group; empty for the core group.
    #[serde(default, deserialize_with = "or_default")]
    pub group: String,
    /// Its name.
    #[serde(default, deserialize_with = "or_default")]
    pub kind: String,
}

/// A question of the API server: may this be stored?
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// What the answer must repeat.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) uid: String,
    /// The kind of the object.
    #[serde(default, deserialize_with = "or_default")]
    pub kind: Kind,
    /// Its name; empty where the API server makes one.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) sub_resource: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) operation: Operation,
    /// As it would be stored.
    #[serde(default)]
    pub(super) object: Value,
    /// As it is stored.
    #[serde(default)]
    pub(super) old_object: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    #[serde(default, deserialize_with = "or_default")]
    api_version: String,
    #[serde(default, deserialize_with = "or_default")]
    kind: String,
    #[serde(default)]
    request: Option<Request>,
}

impl Request {
    /// Reads the body of a request.
    pub fn read(body: &[u8]) -> Result<Request, Malformed> {
        if body.len() > MOST_BYTES {
            return Err(Malformed::TooLong);
        }
        if values(body) > MOST_VALUES {
            return Err(Malformed::TooManyValues);
        }
        let unreadable = |error: serde_json::Error| Malformed::Unreadable(error.to_string());
        let Review { api_version, kind, request } = serde_json::from_slice(body).map_err(unreadable)?;
        if (api_version.as_str(), kind.as_str()) != (API_VERSION, KIND) {
            return Err(Malformed::Version { api_version: shown(&api_version), kind: shown(&kind) });
        }
        let request = request.ok_or(Malformed::Missing("request"))?;
        if request.uid.is_empty() {
            return Err(Malformed::Missing("request.uid"));
        }
        if request.has_a_say() && !request.object.is_object() {
            return Err(Malformed::Missing("request.object"));
        }
        Ok(request)
    }

    /// The kind of the object if it is one of ours; for statistics, which must not grow with what is asked.
    pub fn known_kind(&self) -> &str {
        let kind = self.object["kind"].as_str().unwrap_or_default();
        if is_known(&self.object) { kind } else { "other" }
    }

    /// Whether what is asked is whether a manifest may be stored.
    pub(super) fn has_a_say(&self) -> bool {
        self.sub_resource.is_empty() && self.operation != Operation::Other
    }
}

/// A name in an error: enough of it to recognise.
fn shown(name: &str) -> String {
    if name.is_empty() { "nothing".into() } else { name.chars().take(60).collect() }
}

/// How many values a text stands for if it is JSON, and at most so many if it is not: each follows a comma or begins something.
pub(super) fn values(text: &[u8]) -> usize {
    let (mut count, mut in_string, mut is_escaped) = (1, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

/// Go writes absent fields as null in some places.
fn or_default<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
