//! One measurement, as a task of its own: the Secrets that it needs, the question, the answer, and what conditions make of it.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::Api;
use sluice_core::analysis::{Phase, Reading, Rules, Taken, Task, Turn, arguments, judge, rules_of};
use sluice_core::api::{AnalysisRun, Measurement, SecretKeyRef};
use sluice_core::time;
use sluice_plugin::{MAX_TEXT, Subject};
use tokio::task::AbortHandle;

use super::super::children::Child as _;
use super::super::context::Context;
use crate::providers::{Answer, Provider, Question};

/// How long a Secret may take to be read.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a provider may take beyond the time in which it gives up by itself.
const GRACE: Duration = Duration::from_secs(5);
/// Secrets that are shorter than this are found in every text.
const SHORTEST_SECRET: usize = 4;

/// The values of Secrets.
type Secrets = BTreeMap<(String, String), String>;

/// Starts a measurement.
pub fn start(cx: &Arc<Context>, run: &Arc<AnalysisRun>, task: &Task) -> AbortHandle {
    let measure = Measure { cx: Arc::clone(cx), run: Arc::clone(run), task: task.clone() };
    tokio::spawn(async move {
        let made = AssertUnwindSafe(measure.make()).catch_unwind().await;
        if made.is_err() {
            // A bug; but the run must not wait for it for ever.
            let now = measure.cx.clock.now();
            let why = "the measurement panicked; please report it with the controller's log".to_owned();
            measure.came(failed(now, now, why), BTreeMap::new());
        }
    })
    .abort_handle()
}

struct Measure {
    cx: Arc<Context>,
    run: Arc<AnalysisRun>,
    task: Task,
}

impl Measure {
    async fn make(&self) {
        let began = self.cx.clock.now();
        let secrets = match self.secrets().await {
            Ok(secrets) => secrets,
            Err(why) => return self.came(failed(began, self.cx.clock.now(), why), BTreeMap::new()),
        };
        let find = |reference: &SecretKeyRef| secrets.get(&(reference.name.clone(), reference.key.clone())).cloned();
        let values = arguments::values(&self.run.spec.args, &self.run.metadata, find);
        let rules = values
            .map_err(|error| error.to_string())
            .and_then(|values| rules_of(&self.run, &self.task.metric, &values));
        let rules = match rules {
            Ok(rules) => rules,
            Err(why) => {
                let why = redact(&secrets, why);
                return self.came(failed(began, self.cx.clock.now(), why), BTreeMap::new());
            }
        };
        let providers = Arc::clone(&self.cx.measurer.providers);
        let Some(provider) = providers.of(&rules.metric.provider) else {
            let why = "its provider is not supported by this version of Sluice".to_owned();
            return self.came(failed(began, self.cx.clock.now(), why), BTreeMap::new());
        };
        self.ask(provider, &rules, &secrets).await;
    }

    async fn ask(&self, provider: &dyn Provider, rules: &Rules, secrets: &Secrets) {
        // Who ends one has no time to wait.
        let lane = provider.lane(&rules.metric).filter(|_| !matches!(self.task.turn, Turn::End(_)));
        let _place = match lane {
            Some(lane) => self.cx.measurer.lanes.enter(lane).await,
            None => None,
        };
        let began = match &self.task.turn {
            Turn::Take => self.cx.clock.now(),
            Turn::Resume(last) | Turn::End(last) => last.started_at.as_ref().map_or(self.cx.clock.now(), |time| time.0),
        };
        let uid = self.run.metadata.uid.as_deref().unwrap_or_default();
        self.cx.measurer.measuring.began(uid, &self.task.metric, began);
        let known: BTreeMap<_, _> =
            provider.describe(&rules.metric).into_iter().map(|(key, text)| (key, redact(secrets, text))).collect();
        let question = self.question(rules);
        let note = |noted: BTreeMap<String, String>| {
            let running = Measurement {
                phase: Phase::Running.as_str().to_owned(),
                started_at: Some(stamp(began)),
                metadata: noted.into_iter().map(|(key, text)| (key, redact(secrets, text))).collect(),
                ..Measurement::default()
            };
            self.came(running, known.clone());
        };
        let limit = provider.limit(&rules.metric).saturating_add(GRACE);
        let asked = async {
            match &self.task.turn {
                Turn::Take | Turn::Resume(_) => provider.measure(&question, &note).await,
                Turn::End(_) => provider.end(&question).await,
            }
        };
        let answer = tokio::time::timeout(limit, asked).await.unwrap_or_else(|_| Answer {
            reading: Reading::Error { message: format!("no answer within {} s", limit.as_secs()), retry_after: None },
            metadata: BTreeMap::new(),
        });
        let ended = self.cx.clock.now();
        self.came(judged(rules, answer, &known, began, ended, secrets), known);
    }

    fn question(&self, rules: &Rules) -> Question {
        let metadata = &self.run.metadata;
        let noted = match &self.task.turn {
            Turn::Take => BTreeMap::new(),
            Turn::Resume(last) | Turn::End(last) => last.metadata.clone(),
        };
        Question {
            run: Subject {
                namespace: metadata.namespace.clone().unwrap_or_default(),
                name: metadata.name.clone().unwrap_or_default(),
                uid: metadata.uid.clone().unwrap_or_default(),
            },
            metric: rules.metric.clone(),
            number: self.task.number,
            noted,
            is_resumed: matches!(self.task.turn, Turn::Resume(_)),
            keep: rules.keep,
        }
    }

