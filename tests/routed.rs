//! The examples of routers, on the sandbox: real requests are split as the objects say that Sluice writes.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::HOST;
use http_body_util::Empty;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use sluice::clock::Clock;
use sluice::controller::Clients;
use sluice::demo::load::ask;
use sluice::metrics::Metrics;
use sluice::trial;
use sluice_core::api::Rollout;
use sluice_sandbox::Sandbox;
use sluice_sandbox::network::Network;
use sluice_sandbox::proxy::Proxy;
use tokio::time::Instant;

/// How long anything may take; only ever waited out on failure.
const LIMIT: Duration = Duration::from_mins(1);
/// How many requests tell a share.
const MANY: i32 = 200;
const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: sandbox, listeners: [{name: http, port: 80, protocol: HTTP}]}
";

/// A sandbox with a proxy and a controller.
struct World {
    client: Client,
    proxy: SocketAddr,
    /// The name of the Rollout.
    name: String,
}

impl World {
    /// One with these objects, whose first version is healthy.
    async fn with(manifests: &[&str]) -> World {
        let (sandbox, network) = (Sandbox::on_machine_time(), Network::default());
        let (client, _) = trial::prepare(&sandbox, Box::new(network.clone())).await.expect("a sandbox");
        trial::install_routers(&client).await.expect("the kinds are installed");
        let proxy = Proxy::new(sandbox, network).listen((Ipv4Addr::LOCALHOST, 0).into());
        let (proxy, _) = proxy.await.expect("it listens");
        let clients = Clients { reads: client.clone(), writes: client.clone() };
        trial::control(clients, Clock::System, Metrics::new(), trial::USUAL);
        let objects = manifests.iter().flat_map(|it| serde_saphyr::from_multiple::<DynamicObject>(it).expect("YAML"));
        let objects: Vec<DynamicObject> = objects.collect();
        let kind = |object: &DynamicObject| object.types.clone().expect("a kind").kind;
        let rollout = objects.iter().find(|object| kind(object) == "Rollout").expect("a Rollout");
        let name = rollout.metadata.name.clone().expect("a name");
        let world = World { client, proxy, name };
        for object in objects {
            world.create(object).await;
        }
        world.until("healthy", |rollout| rollout.status().phase == "Healthy").await;
        world
    }

