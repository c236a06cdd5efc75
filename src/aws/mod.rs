//! The little of AWS that a controller needs: who it is ([`credentials`]), a signature that says so ([`sign`]), and what load balancers
//! do ([`elb`]). Requests are few and all are reads, so this is no SDK: no retries (whoever asks has a rhythm of its own), and nothing
//! that is not bounded in size and time.

pub mod credentials;
pub mod elb;
mod http;
mod query;
pub mod sign;
mod xml;

use std::sync::Arc;
use std::time::Duration;

pub use self::http::Http;
pub(crate) use self::http::causes;

/// Why AWS did not answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// It did, with an error.
    #[error("AWS refuses {action}: {code}: {message}")]
    Refused {
        /// What was asked.
        action: String,
        /// The status of HTTP.
        status: u16,
        /// In one word, for programs.
        code: String,
        /// In words.
        message: String,
        /// When to ask again, where it says so.
        after: Option<Duration>,
    },
    /// It was not reached, or did not finish in time.
    #[error("AWS cannot be asked for {action}: {message}")]
    Unreachable {
        /// What was asked.
        action: String,
        /// Why.
        message: String,
    },
    /// What it said does not read.
    #[error("AWS answers {action} with what does not read: {message}")]
    Unreadable {
        /// What was asked.
        action: String,
        /// What is wrong with it.
        message: String,
    },
    /// Nothing says who is asking, or where.
    #[error("{0}")]
    Unconfigured(String),
}

impl Error {
    /// The code of a refusal.
    pub fn code(&self) -> &str {
        match self {
            Error::Refused { code, .. } => code,
            _ => "",
        }
    }

    /// When to ask again, where AWS says so.
    pub fn after(&self) -> Option<Duration> {
        match self {
            Error::Refused { after, .. } => *after,
            _ => None,
        }
    }
}

/// Where variables of the environment come from; tests have their own.
pub type Env = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The environment of this process. A variable that is empty is none.
pub fn process_env() -> Env {
    Arc::new(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// The address of a service: the one that the environment gives, as the SDKs read it, or that of the region.
fn endpoint(env: &Env, variable: &str, service: &str, region: &str) -> String {
    let given = env(&format!("AWS_ENDPOINT_URL_{variable}")).or_else(|| env("AWS_ENDPOINT_URL"));
    given.unwrap_or_else(|| {
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://{service}.{region}.{domain}")
    })
}
