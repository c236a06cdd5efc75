//! Who may do what: a small evaluator of the stored roles and their bindings.

use http::Method;
use serde_json::{Value, json};

use super::path::{Path, Query};
use super::user::User;
use crate::object;
use crate::refusal::Refusal;
use crate::state::State;

const RBAC: &str = "rbac.authorization.k8s.io";

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
    /// What a request for a resource wants.
    pub fn on_resource(method: &Method, path: &Path, query: &Query) -> Action {
        let named = path.name.is_some();
        let verb = match method.as_str() {
            "GET" | "HEAD" if path.watch || !named && query.is_set("watch") => "watch",
            "GET" | "HEAD" if named => "get",
            "GET" | "HEAD" => "list",
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" if named => "delete",
            "DELETE" => "deletecollection",
            _ => "",
        };
        let resource = match &path.subresource {
            Some(subresource) => format!("{}/{subresource}", path.plural),
            None => path.plural.clone(),
        };
        let name = path.name.clone().unwrap_or_default();
        let namespace = match &path.namespace {
            Some(namespace) => namespace.clone(),
            // A namespace is in itself: a role within it can speak of it.
            None if path.group.is_empty() && path.plural == "namespaces" => name.clone(),
            None => String::new(),
        };
        Action { verb: verb.to_owned(), group: path.group.clone(), resource, namespace, name, path: None }
    }

    /// What a request for any other path wants.
    pub fn on_path(method: &Method, path: &str) -> Action {
        Action { verb: method.as_str().to_lowercase(), path: Some(path.to_owned()), ..Action::default() }
    }

    /// Refuses it to somebody, with what went wrong on the way to a decision.
    fn refused(&self, user: &User, mistakes: &str) -> Refusal {
        let Action { verb, group, resource, name, .. } = self;
        let forbidden = |message: String, details: Value| Refusal::with(403, "Forbidden", message, details);
        if let Some(path) = &self.path {
            let why = format!("forbidden: User {:?} cannot {verb} path {path:?}{mistakes}", user.name);
            return forbidden(why, json!({}));
        }
        let place = match self.namespace.as_str() {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace {namespace:?}"),
        };
        let plural = resource.split('/').next().unwrap_or_default();
        let mut details = json!({ "kind": plural });
        let mut about = plural.to_owned();
        if !group.is_empty() {
            details["group"] = json!(group);
            about = format!("{about}.{group}");
        }
        if !name.is_empty() {
            details["name"] = json!(name);
            about = format!("{about} {name:?}");
        }
        let why = format!("User {:?} cannot {verb} resource {resource:?} in API group {group:?} {place}", user.name);
        forbidden(format!("{about} is forbidden: {why}{mistakes}"), details)
    }
}

/// Whether something is allowed, and what there is to say about that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is.
    pub allowed: bool,
    /// By which binding; empty where nobody needs to ask.
    pub reason: String,
    /// What is wrong with other bindings, where it is not allowed.
    pub mistakes: Vec<String>,
}

/// Refuses what somebody may not do.
pub fn check(state: &State, user: &User, action: &Action) -> Result<(), Refusal> {
    let verdict = judge(state, user, action);
    if verdict.allowed {
        return Ok(());
    }
    let mistakes = match &verdict.mistakes[..] {
        [] => String::new(),
        mistakes => format!(": RBAC: {}", in_brackets(mistakes)),
    };
    Err(action.refused(user, &mistakes))
}

/// One mistake as it is, or a list of them.
pub fn in_brackets(mistakes: &[String]) -> String {
    if let [one] = mistakes { one.clone() } else { format!("[{}]", mistakes.join(", ")) }
}

/// Whether somebody may do that.
pub fn judge(state: &State, user: &User, action: &Action) -> Verdict {
    if user.has_every_right() {
        return Verdict { allowed: true, ..Verdict::default() };
    }
    let mut mistakes = Vec::new();
    for grant in grants(state, user, &action.namespace) {
        match grant.rules {
            Ok(rules) if rules.iter().any(|rule| permits(rule, action)) => {
                return Verdict { allowed: true, reason: grant.words, ..Verdict::default() };
            }
            Ok(_) => {}
            Err(mistake) => mistakes.push(mistake),
        }
    }
    Verdict { mistakes, ..Verdict::default() }
}

/// What a binding gives to somebody.
pub struct Grant<'a> {
    /// The rules of its role, or why there are none.
    pub rules: Result<&'a [Value], String>,
    /// The binding, its role and its subject.
    words: String,
}

/// What somebody may do in a namespace; in none, at the scope of the cluster.
pub fn grants<'a>(state: &'a State, user: &'a User, namespace: &'a str) -> impl Iterator<Item = Grant<'a>> {
    let everywhere = state.store.list("clusterrolebindings.rbac.authorization.k8s.io", None);
    let here = Some(namespace).filter(|namespace| !namespace.is_empty());
    let there = here.map(|namespace| state.store.list("rolebindings.rbac.authorization.k8s.io", Some(namespace)));
    everywhere.chain(there.into_iter().flatten()).filter_map(move |binding| {
        let at = object::namespace(binding);
        let mut subjects = binding["subjects"].as_array().into_iter().flatten();
        let subject = subjects.find(|subject| user.is_meant(subject, at))?;
        Some(Grant { rules: rules(state, binding), words: in_words(binding, subject) })
    })
}

/// The rules of the role that a binding names.
fn rules<'a>(state: &'a State, binding: &Value) -> Result<&'a [Value], String> {
    let text = |field: &str| binding["roleRef"][field].as_str().unwrap_or_default();
    let (plural, namespace) =
        if text("kind") == "Role" { ("roles", object::namespace(binding)) } else { ("clusterroles", "") };
    match state.store.get(&format!("{plural}.{RBAC}"), namespace, text("name")) {
        Some(role) => Ok(role["rules"].as_array().map(Vec::as_slice).unwrap_or_default()),
        None => Err(format!("{}.{RBAC} {:?} not found", text("kind").to_lowercase(), text("name"))),
    }
}

fn in_words(binding: &Value, subject: &Value) -> String {
    let of = |object: &Value, field: &str| object[field].as_str().unwrap_or_default().to_owned();
    let (name, namespace) = (object::name(binding), object::namespace(binding));
    let (kind, name) = match namespace {
        "" => ("ClusterRoleBinding", name.to_owned()),
        namespace => ("RoleBinding", format!("{name}/{namespace}")),
    };
    let role = format!("{} {:?}", of(&binding["roleRef"], "kind"), of(&binding["roleRef"], "name"));
    let subject = match (of(subject, "kind"), of(subject, "name"), of(subject, "namespace")) {
        (kind, name, place) if kind == "ServiceAccount" => {
            let place = if place.is_empty() { namespace } else { &place };
            format!("ServiceAccount \"{name}/{place}\"")
        }
        (kind, name, _) => format!("{kind} {name:?}"),
    };
    format!("RBAC: allowed by {kind} {name:?} of {role} to {subject}")
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
