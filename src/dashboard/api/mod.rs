//! The HTTP API, under the paths and in the form that clients of the existing dashboard know. (Argo Rollouts, the gateway of its
//! `RolloutService`.)

pub mod info;
mod openapi;
mod run;
mod watch;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter as On, on};
use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sluice_core::act::action::{Action, Details};
use sluice_core::api::{ReplicaSet, Rollout};

use self::info::RolloutInfo;
use super::Dashboard;
use super::access::Caller;
use super::access::review::Kind;
use super::book::namespaces;
use super::refused::Refused;
use super::rollouts::act::carry_out;
use super::rollouts::seen;
use super::routes::{Route, of_api};

type Shared = State<Arc<Dashboard>>;

/// Where the description of this API is.
pub const DESCRIPTION: &str = "/api/v1/openapi.json";

/// The part of the table of routes that is for programs.
pub fn table() -> Vec<Route> {
    let get = |path: &str, handler| of_api(&Method::GET, path, handler);
    let put = |path: &str, handler| of_api(&Method::PUT, path, handler);
    vec![
        get(DESCRIPTION, on(On::GET, openapi::get)).for_everybody(),
        get("/api/v1/version", on(On::GET, version)).for_everybody(),
        get("/api/v1/namespace", on(On::GET, namespace)),
        get("/api/v1/rollouts/{namespace}/info", on(On::GET, list)),
        get("/api/v1/rollouts/{namespace}/info/watch", on(On::GET, watch::all)),
        get("/api/v1/rollouts/{namespace}/{name}/info", on(On::GET, one)),
        get("/api/v1/rollouts/{namespace}/{name}/info/watch", on(On::GET, watch::one)),
        put("/api/v1/rollouts/{namespace}/{name}/restart", on(On::PUT, restart)),
        put("/api/v1/rollouts/{namespace}/{name}/promote", on(On::PUT, promote)),
        put("/api/v1/rollouts/{namespace}/{name}/abort", on(On::PUT, abort)),
        put("/api/v1/rollouts/{namespace}/{name}/retry", on(On::PUT, retry)),
        put("/api/v1/rollouts/{namespace}/{name}/set/{container}/{image}/{tag}", on(On::PUT, set_image)),
        put("/api/v1/rollouts/{namespace}/{name}/undo/{revision}", on(On::PUT, undo)),
    ]
}

fn answer(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => Refused::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).in_json().into_response(),
    }
}

async fn version() -> Response {
    answer(&json!({"rolloutsVersion": format!("sluice {}", env!("CARGO_PKG_VERSION"))}))
}

async fn namespace(State(dashboard): Shared, Extension(caller): Extension<Caller>) -> Result<Response, Refused> {
    let rollouts = seen::all(&dashboard, &caller, "").await.map_err(Refused::in_json)?;
    let available = namespaces(&rollouts);
    Ok(answer(&json!({"namespace": dashboard.settings.namespace, "availableNamespaces": available})))
}

/// The rollouts of a namespace that somebody may see, in order.
async fn listed(dashboard: &Dashboard, caller: &Caller, namespace: &str) -> Result<Vec<RolloutInfo>, Refused> {
    let mut rollouts = seen::all(dashboard, caller, namespace).await.map_err(Refused::in_json)?;
    rollouts.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    let may =
        |kind| async move { caller.may_see(kind, namespace).await.map_err(|error| seen::refused(&error).in_json()) };
    let sets = if may(Kind::ReplicaSets).await? { dashboard.book.replica_sets(namespace) } else { Vec::new() };
    let pods = if may(Kind::Pods).await? { dashboard.book.pods(namespace) } else { Vec::new() };
    // There may be thousands of each: nothing is looked for among all of them.
    let mut pods_of: HashMap<String, Vec<Pod>> = HashMap::new();
    for pod in pods {
        let owners = pod.metadata.owner_references.iter().flatten();
        let owner = owners.filter(|owner| owner.controller == Some(true)).map(|owner| owner.uid.clone()).next();
        if let Some(owner) = owner {
            pods_of.entry(owner).or_default().push(pod);
        }
    }
    let mut sets_of: HashMap<&str, Vec<&ReplicaSet>> = HashMap::new();
    for rs in &sets {
        if let Some(owner) = rs.controller_uid() {
            sets_of.entry(owner).or_default().push(rs);
        }
    }
    let now = dashboard.clock.now();
    Ok(rollouts
        .iter()
        .map(|rollout| {
            let uid = rollout.metadata.uid.as_deref().unwrap_or_default();
            RolloutInfo::listed(rollout, sets_of.remove(uid).unwrap_or_default(), &pods_of, now)
        })
        .collect())
}

