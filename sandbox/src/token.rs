//! Credentials: the administrator's tokens, and those of service accounts, which are JSON Web Tokens.
//!
//! The key that signs lives as long as the sandbox. It is the one thing in it that must not be foreseeable.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Who signs, and for whom a token is unless it says otherwise.
pub const ISSUER: &str = "https://kubernetes.default.svc";

/// How far the clocks of others may be off, in seconds.
const LEEWAY: i64 = 60;

/// What a token says of its holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// For whom it is.
    pub aud: Vec<String>,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// When it was made.
    pub iat: i64,
    /// Who made it.
    pub iss: String,
    /// Which one it is.
    pub jti: String,
    /// The objects that it ends with.
    #[serde(rename = "kubernetes.io")]
    pub bound: Bound,
    /// When it begins.
    pub nbf: i64,
    /// The name of the user.
    pub sub: String,
}

/// The objects that a token is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// Where all of them but the node are.
    pub namespace: String,
    /// The node that uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<Reference>,
    /// The pod that uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<Reference>,
    /// A secret that it ends with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Reference>,
    /// Whose it is.
    pub serviceaccount: Reference,
}

/// One object, which another of the same name is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The name.
    pub name: String,
    /// The uid.
    pub uid: String,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is no token of this issuer.
    #[error("invalid bearer token")]
    Foreign,
    /// It was not signed here.
    #[error("go-jose/go-jose: error in cryptographic primitive")]
    Signature,
    /// It has ended.
    #[error("service account token has expired")]
    Expired,
    /// It has not begun.
    #[error("service account token is not valid yet")]
    Early,
}

/// The tokens that are accepted.
#[derive(Debug, Default)]
pub struct Tokens {
    /// Made when it is first needed.
    key: Option<EcdsaKeyPair>,
    administrators: Vec<String>,
}

impl Tokens {
    /// Lets whoever shows this token do everything.
    pub fn trust(&mut self, token: String) {
        self.administrators.push(token);
    }

    /// Whether it is the administrator who shows this token.
    pub fn is_administrators(&self, token: &str) -> bool {
        let equals = |known: &String| verify_slices_are_equal(known.as_bytes(), token.as_bytes()).is_ok();
        self.administrators.iter().any(equals)
    }

    /// A token that says this.
    pub fn sign(&mut self, claims: &Claims) -> Result<String, Unspecified> {
        let key = match &mut self.key {
            Some(key) => key,
            none => none.insert(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
        };
        let public: PublicKeyX509Der<'_> = key.public_key().as_der()?;
        let id = BASE64.encode(digest(&SHA256, public.as_ref()));
        let header = json!({ "alg": "ES256", "kid": id }).to_string();
        let claims = json!(claims).to_string();
        let text = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
        let signature = key.sign(&SystemRandom::new(), text.as_bytes())?;
        Ok(format!("{text}.{}", BASE64.encode(signature)))
    }

    /// What a token says, if it was signed here and is valid now, in seconds since 1970.
    pub fn verify(&self, token: &str, now: i64) -> Result<Claims, Invalid> {
        let (text, signature) = token.rsplit_once('.').ok_or(Invalid::Foreign)?;
        let (header, claims) = text.split_once('.').ok_or(Invalid::Foreign)?;
        let (header, read) = (decoded(header)?, decoded(claims)?);
        let signature = BASE64.decode(signature).map_err(|_| Invalid::Foreign)?;
        if read["iss"] != ISSUER || header["alg"] != "ES256" {
            return Err(Invalid::Foreign);
        }
        let key = self.key.as_ref().ok_or(Invalid::Signature)?;
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key());
        public.verify(text.as_bytes(), &signature).map_err(|_| Invalid::Signature)?;
        let claims: Claims = serde_json::from_value(read).map_err(|_| Invalid::Foreign)?;
        if now.saturating_add(LEEWAY) < claims.nbf {
            return Err(Invalid::Early);
        }
        if claims.exp < now.saturating_sub(LEEWAY) {
            return Err(Invalid::Expired);
        }
        Ok(claims)
    }
}

