//! Which backends of a route are Services of a rollout: those of its namespace. One that names no namespace is of the route's own.

use serde_json::Value;

use super::super::routers::Client;

/// The namespace of a rollout's Services, and that of a route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Home<'a> {
    services: &'a str,
    route: &'a str,
}

impl<'a> Home<'a> {
    pub(super) fn of(route: &'a Value, client: &'a Client) -> Home<'a> {
        let services = client.namespace.as_str();
        Home { services, route: route["metadata"]["namespace"].as_str().unwrap_or(services) }
    }

    /// Whether a backend is the rollout's Service of this name.
    pub(super) fn is(self, backend: &Value, service: &str) -> bool {
        let is = |field: &str, default: &str| backend[field].as_str().unwrap_or(default) == default;
        let named = backend["name"] == service && !service.is_empty();
        named && is("kind", "Service") && is("group", "") && self.has(backend)
    }

    /// Whether a rule leads nowhere but to namespaces of others.
    pub(super) fn is_foreign(self, rule: &Value) -> bool {
        let backends = rule["backendRefs"].as_array().map(Vec::as_slice).unwrap_or_default();
        !backends.is_empty() && !backends.iter().any(|backend| self.has(backend))
    }

    /// The namespace as a part of a sentence, where it is not the route's own.
    pub(super) fn named(self) -> String {
        if self.services == self.route { String::new() } else { format!(" of the namespace {:?}", self.services) }
    }

    fn has(self, backend: &Value) -> bool {
        backend["namespace"].as_str().unwrap_or(self.route) == self.services
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_backend_is_the_service_of_its_name_in_the_namespace_of_the_rollout() {
        let client = Client { namespace: "shop".into(), ..Client::default() };
        for (route, backend, is) in [
            (json!({"namespace": "shop"}), json!({"name": "web"}), true),
            (json!({}), json!({"name": "web"}), true),
            (json!({"namespace": "shop"}), json!({"name": "web", "namespace": "blog"}), false),
            (json!({"namespace": "edge"}), json!({"name": "web"}), false),
            (json!({"namespace": "edge"}), json!({"name": "web", "namespace": "shop", "kind": "Service"}), true),
            (json!({"namespace": "shop"}), json!({"name": "web", "kind": "Bucket"}), false),
            (json!({"namespace": "shop"}), json!({"name": "web", "group": "example.com"}), false),
            (json!({"namespace": "shop"}), json!({"name": "api"}), false),
        ] {
            let route = json!({ "metadata": route });
            assert_eq!(Home::of(&route, &client).is(&backend, "web"), is, "{route} {backend}");
        }
    }
}
