//! Everything that the dashboard can be asked, in one table, and what each of it needs: nothing is served that is not in it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{MethodFilter, MethodRouter, on};

use super::access::oidc::flow;
use super::access::{Gate, login, origin, session};
use super::refused::{self, Refused};
use super::rollouts::{act, list, one};
use super::{Dashboard, api, applications, assets, compressed, html};

/// What a request needs before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it tells nothing of the cluster.
    Nothing,
    /// Somebody who is known. What they see is for the API server to say.
    Sight,
    /// Somebody who is known, who comes from one of our own pages or with a token in the header; and it changes something.
    Change,
}

/// One line of the table.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with what varies in braces.
    pub path: String,
    /// What it needs.
    pub needs: Needs,
    /// Whether answering is so much work that no other site may have it done.
    pub is_costly: bool,
    handler: MethodRouter<Arc<Dashboard>>,
}

impl Route {
    /// The same for everybody: it tells nothing of the cluster.
    #[must_use]
    pub fn for_everybody(self) -> Route {
        Route { needs: Needs::Nothing, ..self }
    }

    /// The same for our own pages alone.
    #[must_use]
    pub fn costly(self) -> Route {
        Route { is_costly: true, ..self }
    }
}

pub(super) type Handler = MethodRouter<Arc<Dashboard>>;

pub(super) fn get(path: impl Into<String>, needs: Needs, handler: fn() -> Handler) -> Route {
    Route { method: Method::GET, path: path.into(), needs, is_costly: false, handler: handler() }
}

pub(super) fn change(method: Method, path: impl Into<String>, handler: fn() -> Handler) -> Route {
    Route { method, path: path.into(), needs: Needs::Change, is_costly: false, handler: handler() }
}

/// The table, for pages below `root`.
pub fn table(root: &str) -> Vec<Route> {
    use MethodFilter as On;
    let page = |path: &str| format!("/{root}{path}");
    let mut routes = vec![
        get("/", Needs::Nothing, || on(On::GET, home)),
        get("/assets/{file}", Needs::Nothing, || on(On::GET, assets::get)),
        get("/login", Needs::Nothing, || on(On::GET, login::page)),
        get("/login/oidc", Needs::Nothing, || on(On::GET, flow::begin)),
        get("/login/oidc/callback", Needs::Nothing, || on(On::GET, flow::finish)),
        // It changes nothing in the cluster, and who logs in is not known yet.
        Route {
            method: Method::POST,
            path: "/login".to_owned(),
            needs: Needs::Nothing,
            is_costly: false,
            handler: on(On::POST, login::log_in),
        },
        Route {
            method: Method::POST,
            path: "/logout".to_owned(),
            needs: Needs::Nothing,
            is_costly: false,
            handler: on(On::POST, login::log_out),
        },
        get(page(""), Needs::Sight, || on(On::GET, list::page)),
        get(page("/live"), Needs::Sight, || on(On::GET, list::live)),
        get(page("/{namespace}/{name}"), Needs::Sight, || on(On::GET, one::page)),
        get(page("/{namespace}/{name}/live"), Needs::Sight, || on(On::GET, one::live)),
        get(page("/{namespace}/{name}/do/{action}"), Needs::Sight, || on(On::GET, act::ask)),
        change(Method::POST, page("/{namespace}/{name}/do/{action}"), || on(On::POST, act::act)),
    ];
    routes.extend(applications::table());
    routes.extend(api::table());
    routes
}

/// One line of the table for a program.
pub fn of_api(method: &Method, path: &str, handler: Handler) -> Route {
    let needs = if *method == Method::GET { Needs::Sight } else { Needs::Change };
    Route { method: method.clone(), path: path.to_owned(), needs, is_costly: false, handler }
}

/// The router.
pub fn router(dashboard: &Arc<Dashboard>) -> Router {
    let mut router = Router::new();
    for Route { path, needs, is_costly, handler, .. } in table(&dashboard.settings.root) {
        let guarded = middleware::from_fn_with_state((Arc::clone(dashboard), needs, is_costly), guard);
        router = router.route(&path, handler.route_layer(guarded));
    }
    router
        .fallback(|| async { Refused::new(StatusCode::NOT_FOUND, "there is nothing here") })
        .layer(middleware::from_fn(refused::in_form))
        .layer(middleware::from_fn(compressed::pages))
        .layer(middleware::map_response(with_headers))
        .with_state(Arc::clone(dashboard))
}

