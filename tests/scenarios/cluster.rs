//! What a scenario needs of a cluster. The cluster owns time, so that the same text runs against a real API server and in
//! virtual time.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use kube::Client;

use crate::programs::Programs;

/// A Kubernetes cluster in which a Sluice controller acts.
pub trait Cluster: Send + Sync {
    /// A client with every right.
    fn client(&self) -> Client;

    /// The cluster's time.
    fn now(&self) -> Timestamp;

    /// Lets time pass.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;

    /// The controller's writes in a namespace since the cluster began, events and leases apart, as `verb path`.
    fn writes(&self, namespace: &str) -> BoxFuture<'_, Vec<String>>;

    /// Programs beside the controller, where it is real time that passes.
    fn programs(&self) -> Option<&Programs>;
}
