//! Logging in with a token of the cluster, and out again.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::Error;
use kube::api::{Api, PostParams};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use super::{Credential, session};
use crate::dashboard::{Dashboard, html as shell};

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    to: String,
}

impl Wanted {
    /// A path of ours. Anything else would send people to other sites.
    pub fn path(&self) -> &str {
        let is_ours = self.to.starts_with('/') && !self.to.starts_with("//");
        // Browsers take a backslash for a slash, and leave tabs and ends of lines out.
        let is_ours = is_ours && !self.to.contains(|c: char| c == '\\' || c.is_control());
        if is_ours { &self.to } else { "/" }
    }
}

/// What was filled in.
#[derive(Deserialize)]
pub struct Filled {
    token: String,
    #[serde(flatten)]
    wanted: Wanted,
}

/// Asks for a token.
pub async fn page(State(dashboard): State<Arc<Dashboard>>, Query(wanted): Query<Wanted>) -> Markup {
    form(&wanted, dashboard.gatekeeper.provider.is_some(), None)
}

fn form(wanted: &Wanted, has_provider: bool, wrong: Option<&str>) -> Markup {
    let content = html! {
        h1 { "Log in" }
        @if has_provider {
            p { a href={ "/login/oidc?to=" (shell::query(wanted.path())) } { "Log in at your provider" } }
        }
        p { "Show a token of the cluster. What you may see and do here is what it may do there." }
        @if let Some(wrong) = wrong { p role="alert" class="bad" { (wrong) } }
        form method="post" action="/login" {
            input type="hidden" name="to" value=(wanted.path());
            label for="token" { "Token" }
            input id="token" name="token" type="password" autocomplete="current-password" required autofocus;
            button { "Log in" }
        }
        p class="quiet" { "One that lasts an hour: " code { "kubectl create token ACCOUNT -n NAMESPACE" } }
    };
    shell::bare("Log in", &content)
}

/// Asks the API server who has the token, and begins a session.
pub async fn log_in(
    State(dashboard): State<Arc<Dashboard>>,
    headers: HeaderMap,
    Form(Filled { token, wanted }): Form<Filled>,
) -> Response {
    let token = token.trim().to_owned();
    let gatekeeper = &dashboard.gatekeeper;
    let has_provider = gatekeeper.provider.is_some();
    let wrong = |status: StatusCode, why: &str| (status, form(&wanted, has_provider, Some(why))).into_response();
    let caller = match gatekeeper.with(Credential::Token(token.clone())) {
        Ok(caller) if !token.is_empty() => caller,
        Ok(_) => return wrong(StatusCode::BAD_REQUEST, "The token is empty."),
        Err(error) => return wrong(StatusCode::BAD_REQUEST, &format!("The token cannot be used: {error}")),
    };
    let reviews: Api<SelfSubjectReview> = Api::all(caller.client);
    match reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await {
        Ok(_) => {}
        Err(Error::Api(status)) if status.code == 401 => {
            return wrong(StatusCode::UNAUTHORIZED, "The cluster does not know this token, or it has run out.");
        }
        // Whoever may not ask who they are is known nevertheless, and so is who asks a server that cannot tell.
        Err(Error::Api(status)) if [403, 404].contains(&status.code) => {}
        Err(error) => {
            tracing::warn!("nobody is logged in by a token: the API server cannot be asked: {error}");
            return wrong(StatusCode::BAD_GATEWAY, "The API server cannot be asked just now. Try again in a moment.");
        }
    }
    let Ok(id) = gatekeeper.sessions.begin(Credential::Token(token), dashboard.clock.now()) else {
        return wrong(StatusCode::INTERNAL_SERVER_ERROR, "The machine gives no random numbers.");
    };
    ([(header::SET_COOKIE, session::cookie(&headers, &id))], Redirect::to(wanted.path())).into_response()
}

/// Ends the session, and sends who logged in at a provider there to end that of theirs. It is a page that does: forms lead nowhere
/// else than here.
pub async fn log_out(State(dashboard): State<Arc<Dashboard>>, headers: HeaderMap) -> Response {
    let gatekeeper = &dashboard.gatekeeper;
    let is_of_provider = session::of(&headers).is_some_and(|id| gatekeeper.sessions.end(id));
    if is_of_provider
        && let Some(provider) = &gatekeeper.provider
        && let Some(exit) = provider.exit().await
    {
        return ([(header::SET_COOKIE, session::farewell(&headers))], onward(&exit)).into_response();
    }
    ([(header::SET_COOKIE, session::farewell(&headers))], Redirect::to("/login")).into_response()
}

/// A page that goes on by itself to another site, where the policy of our pages lets no form lead.
fn onward(to: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="refresh" content={ "0;url=" (to) };
                title { "Sluice" }
            }
            body { p { a href=(to) { "Go on" } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        let path = |to: &str| Wanted { to: to.to_owned() }.path().to_owned();
        assert_eq!(path("/rollouts/shop/web?x=y"), "/rollouts/shop/web?x=y");
        for elsewhere in [
            "",
            "https://evil.example.com",
            "//evil.example.com",
            "/\\evil.example.com",
            "/a\r\nb",
            "/\t/evil.example.com",
        ] {
            assert_eq!(path(elsewhere), "/", "{elsewhere}");
        }
    }
}
