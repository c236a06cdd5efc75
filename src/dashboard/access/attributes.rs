//! What a request to the API server asks for, in the words of its roles: a pure reading of method, path, query and headers.
//!
//! It stands between a person and the process's own rights, so what it cannot read for certain is refused, and so is what would lead
//! past the next question: roles, reviews, tokens, other people's names, and connections into pods.

use http::{HeaderMap, Method, Uri, header};

use super::review::Asked;

/// Groups of kinds that no page shows and that decide who may do what.
const CLOSED: [&str; 4] =
    ["authentication.k8s.io", "authorization.k8s.io", "rbac.authorization.k8s.io", "certificates.k8s.io"];
/// Subresources that hand out rights, or a connection past the API server.
const CLOSED_PARTS: [&str; 7] = ["token", "proxy", "exec", "attach", "portforward", "ephemeralcontainers", "approval"];

/// What a request needs.
#[derive(Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: the names of kinds, which everybody whom a cluster knows may read.
    Nothing,
    /// All of these.
    All(Vec<Asked>),
}

/// What a request needs; `None` for one that is not let through whatever somebody may do.
pub fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Need> {
    if headers.keys().any(|name| name.as_str().starts_with("impersonate-")) || headers.contains_key(header::UPGRADE) {
        return None;
    }
    let parts: Vec<&str> = uri.path().strip_prefix('/')?.split('/').collect();
    let is_plain = |part: &&str| {
        let is_safe = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        !part.is_empty() && part.chars().all(is_safe) && ![".", ".."].contains(part)
    };
    if !parts.iter().all(is_plain) {
        return None;
    }
    let (group, rest) = match parts.as_slice() {
        ["api" | "apis"] | ["apis", _] | ["api", "v1"] | ["apis", _, _] => {
            return (method == Method::GET).then_some(Need::Nothing);
        }
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        _ => return None,
    };
    let (namespace, resource, name, part) = place(rest)?;
    let is_closed = CLOSED.contains(&group) || CLOSED_PARTS.contains(&part) || resource == "watch";
    if is_closed || (group.is_empty() && resource == "namespaces" && part == "finalize") {
        return None;
    }
    let asked = |verb: &'static str| Asked {
        verb,
        group: group.to_owned(),
        resource: resource.to_owned(),
        subresource: part.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    let verbs = verbs(method, uri.query().unwrap_or_default(), headers, !name.is_empty())?;
    Some(Need::All(verbs.iter().map(|verb| asked(verb)).collect()))
}

/// Namespace, resource, name and subresource; what there is none of is empty.
fn place<'a>(parts: &[&'a str]) -> Option<(&'a str, &'a str, &'a str, &'a str)> {
    match parts {
        // A namespace is in itself: a role within it can speak of it.
        ["namespaces", name] => Some((name, "namespaces", name, "")),
        ["namespaces", name, part @ ("status" | "finalize")] => Some((name, "namespaces", name, part)),
        ["namespaces", namespace, resource] => Some((namespace, resource, "", "")),
        ["namespaces", namespace, resource, name] => Some((namespace, resource, name, "")),
        ["namespaces", namespace, resource, name, part] => Some((namespace, resource, name, part)),
        [resource] => Some(("", resource, "", "")),
        [resource, name] => Some(("", resource, name, "")),
        [resource, name, part] => Some(("", resource, name, part)),
        _ => None,
    }
}

fn verbs(method: &Method, query: &str, headers: &HeaderMap, is_one: bool) -> Option<&'static [&'static str]> {
    // Whatever is not known to be another kind of patch may be one that creates.
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_applied = !kind.is_some_and(|kind| kind.ends_with("patch+json"));
    Some(match (method.as_str(), is_one) {
        // The API server asks only of lists whether they are to be watched.
        ("GET" | "HEAD", true) => &["get"],
        ("GET" | "HEAD", false) if is_watch(query)? => &["watch"],
        ("GET" | "HEAD", false) => &["list"],
        ("POST", _) => &["create"],
        ("PUT", true) => &["update", "create"],
        ("PATCH", true) if is_applied => &["patch", "create"],
        ("PATCH", true) => &["patch"],
        ("DELETE", true) => &["delete"],
        ("DELETE", false) => &["deletecollection"],
        _ => return None,
    })
}