    /// Reads the Secrets that arguments of the metric come from.
    async fn secrets(&self) -> Result<Secrets, String> {
        let metric = self.run.spec.metrics.iter().find(|metric| metric.name == self.task.metric);
        let namespace = self.run.metadata.namespace.as_deref().unwrap_or_default();
        let api: Api<Secret> = Api::namespaced(self.cx.measurer.reads.clone(), namespace);
        let mut read = Secrets::new();
        for reference in metric.into_iter().flat_map(|metric| arguments::secrets(metric, &self.run.spec.args)) {
            let SecretKeyRef { name, key } = reference;
            let secret = match tokio::time::timeout(PATIENCE, api.get(name)).await {
                Ok(Ok(secret)) => secret,
                Ok(Err(error)) => return Err(format!("cannot read Secret {namespace}/{name}: {error}")),
                Err(_) => return Err(format!("cannot read Secret {namespace}/{name}: no answer")),
            };
            let value = secret.data.as_ref().and_then(|data| data.get(key));
            let value = value.ok_or_else(|| format!("Secret {namespace}/{name} has no key {key:?}"))?;
            let value = String::from_utf8(value.0.clone());
            let value = value.map_err(|_| format!("key {key:?} of Secret {namespace}/{name} is not a text"))?;
            read.insert((name.clone(), key.clone()), value);
        }
        Ok(read)
    }

    /// Keeps what has come of it until the next pass, and asks for that.
    fn came(&self, mut measurement: Measurement, metadata: BTreeMap<String, String>) {
        let Task { metric, number, .. } = &self.task;
        measurement.message = short(measurement.message);
        measurement.metadata.values_mut().for_each(|text| *text = short(std::mem::take(text)));
        let metadata = metadata.into_iter().map(|(key, text)| (key, short(text))).collect();
        let taken = Taken { metric: metric.clone(), number: *number, measurement, metadata };
        self.cx.measurer.measuring.came(self.run.metadata.uid.as_deref().unwrap_or_default(), taken);
        self.cx.runs.touch(self.run.key());
    }
}

fn stamp(at: Timestamp) -> Time {
    Time(time::floor_to_second(at))
}

fn failed(began: Timestamp, ended: Timestamp, message: String) -> Measurement {
    let phase = Phase::Error.as_str().to_owned();
    Measurement {
        phase,
        message,
        started_at: Some(stamp(began)),
        finished_at: Some(stamp(ended)),
        ..Measurement::default()
    }
}

fn judged(
    rules: &Rules,
    answer: Answer,
    known: &BTreeMap<String, String>,
    began: Timestamp,
    ended: Timestamp,
    secrets: &Secrets,
) -> Measurement {
    let retry_after = match &answer.reading {
        Reading::Error { retry_after, .. } => retry_after.and_then(|after| SignedDuration::try_from(after).ok()),
        _ => None,
    };
    let verdict = judge(rules, answer.reading, known, ended);
    let noted = answer.metadata.into_iter().map(|(key, text)| (key, redact(secrets, text)));
    Measurement {
        phase: verdict.phase.as_str().to_owned(),
        message: redact(secrets, verdict.message),
        started_at: Some(stamp(began)),
        finished_at: Some(stamp(ended)),
        value: redact(secrets, verdict.value),
        metadata: noted.collect(),
        // It may ask for patience.
        resume_at: retry_after.map(|after| Time(time::ceil_to_second(time::after(ended, after)))),
    }
}

/// A text without secrets, in whatever form a provider may say them: as they are, trimmed, line by line, or in a URL. Longer forms go
/// first, as one may begin like another.
fn redact(secrets: &Secrets, text: String) -> String {
    let mut forms: Vec<String> = secrets.values().flat_map(|secret| forms(secret)).collect();
    forms.retain(|form| form.len() >= SHORTEST_SECRET);
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.iter().fold(text, |text, form| text.replace(form.as_str(), "*****"))
}

fn forms(secret: &str) -> Vec<String> {
    let trimmed = secret.trim();
    let one_line = trimmed.split_whitespace().collect::<Vec<_>>().join(" ");
    let percent = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let encoded: String = trimmed.bytes().map(percent).collect();
    let quoted = format!("{trimmed:?}").trim_matches('"').to_owned();
    let lines = trimmed.lines().map(|line| line.trim().to_owned());
    [secret.to_owned(), trimmed.to_owned(), one_line, encoded, quoted].into_iter().chain(lines).collect()
}

/// A text that fits into a status.
fn short(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_a_secret_is_told() {
        let secrets = |all: &[&str]| -> Secrets {
            all.iter().map(|secret| (("s".to_owned(), (*secret).to_owned()), (*secret).to_owned())).collect()
        };
        for (known, text) in [
            (vec!["hush-hush"], "said hush-hush twice: hush-hush"),
            (vec!["hush-hush\n"], "GET https://x/hush-hush answers 500"),
            (vec!["a b/c?d"], "GET https://x/a%20b%2Fc%3Fd answers 500"),
            (vec!["line one\nline two\n"], "cannot use line one line two"),
            (vec!["line one\nline two\n"], "cannot use \"line one\\nline two\""),
            (vec!["hush", "hush-hush"], "hush-hush"),
        ] {
            let told = redact(&secrets(&known), text.to_owned());
            for part in ["hush", "line one", "line two", "b%2Fc"] {
                assert!(!told.contains(part), "{known:?}: {told}");
            }
        }
        assert_eq!(redact(&secrets(&["a"]), "a banana".to_owned()), "a banana");
    }
}
