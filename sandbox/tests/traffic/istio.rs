//! Requests by `VirtualService`s and `DestinationRule`s.

use super::{check, objects};

fn with(spec: &str) -> String {
    format!("kind: VirtualService\nmetadata: {{name: web}}\nspec:\n{spec}\n")
}

#[test]
fn weights_split_the_requests_for_a_host_of_the_mesh_by_all_its_names() {
    let objects = objects(&with(
        "  hosts: [web, shop.example.com]
  http:
  - route:
    - {destination: {host: stable}, weight: 75}
    - {destination: {host: canary.shop.svc.cluster.local, port: {number: 80}}, weight: 25}
    - {destination: {host: idle}}",
    ));
    let split = "canary 25, stable 75";
    check(
        &objects,
        &[
            ("GET web/", split),
            ("GET web.shop/", split),
            ("GET web.shop.svc.cluster.local/", split),
            ("GET shop.example.com/", split),
            ("GET web.mesh/", "nobody 100"),
            ("GET other/", "nobody 100"),
        ],
    );
}

#[test]
fn subsets_are_those_of_the_destination_rule() {
    let rule = "
---
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  subsets: [{name: stable, labels: {hash: aaa}}, {name: canary, labels: {hash: bbb}}]
";
    let spec = "  hosts: [web]
  http:
  - match: [{uri: {prefix: /gone}}]
    route: [{destination: {host: web, subset: gone}}]
  - match: [{uri: {prefix: /out}}]
    route: [{destination: {host: www.example.com}}]
  - route:
    - {destination: {host: web, subset: stable}, weight: 90}
    - {destination: {host: web, subset: canary}, weight: 10}";
    let objects = objects(&(with(spec) + rule));
    check(&objects, &[("GET web/", "web@aaa 90, web@bbb 10"), ("GET web/gone", "503 100"), ("GET web/out", "503 100")]);
}

#[test]
fn the_first_route_that_holds_counts() {
    let spec = r#"  hosts: ["*.example.com"]
  http:
  - match:
    - {headers: {x-beta: {exact: "yes"}}, uri: {prefix: /}}
    - {headers: {x-any: {}}}
    - {queryParams: {Beta: {regex: "y.*"}}}
    - {uri: {exact: /CART}, ignoreUriCase: true}
    route: [{destination: {host: canary}}]
  - match: [{method: {exact: POST}, withoutHeaders: {x-safe: {}}}]
    route: [{destination: {host: careful}}]
  - match: [{sourceLabels: {app: x}}]
    route: [{destination: {host: inner}}]
  - match: [{authority: {exact: b.example.com}}]
    directResponse: {status: 418, body: {string: tea}}
  - match: [{uri: {prefix: /away}}]
    redirect: {uri: /}
  - {route: [{destination: {host: stable}, weight: 0}], mirror: {host: copy}, mirrorPercentage: {value: 10}}
"#;
    let stable = "stable 100, copy to copy 10";
    check(
        &objects(&with(spec)),
        &[
            ("GET a.example.com/", stable),
            ("GET a.example.com/ | X-Beta: yes", "canary 100"),
            ("GET a.example.com/ | X-Beta: no", stable),
            ("GET a.example.com/ | x-any: 1", "canary 100"),
            ("GET a.example.com/?Beta=yo", "canary 100"),
            ("GET a.example.com/?beta=yo", stable),
            ("GET a.example.com/Cart", "canary 100"),
            ("POST a.example.com/", "careful 100"),
            ("POST a.example.com/ | x-safe: 1", stable),
            ("GET b.example.com/", "418 100"),
            ("GET a.example.com/away", "501 100"),
            ("GET example.com/", "nobody 100"),
        ],
    );
}

#[test]
fn what_is_not_understood_matches_nothing_and_breaks_nothing() {
    let spec = r#"  hosts: [web, 7, "", "*"]
  http:
  - match: [{uri: {regex: "("}}]
    route: [{destination: {host: never}}]
  - match: [{uri: 7, headers: [1]}]
    route: [{destination: {host: canary}}]
  - {}
  - 12
"#;
    check(&objects(&with(spec)), &[("GET web/", "canary 100"), ("GET x/", "canary 100")]);
}

#[test]
fn a_scheme_that_requests_here_do_not_have_matches_none() {
    let spec = "  hosts: [web]
  http:
  - match: [{scheme: {prefix: https}}, {scheme: {regex: 'https|ftp'}}]
    route: [{destination: {host: canary}}]
  - match: [{scheme: {exact: http}}]
    route: [{destination: {host: stable}}]";
    check(&objects(&with(spec)), &[("GET web/", "stable 100")]);
}
