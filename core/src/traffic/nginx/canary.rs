//! What a canary Ingress reads like.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::Routing;
use super::super::ingress::{self, annotation};
use super::super::memory::{Memories, set_entry};
use super::super::object::{Seen, Trouble};
use super::{Nginx, PREFIX, TOTAL};

/// What a canary Ingress takes over from the stable one.
pub(super) struct Taken {
    /// The version in which the stable one was read.
    version: Value,
    /// `spec`.
    spec: Value,
    /// The annotation that names its class.
    class: Option<String>,
}

/// Which controller an Ingress is for, before `spec.ingressClassName`. The two of an Ingress that comes into being must not differ.
const CLASS: &str = "kubernetes.io/ingress.class";
/// What the weight is out of, where no annotation says it.
const USUAL_TOTAL: i64 = 100;

impl Nginx {
    /// What the canary Ingress takes over: the class, TLS, and the rules that lead to the stable Service, whole.
    pub(super) fn rules(&self, stable: &Seen, routing: &Routing) -> Result<Taken, Trouble> {
        let object = stable.found()?;
        let (from, to) = (&routing.stable.service, &routing.canary.service);
        let rules = object["spec"]["rules"].as_array().into_iter().flatten();
        let rules: Vec<Value> = rules.filter_map(|rule| led_elsewhere(rule, from, to)).collect();
        if rules.is_empty() {
            return Err(ingress::no_rules(stable, from));
        }
        let class = self.annotations.get(CLASS).map(String::as_str).or_else(|| annotation(object, CLASS));
        let class = class.map(str::to_owned);
        let mut spec = json!({ "rules": rules });
        let text = |name: &Value| name.as_str().map(str::to_owned);
        for field in ["ingressClassName", "tls"] {
            let fits = |value: &Value| field == "tls" || class.is_none() || class == text(value);
            if let Some(value) = object["spec"].get(field).filter(|value| !value.is_null() && fits(value)) {
                spec[field] = value.clone();
            }
        }
        Ok(Taken { version: object["apiVersion"].clone(), spec, class })
    }

    /// A canary Ingress without what it says.
    pub(super) fn made(&self, canary: &Seen, taken: &Taken) -> Value {
        json!({
            "apiVersion": taken.version,
            "kind": canary.kind.kind,
            "metadata": {
                "name": canary.name,
                "namespace": canary.namespace,
                "ownerReferences": [self.client.owner_reference()],
            },
            "spec": {},
        })
    }

    /// Has a canary Ingress say it. Annotations of others stay; its spec is the router's alone.
    pub(super) fn write_down(&self, canary: &mut Value, taken: Option<&Taken>, routing: &Routing) {
        let mut annotations = self.annotations.clone();
        if let Some(taken) = taken {
            canary["spec"] = taken.spec.clone();
            annotations.extend(taken.class.iter().map(|class| (CLASS.to_owned(), class.clone())));
        }
        annotations.extend(self.weights(routing));
        let mut memories = Memories::of(canary, &self.client);
        let remembered = memories.get().map(|memory| memory.annotations.clone()).unwrap_or_default();
        let class = taken.map(|_| CLASS.to_owned());
        let of_weight: Vec<String> = weights(PREFIX).chain(weights(&self.prefix)).collect();
        for key in remembered.iter().chain(&of_weight).chain(&class).filter(|key| !annotations.contains_key(*key)) {
            set_entry(canary, "annotations", key, None);
        }
        for (key, value) in &annotations {
            set_entry(canary, "annotations", key, Some(value));
        }
        // What every canary Ingress has need not be remembered.
        let known = |key: &String| key == CLASS || weights(PREFIX).any(|weight| weight == *key);
        let own: BTreeSet<String> = annotations.into_keys().filter(|key| !known(key)).collect();
        if own != remembered {
            memories.change(|memory| memory.annotations = own);
            memories.write(canary);
        }
    }

    fn weights(&self, routing: &Routing) -> BTreeMap<String, String> {
        let key = |name: &str| format!("{}/{name}", self.prefix);
        let weight = routing.weight;
        let total = self.says_total.then(|| (key(TOTAL), weight.max().to_string()));
        let always =
            [(key("canary"), "true".to_owned()), (key("canary-weight"), weight.value().to_string())].into_iter();
        always.chain(total).collect()
    }

    /// The lowest and the highest weight that a canary Ingress may stand for. One that does not say that it is a canary is an Ingress
    /// like the stable one, and nobody knows which of the two counts.
    pub(super) fn share(&self, canary: &Value) -> (i32, i32) {
        let says = |name: &str| annotation(canary, &format!("{}/{name}", self.prefix));
        if says("canary") != Some("true") {
            return (0, self.client.max);
        }
        let number = |name: &str| says(name).and_then(|text| text.parse::<i64>().ok());
        let total = number(TOTAL).filter(|total| *total > 0).unwrap_or(USUAL_TOTAL);
        let share = ingress::share(number("canary-weight").unwrap_or(0), total, self.client.max);
        (share, share)
    }
}

/// The annotations that say the weight.
fn weights(prefix: &str) -> impl Iterator<Item = String> {
    ["canary", "canary-weight", TOTAL].into_iter().map(move |name| format!("{prefix}/{name}"))
}

/// A rule whose paths to one Service lead to another; none where there are no such paths.
fn led_elsewhere(rule: &Value, from: &str, to: &str) -> Option<Value> {
    if !ingress::paths(rule).any(|path| ingress::leads_to(path, from)) {
        return None;
    }
    let mut rule = rule.clone();
    let paths = rule["http"]["paths"].as_array_mut().into_iter().flatten();
    for path in paths.filter(|path| ingress::leads_to(path, from)) {
        path["backend"]["service"]["name"] = json!(to);
    }
    Some(rule)
}
