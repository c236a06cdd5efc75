//! Asking for an operation, and waiting for its end.

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{Api, Patch, PostParams};
use kube::{Client, Error};
use serde_json::Value;
use sluice_core::api::{Application, OperationState};
use sluice_core::gitops::operation::{SUCCEEDED, is_of_sent};
use sluice_core::gitops::report::SYNCED;

use super::follow::{Deadline, deleted, follow, tell};
use super::target::{Found, One};
use crate::act::app::request;
use crate::application::operation::{Ended, busy, ended};
use crate::clock;
use crate::problem::Problem;
use crate::term;
use crate::view::app::changes::Told;
use crate::view::app::page::{self, Shown};
use crate::view::app::words;

/// How often to start over when the Application changed between reading and writing.
const ATTEMPTS: usize = 5;

/// What follows an operation.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct After {
    /// Do not wait for its end
    #[arg(long = "async")]
    is_async: bool,
    #[command(flatten)]
    timeout: super::follow::Timeout,
}

/// What `attempted` asks for, made of what was read and of who asks.
pub type Build<'a> = &'a dyn Fn(&Found, &str) -> Result<Value, String>;

/// Asks for an operation, and waits for its end unless that is not wanted.
pub async fn operate(one: &One<'_>, attempted: &str, build: Build<'_>, after: After) -> Result<(), Problem> {
    let deadline = after.timeout.begin();
    let before = ask(one, attempted, build).await?;
    if after.is_async {
        return Ok(term::line(&format!("operation of {} requested", one.title()))?);
    }
    let end = wait(one, before.as_ref(), deadline).await?;
    let paint = term::paint(false);
    term::print(&format!("\n{}", page::render(&end, Shown::default(), clock::now(), paint)))?;
    outcome(one, &end)
}

/// Writes the operation. Gives the state of the one before it.
async fn ask(one: &One<'_>, attempted: &str, build: Build<'_>) -> Result<Option<OperationState>, Problem> {
    let cannot = |why: &str| Problem::new(format!("cannot {attempted}: {why}"));
    let user = user(one.client()).await;
    let mut attempt = 1;
    loop {
        let found = one.read().await?;
        if let Some(why) = busy(&found.application) {
            return Err(cannot(why).advise(format!("See what it waits for: {}", one.command("get"))));
        }
        let operation = build(&found, &user).map_err(|why| cannot(&why))?;
        let patch = Patch::Merge(request::operation(&found.application, &operation, clock::now()));
        match one.patch(&patch).await {
            Ok(_) => return Ok(found.application.status().operation_state.clone()),
            // The controller writes all the time.
            Err(Error::Api(refused)) if refused.is_conflict() && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(one.explain(&error, attempted)),
        }
    }
}

/// Who the API server says that we are; nobody, where it does not say.
async fn user(client: Client) -> String {
    let reviews: Api<SelfSubjectReview> = Api::all(client);
    let answer = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await;
    let status = answer.ok().and_then(|answer| answer.status);
    status.and_then(|status| status.user_info).and_then(|user| user.username).unwrap_or_default()
}

/// Waits until the operation is over, and prints what changes meanwhile.
async fn wait(one: &One<'_>, before: Option<&OperationState>, deadline: Deadline) -> Result<Application, Problem> {
    let (mut told, paint) = (Told::default(), term::paint(false));
    let mut waits_for = String::new();
    let end = follow(one, deadline, |application| {
        let application = application.ok_or_else(|| deleted(one))?;
        tell(&mut told, application, paint)?;
        let state = application.status().operation_state.as_ref();
        waits_for = state.map(|state| state.message.clone()).unwrap_or_default();
        Ok(match ended(application, before) {
            None => None,
            Some(Ended::Done(_)) => Some(Ok(application.clone())),
            Some(Ended::Vanished) => {
                Some(Err(Problem::new(format!("the operation of {} was taken away before it began", one.title()))))
            }
        })
    });
    let end = end.await?;
    end.unwrap_or_else(|| Err(deadline.passed(one, &waits_for)))
}

