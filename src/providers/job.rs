//! `job`: a Kubernetes Job whose end is the verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use k8s_openapi::api::batch::v1::Job as KubeJob;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde_json::{Value, json};
use sluice_core::analysis::{Phase, Reading};
use sluice_core::api::{API_VERSION, JobMetric, Metric, MetricProvider};
use tokio::time::Instant;

use super::{Answer, Provider, Question, error};

/// What a measurement remembers of its Job.
const JOB_NAME: &str = "job-name";
/// Label of Jobs: which run.
const RUN_UID: &str = "analysisrun.argoproj.io/uid";
/// Annotation of Jobs: the run's name,
const RUN_NAME: &str = "analysisrun.argoproj.io/name";
/// and that of its metric.
const METRIC_NAME: &str = "analysisrun.argoproj.io/metric-name";
/// The longest name that a Job can have: its pods have it as a label.
const LONGEST_NAME: usize = 63;
/// Reasons for which a container does not start before somebody mends its image.
const BAD_IMAGE: [&str; 3] = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"];
/// The shortest and the longest time between two looks at a Job.
const LOOKS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How long a Job may not be looked at before its measurement is an error.
const BLIND: Duration = Duration::from_mins(1);
/// How often a Job is deleted before it is left to the end of its run.
const ATTEMPTS: u32 = 5;

/// Runs Jobs.
pub struct Job {
    client: Client,
    /// Where they run, where that is not the namespace of the analysis run.
    elsewhere: Option<Elsewhere>,
}

/// Where Jobs run that do not run beside their analysis run.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    /// The namespace; that of the analysis run where none is given.
    pub namespace: Option<String>,
}

impl Job {
    /// Runs Jobs through this client.
    pub fn new(client: Client, elsewhere: Option<Elsewhere>) -> Job {
        Job { client, elsewhere }
    }

    fn api(&self, question: &Question) -> Api<KubeJob> {
        Api::namespaced(self.client.clone(), self.namespace(question))
    }

    fn namespace<'a>(&'a self, question: &'a Question) -> &'a str {
        let elsewhere = self.elsewhere.as_ref().and_then(|elsewhere| elsewhere.namespace.as_deref());
        elsewhere.unwrap_or(&question.run.namespace)
    }

    /// Creates the Job of a measurement, or finds the one that was created before.
    async fn begin(&self, question: &Question) -> Result<KubeJob, String> {
        let (name, namespace) = (name(question), self.namespace(question));
        let job = question.metric.provider.job.clone().unwrap_or_default();
        let manifest = manifest(&name, &job, question, self.elsewhere.is_none());
        let wrong = |error: &dyn std::fmt::Display| format!("cannot create Job {namespace}/{name}: {error}");
        let job: KubeJob = serde_json::from_value(manifest).map_err(|error| wrong(&error))?;
        let api = self.api(question);
        let error = match api.create(&PostParams::default(), &job).await {
            Ok(created) => return Ok(created),
            Err(error) => error,
        };
        match api.get_opt(&name).await {
            // An earlier attempt took effect.
            Ok(Some(job)) if is_of(&job, question) => Ok(job),
            Ok(Some(_)) => Err(format!("cannot create Job {namespace}/{name}: there is one, of somebody else")),
            Ok(None) | Err(_) => Err(wrong(&error)),
        }
    }

    /// Looks at a Job until it has ended.
    async fn end_of(&self, name: &str, question: &Question) -> Reading {
        let (api, namespace) = (self.api(question), self.namespace(question));
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let start = Instant::now();
        let mut blind_since = None;
        loop {
            let found = api.get_opt(name).await;
            if found.is_ok() {
                blind_since = None;
            }
            match found {
                Ok(None) => return error(format!("Job {namespace}/{name} is gone, and had not ended")),
                Ok(Some(job)) => {
                    if let Some(reading) = verdict(&job) {
                        return reading;
                    }
                    let of_job = ListParams::default().labels(&format!("{JOB_NAME}={name}"));
                    let pods = pods.list(&of_job).await.map(|list| list.items).unwrap_or_default();
                    if let Some(reading) = pods.iter().find_map(bad_image) {
                        return reading;
                    }
                }
                // The next look may say more; but somebody waits for an answer.
                Err(error) => {
                    let since = *blind_since.get_or_insert_with(Instant::now);
                    if is_refused(&error) || since.elapsed() >= BLIND {
                        return super::error(format!(
                            "cannot look at Job {namespace}/{name}, which may still run: {error}"
                        ));
                    }
                }
            }
            tokio::time::sleep(next_look(start.elapsed())).await;
        }
    }

