//! Who may do what: a small evaluator of the stored roles and their bindings.
//!
//! A request without credentials is the administrator's, who may do everything, and who may also ask as somebody else.

use http::HeaderMap;
use serde_json::Value;

use super::Request;
use crate::refusal::Refusal;
use crate::state::State;

/// The group whose members may do everything.
const MASTERS: &str = "system:masters";
const RBAC: &str = "rbac.authorization.k8s.io";

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The groups.
    pub groups: Vec<String>,
}

impl User {
    /// The administrator, or whom a request impersonates.
    pub fn of(headers: &HeaderMap) -> User {
        let all = |name: &str| -> Vec<String> {
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
        };
        match all("impersonate-user").pop() {
            None => User { name: "admin".to_owned(), groups: vec![MASTERS.to_owned()] },
            Some(name) => User::authenticated(name, all("impersonate-group")),
        }
    }

    /// Somebody who has said who they are.
    pub fn authenticated(name: String, mut groups: Vec<String>) -> User {
        if let Some(account) = name.strip_prefix("system:serviceaccount:") {
            let namespace = account.split(':').next().unwrap_or_default();
            groups.extend(["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]);
        }
        groups.push("system:authenticated".to_owned());
        User { name, groups }
    }

    fn is_meant(&self, subject: &Value, namespace: &str) -> bool {
        let text = |field: &str| subject[field].as_str().unwrap_or_default();
        let of = if text("namespace").is_empty() { namespace } else { text("namespace") };
        match text("kind") {
            "User" => text("name") == self.name,
            "Group" => self.groups.iter().any(|group| group == text("name")),
            "ServiceAccount" => self.name == format!("system:serviceaccount:{of}:{}", text("name")),
            _ => false,
        }
    }
}

/// What somebody wants to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// `get`, `create` and the like.
    pub verb: String,
    /// The group of the resource.
    pub group: String,
    /// The resource, with its subresource: `rollouts/status`.
    pub resource: String,
    /// Where; empty for the cluster.
    pub namespace: String,
    /// On which object; empty for all.
    pub name: String,
    /// A path that is no resource, instead of all that.
    pub path: Option<String>,
}

impl Action {
    /// What a request wants.
    pub fn of(request: &Request) -> Action {
        let (path, named) = (&request.path, request.path.name.is_some());
        let verb = match request.method.as_str() {
            "GET" if path.watch || !named && request.query.is_set("watch") => "watch",
            "GET" if named => "get",
            "GET" => "list",
            "POST" => "create",
            "PUT" => "update",
            "DELETE" if named => "delete",
            "DELETE" => "deletecollection",
            _ => "patch",
        };
        let resource = match &path.subresource {
            Some(subresource) => format!("{}/{subresource}", path.plural),
            None => path.plural.clone(),
        };
        Action {
            verb: verb.to_owned(),
            group: path.group.clone(),
            resource,
            namespace: request.namespace().to_owned(),
            name: path.name.clone().unwrap_or_default(),
            path: None,
        }
    }
}

/// Refuses what somebody may not do.
pub fn check(state: &State, user: &User, request: &Request) -> Result<(), Refusal> {
    let action = Action::of(request);
    if may(state, user, &action) {
        return Ok(());
    }
    let place = match action.namespace.as_str() {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace {namespace:?}"),
    };
    let Action { verb, group, resource, name, .. } = &action;
    let why = format!("User {:?} cannot {verb} resource {resource:?} in API group {group:?} {place}", user.name);
    let mut refusal = Refusal::forbidden(&request.resource, name, &why);
    if name.is_empty() {
        refusal.message = format!("{} is forbidden: {why}", request.resource.key);
    }
    Err(refusal)
}

/// Whether somebody may do that.
pub fn may(state: &State, user: &User, action: &Action) -> bool {
    if user.groups.iter().any(|group| group == MASTERS) || action.group == "authorization.k8s.io" {
        return true;
    }
    let everywhere = state.store.list("clusterrolebindings.rbac.authorization.k8s.io", None);
    let here = Some(action.namespace.as_str()).filter(|namespace| !namespace.is_empty());
    let there = here.map(|namespace| state.store.list("rolebindings.rbac.authorization.k8s.io", Some(namespace)));
    let mut bindings = everywhere.chain(there.into_iter().flatten());
    bindings.any(|binding| {
        let namespace = crate::object::namespace(binding);
        let mut subjects = binding["subjects"].as_array().into_iter().flatten();
        subjects.any(|subject| user.is_meant(subject, namespace)) && allows(state, binding, namespace, action)
    })
}

fn allows(state: &State, binding: &Value, namespace: &str, action: &Action) -> bool {
    let text = |field: &str| binding["roleRef"][field].as_str().unwrap_or_default();
    let (plural, namespace) = if text("kind") == "Role" { ("roles", namespace) } else { ("clusterroles", "") };
    let role = state.store.get(&format!("{plural}.{RBAC}"), namespace, text("name"));
    role.is_some_and(|role| role["rules"].as_array().into_iter().flatten().any(|rule| permits(rule, action)))
}

fn permits(rule: &Value, action: &Action) -> bool {
    let has = |field: &str, wanted: &str| {
        let mut values = rule[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        values.any(|value| value == "*" || value == wanted)
    };
    if let Some(path) = &action.path {
        let mut known = rule["nonResourceURLs"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let is_known = known.any(|known| match known.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => path == known,
        });
        return is_known && has("verbs", &action.verb);
    }
    let names = rule["resourceNames"].as_array();
    let of_any = |subresource: &str| has("resources", &format!("*/{subresource}"));
    let is_resource = has("resources", &action.resource)
        || action.resource.split_once('/').is_some_and(|(_, subresource)| of_any(subresource));
    has("verbs", &action.verb)
        && has("apiGroups", &action.group)
        && is_resource
        && names.is_none_or(|names| names.is_empty() || names.iter().any(|name| *name == *action.name))
}
