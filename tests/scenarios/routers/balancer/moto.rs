//! With the AWS that `moto` serves, a controller that asks it over HTTP, and a gate between the two that can be shut.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::super::plane::{Plane, Routed, manifest, two_steps};
use super::{Wanted, make_ingress, routing, tag, wanted};
use crate::programs::HOME;
use crate::scenario::{Scenario, with};

crate::scenarios! {
    ; with_processes:
    a_step_waits_for_a_load_balancer_of_moto_whatever_keeps_it_from_answering,
}

/// What signs a request of the load balancer controller: moto looks at the service and the region alone.
fn signature(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

/// A child that ends with its scenario.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// An AWS, and a load balancer in it.
struct Moto {
    url: String,
    http: reqwest::Client,
    balancer: Balancer,
    _process: Process,
}

#[derive(Default)]
struct Balancer {
    host: String,
    vpc: String,
    listener: String,
    rule: Mutex<Option<String>>,
    /// Target groups by Service, and their targets.
    groups: Mutex<BTreeMap<String, (String, BTreeSet<String>)>>,
    weights: Mutex<BTreeMap<String, u32>>,
}

impl Moto {
    async fn start(s: &Scenario) -> Moto {
        let python = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/.cache/moto/bin/python");
        assert!(std::path::Path::new(python).exists(), "there is no moto: tests/cluster/build-moto installs it");
        let port = port().to_string();
        let mut command = s.programs().command(python);
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port]);
        let process = Process(s.programs().start(&mut command, &format!("{}-moto", s.namespace)));
        let (url, http) = (format!("http://127.0.0.1:{port}"), reqwest::Client::new());
        s.eventually("moto answers", async || {
            http.get(format!("{url}/moto-api/")).send().await.map(drop).map_err(|error| error.to_string())
        })
        .await;
        let mut moto = Moto { url, http, balancer: Balancer::default(), _process: process };
        moto.balancer = moto.create(&s.namespace).await;
        moto
    }

    /// Asks for something, and returns the document.
    async fn call(&self, service: &str, pairs: &[(&str, &str)]) -> String {
        let version = if service == "ec2" { "2016-11-15" } else { "2015-12-01" };
        let pairs: Vec<_> = pairs.iter().copied().chain([("Version", version)]).collect();
        let request = self.http.post(&self.url).header("authorization", signature(service));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(sluice::aws::sign::form(&pairs)).send().await.expect("moto answers");
        let (status, body) = (answer.status(), answer.text().await.expect("a document"));
        assert!(status.is_success(), "{pairs:?}: {body}");
        body
    }

    async fn elb(&self, pairs: &[(&str, &str)]) -> String {
        self.call("elasticloadbalancing", pairs).await
    }

    async fn create(&self, namespace: &str) -> Balancer {
        let subnets = self.call("ec2", &[("Action", "DescribeSubnets")]).await;
        let (vpc, subnets) = (first(&subnets, "vpcId"), all(&subnets, "subnetId"));
        let name: String = namespace.chars().rev().take(20).collect::<Vec<_>>().into_iter().rev().collect();
        let made = self
            .elb(&[
                ("Action", "CreateLoadBalancer"),
                ("Name", name.trim_matches('-')),
                ("Subnets.member.1", &subnets[0]),
                ("Subnets.member.2", &subnets[1]),
            ])
            .await;
        let listener = self
            .elb(&[
                ("Action", "CreateListener"),
                ("LoadBalancerArn", &first(&made, "LoadBalancerArn")),
                ("Protocol", "HTTP"),
                ("Port", "80"),
                ("DefaultActions.member.1.Type", "fixed-response"),
                ("DefaultActions.member.1.FixedResponseConfig.StatusCode", "404"),
            ])
            .await;
        Balancer {
            host: first(&made, "DNSName"),
            vpc,
            listener: first(&listener, "ListenerArn"),
            ..Balancer::default()
        }
    }

    async fn group(&self, s: &Scenario, service: &str) -> String {
        let known = self.balancer.groups.lock().expect("it").get(service).map(|(arn, _)| arn.clone());
        if let Some(arn) = known {
            return arn;
        }
        let made = self
            .elb(&[
                ("Action", "CreateTargetGroup"),
                ("Name", &format!("k8s-{service}")),
                ("Protocol", "HTTP"),
                ("Port", "80"),
                ("VpcId", &self.balancer.vpc),
                ("TargetType", "ip"),
                ("Tags.member.1.Key", "ingress.k8s.aws/resource"),
                ("Tags.member.1.Value", &tag(s, service)),
            ])
            .await;
        let arn = first(&made, "TargetGroupArn");
        self.balancer.groups.lock().expect("it").insert(service.to_owned(), (arn.clone(), BTreeSet::new()));
        arn
    }

    async fn register(&self, s: &Scenario, service: &str, addresses: &BTreeSet<String>) {
        let arn = self.group(s, service).await;
        let before = self.balancer.groups.lock().expect("it")[service].1.clone();
        let added: Vec<_> = addresses.difference(&before).collect();
        let gone: Vec<_> = before.difference(addresses).collect();
        for (action, some) in [("RegisterTargets", added), ("DeregisterTargets", gone)] {
            if some.is_empty() {
                continue;
            }
            let names: Vec<String> = (1..=some.len()).map(|number| format!("Targets.member.{number}.Id")).collect();
            let targets = names.iter().map(String::as_str).zip(some.iter().map(|id| id.as_str()));
            let pairs: Vec<_> = [("Action", action), ("TargetGroupArn", &arn)].into_iter().chain(targets).collect();
            self.elb(&pairs).await;
        }
        self.balancer.groups.lock().expect("it").insert(service.to_owned(), (arn, addresses.clone()));
    }

    /// Gives the rule these weights.
    async fn divide(&self, weights: &BTreeMap<String, u32>) {
        if weights.is_empty() || *self.balancer.weights.lock().expect("it") == *weights {
            return;
        }
        let groups = self.balancer.groups.lock().expect("it").clone();
        let at = "Actions.member.1.ForwardConfig.TargetGroups.member";
        let each = weights.iter().zip(1..).flat_map(|((service, weight), number)| {
            [
                (format!("{at}.{number}.TargetGroupArn"), groups[service].0.clone()),
                (format!("{at}.{number}.Weight"), weight.to_string()),
            ]
        });
        let rule = self.balancer.rule.lock().expect("it").clone();
        let mut pairs: Vec<(String, String)> = match &rule {
            Some(arn) => vec![("Action".into(), "ModifyRule".into()), ("RuleArn".into(), arn.clone())],
            None => vec![
                ("Action".into(), "CreateRule".into()),
                ("ListenerArn".into(), self.balancer.listener.clone()),
                ("Priority".into(), "1".into()),
                ("Conditions.member.1.Field".into(), "path-pattern".into()),
                ("Conditions.member.1.Values.member.1".into(), "/*".into()),
            ],
        };
        pairs.push(("Actions.member.1.Type".into(), "forward".into()));
        pairs.extend(each);
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let made = self.elb(&pairs).await;
        *self.balancer.rule.lock().expect("it") = rule.or_else(|| Some(first(&made, "RuleArn")));
        self.balancer.weights.lock().expect("it").clone_from(weights);
    }
}

