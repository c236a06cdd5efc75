//! Each test is a load balancer that does something else than its Ingress says, or what it says.

use serde_json::{Value, json};

use super::*;
use crate::api::Rollout;
use crate::sight::Sight;
use crate::traffic::aws::{Group, Led, Target, Wrong};
use crate::traffic::{Answer, Route, Routing, TrafficRouter, Weight, named};

const KEY: &str = "alb.ingress.kubernetes.io/actions.root";

/// An Ingress with the weights of its action, and what AWS says of its load balancer.
struct World {
    ingress: Value,
    said: Said,
}

/// As the router writes it.
fn action(canary: u32, stable: u32) -> String {
    let group =
        |service: &str, weight: u32| format!(r#"{{"ServiceName":"{service}","ServicePort":"80","Weight":{weight}}}"#);
    let groups = [group("canary", canary), group("stable", stable)].join(",");
    format!(r#"{{"Type":"forward","ForwardConfig":{{"TargetGroups":[{groups}]}}}}"#)
}

fn group(service: &str, addresses: &[&str]) -> Group {
    let target = |address: &&str| Target { id: (*address).into(), state: "healthy".into(), ..Target::default() };
    Group {
        name: format!("k8s-{service}"),
        resource: format!("shop/edge-{service}:80"),
        of_addresses: true,
        targets: addresses.iter().map(target).collect(),
        ..Group::default()
    }
}

fn led(revision: &str, addresses: &[&str]) -> Led {
    Led { revisions: [revision.into()].into(), addresses: addresses.iter().map(|it| (*it).into()).collect() }
}

fn rule(canary: u32, stable: u32) -> BTreeMap<String, u32> {
    [("arn:canary".to_owned(), canary), ("arn:stable".to_owned(), stable)].into()
}

/// All is as it should be: a fifth goes to the canary.
fn world() -> World {
    let path = json!({ "backend": { "service": { "name": "root", "port": { "name": "use-annotation" } } } });
    let lists = json!({ "web": [KEY] }).to_string();
    let ingress = json!({
        "metadata": {
            "name": "edge",
            "annotations": { (KEY): action(20, 80), "rollouts.argoproj.io/managed-alb-annotations": lists },
        },
        "spec": { "rules": [{ "http": { "paths": [path] } }] },
    });
    let arn = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/edge/5";
    let said = Said {
        actions: [(KEY.to_owned(), action(20, 80))].into(),
        balancers: vec![Balancer { name: "edge".into(), arn: arn.into(), rules: vec![rule(20, 80), rule(20, 80)] }],
        groups: [
            ("arn:canary".to_owned(), group("canary", &["10.0.0.2"])),
            ("arn:stable".to_owned(), group("stable", &["10.0.0.1"])),
        ]
        .into(),
        services: [("canary".to_owned(), led("v2", &["10.0.0.2"])), ("stable".to_owned(), led("v1", &["10.0.0.1"]))]
            .into(),
        now: BTreeMap::new(),
        wrong: None,
        asked: true,
    };
    World { ingress, said }
}

fn to(service: &str, hash: &str) -> Destination {
    Destination { service: service.into(), hash: hash.into() }
}

fn routing(weight: i32) -> Routing {
    Routing {
        canary: to("canary", "v2"),
        stable: to("stable", "v1"),
        weight: Weight::new(weight, 100),
        additional: Vec::new(),
        routes: Vec::new(),
    }
}

impl World {
    fn router(config: &Value) -> std::sync::Arc<dyn TrafficRouter> {
        let rollout: Rollout = serde_json::from_value(json!({
            "metadata": { "name": "web", "namespace": "shop" },
            "spec": { "strategy": { "canary": {
                "canaryService": "canary", "stableService": "stable", "trafficRouting": config,
            } } },
        }))
        .expect("a Rollout");
        named(&rollout).remove(0)
    }

    fn objects(&self) -> Vec<Seen> {
        let seen = |kind, object: &Value| Seen {
            kind,
            namespace: "shop".into(),
            name: "edge".into(),
            object: Sight::Found(object.clone()),
        };
        vec![seen(INGRESS, &self.ingress), seen(LOAD_BALANCERS, &json!(self.said))]
    }

    fn observe(&self) -> Observed {
        let router = World::router(&json!({ "alb": { "ingress": "edge", "rootService": "root", "servicePort": 80 } }));
        let (objects, now) = (self.objects(), jiff::Timestamp::UNIX_EPOCH);
        router.observe(View { objects: &objects, now }, &to("canary", "v2"), &to("stable", "v1"))
    }

    fn change(&self, weight: i32) -> Answer {
        self.change_to(&routing(weight))
    }

    fn change_to(&self, routing: &Routing) -> Answer {
        let config = json!({
            "alb": { "ingress": "edge", "rootService": "root", "servicePort": 80 }, "managedRoutes": [{ "name": "beta" }],
        });
        let (objects, now) = (self.objects(), jiff::Timestamp::UNIX_EPOCH);
        World::router(&config).change(View { objects: &objects, now }, routing)
    }

    /// What it lacks: the object, and the words.
    fn lacks(&self) -> Option<(String, String)> {
        let observed = self.observe();
        assert_eq!(observed.verified, Some(observed.behind.is_none()), "{observed:?}");
        observed.behind.zip(observed.lag)
    }

    fn annotate(&mut self, key: &str, text: &str) {
        self.ingress["metadata"]["annotations"][key] = json!(text);
        self.said.actions.insert(key.to_owned(), text.to_owned());
    }
}

#[test]
fn a_load_balancer_that_does_what_its_ingress_says_is_verified_and_named() {
    let observed = world().observe();
    assert_eq!((observed.verified, observed.behind, observed.lag), (Some(true), None, None));
    let statuses = observed.aws.expect("AWS was asked").statuses;
    assert_eq!(statuses.len(), 1);
    let balancer = statuses[0].load_balancer.clone().expect("a load balancer");
    assert_eq!((statuses[0].ingress.as_str(), balancer.full_name.as_str()), ("edge", "app/edge/5"));
    let group = |group: &Option<crate::api::AwsResourceRef>| group.clone().map(|group| group.name);
    assert_eq!(group(&statuses[0].canary_target_group).as_deref(), Some("k8s-canary"));
    assert_eq!(group(&statuses[0].stable_target_group).as_deref(), Some("k8s-stable"));
}

#[test]
fn without_anybody_who_asks_aws_nothing_is_said() {
    let router = World::router(&json!({ "alb": { "ingress": "edge", "rootService": "root", "servicePort": 80 } }));
    let (mut objects, now) = (world().objects(), jiff::Timestamp::UNIX_EPOCH);
    objects.truncate(1);
    let observed = router.observe(View { objects: &objects, now }, &to("canary", "v2"), &to("stable", "v1"));
    assert_eq!((observed.verified, observed.aws, observed.lowest), (None, None, 20));
}

#[test]
fn what_differs_is_named() {
    type Change = fn(&mut World);
    let cases: [(&str, Change, &str, &str); 10] = [
        ("nobody asked", |w| w.said = Said::default(), "Ingress/edge", "AWS has not been asked about its present"),
        (
            "asked about another action",
            |w| w.ingress["metadata"]["annotations"][KEY] = json!(action(40, 60)),
            "Ingress/edge",
            "AWS has not been asked about its present",
        ),
        ("no load balancer", |w| w.said.balancers.clear(), "Ingress/edge", "AWS has not said anything"),
        (
            "one of two rules has other weights",
            |w| w.said.balancers[0].rules[1] = rule(0, 100),
            "TargetGroup/k8s-canary",
            "a rule of load balancer edge forwards to stable 100",
        ),
        (
            "no rule at all",
            |w| w.said.balancers[0].rules.clear(),
            "Ingress/edge",
            "no rule of load balancer edge forwards to canary 20, stable 80",
        ),
        (
            "a pod is not registered",
            |w| {
                w.said.services.get_mut("canary").expect("it").addresses =
                    ["10.0.0.2".into(), "10.0.0.3".into()].into();
            },
            "TargetGroup/k8s-canary",
            "the ready pod 10.0.0.3 is not registered",
        ),
        (
            "a pod of before still gets requests",
            |w| w.said.groups.insert("arn:stable".into(), group("stable", &["10.0.0.1", "10.0.0.9"])).map_or((), drop),
            "TargetGroup/k8s-stable",
            "it sends requests to 10.0.0.9",
        ),
        (
            "the Service led elsewhere",
            |w| w.said.services.insert("stable".into(), led("v0", &["10.0.0.1"])).map_or((), drop),
            "TargetGroup/k8s-stable",
            "when AWS was asked, its Service led to pods of revision \"v0\"",
        ),
        (
            "the Service has moved since",
            |w| drop(w.said.services.remove("canary")),
            "TargetGroup/k8s-canary",
            "AWS has not been asked since its Service led elsewhere",
        ),
        (
            "a header route has no rule",
            |w| {
                let key = "alb.ingress.kubernetes.io/actions.beta";
                w.annotate(key, &action(100, 0));
                let lists = json!({ "web": [KEY, key] }).to_string();
                w.ingress["metadata"]["annotations"]["rollouts.argoproj.io/managed-alb-annotations"] = json!(lists);
            },
            "Ingress/edge",
            "no rule of load balancer edge forwards to canary 100",
        ),
    ];
    for (name, change, object, words) in cases {
        let mut world = world();
        change(&mut world);
        let (behind, lag) = world.lacks().unwrap_or_else(|| panic!("{name} is no proof"));
        assert!(behind == object && lag.starts_with(words), "{name}: {behind}: {lag}");
    }
}

#[test]
fn the_same_shares_in_other_numbers_are_the_same() {
    let mut world = world();
    world.said.balancers[0].rules = vec![rule(1, 4)];
    assert_eq!(world.lacks(), None);
}

#[test]
fn rules_of_others_on_the_same_load_balancer_are_no_concern() {
    let mut world = world();
    world.said.balancers[0].rules.push([("arn:other".to_owned(), 1)].into());
    assert_eq!(world.lacks(), None, "a target group of another Ingress");
    world.said.balancers[0].rules.push([("arn:stable".to_owned(), 1)].into());
    assert!(world.lacks().is_some(), "nobody asked for that");
    let direct = json!({ "backend": { "service": { "name": "stable", "port": { "number": 80 } } } });
    world.ingress["spec"]["rules"][0]["http"]["paths"].as_array_mut().expect("paths").push(direct);
    assert_eq!(world.lacks(), None, "a path that leads to the Service itself");
    world.ingress["spec"]["rules"][0]["http"]["paths"].as_array_mut().expect("paths").pop();
    world.ingress["spec"]["defaultBackend"] = json!({ "service": { "name": "stable", "port": { "number": 80 } } });
    assert_eq!(world.lacks(), None, "what no path takes leads to the Service itself");
}

#[test]
fn an_ingress_is_left_once_its_load_balancer_has_let_the_canary_go() {
    let router = World::router(&json!({ "alb": { "ingress": "edge", "rootService": "root", "servicePort": 80 } }));
    let release = |world: &World| {
        let (objects, now) = (world.objects(), jiff::Timestamp::UNIX_EPOCH);
        router.release(View { objects: &objects, now }, &to("canary", "v2"), &to("stable", "v1"))
    };
    let mut world = world();
    assert_eq!((release(&world).writes.len(), release(&world).behind), (1, None));
    let only = action(0, 100).replace(r#"{"ServiceName":"canary","ServicePort":"80","Weight":0},"#, "");
    world.ingress["metadata"]["annotations"] = json!({ (KEY): only });
    assert_eq!(release(&world).behind.as_deref(), Some("Ingress/edge"), "AWS was asked about another action");
    world.said.actions = [(KEY.to_owned(), only)].into();
    assert_eq!(release(&world).behind.as_deref(), Some("TargetGroup/k8s-stable"), "its rules have not followed");
    world.said.balancers[0].rules = vec![rule(0, 100)];
    assert!(release(&world).is_nothing());
}

#[test]
fn an_error_is_told_where_something_is_lacking_and_only_there() {
    let mut world = world();
    world.said.wrong = Some(Wrong { not_found: false, message: "AWS refuses: AccessDenied".into() });
    assert_eq!((world.observe().verified, world.observe().trouble), (Some(true), None), "what was seen stays true");
    world.ingress["metadata"]["annotations"][KEY] = json!(action(40, 60));
    let trouble = world.observe().trouble.expect("trouble");
    assert_eq!(trouble.to_string(), "Ingress/edge: AWS refuses: AccessDenied");
    assert!(!world.observe().aws.expect("AWS").not_found);
}

#[test]
fn a_delay_and_aws_must_both_agree() {
    let config = json!({
        "alb": { "ingress": "edge", "rootService": "root", "servicePort": 80 },
        "propagationDelaySeconds": 30,
    });
    let router = World::router(&config);
    let mut world = world();
    let written = json!({ "web": { "at": "1970-01-01T00:00:00Z" } }).to_string();
    world.ingress["metadata"]["annotations"][crate::api::labels::ROUTED] = json!(written);
    let verified = |world: &World, second: i64| {
        let (objects, now) = (world.objects(), jiff::Timestamp::from_second(second).expect("a time"));
        router.observe(View { objects: &objects, now }, &to("canary", "v2"), &to("stable", "v1")).verified
    };
    assert_eq!((verified(&world, 29), verified(&world, 30)), (Some(false), Some(true)));
    world.said.balancers[0].rules.clear();
    assert_eq!(verified(&world, 30), Some(false));
}

#[test]
fn the_canary_gets_no_more_requests_than_its_target_group_can_take() {
    let mut world = world();
    assert_eq!(world.change(40).writes.len(), 1);
    world.said.groups.insert("arn:canary".into(), group("canary", &[]));
    let answer = world.change(40);
    let held = answer.held.expect("it waits");
    assert_eq!((answer.writes.len(), held.object.as_str()), (0, "TargetGroup/k8s-canary"));
    assert_eq!(held.message, "the ready pod 10.0.0.2 is not registered");
    let answer = world.change(0);
    assert_eq!((answer.writes.len(), answer.held), (1, None), "an abort waits for nobody");
}

#[test]
fn what_grows_needs_the_pods_of_now_and_not_those_that_were_there_when_aws_was_asked() {
    let mut world = world();
    world.said.now = [("canary".to_owned(), led("v2", &["10.0.0.2", "10.0.0.3"]))].into();
    assert_eq!(world.lacks(), None, "pods that come and go change nothing of what is verified");
    let answer = world.change(50);
    let held = answer.held.expect("it waits");
    assert_eq!((answer.writes.len(), held.message.as_str()), (0, "the ready pod 10.0.0.3 is not registered"));
    world.said.now = [("canary".to_owned(), led("v2", &[]))].into();
    assert_eq!(world.change(50).held.expect("it waits").message, "its Service has no ready pods");
}

#[test]
fn a_promotion_leaves_the_canarys_group_when_the_stable_one_has_the_new_pods() {
    let mut world = world();
    world.annotate(KEY, &action(100, 0));
    let promoted = Routing { stable: to("stable", "v2"), ..routing(0) };
    world.said.services.remove("stable");
    let answer = world.change_to(&promoted);
    let held = answer.held.expect("it waits");
    assert_eq!((answer.writes.len(), held.object.as_str()), (0, "TargetGroup/k8s-stable"));
    world.said.services.insert("stable".into(), led("v2", &["10.0.0.4"]));
    assert_eq!(world.change_to(&promoted).held.expect("it waits").message, "the ready pod 10.0.0.4 is not registered");
    world.said.groups.insert("arn:stable".into(), group("stable", &["10.0.0.4"]));
    let answer = world.change_to(&promoted);
    assert_eq!((answer.writes.len(), answer.held), (1, None));
}

#[test]
fn a_growth_that_aws_says_nothing_of_is_told_in_its_words() {
    let mut world = world();
    world.said.services.remove("canary");
    world.said.wrong = Some(Wrong { not_found: false, message: "AccessDenied".into() });
    let answer = world.change(50);
    assert_eq!(answer.held.expect("it waits").message, "AWS has not been asked since its Service led elsewhere");
    assert_eq!(answer.trouble.expect("trouble").message, "AccessDenied");
    let observed = world.observe();
    assert!(observed.aws.is_some_and(|aws| aws.is_mute && !aws.not_found));
}

#[test]
fn requests_with_a_header_wait_for_the_target_group_too() {
    let mut world = world();
    let beta = json!({ "name": "beta", "match": [{ "headerName": "x", "headerValue": { "exact": "1" } }] });
    let with_header =
        Routing { routes: vec![Route::Header(serde_json::from_value(beta).expect("a route"))], ..routing(20) };
    let ready = world.change_to(&with_header);
    assert_eq!((ready.writes.len(), ready.held), (1, None));
    world.said.groups.insert("arn:canary".into(), group("canary", &[]));
    let answer = world.change_to(&with_header);
    assert_eq!((answer.writes.len(), answer.held.is_some()), (0, true));
}
