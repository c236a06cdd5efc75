//! Requests by `HTTPRoute`s.

use super::{check, objects};

const GATEWAY: &str = "
kind: GatewayClass
metadata: {name: edge}
spec: {controllerName: example.com/edge}
---
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: edge, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
kind: Service
metadata: {name: stable}
---
kind: Service
metadata: {name: canary}
---
kind: Service
metadata: {name: far, namespace: mesh}
---
";

/// The rules of a route for one host.
fn with(rules: &str) -> String {
    format!(
        "{GATEWAY}
kind: HTTPRoute
metadata: {{name: web}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [a.com]
  rules:
{rules}
"
    )
}

#[test]
fn weights_split_the_requests_of_a_host() {
    let objects =
        objects(&with("  - backendRefs: [{name: stable, port: 80, weight: 80}, {name: canary, port: 80, weight: 20}]"));
    check(
        &objects,
        &[
            ("GET a.com/", "canary 20, stable 80"),
            ("POST A.com:8080/deep/down?x=1", "canary 20, stable 80"),
            ("GET b.com/", "nobody 100"),
        ],
    );
}

#[test]
fn weights_that_are_not_there_are_one_and_without_any_nobody_answers() {
    let one = objects(&with("  - backendRefs: [{name: stable}, {name: canary}]"));
    check(&one, &[("GET a.com/", "canary 50, stable 50")]);
    let none = objects(&with("  - backendRefs: [{name: stable, weight: 0}, {name: canary, weight: 0}]"));
    check(&none, &[("GET a.com/", "500 100")]);
    check(&objects(&with("  - {}")), &[("GET a.com/", "500 100")]);
}

#[test]
fn the_better_match_counts_wherever_it_stands() {
    let rules = r#"
  - backendRefs: [{name: stable}]
  - matches:
    - {path: {type: Exact, value: /cart}}
    - {path: {value: /carts}, method: POST}
    - {headers: [{name: X-Beta, value: "yes"}]}
    - {queryParams: [{name: beta, type: RegularExpression, value: "y|yes"}]}
    - {path: {type: RegularExpression, value: "/v[0-9]+"}}
    backendRefs: [{name: canary}]
  - matches: [{headers: [{name: X-Beta, value: "yes"}, {name: X-Not, value: "1"}]}]
    backendRefs: [{name: stable}]
"#;
    check(
        &objects(&with(rules)),
        &[
            ("GET a.com/", "stable 100"),
            ("GET a.com/cart", "canary 100"),
            ("GET a.com/cart/", "stable 100"),
            ("GET a.com/carts/1", "stable 100"),
            ("POST a.com/carts/1", "canary 100"),
            ("POST a.com/cartss", "stable 100"),
            ("GET a.com/ | x-beta: yes", "canary 100"),
            ("GET a.com/ | x-beta: YES", "stable 100"),
            ("GET a.com/ | x-beta: yes | x-not: 1", "stable 100"),
            ("GET a.com/?beta=yes", "canary 100"),
            ("GET a.com/?beta=yess", "stable 100"),
            ("GET a.com/v12", "canary 100"),
            ("GET a.com/v12/x", "stable 100"),
        ],
    );
}

#[test]
fn copies_cookies_and_what_is_not_known_are_as_the_rule_says() {
    let rules = "
  - filters: [{type: RequestMirror, requestMirror: {backendRef: {name: canary}, percent: 25}}]
    backendRefs: [{name: stable}]
  - matches: [{path: {value: /cookie}}]
    backendRefs:
    - name: canary
      filters:
      - {type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: Set-Cookie, value: v=2}]}}
  - matches: [{path: {value: /away}}]
    filters: [{type: RequestRedirect}]
";
    check(
        &objects(&with(rules)),
        &[
            ("GET a.com/", "stable 100, copy to canary 25"),
            ("GET a.com/cookie", "canary +Set-Cookie: v=2 100"),
            ("GET a.com/away", "501 100"),
        ],
    );
}

