//! In virtual time, with an AWS of the test's own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::json;
use sluice::controller::balancers::{Aws, Failure, Found, RHYTHM, Settings};
use sluice_core::traffic::aws::{Balancer, Group, Target};

use super::super::plane::{Plane, Routed};
use super::{Wanted, make_ingress, routing, wanted};
use crate::sandboxed::{Sandboxed, Trouble};
use crate::scenario::Scenario;

const HOST: &str = "edge-1.eu-west-1.elb.amazonaws.com";

/// How AWS answers.
#[derive(Clone, Debug, Default, PartialEq)]
enum Mood {
    #[default]
    Willing,
    Silent,
    /// In these words, and asking for patience for so long.
    Refusing(&'static str, Option<Duration>),
}

#[derive(Default)]
pub struct Played {
    pub(super) now: Mutex<Wanted>,
    mood: Mutex<Mood>,
    /// When it was asked.
    rounds: Mutex<Vec<tokio::time::Instant>>,
    /// The start of each tag.
    namespace: Mutex<String>,
}

impl Played {
    async fn answer<R>(&self, answer: impl FnOnce(&Wanted) -> R) -> Result<R, Failure> {
        self.rounds.lock().expect("it").push(tokio::time::Instant::now());
        let mood = self.mood.lock().expect("it").clone();
        match mood {
            Mood::Silent => std::future::pending().await,
            Mood::Refusing(message, after) => Err(Failure { message: message.to_owned(), not_found: false, after }),
            Mood::Willing => Ok(answer(&self.now.lock().expect("it"))),
        }
    }

    fn be(&self, mood: Mood) {
        *self.mood.lock().expect("it") = mood;
    }

    pub fn rounds(&self) -> Vec<tokio::time::Instant> {
        self.rounds.lock().expect("it").clone()
    }
}

fn targets(addresses: &BTreeSet<String>) -> Vec<Target> {
    let target = |id: &String| Target { id: id.clone(), state: "healthy".into(), reason: String::new() };
    addresses.iter().map(target).collect()
}

impl Aws for Played {
    fn balancers<'a>(
        &'a self,
        hosts: &'a [String],
        tags: &'a BTreeSet<String>,
    ) -> BoxFuture<'a, Result<Found, Failure>> {
        let namespace = self.namespace.lock().expect("it").clone();
        Box::pin(self.answer(move |now| {
            assert_eq!(hosts, [HOST]);
            let group = |(service, addresses): (&String, &BTreeSet<String>)| {
                let resource = format!("{namespace}/edge-{service}:80");
                let (name, targets) = (format!("k8s-{service}"), targets(addresses));
                (service.clone(), Group { name, resource, of_addresses: true, targets, ..Group::default() })
            };
            let mut groups: BTreeMap<String, Group> = now.addresses.iter().map(group).collect();
            groups.retain(|_, group| tags.contains(&group.resource));
            let rules = vec![now.weights.clone()];
            let arn = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/edge/1".to_owned();
            Found { balancers: vec![Balancer { name: "edge".into(), arn, rules }], groups }
        }))
    }

    fn targets<'a>(&'a self, arn: &'a str) -> BoxFuture<'a, Result<Vec<Target>, Failure>> {
        let service = arn.rsplit('/').nth(1).expect("an ARN").to_owned();
        Box::pin(self.answer(move |now| targets(now.addresses.get(&service).unwrap_or(&BTreeSet::new()))))
    }
}

/// The load balancer controller, which does nothing as long as it is asleep.
struct Controller {
    aws: Arc<Played>,
    asleep: Arc<Mutex<bool>>,
}

impl Controller {
    fn sleep(&self, asleep: bool) {
        *self.asleep.lock().expect("it") = asleep;
    }
}

impl Plane for Arc<Controller> {
    async fn weight(&self, s: &Scenario) -> i64 {
        super::weight(s).await
    }

