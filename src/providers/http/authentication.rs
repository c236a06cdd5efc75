//! Who asks, as a metric says it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use sluice_core::api::{Authentication, OAuth2Config, Sigv4Config};

use super::oauth2::Application;
use super::{Ask, Failure, Http};
use crate::aws::credentials::Credentials;

/// Who asks. What is secret in it is in no debug output.
#[derive(Clone)]
pub enum Identity {
    /// Nobody in particular, or whom the headers name.
    Nobody,
    /// A user.
    Basic {
        /// Name.
        user: String,
        /// Password.
        password: String,
    },
    /// Whoever has a token of an OAuth 2 server.
    OAuth2(Application),
    /// Whoever has keys of AWS.
    Sigv4(Sigv4Config),
}

impl Identity {
    /// As a metric says. Manifests that were written by a Go program have every field, most of them empty: those count as absent.
    /// `signs` is whether requests to this address may be signed.
    ///
    /// # Errors
    /// Where it says it by halves.
    pub fn of(authentication: Option<&Authentication>, signs: bool) -> Result<Identity, Failure> {
        let Some(Authentication { sigv4, oauth2, basic_auth }) = authentication else { return Ok(Identity::Nobody) };
        if let Some(sigv4) = sigv4.as_ref().filter(|sigv4| signs && is_filled(sigv4)) {
            return Ok(Identity::Sigv4(sigv4.clone()));
        }
        if let Some(oauth2) = oauth2.as_ref().filter(|oauth2| !text(oauth2.token_url.as_ref()).is_empty()) {
            return application(oauth2).map(Identity::OAuth2);
        }
        let Some(basic) = basic_auth else { return Ok(Identity::Nobody) };
        let (user, password) = (text(basic.username.as_ref()), text(basic.password.as_ref()));
        if user.is_empty() && password.is_empty() {
            return Ok(Identity::Nobody);
        }
        if user.contains(':') {
            return Err(Failure::new("the user name of basicAuth has a colon, which ends a name there"));
        }
        Ok(Identity::Basic { user: user.to_owned(), password: password.to_owned() })
    }
}

/// Whether anything is said of how to sign.
pub fn is_filled(sigv4: &Sigv4Config) -> bool {
    [&sigv4.region, &sigv4.profile, &sigv4.role_arn].iter().any(|field| !text(field.as_ref()).is_empty())
}

fn text(field: Option<&String>) -> &str {
    field.map_or("", String::as_str)
}

fn application(config: &OAuth2Config) -> Result<Application, Failure> {
    let missing = |what| Failure::new(format!("missing mandatory parameter in metric for OAuth2 setup: {what}"));
    let given = |field: Option<&String>, what| match text(field) {
        "" => Err(missing(what)),
        text => Ok(text.to_owned()),
    };
    Ok(Application {
        token_url: given(config.token_url.as_ref(), "tokenUrl")?,
        id: given(config.client_id.as_ref(), "clientId")?,
        secret: given(config.client_secret.as_ref(), "clientSecret")?,
        scopes: config.scopes.clone(),
    })
}

/// The header of a user.
pub(super) fn basic(user: &str, password: &str) -> Result<HeaderValue, Failure> {
    secret_header(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

/// A header that no debug output has.
pub(super) fn secret_header(text: &str) -> Result<HeaderValue, Failure> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| Failure::new("the credentials have characters that cannot be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}

impl Http {
    /// Says in a request who asks, where no token is needed for that. Returns whose keys have signed it.
    pub(super) async fn identify(&self, ask: &mut Ask) -> Result<Option<Arc<Credentials>>, Failure> {
        match ask.identity.clone() {
            Identity::Nobody | Identity::OAuth2(_) => Ok(None),
            Identity::Basic { user, password } => {
                ask.headers.insert(AUTHORIZATION, basic(&user, &password)?);
                Ok(None)
            }
            Identity::Sigv4(config) => self.signers.sign(ask, &config).await.map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(authentication: Value, signs: bool) -> Result<Identity, String> {
        let authentication: Authentication = serde_json::from_value(authentication).expect("an authentication");
        Identity::of(Some(&authentication), signs).map_err(|failure| failure.message)
    }

    #[test]
    fn what_is_empty_is_absent() {
        let empty = json!({"sigv4": {"region": ""}, "oauth2": {"tokenUrl": ""}, "basicAuth": {}});
        assert!(matches!(of(empty, true), Ok(Identity::Nobody)));
        assert!(matches!(Identity::of(None, true), Ok(Identity::Nobody)));
    }

    #[test]
    fn requests_are_signed_only_where_they_may_be() {
        let both = json!({"sigv4": {"region": "eu-west-1"}, "basicAuth": {"username": "u", "password": "p"}});
        assert!(matches!(of(both.clone(), true), Ok(Identity::Sigv4(_))));
        assert!(matches!(of(both, false), Ok(Identity::Basic { .. })));
    }

    #[test]
    fn who_asks_is_said_wholly_or_not_at_all() {
        let half = json!({"oauth2": {"tokenUrl": "http://t", "clientId": "i"}});
        let message = "missing mandatory parameter in metric for OAuth2 setup: clientSecret";
        assert_eq!(of(half, false).err().as_deref(), Some(message));
        let colon = json!({"basicAuth": {"username": "a:b", "password": "p"}});
        let message = "the user name of basicAuth has a colon, which ends a name there";
        assert_eq!(of(colon, false).err().as_deref(), Some(message));
    }
}
