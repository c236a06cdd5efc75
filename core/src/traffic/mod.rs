//! Which share of the traffic goes to which revision, and the routers that carry it there.
//!
//! The planner decides on a [`Routing`]; a [`TrafficRouter`] turns it into patches of the objects that its data plane reads, and says
//! what those objects, and as far as it can know that data plane, do now.

mod alb;
mod ambassador;
mod apisix;
mod app_mesh;
pub mod aws;
mod cookie;
mod diff;
mod gateway_api;
mod heard;
mod ingress;
pub(crate) mod istio;
mod made;
mod memory;
mod nginx;
mod object;
mod plugin;
mod propagation;
mod recorded;
mod retold;
mod router;
mod routers;
mod share;
mod smi;
mod traefik;
mod weight;

pub use crate::object_kind::ObjectKind;
pub(crate) use diff::operations;
pub use memory::remembered_keys;
pub use object::{Pick, Plane, Query, RouteAction, RouteWrite, Seen, Trouble};
pub use plugin::{Heard, ROUTER_PLUGIN, Tell};
pub use recorded::{Recorded, recorded};
pub use router::{Answer, FromAws, Lag, Observed, Routed, TrafficRouter, View};
pub use routers::{former, named};
pub use weight::{Weight, carried, pods};

use crate::api::{SetHeaderRoute, SetMirrorRoute};

/// Where a share of the traffic goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// Its Service; empty where the router tells revisions apart by their hash alone.
    pub service: String,
    /// The revision that it leads to now: what the Service selects, not what it is to select. Without a Service, the one that the
    /// router is to lead to; empty where it is to stay as it is.
    pub hash: String,
}

/// What routers are to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Routing {
    /// Where the new revision is reached.
    pub canary: Destination,
    /// Where the stable revision is reached.
    pub stable: Destination,
    /// The canary's share; the stable destination has what the others leave.
    pub weight: Weight,
    /// Destinations beside these two, with their shares: those of experiments.
    pub additional: Vec<(Destination, i32)>,
    /// Requests that go elsewhere than their weight says, first match first.
    pub routes: Vec<Route>,
}

/// A route that the controller makes for certain requests.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    /// Requests with these headers go to the canary.
    Header(SetHeaderRoute),
    /// Requests like these go to the canary too, and its answers go nowhere.
    Mirror(SetMirrorRoute),
}

impl Routing {
    /// Everything goes to the stable destination.
    pub(crate) fn back_to(canary: &Destination, stable: &Destination, max: i32) -> Routing {
        Routing {
            canary: canary.clone(),
            stable: stable.clone(),
            weight: Weight::new(0, max),
            additional: Vec::new(),
            routes: Vec::new(),
        }
    }

    /// The stable destination's share: what the others leave.
    pub fn rest(&self) -> i32 {
        let additional: i32 = self.additional.iter().map(|(_, share)| share.max(&0)).sum();
        (self.weight.rest() - additional).max(0)
    }
}

impl Route {
    /// Its name, one of `managedRoutes`.
    pub fn name(&self) -> &str {
        match self {
            Route::Header(route) => &route.name,
            Route::Mirror(route) => &route.name,
        }
    }
}
