//! `plugin`: a program of the user's that takes measurements.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sluice_core::analysis::{Phase, Reading};
use sluice_core::api::{Metric, MetricProvider};
use sluice_core::expr;
use sluice_plugin::{
    DescribeMetric, Failure, Kind, Measurement, MetricPhase, ResumeMetric, RunMetric, TerminateMetric, capability,
};
use sluice_plugin_host::{CallError, Host, Lookup, Plugin as Called, Standing};

use super::{Answer, Provider, Question, error};

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time until a measurement that runs is resumed, where its plugin does not say; and the shortest such time.
const RESUMES: (Duration, Duration) = (Duration::from_secs(10), Duration::from_millis(500));

/// Asks plugins.
pub struct Plugin {
    host: Arc<Host>,
}

impl Plugin {
    /// Asks those of this host.
    pub fn new(host: Arc<Host>) -> Plugin {
        Plugin { host }
    }

    fn find(&self, name: &str) -> Result<Called, String> {
        match self.host.find(Kind::MetricProvider, name) {
            Lookup::Plugin(plugin) => Ok(plugin),
            Lookup::Disabled => Err(format!("the plugin {name:?} is disabled in argo-rollouts-config")),
            Lookup::Absent(why) => Err(why),
        }
    }

    /// Asks until the measurement does not run any more.
    async fn ask(
        &self,
        question: &Question,
        note: &(dyn Fn(BTreeMap<String, String>) + Send + Sync),
    ) -> Result<Answer, Trouble> {
        let (name, of) = asked(question);
        let plugin = self.find(name)?;
        let mut known = BTreeMap::new();
        let mut said = if question.is_resumed {
            Measurement { metadata: question.noted.clone(), ..Measurement::new(MetricPhase::Running, "") }
        } else {
            let describe = DescribeMetric {
                analysis_run: of.analysis_run.clone(),
                metric: of.metric.clone(),
                config: of.config.clone(),
            };
            // Nice to have: what a plugin cannot describe, it can measure.
            known = plugin.call(&describe, PATIENCE).await.map(|described| described.metadata).unwrap_or_default();
            let said = plugin.call(&of, PATIENCE).await?;
            if said.phase == MetricPhase::Running {
                note(said.metadata.clone());
            }
            said
        };
        while said.phase == MetricPhase::Running {
            let wait = said.resume_after_ms.map_or(RESUMES.0, Duration::from_millis).max(RESUMES.1);
            tokio::time::sleep(wait).await;
            said = plugin.call(&ResumeMetric { of: of.clone(), measurement: said }, PATIENCE).await?;
        }
        known.extend(said.metadata.clone());
        Ok(Answer { reading: read(said), metadata: known })
    }
}

/// Why there is no answer.
struct Trouble {
    message: String,
    retry_after: Option<Duration>,
}

impl From<String> for Trouble {
    fn from(message: String) -> Trouble {
        Trouble { message, retry_after: None }
    }
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Trouble {
        let retry_after = match &error {
            CallError::Failed(Failure::Unavailable { retry_after, .. }) => *retry_after,
            _ => None,
        };
        Trouble { message: error.to_string(), retry_after }
    }
}

impl Trouble {
    fn answer(self, plugin: &str) -> Answer {
        let Trouble { message, retry_after } = self;
        let reading = Reading::Error { message: format!("plugin {plugin}: {message}"), retry_after };
        Answer { reading, metadata: BTreeMap::new() }
    }
}

/// The plugin's name, and what it is asked.
fn asked(question: &Question) -> (&str, RunMetric) {
    let named = question.metric.provider.plugin.iter().next();
    let (name, config) = named.map(|(name, config)| (name.as_str(), config.clone())).unwrap_or_default();
    let metric = question.metric.name.clone();
    (name, RunMetric { analysis_run: question.run.clone(), metric, number: question.number, config })
}

/// What a plugin says, as conditions and people see it.
fn read(said: Measurement) -> Reading {
    let verdict = |phase: Phase| Reading::Verdict { phase, message: said.message.clone() };
    match said.phase {
        MetricPhase::Measured => match said.value.as_ref().map(expr::Value::from_json) {
            Some(Ok(value)) => Reading::Value { value, text: said.value.unwrap_or_default().to_string() },
            Some(Err(_)) => error("its value is nested too deep".to_owned()),
            None => error("it has measured, and says no value".to_owned()),
        },
        MetricPhase::Successful => verdict(Phase::Successful),
        MetricPhase::Failed => verdict(Phase::Failed),
        MetricPhase::Inconclusive => verdict(Phase::Inconclusive),
        MetricPhase::Error => error(said.message),
        MetricPhase::Running => error("it runs still".to_owned()),
    }
}

impl Provider for Plugin {
    fn name(&self) -> &'static str {
        "Plugin"
    }

    fn is_for(&self, provider: &MetricProvider) -> bool {
        !provider.plugin.is_empty()
    }

    fn lane(&self, _: &Metric) -> Option<String> {
        // Each plugin says how many calls it takes at a time; between them a measurement that runs keeps no other from running.
        None
    }

    fn limit(&self, _: &Metric) -> Duration {
        // Each call has one; how many there are, the plugin says.
        Duration::MAX
    }

    fn measure<'a>(
        &'a self,
        question: &'a Question,
        begun: &'a (dyn Fn(BTreeMap<String, String>) + Send + Sync),
    ) -> BoxFuture<'a, Answer> {
        async move {
            let name = asked(question).0;
            self.ask(question, begun).await.unwrap_or_else(|trouble| trouble.answer(name))
        }
        .boxed()
    }

    fn end<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer> {
        async move {
            let (name, of) = asked(question);
            let measurement =
                Measurement { metadata: question.noted.clone(), ..Measurement::new(MetricPhase::Running, "") };
            let ended = async {
                let plugin = self.find(name)?;
                let standing = plugin.standing().borrow().clone();
                if !matches!(standing, Standing::Ready(about) if about.capabilities.contains(capability::TERMINATE)) {
                    let message = "its run is over; the plugin cannot end a measurement".to_owned();
                    return Ok(Reading::Verdict { phase: Phase::Inconclusive, message });
                }
                Ok::<_, Trouble>(read(plugin.call(&TerminateMetric { of, measurement }, PATIENCE).await?))
            };
            match ended.await {
                Ok(reading) => Answer { reading, metadata: question.noted.clone() },
                Err(trouble) => trouble.answer(name),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_plugin_says_is_a_value_or_a_verdict() {
        let said = |phase, message: &str| read(Measurement::new(phase, message));
        assert!(matches!(read(Measurement::of(0.5)), Reading::Value { text, .. } if text == "0.5"));
        assert!(
            matches!(read(Measurement::of(json!([1, {"a": null}]))), Reading::Value { text, .. } if text == r#"[1,{"a":null}]"#)
        );
        for (phase, verdict) in [
            (MetricPhase::Successful, Phase::Successful),
            (MetricPhase::Failed, Phase::Failed),
            (MetricPhase::Inconclusive, Phase::Inconclusive),
        ] {
            assert!(
                matches!(said(phase, "why"), Reading::Verdict { phase, message } if phase == verdict && message == "why")
            );
        }
        for phase in [MetricPhase::Error, MetricPhase::Measured, MetricPhase::Running] {
            assert!(matches!(said(phase, ""), Reading::Error { .. }));
        }
    }
}