    async fn hear(&self, s: &Scenario) {
        if !*self.asleep.lock().expect("it") {
            let wanted = wanted(s).await;
            *self.aws.now.lock().expect("it") = wanted;
        }
    }
}

pub struct Stage {
    pub s: Scenario,
    pub aws: Arc<Played>,
    controller: Arc<Controller>,
}

pub async fn stage(name: &str) -> Stage {
    let aws = Arc::new(Played::default());
    let settings = Settings { aws: aws.clone(), binding_versions: &["v1beta1"], rhythm: RHYTHM };
    let cluster = Sandboxed::start_asking(Trouble::None, Some(settings)).await;
    let s = Scenario::begin(Arc::new(cluster), name).await;
    s.namespace.clone_into(&mut aws.namespace.lock().expect("it"));
    let controller = Arc::new(Controller { aws: aws.clone(), asleep: Arc::default() });
    Stage { s, aws, controller }
}

async fn deploy(stage: &Stage) -> Routed<Arc<Controller>> {
    make_ingress(&stage.s, HOST).await;
    Routed::deploy(&stage.s, stage.controller.clone(), routing()).await
}

async fn waits(routed: &Routed<Arc<Controller>>) -> (String, String, String) {
    let on = routed.web.status().await.waiting_on.expect("it waits");
    (on.reason, on.object.unwrap_or_default(), on.message)
}

#[tokio::test(start_paused = true)]
async fn a_step_waits_until_aws_says_that_the_load_balancer_does_it() {
    let stage = stage("verified").await;
    let routed = deploy(&stage).await;
    routed.web.set_image("web:2").await;
    routed.until("the canary's pods are known", |rollout| rollout.status().current_step_index == Some(0)).await;
    routed.until_weight(25).await;
    stage.controller.sleep(true);
    *stage.aws.now.lock().expect("it") =
        Wanted { weights: [("canary".to_owned(), 0), ("stable".to_owned(), 100)].into(), ..wanted(&stage.s).await };
    stage.s.sleep(120).await;
    let status = routed.web.status().await;
    assert_eq!(status.current_step_index, Some(0), "the step waits: {status:#?}");
    assert_eq!(routed.verified().await, Some(false));
    let (reason, object, message) = waits(&routed).await;
    assert_eq!((reason.as_str(), object.as_str()), ("Verification", "TargetGroup/k8s-canary"), "{message}");
    assert!(message.ends_with("a rule of load balancer edge forwards to stable 100"), "{message}");
    stage.controller.sleep(false);
    routed.until_paused_at(1).await;
    assert_eq!(routed.verified().await, Some(true));
    let alb = routed.web.status().await.alb.expect("a load balancer");
    let names = [alb.load_balancer, alb.canary_target_group, alb.stable_target_group];
    let names = names.map(|it| it.map(|it| it.name).unwrap_or_default());
    assert_eq!((alb.ingress.as_str(), names), ("edge", ["edge", "k8s-canary", "k8s-stable"].map(str::to_owned)));
    stage.s.until_told("TargetGroupUnverified: ").await;
    stage.s.until_told("TargetGroupVerified: Verified that AWS does what it was told: 25 of 100").await;
    routed.go_on().await;
    routed.finish().await;
}

#[tokio::test(start_paused = true)]
async fn at_rest_nobody_asks_and_at_work_not_more_often_than_every_ten_seconds() {
    let stage = stage("at-rest").await;
    let routed = deploy(&stage).await;
    routed.update().await;
    routed.go_on().await;
    routed.finish().await;
    let rounds = stage.aws.rounds();
    let closest = rounds.windows(2).map(|pair| pair[1].duration_since(pair[0])).min();
    assert!(closest.is_none_or(|closest| closest >= Duration::from_secs(10)), "{rounds:?}");
    stage.s.sleep(3600).await;
    assert_eq!(stage.aws.rounds().len(), rounds.len(), "an hour at rest");
    let told = stage.s.event_reasons().await;
    stage.s.sleep(3600).await;
    assert_eq!(stage.s.event_reasons().await, told);
}

