//! Routes for certain requests (`setHeaderRoute`, `setMirrorRoute`), before those that have the weights.

use serde_json::{Value, json};

use super::super::memory::Memories;
use super::super::routers::Client;
use super::super::{Route, Routing, cookie};
use super::ends::{self, Ends, Role};
use super::matches;
use super::select::is_managed;

/// Whether an object has any route that was made for a rollout.
pub(super) fn has_any(object: &Value, managed: &[String]) -> bool {
    object["spec"]["http"].as_array().into_iter().flatten().any(|route| is_managed(route, managed))
}

/// The names of the routes that are made for a rollout, and of those that were.
pub(super) fn names(object: &Value, client: &Client) -> Vec<String> {
    let made = Memories::of(object, client).get().cloned().unwrap_or_default().rules;
    client.managed.iter().cloned().chain(made).collect()
}

/// The names of those in an object that are made for a rollout now.
pub(super) fn made(object: &Value, client: &Client, routing: &Routing) -> Vec<String> {
    let wanted = routing.routes.iter().map(|route| route.name().to_owned()).chain([cookie::route_name(client)]);
    let routes: Vec<&Value> = object["spec"]["http"].as_array().into_iter().flatten().collect();
    wanted.filter(|name| routes.iter().any(|route| route["name"] == name.as_str())).collect()
}

/// The HTTP routes with those in force among them. They stay where they are as long as they come before the ones that have the
/// weights: another rollout may have its own before them.
pub(super) fn put(routes: &[Value], made: Vec<Value>, managed: &[String], first: Option<usize>) -> Vec<Value> {
    let is_ours = |route: &&Value| is_managed(route, managed);
    let at = routes.iter().position(|route| is_managed(route, managed)).unwrap_or(0);
    let first = first.map_or(at, |first| first - routes[..first].iter().filter(is_ours).count());
    let mut all: Vec<Value> = routes.iter().filter(|route| !is_ours(route)).cloned().collect();
    let at = at.min(first).min(all.len());
    all.splice(at..at, made);
    all
}

/// The routes in force, in the order of their precedence, and why one of them cannot be made. There is one for each of the routes that
/// have the weights, and, but for whom it is for and where it leads, it is like that. (Argo Rollouts makes one for all requests of the
/// VirtualService, whomever they are for.)
pub(super) fn routes<'a>(
    wanted: impl Iterator<Item = &'a Route>,
    sources: &[&Value],
    ends: &Ends,
) -> (Vec<Value>, Option<String>) {
    let (mut made, mut wrong) = (Vec::new(), None);
    for wanted in wanted.filter(|_| !sources.is_empty()) {
        let each: Result<Vec<_>, String> = sources.iter().map(|source| route(wanted, source, ends)).collect();
        let name = wanted.name();
        match each.map(|each| each.into_iter().flatten().collect::<Vec<_>>()) {
            Ok(none) if none.is_empty() => {
                wrong.get_or_insert(format!("none of its HTTP routes has requests that the route {name:?} asks for"));
            }
            Ok(some) => made.extend(some),
            Err(why) => {
                wrong.get_or_insert(format!("the route {name:?} cannot be made: {why}; change one of the two"));
            }
        }
    }
    (made, wrong)
}

fn route(wanted: &Route, source: &Value, ends: &Ends) -> Result<Option<Value>, String> {
    let canary = ends::entries(source).iter().find(|entry| ends.role(entry) == Some(Role::Canary));
    let to = canary.map_or(Value::Null, |entry| entry["destination"].clone());
    let mut made = source.clone();
    let conditions = match wanted {
        Route::Header(header) => {
            made["route"] = json!([{ "destination": to, "weight": 100 }]);
            matches::with_headers(source, &header.matches)?
        }
        Route::Mirror(mirror) => {
            // Istio takes one of the two fields.
            made.as_object_mut().and_then(|made| made.remove("mirrors"));
            made["mirror"] = to;
            made["mirrorPercentage"] = json!({ "value": mirror.percentage.unwrap_or(100) });
            matches::like(source, &mirror.matches)?
        }
    };
    made["name"] = json!(wanted.name());
    made["match"] = json!(conditions);
    Ok((!conditions.is_empty()).then_some(made))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_routes_come_first_and_stay_where_others_have_put_theirs_before_them() {
        let managed = ["mine".to_owned()];
        let named = |names: &str| names.split(' ').map(|name| json!({ "name": name })).collect::<Vec<_>>();
        for (before, first, after) in [
            ("static web", 1, "mine static web"),
            ("mine static web", 2, "mine static web"),
            ("theirs mine web", 2, "theirs mine web"),
            ("static web mine", 1, "static mine web"),
            ("web mine", 0, "mine web"),
        ] {
            let found = put(&named(before), named("mine"), &managed, Some(first));
            assert_eq!(found, named(after), "{before}");
            let left: Vec<Value> = found.iter().filter(|route| route["name"] != "mine").cloned().collect();
            assert_eq!(put(&found, Vec::new(), &managed, None), left, "{before}");
        }
    }
}
