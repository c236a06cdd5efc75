//! What a traffic router is to the planner: a pure function over the objects that its data plane reads.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::object::{Query, RouteWrite, Seen, Trouble};
use super::{Destination, Routing};
use crate::api::AlbStatus;
use crate::sight::Sight;

/// A kind of data plane, and how it is told.
///
/// A router keeps to itself: it changes only the fields that carry weights and its own routes, and leaves everything else of the
/// objects as it finds it.
pub trait TrafficRouter: fmt::Debug + Send + Sync {
    /// Its name, as in the label `traffic_router` of `rollout_info`.
    fn name(&self) -> &str;

    /// The objects that it reads, and may change.
    fn queries(&self) -> Vec<Query>;

    /// What it asks whoever runs its data plane, where somebody may ask: objects that no API server has. The answers are among its
    /// objects.
    fn asks(&self) -> Vec<Query> {
        Vec::new()
    }

    /// What the objects say now of the two destinations.
    fn observe(&self, view: View<'_>, canary: &Destination, stable: &Destination) -> Observed;

    /// The writes that make the objects say `routing`; none where they do already.
    fn change(&self, view: View<'_>, routing: &Routing) -> Answer;

    /// The writes that leave the objects to whoever comes next: everything goes to the stable destination, and nothing that the
    /// router made is left.
    fn release(&self, view: View<'_>, canary: &Destination, stable: &Destination) -> Answer;
}

/// The objects of a router at one moment.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What was found for its queries.
    pub objects: &'a [Seen],
    /// The time.
    pub now: Timestamp,
}

/// What a router has to do. Where one of its objects is in trouble, the others are told all the same: an abort must reach as many
/// as it can.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Its writes.
    pub writes: Vec<RouteWrite>,
    /// What keeps it from telling all.
    pub trouble: Option<Trouble>,
    /// The object, as `Kind/name`, that a data plane has to take up before a router that is left has more to do.
    pub behind: Option<String>,
    /// What a data plane lacks of taking what it is to be given; it is not told of that before.
    pub held: Option<Lag>,
}

/// What a data plane lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The object that it is about, as `Kind/name`.
    pub object: String,
    /// In words.
    pub message: String,
}

/// What AWS says to a router.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FromAws {
    /// The load balancers and target groups, by Ingress.
    pub statuses: Vec<AlbStatus>,
    /// Whether it does not answer.
    pub is_mute: bool,
    /// Whether a load balancer is not there, rather than not to be asked.
    pub not_found: bool,
}

impl Answer {
    /// Whether everything is said.
    pub fn is_nothing(&self) -> bool {
        *self == Answer::default()
    }

    /// Adds what is to be done to one more object.
    pub fn add(&mut self, one: Result<Option<RouteWrite>, Trouble>) {
        match one {
            Ok(write) => self.writes.extend(write),
            Err(trouble) => self.trouble = self.trouble.take().or(Some(trouble)),
        }
    }
}

/// What a router's objects say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The canary's weight, in the rule where it has least; 0 where nothing is said of it.
    pub lowest: i32,
    /// The same, in the rule where it has most.
    pub highest: i32,
    /// Whether the data plane is known to do what the objects say; `None` where that cannot be known.
    pub verified: Option<bool>,
    /// The object that a data plane has not taken up yet, as `Kind/name`.
    pub behind: Option<String>,
    /// What that is, where more is known of it.
    pub lag: Option<String>,
    /// What AWS says, where it is asked.
    pub aws: Option<FromAws>,
    /// When that is believed to be over, where only time can tell (`propagationDelaySeconds`).
    pub until: Option<Timestamp>,
    /// Why the data plane does not do what they say, where it says so.
    pub trouble: Option<Trouble>,
    /// Whether requests of certain kinds go to the canary besides (`setHeaderRoute`, `setMirrorRoute`).
    pub has_routes: bool,
    /// The revision that the canary's destination leads to, where the router itself says so and no Service does.
    pub hash: Option<String>,
}

/// A router of a rollout, with its objects as they are.
#[derive(Clone, Debug)]
pub struct Routed {
    /// The router.
    pub router: Arc<dyn TrafficRouter>,
    /// What was found for its queries.
    pub objects: Vec<Seen>,
}

impl Routed {
    /// What its objects say now of the two destinations. Of one that cannot be read nobody knows what it says, so that the data plane
    /// may do anything.
    pub fn observe(&self, now: Timestamp, canary: &Destination, stable: &Destination) -> Observed {
        let mut observed = self.router.observe(self.view(now), canary, stable);
        if let Some(seen) = self.objects.iter().find(|seen| matches!(seen.object, Sight::Unreadable(_))) {
            observed.verified = Some(false);
            observed.behind = Some(seen.reference());
            observed.trouble = observed.trouble.or_else(|| seen.found().err());
        }
        observed
    }

    /// What it has to do so that nothing that it did is left. One that cannot be read may have something left.
    pub fn release(&self, now: Timestamp, canary: &Destination, stable: &Destination) -> Answer {
        let mut answer = self.router.release(self.view(now), canary, stable);
        let unreadable = self.objects.iter().filter(|seen| matches!(seen.object, Sight::Unreadable(_)));
        for seen in unreadable {
            answer.add(seen.found().map(|_| None));
        }
        answer
    }

    /// Its objects at a moment.
    pub fn view(&self, now: Timestamp) -> View<'_> {
        View { objects: &self.objects, now }
    }
}
