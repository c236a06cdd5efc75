//! Tokens of OAuth 2 servers, for applications that ask as themselves (client credentials), kept for as long as they are good.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;
use tokio::time::Instant;

use super::authentication::{basic, secret_header};
use super::{Answered, Ask, Failure, Http, Identity};
use crate::aws::sign::form;

/// A token is renewed so long before it expires.
const EARLY: Duration = Duration::from_secs(10);
/// Of so many applications tokens are kept.
const MOST: usize = 256;

/// An application that asks a server for tokens.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Application {
    /// Where the tokens come from.
    pub token_url: String,
    /// Its name there.
    pub id: String,
    /// What proves it.
    pub secret: String,
    /// What it asks for.
    pub scopes: Vec<String>,
}

/// What lets a request in.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token {
    kind: String,
    text: String,
    expires: Option<Instant>,
}

impl Token {
    pub(super) fn header(&self) -> Result<HeaderValue, Failure> {
        secret_header(&format!("{} {}", self.kind, self.text))
    }
}

/// What a server answers. Numbers are texts in some.
#[derive(Deserialize)]
struct Granted {
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    token_type: String,
    #[serde(default)]
    expires_in: serde_json::Value,
}

/// Why a server grants nothing.
#[derive(Default, Deserialize)]
struct Refused {
    #[serde(default)]
    error: String,
}

/// The token of one application; who needs a new one waits for the one who asks, and for nobody else.
type Kept = Arc<tokio::sync::Mutex<Option<Token>>>;

/// The tokens that there are.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<(Application, bool), Kept>>);

impl Tokens {
    /// A token of an application, and whether it is new.
    pub(super) async fn token(
        &self,
        http: &Http,
        application: &Application,
        insecure: bool,
        patience: Duration,
    ) -> Result<(Token, bool), Failure> {
        let kept = self.kept(application, insecure);
        let mut kept = kept.lock().await;
        let lasts = |token: &Token| token.expires.is_none_or(|expires| Instant::now() + EARLY < expires);
        if let Some(token) = kept.as_ref().filter(|token| lasts(token)) {
            return Ok((token.clone(), false));
        }
        *kept = None;
        let granted = tokio::time::timeout(patience, granted(http, application, insecure)).await;
        let granted = granted.unwrap_or_else(|_| {
            let url = Url::parse(&application.token_url).map(|url| super::shown(&url)).unwrap_or_default();
            Err(Failure::new(format!("POST {url}: no token within {patience:?}; see why it is slow")))
        })?;
        Ok((kept.insert(granted).clone(), true))
    }

    /// Forgets a token that is not taken any more.
    pub(super) async fn forget(&self, application: &Application, insecure: bool, token: &Token) {
        let kept = self.kept(application, insecure);
        kept.lock().await.take_if(|known| known == token);
    }

    fn kept(&self, application: &Application, insecure: bool) -> Kept {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (application.clone(), insecure);
        // Secrets change, and with them the key: what nobody holds goes when there are many.
        if all.len() >= MOST && !all.contains_key(&key) {
            all.retain(|_, kept| Arc::strong_count(kept) > 1);
        }
        all.entry(key).or_default().clone()
    }
}

async fn granted(http: &Http, application: &Application, insecure: bool) -> Result<Token, Failure> {
    let scopes = application.scopes.join(" ");
    let mut pairs = vec![("grant_type", "client_credentials")];
    if !scopes.is_empty() {
        pairs.push(("scope", &scopes));
    }
    // The name and the secret are encoded before they are: RFC 6749, 2.3.1.
    let (id, secret) = (encoded(&application.id), encoded(&application.secret));
    let header = basic(&id, &secret)?;
    let answered = http.exchange(request(application, &pairs, Some(header), insecure)?).await?;
    // Most servers read the header. Of one that does not nothing tells but its refusal.
    let answered = if matches!(answered.status.as_u16(), 400 | 401) {
        pairs.extend([("client_id", application.id.as_str()), ("client_secret", application.secret.as_str())]);
        http.exchange(request(application, &pairs, None, insecure)?).await?
    } else {
        answered
    };
    read(&answered)
}

fn request(
    application: &Application,
    pairs: &[(&str, &str)],
    authorization: Option<HeaderValue>,
    insecure: bool,
) -> Result<Ask, Failure> {
    let url = Url::parse(&application.token_url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| Failure::new("the tokenUrl of oauth2 is no address of http or https"))?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.extend(authorization.map(|value| (AUTHORIZATION, value)));
    let (method, body, identity) = (Method::POST, form(pairs).into_bytes(), Identity::Nobody);
    Ok(Ask { method, url, headers, body, insecure, identity })
}

/// A token, or why there is none. Nothing else of the answer is told: it is where tokens are.
fn read(answered: &Answered) -> Result<Token, Failure> {
    if !answered.status.is_success() {
        let refused: Refused = serde_json::from_slice(&answered.body).unwrap_or_default();
        let is_code =
            |text: &str| text.len() < 64 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let said = if is_code(&refused.error) { refused.error } else { String::new() };
        return Err(answered.refusal(Some(&said), "; see oauth2 of the metric"));
    }
    let granted: Option<Granted> = serde_json::from_slice(&answered.body).ok();
    let Some(granted) = granted.filter(|granted| !granted.access_token.is_empty()) else {
        return Err(answered.unusable("answers without an access_token in JSON; see the tokenUrl of oauth2"));
    };
    let seconds = match &granted.expires_in {
        serde_json::Value::Number(seconds) => seconds.as_u64(),
        serde_json::Value::String(seconds) => seconds.parse().ok(),
        _ => None,
    };
    let expires = seconds.filter(|seconds| *seconds > 0);
    let expires = expires.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    let is_bearer = granted.token_type.is_empty() || granted.token_type.eq_ignore_ascii_case("bearer");
    let kind = if is_bearer { "Bearer".to_owned() } else { granted.token_type };
    Ok(Token { kind, text: granted.access_token, expires })
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
