//! Why somebody is not logged in: what was attempted, with whom, and what to do. Nothing here holds a token, a code or a secret.

use thiserror::Error;

use super::token::Wrong;

/// What went wrong.
#[derive(Debug, Error)]
pub enum Problem {
    /// An address that will not do.
    #[error("{0:?} is no address to log in by: it has to be an https:// address (http:// only for this machine)")]
    Address(String),
    /// There is no HTTP client.
    #[error("there is no HTTP client for the provider: {0}; look at --dashboard-oidc-ca-file")]
    Client(String),
    /// The provider does not answer.
    #[error(
        "cannot ask the provider for {what} at {address}: {why}; see whether it is up and reachable from the controller"
    )]
    Down {
        /// What was asked for.
        what: &'static str,
        /// Where.
        address: String,
        /// What happened.
        why: String,
    },
    /// It answers with something else.
    #[error("the provider's {what} at {address} is not what it should be: {why}; look at --dashboard-oidc-issuer-url")]
    Answer {
        /// What was asked for.
        what: &'static str,
        /// Where.
        address: String,
        /// What is wrong.
        why: String,
    },
    /// It does not take the code.
    #[error("the provider at {address} did not change the code for a token ({why}); {todo}")]
    Exchange {
        /// Where.
        address: String,
        /// The provider's name for it.
        why: String,
        /// What to do.
        todo: &'static str,
    },
    /// The provider, or whoever was asked there, said no.
    #[error("the provider did not log you in: {0}; try again, or ask who runs it")]
    Denied(String),
    /// The answer belongs to no login of this browser.
    #[error("this is no answer to a login that this browser began here, or it took too long: log in again")]
    NotYours,
    /// The token does not count.
    #[error("the ID token of {issuer} is refused: {wrong}")]
    Token {
        /// Who issued it.
        issuer: String,
        /// What is wrong with it.
        wrong: Wrong,
    },
    /// The API server does not take the token.
    #[error(
        "the API server does not take the ID token of {0}: it has to trust that provider (--oidc-issuer-url, --oidc-client-id, or an \
         AuthenticationConfiguration)"
    )]
    Cluster(String),
    /// The API server cannot be asked.
    #[error("the API server cannot be asked who you are: {0}; try again when it answers")]
    Server(String),
    /// No random numbers.
    #[error("the machine gives no random numbers; nobody can be logged in")]
    Random,
}