#[tokio::test(start_paused = true)]
async fn pods_that_come_and_go_at_rest_are_no_news() {
    let stage = stage("churn").await;
    let routed = deploy(&stage).await;
    let rounds = stage.aws.rounds().len();
    for _ in 0..3 {
        let pod = routed.web.pods().await.remove(0).metadata.name.expect("a name");
        stage.s.delete("v1", "Pod", &pod).await;
        stage.s.sleep(60).await;
        let status = routed.web.status().await;
        assert_eq!((status.phase.as_str(), routed.verified().await), ("Healthy", Some(true)), "{status:#?}");
    }
    assert_eq!(stage.aws.rounds().len(), rounds);
}

#[tokio::test(start_paused = true)]
async fn the_canary_gets_nothing_before_its_pods_are_registered() {
    let stage = stage("registered").await;
    let routed = deploy(&stage).await;
    stage.controller.sleep(true);
    routed.web.set_image("web:2").await;
    stage.s.sleep(120).await;
    assert_eq!(routed.weight().await, 0);
    let (reason, object, message) = waits(&routed).await;
    assert_eq!((reason.as_str(), object.as_str()), ("Verification", "TargetGroup/k8s-canary"), "{message}");
    assert!(message.contains("goes on to 25 once it can: the ready pod "), "{message}");
    stage.controller.sleep(false);
    routed.until_weight(25).await;
    routed.until_paused_at(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_promotion_moves_when_the_stable_target_group_has_the_new_pods() {
    let stage = stage("promoted").await;
    let routed = deploy(&stage).await;
    routed.update().await;
    routed.go_on().await;
    let before = wanted(&stage.s).await.addresses;
    routed.web.promote().await;
    routed.until("stored", |rollout| rollout.status().stable_rs == rollout.status().current_pod_hash).await;
    // The stable Service leads to the new pods, and its target group has those of before.
    stage.controller.sleep(true);
    stage.aws.now.lock().expect("it").addresses.insert("stable".to_owned(), before["stable"].clone());
    stage.s.sleep(300).await;
    assert_eq!(routed.weight().await, 100, "the canary's target group has the new pods, and keeps the requests");
    let (reason, object, message) = waits(&routed).await;
    assert_eq!((reason.as_str(), object.as_str()), ("Verification", "TargetGroup/k8s-stable"), "{message}");
    assert_eq!(routed.web.size("web:2").await, 4);
    stage.controller.sleep(false);
    routed.until_weight(0).await;
    routed.until_sizes((0, 4)).await;
    routed.until_healthy().await;
}

#[tokio::test(start_paused = true)]
async fn an_abort_waits_for_nobody_and_its_pods_for_the_load_balancer() {
    let stage = stage("aborted").await;
    let routed = deploy(&stage).await;
    routed.update().await;
    stage.aws.be(Mood::Refusing("AWS refuses DescribeRules: AccessDenied: no", None));
    stage.controller.sleep(true);
    routed.web.abort().await;
    routed.until_weight(0).await;
    stage.s.sleep(120).await;
    assert!(routed.web.size("web:2").await > 0, "its pods may still get requests");
    stage.aws.be(Mood::Willing);
    stage.controller.sleep(false);
    routed.until_sizes((4, 0)).await;
}

#[tokio::test(start_paused = true)]
async fn a_router_that_is_taken_out_is_remembered_until_its_load_balancer_has_followed() {
    let stage = stage("taken-out").await;
    let routed = deploy(&stage).await;
    routed.update().await;
    let sizes = routed.web.sizes("web:1", "web:2").await;
    stage.controller.sleep(true);
    let gone = json!({ "trafficRouting": null, "scaleDownDelaySeconds": null, "abortScaleDownDelaySeconds": null });
    routed.web.edit(json!({ "spec": { "strategy": { "canary": gone } } })).await;
    stage.s.sleep(120).await;
    assert_eq!(routed.web.sizes("web:1", "web:2").await, sizes, "they may still get requests");
    let annotations = routed.web.get().await.metadata.annotations.expect("annotations");
    assert!(annotations.contains_key("rollout.argoproj.io/routes-by"), "{annotations:?}");
    stage.controller.sleep(false);
    routed.take_out().await;
}

/// Has AWS behave like this for a while in the middle of a step.
async fn troubled(name: &str, mood: Mood, words: &str) {
    let stage = stage(name).await;
    let routed = deploy(&stage).await;
    routed.update().await;
    stage.aws.be(mood);
    routed.web.promote().await;
    let words = words.to_owned();
    routed
        .until("waiting for AWS", |rollout| {
            let on = rollout.status().waiting_on.as_ref();
            on.is_some_and(|on| on.object.as_deref() == Some("Ingress/edge") && on.message.contains(&words))
        })
        .await;
    stage.s.until_told(&format!("TargetGroupVerifyError: Ingress/edge: {words}")).await;
    stage.s.sleep(600).await;
    assert_eq!(routed.web.status().await.current_step_index, Some(2), "the step waits");
    let told = stage.s.event_reasons().await;
    assert_eq!(told.iter().filter(|reason| *reason == "TargetGroupVerifyError").count(), 1, "{told:?}");
    stage.aws.be(Mood::Willing);
    stage.s.sleep(LONGEST).await;
    routed.until_paused_at(3).await;
}

/// How long it may take until AWS is asked again, in seconds.
const LONGEST: u64 = 150;

#[tokio::test(start_paused = true)]
async fn an_aws_that_denies_access_is_named_and_the_step_goes_on_when_it_does_not_any_more() {
    let words = "AWS refuses DescribeRules: AccessDenied: User x is not authorized";
    troubled("denied", Mood::Refusing(words, None), words).await;
}

#[tokio::test(start_paused = true)]
async fn an_aws_that_hangs_is_named_and_the_step_goes_on_when_it_answers() {
    troubled("hangs", Mood::Silent, "AWS has not answered within 30 s").await;
}

#[tokio::test(start_paused = true)]
async fn an_aws_that_asks_for_patience_gets_it() {
    let stage = stage("throttled").await;
    let routed = deploy(&stage).await;
    routed.update().await;
    stage.aws.be(Mood::Refusing("AWS refuses DescribeTags: Throttling: Rate exceeded", Some(Duration::from_mins(1))));
    let before = stage.aws.rounds().len();
    routed.web.promote().await;
    stage.s.sleep(600).await;
    let rounds = stage.aws.rounds();
    let gaps: Vec<u64> = rounds[before..].windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs()).collect();
    assert_eq!(gaps[..4], [60, 60, 60, 80], "at least so long, and longer each time in the end: {gaps:?}");
    assert!(gaps.iter().all(|gap| *gap <= 120), "{gaps:?}");
    stage.aws.be(Mood::Willing);
    stage.s.sleep(LONGEST).await;
    routed.until_paused_at(3).await;
}

#[tokio::test(start_paused = true)]
async fn an_ingress_without_a_load_balancer_is_named() {
    let stage = stage("none").await;
    stage.s.serve(&["root"]).await;
    stage.s.create(super::ingress()).await.expect("an Ingress");
    let routed = Routed::apply(&stage.s, stage.controller.clone(), routing()).await;
    stage.s.until_told("LoadBalancerNotFound: Ingress/edge: it has no load balancer yet").await;
    let status = json!({ "status": { "loadBalancer": { "ingress": [{ "hostname": HOST }] } } });
    let api = stage.s.objects(super::INGRESS, "Ingress");
    api.patch_status("edge", &kube::api::PatchParams::default(), &kube::api::Patch::Merge(status))
        .await
        .expect("it is patched");
    routed.until_healthy().await;
}
