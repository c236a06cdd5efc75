//! What somebody may see of the Applications.

use std::sync::Arc;

use axum::http::StatusCode;

use super::watched::Known;
use crate::dashboard::Dashboard;
use crate::dashboard::access::Caller;
use crate::dashboard::access::review::Kind;
use crate::dashboard::book::namespaces;
use crate::dashboard::kept::Sight;
use crate::dashboard::refused::Refused;
use crate::dashboard::rollouts::seen::{allowed, is_told, refused};

/// The Applications of a namespace that somebody may see; without one, of all. A cluster need not have the kind: their page says so.
pub async fn all(dashboard: &Dashboard, caller: &Caller, of: &str) -> Result<Vec<Arc<Known>>, Refused> {
    dashboard.book.has_applications().await;
    if dashboard.book.applications.sight() != Sight::Missing {
        is_told(&dashboard.book.applications)?;
    }
    let mut applications = dashboard.book.applications.all();
    applications.retain(|known| of.is_empty() || known.metadata.namespace.as_deref() == Some(of));
    if caller.may_see(Kind::Applications, "").await.map_err(|error| refused(&error))? {
        return Ok(applications);
    }
    let answers = allowed(caller, Kind::Applications, namespaces(&applications)).await?;
    applications.retain(|known| {
        let namespace = known.metadata.namespace.as_deref().unwrap_or_default();
        answers.get(namespace).copied().unwrap_or(false)
    });
    Ok(applications)
}

/// One of them. That there is none and that it is not for the eyes of who asks are not told apart.
pub async fn one(dashboard: &Dashboard, caller: &Caller, namespace: &str, name: &str) -> Result<Arc<Known>, Refused> {
    dashboard.book.has_applications().await;
    let none =
        || Refused::new(StatusCode::NOT_FOUND, format!("there is no application '{name}' in namespace '{namespace}'"));
    if !caller.may_see(Kind::Applications, namespace).await.map_err(|error| refused(&error))? {
        return Err(none());
    }
    is_told(&dashboard.book.applications)?;
    dashboard.book.applications.one(namespace, name).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body as Said;
    use axum::http::{Request, Response};
    use kube::Client;
    use kube::client::Body;
    use serde_json::json;
    use tower::{ServiceExt as _, service_fn};

    use crate::clock::Clock;
    use crate::dashboard::access::{Connect, Gate, Gatekeeper};
    use crate::dashboard::book::Book;
    use crate::dashboard::{Settings, routes};

    use super::*;

    /// The status of what a dashboard answers whose list of Applications gets this one.
    async fn answered(path: &str, status: u16) -> StatusCode {
        let service = service_fn(move |request: Request<Body>| {
            let is_meant = request.uri().path().ends_with("/applications");
            let status = if is_meant { status } else { 200 };
            let said = json!({"metadata": {"resourceVersion": "1"}, "items": [], "code": status});
            let answer = Response::builder().status(status).body(Said::from(said.to_string()));
            async { Ok::<_, Infallible>(answer.expect("an answer")) }
        });
        let client = Client::new(service, "default");
        let (book, watching) = Book::open(client.clone(), None, Clock::System);
        tokio::spawn(watching);
        let owner = client.clone();
        let connect: Connect = Arc::new(move |_| Ok(owner.clone()));
        let gatekeeper = Gatekeeper::new(Gate::Owner, client, connect, Clock::System);
        let settings = Settings {
            gate: Gate::Owner,
            read_only: false,
            root: "rollouts".to_owned(),
            namespace: String::new(),
            cluster: String::new(),
        };
        let router = routes::router(&Dashboard::new(settings, book, gatekeeper, Clock::System));
        let request = Request::get(path).header("host", "localhost").body(Said::empty()).expect("a request");
        router.oneshot(request).await.expect("an answer").status()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_known_just_now_is_not_told_as_gone() {
        for path in ["/applications/home/web", "/applications/home/web/live", "/applications", "/applications/live"] {
            for status in [403, 500] {
                assert_eq!(answered(path, status).await, StatusCode::SERVICE_UNAVAILABLE, "{path}: {status}");
            }
        }
        assert_eq!(answered("/applications/home/web/live", 404).await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answered("/applications/home/web/live", 200).await, StatusCode::NOT_FOUND);
        // Their page says how to have the kind.
        assert_eq!(answered("/applications", 404).await, StatusCode::OK);
    }
}
