//! What a traffic router is to the planner: a pure function over the objects that its data plane reads.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::{Destination, Routing};
use crate::effect::Target;

/// A kind of data plane, and how it is told.
///
/// A router keeps to itself: it changes only the fields that carry weights and its own routes, and leaves everything else of the
/// objects as it finds it.
pub trait TrafficRouter: fmt::Debug + Send + Sync {
    /// Its name, as in the label `traffic_router` of `rollout_info`.
    fn name(&self) -> &str;

    /// What the objects say now of the canary's destination.
    fn observe(&self, objects: &[Value], canary: &Destination) -> Observed;

    /// The patches that make the objects say `routing`; none where they do already. An error says in words which object cannot be
    /// made to say it, and why.
    fn change(&self, objects: &[Value], routing: &Routing) -> Result<Vec<RoutePatch>, String>;
}

/// What a router's objects say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The canary's weight; 0 where nothing is said of it.
    pub weight: i32,
    /// Whether the data plane is known to do what the objects say; `None` where that cannot be known.
    pub verified: Option<bool>,
    /// Whether requests of certain kinds go to the canary besides (`setHeaderRoute`, `setMirrorRoute`).
    pub has_routes: bool,
    /// The revision that the canary's destination leads to, where the router itself says so and no Service does.
    pub hash: Option<String>,
}

/// One patch of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct RoutePatch {
    /// Group and version of the object, as in `apiVersion`.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its identity.
    pub target: Target,
    /// The operations of a JSON Patch, with their preconditions.
    pub operations: Vec<Value>,
}

/// A router of a rollout, with its objects as they are.
#[derive(Clone, Debug)]
pub struct Routed {
    /// The router.
    pub router: Arc<dyn TrafficRouter>,
    /// The objects that carry its weights, as far as they exist.
    pub objects: Vec<Value>,
}