#[test]
fn a_backend_that_is_none_answers_for_its_share() {
    let rules = "  - backendRefs: [{name: stable, weight: 3}, {name: gone, weight: 1}]
  - {matches: [{path: {value: /far}}], backendRefs: [{name: far, namespace: mesh}]}
  - {matches: [{path: {value: /odd}}], backendRefs: [{name: stable, kind: Bucket, group: example.com}]}";
    let cases = [("GET a.com/", "500 25, stable 75"), ("GET a.com/far", "500 100"), ("GET a.com/odd", "500 100")];
    check(&objects(&with(rules)), &cases);
    let grant = "
---
kind: ReferenceGrant
metadata: {name: shop, namespace: mesh}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}]
  to: [{group: '', kind: Service}]
";
    check(&objects(&(with(rules) + grant)), &[("GET a.com/far", "far.mesh 100")]);
}

#[test]
fn a_route_counts_where_a_gateway_takes_it() {
    let route = |parent: &str, hosts: &str| {
        format!(
            "
---
kind: HTTPRoute
metadata: {{name: web}}
spec: {{parentRefs: [{parent}], hostnames: [{hosts}], rules: [{{backendRefs: [{{name: stable}}]}}]}}
"
        )
    };
    let gateway = "
---
kind: Gateway
metadata: {name: many, namespace: mesh}
spec:
  gatewayClassName: edge
  listeners:
  - {name: open, port: 80, protocol: HTTP, hostname: '*.a.com', allowedRoutes: {namespaces: {from: All}}}
  - {name: own, port: 81, protocol: HTTP}
  - {name: tcp, port: 82, protocol: TCP, allowedRoutes: {namespaces: {from: All}}}
";
    for (parent, hosts, host, expected) in [
        ("{name: edge}", "", "anything", "stable 100"),
        ("{name: missing}", "a.com", "a.com", "nobody 100"),
        ("{name: edge, kind: Service, group: ''}", "a.com", "a.com", "nobody 100"),
        ("{name: many, namespace: mesh}", "x.a.com", "x.a.com", "stable 100"),
        ("{name: many, namespace: mesh}", "", "x.y.a.com", "stable 100"),
        ("{name: many, namespace: mesh}", "b.com", "b.com", "nobody 100"),
        ("{name: many, namespace: mesh, sectionName: own}", "b.com", "b.com", "nobody 100"),
        ("{name: many, namespace: mesh, sectionName: tcp}", "b.com", "b.com", "nobody 100"),
        ("{name: edge, port: 81}", "a.com", "a.com", "nobody 100"),
    ] {
        let objects = objects(&format!("{GATEWAY}{gateway}{}", route(parent, hosts)));
        check(&objects, &[(&format!("GET {host}/"), expected)]);
    }
}

#[test]
fn of_headers_and_parameters_with_the_same_name_the_first_one_counts() {
    let rules = r#"
  - backendRefs: [{name: stable}]
  - matches: [{headers: [{name: X-Beta, value: "yes"}, {name: x-beta, value: "no"}]}]
    backendRefs: [{name: canary}]
"#;
    let cases = [("GET a.com/ | x-beta: yes", "canary 100"), ("GET a.com/ | x-beta: no", "stable 100")];
    check(&objects(&with(rules)), &cases);
}

#[test]
fn a_slash_at_the_end_of_a_prefix_makes_it_no_longer() {
    let rules = "
  - {matches: [{path: {value: /cart/}}], backendRefs: [{name: stable}]}
  - {matches: [{path: {value: /cart}, method: POST}], backendRefs: [{name: canary}]}";
    check(&objects(&with(rules)), &[("POST a.com/cart/1", "canary 100"), ("GET a.com/cart/1", "stable 100")]);
}

#[test]
fn a_backend_whose_filter_is_not_known_says_so() {
    let rules = "
  - backendRefs: [{name: stable, weight: 3}, {name: canary, filters: [{type: RequestRedirect}]}]";
    check(&objects(&with(rules)), &[("GET a.com/", "501 25, stable 75")]);
}
