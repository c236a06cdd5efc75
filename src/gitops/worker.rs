//! One Application: what its sources say, how the cluster stands to it, and what is done about it, pass by pass.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sluice_core::api::Application;
use sluice_core::effect::merge::merge_patch;
use sluice_core::gitops::hook::FINALIZER;
use sluice_core::gitops::key::Key;
use sluice_core::gitops::orphans::{self, Candidate};
use sluice_core::gitops::plan::{is_left_alone, plan};
use sluice_core::gitops::project::Project;
use sluice_core::gitops::snapshot::{Effect, Hook, Live, Object, Outcome, Plan, Rendered, Snapshot, Write};
use sluice_core::gitops::tracking::{Owner, application_of};
use sluice_core::gitops::{guard, leave, operation, unsupported};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Gitops;
use super::execute::execute;
use super::judge::Judge;
use super::sources::Sources;
use crate::controller::children::version_number;

/// The annotation by which a look at the sources is asked for.
pub const REFRESH: &str = "argocd.argoproj.io/refresh";
/// When it was asked for.
pub const REFRESH_AT: &str = "argocd.argoproj.io/refresh-timestamp";
/// Time until a cache is looked at again that lags behind.
const CHANGED: Duration = Duration::from_millis(200);
/// Time until a status that could not be written is planned anew.
const BACK_OFF: Duration = Duration::from_secs(2);

/// An Application and what is remembered of it between passes.
pub struct Worker {
    cx: Arc<Gitops>,
    namespace: String,
    name: String,
    sources: Sources,
    judge: Judge,
    /// What became of the last effects.
    outcomes: Vec<Outcome>,
    /// The version of the last own write: no plan is made of anything older.
    written: Option<u64>,
}

/// When to look again.
enum Next {
    /// At once.
    Now,
    /// After this long, or when something changes.
    After(Duration),
    /// It is gone.
    Gone,
}

impl Worker {
    /// A worker for an Application, which may not be there.
    pub fn new(cx: Arc<Gitops>, namespace: &str, name: &str) -> Worker {
        Worker {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            sources: Sources::new(Arc::clone(&cx)),
            judge: Judge::new(Arc::clone(&cx)),
            cx,
            outcomes: Vec::new(),
            written: None,
        }
    }

    /// Works until the Application is gone.
    pub async fn run(mut self, touched: Arc<Notify>) {
        loop {
            let wait = match Box::pin(self.pass()).await {
                Next::Now => Duration::ZERO,
                Next::After(wait) => wait,
                Next::Gone => {
                    self.cx.note_reads(&self.namespace, &self.name, None);
                    self.cx.metrics.orphaned(&self.namespace, &self.name, None);
                    self.let_hooks_go().await;
                    return;
                }
            };
            let _ = tokio::time::timeout(wait, touched.notified()).await;
        }
    }

    async fn pass(&mut self) -> Next {
        let Some(application) = self.cx.application(&self.namespace, &self.name) else { return Next::Gone };
        let version = version_number(application.metadata.resource_version.as_deref());
        if self.written.is_some() && version < self.written {
            return Next::After(CHANGED);
        }
        if !self.cx.leads() || is_left_alone(&application) || self.is_anothers(&application) {
            return Next::After(self.cx.poll);
        }
        let asked = application.annotation(REFRESH).map(str::to_owned);
        let is_leaving = application.metadata.deletion_timestamp.is_some();
        if is_leaving && !leave::is_held(&application) {
            return Next::After(self.cx.poll);
        }
        let destination = &application.spec.destination.namespace;
        self.judge.owner = Owner::new(&self.cx.home, &self.namespace, &self.name, destination)
            .of(self.cx.lineage(&self.namespace, &self.name));
        let project = match self.ask(&application).await {
            Ok(project) => project,
            Err(why) => {
                tracing::warn!(application = self.name, namespace = self.namespace, why, "an Application waits");
                return Next::After(BACK_OFF);
            }
        };
        let against = project.as_ref().map_or(true, |project| !project.problems(&application).is_empty());
        let began = Instant::now();
        let is_held = against || !unsupported::problems(&application).is_empty();
        let is_pinned = operation::pinned(application.status()).is_some_and(|result| !result.commits().is_empty())
            || operation::sent(application.status()).is_some();
        // Whether it is the sources' turn to say something new.
        let asks = !is_leaving && !is_held && !is_pinned;
        let nothing = |rendered| (rendered, (Vec::new(), Vec::new()));
        let (rendered, (objects, hooks)) = match (is_leaving, is_held) {
            (true, _) => match self.look_back(&application).await {
                Ok(found) => (Rendered::Waiting, found),
                Err(why) => nothing(Rendered::Failed(why)),
            },
            (false, true) => nothing(Rendered::Waiting),
            (false, false) => match self.look(&application, asked.as_deref()).await {
                Ok(looked) => looked,
                Err(why) => nothing(Rendered::Failed(why)),
            },
        };
        self.cx.metrics.reconciled(&application, began.elapsed());
        let poll = self.poll();
        let newest =
            if is_pinned && !is_leaving && !is_held { self.sources.newest(&application, poll).await } else { None };
        let orphans = if is_leaving || is_held { Vec::new() } else { self.orphans(&application, &objects).await };
        let snapshot = Snapshot {
            now: self.cx.clock.now(),
            orphans,
            rendered,
            objects,
            hooks,
            newest,
            outcomes: std::mem::take(&mut self.outcomes),
            project,
            application,
        };
        let plan = plan(&snapshot);
        // What was asked for while a sync keeps to its commit is still to be done.
        let asked = asked.filter(|_| asks || is_held);
        Box::pin(self.carry_out(snapshot, plan, asked, asks)).await
    }

