//! Ingresses as ingress-nginx reads them, with the annotations of canaries.

use std::cmp::Reverse;

use serde_json::Value;

use super::condition::{Condition, Text};
use super::ingress::{self, Path, Rank};
use super::table::{Backend, Rule, Share, Site};
use crate::object;

/// What weights are out of, unless more is asked for.
const TOTAL: u64 = 100;
/// What comes behind every path.
const LAST: Rank = (u8::MAX, Reverse(0));

/// The sites of these Ingresses. A canary Ingress has no paths of its own: each is an alternative to the same path of another
/// Ingress.
pub fn sites(ingresses: &[&Value]) -> Vec<Site> {
    let (canaries, others): (Vec<&Value>, Vec<&Value>) =
        ingresses.iter().partition(|ingress| annotation(ingress, "canary").is_some_and(is_true));
    let canaries = ingress::paths(&canaries);
    let mut rules = Vec::new();
    let paths = ingress::paths(&others);
    for path in paths.iter().filter(|path| path.rule.is_some()) {
        // Behind all paths of a host.
        let Some(backend) = ingress::default_backend(path.ingress) else { continue };
        rules.push((path.host.to_owned(), LAST, Rule::to(Vec::new(), ingress::service(path.ingress, backend))));
    }
    for path in paths {
        let alternative = canaries.iter().find(|canary| {
            (canary.host, canary.path, canary.kind) == (path.host, path.path, path.kind)
                && object::namespace(canary.ingress) == object::namespace(path.ingress)
                && canary.backend["service"]["name"] != path.backend["service"]["name"]
        });
        let (rank, condition) = condition(&path);
        for rule in split(&path, alternative, &condition) {
            rules.push((path.host.to_owned(), rank, rule));
        }
    }
    ingress::by_host(rules)
}

fn annotation<'a>(ingress: &'a Value, name: &str) -> Option<&'a str> {
    object::annotation(ingress, &format!("nginx.ingress.kubernetes.io/{name}")).filter(|value| !value.is_empty())
}

/// Whether a text is `true` as Go reads it.
fn is_true(text: &str) -> bool {
    ["1", "t", "T", "true", "TRUE", "True"].contains(&text)
}

/// Exact paths first, then the longest.
fn condition(path: &Path<'_>) -> (Rank, Condition) {
    let length = Reverse(path.path.len());
    if annotation(path.ingress, "use-regex").is_some_and(is_true) && path.kind == "ImplementationSpecific" {
        return ((1, length), ingress::on_path(Text::regex_from_start(path.path)));
    }
    let text = match path.kind {
        "ImplementationSpecific" => Text::Prefix(path.path.to_owned()),
        _ => ingress::plain(path),
    };
    (if path.kind == "Exact" { (0, length) } else { (1, length) }, ingress::on_path(Some(text)))
}

/// The rules of one path: those that a header or a cookie decides, then those by weight.
fn split(path: &Path<'_>, canary: Option<&Path<'_>>, condition: &Condition) -> Vec<Rule> {
    let stable = ingress::service(path.ingress, path.backend);
    let Some(canary) = canary else { return vec![Rule::to(vec![condition.clone()], stable)] };
    let to_canary = ingress::service(canary.ingress, canary.backend);
    let decided = |by: Condition, to: &Backend| Rule::to(vec![condition.clone(), by], to.clone());
    let set = |name: &str| annotation(canary.ingress, name);
    let exact = |value: &str| Text::Exact(value.to_owned());
    let mut rules = Vec::new();
    if let Some(header) = set("canary-by-header") {
        let is = |text: Text| Condition::Header(header.to_owned(), text);
        match (set("canary-by-header-value"), set("canary-by-header-pattern")) {
            (Some(value), _) => rules.push(decided(is(exact(value)), &to_canary)),
            (None, Some(pattern)) => {
                rules.push(decided(Condition::on(Text::regex(&format!(".*(?:{pattern}).*")), is), &to_canary));
            }
            (None, None) => {
                rules.push(decided(is(exact("always")), &to_canary));
                rules.push(decided(is(exact("never")), &stable));
            }
        }
    }
    if let Some(cookie) = set("canary-by-cookie") {
        let is = |value: &str| Condition::Cookie(cookie.to_owned(), exact(value));
        rules.push(decided(is("always"), &to_canary));
        rules.push(decided(is("never"), &stable));
    }
    let number = |name: &str| set(name).and_then(|value| value.parse::<u64>().ok());
    let total = number("canary-weight-total").filter(|total| *total > TOTAL).unwrap_or(TOTAL);
    let weight = number("canary-weight").unwrap_or(0).min(total);
    let shares = vec![Share::new(weight, to_canary), Share::new(total - weight, stable)];
    rules.push(Rule { when: vec![condition.clone()], shares, mirrors: Vec::new() });
    rules
}
