//! Requests by Ingresses as load balancers of AWS read them.

use super::{check, objects};

/// An Ingress with these annotations, under their names without the prefix.
fn ingress(annotations: &[(&str, &str)], paths: &[(&str, &str, &str)]) -> String {
    let annotations =
        annotations.iter().map(|(name, value)| format!("    alb.ingress.kubernetes.io/{name}: '{value}'\n"));
    let paths = paths.iter().map(|(path, kind, action)| {
        format!(
            "      - {{path: '{path}', pathType: {kind}, backend: {{service: {{name: {action}, port: {{name: use-annotation}}}}}}}}\n"
        )
    });
    format!(
        "kind: Ingress
metadata:
  name: web
  annotations:
{}spec:
  ingressClassName: alb
  rules:
  - http:
      paths:
{}",
        annotations.collect::<String>(),
        paths.collect::<String>()
    )
}

const NOTHING: &str = r#"{"type":"forward","forwardConfig":{"targetGroups":[]}}"#;
/// As Argo Rollouts writes it.
const IN_CAPITALS: &str = r#"{"Type":"forward","ForwardConfig":{"TargetGroups":[{"ServiceName":"canary","ServicePort":"80","Weight":40},{"ServiceName":"stable","ServicePort":"80","Weight":60}]}}"#;
const FORWARD: &str = r#"{"type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"canary","servicePort":"80","weight":15},{"serviceName":"stable","servicePort":80,"weight":85}]}}"#;
const TO_CANARY: &str =
    r#"{"type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"canary","servicePort":"80"}]}}"#;

