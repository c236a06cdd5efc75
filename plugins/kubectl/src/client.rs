//! The cluster: which one, and the few requests that commands make.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use sluice_core::api::{ReplicaSet, Rollout, labels};

use crate::view::Seen;

/// Which cluster, and which namespace of it; the flags are kubectl's.
#[derive(Args)]
pub struct Target {
    /// The namespace
    #[arg(long, short, global = true)]
    namespace: Option<String>,
    /// The context of the kubeconfig
    #[arg(long, global = true)]
    context: Option<String>,
    /// The cluster of the kubeconfig
    #[arg(long, global = true)]
    cluster: Option<String>,
    /// The user of the kubeconfig
    #[arg(long, global = true)]
    user: Option<String>,
    /// The kubeconfig
    #[arg(long, global = true)]
    kubeconfig: Option<PathBuf>,
    /// Somebody to act as
    #[arg(long = "as", global = true)]
    impersonate: Option<String>,
    /// Accepted for compatibility
    #[arg(long, short = 'v', global = true, hide = true)]
    kloglevel: Option<i32>,
    /// Accepted for compatibility
    #[arg(long, global = true, hide = true)]
    loglevel: Option<String>,
}

impl Target {
    /// Connects.
    pub async fn connect(&self) -> anyhow::Result<Cluster> {
        let options =
            KubeConfigOptions { context: self.context.clone(), cluster: self.cluster.clone(), user: self.user.clone() };
        let mut config = match &self.kubeconfig {
            Some(path) => {
                let kubeconfig = Kubeconfig::read_from(path)
                    .with_context(|| format!("cannot read --kubeconfig {}", path.display()))?;
                Config::from_custom_kubeconfig(kubeconfig, &options).await?
            }
            None if self.context.is_none() && self.cluster.is_none() && self.user.is_none() => {
                Config::infer().await.context("found no kubeconfig: give --kubeconfig or set KUBECONFIG")?
            }
            None => Config::from_kubeconfig(&options).await?,
        };
        if self.impersonate.is_some() {
            config.auth_info.impersonate.clone_from(&self.impersonate);
        }
        let namespace = self.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        Ok(Cluster { client: Client::try_from(config)?, namespace })
    }
}

/// A connected cluster.
pub struct Cluster {
    client: Client,
    /// The namespace that commands work in.
    pub namespace: String,
}

/// How often a live view looks.
pub const LIVE: Duration = Duration::from_millis(500);

impl Cluster {
    /// Rollouts of the namespace.
    pub fn rollouts(&self) -> Api<Rollout> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Rollouts of every namespace.
    pub fn all_rollouts(&self) -> Api<Rollout> {
        Api::all(self.client.clone())
    }

    /// One Rollout.
    pub async fn rollout(&self, name: &str) -> anyhow::Result<Rollout> {
        match self.rollouts().get_opt(name).await {
            Ok(Some(rollout)) => Ok(rollout),
            Ok(None) => bail!(
                "rollout.argoproj.io \"{name}\" not found in namespace {}; `list rollouts -A` shows all",
                self.namespace
            ),
            Err(kube::Error::Api(status)) if status.code == 404 => {
                bail!("the cluster does not know Rollouts: install Sluice's CRDs first")
            }
            Err(error) => Err(words(error)).with_context(|| format!("cannot read rollout {}/{name}", self.namespace)),
        }
    }

    /// ReplicaSets of a Rollout.
    pub async fn replica_sets(&self, rollout: &Rollout) -> anyhow::Result<Vec<ReplicaSet>> {
        let api: Api<ReplicaSet> = Api::namespaced(self.client.clone(), &self.namespace);
        let listed = api.list(&ListParams::default().labels(labels::POD_TEMPLATE_HASH)).await?;
        let uid = rollout.metadata.uid.as_deref();
        Ok(listed.items.into_iter().filter(|rs| uid.is_some() && rs.controller_uid() == uid).collect())
    }

    /// A Rollout with everything that hangs on it.
    pub async fn see(&self, name: &str) -> anyhow::Result<Seen> {
        let rollout = self.rollout(name).await?;
        let replica_sets = self.replica_sets(&rollout).await?;
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        let pods = pods.list(&ListParams::default().labels(labels::POD_TEMPLATE_HASH)).await?.items;
        Ok(Seen { rollout, replica_sets, pods, now: now() })
    }

    /// Patches the status; clusters whose Rollouts have no status subresource take it with the object.
    pub async fn patch_status(&self, name: &str, patch: &Value) -> anyhow::Result<Rollout> {
        let params = PatchParams::default();
        match self.rollouts().patch_status(name, &params, &Patch::Merge(patch)).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => {
                self.rollouts().patch(name, &params, &Patch::Merge(patch)).await
            }
            result => result,
        }
        .map_err(words)
        .with_context(|| format!("cannot write the status of rollout {}/{name}", self.namespace))
    }

    /// Patches the manifest.
    pub async fn patch(&self, name: &str, patch: &Value) -> anyhow::Result<Rollout> {
        self.rollouts()
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .map_err(words)
            .with_context(|| format!("cannot change rollout {}/{name}", self.namespace))
    }

    /// Patches the manifest where it reads as expected, and not otherwise.
    pub async fn patch_exactly(&self, name: &str, operations: Value) -> anyhow::Result<Rollout> {
        let patch: json_patch::Patch = serde_json::from_value(operations).context("the change is not a JSON Patch")?;
        self.rollouts()
            .patch(name, &PatchParams::default(), &Patch::Json::<()>(patch))
            .await
            .map_err(words)
            .with_context(|| {
                format!("cannot change rollout {}/{name}; if somebody else changed it, try again", self.namespace)
            })
    }
}

/// The API server's own words, without the rest of its answer.
fn words(error: kube::Error) -> anyhow::Error {
    match error {
        kube::Error::Api(status) => anyhow::anyhow!("{}", status.message),
        other => other.into(),
    }
}

/// The present time, for ages and restarts.
#[expect(clippy::disallowed_methods, reason = "the one place of this program that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
