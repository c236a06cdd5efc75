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

/// The rollouts that somebody may see.
pub async fn all(dashboard: &Dashboard, caller: &Caller) -> Result<Vec<Arc<Rollout>>, Refused> {
    dashboard.book.is_open().await;
    is_told(&dashboard.book.rollouts)?;
    let mut rollouts = dashboard.book.rollouts.all();
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