#[test]
fn the_action_of_a_path_splits_its_requests() {
    let root = [("/", "Prefix", "root")];
    for (action, expected) in [
        (FORWARD, "canary 15, stable 85"),
        (TO_CANARY, "canary 100"),
        (IN_CAPITALS, "canary 40, stable 60"),
        (NOTHING, "500 100"),
        (r#"{"type":"fixed-response","fixedResponseConfig":{"statusCode":"404"}}"#, "404 100"),
        (r#"{"type":"redirect"}"#, "501 100"),
        ("{", "503 100"),
    ] {
        let objects = objects(&ingress(&[("actions.root", action)], &root));
        check(&objects, &[("GET any.com/x", expected)]);
    }
    check(&objects(&ingress(&[("scheme", "internal")], &root)), &[("GET any.com/x", "503 100")]);
}

#[test]
fn conditions_stand_before_the_path_that_they_are_for() {
    let conditions = r#"[{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"X-Beta","values":["yes","y*s"]}},{"field":"http-request-method","httpRequestMethodConfig":{"values":["GET"]}}]"#;
    let annotations = [("actions.root", FORWARD), ("actions.beta", TO_CANARY), ("conditions.beta", conditions)];
    let objects = objects(&ingress(&annotations, &[("/", "Prefix", "beta"), ("/", "Prefix", "root")]));
    check(
        &objects,
        &[
            ("GET any.com/", "canary 15, stable 85"),
            ("GET any.com/ | x-beta: YES", "canary 100"),
            ("GET any.com/ | x-beta: yeahs", "canary 100"),
            ("GET any.com/ | x-beta: no", "canary 15, stable 85"),
            ("POST any.com/ | x-beta: yes", "canary 15, stable 85"),
        ],
    );
}

#[test]
fn every_field_of_a_condition_has_its_own_words() {
    for (condition, hit, miss) in [
        (r#"{"field":"host-header","hostHeaderConfig":{"values":["*.a.com"]}}"#, "GET x.y.a.com/", "GET a.org/"),
        (
            r#"{"field":"query-string","queryStringConfig":{"values":[{"key":"b","value":"Y*"}]}}"#,
            "GET a/?b=yo",
            "GET a/",
        ),
        (
            r#"{"field":"query-string","queryStringConfig":{"values":[{"value":"yes"}]}}"#,
            "GET a/?any=Yes",
            "GET a/?b=y",
        ),
        (
            r#"{"field":"query-string","queryStringConfig":{"values":[{"key":"b","value":"yes"}]}}"#,
            "GET a/?b=no&B=yes",
            "GET a/?c=yes",
        ),
        (r#"{"field":"source-ip","sourceIpConfig":{"values":["10.0.0.0/8"]}}"#, "", "GET a/"),
        ("12", "", "GET a/"),
    ] {
        let conditions = format!("[{condition}]");
        let annotations = [("actions.root", FORWARD), ("actions.beta", TO_CANARY), ("conditions.beta", &*conditions)];
        let objects = objects(&ingress(
            &annotations,
            &[("/*", "ImplementationSpecific", "beta"), ("/*", "ImplementationSpecific", "root")],
        ));
        check(&objects, &[(miss, "canary 15, stable 85")]);
        if !hit.is_empty() {
            check(&objects, &[(hit, "canary 100")]);
        }
    }
}

#[test]
fn a_path_without_an_action_is_plain() {
    let plain = "
kind: Ingress
metadata: {name: web, annotations: {kubernetes.io/ingress.class: alb}}
spec:
  rules:
  - host: a.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
";
    check(&objects(plain), &[("GET a.com/x", "web 100"), ("GET b.com/x", "nobody 100")]);
}

#[test]
fn hosts_and_paths_of_conditions_are_others_beside_those_of_the_rule() {
    let ingress = r#"
kind: Ingress
metadata:
  name: web
  annotations:
    alb.ingress.kubernetes.io/conditions.hosts: '[{"field":"host-header","hostHeaderConfig":{"values":["b.com"]}}]'
    alb.ingress.kubernetes.io/conditions.paths: '[{"field":"path-pattern","pathPatternConfig":{"values":["/v?"]}}]'
spec:
  ingressClassName: alb
  rules:
  - host: a.com
    http:
      paths:
      - {path: /x, pathType: Prefix, backend: {service: {name: hosts, port: {number: 80}}}}
      - {path: /y, pathType: Exact, backend: {service: {name: paths, port: {number: 80}}}}
"#;
    check(
        &objects(ingress),
        &[
            ("GET a.com/x", "hosts 100"),
            ("GET b.com/x/1", "hosts 100"),
            ("GET b.com/y", "404 100"),
            ("GET a.com/y", "paths 100"),
            ("GET a.com/v1", "paths 100"),
            ("GET a.com/v12", "404 100"),
            ("GET c.com/x", "nobody 100"),
        ],
    );
}

#[test]
fn the_rules_of_all_hosts_are_one_list_in_the_order_of_the_groups() {
    let ingress = |name: &str, order: &str, rules: &str| {
        format!(
            "
---
kind: Ingress
metadata: {{name: {name}, annotations: {{alb.ingress.kubernetes.io/group.order: '{order}'}}}}
spec:
  ingressClassName: alb
  defaultBackend: {{service: {{name: default, port: {{number: 80}}}}}}
  rules:
{rules}
"
        )
    };
    let path = |path: &str, service: &str| {
        format!("{{path: {path}, pathType: Prefix, backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}")
    };
    let first = format!(
        "  - http: {{paths: [{}]}}\n  - host: '*.a.com'\n    http: {{paths: [{}, {}]}}",
        path("/any", "any"),
        path("/any", "never"),
        path("/a", "deep")
    );
    let second = format!("  - host: x.a.com\n    http: {{paths: [{}, {}]}}", path("/a", "never"), path("/own", "own"));
    let both = ingress("a", "2", &second) + &ingress("b", "1", &first);
    check(
        &objects(&both),
        &[
            ("GET x.a.com/any", "any 100"),
            ("GET x.a.com/a", "deep 100"),
            ("GET y.x.a.com/a", "deep 100"),
            ("GET x.a.com/own", "own 100"),
            ("GET x.a.com/else", "default 100"),
            ("GET b.com/else", "default 100"),
        ],
    );
}
