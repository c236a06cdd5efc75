//! Any web service that answers in JSON, or in a word.

mod json;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use sluice_core::api::{Metric, MetricProvider, WebMetric};
use sluice_core::expr;
use sluice_core::jsonpath::Path;

use super::http::{Ask, Failure, Http, Identity, headers};
use super::{Answer, Provider, Question, Reading, value};

const PATIENCE: Duration = Duration::from_secs(10);
/// What a metric means that does not say what of the answer it wants.
const ALL: &str = "{$}";

/// Asks web services.
pub struct Web {
    http: Arc<Http>,
}

impl Web {
    pub(super) fn new(http: Arc<Http>) -> Web {
        Web { http }
    }

    async fn ask(&self, metric: &WebMetric) -> Result<Answer, Failure> {
        let text = metric.json_path.as_deref().filter(|path| !path.is_empty()).unwrap_or(ALL);
        let path =
            Path::parse(text).map_err(|error| Failure::new(format!("the jsonPath {text} does not read: {error}")))?;
        let ask = request(metric)?;
        let answered = self.http.send(ask, patience(metric), "timeoutSeconds of the metric").await?;
        let answered = answered.success("; see the url of the metric")?;
        let reading = read(&answered.body, &path).map_err(|why| answered.unusable(&why))?;
        Ok(Answer { reading, metadata: BTreeMap::new() })
    }
}

/// A metric as a request.
fn request(metric: &WebMetric) -> Result<Ask, Failure> {
    let method = match metric.method.as_deref().unwrap_or_default() {
        "" | "GET" => Method::GET,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        other => {
            return Err(Failure::new(format!("{other:?} is no method of a web metric; there are GET, POST and PUT")));
        }
    };
    let body = metric.body.as_deref().filter(|body| !body.is_empty());
    let json = metric.json_body.as_ref().filter(|json| !json.is_null());
    if body.is_some() && json.is_some() {
        return Err(Failure::new("use either Body or JSONBody; both cannot exists for WebMetric payload"));
    }
    if method == Method::GET && (body.is_some() || json.is_some()) {
        return Err(Failure::new("Body/JSONBody can only be used with POST or PUT WebMetric Method types"));
    }
    let url =
        Url::parse(metric.url.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| Failure::new("the url of the metric is no URL of http or https"))?;
    let mut headers = headers(&metric.headers)?;
    if json.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let body = match json {
        Some(json) => json.to_string().into_bytes(),
        None => body.unwrap_or_default().as_bytes().to_vec(),
    };
    let identity = Identity::of(metric.authentication.as_ref(), false)?;
    if metric.authentication.as_ref().and_then(|all| all.sigv4.as_ref()).is_some_and(super::http::is_filled) {
        return Err(Failure::new(
            "web metrics are not signed: sigv4 is for Prometheus; use oauth2, basicAuth or headers",
        ));
    }
    Ok(Ask { method, url, headers, body, insecure: metric.insecure, identity })
}

/// What an answer says: the first value that the path leads to, or, if it is no JSON, its text.
fn read(body: &[u8], path: &Path) -> Result<Reading, String> {
    let document = match json::parse(body)? {
        json::Body::Text(text) => return Ok(value(expr::Value::text(text.as_str()), text)),
        json::Body::Json(document) => document,
    };
    let path_of =
        |error: &dyn std::fmt::Display| format!("answers, but jsonPath {} leads nowhere: {error}", path.text());
    let found = path.find(&document).map_err(|error| path_of(&error))?;
    let first = found.first().ok_or_else(|| path_of(&"there are no such values"))?;
    let found = expr::Value::from_json(first).map_err(|error| format!("answers with what is too deep: {error}"))?;
    Ok(value(found, json::text(first)))
}

fn patience(metric: &WebMetric) -> Duration {
    let given = metric.timeout_seconds.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    given.map_or(PATIENCE, Duration::from_secs)
}

impl Provider for Web {
    fn name(&self) -> &'static str {
        "Web"
    }

    fn is_for(&self, provider: &MetricProvider) -> bool {
        provider.web.is_some()
    }

    fn lane(&self, metric: &Metric) -> Option<String> {
        let url = metric.provider.web.as_ref().and_then(|metric| Url::parse(metric.url.trim()).ok());
        Some(super::lane(self.name(), url.as_ref()))
    }

    fn limit(&self, metric: &Metric) -> Duration {
        metric.provider.web.as_ref().map_or(PATIENCE, patience) + super::MARGIN
    }

    fn measure<'a>(
        &'a self,
        question: &'a Question,
        _begun: &'a (dyn Fn(BTreeMap<String, String>) + Send + Sync),
    ) -> BoxFuture<'a, Answer> {
        async {
            super::answer(match question.metric.provider.web.as_ref() {
                Some(metric) => self.ask(metric).await,
                None => Err(Failure::new("the metric is none of a web service")),
            })
        }
        .boxed()
    }
}