    /// Deletes a Job, in several attempts: nobody else ends it. One that is gone was deleted by an earlier attempt, or by somebody.
    async fn delete(&self, question: &Question, name: &str) -> Result<(), kube::Error> {
        let api = self.api(question);
        let mut attempt = 1;
        loop {
            let error = match api.delete(name, &DeleteParams::foreground()).await {
                Ok(_) => return Ok(()),
                Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(()),
                Err(error) => error,
            };
            if attempt == ATTEMPTS {
                return Err(error);
            }
            attempt += 1;
            tokio::time::sleep(LOOKS.0).await;
        }
    }

    /// Deletes the Jobs of measurements that are not kept any more.
    async fn tidy(&self, question: &Question) {
        let api = self.api(question);
        let of_run = ListParams::default().labels(&format!("{RUN_UID}={}", question.run.uid));
        let Ok(jobs) = api.list(&of_run).await else { return };
        for name in surplus(jobs.items, question) {
            // Whoever comes next tries again.
            let _ = api.delete(&name, &DeleteParams::background()).await;
        }
    }
}

impl Provider for Job {
    fn name(&self) -> &'static str {
        "Job"
    }

    fn is_for(&self, provider: &MetricProvider) -> bool {
        provider.job.is_some()
    }

    fn lane(&self, _: &Metric) -> Option<String> {
        // A Job that runs keeps no other from running.
        None
    }

    fn limit(&self, _: &Metric) -> Duration {
        // `activeDeadlineSeconds` is theirs.
        Duration::MAX
    }

    fn measure<'a>(
        &'a self,
        question: &'a Question,
        begun: &'a (dyn Fn(BTreeMap<String, String>) + Send + Sync),
    ) -> BoxFuture<'a, Answer> {
        async move {
            let name = match question.noted.get(JOB_NAME).filter(|_| question.is_resumed) {
                Some(name) => name.clone(),
                None => match self.begin(question).await {
                    Ok(job) => job.metadata.name.unwrap_or_default(),
                    Err(message) => return Answer { reading: error(message), metadata: BTreeMap::new() },
                },
            };
            let metadata = BTreeMap::from([(JOB_NAME.to_owned(), name.clone())]);
            if !question.is_resumed {
                begun(metadata.clone());
            }
            let reading = self.end_of(&name, question).await;
            self.tidy(question).await;
            Answer { reading, metadata }
        }
        .boxed()
    }

    fn end<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer> {
        async move {
            let name = question.noted.get(JOB_NAME).cloned().unwrap_or_else(|| name(question));
            let message = match self.delete(question, &name).await {
                Ok(()) => format!("Job {name} was ended, because its run is over"),
                Err(error) => format!("its run is over; Job {name} cannot be deleted: {error}"),
            };
            let reading = Reading::Verdict { phase: Phase::Inconclusive, message };
            Answer { reading, metadata: question.noted.clone() }
        }
        .boxed()
    }
}

/// Whether the API server has said no, which it will say again.
fn is_refused(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if [401, 403].contains(&status.code))
}

/// The name of a measurement's Job: the same one each time that it is asked for.
fn name(question: &Question) -> String {
    let (uid, number) = (&question.run.uid, question.number);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c.to_ascii_lowercase() } else { '-' };
    let mut metric: String = question.metric.name.chars().map(plain).collect();
    let room = LONGEST_NAME.saturating_sub(uid.len() + 2 + number.to_string().len());
    if metric != question.metric.name || metric.len() > room || metric.trim_matches(['-', '.']) != metric {
        // Another metric may look the same by then.
        let mark = format!("{:07x}", fnv1a(&question.metric.name) & 0x0fff_ffff);
        metric.truncate(room.saturating_sub(mark.len() + 1));
        let plain = metric.trim_matches(['-', '.']);
        metric = if plain.is_empty() { mark } else { format!("{plain}-{mark}") };
    }
    format!("{uid}.{metric}.{number}")
}

