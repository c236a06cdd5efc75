//! One request and its whole answer, limited in size and time.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::Error;

/// The largest answer that is read: a page of a thousand rules is a tenth of that.
const LIMIT: usize = 8 << 20;

/// Sends requests.
#[derive(Clone, Debug)]
pub struct Http {
    /// For the internet, through a proxy where the environment names one.
    far: reqwest::Client,
    /// For the machine that the program runs on.
    near: reqwest::Client,
}

/// A request.
pub(super) struct Ask<'a> {
    /// What it asks, for errors.
    pub(super) action: &'a str,
    pub(super) method: Method,
    pub(super) url: &'a str,
    pub(super) headers: Vec<(&'a str, String)>,
    pub(super) body: String,
    /// Whether the machine itself is asked.
    pub(super) near: bool,
    pub(super) patience: Duration,
}

impl<'a> Ask<'a> {
    /// Reads something that the machine serves.
    pub(super) fn near(action: &'a str, url: &'a str, headers: Vec<(&'a str, String)>) -> Ask<'a> {
        let (body, patience) = (String::new(), Duration::from_secs(2));
        Ask { action, method: Method::GET, url, headers, body, near: true, patience }
    }
}

/// An answer, whatever it is.
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answered {
    /// When to ask again, where it says so in seconds.
    pub(super) fn after(&self) -> Option<Duration> {
        let seconds: u64 = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// The body of a success.
    pub(super) fn success(self, action: &str) -> Result<String, Error> {
        if self.status == 200 {
            return Ok(self.body);
        }
        let (after, message) = (self.after(), self.body.chars().take(200).collect());
        let (action, code) = (action.to_owned(), format!("HTTP {}", self.status));
        Err(Error::Refused { action, status: self.status, code, message, after })
    }
}

impl Http {
    /// Needs a TLS provider, which `main` installs.
    ///
    /// # Errors
    /// Where the machine's root certificates cannot be read.
    pub fn new() -> Result<Http, reqwest::Error> {
        let builder = || {
            let agent = concat!("sluice/", env!("CARGO_PKG_VERSION"));
            reqwest::Client::builder().user_agent(agent).redirect(reqwest::redirect::Policy::none())
        };
        Ok(Http { far: builder().build()?, near: builder().no_proxy().build()? })
    }

    pub(super) async fn send(&self, ask: Ask<'_>) -> Result<Answered, Error> {
        let patience = ask.patience;
        let action = ask.action.to_owned();
        let answered = tokio::time::timeout(patience, self.exchange(ask)).await;
        answered.unwrap_or_else(|_| {
            let message = format!("no answer within {} s", patience.as_secs());
            Err(Error::Unreachable { action, message })
        })
    }

    async fn exchange(&self, ask: Ask<'_>) -> Result<Answered, Error> {
        let unreachable = |error: reqwest::Error| Error::Unreachable {
            action: ask.action.to_owned(),
            message: causes(&error.without_url()),
        };
        let client = if ask.near { &self.near } else { &self.far };
        let mut request = client.request(ask.method.clone(), ask.url).body(ask.body.clone());
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        let mut response = request.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > LIMIT {
                let message = format!("it is longer than {LIMIT} bytes");
                return Err(Error::Unreadable { action: ask.action.to_owned(), message });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answered { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

/// An error with those behind it: the first one alone says only that sending failed.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
