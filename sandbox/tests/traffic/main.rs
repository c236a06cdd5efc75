//! Where requests go by the objects of each router: manifests, and tables of requests with what becomes of them.

mod alb;
mod gateway_api;
mod istio;
mod nginx;
mod status;

use std::collections::BTreeMap;

use serde_json::Value;
use sluice_sandbox::traffic::objects::Objects;
use sluice_sandbox::traffic::request::Request;
use sluice_sandbox::traffic::table::{Destination, Port, Verdict, lot};
use sluice_sandbox::traffic::{endpoints, table};

/// Requests of which shares are told.
const MANY: u64 = 2000;

/// The objects of several documents, each in the namespace `shop` unless it says otherwise.
fn objects(documents: &str) -> Objects {
    let read = |document: &str| {
        let mut object: Value = serde_saphyr::from_str(document).expect("YAML");
        let metadata = object["metadata"].as_object_mut().expect("metadata");
        metadata.entry("namespace").or_insert_with(|| "shop".into());
        if object["kind"] == "GatewayClass" {
            object["metadata"].as_object_mut().expect("metadata").remove("namespace");
        }
        object
    };
    Objects::these(documents.split("---\n").filter(|document| !document.trim().is_empty()).map(read))
}

/// What becomes of many such requests: the share of each destination in percent, with what its answers get; and who gets copies, in
/// steps of five percent.
fn shares(objects: &Objects, request: &Request) -> String {
    let table = table(objects);
    let (mut counts, mut copies) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, u64>::new());
    for nth in 0..MANY {
        let answer = match table.decide(request, lot(nth)) {
            None => "nobody".to_owned(),
            Some(Verdict::Answer(fixed)) => fixed.status.to_string(),
            Some(Verdict::Send { to, marks, copies: to_copy }) => {
                for copy in to_copy {
                    *copies.entry(format!("copy to {}", copy.service)).or_default() += 1;
                }
                let labels: Vec<String> = to.labels.values().map(|value| format!("@{value}")).collect();
                let marks: Vec<String> = marks.iter().map(|(name, value)| format!(" +{name}: {value}")).collect();
                let away = if to.namespace == "shop" { String::new() } else { format!(".{}", to.namespace) };
                format!("{}{away}{}{}", to.service, labels.concat(), marks.concat())
            }
        };
        *counts.entry(answer).or_default() += 1;
    }
    let percent = |count: u64, step: f64| (count as f64 * 100.0 / MANY as f64 / step).round() * step;
    let told = counts.into_iter().map(|(to, count)| format!("{to} {:.0}", percent(count, 1.0)));
    let told = told.chain(copies.into_iter().map(|(to, count)| format!("{to} {:.0}", percent(count, 5.0))));
    told.collect::<Vec<_>>().join(", ")
}

/// Tries a table: `METHOD HOST/PATH`, headers as `name: value` behind ` | `, and what is to come of it.
fn check(objects: &Objects, cases: &[(&str, &str)]) {
    for (asked, expected) in cases {
        let mut parts = asked.split(" | ");
        let (method, target) = parts.next().and_then(|line| line.split_once(' ')).expect("METHOD HOST/PATH");
        let (host, path) = target.split_at(target.find('/').expect("a path"));
        let with = |request: Request, header: &str| {
            let (name, value) = header.split_once(": ").expect("a header");
            request.with(name, value)
        };
        let request = parts.fold(Request::new(method, host, path), with);
        assert_eq!(shares(objects, &request), *expected, "{asked}");
    }
}

#[test]
fn a_service_has_the_ready_addresses_of_its_slices_by_the_name_of_the_port() {
    let objects = objects(
        "
kind: Service
metadata: {name: web}
spec: {ports: [{name: http, port: 80}, {name: admin, port: 81}]}
---
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
ports: [{name: admin, port: 9090}, {name: http, port: 8080}]
endpoints:
- {addresses: [10.0.0.1], conditions: {ready: true}, targetRef: {name: one}}
- {addresses: [10.0.0.2], conditions: {ready: false}, targetRef: {name: two}}
- {addresses: [10.0.0.3], targetRef: {name: three}}
---
kind: EndpointSlice
metadata: {name: other-1, labels: {kubernetes.io/service-name: other}}
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.0.0.9]}]
---
kind: Pod
metadata: {name: one, labels: {version: a}}
---
kind: Pod
metadata: {name: three, labels: {version: b}}
",
    );
    let at = |port: Port, labels: &[(&str, &str)]| {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let to = Destination { namespace: "shop".into(), service: "web".into(), port, labels };
        let found = endpoints::ready(&objects, &to)?;
        Ok::<_, String>(
            found.into_iter().map(|(address, port)| format!("{address}:{port}")).collect::<Vec<_>>().join(" "),
        )
    };
    assert_eq!(at(Port::Number(80), &[]).expect("there"), "10.0.0.1:8080 10.0.0.3:8080");
    assert_eq!(at(Port::Name("admin".into()), &[]).expect("there"), "10.0.0.1:9090 10.0.0.3:9090");
    assert_eq!(at(Port::Only, &[("version", "b")]).expect("there"), "10.0.0.3:8080");
    assert!(at(Port::Number(82), &[]).expect_err("none").contains("has no port"));
    let to = Destination { namespace: "shop".into(), service: "x".into(), port: Port::Only, labels: BTreeMap::new() };
    assert_eq!(
        endpoints::ready(&objects, &to).expect_err("none"),
        "there is no Service \"x\" in the namespace \"shop\""
    );
}
