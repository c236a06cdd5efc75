//! The provider: what it announces, its keys, and the change of a code for a token.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::sync::Mutex;

use super::fetch::{self, Ask};
use super::keys::{Algorithm, Keys};
use super::pending::{Login, Pending};
use super::problem::Problem;
use super::token::{Expected, Parts, Verified, Wrong};
use super::{Settings, protected};
use crate::clock::Clock;
use crate::dashboard::html::query;
use crate::flags::OidcMode;

/// How long what a provider announces counts.
const ANNOUNCED: SignedDuration = SignedDuration::from_hours(1);
/// How seldom keys are read again when one is unknown.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// What a provider announces.
#[derive(Debug)]
struct Announced {
    authorization: String,
    token: String,
    keys: String,
    end_session: Option<String>,
    algorithms: Vec<Algorithm>,
    takes_basic: bool,
}

/// What is kept of a provider.
#[derive(Default)]
struct Known {
    announced: Option<(Arc<Announced>, Timestamp)>,
    keys: Arc<Keys>,
    asked_for_keys: Option<Timestamp>,
}

/// A provider.
pub struct Provider {
    /// What is to be known of it.
    pub settings: Settings,
    /// What logins that have begun are kept by.
    pub pending: Pending,
    client: Client,
    known: Mutex<Known>,
    clock: Clock,
}

impl Announced {
    /// Reads what the provider of this name announces.
    fn read(ask: Ask<'_>, issuer: &str, said: &Value) -> Result<Announced, Problem> {
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        let list = |name: &str| {
            let list = said.get(name).and_then(Value::as_array);
            list.map(|list| list.iter().filter_map(Value::as_str).collect::<Vec<_>>())
        };
        if text("issuer") != Some(issuer) {
            return Err(ask.unfit("it is another issuer's; the URL has to be the same letter by letter"));
        }
        let endpoint = |name: &str| {
            let address = text(name).ok_or_else(|| ask.unfit(format!("it has no {name}")))?;
            protected(address).map(String::from)
        };
        let announced = list("id_token_signing_alg_values_supported").unwrap_or_default();
        // A provider that does not say takes the basic form.
        let methods = list("token_endpoint_auth_methods_supported").unwrap_or_default();
        Ok(Announced {
            authorization: endpoint("authorization_endpoint")?,
            token: endpoint("token_endpoint")?,
            keys: endpoint("jwks_uri")?,
            end_session: endpoint("end_session_endpoint").ok(),
            algorithms: announced.into_iter().filter_map(Algorithm::named).collect(),
            takes_basic: methods.is_empty() || methods.contains(&"client_secret_basic"),
        })
    }
}

impl Provider {
    /// The provider of these settings. Nothing is asked of it before somebody logs in: the dashboard works without it.
    pub fn new(settings: Settings, clock: Clock) -> Result<Provider, Problem> {
        let settings = settings.checked()?;
        let client = fetch::client(settings.authorities.as_deref())?;
        Ok(Provider { settings, pending: Pending::new()?, client, known: Mutex::default(), clock })
    }

    async fn announced(&self) -> Result<Arc<Announced>, Problem> {
        let now = self.clock.now();
        let mut known = self.known.lock().await;
        if let Some((announced, at)) = &known.announced
            && now.duration_since(*at) < ANNOUNCED
        {
            return Ok(Arc::clone(announced));
        }
        let issuer = &self.settings.issuer;
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let ask = Ask { what: "configuration", address: &address };
        let said = fetch::document(&self.client, ask).await?;
        let announced = Arc::new(Announced::read(ask, issuer, &said)?);
        known.announced = Some((Arc::clone(&announced), now));
        Ok(announced)
    }

    /// The keys, read again if the one that is meant is unknown, though not too often: anybody can name a key.
    async fn keys(&self, announced: &Announced, parts: &Parts<'_>) -> Result<Arc<Keys>, Problem> {
        let now = self.clock.now();
        let mut known = self.known.lock().await;
        let is_fresh = known.asked_for_keys.is_some_and(|at| now.duration_since(at) < PAUSE);
        if !is_fresh && !known.keys.has(parts.algorithm, parts.key.as_deref()) {
            known.asked_for_keys = Some(now);
            let set = fetch::document(&self.client, Ask { what: "keys", address: &announced.keys }).await?;
            known.keys = Arc::new(Keys::read(&set));
        }
        Ok(Arc::clone(&known.keys))
    }

