//! The Lease that makes one controller act at a time.
//!
//! Its name is Argo Rollouts' own, so that the two never act in one namespace together. Whether a holder is alive is judged
//! by how long *we* have not seen it renew, on our monotonic clock: two machines' wall clocks are never compared.
//! Correctness does not rest on the Lease (every write carries a precondition); it keeps two controllers from working
//! against each other.

use std::time::Duration;

use jiff::SignedDuration;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Client;
use kube::api::{Api, ListParams, PostParams};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::clock::Clock;

/// How a Lease is held.
#[derive(Clone, Debug)]
pub struct LeaseConfig {
    /// Where it lives.
    pub namespace: String,
    /// `argo-rollouts-controller-lock`, with the instance id where there is one.
    pub name: String,
    /// This replica.
    pub identity: String,
    /// A claim that was not renewed for this long is void.
    pub duration: Duration,
    /// A holder that could not renew for this long stops acting.
    pub renew_deadline: Duration,
    /// Time between two attempts.
    pub retry: Duration,
}

/// Why leading ended.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another controller acts on the same cluster from elsewhere.
    #[error(
        "another controller holds the live lease {namespace}/{name} as {holder:?}: two controllers must not act on the same \
         Rollouts. Stop that one first (for example: kubectl -n {namespace} scale deployment argo-rollouts --replicas=0), or \
         run this one with --namespaced or another --instance-id"
    )]
    HeldElsewhere {
        /// The Lease's namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its holder.
        holder: String,
    },
    /// The claim could not be renewed in time.
    #[error("cannot renew the lease {0} within its deadline: {1}")]
    Lost(String, String),
    /// The API server could not be asked.
    #[error("cannot read leases: {0}")]
    Read(#[source] kube::Error),
}

/// A claim on the Lease, kept until it is released or lost.
pub struct Claim {
    api: Api<Lease>,
    config: LeaseConfig,
    clock: Clock,
    /// The version and the renewal that were last seen of another holder, and when.
    seen: Option<(String, Instant)>,
}

impl Claim {
    /// A claim that is not yet made.
    pub fn new(client: Client, config: LeaseConfig, clock: Clock) -> Claim {
        Claim { api: Api::namespaced(client, &config.namespace), config, clock, seen: None }
    }

