//! Counting requests to the Kubernetes API by kind, verb and answer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Method, Request, Response};
use kube::client::ClientBuilder;
use kube::{Client, Config};
use tower::{Layer, Service};

use crate::metrics::Metrics;

/// A client whose requests are counted.
pub fn counted_client(config: Config, metrics: &Metrics) -> Result<Client, kube::Error> {
    Ok(ClientBuilder::try_from(config)?.with_layer(&Counting(metrics.clone())).build())
}

#[derive(Clone)]
struct Counting(Metrics);

impl<S> Layer<S> for Counting {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted { inner, metrics: self.0.clone() }
    }
}

#[derive(Clone)]
struct Counted<S> {
    inner: S,
    metrics: Metrics,
}

impl<S, B, C> Service<Request<B>> for Counted<S>
where
    S: Service<Request<B>, Response = Response<C>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (kind, verb) = describe(request.method(), request.uri().path(), request.uri().query().unwrap_or_default());
        let (kind, metrics) = (kind.to_owned(), self.metrics.clone());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            // A request that was never answered has no status.
            metrics.requested(&kind, verb, answer.as_ref().map_or(0, |answer| answer.status().as_u16()));
            answer
        })
    }
}

/// The resource and the verb of a request: `/apis/GROUP/VERSION[/namespaces/NAMESPACE]/RESOURCE[/NAME[/SUBRESOURCE]]`.
fn describe<'a>(method: &Method, path: &'a str, query: &str) -> (&'a str, &'static str) {
    let mut segments = path.trim_matches('/').split('/');
    let prefix = if segments.next() == Some("api") { 1 } else { 2 };
    let rest: Vec<&str> = segments.skip(prefix).collect();
    let rest = match &rest[..] {
        ["namespaces", _, rest @ ..] if !rest.is_empty() => rest,
        rest => rest,
    };
    let named = rest.len() > 1;
    let verb = match method.as_str() {
        "POST" => "Create",
        "PUT" => "Update",
        "PATCH" => "Patch",
        "DELETE" => "Delete",
        _ if query.contains("watch=true") => "Watch",
        _ if named => "Get",
        _ => "List",
    };
    (rest.first().copied().unwrap_or("unknown"), verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_the_resource_and_the_verb() {
        let cases = [
            ("GET", "/apis/argoproj.io/v1alpha1/rollouts", "limit=500", ("rollouts", "List")),
            ("GET", "/apis/argoproj.io/v1alpha1/rollouts", "watch=true", ("rollouts", "Watch")),
            ("PATCH", "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web/status", "", ("rollouts", "Patch")),
            ("POST", "/api/v1/namespaces/shop/events", "", ("events", "Create")),
            ("GET", "/api/v1/namespaces/shop", "", ("namespaces", "Get")),
            ("DELETE", "/apis/apps/v1/namespaces/shop/replicasets/web-1", "", ("replicasets", "Delete")),
            ("GET", "/", "", ("unknown", "List")),
        ];
        for (method, path, query, expected) in cases {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            assert_eq!(describe(&method, path, query), expected, "{path}");
        }
    }
}