async fn list(
    State(dashboard): Shared,
    Extension(caller): Extension<Caller>,
    Path(namespace): Path<String>,
) -> Result<Response, Refused> {
    let rollouts = listed(&dashboard, &caller, &namespace).await?;
    Ok(answer(&json!({"rollouts": rollouts})))
}

async fn one(
    State(dashboard): Shared,
    Extension(caller): Extension<Caller>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let family = seen::family(&dashboard, &caller, &namespace, &name).await.map_err(Refused::in_json)?;
    Ok(answer(&RolloutInfo::of(&family, dashboard.clock.now())))
}

/// Does something, and answers with the rollout as it is then.
async fn done(
    dashboard: &Dashboard,
    caller: &Caller,
    (namespace, name): (&str, &str),
    action: Action,
    details: &Details,
) -> Result<Response, Refused> {
    carry_out(dashboard, caller, (namespace, name), action, details).await.map_err(Refused::in_json)?;
    let api: Api<Rollout> = Api::namespaced(caller.client.clone(), namespace);
    // It was done; that it cannot be read afterwards is no reason to say otherwise.
    Ok(api.get(name).await.map_or_else(|_| answer(&json!({})), |rollout| answer(&rollout)))
}

type Named = Path<(String, String)>;

async fn restart(
    State(dashboard): Shared,
    Extension(caller): Extension<Caller>,
    Path((namespace, name)): Named,
) -> Result<Response, Refused> {
    done(&dashboard, &caller, (&namespace, &name), Action::Restart, &Details::default()).await
}

/// What a promotion is asked for with.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Promotion {
    full: bool,
}

async fn promote(
    State(dashboard): Shared,
    Extension(caller): Extension<Caller>,
    Path((namespace, name)): Named,
    body: Bytes,
) -> Result<Response, Refused> {
    let wrong = |error| {
        Refused::new(StatusCode::BAD_REQUEST, format!("cannot read what is to be promoted how far: {error}")).in_json()
    };
    let asked: Promotion =
        if body.is_empty() { Promotion::default() } else { serde_json::from_slice(&body).map_err(wrong)? };
    let action = if asked.full { Action::PromoteFull } else { Action::Promote };
    done(&dashboard, &caller, (&namespace, &name), action, &Details::default()).await
}

async fn abort(
    State(dashboard): Shared,
    Extension(caller): Extension<Caller>,
    Path((namespace, name)): Named,
) -> Result<Response, Refused> {
    done(&dashboard, &caller, (&namespace, &name), Action::Abort, &Details::default()).await
}

async fn retry(
    State(dashboard): Shared,
    Extension(caller): Extension<Caller>,
    Path((namespace, name)): Named,
) -> Result<Response, Refused> {
    done(&dashboard, &caller, (&namespace, &name), Action::Retry, &Details::default()).await
}

async fn set_image(
    State(dashboard): Shared,
    Extension(caller): Extension<Caller>,
    Path((namespace, name, container, image, tag)): Path<(String, String, String, String, String)>,
) -> Result<Response, Refused> {
    let details = Details { container, image: format!("{image}:{tag}"), ..Details::default() };
    done(&dashboard, &caller, (&namespace, &name), Action::SetImage, &details).await
}

async fn undo(
    State(dashboard): Shared,
    Extension(caller): Extension<Caller>,
    Path((namespace, name, revision)): Path<(String, String, String)>,
) -> Result<Response, Refused> {
    let wrong =
        || Refused::new(StatusCode::BAD_REQUEST, format!("'{revision}' is not a revision: 0 or a number")).in_json();
    let revision = revision.parse().ok().filter(|number: &i64| *number >= 0).ok_or_else(wrong)?;
    done(&dashboard, &caller, (&namespace, &name), Action::Undo, &Details { revision, ..Details::default() }).await
}

/// What a stream says of an object, in the envelope of the gateway.
fn enveloped(result: &impl Serialize) -> Value {
    json!({ "result": result })
}
