//! Routes for requests with certain headers (`setHeaderRoute`): a path of the Ingress for each, whose conditions are an annotation.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::Route;
use super::super::ingress::{all_paths, leads_to, paths};
use crate::api::SetHeaderRoute;
use crate::identity::go_text;

/// The port of a path that leads to an action instead of a Service.
pub(super) const USE_ANNOTATION: &str = "use-annotation";

pub(super) fn uses_annotation(path: &Value) -> bool {
    path["backend"]["service"]["port"]["name"] == USE_ANNOTATION
}

/// The routes that a load balancer can have. It copies no requests, so that mirrors are for the other routers of the rollout.
pub(super) fn headers(routes: &[Route]) -> impl Iterator<Item = &SetHeaderRoute> {
    routes.iter().filter_map(|route| match route {
        Route::Header(header) => Some(header),
        Route::Mirror(_) => None,
    })
}

/// The text of the annotation with a route's conditions.
pub(super) fn conditions(route: &SetHeaderRoute, root: &str) -> Result<String, String> {
    if route.name == root {
        return Err(format!(
            "the route {root:?} has the name of the Service whose action carries the weights; give it another one"
        ));
    }
    let mut text = String::from("[");
    for one in &route.matches {
        let Some(exact) = one.header_value.as_ref().and_then(|value| value.exact.as_deref()) else {
            let (route, header) = (&route.name, &one.header_name);
            return Err(format!(
                "the route {route:?} asks for the header {header:?} by something else than an exact value, which a load balancer cannot do; use headerValue.exact"
            ));
        };
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(r#"{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"#);
        go_text::write_string(&mut text, &one.header_name);
        text.push_str(r#","values":["#);
        go_text::write_string(&mut text, exact);
        text.push_str("]}}");
    }
    Ok(text + "]")
}

/// Whether any path leads to one of these routes.
pub(super) fn has_any(ingress: &Value, names: &BTreeSet<String>) -> bool {
    all_paths(ingress).any(|path| is_one_of(path, names))
}

fn is_one_of(path: &Value, names: &BTreeSet<String>) -> bool {
    let name = path["backend"]["service"]["name"].as_str();
    uses_annotation(path) && name.is_some_and(|name| names.contains(name))
}

/// Puts paths for these routes, in their order, before each path to the root action, and takes those away that were there. Each
/// is for the same requests as that path: of paths that match alike, the load balancer prefers the first one. (Argo Rollouts puts
/// one path without any conditions on paths before all others, which a path of the type `Prefix` is preferred to, and which takes
/// requests for other Services of the rule away.)
pub(super) fn place(ingress: &mut Value, root: &str, names: &[&str], made: &BTreeSet<String>) {
    let rules = ingress.pointer_mut("/spec/rules").and_then(Value::as_array_mut);
    for rule in rules.into_iter().flatten() {
        let mut all = Vec::new();
        for path in paths(rule).filter(|path| !is_one_of(path, made)) {
            if leads_to(path, root) && uses_annotation(path) {
                all.extend(names.iter().map(|name| led_to(path, name)));
            }
            all.push(path.clone());
        }
        if let Some(now) = rule.pointer_mut("/http/paths").filter(|now| now.is_array()) {
            *now = json!(all);
        }
    }
}

fn led_to(path: &Value, name: &str) -> Value {
    let mut path = path.clone();
    path["backend"]["service"]["name"] = json!(name);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(headers: &Value) -> SetHeaderRoute {
        serde_json::from_value(json!({ "name": "beta", "match": headers })).expect("a route")
    }

    #[test]
    fn conditions_read_as_others_expect_them() {
        let one = route(&json!([{ "headerName": "X-Beta", "headerValue": { "exact": "a<b" } }]));
        assert_eq!(
            conditions(&one, "root").as_deref(),
            Ok(r#"[{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"X-Beta","values":["a\u003cb"]}}]"#)
        );
        let two = route(&json!([
            { "headerName": "A", "headerValue": { "exact": "1" } },
            { "headerName": "B", "headerValue": { "exact": "\"" } },
        ]));
        assert_eq!(
            conditions(&two, "root").as_deref(),
            Ok(concat!(
                r#"[{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"A","values":["1"]}},"#,
                r#"{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"B","values":["\""]}}]"#,
            ))
        );
        let prefix = route(&json!([{ "headerName": "A", "headerValue": { "prefix": "1" } }]));
        assert!(conditions(&prefix, "root").is_err_and(|why| why.contains("use headerValue.exact")));
        assert!(conditions(&one, "beta").is_err_and(|why| why.contains("give it another one")));
    }

    #[test]
    fn rules_that_lead_elsewhere_have_no_path_for_a_route() {
        let path = |service: &str, port: Value| json!({ "backend": { "service": { "name": service, "port": port } } });
        let annotation = || json!({ "name": USE_ANNOTATION });
        let other = path("other", json!({ "number": 80 }));
        let to = |service: &str| path(service, annotation());
        let before = json!({ "spec": { "rules": [
            { "host": "none" },
            { "http": { "paths": [to("gone"), other, to("root")] } },
            { "http": { "paths": [other, to("other-root")] } },
            { "http": { "paths": [path("root", json!({ "number": 80 }))] } },
        ] } });
        let mut after = before.clone();
        place(&mut after, "root", &["a", "b"], &["gone".to_owned(), "a".to_owned()].into());
        let mut expected = before.clone();
        expected["spec"]["rules"][1]["http"]["paths"] = json!([other, to("a"), to("b"), to("root")]);
        assert_eq!(after, expected);
        place(&mut after, "root", &[], &["a".to_owned(), "b".to_owned()].into());
        expected["spec"]["rules"][1]["http"]["paths"] = json!([other, to("root")]);
        assert_eq!(after, expected);
    }
}
