//! What a transcript needs of a cluster. The cluster owns time, so that the same text runs against a real API server and,
//! in virtual time, against an in-process one.

use std::time::Duration;

use futures::future::BoxFuture;
use kube::Client;
use serde_json::Value;

/// A Kubernetes API that is held to the transcripts.
pub trait Target: Send + Sync {
    /// A client with every right, whose `send` gives answers as they are.
    fn client(&self) -> Client;

    /// Lets time pass.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;

    /// Credentials with which kubectl reaches it, as the content of a kubeconfig file.
    fn kubeconfig(&self) -> Value;

    /// Whether this is the one that transcripts are recorded from.
    fn is_real(&self) -> bool;

    /// Waits until a new namespace has what controllers put into each, so that no transcript sees it appear.
    fn settle<'a>(&'a self, namespace: &'a str) -> BoxFuture<'a, ()>;
}