    /// What it may do, and what is healthy: both are said in the controller's namespace.
    async fn ask(&mut self, application: &Application) -> Result<Result<Project, String>, String> {
        let project = self.cx.project(application).await?;
        self.judge.rules = self.cx.health.rules().await?;
        self.judge.project = project.clone().unwrap_or_else(|_| Project::open(application.spec.project()));
        Ok(project)
    }

    /// What is in the Application's namespace that no Application has, where its project asks to be told.
    async fn orphans(&self, application: &Application, objects: &[Object]) -> Vec<Key> {
        let (cx, to) = (&self.cx, &application.spec.destination);
        let Some(monitoring) = self.judge.project.orphans().filter(|_| !to.namespace.is_empty()) else {
            cx.metrics.orphaned(&self.namespace, &self.name, None);
            return Vec::new();
        };
        let candidates = match cx.orphans.of(&cx.cluster, &to.namespace).await {
            Ok(candidates) => candidates,
            Err(why) => {
                tracing::warn!(
                    application = self.name,
                    namespace = self.namespace,
                    why,
                    "cannot look for orphaned resources"
                );
                return Vec::new();
            }
        };
        let own: HashSet<&Key> = objects.iter().map(|object| &object.key).collect();
        let is_had = |it: &Candidate| {
            let owner = it.tracking.as_deref().and_then(|id| application_of(id, &cx.home));
            owner.is_some_and(|(namespace, name)| cx.application(&namespace, &name).is_some()) || own.contains(&it.key)
        };
        let permits = |key: &Key| self.judge.project.permits(key, to).is_ok() && cx.cluster.is_beyond(key).is_none();
        let orphans = orphans::orphans(monitoring, &candidates, is_had, permits);
        cx.metrics.orphaned(&self.namespace, &self.name, Some(orphans.len()));
        if monitoring.warns() { orphans } else { Vec::new() }
    }

    /// Lets what hooks have left behind go, when the Application has gone without its objects.
    async fn let_hooks_go(&self) {
        let cluster = &self.cx.cluster;
        if !self.cx.leads() {
            return;
        }
        for (version, value) in cluster.watched(&self.judge.owner.prefix()) {
            let (key, uid) = (Key::of(&value), value["metadata"]["uid"].as_str().unwrap_or_default());
            let is_held =
                Live::of(&value, &self.judge.owner, &[], &self.judge.rules).hook.is_some_and(|ran| ran.is_held);
            if !is_held {
                continue;
            }
            if let Err(why) = cluster.let_go(&key, &version, uid, FINALIZER).await {
                tracing::warn!(application = self.name, namespace = self.namespace, object = %key, why, "cannot let a hook go");
            }
        }
    }

    /// Whether another controller has written its status.
    fn is_anothers(&self, application: &Application) -> bool {
        let by = &application.status().controller_namespace;
        !by.is_empty() && *by != self.cx.home
    }

    async fn carry_out(&mut self, s: Snapshot, mut plan: Plan, asked: Option<String>, asks: bool) -> Next {
        let violations = guard::check(&s, &plan);
        for violation in &violations {
            tracing::error!(application = self.name, object = %violation.key, why = violation.why, "the guard holds a deletion back");
        }
        if let Some(violation) = violations.first() {
            // A sync that would go on without it would never come to its end.
            plan.effects.clear();
            plan.look_again = None;
            operation::stop(
                &s,
                &mut plan.status,
                &format!("the guard holds back that {} goes: {}", violation.key, violation.why),
            );
        }
        self.cx.home.clone_into(&mut plan.status.controller_namespace);
        if !self.store(&s.application, &plan, asked.as_deref()).await {
            self.outcomes = s.outcomes;
            return Next::After(BACK_OFF);
        }
        if !plan.effects.is_empty() {
            let is_release = plan.effects.iter().any(|effect| matches!(effect, Effect::Release { .. }));
            self.outcomes = execute(&self.cx, &s.application, plan.effects).await;
            let is_leaving = s.application.metadata.deletion_timestamp.is_some();
            if is_release || is_leaving && self.outcomes.iter().any(|outcome| outcome.result.is_err()) {
                // The cache will say that it is gone, or what was refused is tried again.
                return Next::After(BACK_OFF);
            }
            let tidied = |outcome: &Outcome| outcome.write == Write::Tidied;
            for outcome in self.outcomes.iter().filter(|outcome| tidied(outcome)) {
                if let Err(why) = &outcome.result {
                    let (name, namespace) = (&self.name, &self.namespace);
                    tracing::warn!(application = name, namespace, object = %outcome.key, why, "cannot tidy up");
                    return Next::After(BACK_OFF);
                }
            }
            if self.outcomes.iter().all(tidied) {
                // What was to go has gone or has changed, which the cache will show in a moment.
                return Next::After(plan.look_again.map_or(CHANGED, |wait| span(wait).min(CHANGED)));
            }
            return Next::Now;
        }
        let since = self.sources.asked().filter(|_| asks).map_or(Duration::ZERO, |asked| asked.elapsed());
        let poll = self.poll().saturating_sub(since);
        match plan.look_again {
            Some(wait) if wait.is_zero() => Next::Now,
            Some(wait) => Next::After(span(wait).min(poll)),
            None => Next::After(poll),
        }
    }

