use serde_json::json;
use sluice_plugin::{Share, Weights};

use super::*;
use crate::api::SetHeaderRoute;
use crate::traffic::Weight;

fn router() -> Plugin {
    let client =
        Client { namespace: "shop".into(), name: "web".into(), uid: "u".into(), max: 100, ..Client::default() };
    Plugin::new(&client, "example/router", &json!({ "file": "web" }))
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

fn said(routing: &Routing) -> sluice_plugin::Routing {
    words::routing(routing, 100).0
}

fn apply(weight: i32) -> Tell {
    Tell::Apply(Apply {
        rollout: router().rollout(),
        config: json!({ "file": "web" }),
        routing: said(&routing(weight)),
    })
}

/// The data plane does `weight`, was told so, and confirms it or not.
fn doing(weight: i32, verified: Option<bool>) -> Heard {
    let routing = said(&routing(weight));
    let observation = Observation { verified, ..Observation::of(&routing) };
    Heard {
        capabilities: Some(BTreeSet::new()),
        told: Some(apply(weight)),
        seen: Some((routing, observation)),
        ..Heard::default()
    }
}

fn with<R>(heard: &Heard, ask: impl FnOnce(View<'_>) -> R) -> R {
    let objects = [apply(0).plane("example/router").seen(heard)];
    ask(View { objects: &objects, now: "2026-01-01T00:00:00Z".parse().expect("a time") })
}

fn change(heard: &Heard, routing: &Routing) -> Answer {
    with(heard, |view| router().change(view, routing))
}

/// The call that is made, where one is.
fn told(answer: &Answer) -> Option<Tell> {
    answer.writes.first().map(|write| match &write.action {
        RouteAction::Tell(tell) => (**tell).clone(),
        other => panic!("{other:?}"),
    })
}

fn observe(heard: &Heard) -> Observed {
    with(heard, |view| router().observe(view, &to("canary", "v2"), &to("stable", "v1")))
}

#[test]
fn a_data_plane_is_looked_at_before_it_is_told_anything() {
    let unknown = Heard { capabilities: Some(BTreeSet::new()), ..Heard::default() };
    let Some(Tell::Observe(ask)) = told(&change(&unknown, &routing(20))) else { panic!("no question") };
    assert_eq!((ask.routing.canary.weight, ask.rollout.name.as_str()), (20, "web"));
    let asking = Heard { telling: Some(Tell::Observe(ask)), ..unknown };
    assert_eq!(change(&asking, &routing(20)), Answer::default(), "the answer is waited for");
    let seen = observe(&asking);
    assert_eq!((seen.lowest, seen.highest, seen.verified, seen.has_routes), (0, 100, Some(false), true), "anything");
    let mute = Heard { trouble: Some("cannot read it".into()), ..asking };
    assert_eq!(told(&change(&mute, &routing(20))), Some(apply(20)), "it may do what it is told all the same");
}

#[test]
fn it_is_told_what_is_to_be_and_not_again_while_it_does_that() {
    let heard = doing(20, Some(true));
    assert_eq!(told(&change(&heard, &routing(50))), Some(apply(50)));
    assert_eq!(change(&heard, &routing(20)), Answer::default());
    let telling = Heard { telling: Some(apply(50)), ..heard.clone() };
    assert_eq!(change(&telling, &routing(50)), Answer::default(), "it is on its way");
    assert_eq!(told(&change(&telling, &routing(0))), Some(apply(0)), "a newer word goes before an older one");
    let changed = Heard { told: Some(apply(20)), ..doing(90, Some(true)) };
    assert_eq!(told(&change(&changed, &routing(20))), Some(apply(20)), "somebody changed it");
    let restarted = Heard { told: None, ..heard };
    assert_eq!(told(&change(&restarted, &routing(20))), Some(apply(20)), "details beside the weights are not seen");
}

#[test]
fn a_service_that_leads_elsewhere_is_told() {
    let heard = doing(0, Some(true));
    let promoted = Routing { stable: to("stable", "v2"), ..routing(0) };
    assert!(told(&change(&heard, &promoted)).is_some_and(|tell| tell != apply(0)));
}

#[test]
fn while_it_is_told_it_may_do_the_one_or_the_other() {
    let telling = Heard { telling: Some(apply(50)), ..doing(20, Some(true)) };
    let seen = observe(&telling);
    assert_eq!((seen.lowest, seen.highest, seen.verified), (20, 50, Some(false)));
    assert_eq!(seen.behind.as_deref(), Some("TrafficRouterPlugin/example/router"));
}

#[test]
fn what_it_has_not_answered_it_may_do_all_the_same() {
    let maybe = vec![said(&routing(50)), said(&routing(10))];
    let seen = observe(&Heard { telling: Some(apply(0)), maybe, ..doing(20, Some(true)) });
    assert_eq!((seen.lowest, seen.highest), (0, 50));
}

#[test]
fn what_it_says_is_what_is_observed() {
    for verified in [None, Some(true), Some(false)] {
        assert_eq!(observe(&doing(20, verified)).verified, verified);
    }
    let mut heard = doing(20, Some(false));
    let (_, observation) = heard.seen.as_mut().expect("an observation");
    observation.weights = Weights { canary: Share { lowest: 10, highest: 30 }, ..Weights::default() };
    (observation.behind, observation.message) = (Some("edge-2".into()), Some("edge-2 is full".into()));
    let seen = observe(&heard);
    assert_eq!((seen.lowest, seen.highest), (10, 30));
    assert_eq!(seen.behind.as_deref(), Some("TrafficRouterPlugin/example/router"));
    assert_eq!(seen.lag.as_deref(), Some("edge-2 is behind"));
    assert_eq!(seen.trouble.expect("trouble").to_string(), "TrafficRouterPlugin/example/router: edge-2 is full");
}

#[test]
fn a_plugin_that_cannot_be_called_is_believed_no_more() {
    let heard = Heard { trouble: Some("the plugin is not there".into()), ..doing(20, Some(true)) };
    let seen = observe(&heard);
    assert_eq!((seen.lowest, seen.highest, seen.verified), (20, 20, Some(false)));
    assert_eq!(seen.trouble.expect("trouble").message, "the plugin is not there");
}

#[test]
fn shares_belong_to_services_that_may_have_changed_places() {
    let heard = doing(20, Some(true));
    let seen = with(&heard, |view| router().observe(view, &to("stable", "v1"), &to("canary", "v2")));
    assert_eq!((seen.lowest, seen.highest), (80, 80));
    let heavy = Client { max: 1000, ..router().client };
    let heavy = Plugin::new(&heavy, "example/router", &Value::Null);
    let seen = with(&heard, |view| heavy.observe(view, &to("canary", "v2"), &to("stable", "v1")));
    assert_eq!((seen.lowest, seen.highest), (200, 200), "out of another total");
}

#[test]
fn a_route_that_it_does_not_do_is_trouble_and_nothing_is_sent() {
    let beta: SetHeaderRoute =
        serde_json::from_value(json!({"name": "beta", "match": [{"headerName": "x", "headerValue": {"exact": "1"}}]}))
            .expect("a route");
    let wanted = Routing { routes: vec![Route::Header(beta)], ..routing(20) };
    let answer = change(&doing(0, Some(true)), &wanted);
    let why = "the plugin does not do setHeaderRoute: it has no capability \"headerRoutes\"";
    assert_eq!((answer.writes.len(), answer.trouble.map(|trouble| trouble.message)), (0, Some(why.to_owned())));
    let can = Heard { capabilities: Some([capability::HEADER_ROUTES.to_owned()].into()), ..doing(0, Some(true)) };
    let Some(Tell::Apply(call)) = told(&change(&can, &wanted)) else { panic!("no call") };
    let route = json!([{"header": {"name": "beta", "match": [{"headerName": "x", "headerValue": {"exact": "1"}}]}}]);
    assert_eq!(json!(call.routing.routes), route);
}

#[test]
fn it_gives_everything_back_once() {
    let release = |heard: &Heard| with(heard, |view| router().release(view, &to("canary", "v2"), &to("stable", "v1")));
    let Some(call @ Tell::Release(_)) = told(&release(&doing(20, Some(true)))) else { panic!("no call") };
    let asked = Heard { telling: Some(call.clone()), ..doing(20, Some(true)) };
    let answer = release(&asked);
    let behind = Some("TrafficRouterPlugin/example/router".to_owned());
    assert_eq!((answer.writes.len(), answer.trouble.clone(), answer.behind), (0, None, behind));
    let gone = Heard { trouble: Some("no plugin is configured".into()), ..asked };
    let why = release(&gone).trouble.expect("trouble").message;
    assert!(why.starts_with("no plugin is configured; ") && why.contains("rollout.argoproj.io/routes-by"), "{why}");
    assert_eq!(release(&Heard { told: Some(call), ..Heard::default() }), Answer::default());
}
