//! `WebDriver` on the wire: JSON over HTTP, where an answer has a value, and a refusal has a code and a message in its place.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;

/// Longer than what a driver allows a page to take to load, or a script to run.
const LIMIT: Duration = Duration::from_mins(2);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The driver has gone, or does not speak `WebDriver`.
    #[error("the browser's driver does not answer {what}: {source}")]
    Silent {
        /// The method and the path.
        what: String,
        /// What went wrong.
        source: reqwest::Error,
    },
    /// The driver says no, in one of `WebDriver`'s words.
    #[error("{code}: {message}")]
    Said {
        /// `stale element reference`, for one.
        code: String,
        /// What the driver says of it, without its stack.
        message: String,
    },
}

/// A way to a driver.
pub struct Wire {
    http: Client,
    url: String,
}

impl Wire {
    /// To the driver, or the session of it, that is at a URL.
    pub fn to(url: String) -> Wire {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        // Whatever this machine reaches others by, the driver is here.
        let http = Client::builder().no_proxy().timeout(LIMIT).build().expect("a client");
        Wire { http, url }
    }

    /// The same, further down.
    pub fn below(&self, path: &str) -> Wire {
        Wire { http: self.http.clone(), url: format!("{}{path}", self.url) }
    }

    /// Asks for something.
    pub async fn get(&self, path: &str) -> Result<Value, Refused> {
        self.ask(Method::GET, path, None).await
    }

    /// Has something done.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        self.ask(Method::POST, path, Some(body.to_string())).await
    }

    /// Ends something.
    pub async fn delete(&self, path: &str) -> Result<Value, Refused> {
        self.ask(Method::DELETE, path, None).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<String>) -> Result<Value, Refused> {
        let what = format!("{method} {path}");
        let silent = |source| Refused::Silent { what: what.clone(), source };
        let request = self.http.request(method, format!("{}{path}", self.url)).body(body.unwrap_or_default());
        let answer = request.send().await.map_err(silent)?;
        let is_fine = answer.status().is_success();
        let answer = answer.bytes().await.map_err(silent)?;
        let mut answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let value = answer["value"].take();
        if is_fine {
            return Ok(value);
        }
        let text = |key: &str| value[key].as_str().unwrap_or("no reason given").to_owned();
        Err(Refused::Said { code: text("error"), message: text("message") })
    }
}