    /// How often the server is asked. Applications do not poll all at once.
    fn poll(&self) -> Duration {
        let mark = Sha256::digest(format!("{}/{}", self.namespace, self.name));
        self.cx.poll + self.cx.jitter.mul_f64(f64::from(mark[0]) / 256.0)
    }

    /// Writes the status, if it reads otherwise; says whether it is as it should be.
    async fn store(&mut self, application: &Application, plan: &Plan, asked: Option<&str>) -> bool {
        let before = serde_json::to_value(application.status()).unwrap_or_default();
        let after = serde_json::to_value(&plan.status).unwrap_or_default();
        let patch = merge_patch(&before, &after);
        if patch.is_none() && asked.is_none() && !plan.is_operation_over && plan.finalizers.is_none() {
            return true;
        }
        let mut body = json!({ "metadata": { "resourceVersion": application.metadata.resource_version } });
        if let Some(patch) = patch {
            body["status"] = patch;
        }
        if plan.is_operation_over {
            body["operation"] = Value::Null;
        }
        if let Some(finalizers) = &plan.finalizers {
            body["metadata"]["finalizers"] = json!(finalizers);
        }
        if asked.is_some() {
            body["metadata"]["annotations"] = json!({ REFRESH: null, REFRESH_AT: null });
        }
        let api: Api<Application> = Api::namespaced(self.cx.writes.clone(), &self.namespace);
        match api.patch(&self.name, &PatchParams::default(), &Patch::Merge(body)).await {
            Ok(written) => {
                if let Some(state) = operation::has_ended(application.status(), &plan.status) {
                    self.cx.metrics.synced(application, state);
                }
                self.written = version_number(written.metadata.resource_version.as_deref());
                self.cx.shows(&self.namespace, &self.name, self.written).await;
                true
            }
            Err(kube::Error::Api(status)) if status.code == 409 || status.code == 404 => false,
            Err(error) => {
                tracing::warn!(application = self.name, namespace = self.namespace, %error, "cannot write the status of an Application");
                false
            }
        }
    }

    /// What there is of an Application that goes, and the hooks that it runs meanwhile.
    async fn look_back(&mut self, application: &Application) -> Result<(Vec<Object>, Vec<Hook>), String> {
        if !leave::runs_hooks(application) {
            return Ok((self.judge.own_objects(application, Vec::new(), &[]).await?, Vec::new()));
        }
        let within = self.poll();
        let said = self.sources.said(application, within, false).await?;
        let gathered = self.judge.gather(application, &said.documents).await?;
        self.judge.leave(application, gathered).await
    }

    /// What the sources say, and how the cluster stands to it.
    async fn look(&mut self, application: &Application, asked: Option<&str>) -> Result<Looked, String> {
        if asked == Some("hard") {
            self.judge.forget();
            self.cx.renders.forget(&format!("{}/{}", self.namespace, self.name));
        }
        let within = self.poll();
        // A sync of no commit in particular is of the newest one.
        let is_news_asked = asked.is_some() || operation::wants_news(application);
        let said = self.sources.said(application, within, is_news_asked).await;
        let read = said.as_ref().ok().map(|said| said.reads.as_slice()).filter(|reads| !reads.is_empty());
        self.cx.note_reads(&self.namespace, &self.name, read);
        let said = said?;
        let gathered = self.judge.gather(application, &said.documents).await?;
        let types = said.kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let (repeated, hooks) = (gathered.repeated.clone(), gathered.phases());
        let revisions = self.sources.since(application, &said).await;
        let rendered = Rendered::Done { revisions, types, repeated, hooks };
        Ok((rendered, self.judge.compare(application, gathered).await?))
    }
}

/// What the sources say, how the cluster stands to it, and the runs of hooks of the sync under way.
type Looked = (Rendered, (Vec<Object>, Vec<Hook>));

fn span(duration: SignedDuration) -> Duration {
    Duration::try_from(duration).unwrap_or_default()
}
