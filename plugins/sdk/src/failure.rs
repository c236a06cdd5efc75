//! Why a plugin does not answer what it was asked for.

use std::time::Duration;

use serde_json::json;

use crate::envelope::{ErrorObject, code};

/// Why a call failed. The message says what was attempted on which object, and what to do next: users read it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// What the user wrote for the plugin is wrong; the same call fails until that changes.
    #[error("{0}")]
    InvalidConfig(String),
    /// It does not work now, and may later.
    #[error("{message}")]
    Unavailable {
        /// What does not work.
        message: String,
        /// When to ask again; the host knows best where this is absent.
        retry_after: Option<Duration>,
    },
    /// The plugin broke.
    #[error("{0}")]
    Internal(String),
}

impl Failure {
    /// It does not work now.
    pub fn unavailable(message: impl Into<String>) -> Failure {
        Failure::Unavailable { message: message.into(), retry_after: None }
    }
}

impl From<Failure> for ErrorObject {
    fn from(failure: Failure) -> ErrorObject {
        match failure {
            Failure::InvalidConfig(message) => ErrorObject::new(code::INVALID_CONFIG, message),
            Failure::Internal(message) => ErrorObject::new(code::INTERNAL, message),
            Failure::Unavailable { message, retry_after } => {
                let data = retry_after.map(|after| json!({"retryAfterMs": after.as_millis() as u64}));
                ErrorObject { data, ..ErrorObject::new(code::UNAVAILABLE, message) }
            }
        }
    }
}

impl From<ErrorObject> for Failure {
    fn from(error: ErrorObject) -> Failure {
        match error.code {
            code::INVALID_CONFIG => Failure::InvalidConfig(error.message),
            code::UNAVAILABLE => {
                let after = error.data.as_ref().and_then(|data| data["retryAfterMs"].as_u64());
                Failure::Unavailable { message: error.message, retry_after: after.map(Duration::from_millis) }
            }
            _ => Failure::Internal(error.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_survive_the_wire() {
        let later = Some(Duration::from_millis(1500));
        for failure in [
            Failure::InvalidConfig("config.file is required".into()),
            Failure::Unavailable { message: "no answer".into(), retry_after: later },
            Failure::unavailable("no answer"),
            Failure::Internal("broken".into()),
        ] {
            assert_eq!(Failure::from(ErrorObject::from(failure.clone())), failure);
        }
    }

    #[test]
    fn an_error_of_json_rpc_is_one_of_the_plugin() {
        let error = ErrorObject::new(code::UNKNOWN_METHOD, "no such method");
        assert_eq!(Failure::from(error), Failure::Internal("no such method".into()));
    }
}
