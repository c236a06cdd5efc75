//! Requests by Ingresses as ingress-nginx reads them.

use super::{check, objects};

/// An Ingress and its canary with these annotations.
fn canary(annotations: &str) -> String {
    format!(
        "
kind: Ingress
metadata: {{name: web}}
spec:
  ingressClassName: nginx
  rules:
  - host: a.com
    http:
      paths:
      - {{path: /, pathType: Prefix, backend: {{service: {{name: stable, port: {{number: 80}}}}}}}}
      - {{path: /static, pathType: Prefix, backend: {{service: {{name: assets, port: {{name: http}}}}}}}}
---
kind: Ingress
metadata:
  name: web-canary
  annotations: {{nginx.ingress.kubernetes.io/canary: 'true', {annotations}}}
spec:
  ingressClassName: nginx
  rules:
  - host: a.com
    http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: canary, port: {{number: 80}}}}}}}}]}}
"
    )
}

fn key(name: &str, value: &str) -> String {
    format!("nginx.ingress.kubernetes.io/{name}: '{value}'")
}

#[test]
fn the_weight_of_the_canary_is_out_of_a_hundred_or_of_more() {
    for (annotations, expected) in [
        (key("canary-weight", "20"), "canary 20, stable 80"),
        (format!("{}, {}", key("canary-weight", "20"), key("canary-weight-total", "1000")), "canary 2, stable 98"),
        (format!("{}, {}", key("canary-weight", "20"), key("canary-weight-total", "50")), "canary 20, stable 80"),
        (key("canary-weight", "200"), "canary 100"),
        (key("canary-weight", "many"), "stable 100"),
        (key("other", "x"), "stable 100"),
    ] {
        let cases = [("GET a.com/", expected), ("GET a.com/static/x", "assets 100"), ("GET b.com/", "nobody 100")];
        check(&objects(&canary(&annotations)), &cases);
    }
}

#[test]
fn a_header_goes_before_a_cookie_and_that_before_the_weight() {
    let both = [key("canary-by-header", "X-Canary"), key("canary-by-cookie", "canary"), key("canary-weight", "50")];
    check(
        &objects(&canary(&both.join(", "))),
        &[
            ("GET a.com/", "canary 50, stable 50"),
            ("GET a.com/ | x-canary: always", "canary 100"),
            ("GET a.com/ | x-canary: never | cookie: canary=always", "stable 100"),
            ("GET a.com/ | x-canary: perhaps | cookie: a=1; canary=always", "canary 100"),
            ("GET a.com/ | cookie: canary=never", "stable 100"),
            ("GET a.com/ | cookie: canary=perhaps", "canary 50, stable 50"),
            ("GET a.com/static | x-canary: always", "assets 100"),
        ],
    );
    for (by, hit) in [("canary-by-header-value", "yes"), ("canary-by-header-pattern", "^y|s$")] {
        let annotations = format!("{}, {}", key("canary-by-header", "X-Canary"), key(by, hit));
        check(
            &objects(&canary(&annotations)),
            &[
                ("GET a.com/ | x-canary: yes", "canary 100"),
                ("GET a.com/ | x-canary: always", if by.ends_with("value") { "stable 100" } else { "canary 100" }),
                ("GET a.com/ | x-canary: no", "stable 100"),
            ],
        );
    }
}

#[test]
fn paths_and_hosts_are_as_their_types_say() {
    let ingress = "
kind: Ingress
metadata: {name: web}
spec:
  defaultBackend: {service: {name: default, port: {number: 80}}}
  rules:
  - host: '*.a.com'
    http:
      paths:
      - {path: /x, pathType: Prefix, backend: {service: {name: prefix, port: {number: 80}}}}
      - {path: /x, pathType: Exact, backend: {service: {name: exact, port: {number: 80}}}}
      - {path: /x/long, pathType: Prefix, backend: {service: {name: longer, port: {number: 80}}}}
      - {path: /loose, pathType: ImplementationSpecific, backend: {service: {name: loose, port: {number: 80}}}}
      - {path: /bucket, pathType: Prefix, backend: {resource: {kind: Bucket, name: b}}}
---
kind: Ingress
metadata: {name: patterns, annotations: {nginx.ingress.kubernetes.io/use-regex: 'true'}}
spec:
  rules:
  - host: b.com
    http:
      paths: [{path: '/v[0-9]+', pathType: ImplementationSpecific, backend: {service: {name: versions}}}]
";
    check(
        &objects(ingress),
        &[
            ("GET s.a.com/x", "exact 100"),
            ("GET s.a.com/x/y", "prefix 100"),
            ("GET s.a.com/xy", "default 100"),
            ("GET s.a.com/x/long/y", "longer 100"),
            ("GET s.a.com/looser", "loose 100"),
            ("GET s.a.com/bucket", "503 100"),
            ("GET t.s.a.com/x", "default 100"),
            ("GET c.com/x", "default 100"),
            ("GET b.com/V12/x", "versions 100"),
            ("GET b.com/x/v12", "404 100"),
        ],
    );
}

#[test]
fn a_canary_is_one_by_every_word_for_true() {
    for (word, expected) in [("True", "canary 20, stable 80"), ("1", "canary 20, stable 80"), ("yes", "stable 100")] {
        let both = canary(&key("canary-weight", "20")).replace("canary: 'true'", &format!("canary: '{word}'"));
        check(&objects(&both), &[("GET a.com/", expected)]);
    }
}