fn decoded(part: &str) -> Result<Value, Invalid> {
    let bytes = BASE64.decode(part).map_err(|_| Invalid::Foreign)?;
    serde_json::from_slice(&bytes).map_err(|_| Invalid::Foreign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        let account = Reference { name: "sluice".to_owned(), uid: "1".to_owned() };
        Claims {
            aud: vec![ISSUER.to_owned()],
            exp: 4600,
            iat: 1000,
            iss: ISSUER.to_owned(),
            jti: "2".to_owned(),
            bound: Bound { namespace: "home".to_owned(), node: None, pod: None, secret: None, serviceaccount: account },
            nbf: 1000,
            sub: "system:serviceaccount:home:sluice".to_owned(),
        }
    }

    #[test]
    fn a_token_says_what_was_signed() {
        let mut tokens = Tokens::default();
        let token = tokens.sign(&claims()).expect("a token");
        assert_eq!(tokens.verify(&token, 1000), Ok(claims()));
    }

    #[test]
    fn a_token_is_valid_from_its_beginning_to_its_end_and_a_minute_more() {
        let mut tokens = Tokens::default();
        let token = tokens.sign(&claims()).expect("a token");
        for (now, expected) in [
            (939, Err(Invalid::Early)),
            (940, Ok(claims())),
            (4660, Ok(claims())),
            (4661, Err(Invalid::Expired)),
            (i64::MIN, Err(Invalid::Early)),
            (i64::MAX, Err(Invalid::Expired)),
        ] {
            assert_eq!(tokens.verify(&token, now), expected, "at {now}");
        }
    }

    #[test]
    fn what_another_key_signed_is_not_accepted() {
        let token = Tokens::default().sign(&claims()).expect("a token");
        let mut tokens = Tokens::default();
        assert_eq!(tokens.verify(&token, 1000), Err(Invalid::Signature));
        tokens.sign(&claims()).expect("a token");
        assert_eq!(tokens.verify(&token, 1000), Err(Invalid::Signature));
    }

    #[test]
    fn claims_cannot_be_changed() {
        let mut tokens = Tokens::default();
        let token = tokens.sign(&claims()).expect("a token");
        let parts: Vec<&str> = token.split('.').collect();
        let other = Claims { sub: "system:serviceaccount:home:other".to_owned(), ..claims() };
        let other = BASE64.encode(json!(other).to_string());
        assert_eq!(tokens.verify(&[parts[0], &other, parts[2]].join("."), 1000), Err(Invalid::Signature));
        let unsigned = BASE64.encode(r#"{"alg":"none"}"#);
        assert_eq!(tokens.verify(&[&unsigned, parts[1], ""].join("."), 1000), Err(Invalid::Foreign));
    }

    #[test]
    fn what_is_no_token_is_refused_without_a_panic() {
        let mut tokens = Tokens::default();
        tokens.sign(&claims()).expect("a token");
        let issued = BASE64.encode(json!({ "iss": ISSUER }).to_string());
        let header = BASE64.encode(json!({ "alg": "ES256" }).to_string());
        for (token, expected) in [
            (String::new(), Invalid::Foreign),
            ("..".to_owned(), Invalid::Foreign),
            ("a.b.c".to_owned(), Invalid::Foreign),
            (format!("{header}.{issued}"), Invalid::Foreign),
            (format!("{header}.{issued}."), Invalid::Signature),
            (format!("{header}.{issued}.AAAA"), Invalid::Signature),
            (format!("{header}.{}.AAAA", BASE64.encode("[".repeat(10_000))), Invalid::Foreign),
        ] {
            assert_eq!(tokens.verify(&token, 1000), Err(expected), "{token}");
        }
    }

    #[test]
    fn the_administrators_token_is_known_by_every_letter() {
        let mut tokens = Tokens::default();
        assert!(!tokens.is_administrators(""));
        tokens.trust("secret".to_owned());
        assert!(tokens.is_administrators("secret"));
        assert!(!tokens.is_administrators("secreT") && !tokens.is_administrators("secret "));
    }
}
