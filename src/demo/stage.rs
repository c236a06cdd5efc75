//! The stage of the demo: the sandbox, the rollout on it, the load, and the screen; and the words in which the story is told.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;
use sluice_core::api::{AnalysisRun, Application, ReplicaSet, Rollout, labels};
use tokio::time::Instant;

use super::application::{self, REFRESH};
use super::load::{Load, Tally};
use super::manifests::difference;
use super::measured;
use super::repository::{Commit, Repository};
use super::screen::Screen;
use super::view::view;
use crate::trial::HOME;

/// The name of the Rollout, its route and its container.
pub const NAME: &str = "rollouts-demo";
/// Where it lives.
pub const NAMESPACE: &str = "default";
/// How long anything may take before the demo says that it did not happen.
const LIMIT: Duration = Duration::from_secs(45);
/// Time between two pictures; at least so much, however fast the demo is.
const FRAME: Duration = Duration::from_millis(200);
const SHORTEST_FRAME: Duration = Duration::from_millis(50);
/// How long requests that are under way may take to be counted.
const UNDER_WAY: Duration = Duration::from_millis(400);

/// Everything that the story needs.
pub struct Stage {
    /// A client with every right.
    pub client: Client,
    /// The repository that the Application reads.
    pub git: Repository,
    /// The requests.
    pub load: Load,
    /// The screen.
    pub screen: Screen,
    /// How much faster than usual.
    pub speed: f64,
    /// The count from which shares are shown.
    from: Tally,
    /// The fewest pods that must be available.
    floor: i32,
}

impl Stage {
    /// A stage with an empty count.
    pub fn new(client: Client, git: Repository, load: Load, screen: Screen, speed: f64) -> Stage {
        Stage { client, git, load, screen, speed, from: Tally::default(), floor: 0 }
    }

    fn rollouts(&self) -> Api<Rollout> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    fn applications(&self) -> Api<Application> {
        Api::namespaced(self.client.clone(), HOME)
    }

    /// Commits files, and says what is different in them.
    pub fn commit(&mut self, message: &str, files: &[(&str, String)]) -> anyhow::Result<Commit> {
        let added: Vec<&str> =
            files.iter().map(|(name, _)| *name).filter(|name| self.git.file(name).is_empty()).collect();
        let changes = match added.as_slice() {
            [] => files.iter().map(|(name, content)| difference(self.git.file(name), content)).collect::<String>(),
            added => format!("   + {}", added.join(", ")),
        };
        let commit = self.git.commit(message, files)?;
        self.say(&format!("   commit {}\n{changes}", commit.shown()))?;
        Ok(commit)
    }

    /// Watches until a commit has come to the cluster, all of it.
    pub async fn until_synced(&mut self, commit: &Commit) -> anyhow::Result<Application> {
        self.until_application(&format!("was synced to {}", commit.shown()), |it| application::has(it, commit)).await
    }

    /// Watches until something about the Application holds, and fails when it does not come.
    pub async fn until_application(
        &mut self,
        what: &str,
        holds: impl Fn(&Application) -> bool,
    ) -> anyhow::Result<Application> {
        let deadline = Instant::now() + self.limit();
        loop {
            let application = self.applications().get(NAME).await.context("cannot read the Application")?;
            if holds(&application) {
                return Ok(application);
            }
            if Instant::now() >= deadline {
                let status = application.status();
                bail!(
                    "the application never {what}: {}, with {:?} and {:?}",
                    application::line(&application, self.git.commits()).trim(),
                    status.resources.iter().filter(|object| object.status != "Synced").collect::<Vec<_>>(),
                    status.conditions
                );
            }
            // There is nothing to see before the first sync.
            if self.rollouts().get_opt(NAME).await.context("cannot read the Rollout")?.is_some() {
                self.draw().await?;
            } else {
                tokio::time::sleep(SHORTEST_FRAME).await;
            }
        }
    }

    /// That the sync leaves an update alone that was given up: the cluster has the commit, and one more look at both changes nothing.
    pub async fn is_left_alone(&mut self, commit: &Commit) -> anyhow::Result<()> {
        let is_given_up = |it: &Application| application::has(it, commit) && application::health(it) == "Degraded";
        let before = self.until_application("told of the update that was given up", is_given_up).await?;
        let generation = self.rollout().await?.metadata.generation;
        let asked = Patch::Merge(json!({ "metadata": { "annotations": { REFRESH: "normal" } } }));
        let patched = self.applications().patch(NAME, &PatchParams::default(), &asked).await;
        patched.context("cannot ask for a look at Git")?;
        let after = self.until_application("looked again", |it| it.annotation(REFRESH).is_none()).await?;
        let rollout = self.rollout().await?;
        let is_same = before.status().operation_state == after.status().operation_state;
        ensure!(
            is_same && is_given_up(&after) && rollout.status().abort && rollout.metadata.generation == generation,
            "the sync did not leave the update alone that was given up: {}",
            application::line(&after, self.git.commits()).trim()
        );
        Ok(())
    }