/// The texts of all elements of a name.
fn all(document: &str, name: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(document).expect("XML");
    let found = document.descendants().filter(|node| node.tag_name().name() == name);
    found.filter_map(|node| node.text().map(str::to_owned)).collect()
}

fn first(document: &str, name: &str) -> String {
    all(document, name).into_iter().next().unwrap_or_else(|| panic!("there is no {name} in {document}"))
}

/// What the gate in front of moto does.
#[derive(Clone, Copy, PartialEq)]
enum Gate {
    Open,
    Denies,
    Fails,
    Hangs,
}

#[derive(Clone)]
struct Gated {
    gate: Arc<Mutex<Gate>>,
    url: String,
    http: reqwest::Client,
}

async fn pass(State(gated): State<Gated>, headers: HeaderMap, body: Bytes) -> Response {
    let gate = *gated.gate.lock().expect("it");
    match gate {
        Gate::Open => {
            let mut request = gated.http.post(&gated.url).body(body.to_vec());
            for name in ["authorization", "content-type", "x-amz-date", "x-amz-security-token"] {
                if let Some(value) = headers.get(name) {
                    request = request.header(name, value.as_bytes());
                }
            }
            let answer = request.send().await.expect("moto answers");
            let status = StatusCode::from_u16(answer.status().as_u16()).expect("a status");
            (status, answer.bytes().await.expect("a body").to_vec()).into_response()
        }
        Gate::Denies => {
            let document =
                "<ErrorResponse><Error><Code>AccessDenied</Code><Message>You may not</Message></Error></ErrorResponse>";
            (StatusCode::FORBIDDEN, document).into_response()
        }
        Gate::Fails => (StatusCode::INTERNAL_SERVER_ERROR, "oh").into_response(),
        Gate::Hangs => std::future::pending().await,
    }
}

/// The load balancer controller. Where it is lazy, it registers targets and changes no rule.
struct Controller {
    moto: Moto,
    lazy: Mutex<bool>,
}

