//! Where the next page of a list begins: the token that `continue` carries.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::syntax;
use crate::object;
use crate::refusal::Refusal;

/// The place after the last object of a page, in the list of one version.
#[derive(Debug, PartialEq, Eq)]
pub struct Token {
    /// The version.
    pub version: u64,
    namespace: String,
    name: String,
}

impl Token {
    /// After this object.
    pub fn after(object: &Value, version: u64) -> Token {
        Token { version, namespace: object::namespace(object).to_owned(), name: object::name(object).to_owned() }
    }

    /// Whether an object is on one of the pages to come.
    pub fn is_before(&self, object: &Value) -> bool {
        (object::namespace(object), object::name(object)) > (self.namespace.as_str(), self.name.as_str())
    }

    /// Reads a token, if there is one.
    pub fn read(text: &str) -> Result<Option<Token>, Refusal> {
        if text.is_empty() {
            return Ok(None);
        }
        let wrong =
            |why: &str| Refusal::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong("illegal base64 data"))?;
        syntax::check(&bytes).map_err(|error| wrong(&error))?;
        let token: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let start = token["start"].as_str().and_then(|start| start.split_once('/'));
        let (Some(version), Some((namespace, name))) = (token["rv"].as_u64(), start) else {
            return Err(wrong("server set an invalid continue token"));
        };
        Ok(Some(Token { version, namespace: namespace.to_owned(), name: name.to_owned() }))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = format!("{}/{}", self.namespace, self.name);
        let token = json!({ "v": "meta.k8s.io/v1", "rv": self.version, "start": start });
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(token.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_to_what_comes_after() {
        let object = |name: &str| json!({ "metadata": { "namespace": "shop", "name": name } });
        let token = Token::after(&object("b"), 12);
        assert_eq!(Token::read(&token.to_string()), Ok(Some(Token::after(&object("b"), 12))));
        assert!(token.is_before(&object("c")) && !token.is_before(&object("b")) && !token.is_before(&object("a")));
        assert_eq!(Token::read(""), Ok(None));
        assert!(Token::read("here").is_err());
    }
}
