//! Plugins: programs beside the controller that carry weights and do steps.
//!
//! No worker waits for one. A call is made by a task of its own ([`routers`], [`steps`]), its answer is kept, and touches the Rollout:
//! it is one more observation. [`config`] keeps as many plugins running as `argo-rollouts-config` lists, while this replica leads.

mod config;
mod routers;
mod slot;
mod steps;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use kube::runtime::reflector::Store;
use sluice_core::step_plugin::StepPlugin;
use sluice_core::traffic::Plane;
use sluice_plugin::Kind;
use sluice_plugin_host::{Host, Lookup, Standing};
use tokio::sync::{Notify, mpsc};

pub use self::config::Home;
use self::routers::Routers;
use self::steps::Steps;
use super::caches::{Touch, touch_each};
use super::context::Context;
use super::names::Named;
use super::object::Observed;

/// What is to be done beside the workers.
#[derive(Debug)]
enum Errand {
    /// A data plane has been told something for the first time.
    Router(Plane, Arc<Notify>),
    /// A step plugin is to be called for the Rollout of this uid.
    Step(String),
}

/// The plugins, and what is known of what lies behind them.
#[derive(Debug)]
pub struct Plugins {
    host: Arc<Host>,
    /// Why nobody knows which plugins there are; `Ok` once somebody does.
    known: RwLock<Result<(), Unknown>>,
    routers: Routers,
    steps: Steps,
    errands: mpsc::UnboundedSender<Errand>,
}

/// Why nobody knows which plugins there are.
#[derive(Clone, Debug)]
enum Unknown {
    /// The ConfigMap has not been looked at yet.
    NotYet,
    /// It cannot be, for this reason.
    Unreadable(String),
}

/// What is done about plugins, for [`attend`].
#[derive(Debug)]
pub struct Errands(mpsc::UnboundedReceiver<Errand>);

impl Plugins {
    /// Plugins of a host, of which nothing is known yet.
    pub fn new(host: Arc<Host>) -> (Plugins, Errands) {
        let (errands, waiting) = mpsc::unbounded_channel();
        let known = RwLock::new(Err(Unknown::NotYet));
        (Plugins { host, known, routers: Routers::default(), steps: Steps::default(), errands }, Errands(waiting))
    }

    /// Whether it is known which plugins there are, or that nobody can know.
    pub fn are_known(&self) -> bool {
        !matches!(*self.known.read().unwrap_or_else(PoisonError::into_inner), Err(Unknown::NotYet))
    }

    /// Stops them all, and waits until they have ended.
    pub async fn stop(&self) {
        self.host.stop().await;
    }

    /// Forgets the steps of a rollout that is gone.
    pub fn forget_steps(&self, uid: &str) {
        self.steps.forget(uid);
    }

    /// Forgets the data planes of a rollout that has taken its leave of them.
    pub fn forget_routers(&self, uid: &str) {
        self.routers.forget(uid);
    }

    fn find(&self, kind: Kind, name: &str) -> Lookup {
        match &*self.known.read().unwrap_or_else(PoisonError::into_inner) {
            Ok(()) => self.host.find(kind, name),
            Err(Unknown::NotYet) => Lookup::Absent("argo-rollouts-config has not been read yet".to_owned()),
            Err(Unknown::Unreadable(why)) => Lookup::Absent(why.clone()),
        }
    }

    /// Says whether nobody knew before.
    fn set_known(&self, known: Result<(), Unknown>) -> bool {
        let before = std::mem::replace(&mut *self.known.write().unwrap_or_else(PoisonError::into_inner), known);
        before.is_err()
    }

    fn send(&self, errand: Errand) {
        // The receiver is only gone while the program stops.
        let _ = self.errands.send(errand);
    }

    /// Where a step plugin stands.
    pub fn step_plugin(&self, name: &str) -> StepPlugin {
        match self.find(Kind::Step, name) {
            Lookup::Disabled => StepPlugin::Disabled,
            Lookup::Absent(why) => StepPlugin::Absent(why),
            Lookup::Plugin(plugin) => match plugin.standing().borrow().clone() {
                Standing::Ready(about) => StepPlugin::Ready(about.capabilities),
                Standing::Starting => StepPlugin::NotReady("it is being started".to_owned()),
                Standing::Failing(why) => StepPlugin::NotReady(why),
                Standing::Stopped => StepPlugin::NotReady("it is stopped".to_owned()),
            },
        }
    }
}

/// Does what is to be done about plugins, until the task is stopped.
pub async fn attend(
    Errands(mut errands): Errands,
    home: Home,
    context: Arc<Context>,
    rollouts: Store<Observed>,
    touch: Touch,
) {
    let beat = Beat { context, rollouts, touch };
    let mut under_way: FuturesUnordered<BoxFuture<'static, ()>> = FuturesUnordered::new();
    under_way.push(Box::pin(config::keep(home, beat.clone())));
    loop {
        tokio::select! {
            errand = errands.recv() => match errand {
                Some(Errand::Router(plane, bell)) => under_way.push(Box::pin(routers::attend(plane, bell, beat.clone()))),
                Some(Errand::Step(uid)) => under_way.push(Box::pin(steps::call(uid, beat.clone()))),
                None => return,
            },
            Some(()) = under_way.next() => {}
        }
    }
}

/// What an errand needs to say that something has changed.
#[derive(Clone)]
struct Beat {
    context: Arc<Context>,
    rollouts: Store<Observed>,
    touch: Touch,
}

impl Beat {
    /// Has the Rollouts that name a plugin looked at.
    fn touch_users(&self, kind: Kind, name: &str) {
        let key = (String::new(), name.to_owned());
        let named = match kind {
            Kind::TrafficRouter => Named::Object(sluice_core::traffic::ROUTER_PLUGIN),
            Kind::Step => Named::StepPlugin,
            Kind::MetricProvider => return,
        };
        let users: BTreeSet<_> = self.context.names().who_names(named, &key);
        touch_each(&self.touch, &self.rollouts, users);
    }

    /// Has one Rollout looked at.
    fn touch_one(&self, namespace: &str, name: &str) {
        touch_each(&self.touch, &self.rollouts, [(namespace.to_owned(), name.to_owned())]);
    }
}