/// FNV-1a.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn manifest(name: &str, job: &JobMetric, question: &Question, is_owned: bool) -> Value {
    let said = job.metadata.clone().unwrap_or_default();
    let (mut labels, mut annotations) = (said.labels, said.annotations);
    labels.insert(RUN_UID.to_owned(), question.run.uid.clone());
    annotations.insert(RUN_NAME.to_owned(), question.run.name.clone());
    annotations.insert(METRIC_NAME.to_owned(), question.metric.name.clone());
    let mut metadata = json!({ "name": name, "labels": labels, "annotations": annotations });
    if is_owned {
        let (name, uid) = (&question.run.name, &question.run.uid);
        let owner = json!({
            "apiVersion": API_VERSION, "kind": "AnalysisRun", "name": name, "uid": uid,
            "controller": true, "blockOwnerDeletion": true,
        });
        metadata["ownerReferences"] = json!([owner]);
    }
    json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": job.spec })
}

fn is_of(job: &KubeJob, question: &Question) -> bool {
    let label = job.metadata.labels.as_ref().and_then(|labels| labels.get(RUN_UID));
    label == Some(&question.run.uid) && is_of_metric(job, question)
}

fn is_of_metric(job: &KubeJob, question: &Question) -> bool {
    let annotation = job.metadata.annotations.as_ref().and_then(|annotations| annotations.get(METRIC_NAME));
    annotation == Some(&question.metric.name)
}

/// How a Job has ended, if it has.
fn verdict(job: &KubeJob) -> Option<Reading> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    let holds = |kind: &str| conditions.iter().find(|condition| condition.type_ == kind && condition.status == "True");
    if holds("Complete").is_some() {
        return Some(Reading::Verdict { phase: Phase::Successful, message: String::new() });
    }
    let failed = holds("Failed")?;
    let said = [failed.reason.as_deref(), failed.message.as_deref()];
    let said: Vec<&str> = said.into_iter().flatten().filter(|said| !said.is_empty()).collect();
    let name = job.metadata.name.as_deref().unwrap_or_default();
    let message = format!("Job {name} has failed: {}", said.join(": "));
    Some(Reading::Verdict { phase: Phase::Failed, message })
}

/// A pod that waits for its image says nothing about the version.
fn bad_image(pod: &Pod) -> Option<Reading> {
    let status = pod.status.as_ref()?;
    let containers = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
    let waiting =
        containers.filter_map(|container| Some((&container.image, container.state.as_ref()?.waiting.as_ref()?)));
    let (image, waiting) = waiting
        .into_iter()
        .find(|(_, waiting)| waiting.reason.as_deref().is_some_and(|reason| BAD_IMAGE.contains(&reason)))?;
    let (pod, reason) =
        (pod.metadata.name.as_deref().unwrap_or_default(), waiting.reason.as_deref().unwrap_or_default());
    let message = format!("pod {pod} cannot start: {reason} of image {image}");
    Some(Reading::Verdict { phase: Phase::Inconclusive, message })
}

/// Looks become rarer with time. (Argo Rollouts looks as often.)
fn next_look(elapsed: Duration) -> Duration {
    Duration::from_secs_f64((2.0 * elapsed.as_secs_f64()).sqrt()).clamp(LOOKS.0, LOOKS.1)
}

/// The Jobs of a metric that have ended, but for the newest ones.
fn surplus(mut jobs: Vec<KubeJob>, question: &Question) -> Vec<String> {
    jobs.retain(|job| is_of_metric(job, question) && verdict(job).is_some());
    let number = |job: &KubeJob| {
        let name = job.metadata.name.as_deref().unwrap_or_default();
        name.rsplit('.').next().and_then(|number| number.parse::<u32>().ok()).unwrap_or(0)
    };
    jobs.sort_by_key(number);
    let surplus = jobs.len().saturating_sub(question.keep.max(1));
    jobs.into_iter().take(surplus).filter_map(|job| job.metadata.name).collect()
}

#[cfg(test)]
mod tests {
    use sluice_plugin::Subject;

    use super::*;

    fn question(metric: &str, number: u32) -> Question {
        let uid = "f0a3ab6a-18c1-4b6a-a1a0-7e17a8d1a0c1".to_owned();
        let provider =
            json!({ "job": { "metadata": { "labels": { "team": "shop" } }, "spec": { "backoffLimit": 0 } } });
        let metric = json!({ "name": metric, "provider": provider });
        Question {
            run: Subject { namespace: "shop".into(), name: "web-1".into(), uid },
            metric: serde_json::from_value(metric).expect("a metric"),
            number,
            noted: BTreeMap::new(),
            is_resumed: false,
            keep: 2,
        }
    }

