//! Metrics of the GitOps core, under the names that dashboards for Argo CD use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::runtime::reflector::Store;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;

use sluice_core::api::{Application, OperationState};
use sluice_core::gitops::operation;

use super::Histograms;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InfoLabels {
    namespace: String,
    name: String,
    project: String,
    repo: String,
    dest_server: String,
    dest_namespace: String,
    sync_status: String,
    health_status: String,
    autosync_enabled: String,
    operation: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConditionLabels {
    namespace: String,
    name: String,
    project: String,
    condition: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OrphanLabels {
    namespace: String,
    name: String,
    project: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SyncLabels {
    namespace: String,
    name: String,
    project: String,
    dest_server: String,
    phase: String,
    dry_run: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReconcileLabels {
    namespace: String,
    dest_server: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GitLabels {
    repo: String,
    request_type: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RenderLabels {
    kind: String,
    from: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WebhookLabels {
    status_code: String,
}

/// What the GitOps core counts. Clones share it.
#[derive(Clone, Debug)]
pub struct Applications {
    syncs: Family<SyncLabels, Counter>,
    sync_seconds: Family<SyncLabels, Counter<f64, AtomicU64>>,
    reconciles: Histograms<ReconcileLabels>,
    git: Family<GitLabels, Counter>,
    git_seconds: Histograms<GitLabels>,
    renders: Family<RenderLabels, Counter>,
    webhooks: Family<WebhookLabels, Counter>,
    orphans: Orphans,
}

/// How many orphans there are beside an Application, by its namespace and name, where its project asks.
type Orphans = Arc<Mutex<HashMap<(String, String), usize>>>;

/// Seconds of a look at an Application, or of a question to a Git server.
fn seconds() -> Histogram {
    Histogram::new([0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0])
}

impl Applications {
    pub(super) fn new() -> Applications {
        Applications {
            syncs: Family::default(),
            sync_seconds: Family::default(),
            reconciles: Family::new_with_constructor(seconds),
            git: Family::default(),
            git_seconds: Family::new_with_constructor(seconds),
            renders: Family::default(),
            webhooks: Family::default(),
            orphans: Arc::default(),
        }
    }

    /// Tells of them, and of the Applications of a cache.
    pub(super) fn register(&self, registry: &mut Registry, applications: Store<Application>) {
        registry.register("argocd_app_sync", "Syncs that have come to an end", self.syncs.clone());
        registry.register("argocd_app_sync_duration_seconds", "Seconds of syncs together", self.sync_seconds.clone());
        registry.register(
            "argocd_app_reconcile",
            "Seconds that a look at an Application took",
            self.reconciles.clone(),
        );
        registry.register("argocd_git_request", "Questions to Git servers", self.git.clone());
        registry.register(
            "argocd_git_request_duration_seconds",
            "Seconds that a question to a Git server took",
            self.git_seconds.clone(),
        );
        registry.register(
            "sluice_gitops_renders",
            "Renders of sources, made or kept from an earlier time",
            self.renders.clone(),
        );
        registry.register("argocd_webhook_requests", "Calls of Git platforms", self.webhooks.clone());
        registry.register_collector(Box::new(Described { applications, orphans: Arc::clone(&self.orphans) }));
    }

    /// A look at an Application took so long.
    pub fn reconciled(&self, application: &Application, took: Duration) {
        let labels = ReconcileLabels {
            namespace: application.metadata.namespace.clone().unwrap_or_default(),
            dest_server: application.spec.destination.server.clone(),
        };
        self.reconciles.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A sync has come to its end.
    pub fn synced(&self, application: &Application, state: &OperationState) {
        let labels = SyncLabels {
            namespace: application.metadata.namespace.clone().unwrap_or_default(),
            name: application.metadata.name.clone().unwrap_or_default(),
            project: application.spec.project().to_owned(),
            dest_server: application.spec.destination.server.clone(),
            phase: state.phase.clone(),
            dry_run: state.operation.sync.as_ref().is_some_and(|sync| sync.dry_run).to_string(),
        };
        self.syncs.get_or_create(&labels).inc();
        if let Some(finished) = &state.finished_at {
            let took = finished.0.duration_since(state.started_at.0).as_secs_f64();
            self.sync_seconds.get_or_create(&labels).inc_by(took.max(0.0));
        }
    }

    /// A Git server was asked: `ls-remote` or `fetch`. The URL has no password in it.
    pub fn asked_git(&self, repo: &str, what: &str, took: Duration) {
        let labels = GitLabels { repo: repo.to_owned(), request_type: what.to_owned() };
        self.git.get_or_create(&labels).inc();
        self.git_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A source was rendered, or its render was kept from an earlier time.
    pub fn rendered(&self, kind: &str, is_kept: bool) {
        let from = if is_kept { "kept" } else { "made" };
        self.renders.get_or_create(&RenderLabels { kind: kind.to_owned(), from: from.to_owned() }).inc();
    }

    /// So many orphans are beside an Application, or nobody asks.
    pub fn orphaned(&self, namespace: &str, name: &str, count: Option<usize>) {
        let key = (namespace.to_owned(), name.to_owned());
        let mut orphans = self.orphans.lock().unwrap_or_else(PoisonError::into_inner);
        match count {
            Some(count) => orphans.insert(key, count),
            None => orphans.remove(&key),
        };
    }

    /// A Git platform has called.
    pub fn called(&self, status_code: u16) {
        self.webhooks.get_or_create(&WebhookLabels { status_code: status_code.to_string() }).inc();
    }
}

/// What describes each Application, computed when it is scraped.
#[derive(Debug)]
struct Described {
    applications: Store<Application>,
    orphans: Orphans,
}

impl Collector for Described {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let applications: Vec<Arc<Application>> = self.applications.state();
        let (info, conditions) = (Family::<InfoLabels, Gauge>::default(), Family::<ConditionLabels, Gauge>::default());
        for application in &applications {
            info.get_or_create(&info_of(application)).set(1);
            for condition in &application.status().conditions {
                conditions.get_or_create(&condition_of(application, &condition.type_)).inc();
            }
        }
        let orphaned = Family::<OrphanLabels, Gauge>::default();
        let orphans = self.orphans.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for application in &applications {
            let labels = orphans_of(application);
            if let Some(count) = orphans.get(&(labels.namespace.clone(), labels.name.clone())) {
                orphaned.get_or_create(&labels).set(i64::try_from(*count).unwrap_or(i64::MAX));
            }
        }
        if !orphans.is_empty() {
            let text = "Objects in the namespace of an Application that no Application has";
            orphaned.encode(encoder.encode_descriptor(
                "argocd_app_orphaned_resources_count",
                text,
                None,
                MetricType::Gauge,
            )?)?;
        }
        let text = "Sync and health of an Application";
        info.encode(encoder.encode_descriptor("argocd_app_info", text, None, MetricType::Gauge)?)?;
        let text = "Conditions of an Application";
        conditions.encode(encoder.encode_descriptor("argocd_app_condition", text, None, MetricType::Gauge)?)
    }
}

fn info_of(application: &Application) -> InfoLabels {
    let (spec, status) = (&application.spec, application.status());
    let unknown = |text: Option<&str>| text.filter(|text| !text.is_empty()).unwrap_or("Unknown").to_owned();
    let is_automatic = spec.sync_policy.as_ref().is_some_and(|policy| policy.automatic().is_some());
    let operation = match (&application.operation, operation::running(status)) {
        (Some(_), _) | (_, Some(_)) => "sync",
        (None, None) if application.metadata.deletion_timestamp.is_some() => "delete",
        (None, None) => "",
    };
    InfoLabels {
        namespace: application.metadata.namespace.clone().unwrap_or_default(),
        name: application.metadata.name.clone().unwrap_or_default(),
        project: spec.project().to_owned(),
        repo: spec.all_sources().first().map(|source| without_login(&source.repo_url)).unwrap_or_default(),
        dest_server: spec.destination.server.clone(),
        dest_namespace: spec.destination.namespace.clone(),
        sync_status: unknown(status.sync.as_ref().map(|sync| sync.status.as_str())),
        health_status: unknown(status.health.as_ref().map(|health| health.status.as_str())),
        autosync_enabled: is_automatic.to_string(),
        operation: operation.to_owned(),
    }
}

fn orphans_of(application: &Application) -> OrphanLabels {
    OrphanLabels {
        namespace: application.metadata.namespace.clone().unwrap_or_default(),
        name: application.metadata.name.clone().unwrap_or_default(),
        project: application.spec.project().to_owned(),
    }
}

fn condition_of(application: &Application, condition: &str) -> ConditionLabels {
    ConditionLabels {
        namespace: application.metadata.namespace.clone().unwrap_or_default(),
        name: application.metadata.name.clone().unwrap_or_default(),
        project: application.spec.project().to_owned(),
        condition: condition.to_owned(),
    }
}

/// A URL without the user, the password and the query that people write into it.
fn without_login(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let rest = rest.split(['?', '#']).next().unwrap_or_default();
            let (authority, path) =
                rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
            let host = authority.rsplit('@').next().unwrap_or_default();
            path.map_or_else(|| format!("{scheme}://{host}"), |path| format!("{scheme}://{host}/{path}"))
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use kube::runtime::reflector;
    use kube::runtime::watcher::Event;
    use serde_json::json;

    use super::super::Metrics;
    use super::*;

    #[test]
    fn an_application_is_described_under_the_names_that_dashboards_know() {
        let object = json!({
            "metadata": { "name": "web", "namespace": "argocd" },
            "spec": {
                "source": { "repoURL": "https://jo:secret@git.example.com/web.git?token=secret" },
                "destination": { "server": "https://kubernetes.default.svc", "namespace": "shop" },
                "syncPolicy": { "automated": {} },
            },
            "status": {
                "sync": { "status": "Synced" }, "health": { "status": "Healthy" },
                "conditions": [{ "type": "SyncError", "message": "no" }],
            },
        });
        let application: Application = serde_json::from_value(object).expect("an Application");
        let (applications, mut writer) = reflector::store();
        writer.apply_watcher_event(&Event::Apply(application.clone()));
        let metrics = Metrics::new();
        let counted = metrics.applications(applications);
        let state = json!({
            "phase": "Succeeded", "operation": {}, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:03Z",
        });
        counted.synced(&application, &serde_json::from_value(state).expect("a state"));
        counted.asked_git("https://git.example.com/web.git", "fetch", Duration::from_millis(300));
        counted.rendered("Helm", true);
        counted.orphaned("argocd", "web", Some(2));
        let text = metrics.render().expect("text");
        for expected in [
            "argocd_app_info{namespace=\"argocd\",name=\"web\",project=\"default\",repo=\"https://git.example.com/web.git\",\
             dest_server=\"https://kubernetes.default.svc\",dest_namespace=\"shop\",sync_status=\"Synced\",\
             health_status=\"Healthy\",autosync_enabled=\"true\",operation=\"\"} 1",
            "argocd_app_condition{namespace=\"argocd\",name=\"web\",project=\"default\",condition=\"SyncError\"} 1",
            "phase=\"Succeeded\",dry_run=\"false\"} 3.0",
            "argocd_git_request_total{repo=\"https://git.example.com/web.git\",request_type=\"fetch\"} 1",
            "argocd_app_orphaned_resources_count{namespace=\"argocd\",name=\"web\",project=\"default\"} 2",
            "sluice_gitops_renders_total{kind=\"Helm\",from=\"kept\"} 1",
        ] {
            assert!(text.contains(expected), "{expected} is in:\n{text}");
        }
        assert!(!text.contains("secret"), "{text}");
    }
}