    /// Claims the Lease, renews it until `stop`, and gives it back. `leading` tells whether it is held.
    pub async fn hold(
        mut self,
        leading: watch::Sender<bool>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), LeaseError> {
        let mut renewed: Option<Instant> = None;
        loop {
            let attempt = tokio::time::timeout(self.config.renew_deadline, self.try_claim()).await;
            let now = Instant::now();
            match attempt {
                Ok(Ok(true)) => {
                    renewed = Some(now);
                    leading.send_if_modified(|is| !std::mem::replace(is, true));
                }
                // Somebody else has it.
                Ok(Ok(false)) => {
                    if renewed.is_some() {
                        leading.send_replace(false);
                        return Err(LeaseError::Lost(self.config.name, "another controller took it".into()));
                    }
                }
                failed => {
                    let error = match failed {
                        Ok(Err(error)) => error.to_string(),
                        _ => "the API server did not answer".into(),
                    };
                    tracing::warn!(lease = self.config.name, error, "cannot claim or renew the lease");
                    if renewed.is_some_and(|at| now.duration_since(at) >= self.config.renew_deadline) {
                        leading.send_replace(false);
                        return Err(LeaseError::Lost(self.config.name, error));
                    }
                }
            }
            tokio::select! {
                biased;
                () = tokio::time::sleep(self.config.retry) => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        leading.send_replace(false);
        if renewed.is_some() {
            self.release().await;
        }
        Ok(())
    }

    /// One attempt to claim or renew; `false` while another holder is alive.
    async fn try_claim(&mut self) -> Result<bool, kube::Error> {
        let Some(mut lease) = self.api.get_opt(&self.config.name).await? else {
            let lease = Lease {
                metadata: ObjectMeta { name: Some(self.config.name.clone()), ..ObjectMeta::default() },
                spec: Some(self.renewed(LeaseSpec::default())),
            };
            return written(self.api.create(&PostParams::default(), &lease).await);
        };
        let spec = lease.spec.take().unwrap_or_default();
        let holder = spec.holder_identity.clone().unwrap_or_default();
        if holder != self.config.identity && !holder.is_empty() && self.is_alive(&lease, &spec) {
            return Ok(false);
        }
        lease.spec = Some(self.renewed(spec));
        // The resourceVersion read above goes along, so two claimants cannot both succeed.
        written(self.api.replace(&self.config.name, &PostParams::default(), &lease).await)
    }

    /// Whether another holder has renewed within its duration, as far as we have watched.
    fn is_alive(&mut self, lease: &Lease, spec: &LeaseSpec) -> bool {
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let now = Instant::now();
        match &self.seen {
            Some((seen, since)) if *seen == version => {
                let seconds = u64::try_from(spec.lease_duration_seconds.unwrap_or(15)).unwrap_or(0);
                now.duration_since(*since) < Duration::from_secs(seconds)
            }
            _ => {
                self.seen = Some((version, now));
                true
            }
        }
    }

    fn renewed(&self, spec: LeaseSpec) -> LeaseSpec {
        let now = MicroTime(self.clock.now());
        let mine = spec.holder_identity.as_deref() == Some(&self.config.identity);
        LeaseSpec {
            holder_identity: Some(self.config.identity.clone()),
            lease_duration_seconds: i32::try_from(self.config.duration.as_secs()).ok(),
            acquire_time: if mine { spec.acquire_time } else { Some(now.clone()) },
            renew_time: Some(now),
            lease_transitions: Some(spec.lease_transitions.unwrap_or(0) + i32::from(!mine)),
            ..spec
        }
    }

    /// Gives the Lease back, so that a successor starts at once instead of waiting for it to expire.
    async fn release(&self) {
        let released = async {
            let mut lease = self.api.get(&self.config.name).await?;
            if let Some(spec) =
                lease.spec.as_mut().filter(|spec| spec.holder_identity.as_deref() == Some(&self.config.identity))
            {
                spec.holder_identity = Some(String::new());
                spec.lease_duration_seconds = Some(1);
                self.api.replace(&self.config.name, &PostParams::default(), &lease).await?;
            }
            Ok::<_, kube::Error>(())
        };
        if let Err(error) = released.await {
            tracing::warn!(lease = self.config.name, %error, "cannot give the lease back; a successor waits for it to expire");
        }
    }
}

fn written(result: Result<Lease, kube::Error>) -> Result<bool, kube::Error> {
    match result {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Refuses to start while a controller of the same name is alive in another namespace.
///
/// A claim whose last renewal is long past is dead. A recent one is watched for as long as it may go without a renewal: one
/// that renews is alive.
pub async fn refuse_second_controller(client: &Client, config: &LeaseConfig, clock: Clock) -> Result<(), LeaseError> {
    let everywhere: Api<Lease> = Api::all(client.clone());
    let named = ListParams::default().fields(&format!("metadata.name={}", config.name));
    let leases = match everywhere.list(&named).await {
        Ok(leases) => leases,
        Err(kube::Error::Api(status)) if status.is_forbidden() => {
            tracing::warn!(
                "may not list leases in all namespaces, so cannot tell whether another controller is running"
            );
            return Ok(());
        }
        Err(error) => return Err(LeaseError::Read(error)),
    };
    for lease in leases {
        let namespace = lease.metadata.namespace.clone().unwrap_or_default();
        let Some(spec) = lease.spec.filter(|_| namespace != config.namespace) else { continue };
        let holder = spec.holder_identity.clone().unwrap_or_default();
        if holder.is_empty() || is_long_past(&spec, clock) {
            continue;
        }
        tracing::info!(namespace, lease = config.name, holder, "watching whether another controller renews its lease");
        let api: Api<Lease> = Api::namespaced(client.clone(), &namespace);
        if renews(&api, config, &spec).await.map_err(LeaseError::Read)? {
            return Err(LeaseError::HeldElsewhere { namespace, name: config.name.clone(), holder });
        }
    }
    Ok(())
}

/// Ten lease durations are more than clocks of one cluster differ.
fn is_long_past(spec: &LeaseSpec, clock: Clock) -> bool {
    let limit = SignedDuration::from_secs(i64::from(spec.lease_duration_seconds.unwrap_or(15)) * 10);
    spec.renew_time.as_ref().is_none_or(|renewed| clock.now().duration_since(renewed.0) > limit)
}

async fn renews(api: &Api<Lease>, config: &LeaseConfig, seen: &LeaseSpec) -> Result<bool, kube::Error> {
    let seconds = u64::try_from(seen.lease_duration_seconds.unwrap_or(15)).unwrap_or(15);
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < deadline {
        tokio::time::sleep(config.retry.min(Duration::from_secs(1))).await;
        let spec = api.get_opt(&config.name).await?.and_then(|lease| lease.spec).unwrap_or_default();
        if spec.holder_identity.as_deref().unwrap_or_default().is_empty() {
            return Ok(false);
        }
        if spec.renew_time != seen.renew_time {
            return Ok(true);
        }
    }
    Ok(false)
}
