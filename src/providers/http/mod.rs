//! What HTTP providers share: a request and its whole answer, limited in time and size, with redirects, and with credentials that
//! go to no other host and into no message.

mod authentication;
mod failure;
mod oauth2;
mod redirect;
mod sigv4;

#[cfg(test)]
mod tests;

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, Url};
use sluice_core::api::WebMetricHeader;

pub use self::authentication::{Identity, is_filled};
pub use self::failure::{Failure, beginning, shown};

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use self::failure::retry_after;
use self::redirect::Sent;
use crate::aws::{Env, causes};
use crate::clock::Clock;

/// The largest answer that is read.
pub const LARGEST: usize = 10_000_000;
/// An answer that is larger than this is read beside few others of the kind,
const LARGE: usize = 256 << 10;
/// of which there are so many at a time.
const LARGE_AT_A_TIME: usize = 2;
/// Who has such a place must be done with it after this long: a server that stops in the middle keeps nobody else from theirs.
const LARGE_FOR: Duration = Duration::from_secs(10);
/// So many redirects are followed.
const MOST_REDIRECTS: usize = 10;

/// Connections are kept for a burst of questions, and not for longer: a server that closes one just as it is used again is an error, and
/// some close them after five seconds.
const IDLE: Duration = Duration::from_secs(4);

/// Sends requests. Clients are made when they are needed first: each holds the root certificates of the machine.
pub struct Http {
    strict: OnceLock<Client>,
    /// Takes any certificate.
    lax: OnceLock<Client>,
    clock: Clock,
    /// Places for answers that are large.
    large: Semaphore,
    pub(super) large_for: Duration,
    tokens: oauth2::Tokens,
    signers: sigv4::Signers,
}

/// A request.
pub struct Ask {
    /// Its method.
    pub method: Method,
    /// Where it goes. A user and a password in it become a header.
    pub url: Url,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    /// Whether any certificate will do.
    pub insecure: bool,
    /// Who asks.
    pub identity: Identity,
}

/// An answer, whatever it is.
pub struct Answered {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Vec<u8>,
    /// Who answered, after redirects, and what was asked: for messages.
    of: String,
    retry_after: Option<Duration>,
    is_bare: bool,
}

impl Http {
    /// Needs a TLS provider, which `main` installs.
    pub fn new(env: Env, clock: Clock) -> Http {
        let (tokens, signers) = (oauth2::Tokens::default(), sigv4::Signers::new(env, clock));
        let large = Semaphore::new(LARGE_AT_A_TIME);
        Http { strict: OnceLock::new(), lax: OnceLock::new(), clock, large, large_for: LARGE_FOR, tokens, signers }
    }

