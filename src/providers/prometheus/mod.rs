//! Prometheus, and whatever speaks its API: Thanos, Mimir, Amazon Managed Service for Prometheus.

mod answer;
mod range;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use sluice_core::api::{Metric, MetricProvider, PrometheusMetric};
use tokio::time::Instant;

use super::http::{Ask, Failure, Http, Identity, headers};
use super::{Answer, Provider, Question};
use crate::aws::Env;
use crate::aws::sign::form;
use crate::clock::Clock;

/// Where the server is, for metrics that do not say it.
const ADDRESS: &str = "ARGO_ROLLOUTS_PROMETHEUS_ADDRESS";
/// The query with its arguments filled in, for users.
const RESOLVED: &str = "ResolvedPrometheusQuery";
const PATIENCE: Duration = Duration::from_secs(30);
/// What gives a query more time.
const SETTING: &str = "the timeout of the metric";
/// Amazon's servers are told by this part of their address.
const OF_AMAZON: &str = "aps-workspaces";

/// Asks Prometheus.
pub struct Prometheus {
    http: Arc<Http>,
    env: Env,
    clock: Clock,
}

impl Prometheus {
    pub(super) fn new(http: Arc<Http>, env: Env, clock: Clock) -> Prometheus {
        Prometheus { http, env, clock }
    }

    /// Where a metric's server is.
    fn address(&self, metric: &PrometheusMetric) -> Result<Url, Failure> {
        let (text, of) = match metric.address.as_deref().filter(|address| !address.is_empty()) {
            Some(address) => (address.to_owned(), "the address of the metric"),
            None => ((self.env)(ADDRESS).unwrap_or_default(), ADDRESS),
        };
        if text.is_empty() {
            return Err(Failure::new(format!(
                "prometheus address is not configured: set it in the metric, or {ADDRESS}"
            )));
        }
        let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        url.ok_or_else(|| {
            Failure::new(format!("{of} is no URL of http or https, such as http://prometheus.monitoring:9090"))
        })
    }

    async fn ask(&self, metric: &PrometheusMetric) -> Result<Answer, Failure> {
        let query = metric.query.as_deref().filter(|query| !query.trim().is_empty());
        let query = query.ok_or_else(|| Failure::new("the metric has no query for Prometheus"))?;
        if metric.timeout.is_some_and(|seconds| seconds < 0) {
            return Err(Failure::new("prometheus timeout should not be negative"));
        }
        let address = self.address(metric)?;
        let mut pairs = vec![("query", query.to_owned())];
        let path = match &metric.range_query {
            None => "api/v1/query",
            Some(range) => {
                pairs.extend(range::pairs(range, self.clock.now())?);
                "api/v1/query_range"
            }
        };
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let begun = Instant::now();
        let ask = request(metric, address.clone(), path, &pairs, Method::POST)?;
        let answered = self.http.send(ask, patience(metric), SETTING).await?;
        // Some proxies let nothing but reading through.
        let answered = match answered.status.as_u16() {
            405 | 501 => {
                let ask = request(metric, address, path, &pairs, Method::GET)?;
                self.http.send(ask, patience(metric).saturating_sub(begun.elapsed()), SETTING).await?
            }
            _ => answered,
        };
        answer::read(&answered)
    }
}

/// A query as a request.
fn request(
    metric: &PrometheusMetric,
    mut url: Url,
    path: &str,
    pairs: &[(&str, &str)],
    method: Method,
) -> Result<Ask, Failure> {
    let identity = Identity::of(metric.authentication.as_ref(), url.as_str().contains(OF_AMAZON))?;
    url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
    let mut headers = headers(&metric.headers)?;
    let mut body = Vec::new();
    if method == Method::POST {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        body = form(pairs).into_bytes();
    } else {
        let given = url.query().map(|query| format!("{query}&")).unwrap_or_default();
        url.set_query(Some(&(given + &form(pairs))));
    }
    Ok(Ask { method, url, headers, body, insecure: metric.insecure, identity })
}

fn patience(metric: &PrometheusMetric) -> Duration {
    let given = metric.timeout.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    given.map_or(PATIENCE, Duration::from_secs)
}

impl Provider for Prometheus {
    fn name(&self) -> &'static str {
        "Prometheus"
    }

    fn is_for(&self, provider: &MetricProvider) -> bool {
        provider.prometheus.is_some()
    }

    fn lane(&self, metric: &Metric) -> Option<String> {
        let address = metric.provider.prometheus.as_ref().and_then(|metric| self.address(metric).ok());
        Some(super::lane(self.name(), address.as_ref()))
    }

    fn limit(&self, metric: &Metric) -> Duration {
        metric.provider.prometheus.as_ref().map_or(PATIENCE, patience) + super::MARGIN
    }

    fn describe(&self, metric: &Metric) -> BTreeMap<String, String> {
        let query = metric.provider.prometheus.as_ref().and_then(|metric| metric.query.clone());
        query.filter(|query| !query.is_empty()).map(|query| (RESOLVED.to_owned(), query)).into_iter().collect()
    }

    fn measure<'a>(
        &'a self,
        question: &'a Question,
        _begun: &'a (dyn Fn(BTreeMap<String, String>) + Send + Sync),
    ) -> BoxFuture<'a, Answer> {
        async {
            let metric = question.metric.provider.prometheus.as_ref();
            let metric = metric.ok_or_else(|| Failure::new("the metric is none of Prometheus"));
            super::answer(match metric {
                Ok(metric) => self.ask(metric).await,
                Err(failure) => Err(failure),
            })
        }
        .boxed()
    }
}
