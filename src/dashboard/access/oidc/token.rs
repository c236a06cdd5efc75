//! Whether an ID token counts: a pure decision over the token, the provider's keys, and what was asked for.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use thiserror::Error;

use super::keys::{Algorithm, Keys};
use crate::dashboard::access::person::{Naming, Person, Unfit};

/// How far the clocks of the provider and of this machine may be apart.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);
/// How long a token may be, in bytes.
const LONGEST: usize = 64 * 1024;

/// What is wrong with a token.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Wrong {
    /// It is none.
    #[error("it is not a signed token; look at what kind of client this is at the provider")]
    Shape,
    /// Its algorithm does not count.
    #[error("its algorithm is not one that counts: have the provider sign with RS256, ES256 or EdDSA and announce it")]
    Algorithm,
    /// The key is unknown.
    #[error("the provider has not published the key that it is signed with: wait a minute and log in again")]
    Key,
    /// The signature is wrong.
    #[error("its signature is wrong: whoever sent it is not the provider")]
    Signature,
    /// A claim is missing.
    #[error("it has no claim {0:?}: have the provider put it into ID tokens, or ask for the scope that brings it")]
    Missing(String),
    /// It is of somebody else.
    #[error("it was issued by somebody else: the issuer URL has to be the provider's own name, letter by letter")]
    Issuer,
    /// It is for somebody else.
    #[error("it is for another client: look at --dashboard-oidc-client-id")]
    Audience,
    /// It has run out.
    #[error("it has run out already: compare the clocks of the provider and of the controller's node")]
    Expired,
    /// It does not count yet.
    #[error("it does not count yet: compare the clocks of the provider and of the controller's node")]
    Early,
    /// Nobody can be bound by it.
    #[error("{0}")]
    Person(#[from] Unfit),
    /// It answers another login.
    #[error("it belongs to another login: log in again")]
    Nonce,
}

/// What a token has to be.
pub struct Expected<'a> {
    /// Who issues it.
    pub issuer: &'a str,
    /// For whom.
    pub client_id: &'a str,
    /// For which login.
    pub nonce: &'a str,
    /// The claim that it needs to name a person.
    pub username_claim: &'a str,
    /// How its claims become a person, where the API server is not to see it.
    pub naming: Option<&'a Naming>,
    /// What the provider signs with.
    pub algorithms: &'a [Algorithm],
}

/// The parts of a token that nobody has vouched for yet.
pub struct Parts<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    claims: Map<String, Value>,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The key's name.
    pub key: Option<String>,
}

/// A token that counts.
#[derive(Debug)]
pub struct Verified {
    /// When it ends.
    pub until: Timestamp,
    /// Whom it speaks of, where the API server is not to see it.
    pub person: Option<Person>,
}

impl Parts<'_> {
    /// Takes a token apart.
    pub fn of(token: &str) -> Result<Parts<'_>, Wrong> {
        if token.len() > LONGEST {
            return Err(Wrong::Shape);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Wrong::Shape)?;
        let (header, claims) = signed.split_once('.').ok_or(Wrong::Shape)?;
        let bytes = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Wrong::Shape);
        let object = |text: &str| {
            let object: Map<String, Value> = serde_json::from_slice(&bytes(text)?).map_err(|_| Wrong::Shape)?;
            Ok::<_, Wrong>(object)
        };
        let header = object(header)?;
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        // What is critical there is nothing that we know.
        if header.contains_key("crit") {
            return Err(Wrong::Shape);
        }
        let algorithm = text("alg").and_then(Algorithm::named).ok_or(Wrong::Algorithm)?;
        let key = text("kid").map(str::to_owned);
        Ok(Parts { signed, signature: bytes(signature)?, claims: object(claims)?, algorithm, key })
    }

    /// Decides whether they count.
    pub fn verify(&self, keys: &Keys, expected: &Expected<'_>, now: Timestamp) -> Result<Verified, Wrong> {
        let key = self.key.as_deref();
        if !expected.algorithms.contains(&self.algorithm) {
            return Err(Wrong::Algorithm);
        }
        if !keys.has(self.algorithm, key) {
            return Err(Wrong::Key);
        }
        if !keys.verify(self.algorithm, key, self.signed.as_bytes(), &self.signature) {
            return Err(Wrong::Signature);
        }
        if self.text("iss")? != expected.issuer {
            return Err(Wrong::Issuer);
        }
        self.is_for(expected.client_id)?;
        let until = self.is_current(now)?;
        if self.text("nonce")? != expected.nonce {
            return Err(Wrong::Nonce);
        }
        self.text("sub")?;
        self.text(expected.username_claim)?;
        let person = expected.naming.map(|naming| Person::of(&self.claims, naming)).transpose()?;
        Ok(Verified { until, person })
    }

    fn text(&self, claim: &str) -> Result<&str, Wrong> {
        let text = self.claims.get(claim).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| Wrong::Missing(claim.to_owned()))
    }

    /// Among several that a token is for, the one that asked for it has to be named.
    fn is_for(&self, client_id: &str) -> Result<(), Wrong> {
        let (includes, several) = match self.claims.get("aud") {
            Some(Value::String(audience)) => (audience == client_id, false),
            Some(Value::Array(all)) => (all.iter().any(|one| one.as_str() == Some(client_id)), all.len() > 1),
            _ => return Err(Wrong::Missing("aud".to_owned())),
        };
        let party = match self.claims.get("azp") {
            Some(party) => party.as_str() == Some(client_id),
            None => !several,
        };
        if includes && party { Ok(()) } else { Err(Wrong::Audience) }
    }

    fn is_current(&self, now: Timestamp) -> Result<Timestamp, Wrong> {
        let until = self.time("exp")?.ok_or_else(|| Wrong::Missing("exp".to_owned()))?;
        let issued = self.time("iat")?.ok_or_else(|| Wrong::Missing("iat".to_owned()))?;
        if now.duration_since(until) >= LEEWAY {
            return Err(Wrong::Expired);
        }
        let earliest = self.time("nbf")?.map_or(issued, |earliest| earliest.max(issued));
        if earliest.duration_since(now) > LEEWAY {
            return Err(Wrong::Early);
        }
        Ok(until)
    }

    /// A time, which may have a fraction.
    fn time(&self, claim: &str) -> Result<Option<Timestamp>, Wrong> {
        let Some(value) = self.claims.get(claim) else { return Ok(None) };
        let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
        seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()).map(Some).ok_or(Wrong::Shape)
    }
}
