//! What somebody may see of the Applications.

use std::sync::Arc;

use axum::http::StatusCode;

use super::watched::Known;
use crate::dashboard::Dashboard;
use crate::dashboard::access::Caller;
use crate::dashboard::access::review::Kind;
use crate::dashboard::book::namespaces;
use crate::dashboard::refused::Refused;
use crate::dashboard::rollouts::seen::{allowed, refused};

/// The Applications that somebody may see.
pub async fn all(dashboard: &Dashboard, caller: &Caller) -> Result<Vec<Arc<Known>>, Refused> {
    dashboard.book.has_applications().await;
    let mut applications = dashboard.book.applications.all();
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
    dashboard.book.applications.one(namespace, name).ok_or_else(none)
}
