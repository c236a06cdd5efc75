//! Metric providers: where a measurement comes from. One file or folder a provider, and the list of them, [`Providers::new`].
//!
//! A provider is asked beside the workers, and answers once. It does not judge a value: conditions do ([`sluice_core::expr`]). What it
//! says of an error is one line that names whom it asked, and what to do; secrets are never in it.

mod http;
mod job;
mod plugin;
mod prometheus;
mod web;

#[cfg(test)]
mod served;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use sluice_core::analysis::Phase;
pub use sluice_core::analysis::Reading;
use sluice_core::api::{Metric, MetricProvider};
use sluice_plugin::Subject;

use crate::aws::Env;
use crate::clock::Clock;

pub use job::{Elsewhere, Job};
pub use plugin::Plugin;
pub use prometheus::Prometheus;
pub use web::Web;

/// What is to be measured: one metric with its arguments filled in.
#[derive(Clone, Debug)]
pub struct Question {
    /// The AnalysisRun.
    pub run: Subject,
    /// Its metric.
    pub metric: Metric,
    /// Which measurement of the metric, from 1.
    pub number: u32,
    /// What the measurement noted when it began; empty for a new one.
    pub noted: BTreeMap<String, String>,
    /// Whether it goes on with one that has begun.
    pub is_resumed: bool,
    /// Finished measurements that are kept.
    pub keep: usize,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was measured.
    pub reading: Reading,
    /// What users see beside it, such as warnings.
    pub metadata: BTreeMap<String, String>,
}

/// Takes measurements of one kind.
pub trait Provider: Send + Sync {
    /// As it is called in metrics and messages: `Prometheus`, `Web`, `Job`.
    fn name(&self) -> &'static str;

    /// Whether it is the one that a metric names.
    fn is_for(&self, provider: &MetricProvider) -> bool;

    /// Whom it asks: questions with the same text share a limit on how many are asked at once, so that one that hangs delays nobody
    /// else. `None` where there is no limit.
    fn lane(&self, metric: &Metric) -> Option<String>;

    /// The longest that one measurement may take. A provider keeps to it by itself, and says then what took so long.
    fn limit(&self, metric: &Metric) -> Duration;

    /// What users should know before the first measurement, such as `ResolvedPrometheusQuery`.
    fn describe(&self, _metric: &Metric) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Takes a measurement. `begun` tells what is to be remembered of one that takes long, and may be called once.
    fn measure<'a>(
        &'a self,
        question: &'a Question,
        begun: &'a (dyn Fn(BTreeMap<String, String>) + Send + Sync),
    ) -> BoxFuture<'a, Answer>;

    /// Ends one that is under way, because its run is over. Of a provider that never says `begun` nothing is under way but the
    /// question itself, which may as well be dropped: the measurement is not taken, and counts against nobody.
    fn end<'a>(&'a self, _question: &'a Question) -> BoxFuture<'a, Answer> {
        let message = "the run was over before it was taken".to_owned();
        let reading = Reading::Verdict { phase: Phase::Successful, message };
        async { Answer { reading, metadata: BTreeMap::new() } }.boxed()
    }
}

/// All providers that there are.
#[derive(Default)]
pub struct Providers(Vec<Box<dyn Provider>>);

impl Providers {
    /// Needs a TLS provider, which `main` installs.
    pub fn new(env: &Env, clock: Clock) -> Providers {
        let http = Arc::new(http::Http::new(env.clone(), clock));
        Providers(vec![Box::new(Prometheus::new(http.clone(), env.clone(), clock)), Box::new(Web::new(http))])
    }

    /// Adds one.
    #[must_use]
    pub fn with(mut self, provider: impl Provider + 'static) -> Providers {
        self.0.push(Box::new(provider));
        self
    }

    /// The one that a metric names; none where there is none of its kind.
    pub fn of(&self, provider: &MetricProvider) -> Option<&dyn Provider> {
        self.0.iter().map(Box::as_ref).find(|one| one.is_for(provider))
    }
}

/// What a limit allows beyond the time in which a provider gives up, so that it is the one who says why.
const MARGIN: Duration = Duration::from_secs(1);
/// The longest text of a value: it lives in the status of its run.
const LONGEST: usize = sluice_plugin::MAX_VALUE;

/// A value with the text that the status shows, cut where it gets long.
fn value(value: sluice_core::expr::Value, mut text: String) -> Reading {
    if text.len() > LONGEST {
        let end = text.floor_char_boundary(LONGEST - '…'.len_utf8());
        text.truncate(end);
        text.push('…');
    }
    Reading::Value { value, text }
}

/// What went wrong, to be tried again as any error is.
fn error(message: String) -> Reading {
    Reading::Error { message, retry_after: None }
}

/// What a question came to, as an answer.
fn answer(outcome: Result<Answer, http::Failure>) -> Answer {
    outcome.unwrap_or_else(|http::Failure { message, retry_after }| {
        let reading = Reading::Error { message, retry_after };
        Answer { reading, metadata: BTreeMap::new() }
    })
}

/// Whom questions are put to: the server of an address, or nobody as long as there is none.
fn lane(provider: &str, address: Option<&reqwest::Url>) -> String {
    let server = address.map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    format!("{provider} {server}")
}