    /// Where a browser goes to log in.
    pub async fn entrance(&self, login: &Login) -> Result<String, Problem> {
        let announced = self.announced().await?;
        let scopes: Vec<&str> = ["openid"].into_iter().chain(self.settings.scopes.iter().map(String::as_str)).collect();
        let parameters = [
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", &self.settings.redirect()),
            ("scope", &scopes.join(" ")),
            ("state", &login.state),
            ("nonce", &login.nonce),
            ("code_challenge", &login.challenge()),
            ("code_challenge_method", "S256"),
        ];
        Ok(with_query(&announced.authorization, &parameters))
    }

    /// Where a browser goes to log out there, too.
    pub async fn exit(&self) -> Option<String> {
        let announced = self.announced().await.ok()?;
        let to = format!("{}/login", self.settings.url);
        let parameters = [("client_id", self.settings.client_id.as_str()), ("post_logout_redirect_uri", &to)];
        announced.end_session.as_ref().map(|address| with_query(address, &parameters))
    }

    /// Changes a code for an ID token, and verifies that.
    pub async fn token(&self, code: &str, login: &Login) -> Result<(String, Verified), Problem> {
        let announced = self.announced().await?;
        let token = self.exchange(&announced, code, login).await?;
        let refused = |wrong: Wrong| Problem::Token { issuer: self.settings.issuer.clone(), wrong };
        let parts = Parts::of(&token).map_err(refused)?;
        let keys = self.keys(&announced, &parts).await?;
        let expected = Expected {
            issuer: &self.settings.issuer,
            client_id: &self.settings.client_id,
            nonce: &login.nonce,
            username_claim: &self.settings.naming.username_claim,
            naming: (self.settings.mode == OidcMode::Review).then_some(&self.settings.naming),
            algorithms: &announced.algorithms,
        };
        let verified = parts.verify(&keys, &expected, self.clock.now()).map_err(refused)?;
        Ok((token, verified))
    }

    async fn exchange(&self, announced: &Announced, code: &str, login: &Login) -> Result<String, Problem> {
        let ask = Ask { what: "token", address: &announced.token };
        let redirect = self.settings.redirect();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect),
            ("code_verifier", &login.verifier),
        ];
        let (id, secret) = (self.settings.client_id.as_str(), self.settings.client_secret.as_deref());
        let mut request = self.client.post(ask.address).header("content-type", "application/x-www-form-urlencoded");
        match secret {
            Some(secret) if announced.takes_basic => {
                let both = BASE64_STANDARD.encode(format!("{}:{}", query(id), query(secret)));
                request = request.header("authorization", format!("Basic {both}"));
            }
            Some(secret) => form.extend([("client_id", id), ("client_secret", secret)]),
            None => form.push(("client_id", id)),
        }
        let (status, said) = fetch::json(ask, request.body(encoded(&form))).await?;
        if !status.is_success() {
            return Err(refusal(ask.address, status, &said));
        }
        let token = said.get("id_token").and_then(Value::as_str);
        token
            .map(str::to_owned)
            .ok_or_else(|| ask.unfit("it has no id_token: the client has to be one of OpenID Connect"))
    }
}

/// What the provider's refusal of a code means. Only its name for it is repeated, and only if it is a name.
fn refusal(address: &str, status: StatusCode, said: &Value) -> Problem {
    let name = said.get("error").and_then(Value::as_str).unwrap_or_default();
    let is_name = !name.is_empty() && name.len() < 64 && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let todo = match name {
        "invalid_client" | "unauthorized_client" => {
            "look at --dashboard-oidc-client-id and --dashboard-oidc-client-secret-file"
        }
        "invalid_grant" => "log in again; if it stays so, --dashboard-oidc-url is not what the provider knows",
        _ => "look at how the client is set up there",
    };
    let why = if is_name { format!("{status}, {name}") } else { status.to_string() };
    Problem::Exchange { address: address.to_owned(), why, todo }
}

fn encoded(form: &[(&str, &str)]) -> String {
    form.iter().map(|(name, value)| format!("{name}={}", query(value))).collect::<Vec<_>>().join("&")
}

fn with_query(address: &str, parameters: &[(&str, &str)]) -> String {
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}{}", encoded(parameters))
}
