//! What a browser goes through: to the provider, back with a code, and on with a session.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::Error;
use kube::api::{Api, PostParams};
use maud::html;
use serde::Deserialize;

use super::pending;
use super::problem::Problem;
use super::provider::Provider;
use crate::dashboard::access::login::Wanted;
use crate::dashboard::access::{Credential, session};
use crate::dashboard::refused::Refused;
use crate::dashboard::{Dashboard, html as shell};

/// What the provider sends a browser back with.
#[derive(Default, Deserialize)]
pub struct Answer {
    #[serde(default)]
    state: String,
    #[serde(default)]
    code: String,
    error: Option<String>,
}

/// Sends a browser to the provider.
pub async fn begin(State(dashboard): State<Arc<Dashboard>>, Query(wanted): Query<Wanted>) -> Response {
    let Some(provider) = &dashboard.gatekeeper.provider else { return nobody() };
    let begun = async {
        let (sealed, login) = provider.pending.begin(wanted.path(), dashboard.clock.now())?;
        let entrance = provider.entrance(&login).await?;
        Ok::<_, Problem>((pending::cookie(&sealed, provider.settings.is_secure()), entrance))
    };
    match begun.await {
        Ok((cookie, entrance)) => ([(header::SET_COOKIE, cookie)], Redirect::to(&entrance)).into_response(),
        Err(problem) => told(&problem),
    }
}

/// Takes a browser back, and begins its session.
pub async fn finish(
    State(dashboard): State<Arc<Dashboard>>,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Response {
    let Some(provider) = &dashboard.gatekeeper.provider else { return nobody() };
    match accept(&dashboard, provider, &headers, &answer).await {
        Ok((id, to)) => {
            let cookies = [session::cookie(&headers, &id), pending::farewell()];
            let cookies = AppendHeaders(cookies.map(|cookie| (header::SET_COOKIE, cookie)));
            (cookies, Redirect::to(&to)).into_response()
        }
        Err(problem) => ([(header::SET_COOKIE, pending::farewell())], told(&problem)).into_response(),
    }
}

async fn accept(
    dashboard: &Dashboard,
    provider: &Provider,
    headers: &HeaderMap,
    answer: &Answer,
) -> Result<(String, String), Problem> {
    // First of all: nobody else's answer is looked at.
    let login = provider.pending.take(headers, &answer.state, dashboard.clock.now())?;
    if let Some(error) = &answer.error {
        let is_name = error.len() < 64 && error.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        return Err(Problem::Denied(if is_name { error.clone() } else { "it does not say why".to_owned() }));
    }
    let (token, verified) = provider.token(&answer.code, &login).await?;
    let gatekeeper = &dashboard.gatekeeper;
    let credential = match verified.person {
        Some(person) => Credential::Person(person),
        None => taken_by_the_cluster(dashboard, provider, token).await?,
    };
    let begun = gatekeeper.sessions.begin_until(credential, dashboard.clock.now(), verified.until);
    begun.map(|id| (id, login.to)).map_err(|_| Problem::Random)
}

/// An ID token that the API server takes for one of its own.
async fn taken_by_the_cluster(
    dashboard: &Dashboard,
    provider: &Provider,
    token: String,
) -> Result<Credential, Problem> {
    let credential = Credential::Token(token);
    let caller = dashboard.gatekeeper.with(credential.clone()).map_err(|error| Problem::Server(error.to_string()))?;
    let reviews: Api<SelfSubjectReview> = Api::all(caller.client);
    match reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await {
        Ok(_) => Ok(credential),
        Err(Error::Api(status)) if status.code == 401 => Err(Problem::Cluster(provider.settings.issuer.clone())),
        // Whoever may not ask who they are is known nevertheless, and so is who asks a server that cannot tell.
        Err(Error::Api(status)) if [403, 404].contains(&status.code) => Ok(credential),
        Err(error) => Err(Problem::Server(error.to_string())),
    }
}

fn nobody() -> Response {
    Refused::new(StatusCode::NOT_FOUND, "this dashboard knows no provider to log in at").into_response()
}

fn told(problem: &Problem) -> Response {
    tracing::warn!("nobody is logged in by OIDC: {problem}");
    let status = match problem {
        Problem::NotYours => StatusCode::BAD_REQUEST,
        Problem::Denied(_) | Problem::Token { .. } | Problem::Cluster(_) => StatusCode::UNAUTHORIZED,
        Problem::Random | Problem::Address(_) | Problem::Client(_) => StatusCode::INTERNAL_SERVER_ERROR,
        Problem::Down { .. } | Problem::Answer { .. } | Problem::Exchange { .. } | Problem::Server(_) => {
            StatusCode::BAD_GATEWAY
        }
    };
    let content = html! {
        h1 { "You are not logged in" }
        p role="alert" class="bad" { (problem) }
        p { a href="/login" { "Log in again" } }
    };
    (status, shell::bare("You are not logged in", &content)).into_response()
}
