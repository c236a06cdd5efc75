//! An object of an Application as the cluster has it, and who has set which of its fields.
//!
//! That is no comparison with Git: what Git says is not known here. It shows what the last sync has set, and what others have set since.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query as Asked, State};
use axum::http::StatusCode;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::{Api, DynamicObject, GroupVersionKind};
use kube::discovery::{self, Scope};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use sluice_core::api::{Application, ResourceStatus};
use sluice_core::gitops::key::Key;
use sluice_core::info::age::Age;
use sluice_core::info::application::live;
use sluice_core::info::application::words;

use super::tree::is_here;
use super::{path_of, seen, trail};
use crate::dashboard::Dashboard;
use crate::dashboard::access::Caller;
use crate::dashboard::html::{self as shell, Page};
use crate::dashboard::refused::Refused;

/// So many fields of each are named.
const MOST_FIELDS: usize = 200;
/// So deep they are looked for.
const DEEPEST: usize = 12;

/// Which object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Its API group.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Query {
    /// Its key; none, where all objects are meant.
    pub fn key(self) -> Option<Key> {
        let Query { group, kind, namespace, name } = self;
        (!kind.is_empty()).then_some(Key { group, kind, namespace, name })
    }
}

/// The page.
pub async fn page(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(caller): Extension<Caller>,
    Path((namespace, name)): Path<(String, String)>,
    Asked(query): Asked<Query>,
) -> Result<Markup, Refused> {
    let known = seen::one(&dashboard, &caller, &namespace, &name).await?;
    let application = known.said.as_ref().map_err(|why| Refused::new(StatusCode::CONFLICT, why.clone()))?;
    let key = query.key().unwrap_or_default();
    let part = part(application, &key).ok_or_else(|| {
        Refused::new(StatusCode::NOT_FOUND, format!("application '{name}' has no object {key} that is listed"))
    })?;
    if !is_here(application) {
        return Err(Refused::new(StatusCode::CONFLICT, "its objects are in a cluster that is not looked at here"));
    }
    let now = dashboard.clock.now();
    let found = read(&caller, part).await?;
    let content = html! {
        h1 { (key.kind) " " (key.name) " " span class="state" { (shell::badge(&words::sync(&part.status))) } }
        p { a href=(path_of("diff", (&namespace, &name), &key)) { "What a sync would change" } }
        @match found {
            Some(object) => {
                (fields(object.metadata.managed_fields.as_deref().unwrap_or_default(), now))
                h2 { "As the cluster has it" }
                pre class="yaml" tabindex="0" aria-label="The object as YAML" { (yaml(&live::shown(json!(object)))?) }
            }
            None => { p class="empty" { "The cluster does not have it." } }
        }
    };
    let mut trail = trail(&namespace, &name);
    trail.push((key.name.clone(), path_of("object", (&namespace, &name), &key)));
    let page = Page { title: &key.name, live: None, trail };
    Ok(page.render(&dashboard, &caller, &content))
}

fn part<'a>(application: &'a Application, key: &Key) -> Option<&'a ResourceStatus> {
    let Key { group, kind, namespace, name } = key;
    let resources = &application.status().resources;
    resources.iter().find(|it| (&it.group, &it.kind, &it.namespace, &it.name) == (group, kind, namespace, name))
}

/// The object, read with the rights of who asks.
async fn read(caller: &Caller, part: &ResourceStatus) -> Result<Option<DynamicObject>, Refused> {
    let attempted = format!("read {} {}", part.kind, part.name);
    let kind = GroupVersionKind::gvk(&part.group, &part.version, &part.kind);
    let refused = |error: kube::Error| Refused::by_server(&crate::steer::Refusal::to(&attempted)(error));
    let (resource, capabilities) = discovery::pinned_kind(&caller.client, &kind).await.map_err(refused)?;
    let client = caller.client.clone();
    let api: Api<DynamicObject> = match capabilities.scope {
        Scope::Cluster => Api::all_with(client, &resource),
        Scope::Namespaced => Api::namespaced_with(client, &part.namespace, &resource),
    };
    api.get_opt(&part.name).await.map_err(refused)
}

/// A value as YAML.
pub fn yaml(value: &Value) -> Result<String, Refused> {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(value, options).map_err(|error| {
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot write the object as YAML: {error}"))
    })
}

/// Who has set which fields, and when.
fn fields(entries: &[ManagedFieldsEntry], now: jiff::Timestamp) -> Markup {
    html! {
        section aria-labelledby="fields-title" {
            h2 id="fields-title" { "Who has set what" }
            @if entries.is_empty() { p class="empty" { "The API server does not say." } }
            @for entry in entries {
                @let at = entry.time.as_ref().map(|time| time.0);
                @let paths = paths(entry.fields_v1.as_ref().map_or(&Value::Null, |fields| &fields.0));
                details {
                    summary {
                        b { (words::line(entry.manager.as_deref().unwrap_or("somebody"))) } " "
                        span class="quiet" {
                            (entry.operation.as_deref().unwrap_or_default())
                            @if let Some(part) = &entry.subresource { " of " (part) }
                            ", " (shell::age(&Age::of(at, now))) " ago, " (paths.len())
                            @if paths.len() == MOST_FIELDS { " fields or more" } @else { " fields" }
                        }
                    }
                    ul class="values" { @for path in &paths { li { code { (path) } } } }
                }
            }
        }
    }
}

/// The leaves of what `managedFields` says, as paths.
fn paths(fields: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(fields, String::new(), DEEPEST, &mut found);
    found
}

fn walk(fields: &Value, at: String, deep: usize, found: &mut Vec<String>) {
    if found.len() >= MOST_FIELDS {
        return;
    }
    let inner: Vec<(&String, &Value)> =
        fields.as_object().into_iter().flatten().filter(|(name, _)| name.as_str() != ".").collect();
    if inner.is_empty() || deep == 0 {
        if !at.is_empty() {
            found.push(at);
        }
        return;
    }
    for (name, value) in inner {
        let path = match name.split_once(':') {
            Some(("f", field)) => format!("{at}.{}", words::line(field)),
            Some(("k" | "v" | "i", item)) => format!("{at}[{}]", words::line(item)),
            _ => format!("{at}.{}", words::line(name)),
        };
        walk(value, path, deep - 1, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_people_write_them() {
        let fields =
            json!({"f:spec": {"f:replicas": {}, "f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:image": {}}}}});
        assert_eq!(paths(&fields), [".spec.containers[{\"name\":\"web\"}].image", ".spec.replicas"]);
        assert_eq!(paths(&Value::Null), [""; 0]);
    }

    #[test]
    fn what_never_ends_is_cut() {
        let mut deep = json!({});
        for _ in 0..1_000 {
            deep = json!({"f:a": deep});
        }
        assert_eq!(paths(&deep), [".a".repeat(DEEPEST)]);
        let wide: serde_json::Map<String, Value> = (0..10_000).map(|index| (format!("f:{index}"), json!({}))).collect();
        assert_eq!(paths(&Value::Object(wide)).len(), MOST_FIELDS);
    }
}
