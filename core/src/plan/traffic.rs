//! The traffic of a canary with routers: how much of it goes where, one move at a time.
//!
//! A share grows when the pods for it are available, and it shrinks as fast as the stable revision can take it. Which revision a
//! destination leads to changes only while no traffic goes there. What status says of weights is what was observed.

use jiff::Timestamp;

use crate::api::{CanaryStatus, ReplicaSet, TrafficWeights, WeightDestination};
use crate::effect::{Effect, Phase, RouteChange};
use crate::event::Note;
use crate::planted::{self, Bug};
use crate::snapshot::Service;
use crate::status::conditions::{self, kind, reason};
use crate::steps;
use crate::strategy::{Roles, Strategy};
use crate::traffic::{Answer, Destination, Observed, Route, Routed, Routing, Weight, carried, pods};

use super::draft::Draft;
use super::{balancers, experiment, lacking, routed};

/// What is known of the traffic now.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic {
    /// Where the new revision is reached, or the one before it still is.
    pub(super) canary: Destination,
    /// Where the stable revision is reached.
    pub(super) stable: Destination,
    /// What each router's objects say, in the order of the routers.
    pub(super) observed: Vec<Observed>,
    /// The lowest weight that a router gives to the canary.
    pub(super) lowest: i32,
    /// The highest.
    pub(super) highest: i32,
    /// Whether data planes are known to do what they were told; `None` where none can say.
    pub(super) verified: Option<bool>,
    /// Whether a router cannot say what its data plane does.
    pub(super) is_in_the_dark: bool,
    /// Whether requests of certain kinds go to the canary, whatever its weight.
    pub(super) has_routes: bool,
    /// Whether a router holds something back until its data plane can do it.
    pub(super) is_held: bool,
}

impl Traffic {
    /// Whether data planes may still do what they were told before.
    pub(super) fn lags(&self) -> bool {
        self.verified == Some(false)
    }

    /// When to look again, where only time can tell whether a data plane has heard.
    pub(super) fn look_again(&self) -> Option<Timestamp> {
        self.observed.iter().filter(|observed| observed.verified == Some(false)).filter_map(|it| it.until).min()
    }

    /// Whether the canary's destination may get requests.
    pub(super) fn reaches_canary(&self) -> bool {
        self.highest > 0 || self.has_routes || self.lags()
    }
}

/// The Services that lead to the two revisions now.
pub(super) fn roles<'a>(d: &Draft<'a>) -> Roles<'a> {
    d.strategy.roles(&d.status)
}

/// What the routers and the Services say.
pub(super) fn observe(d: &Draft<'_>) -> Traffic {
    let roles = roles(d);
    let named = |name: &str| d.s.service(name).and_then(Service::leads_to).unwrap_or_default().to_owned();
    let hash_of =
        |rs: Option<&ReplicaSet>| rs.and_then(ReplicaSet::hash).map_or(String::new(), |hash| hash.to_string());
    let canary = Destination { service: roles.canary.to_owned(), hash: named(roles.canary) };
    let stable = if roles.stable.is_empty() { hash_of(d.revisions.stable) } else { named(roles.stable) };
    let stable = Destination { service: roles.stable.to_owned(), hash: stable };
    let observed: Vec<_> = d.s.routers.iter().map(|routed| routed.observe(d.s.now, &canary, &stable)).collect();
    let mut traffic = Traffic {
        canary,
        stable,
        lowest: observed.iter().map(|observed| observed.lowest).min().unwrap_or(0),
        highest: observed.iter().map(|observed| observed.highest).max().unwrap_or(0),
        verified: observed.iter().filter_map(|observed| observed.verified).reduce(|all, one| all && one),
        is_in_the_dark: observed.iter().any(|observed| observed.verified.is_none()),
        has_routes: observed.iter().any(|observed| observed.has_routes),
        is_held: false,
        observed,
    };
    for observed in super::former::observe(d) {
        // What has not been undone yet still happens.
        traffic.highest = traffic.highest.max(observed.highest);
        traffic.has_routes |= observed.has_routes;
        traffic.verified = traffic.verified.into_iter().chain(observed.verified).reduce(|all, one| all && one);
        traffic.is_in_the_dark |= observed.verified.is_none();
    }
    if roles.canary.is_empty() {
        // The router itself leads to a revision: to the one that it was told, while any requests may go there, and until the new
        // one has its pods.
        let told = traffic.observed.iter().find_map(|observed| observed.hash.clone());
        let new = hash_of(d.revisions.new);
        traffic.canary.hash = match told {
            told if traffic.reaches_canary() => told.unwrap_or(new),
            told if !is_whole(d) => told.unwrap_or_default(),
            _ => new,
        };
    }
    traffic
}

/// Whether the new revision has the pods that it is to have now, and some at least.
fn is_whole(d: &Draft<'_>) -> bool {
    d.revisions.new.is_some_and(|new| new.certain() >= d.strategy.needed(new.wanted()).max(1))
}

