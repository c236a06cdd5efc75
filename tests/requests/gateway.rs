//! The gateway that `tests/cluster/run` has started.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::load;
use crate::scenario::Scenario;

/// The group and version of `HTTPRoutes`.
const API: &str = "gateway.networking.k8s.io/v1";
/// The route of every story.
pub const ROUTE: &str = "web";

/// The data plane, and where routes attach.
#[derive(Clone, Debug)]
pub struct Gateway {
    pub address: SocketAddr,
    /// The process of its control plane.
    pub process: u32,
    /// How much later than it says it does as a route says.
    pub lag: Duration,
    namespace: String,
    name: String,
}

impl Gateway {
    /// The one that the environment names.
    pub fn find() -> Gateway {
        let read = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| {
                panic!("{name} is not set: SLUICE_CLUSTER_GATEWAY=contour tests/cluster/run sets it")
            })
        };
        let url = read("SLUICE_GATEWAY_URL");
        let address = url.strip_prefix("http://").and_then(|address| address.parse().ok());
        let process = read("SLUICE_GATEWAY_PID").parse();
        let lag = read("SLUICE_GATEWAY_LAG").strip_suffix('s').and_then(|seconds| seconds.parse().ok());
        let name = read("SLUICE_GATEWAY");
        let (namespace, name) = name.split_once('/').expect("NAMESPACE/NAME");
        Gateway {
            address: address.unwrap_or_else(|| panic!("{url} is not http://ADDRESS:PORT")),
            process: process.expect("the number of a process"),
            lag: Duration::from_secs(lag.expect("whole seconds")),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The host whose requests the route of a scenario takes.
    pub fn host(s: &Scenario) -> String {
        format!("{}.test", s.namespace)
    }

    /// Makes the route.
    pub async fn carry(&self, s: &Scenario, backends: &[(&str, i32)]) {
        let references: Vec<Value> = backends.iter().map(|(name, weight)| backend(name, *weight)).collect();
        let route = json!({
            "apiVersion": API,
            "kind": "HTTPRoute",
            "metadata": { "name": ROUTE },
            "spec": {
                "hostnames": [Gateway::host(s)],
                "parentRefs": [{ "namespace": self.namespace, "name": self.name }],
                "rules": [{ "backendRefs": references }],
            },
        });
        s.create(route).await.expect("the API server accepts the route");
    }

    /// Waits until a request is answered by a pod.
    pub async fn until_answered(&self, s: &Scenario) {
        let host = Gateway::host(s);
        s.eventually("answered", async || load::ask_once(self.address, &host).await).await;
    }

    /// Gives other weights.
    pub async fn shift(s: &Scenario, backends: &[(&str, i32)]) {
        let references: Vec<Value> = backends.iter().map(|(name, weight)| backend(name, *weight)).collect();
        let patch = json!({ "spec": { "rules": [{ "backendRefs": references }] } });
        s.patch(API, "HTTPRoute", ROUTE, patch).await.expect("the API server accepts the weights");
    }

    /// Waits until the route gives a Service this weight, and the gateway says that it has heard of it.
    pub async fn until_heard(s: &Scenario, service: &str, weight: i64) {
        let what = format!("heard by the gateway that {service} has {weight} %");
        s.eventually(&what, async || {
            let route = s.read(API, "HTTPRoute", ROUTE).await;
            if is_heard(&route, service, weight) { Ok(()) } else { Err(route.to_string()) }
        })
        .await;
    }

    /// Whether the gateway says so now.
    pub async fn has_heard(s: &Scenario, service: &str, weight: i64) -> bool {
        is_heard(&s.read(API, "HTTPRoute", ROUTE).await, service, weight)
    }
}

fn is_heard(route: &Value, service: &str, weight: i64) -> bool {
    weight_of(route, service) == Some(weight) && is_observed(route)
}

fn backend(name: &str, weight: i32) -> Value {
    json!({ "name": name, "port": 80, "weight": weight })
}

/// The weight of a Service in the route's only rule.
fn weight_of(route: &Value, service: &str) -> Option<i64> {
    let backends = route["spec"]["rules"][0]["backendRefs"].as_array()?;
    backends.iter().find(|backend| backend["name"] == service)?["weight"].as_i64()
}

/// Whether a gateway has accepted the route as it is.
fn is_observed(route: &Value) -> bool {
    let generation = &route["metadata"]["generation"];
    let conditions = route["status"]["parents"][0]["conditions"].as_array();
    let holds = |name: &str| {
        conditions.into_iter().flatten().any(|condition| {
            condition["type"] == name && condition["status"] == "True" && condition["observedGeneration"] == *generation
        })
    };
    holds("Accepted") && holds("ResolvedRefs")
}
