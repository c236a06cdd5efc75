//! How a registry asks who is there, and the token that it wants to see: what it says is read here, and asked for in `registry.rs`.

use reqwest::Url;
use serde::Deserialize;

/// How long a challenge may be.
const LONGEST: usize = 8 << 10;

/// What a registry wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// A user and a password.
    Basic,
    /// A token that somebody gives out.
    Bearer {
        /// Who.
        realm: String,
        /// For whom.
        service: Option<String>,
        /// For what.
        scope: Option<String>,
    },
}

/// What a service of tokens answers.
#[derive(Deserialize)]
pub struct Token {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
}

impl Token {
    /// The token, if it is one.
    pub fn text(self) -> Option<String> {
        let is_good = |text: &String| !text.is_empty() && text.bytes().all(|c| c.is_ascii_graphic());
        self.token.filter(is_good).or(self.access_token.filter(is_good))
    }
}

impl Challenge {
    /// Reads what the headers `WWW-Authenticate` say: a token before a password.
    pub fn read<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
        let mut found = None;
        for header in headers.filter(|header| header.len() <= LONGEST) {
            let (kind, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
            if kind.eq_ignore_ascii_case("basic") {
                found = found.or(Some(Challenge::Basic));
            }
            if !kind.eq_ignore_ascii_case("bearer") {
                continue;
            }
            let parameters = parameters(rest);
            let get = |name: &str| {
                let found = parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
            };
            if let Some(realm) = get("realm") {
                return Some(Challenge::Bearer { realm, service: get("service"), scope: get("scope") });
            }
        }
        found
    }
}

/// `key="value", key=value`.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_matches([' ', ',', '\t']).to_owned();
        let (value, left) = after.strip_prefix('"').map_or_else(
            || {
                let (value, left) = after.split_once(',').unwrap_or((after, ""));
                (value.trim().to_owned(), left)
            },
            quoted_text,
        );
        found.push((key, value));
        rest = left;
    }
    found
}

/// A text up to its closing quote, and what comes after that.
fn quoted_text(text: &str) -> (String, &str) {
    let (mut value, mut is_escaped) = (String::new(), false);
    for (at, letter) in text.char_indices() {
        match letter {
            '\\' if !is_escaped => is_escaped = true,
            '"' if !is_escaped => return (value, &text[at + 1..]),
            letter => {
                is_escaped = false;
                value.push(letter);
            }
        }
    }
    (value, "")
}

/// Where a token is asked for, and whether a login may go there: over TLS, or to the registry itself.
///
/// # Errors
/// That there is no such place.
pub fn place(registry: &Url, realm: &str, service: Option<&str>, scope: &str) -> Result<(Url, bool), String> {
    let parsed = Url::parse(realm).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let mut url = parsed.ok_or_else(|| format!("its realm {realm:?}, where tokens are given out, is no URL"))?;
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let mut query = url.query_pairs_mut();
    if let Some(service) = service {
        query.append_pair("service", service);
    }
    query.append_pair("scope", scope);
    drop(query);
    let may_login = url.scheme() == "https" || url.origin() == registry.origin();
    Ok((url, may_login))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read() {
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| {
            let text = |text: &str| text.to_owned();
            Some(Challenge::Bearer { realm: text(realm), service: service.map(text), scope: scope.map(text) })
        };
        for (headers, expected) in [
            (vec!["Basic realm=\"charts\""], Some(Challenge::Basic)),
            (vec!["basic"], Some(Challenge::Basic)),
            (
                vec![
                    "Bearer realm=\"https://auth.example.com/token\",service=\"registry\",scope=\"repository:a:pull,push\"",
                ],
                bearer("https://auth.example.com/token", Some("registry"), Some("repository:a:pull,push")),
            ),
            (vec!["Basic realm=x", "bearer Realm=https://a/t , service=b"], bearer("https://a/t", Some("b"), None)),
            (vec!["Bearer realm=\"https://a/\\\"t\", error=\"\""], bearer("https://a/\"t", None, None)),
            (vec!["Bearer service=\"x\""], None),
            (vec!["Bearer realm=\"open"], bearer("open", None, None)),
            (vec!["Negotiate", ""], None),
            (vec!["Bearer ====\",,=\"\"=", "Bearer \"", "Bearer ,"], None),
        ] {
            assert_eq!(Challenge::read(headers.iter().copied()), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_login_goes_to_a_realm_over_tls_or_to_the_registry_itself() {
        let registry = Url::parse("http://registry.example.com:5000").expect("a URL");
        for (realm, expected) in [
            ("https://auth.example.com/token", Some(true)),
            ("http://registry.example.com:5000/token", Some(true)),
            ("http://registry.example.com/token", Some(false)),
            ("http://auth.example.com/token", Some(false)),
            ("file:///etc/passwd", None),
            ("token", None),
        ] {
            let found = place(&registry, realm, Some("a b"), "repository:web:pull").ok();
            assert_eq!(found.as_ref().map(|(_, may)| *may), expected, "{realm}");
            let query = found.and_then(|(url, _)| url.query().map(str::to_owned));
            assert!(query.is_none_or(|query| query == "service=a+b&scope=repository%3Aweb%3Apull"));
        }
    }

    #[test]
    fn a_token_is_one_that_a_header_can_have() {
        let token = |text: &str| serde_json::from_str::<Token>(text).expect("JSON").text();
        assert_eq!(token(r#"{"token": "a.b-c", "expires_in": 300}"#).as_deref(), Some("a.b-c"));
        assert_eq!(token(r#"{"token": "", "access_token": "x"}"#).as_deref(), Some("x"));
        for text in ["{}", r#"{"token": null}"#, "{\"token\": \"a\\r\\nb\"}"] {
            assert_eq!(token(text), None, "{text}");
        }
    }
}