impl Plane for Arc<Controller> {
    async fn weight(&self, s: &Scenario) -> i64 {
        super::weight(s).await
    }

    async fn hear(&self, s: &Scenario) {
        let Wanted { weights, addresses } = wanted(s).await;
        for (service, addresses) in &addresses {
            self.moto.register(s, service, addresses).await;
        }
        let lazy = *self.lazy.lock().expect("it");
        if !lazy {
            self.moto.divide(&weights).await;
        }
    }
}

/// Starts a controller of its own, with a web identity in place of keys.
async fn control(s: &Scenario, id: &str, url: &str) -> Process {
    let kubeconfig = s.programs().kubeconfig_of(&s.client(), "sluice").await.display().to_string();
    let token = s.programs().logs().join(format!("{id}-token"));
    std::fs::write(&token, "a token").expect("the folder is writable");
    let mut command = s.programs().command(env!("CARGO_BIN_EXE_sluice"));
    command.args(["controller", "--metricsPort", "0", "--healthzPort", "0", "--loglevel", "debug"]);
    command.args(["--kubeconfig", &kubeconfig, "--namespace", HOME, "--instance-id", id]);
    command.args(["--aws-verify-target-group", "--aws-verify-interval", "1s"]);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"] {
        command.env_remove(name);
    }
    command.env("AWS_ENDPOINT_URL", url).env("AWS_REGION", "us-east-1").env("NO_PROXY", "127.0.0.1");
    command.env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/sluice").env("AWS_WEB_IDENTITY_TOKEN_FILE", &token);
    Process(s.programs().start(&mut command, id))
}

async fn a_step_waits_for_a_load_balancer_of_moto_whatever_keeps_it_from_answering(s: Scenario) {
    let moto = Moto::start(&s).await;
    let gate = Arc::new(Mutex::new(Gate::Open));
    let gated = Gated { gate: gate.clone(), url: moto.url.clone(), http: moto.http.clone() };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(pass).with_state(gated)).await });
    let _controller = control(&s, &s.namespace, &url).await;
    make_ingress(&s, &moto.balancer.host).await;
    s.serve(&["stable", "canary"]).await;
    let labels = json!({ "argo-rollouts.argoproj.io/controller-instance-id": s.namespace });
    let web = s.apply(with(manifest(&routing(), &two_steps()), "/metadata/labels", labels)).await;
    let plane = Arc::new(Controller { moto, lazy: Mutex::new(false) });
    let routed = Routed::of(&s, plane.clone(), web);
    routed.until("verified", |rollout| is_verified(rollout.status()) && rollout.status().phase == "Healthy").await;

    *plane.lazy.lock().expect("it") = true;
    routed.web.set_image("web:2").await;
    let words = "ALB has not confirmed yet that it sends 25 of 100 to the canary: a rule of load balancer";
    routed.until_waiting("Verification", "TargetGroup/k8s-canary", words).await;
    assert_eq!(routed.web.status().await.current_step_index, Some(0));
    *plane.lazy.lock().expect("it") = false;
    routed.until_paused_at(1).await;
    let alb = routed.web.status().await.alb.expect("a load balancer");
    let name = alb.canary_target_group.expect("a target group").full_name;
    assert!(name.starts_with("targetgroup/k8s-canary/"), "{name}");

    *gate.lock().expect("it") = Gate::Denies;
    routed.web.promote().await;
    let denied = "AWS refuses ";
    routed.until_waiting("TrafficRouting", "Ingress/edge", denied).await;
    s.until_told("TargetGroupVerifyError: Ingress/edge: AWS refuses ").await;
    *gate.lock().expect("it") = Gate::Fails;
    routed.until("an error", |rollout| is_told(rollout.status(), ": HTTP 500: oh")).await;
    *gate.lock().expect("it") = Gate::Hangs;
    routed.until("no answer", |rollout| is_told(rollout.status(), "no answer within")).await;
    assert_eq!(routed.web.status().await.current_step_index, Some(2), "the step waits");
    *gate.lock().expect("it") = Gate::Open;
    routed.until_paused_at(3).await;
    routed.finish().await;
    s.until_told("TargetGroupVerified: Verified that AWS does what it was told: 75 of 100").await;
}

fn is_verified(status: &sluice_core::api::RolloutStatus) -> bool {
    let weights = status.canary.as_ref().and_then(|canary| canary.weights.as_ref());
    weights.is_some_and(|weights| weights.verified == Some(true))
}

fn is_told(status: &sluice_core::api::RolloutStatus, words: &str) -> bool {
    status.waiting_on.as_ref().is_some_and(|on| on.message.contains(words))
}
