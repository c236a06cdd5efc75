//! What somebody may see of the rollouts.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::StatusCode;
use futures::StreamExt as _;
use futures::stream;
use kube::Error;
use sluice_core::api::Rollout;
use sluice_core::info::family::Family;

use crate::dashboard::Dashboard;
use crate::dashboard::access::Caller;
use crate::dashboard::access::review::Kind;
use crate::dashboard::book::namespaces;
use crate::dashboard::kept::{Kept, Sight, Watchable};
use crate::dashboard::refused::Refused;

/// How many questions about one person are under way at a time.
const AT_ONCE: usize = 8;

/// What the API server's answer to a question about rights means.
pub fn refused(error: &Error) -> Refused {
    match error {
        Error::Api(status) if status.code == 401 => Refused::new(
            StatusCode::UNAUTHORIZED,
            "the cluster does not know the token, or it has run out: log in again",
        ),
        error => {
            Refused::new(StatusCode::BAD_GATEWAY, format!("the API server cannot be asked what you may see: {error}"))
        }
    }
}

/// Whether it is known which objects of a kind there are: that nothing is known is not told as if there were none.
pub fn is_told<K: Watchable>(kept: &Kept<K>) -> Result<(), Refused> {
    let (kind, kinds) = (K::kind(&()), K::plural(&()));
    let why = match kept.sight() {
        Sight::There | Sight::Listed | Sight::Failing { has_any: true, .. } => return Ok(()),
        Sight::Missing => format!("the cluster does not have the kind {kind}: install its definition first"),
        Sight::Refused => {
            format!("this dashboard may not list {kinds}: give whose rights it uses the right to list and watch them")
        }
        Sight::Asked | Sight::Failing { .. } => {
            format!("the API server has not listed the {kinds} yet: try again in a moment")
        }
    };
    Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, why))
}

/// The rollouts of a namespace that somebody may see; without one, of all. Nothing is asked about others.
pub async fn all(dashboard: &Dashboard, caller: &Caller, of: &str) -> Result<Vec<Arc<Rollout>>, Refused> {
    dashboard.book.is_open().await;
    is_told(&dashboard.book.rollouts)?;
    let mut rollouts = dashboard.book.rollouts.all();
    rollouts.retain(|rollout| of.is_empty() || rollout.metadata.namespace.as_deref() == Some(of));
    if caller.may_see(Kind::Rollouts, "").await.map_err(|error| refused(&error))? {
        return Ok(rollouts);
    }
    let answers = allowed(caller, Kind::Rollouts, namespaces(&rollouts)).await?;
    rollouts.retain(|rollout| {
        let namespace = rollout.metadata.namespace.as_deref().unwrap_or_default();
        answers.get(namespace).copied().unwrap_or(false)
    });
    Ok(rollouts)
}

/// In which of these namespaces somebody may see the objects of a kind.
pub async fn allowed(caller: &Caller, kind: Kind, namespaces: Vec<String>) -> Result<HashMap<String, bool>, Refused> {
    let asked = stream::iter(namespaces).map(|namespace| async move {
        let answer = caller.may_see(kind, &namespace).await;
        answer.map(|allowed| (namespace, allowed))
    });
    let answers: Vec<_> = asked.buffer_unordered(AT_ONCE).collect().await;
    let answers: Result<HashMap<String, bool>, Error> = answers.into_iter().collect();
    answers.map_err(|error| refused(&error))
}

/// What belongs to rollouts that somebody may not see in a namespace.
pub async fn hidden(caller: &Caller, namespace: &str) -> Result<Vec<Kind>, Refused> {
    let mut hidden = Vec::new();
    for kind in [Kind::ReplicaSets, Kind::Pods, Kind::AnalysisRuns, Kind::Experiments] {
        if !caller.may_see(kind, namespace).await.map_err(|error| refused(&error))? {
            hidden.push(kind);
        }
    }
    Ok(hidden)
}