/// The canary's weight to aim at, at a step.
pub(super) fn target(d: &Draft<'_>, index: usize) -> i32 {
    let traffic = &d.traffic;
    let max = d.strategy.max_weight();
    if d.status.stable_rs.is_empty() {
        return 0;
    }
    if d.is_complete() {
        // What was promoted keeps its requests until the stable Service leads there too.
        let stable = d.status.stable_rs.as_str();
        let on_its_way = traffic.canary.hash == stable && traffic.stable.hash != stable;
        return if on_its_way { traffic.highest } else { 0 };
    }
    if d.revisions.stable.is_none() {
        // Somebody deleted the ReplicaSet to go back to.
        return if d.status.abort { traffic.highest } else { max };
    }
    let on_trial = d.revisions.new.filter(|new| !d.status.abort && new.has_hash(&traffic.canary.hash));
    let Some(new) = on_trial.filter(|new| new.size().serving() > 0) else { return 0 };
    if d.status.promote_full {
        // All that the stable side has to spare goes over, and the rest with the promotion.
        let grown = if d.strategy.is_dynamic() { carried(new.certain(), max, d.s.replicas()) } else { 0 };
        return grown.max(traffic.highest);
    }
    // Without steps nothing is on trial: the promotion moves the stable destination. Where steps ask for no pods, there are none.
    if d.steps.is_empty() || routed::asked_canary(d, index) == 0 { 0 } else { steps::weight_at(d.steps, index, max) }
}

/// The weight to set on the way from what a router has to a target.
fn next(d: &Draft<'_>, from: &Observed, target: i32) -> i32 {
    let max = d.strategy.max_weight();
    let (lowest, highest) = (from.lowest, from.highest);
    let stable = d.revisions.with_hash(&d.traffic.stable.hash).map_or(0, ReplicaSet::certain);
    let stable = d.s.served(&d.traffic.stable.service, &d.traffic.stable.hash, stable);
    // What the stable side cannot take yet stays where it is.
    let stays = (max - carried(stable, max, carriers(d))).min(highest);
    if target > lowest {
        // An update that begins takes its steps from the next observation on.
        let ready = (is_ready(d, target) && !d.begins) || planted::is(Bug::ShiftsTooEarly);
        return if ready { target.max(stays) } else { lowest.max(stays) };
    }
    if planted::is(Bug::AbortsInOneGo) { target } else { target.max(stays) }
}

/// How many pods carry all of the traffic: no fewer than `maxUnavailable` leaves, and at least one.
pub(super) fn carriers(d: &Draft<'_>) -> i32 {
    d.limits.floor().max(1).min(d.s.replicas())
}

/// The pods that a revision needs to take over the canary's traffic as it is. There is no other way out from one canary to the next
/// where the stable revision serves nobody, or is still too weak for its traffic when the update is overdue.
pub(super) fn carrier_of_last_resort(d: &Draft<'_>) -> Option<i32> {
    let stable = d.revisions.with_hash(&d.traffic.stable.hash);
    let stable = stable.filter(|stable| stable.is_observed() && stable.wanted() > 0)?;
    let late = conditions::reason_of(&d.status, kind::PROGRESSING) == reason::TIMED_OUT;
    let too_weak = stable.certain() == 0 || (late && stable.certain() < carriers(d));
    let led_elsewhere = d.revisions.new.is_none_or(|new| !new.has_hash(&d.traffic.canary.hash));
    let stranded = too_weak && led_elsewhere && d.traffic.highest > 0 && !d.status.abort && d.s.replicas() > 0;
    stranded.then(|| pods(d.traffic.highest, d.strategy.max_weight(), d.s.replicas()).max(1))
}

/// Whether the new revision has the pods for a weight.
fn is_ready(d: &Draft<'_>, weight: i32) -> bool {
    let Some(new) = d.revisions.new else { return false };
    let wanted = if d.status.promote_full {
        pods(weight, d.strategy.max_weight(), d.s.replicas())
    } else {
        routed::desired(d, d.index()).canary
    };
    let serving = d.s.served(&d.traffic.canary.service, &d.traffic.canary.hash, new.certain());
    serving >= d.strategy.needed(wanted).max(1)
}

/// The routes in force at a step: none without pods to send the requests to.
fn routes(d: &Draft<'_>, index: usize) -> Vec<Route> {
    let Strategy::Canary(canary) = d.strategy else { return Vec::new() };
    let Destination { service, hash } = &d.traffic.canary;
    let serves = |new: &ReplicaSet| new.has_hash(hash) && d.s.served(service, hash, new.size().serving()) > 0;
    let asked = !d.status.abort && !d.is_complete() && routed::asked_canary(d, index) > 0;
    let on_trial = asked && d.revisions.new.is_some_and(serves);
    let managed = canary.traffic_routing.as_ref().map_or(&[][..], |routing| &routing.managed_routes);
    if on_trial { steps::routes_at(d.steps, index, managed) } else { Vec::new() }
}