async fn home(State(dashboard): State<Arc<Dashboard>>) -> Redirect {
    Redirect::to(&dashboard.path(&[]))
}

/// Lets a request through that has what it needs.
async fn guard(
    State((dashboard, needs, is_costly)): State<(Arc<Dashboard>, Needs, bool)>,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    let to_program = request.uri().path().starts_with("/api/");
    let refused = |status, why: String| Refused::new(status, why).into_response();
    let headers = request.headers();
    if dashboard.gatekeeper.gate() == Gate::Owner && !origin::is_own_machine(headers) {
        let why = "this dashboard is for its own machine: ask it by the name localhost";
        return refused(StatusCode::FORBIDDEN, why.to_owned());
    }
    if let Some(other) = no_name(&params) {
        return refused(StatusCode::NOT_FOUND, format!("there is nothing here: no object is named {other:?}"));
    }
    // Logging in and out, too, and what is much work: nobody is to be logged in as somebody else without knowing.
    if (request.method() != Method::GET || is_costly)
        && let Some(why) = origin::is_foreign(headers)
    {
        return refused(StatusCode::FORBIDDEN, format!("the request is refused: {why}"));
    }
    if needs == Needs::Change && dashboard.settings.read_only {
        return refused(StatusCode::FORBIDDEN, "this dashboard is read-only: nothing was changed".to_owned());
    }
    if needs != Needs::Nothing {
        match dashboard.gatekeeper.caller(headers) {
            Ok(Some(caller)) => {
                request.extensions_mut().insert(caller.clone());
                let (wanted, headers) = (request.uri().clone(), request.headers().clone());
                let is_page = request.method() == Method::GET && !to_program && !is_stream(&headers);
                let answer = next.run(request).await;
                if answer.status() != StatusCode::UNAUTHORIZED || !caller.has_session {
                    dashboard.gatekeeper.remember(caller);
                    return answer;
                }
                // What the session holds is nothing to the cluster any more.
                if let Some(id) = session::of(&headers) {
                    dashboard.gatekeeper.sessions.end(id);
                }
                let answer = if is_page {
                    to_login(&wanted)
                } else if to_program || is_stream(&headers) {
                    answer
                } else {
                    refused(answer.status(), "your login has run out: nothing was changed".to_owned())
                };
                return ([(header::SET_COOKIE, session::farewell(&headers))], answer).into_response();
            }
            Ok(None) if to_program || needs == Needs::Change => {
                let why = "nobody is logged in: send a token of the cluster (Authorization: Bearer TOKEN)";
                return refused(StatusCode::UNAUTHORIZED, why.to_owned());
            }
            Ok(None) => return to_login(request.uri()),
            Err(error) => return refused(StatusCode::BAD_GATEWAY, format!("cannot reach the API server: {error}")),
        }
    }
    next.run(request).await
}

/// What stands in the place of an object's name or namespace and is none. In a path of the API server it would be more than a name.
fn no_name(params: &RawPathParams) -> Option<&str> {
    let is_name = |text: &str| {
        !["", ".", ".."].contains(&text) && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-.".contains(&c))
    };
    let mut names = params.iter().filter(|(param, _)| ["namespace", "name"].contains(param));
    names.find(|(_, text)| !is_name(text)).map(|(_, text)| text)
}

/// Sends somebody to log in, and back to where they wanted to go.
fn to_login(wanted: &Uri) -> Response {
    let wanted = wanted.path_and_query().map_or("/", |path| path.as_str());
    Redirect::to(&format!("/login?to={}", html::query(wanted))).into_response()
}

fn is_stream(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|kinds| kinds.as_bytes().starts_with(b"text/event-stream"))
}

/// What browsers are told of every answer: to load nothing from elsewhere, to be shown within no other page, to keep nothing.
async fn with_headers(mut response: Response) -> Response {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                  form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
