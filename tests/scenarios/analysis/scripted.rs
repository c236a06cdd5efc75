//! A provider whose answers stand in the metric, as that of a plugin: what is measured in virtual time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use sluice::clock::Clock;
use sluice::controller::Clients;
use sluice::providers::{Answer, Job, Provider, Providers, Question};
use sluice_core::analysis::{Phase, Reading};
use sluice_core::api::{Metric, MetricProvider};
use sluice_core::expr;
use sluice_plugin_host::Host;
use tokio::time::Instant;

/// The name of the plugin that it plays.
const NAME: &str = "test/scripted";

/// The providers of the scenarios.
pub fn providers(clients: &Clients, _: Clock, _: &Arc<Host>) -> Providers {
    let job = Job::new(clients.writes.clone(), None);
    Providers::default().with(job).with(Scripted)
}

/// A metric that is answered as `script` says.
pub fn metric(name: &str, more: &Value, script: &Value) -> Value {
    let mut metric = json!({ "name": name, "provider": { "plugin": { NAME: script } } });
    metric.as_object_mut().expect("a metric").extend(more.as_object().expect("fields").clone());
    metric
}

/// `answers`: of each measurement, by its number: a value, or `error`; the last one for ever. `takes`: milliseconds for each. `hangs`:
/// no answer ever. `notes`: whether it says that it has begun. `lane`: whom it asks.
struct Scripted;

thread_local! {
    /// When measurements began, by the name of their run. The scenarios run in one thread each.
    pub static BEGUN: RefCell<BTreeMap<String, Vec<Instant>>> = const { RefCell::new(BTreeMap::new()) };
}

fn script(metric: &Metric) -> &Value {
    metric.provider.plugin.get(NAME).unwrap_or(&Value::Null)
}

impl Provider for Scripted {
    fn name(&self) -> &'static str {
        "Scripted"
    }

    fn is_for(&self, provider: &MetricProvider) -> bool {
        provider.plugin.contains_key(NAME)
    }

    fn lane(&self, metric: &Metric) -> Option<String> {
        Some(script(metric)["lane"].to_string())
    }

    fn limit(&self, _: &Metric) -> Duration {
        Duration::from_secs(30)
    }

    fn measure<'a>(
        &'a self,
        question: &'a Question,
        begun: &'a (dyn Fn(BTreeMap<String, String>) + Send + Sync),
    ) -> BoxFuture<'a, Answer> {
        async move {
            let script = script(&question.metric);
            BEGUN.with_borrow_mut(|begun| begun.entry(question.run.name.clone()).or_default().push(Instant::now()));
            if script["hangs"] == true {
                std::future::pending::<()>().await;
            }
            if script["notes"] == true && !question.is_resumed {
                begun(BTreeMap::from([("job".to_owned(), format!("number {}", question.number))]));
            }
            tokio::time::sleep(Duration::from_millis(script["takes"].as_u64().unwrap_or(0))).await;
            let answers = script["answers"].as_array().map_or(&[][..], Vec::as_slice);
            let at = (question.number as usize - 1).min(answers.len().saturating_sub(1));
            let reading = match answers.get(at) {
                None => Reading::Error { message: "the script is empty".to_owned(), retry_after: None },
                Some(Value::String(word)) if word == "error" => {
                    Reading::Error { message: "the server is on fire".to_owned(), retry_after: None }
                }
                Some(value) => Reading::Value {
                    text: value.to_string(),
                    value: expr::Value::from_json(value).expect("a shallow value"),
                },
            };
            Answer { reading, metadata: question.noted.clone() }
        }
        .boxed()
    }

    fn end<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer> {
        let reading = Reading::Verdict { phase: Phase::Inconclusive, message: "it was ended".to_owned() };
        let metadata = question.noted.clone();
        async { Answer { reading, metadata } }.boxed()
    }
}