pub(super) fn routing(d: &Draft<'_>, weight: i32, index: usize) -> Routing {
    Routing {
        canary: d.traffic.canary.clone(),
        stable: d.traffic.stable.clone(),
        weight: Weight::new(weight, d.strategy.max_weight()),
        additional: experiment::destinations(d, index),
        routes: routes(d, index),
    }
}

/// Whether every router was told where its destinations lead, and is not known to lag behind that.
pub(super) fn is_told(d: &Draft<'_>) -> bool {
    let index = d.index();
    !d.traffic.lags()
        && d.s.routers.iter().zip(&d.traffic.observed).all(|(routed, observed)| {
            let now = routing(d, observed.lowest, index);
            routed.router.change(routed.view(d.s.now), &now).is_nothing()
        })
}

/// Moves the weights one pass on, and writes down what they are.
pub(super) fn route(d: &mut Draft<'_>) {
    // What a promotion moves, moves once it is stored.
    if d.promotes {
        return;
    }
    balancers::record(d);
    record(d);
    let index = d.index();
    let target = target(d, index);
    let snapshot = d.s;
    let observed = d.traffic.observed.clone();
    for (routed, observed) in snapshot.routers.iter().zip(&observed) {
        let mut wanted = routing(d, next(d, observed, target), index);
        hold_stable(d, routed, &mut wanted);
        tell(d, routed, &wanted);
    }
    if let Some(on) = lacking::now(d, index) {
        d.wait(&on.reason, on.object, on.message);
    }
}

/// Leaves a stable destination where it is that the router itself leads to a revision, as long as the pods of that one cannot take
/// its traffic.
fn hold_stable(d: &mut Draft<'_>, routed: &Routed, wanted: &mut Routing) {
    let weak = d.revisions.stable.filter(|stable| stable.certain() < carriers(d).min(stable.wanted()));
    let Some(stable) = weak.filter(|_| wanted.stable.service.is_empty()) else { return };
    let view = routed.view(d.s.now);
    let all = routed.router.change(view, wanted);
    wanted.stable.hash.clear();
    if routed.router.change(view, wanted) != all {
        let on = lacking::led_later(stable);
        d.wait(&on.reason, on.object, on.message);
    }
}

/// Has a router's objects say it.
pub(super) fn tell(d: &mut Draft<'_>, routed: &Routed, wanted: &Routing) {
    let answer = routed.router.change(routed.view(d.s.now), wanted);
    carry_out(d, routed.router.name(), wanted, answer);
}

/// Plans what a router has to do, and says what it cannot do.
pub(super) fn carry_out(d: &mut Draft<'_>, router: &str, routing: &Routing, answer: Answer) {
    for write in answer.writes {
        let change = RouteChange { router: router.to_owned(), routing: routing.clone(), write };
        let notes = Note::routed(&change).into_iter().collect();
        d.plan(Effect::Route(Box::new(change)), Some(Phase::Shift), notes);
    }
    d.traffic.is_held |= answer.held.is_some();
    if let Some(trouble) = answer.trouble {
        let on = lacking::in_trouble(&trouble);
        d.wait(&on.reason, on.object, on.message);
    }
}

/// Status says what was observed, not what is planned.
fn record(d: &mut Draft<'_>) {
    let traffic = &d.traffic;
    let weight = Weight::new(traffic.lowest, d.strategy.max_weight());
    let destination = |to: &Destination, weight: i32| WeightDestination {
        weight,
        service_name: to.service.clone(),
        pod_template_hash: to.hash.clone(),
    };
    let additional = experiment::shares(d, is_told(d));
    let taken: i32 = additional.iter().map(|share| share.weight).sum();
    let weights = TrafficWeights {
        canary: destination(&traffic.canary, weight.value()),
        stable: destination(&traffic.stable, (weight.rest() - taken).max(0)),
        additional,
        verified: traffic.verified,
    };
    let status = d.status.canary.get_or_insert_default();
    let service = weights.canary.service_name.clone();
    let before = status.weights.replace(weights).map(|before| before.canary);
    // Where two Services take turns, what is said of the other is no change.
    let same_service = before.as_ref().is_none_or(|before| before.service_name == service);
    let before = before.map(|before| before.weight);
    if same_service && before != Some(weight.value()) && (before.is_some() || weight.value() > 0) {
        d.notes.push(Note::weight_updated(before, weight.value()));
    }
}

/// The Service that was on trial is the stable one from now on.
pub(super) fn take_turns(d: &mut Draft<'_>) {
    if !d.strategy.takes_turns() {
        return;
    }
    let CanaryStatus { stable_ping_pong: turn, .. } = d.status.canary.get_or_insert_default();
    if turn == "ping" { "pong" } else { "ping" }.clone_into(turn);
}