    /// The names of all pods that are not going.
    pub async fn pods(&self) -> anyhow::Result<BTreeSet<String>> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), NAMESPACE);
        let pods = pods.list(&ListParams::default()).await.context("cannot read the pods")?;
        let stay = pods.items.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        Ok(stay.filter_map(|pod| pod.metadata.name).collect())
    }

    /// The Rollout as it is.
    pub async fn rollout(&self) -> anyhow::Result<Rollout> {
        self.rollouts().get(NAME).await.context("cannot read the Rollout")
    }

    /// All analysis runs, the oldest first.
    pub async fn runs(&self) -> anyhow::Result<Vec<AnalysisRun>> {
        let api: Api<AnalysisRun> = Api::namespaced(self.client.clone(), NAMESPACE);
        let mut runs = api.list(&ListParams::default()).await.context("cannot read the analysis runs")?.items;
        let age = |run: &AnalysisRun| run.metadata.creation_timestamp.as_ref().map(|time| time.0);
        runs.sort_by(|one, other| age(one).cmp(&age(other)).then_with(|| one.metadata.name.cmp(&other.metadata.name)));
        Ok(runs)
    }

    /// The analysis run of a version, by its hash: of a `Step`, or in the `Background`.
    pub async fn run(&self, hash: &str, kind: &str) -> anyhow::Result<Option<AnalysisRun>> {
        let wanted = [(labels::POD_TEMPLATE_HASH, hash), (labels::ROLLOUT_TYPE, kind)];
        let is_it = |run: &AnalysisRun| wanted.iter().all(|(name, value)| measured::label(run, name) == Some(value));
        Ok(self.runs().await?.into_iter().find(is_it))
    }

    /// Watches until something about the run of a step holds, and fails when it does not come.
    pub async fn until_run(
        &mut self,
        hash: &str,
        what: &str,
        holds: impl Fn(&AnalysisRun) -> bool,
    ) -> anyhow::Result<AnalysisRun> {
        let deadline = Instant::now() + self.limit();
        loop {
            let run = self.run(hash, "Step").await?;
            let told = run.as_ref().map_or("it is not there".to_owned(), |run| measured::lines(&[run]));
            match run.filter(|run| holds(run)) {
                Some(run) => return Ok(run),
                None if Instant::now() >= deadline => bail!("the analysis never {what}: {}", told.trim()),
                None => self.draw().await?,
            }
        }
    }

    /// From now on the demo fails when fewer pods are available.
    pub fn keep_available(&mut self, pods: i32) {
        self.floor = pods;
    }

    async fn picture(&self) -> anyhow::Result<String> {
        let of_rollout = ListParams::default().labels(labels::POD_TEMPLATE_HASH);
        let sets: Api<ReplicaSet> = Api::namespaced(self.client.clone(), NAMESPACE);
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), NAMESPACE);
        let (sets, pods) = tokio::try_join!(sets.list(&of_rollout), pods.list(&of_rollout))
            .context("cannot read what there is to show")?;
        let (rollout, runs) = (self.rollout().await?, self.runs().await?);
        let application = self.applications().get(NAME).await.context("cannot read the Application")?;
        let hash = rollout.status().current_pod_hash.clone();
        let runs: Vec<&AnalysisRun> =
            runs.iter().filter(|run| measured::label(run, labels::POD_TEMPLATE_HASH) == Some(hash.as_str())).collect();
        let available: i32 = sets.iter().map(|set| set.observed().available_replicas).sum();
        ensure!(available >= self.floor, "only {available} of {} pods are available", self.floor);
        let commit = application::line(&application, self.git.commits());
        Ok(view(&commit, &rollout, &sets.items, &pods.items, &runs, &self.window()))
    }

    /// Says what comes or what came.
    pub fn say(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.screen.say(text)?)
    }

    /// Shows what there is now, and leaves it on the screen.
    pub async fn show(&mut self) -> anyhow::Result<()> {
        let picture = Box::pin(self.picture()).await?;
        Ok(self.screen.keep(&picture)?)
    }

    /// Counts requests from now.
    pub fn count_anew(&mut self) {
        self.from = self.load.tally();
    }

    /// The requests since then.
    pub fn window(&self) -> Tally {
        self.load.tally().since(&self.from)
    }

    /// Watches until something about the Rollout holds, and fails when it does not come.
    pub async fn until(&mut self, what: &str, holds: impl Fn(&Rollout) -> bool) -> anyhow::Result<Rollout> {
        let deadline = Instant::now() + self.limit();
        loop {
            let rollout = self.rollout().await?;
            if rollout.is_observed() && holds(&rollout) {
                return Ok(rollout);
            }
            if Instant::now() >= deadline {
                let status = rollout.status();
                bail!(
                    "the rollout never {what}: it is {} at step {:?} ({}), and waits for {:?}",
                    status.phase,
                    status.current_step_index,
                    status.message,
                    status.waiting_on.as_ref().map(|waiting| &waiting.message)
                );
            }
            self.draw().await?;
        }
    }

    fn limit(&self) -> Duration {
        LIMIT.div_f64(self.speed.min(1.0))
    }

    /// Lets the requests that are under way be counted where they belong.
    pub async fn after_requests_under_way(&mut self) -> anyhow::Result<()> {
        self.draw().await?;
        tokio::time::sleep(UNDER_WAY).await;
        Ok(())
    }

    /// Watches for a while.
    pub async fn watch(&mut self, time: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + time.div_f64(self.speed);
        while Instant::now() < end {
            self.draw().await?;
        }
        Ok(())
    }

    /// Watches until that many requests were counted.
    pub async fn until_requests(&mut self, count: u64) -> anyhow::Result<()> {
        let limit = self.limit();
        let deadline = Instant::now() + limit;
        while self.window().total() < count {
            if Instant::now() >= deadline {
                bail!("only {} of {count} requests came back within {limit:.0?}", self.window().total());
            }
            self.draw().await?;
        }
        Ok(())
    }

    async fn draw(&mut self) -> anyhow::Result<()> {
        let picture = Box::pin(self.picture()).await?;
        self.screen.draw(&picture)?;
        tokio::time::sleep(FRAME.div_f64(self.speed).max(SHORTEST_FRAME)).await;
        Ok(())
    }
}
