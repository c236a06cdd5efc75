//! What went wrong, and what to do about it.

use kube::Error;

/// An error as a person reads it: what was attempted and why it failed, then the next step.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Problem {
    what: String,
    next: Option<String>,
    is_silent: bool,
    code: u8,
    missing: Option<Missing>,
}

/// An object that is not there, as the API server names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its kind in the plural: `rollouts`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl Problem {
    /// A problem without advice.
    pub fn new(what: impl Into<String>) -> Problem {
        Problem { what: what.into(), next: None, is_silent: false, code: 1, missing: None }
    }

    /// One that the output tells already; only the exit code is left to say.
    pub fn told() -> Problem {
        Problem { is_silent: true, ..Problem::new("") }
    }

    /// The same with another exit code than 1.
    pub fn with_code(self, code: u8) -> Problem {
        Problem { code, ..self }
    }

    /// The exit code of the program.
    pub fn code(&self) -> u8 {
        self.code
    }

    /// The same with advice.
    pub fn advise(self, next: impl Into<String>) -> Problem {
        Problem { next: Some(next.into()), ..self }
    }

    /// What to do next, if there is something to say.
    pub fn next_step(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// The object whose absence is the problem.
    pub fn missing(&self) -> Option<&Missing> {
        self.missing.as_ref()
    }

    /// Whether nobody is to hear of it: it was told, or the reader of a pipe had enough.
    pub fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// What an API call that was to do `attempted` failed with.
    pub fn of_call(error: &Error, attempted: &str) -> Problem {
        let Error::Api(status) = error else {
            return Problem::new(format!("cannot {attempted}: {}", chain(error)))
                .advise("Check that the API server is reachable: kubectl cluster-info");
        };
        // Where the whole group is unknown the answer is no Status but plain text, so the code decides.
        if status.code == 404 {
            // The server's own text names the kind and the object; scripts look for it at the start of the line.
            let kind_is_unknown = status.details.as_ref().is_none_or(|details| details.name.is_empty());
            return if kind_is_unknown {
                Problem::new(format!("cannot {attempted}: the server does not know the resource"))
                    .advise("Install the custom resource definitions, for example: sluice crds | kubectl apply -f -")
            } else {
                let missing =
                    status.details.as_ref().map(|it| Missing { kind: it.kind.clone(), name: it.name.clone() });
                Problem { missing, ..Problem::new(status.message.clone()) }
            };
        }
        let problem = Problem::new(format!("cannot {attempted}: {}", status.message));
        if status.code == 401 || status.is_forbidden() {
            return problem.advise("Ask for that permission, or use another context or user (--context, --as).");
        }
        if status.is_conflict() {
            return problem.advise("Somebody else changed the object at the same time; try again.");
        }
        problem
    }
}

/// An error with its causes, each said once.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    text
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Problem {
        let is_silent = error.kind() == std::io::ErrorKind::BrokenPipe;
        Problem { is_silent, ..Problem::new(format!("cannot write the output: {error}")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    fn refused(code: u16, reason: &str, message: &str, name: &str) -> (String, Option<String>) {
        let details = serde_json::from_value(serde_json::json!({"name": name})).expect("details");
        let status = Status::failure(message, reason).with_code(code).with_details(details);
        let problem = Problem::of_call(&Error::Api(status.boxed()), "abort rollout 'web'");
        (problem.to_string(), problem.next_step().map(str::to_owned))
    }

    #[test]
    fn a_missing_object_reads_as_the_server_says_it() {
        let message = "rollouts.argoproj.io \"web\" not found";
        assert_eq!(refused(404, "NotFound", message, "web"), (message.to_owned(), None));
    }

    #[test]
    fn a_missing_kind_is_answered_with_how_to_install_it() {
        let (what, next) = refused(404, "", "404 page not found", "");
        assert_eq!(what, "cannot abort rollout 'web': the server does not know the resource");
        assert!(next.is_some_and(|next| next.contains("sluice crds")));
    }

    #[test]
    fn a_refusal_says_what_was_attempted_and_what_to_do() {
        let (what, next) = refused(403, "Forbidden", "no", "web");
        assert_eq!(what, "cannot abort rollout 'web': no");
        assert!(next.is_some_and(|next| next.contains("--as")));
    }
}
