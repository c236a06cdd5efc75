//! Why something that a person asked for was not done.

use kube::Error;

/// What was attempted, and why it failed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It makes no sense for the object as it is.
    #[error("cannot {attempted}: {why}")]
    Unfit {
        /// What was to be done, on which object: `promote rollout 'web'`.
        attempted: String,
        /// What speaks against it.
        why: String,
    },
    /// It is not any more what somebody was asked about.
    #[error("cannot {attempted}: it has gone on since you were asked. Look at it, and ask again")]
    GoneOn {
        /// What was to be done, on which object.
        attempted: String,
    },
    /// The pause that the controller keeps has ended, but that of the manifest has not.
    #[error(
        "cannot {attempted} to the end: its pause has ended, but spec.paused could not be taken out of its manifest: {}. Look at it, and \
         promote it again",
        said(error)
    )]
    Half {
        /// What was to be done, on which object.
        attempted: String,
        /// Why the manifest could not be written.
        #[source]
        error: Box<Error>,
    },
    /// The API server, or the way to it, said no.
    #[error("cannot {attempted}: {}", said(error))]
    Call {
        /// What was to be done, on which object.
        attempted: String,
        /// The answer.
        #[source]
        error: Box<Error>,
    },
}

/// What the API server said, without the form in which it did.
fn said(error: &Error) -> String {
    match error {
        Error::Api(status) => status.message.clone(),
        error => error.to_string(),
    }
}

impl Refusal {
    /// A call that was to do `attempted` failed.
    pub fn to(attempted: impl Into<String>) -> impl FnOnce(Error) -> Refusal {
        move |error| Refusal::Call { attempted: attempted.into(), error: Box::new(error) }
    }

    /// What was `attempted` makes no sense.
    pub fn unfit(attempted: &str) -> impl FnOnce(String) -> Refusal {
        move |why| Refusal::Unfit { attempted: attempted.to_owned(), why }
    }
}
