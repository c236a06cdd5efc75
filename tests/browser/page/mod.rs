//! A page to try the browser on, in the manner of the dashboard: served as HTML, live by server-sent events, under a policy that allows
//! nothing but its own files. `/broken` is wrong in every way that a check looks for, so that each check is seen to find something.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::{Stream, stream};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

const POLICY: &str =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:";

const HTML: &str = "text/html; charset=utf-8";

/// The page, for as long as the test's runtime is there.
pub struct Page {
    /// Where it is: `http://127.0.0.1:PORT`.
    pub url: String,
    site: Arc<Site>,
}

struct Site {
    /// What each rollout's row says.
    rows: watch::Sender<Map<String, Value>>,
    promoted: Mutex<Vec<String>>,
}

impl Page {
    /// Serves one.
    pub async fn serve() -> Page {
        let rows = json!({ "web": "✔ Healthy", "api": "॥ Paused" });
        let rows = watch::Sender::new(rows.as_object().expect("an object").clone());
        let site = Arc::new(Site { rows, promoted: Mutex::default() });
        let router = Router::new()
            .route("/rollouts", get(async || html(include_str!("rollouts.html"))))
            .route("/rollouts/web", get(async || html(include_str!("web.html"))))
            .route("/broken", get(async || html(include_str!("broken.html"))))
            .route("/page.css", get(async || file("text/css", include_str!("page.css"))))
            .route("/page.js", get(async || file("text/javascript", include_str!("page.js"))))
            .route(
                "/broken.js",
                get(async || file("text/javascript", "throw new Error('the page is not what it was')")),
            )
            .route("/live", get(live))
            .route("/promote/{name}", post(promote))
            .with_state(site.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Page { url, site }
    }

    /// Has a row say something else.
    pub fn says(&self, name: &str, status: &str) {
        self.site.says(name, status);
    }

    /// Whom people have promoted.
    pub fn promoted(&self) -> Vec<String> {
        self.site.promoted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Site {
    fn says(&self, name: &str, status: &str) {
        self.rows.send_modify(|rows| drop(rows.insert(name.to_owned(), status.into())));
    }
}

fn html(content: &'static str) -> Response {
    let cookie = (header::SET_COOKIE, "visit=1; HttpOnly; SameSite=Strict; Path=/");
    ([cookie], file(HTML, content)).into_response()
}

fn file(kind: &'static str, content: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, POLICY)], content).into_response()
}

/// All rows, now and after each change.
async fn live(State(site): State<Arc<Site>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut rows = site.rows.subscribe();
    rows.mark_changed();
    Sse::new(stream::unfold(rows, async |mut rows| {
        rows.changed().await.ok()?;
        let now = Value::Object(rows.borrow_and_update().clone());
        Some((Ok(Event::default().data(now.to_string())), rows))
    }))
}

async fn promote(State(site): State<Arc<Site>>, Path(name): Path<String>) -> StatusCode {
    site.says(&name, "✔ Healthy");
    site.promoted.lock().unwrap_or_else(PoisonError::into_inner).push(name);
    StatusCode::NO_CONTENT
}