/// Whether a query has a list watched; `None` where the API server may read it in another way.
fn is_watch(query: &str) -> Option<bool> {
    let mut is_watch = false;
    for pair in query.split('&') {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("watch", "true" | "1") => is_watch = true,
            ("watch", _) => return None,
            (name, _) if name.contains(['%', '+', ';']) => return None,
            _ => {}
        }
    }
    Some(is_watch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(line: &str, kind: &str) -> Option<String> {
        let (method, uri) = line.split_once(' ').expect("a method and a path");
        let kind = (!kind.is_empty()).then(|| (header::CONTENT_TYPE, kind.parse().expect("a value")));
        let need = of(&method.parse().expect("a method"), &uri.parse().expect("a path"), &HeaderMap::from_iter(kind))?;
        let Need::All(all) = need else { return Some("nothing".to_owned()) };
        let text = |it: &Asked| {
            let Asked { verb, group, resource, subresource, namespace, name } = it;
            format!("{verb} {group}/{resource}/{subresource} {namespace}/{name}")
        };
        Some(all.iter().map(text).collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn a_request_is_what_the_api_server_takes_it_for() {
        let rollouts = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts";
        for (line, kind, expected) in [
            (format!("GET {rollouts}"), "", "list argoproj.io/rollouts/ shop/"),
            (format!("GET {rollouts}?watch=true"), "", "watch argoproj.io/rollouts/ shop/"),
            (format!("GET {rollouts}?limit=5&watch=1"), "", "watch argoproj.io/rollouts/ shop/"),
            (format!("GET {rollouts}?labelSelector=a%3Db"), "", "list argoproj.io/rollouts/ shop/"),
            (format!("GET {rollouts}/web"), "", "get argoproj.io/rollouts/ shop/web"),
            (format!("GET {rollouts}/web?watch=true"), "", "get argoproj.io/rollouts/ shop/web"),
            (format!("PATCH {rollouts}/web"), "application/json-patch+json", "patch argoproj.io/rollouts/ shop/web"),
            (
                format!("PATCH {rollouts}/web/status?fieldManager=a"),
                "application/merge-patch+json",
                "patch argoproj.io/rollouts/status shop/web",
            ),
            (
                format!("PATCH {rollouts}/web"),
                "application/apply-patch+yaml",
                "patch argoproj.io/rollouts/ shop/web, create argoproj.io/rollouts/ shop/web",
            ),
            (
                format!("PUT {rollouts}/web"),
                "application/json",
                "update argoproj.io/rollouts/ shop/web, create argoproj.io/rollouts/ shop/web",
            ),
            (format!("DELETE {rollouts}/web"), "", "delete argoproj.io/rollouts/ shop/web"),
            (format!("DELETE {rollouts}"), "", "deletecollection argoproj.io/rollouts/ shop/"),
            ("GET /api/v1/pods".to_owned(), "", "list /pods/ /"),
            ("GET /api/v1/namespaces/shop".to_owned(), "", "get /namespaces/ shop/shop"),
            ("GET /api/v1/namespaces".to_owned(), "", "list /namespaces/ /"),
            ("POST /api/v1/namespaces/shop/pods/web/eviction".to_owned(), "", "create /pods/eviction shop/web"),
            ("GET /apis/apps/v1".to_owned(), "", "nothing"),
        ] {
            assert_eq!(needs(&line, kind).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_gives_rights_is_refused() {
        let of_roles = "/apis/rbac.authorization.k8s.io/v1";
        for line in [
            format!("POST {of_roles}/clusterrolebindings"),
            format!("GET {of_roles}/namespaces/shop/roles"),
            "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_owned(),
            "POST /apis/authorization.k8s.io/v1/subjectaccessreviews".to_owned(),
            "POST /apis/authentication.k8s.io/v1/selfsubjectreviews".to_owned(),
            "POST /api/v1/namespaces/shop/serviceaccounts/web/token".to_owned(),
            "GET /api/v1/namespaces/shop/services/web/proxy".to_owned(),
            "GET /api/v1/namespaces/shop/services/web/proxy/admin".to_owned(),
            "POST /api/v1/namespaces/shop/pods/web/exec".to_owned(),
            "GET /api/v1/watch/pods".to_owned(),
            "GET /api/v1/watch/namespaces/shop/secrets".to_owned(),
            "GET /api/v1/namespaces/shop/secrets/..".to_owned(),
            "GET /api/v1/namespaces/shop/pods/a%2fb".to_owned(),
            "GET /api/v1//pods".to_owned(),
            "GET /api/v1/pods/".to_owned(),
            "GET /api/v1/pods?watch=false".to_owned(),
            "GET /api/v1/pods?watch".to_owned(),
            "GET /api/v1/pods?w%61tch=true".to_owned(),
            "GET /metrics".to_owned(),
            "GET /api/v2/pods".to_owned(),
            "POST /apis/apps/v1".to_owned(),
            "OPTIONS /api/v1/pods".to_owned(),
            "PATCH /api/v1/pods".to_owned(),
        ] {
            assert_eq!(needs(&line, ""), None, "{line}");
        }
        let as_somebody =
            HeaderMap::from_iter([("impersonate-user".parse().expect("a name"), "x".parse().expect("x"))]);
        assert_eq!(of(&Method::GET, &"/api/v1/pods".parse().expect("a path"), &as_somebody), None);
    }
}
