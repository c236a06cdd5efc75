//! How many pods each ReplicaSet should have: arithmetic alone, no Kubernetes objects.
//!
//! Read in this order: [`limits`] resolves `maxSurge` and `maxUnavailable`, [`split`](mod@split) turns a weight into two counts, and
//! [`basic`] says how far one pass may move towards that split without breaking the limits. [`routed`] is for canaries whose
//! traffic a router splits.

pub mod basic;
pub mod limits;
pub mod routed;
pub mod split;

pub use basic::{BasicCanary, OldReplicaSet, Size, shrink_old};
pub use limits::Limits;
pub use routed::{CanaryScale, RoutedCanary};
pub use split::{Split, split};