/// Whether it ended well.
fn outcome(one: &One<'_>, end: &Application) -> Result<(), Problem> {
    let Some(state) = &end.status().operation_state else { return Ok(()) };
    if state.phase != SUCCEEDED {
        let what = format!("the operation of {} has completed with phase {}", one.title(), words::line(&state.phase));
        return Err(Problem::new(format!("{what}: {}", words::line(&state.message))));
    }
    let sync = state.operation.sync.clone().unwrap_or_default();
    let is_synced = end.status().sync.as_ref().is_some_and(|sync| sync.status == SYNCED);
    let left = end.status().resources.iter().filter(|it| it.requires_pruning).count();
    // Neither objects that were picked nor a folder are all that Git says.
    let is_partial = !sync.resources.is_empty() || is_of_sent(&state.operation);
    if sync.dry_run || sync.prune || is_partial || is_synced || left == 0 {
        return Ok(());
    }
    let what = if left == 1 { "1 object requires".to_owned() } else { format!("{left} objects require") };
    let problem = Problem::new(format!("{what} pruning: Git does not have it any more"));
    Err(problem.advise(format!("Let it go: {} --prune", one.command("sync"))))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    use http::{Method, Request, Response};
    use kube::client::Body;
    use serde_json::json;

    use super::*;
    use crate::application::sample;
    use crate::cli::Program;
    use crate::client::Session;

    /// An API server that refuses the first writes, as somebody else has written meanwhile: perhaps an operation.
    fn contested(refusals: usize, taken: bool) -> (Client, Arc<Mutex<Vec<Value>>>) {
        let written = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&written);
        let answer = move |request: Request<Body>| {
            let written = Arc::clone(&seen);
            async move {
                let method = request.method().clone();
                let body = request.into_body().collect_bytes().await.expect("a body");
                let mut written = written.lock().expect("a lock");
                let (code, answer) = match method {
                    Method::GET if taken && !written.is_empty() => {
                        (200, sample::stored(&json!({"operation": {"sync": {}}})).value())
                    }
                    Method::GET => (200, sample::stored(&json!({})).value()),
                    Method::PATCH => {
                        written.push(serde_json::from_slice::<Value>(&body).expect("JSON"));
                        if written.len() <= refusals {
                            (
                                409,
                                json!({"kind": "Status", "code": 409, "reason": "Conflict", "message": "it is newer"}),
                            )
                        } else {
                            (200, sample::stored(&json!({})).value())
                        }
                    }
                    _ => (403, json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "no"})),
                };
                let response = Response::builder().status(code).body(Body::from(answer.to_string().into_bytes()));
                Ok::<_, Infallible>(response.expect("a response"))
            }
        };
        (Client::new(tower::service_fn(answer), "gitops"), written)
    }

    async fn asked(client: Client) -> Result<(), Problem> {
        let session =
            Session { client, namespace: "gitops".to_owned(), program: Program::Sluice, flags: String::new() };
        let one = One::new("gitops", "colors".to_owned(), &session);
        ask(&one, "sync application 'colors'", &|_, _| Ok(json!({"sync": {}}))).await.map(|_| ())
    }

    #[tokio::test]
    async fn whoever_writes_between_reading_and_writing_is_not_written_over() {
        let (client, written) = contested(2, false);
        asked(client).await.expect("the third time");
        let written = written.lock().expect("a lock");
        assert_eq!(written.len(), 3);
        assert!(written.iter().all(|patch| patch["metadata"]["resourceVersion"] == "7"), "{written:?}");
    }

    #[tokio::test]
    async fn an_operation_that_comes_between_is_told() {
        let (client, written) = contested(1, true);
        let problem = asked(client).await.expect_err("a problem");
        assert_eq!(problem.to_string(), "cannot sync application 'colors': another operation is already in progress");
        assert_eq!(written.lock().expect("a lock").len(), 1);
    }

    #[tokio::test]
    async fn one_does_not_try_for_ever() {
        let (client, written) = contested(usize::MAX, false);
        let problem = asked(client).await.expect_err("a problem");
        assert_eq!(problem.to_string(), "cannot sync application 'colors': it is newer");
        assert!(problem.next_step().is_some_and(|next| next.contains("try again")));
        assert_eq!(written.lock().expect("a lock").len(), ATTEMPTS);
    }
}