/// A rollout with as much of what belongs to it as somebody may see.
pub async fn family(dashboard: &Dashboard, caller: &Caller, namespace: &str, name: &str) -> Result<Family, Refused> {
    let none = || Refused::no_rollout(namespace, name);
    if !caller.may_see(Kind::Rollouts, namespace).await.map_err(|error| refused(&error))? {
        return Err(none());
    }
    dashboard.book.is_open().await;
    is_told(&dashboard.book.rollouts)?;
    let mut family = dashboard.book.family(namespace, name).ok_or_else(none)?;
    for kind in hidden(caller, namespace).await? {
        match kind {
            Kind::ReplicaSets => family.replica_sets.clear(),
            Kind::Pods => family.pods.clear(),
            Kind::AnalysisRuns => family.runs = None,
            Kind::Experiments => family.experiments = None,
            Kind::Rollouts | Kind::Applications => {}
        }
    }
    Ok(family)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Mutex;

    use axum::http::{Request, Response};
    use kube::Client;
    use kube::client::Body;
    use serde_json::{Value, json};
    use tower::service_fn;

    use super::*;
    use crate::clock::Clock;
    use crate::dashboard::Settings;
    use crate::dashboard::access::{Connect, Credential, Gate, Gatekeeper};
    use crate::dashboard::book::Book;

    /// A cluster with a rollout in each of three namespaces, of which somebody may see two; and about which namespaces it was asked.
    fn cluster() -> (Client, Arc<Mutex<Vec<String>>>) {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&asked);
        let service = service_fn(move |request: Request<Body>| {
            let noted = Arc::clone(&noted);
            async move {
                let path = request.uri().path().to_owned();
                let said = if path.ends_with("/selfsubjectaccessreviews") {
                    let bytes = request.into_body().collect_bytes().await.expect("a body");
                    let review: Value = serde_json::from_slice(&bytes).expect("JSON");
                    let about =
                        review["spec"]["resourceAttributes"]["namespace"].as_str().unwrap_or_default().to_owned();
                    let allowed = ["bank", "shop"].contains(&about.as_str());
                    noted.lock().expect("no panic").push(about);
                    json!({"spec": {}, "status": {"allowed": allowed}})
                } else if path.ends_with("/rollouts") {
                    let rollout = |namespace| json!({"metadata": {"namespace": namespace, "name": "web"}, "spec": {}});
                    let items = ["bank", "plant", "shop"].map(rollout);
                    json!({"metadata": {"resourceVersion": "1"}, "items": items})
                } else {
                    json!({"metadata": {"resourceVersion": "1"}, "items": []})
                };
                Ok::<_, Infallible>(Response::new(Body::from(said.to_string().into_bytes())))
            }
        });
        (Client::new(service, "default"), asked)
    }

    #[tokio::test(start_paused = true)]
    async fn who_wants_a_namespace_is_asked_about_that_one_alone() {
        let (client, asked) = cluster();
        let (book, watching) = Book::open(client.clone(), None, Clock::System);
        tokio::spawn(watching);
        let theirs = client.clone();
        let connect: Connect = Arc::new(move |_| Ok(theirs.clone()));
        let gatekeeper = Gatekeeper::new(Gate::Token, client, connect, Clock::System);
        let caller = gatekeeper.with(Credential::Token("t".to_owned())).expect("a caller");
        let settings = Settings {
            gate: Gate::Token,
            read_only: false,
            root: "rollouts".to_owned(),
            namespace: String::new(),
            cluster: String::new(),
        };
        let dashboard = Dashboard::new(settings, book, gatekeeper, Clock::System);
        let seen = async |of: &str| {
            let seen = all(&dashboard, &caller, of).await.expect("an answer");
            let asked = std::mem::take(&mut *asked.lock().expect("no panic"));
            (seen.into_iter().filter_map(|rollout| rollout.metadata.namespace.clone()).collect::<Vec<_>>(), asked)
        };
        assert_eq!(seen("shop").await, (vec!["shop".to_owned()], vec![String::new(), "shop".to_owned()]));
        assert_eq!(seen("plant").await, (vec![], vec!["plant".to_owned()]));
        let (mut all, asked) = seen("").await;
        all.sort();
        assert_eq!((all, asked), (vec!["bank".to_owned(), "shop".to_owned()], vec!["bank".to_owned()]));
    }
}