    #[test]
    fn a_job_is_named_after_its_measurement() {
        let uid = "f0a3ab6a-18c1-4b6a-a1a0-7e17a8d1a0c1";
        assert_eq!(name(&question("smoke", 3)), format!("{uid}.smoke.3"));
        let names =
            ["Load Test_", "load test_", "integration-test-checkout-eu", "integration-test-checkout-us", "速度", "."];
        let made: std::collections::BTreeSet<String> = names.iter().map(|metric| name(&question(metric, 12))).collect();
        assert_eq!(made.len(), names.len(), "{made:?}");
        for name in made {
            assert!(name.len() <= LONGEST_NAME && !name.contains("..") && !name.contains(".-"), "{name}");
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c)), "{name}");
        }
    }

    #[test]
    fn a_job_says_whose_it_is() {
        let question = question("smoke", 1);
        let job = question.metric.provider.job.clone().expect("a Job");
        let made = manifest("n", &job, &question, true);
        assert_eq!(made["metadata"]["labels"], json!({ "team": "shop", RUN_UID: question.run.uid }));
        assert_eq!(made["metadata"]["annotations"], json!({ RUN_NAME: "web-1", METRIC_NAME: "smoke" }));
        assert_eq!(made["metadata"]["ownerReferences"][0]["name"], "web-1");
        assert_eq!(made["spec"], json!({ "backoffLimit": 0 }));
        assert!(manifest("n", &job, &question, false)["metadata"]["ownerReferences"].is_null());
        let stored: KubeJob = serde_json::from_value(made).expect("a Job");
        assert!(is_of(&stored, &question));
    }

    fn ended(number: u32, conditions: &Value) -> KubeJob {
        let metadata = json!({ "name": format!("u.smoke.{number}"), "annotations": { METRIC_NAME: "smoke" } });
        serde_json::from_value(json!({ "metadata": metadata, "status": { "conditions": conditions } })).expect("a Job")
    }

    #[test]
    fn the_end_of_a_job_is_the_verdict() {
        let is = |kind: &str, status: &str| json!([{ "type": kind, "status": status, "reason": "BackoffLimitExceeded", "message": "too often" }]);
        let phase = |job: &KubeJob| match verdict(job) {
            Some(Reading::Verdict { phase, message }) => Some((phase, message)),
            _ => None,
        };
        assert_eq!(phase(&ended(1, &is("Complete", "True"))), Some((Phase::Successful, String::new())));
        let why = "Job u.smoke.1 has failed: BackoffLimitExceeded: too often".to_owned();
        assert_eq!(phase(&ended(1, &is("Failed", "True"))), Some((Phase::Failed, why)));
        for goes_on in [is("Failed", "False"), is("FailureTarget", "True"), is("Suspended", "True"), json!([])] {
            assert_eq!(phase(&ended(1, &goes_on)), None);
        }
    }

    #[test]
    fn an_image_that_cannot_be_had_is_inconclusive() {
        let pod = |reason: &str| {
            let state = json!({ "waiting": { "reason": reason } });
            let container = json!({ "name": "c", "image": "no:1", "imageID": "", "ready": false, "restartCount": 0, "state": state });
            let pod = json!({ "metadata": { "name": "p" }, "status": { "containerStatuses": [container] } });
            serde_json::from_value::<Pod>(pod).expect("a pod")
        };
        let Some(Reading::Verdict { phase, message }) = bad_image(&pod("ImagePullBackOff")) else {
            panic!("a verdict")
        };
        assert_eq!(
            (phase, message.as_str()),
            (Phase::Inconclusive, "pod p cannot start: ImagePullBackOff of image no:1")
        );
        assert!(bad_image(&pod("ContainerCreating")).is_none());
    }

    #[test]
    fn the_newest_jobs_are_kept() {
        let done = json!([{ "type": "Complete", "status": "True" }]);
        let mut jobs: Vec<KubeJob> = [10, 2, 9, 1].into_iter().map(|number| ended(number, &done)).collect();
        jobs.push(ended(0, &json!([])));
        assert_eq!(surplus(jobs, &question("smoke", 11)), ["u.smoke.1", "u.smoke.2"]);
    }

    #[test]
    fn looks_become_rarer() {
        let waits = [0, 2, 8, 50, 100_000].map(|seconds| next_look(Duration::from_secs(seconds)).as_secs());
        assert_eq!(waits, [1, 2, 4, 10, 30]);
    }
}
