//! Asking the provider: within a time, no more than so much, and nowhere else than where it was asked.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder, StatusCode};
use serde_json::Value;

use super::problem::Problem;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How long an answer may be, in bytes.
const MOST: usize = 256 * 1024;

/// A client for the provider.
pub fn client(authorities: Option<&str>) -> Result<Client, Problem> {
    let mut builder = Client::builder()
        .user_agent(concat!("sluice/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .referer(false)
        .timeout(LIMIT);
    if let Some(pem) = authorities {
        let found = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|error| Problem::Client(error.to_string()))?;
        if found.is_empty() {
            return Err(Problem::Client("the CA file has no certificate".to_owned()));
        }
        builder = found.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate);
    }
    builder.build().map_err(|error| Problem::Client(error.to_string()))
}

/// What is asked for, and where.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// What.
    pub what: &'static str,
    /// Where.
    pub address: &'a str,
}

impl Ask<'_> {
    /// It did not come.
    fn down(self, why: impl Into<String>) -> Problem {
        Problem::Down { what: self.what, address: self.address.to_owned(), why: why.into() }
    }

    /// It is something else.
    pub fn unfit(self, why: impl Into<String>) -> Problem {
        Problem::Answer { what: self.what, address: self.address.to_owned(), why: why.into() }
    }
}

/// Sends a request, and reads JSON with its status.
pub async fn json(ask: Ask<'_>, request: RequestBuilder) -> Result<(StatusCode, Value), Problem> {
    // The text of such an error may hold the whole address; the kind of it is enough.
    let told = |error: reqwest::Error| {
        let why = if error.is_timeout() { "it took too long" } else { "the connection failed" };
        tracing::debug!(what = ask.what, "the provider does not answer: {:?}", error.without_url());
        ask.down(why)
    };
    let mut answer = request.header("accept", "application/json").send().await.map_err(told)?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(told)? {
        if body.len() + chunk.len() > MOST {
            return Err(ask.unfit(format!("it is longer than {MOST} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_server_error() {
        return Err(ask.down(format!("it answers {status}")));
    }
    let json = serde_json::from_slice(&body).map_err(|_| ask.unfit(format!("it answers {status} without JSON")))?;
    Ok((status, json))
}

/// Reads a document.
pub async fn document(client: &Client, ask: Ask<'_>) -> Result<Value, Problem> {
    let (status, json) = json(ask, client.get(ask.address)).await?;
    if status.is_success() { Ok(json) } else { Err(ask.unfit(format!("it answers {status}"))) }
}
