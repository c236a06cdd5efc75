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
        (r#"{"field":"host-header","hostHeaderConfig":{"values":["*.a.com"]}}"#, "GET x.a.com/", "GET a.org/"),
        (r#"{"field":"path-pattern","pathPatternConfig":{"values":["/v?"]}}"#, "GET a.com/v1", "GET a.com/v12"),
        (
            r#"{"field":"query-string","queryStringConfig":{"values":[{"key":"b","value":"Y*"}]}}"#,
            "GET a/?b=yo",
            "GET a/",
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