    fn client(&self, insecure: bool) -> Result<&Client, Failure> {
        let made = if insecure { &self.lax } else { &self.strict };
        if let Some(client) = made.get() {
            return Ok(client);
        }
        let builder = Client::builder()
            .user_agent(concat!("sluice/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .pool_idle_timeout(IDLE)
            .tls_danger_accept_invalid_certs(insecure);
        let client =
            builder.build().map_err(|error| Failure::new(format!("there is no HTTP client: {}", causes(&error))))?;
        Ok(made.get_or_init(|| client))
    }

    /// Sends a request and reads the whole answer, redirects and a token where one is needed included, within a limit of time.
    /// `setting` is what users raise for more time.
    ///
    /// # Errors
    /// Where nobody answers, or with more than is read. A status that is no success is an answer.
    pub async fn send(&self, ask: Ask, patience: Duration, setting: &str) -> Result<Answered, Failure> {
        let of = format!("{} {}", ask.method, shown(&ask.url));
        let answered = tokio::time::timeout(patience, self.identified(ask, patience)).await;
        answered.unwrap_or_else(|_| {
            let seconds = patience.as_secs();
            Err(Failure::new(format!("{of}: no answer within {seconds} s; see why it is slow, or raise {setting}")))
        })
    }

    /// As who asks. A token that is not taken any more is replaced by a new one, once.
    async fn identified(&self, mut ask: Ask, patience: Duration) -> Result<Answered, Failure> {
        ask.take_user();
        let Identity::OAuth2(config) = ask.identity.clone() else {
            let signer = self.identify(&mut ask).await?;
            let answered = self.exchange(ask).await?;
            if let (Some(signer), StatusCode::FORBIDDEN) = (signer, answered.status) {
                signer.forget().await;
            }
            return Ok(answered);
        };
        // Some time stays, so that it is said who was slow.
        let patience = patience / 4 * 3;
        let (token, is_new) = self.tokens.token(self, &config, ask.insecure, patience).await?;
        let answered = self.exchange(ask.with_token(&token)?).await?;
        if answered.status != StatusCode::UNAUTHORIZED || is_new {
            return Ok(answered);
        }
        self.tokens.forget(&config, ask.insecure, &token).await;
        let (token, _) = self.tokens.token(self, &config, ask.insecure, patience).await?;
        self.exchange(ask.with_token(&token)?).await
    }

    async fn exchange(&self, ask: Ask) -> Result<Answered, Failure> {
        let client = self.client(ask.insecure)?;
        let Ask { method, url, headers, body, .. } = ask;
        let mut sent = Sent { method, url, headers, body, is_bare: false };
        for _ in 0..=MOST_REDIRECTS {
            let request = client.request(sent.method.clone(), sent.url.clone());
            let response = request.headers(sent.headers.clone()).body(sent.body.clone()).send().await;
            let response = response.map_err(|error| unreachable(&sent, error))?;
            let next = redirect::next(&sent, response.status(), response.headers())
                .map_err(|why| Failure::new(format!("{} {}; ask that address itself", of(&sent), why)))?;
            match next {
                Some(next) => sent = next,
                None => return self.read(&sent, response).await,
            }
        }
        Err(Failure::new(format!(
            "{} redirects more than {MOST_REDIRECTS} times; ask the last address itself",
            of(&sent)
        )))
    }

    async fn read(&self, sent: &Sent, mut response: Response) -> Result<Answered, Failure> {
        let too_long = || {
            let most = LARGEST / 1_000_000;
            Failure::new(format!("{} answers with more than {most} MB; ask for less", of(sent)))
        };
        let (status, retry_after) = (response.status(), retry_after(response.headers(), self.clock));
        // Of what went wrong, the beginning says why.
        let is_cut = !status.is_success();
        if !is_cut && response.content_length().is_some_and(|length| length > LARGEST as u64) {
            return Err(too_long());
        }
        let too_slow = |_| {
            let (most, seconds) = (LARGE >> 10, self.large_for.as_secs());
            Failure::new(format!(
                "{} answers with more than {most} KiB, and not within {seconds} s; ask for less",
                of(sent)
            ))
        };
        let mut body = Vec::new();
        let mut place = None;
        loop {
            let chunk = match &place {
                None => response.chunk().await,
                Some((_, until)) => timeout_at(*until, response.chunk()).await.map_err(too_slow)?,
            };
            let Some(chunk) = chunk.map_err(|error| unreachable(sent, error))? else { break };
            body.extend_from_slice(&chunk);
            if is_cut && body.len() > 1 << 16 {
                break;
            }
            if body.len() > LARGEST {
                return Err(too_long());
            }
            if body.len() > LARGE && place.is_none() {
                // Few are, and all at once would be more than there is memory for. Nobody closes it.
                place = self.large.acquire().await.ok().map(|permit| (permit, Instant::now() + self.large_for));
            }
        }
        Ok(Answered { status, body, of: of(sent), retry_after, is_bare: sent.is_bare })
    }
}

fn of(sent: &Sent) -> String {
    format!("{} {}", sent.method, shown(&sent.url))
}

fn unreachable(sent: &Sent, error: reqwest::Error) -> Failure {
    let is_tls = causes(&error).contains("certificate");
    let advice = if is_tls { "; trust who has signed it, or set insecure" } else { "" };
    Failure::new(format!("{}: {}{advice}", of(sent), causes(&error.without_url())))
}

impl Ask {
    /// What the address says of a user becomes a header, so that all that is secret is in one place.
    fn take_user(&mut self) {
        let (user, password) = (decoded(self.url.username()), decoded(self.url.password().unwrap_or_default()));
        if (!user.is_empty() || !password.is_empty()) && matches!(self.identity, Identity::Nobody) {
            self.identity = Identity::Basic { user, password };
        }
        let _ = self.url.set_username("");
        let _ = self.url.set_password(None);
    }

    fn with_token(&self, token: &oauth2::Token) -> Result<Ask, Failure> {
        let mut headers = self.headers.clone();
        headers.insert(reqwest::header::AUTHORIZATION, token.header()?);
        let Ask { method, url, body, insecure, .. } = self;
        let (method, url, body, identity) = (method.clone(), url.clone(), body.clone(), Identity::Nobody);
        Ok(Ask { method, url, headers, body, insecure: *insecure, identity })
    }
}

/// A part of an address without its percent signs.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl Answered {
    /// It, if it is a success; otherwise what it says instead. `hint` is what to look at where it says nothing better.
    ///
    /// # Errors
    /// Where the status is none of success.
    pub fn success(self, hint: &str) -> Result<Answered, Failure> {
        if self.status.is_success() { Ok(self) } else { Err(self.refusal(None, hint)) }
    }

    /// Why it is no success. What a server says about itself goes before the beginning of its answer.
    pub fn refusal(&self, said: Option<&str>, hint: &str) -> Failure {
        let said = said.map_or_else(|| beginning(&self.body), |said| beginning(said.as_bytes()));
        let mut message = format!("{} answers {}", self.of, self.status);
        if !said.is_empty() {
            message = format!("{message}: {said}");
        }
        let advice = match self.status.as_u16() {
            401 | 403 if self.is_bare => {
                "; it was redirected to another host, which gets no credentials: ask that one itself"
            }
            401 | 403 => "; see its authentication",
            429 | 503 => "; it is asked again later",
            _ => hint,
        };
        Failure { retry_after: self.retry_after, ..Failure::new(message + advice) }
    }

    /// An answer that cannot be used.
    pub fn unusable(&self, why: &str) -> Failure {
        Failure::new(format!("{} {why}", self.of))
    }
}

/// Headers as users write them. A later one replaces an earlier one.
///
/// # Errors
/// Where a name or a value cannot be one. The value is not told.
pub fn headers(list: &[WebMetricHeader]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for WebMetricHeader { key, value } in list {
        let name: HeaderName = key.parse().map_err(|_| Failure::new(format!("{key:?} is no name of a header")))?;
        let mut value = HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| {
            Failure::new(format!("the header {key} has a value that cannot be sent, such as one of two lines"))
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}