    async fn create(&self, object: DynamicObject) {
        let types = object.types.clone().expect("a kind");
        let (group, version) = types.api_version.split_once('/').unwrap_or(("", &types.api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &types.kind));
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), "default", &resource);
        api.create(&PostParams::default(), &object).await.unwrap_or_else(|error| panic!("{}: {error}", types.kind));
    }

    /// The host of the example.
    fn site(&self) -> String {
        format!("{}.example.com", self.name)
    }

    fn rollouts(&self) -> Api<Rollout> {
        Api::namespaced(self.client.clone(), "default")
    }

    /// Waits until the Rollout is so.
    async fn until(&self, what: &str, holds: impl Fn(&Rollout) -> bool) {
        let begun = Instant::now();
        loop {
            let rollout = self.rollouts().get(&self.name).await.expect("a Rollout");
            let generation = rollout.metadata.generation.unwrap_or(0).to_string();
            if rollout.status().observed_generation == generation && holds(&rollout) {
                return;
            }
            assert!(begun.elapsed() < LIMIT, "never {what}: {:#?}", rollout.status());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Releases another version, and waits until it is paused at a step.
    async fn release(&self, step: i32) {
        let image = json!([{
            "op": "replace", "path": "/spec/template/spec/containers/0/image",
            "value": "argoproj/rollouts-demo:yellow",
        }]);
        let patch: Patch<Value> = Patch::Json(serde_json::from_value(image).expect("a patch"));
        self.rollouts().patch(&self.name, &PatchParams::default(), &patch).await.expect("patched");
        self.until_paused_at(step).await;
    }

    /// Promotes it, and waits until it is paused at a later step.
    async fn promote(&self, step: i32) {
        let patch = Patch::Merge(json!({ "status": { "pauseConditions": null } }));
        self.rollouts().patch_status(&self.name, &PatchParams::default(), &patch).await.expect("promoted");
        self.until_paused_at(step).await;
    }

    async fn until_paused_at(&self, step: i32) {
        let what = format!("paused at step {step}");
        let there = Some(step);
        self.until(&what, |it| it.status().phase == "Paused" && it.status().current_step_index == there).await;
    }

    /// The new version answers this share of the requests for a host, in percent.
    async fn assert_share(&self, host: &str, header: Option<(&str, &str)>, expected: f64) {
        let mut yellow = 0;
        for _ in 0..MANY {
            let mut request = Request::get("/cart").header(HOST, host);
            if let Some((name, value)) = header {
                request = request.header(name, value);
            }
            let request = request.body(Empty::<Bytes>::new()).expect("a request");
            let answer = ask(self.proxy, request).await.unwrap_or_else(|error| panic!("{host}: {error:#}"));
            yellow += i32::from(answer.version == "yellow");
        }
        let share = f64::from(yellow) * 100.0 / f64::from(MANY);
        assert!((share - expected).abs() <= 1.5, "{host} with {header:?}: {share} %, not {expected} %");
    }
}

/// An example whose router takes no longer than a test wants to.
fn quick(example: &str) -> String {
    let quick = example.replace("propagationDelaySeconds: 10", "propagationDelaySeconds: 1");
    quick.replace("propagationDelaySeconds: 30", "propagationDelaySeconds: 1")
}

#[tokio::test]
async fn an_http_route_splits_requests_and_its_gateway_confirms_the_weights() {
    let world = World::with(&[GATEWAY, include_str!("../examples/routers/gateway-api.yaml")]).await;
    world.release(2).await;
    world.assert_share(&world.site(), None, 0.0).await;
    world.assert_share(&world.site(), Some(("x-beta", "yes")), 100.0).await;
    world.promote(5).await;
    world.assert_share(&world.site(), None, 20.0).await;
    let confirmed = |rollout: &Rollout| {
        let weights = rollout.status().canary.as_ref().and_then(|canary| canary.weights.as_ref());
        weights.is_some_and(|weights| weights.verified == Some(true))
    };
    world.until("confirmed", confirmed).await;
    // Services can be asked for by their names, beside all routes.
    world.assert_share(&format!("{}-canary.default", world.name), None, 100.0).await;
    let guide = include_str!("../docs/guide/sandbox.md");
    for line in [format!("Host: {}'", world.site()), format!("kubectl sluice promote {} ", world.name)] {
        assert!(guide.contains(&line), "the guide tells of this example in other words than {line:?}");
    }
}

#[tokio::test]
async fn a_canary_ingress_of_nginx_splits_requests_by_its_annotations() {
    let world = World::with(&[&quick(include_str!("../examples/routers/nginx.yaml"))]).await;
    world.release(1).await;
    world.assert_share(&world.site(), None, 5.0).await;
    world.assert_share(&world.site(), Some(("X-Canary", "always")), 100.0).await;
    world.assert_share(&world.site(), Some(("X-Canary", "never")), 0.0).await;
}

#[tokio::test]
async fn the_action_of_a_load_balancer_splits_requests() {
    let world = World::with(&[&quick(include_str!("../examples/routers/alb.yaml"))]).await;
    world.release(3).await;
    world.assert_share("any.example.com", None, 5.0).await;
    world.assert_share("any.example.com", Some(("X-Beta", "yes")), 100.0).await;
}

#[tokio::test]
async fn a_virtual_service_splits_requests_between_services() {
    let world = World::with(&[include_str!("../examples/routers/istio.yaml")]).await;
    world.release(2).await;
    world.assert_share(&world.site(), None, 0.0).await;
    world.assert_share(&world.site(), Some(("x-canary", "always")), 100.0).await;
    world.promote(5).await;
    world.assert_share(&world.site(), None, 20.0).await;
}

#[tokio::test]
async fn a_virtual_service_splits_requests_between_subsets() {
    let world = World::with(&[include_str!("../examples/routers/istio-subsets.yaml")]).await;
    world.release(1).await;
    world.assert_share(&world.name, None, 20.0).await;
    world.assert_share(&format!("{}.default.svc.cluster.local", world.name), None, 20.0).await;
}
