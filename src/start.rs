//! `sluice controller`: clients, checks, servers, the lease and the controller, started in order and stopped in order.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use sluice_plugin_host::Host;
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use crate::admission::{self, Around, Own, Source};
use crate::aws::elb::Elb;
use crate::clock::Clock;
use crate::controller::{self, Clients, Settings, Signals, balancers};
use crate::flags::{AwsFlags, ControllerFlags, DashboardFlags, LogFormat};
use crate::lease::{self, Claim, LeaseConfig};
use crate::metrics::Metrics;
use crate::providers::{Elsewhere, Job, Plugin, Providers};
use crate::requests::counted_client;
use crate::{aws, preflight, serve, trial};

/// Argo Rollouts' own, so that the two never act in one namespace.
const LEASE: &str = "argo-rollouts-controller-lock";
/// How long a request may take; watches have a timeout of their own.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs the controller until SIGTERM or SIGINT.
pub async fn controller(flags: ControllerFlags) -> anyhow::Result<()> {
    log(&flags)?;
    let without_effect = flags.without_effect.given();
    if !without_effect.is_empty() {
        tracing::info!(flags = without_effect.join(" "), "accepted for compatibility; without effect in this version");
    }
    let config = config(&flags).await?;
    let for_dashboard = config.clone();
    let namespace = flags.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let metrics = Metrics::new();
    let clients = clients(config, &metrics)?;
    let scope = flags.namespaced.then(|| namespace.clone());
    preflight::check(&clients.reads, scope.as_deref()).await?;

    let (ready, is_ready) = watch::channel(false);
    let (leading, is_leading) = watch::channel(!flags.leader_elect);
    let (stop, stopping) = watch::channel(false);
    let services = Arc::default();
    let around = Around { services: Arc::clone(&services), filled: is_ready.clone(), namespace: scope.clone() };
    let mut servers = [
        tokio::spawn(serve::metrics(flags.metrics_port, metrics.clone())),
        tokio::spawn(serve::health(flags.healthz_port, is_ready)),
        tokio::spawn(admission::serve(
            flags.webhook_port,
            webhook_source(&flags, &clients.writes, &namespace)?,
            around,
            metrics.clone(),
        )),
    ];
    // The lease outlives the controller: it is given back only when no write is under way any more.
    let (release, released) = watch::channel(false);
    let mut claim = flags.leader_elect.then(|| {
        let lease = lease_config(&flags, namespace.clone());
        let (client, scope) = (clients.writes.clone(), scope.clone());
        tokio::spawn(async move {
            if scope.is_none() {
                lease::refuse_second_controller(&client, &lease, Clock::System).await?;
            }
            Claim::new(client, lease, Clock::System).hold(leading, released).await
        })
    });
    let host = Arc::new(trial::host());
    let providers = Providers::new(&aws::process_env(), Clock::System);
    let providers = providers.with(jobs(&clients.writes).await?).with(Plugin::new(Arc::clone(&host)));
    let settings = settings(&flags, scope, namespace.clone(), host);
    let settings = Settings { aws: asks_aws(&flags.aws)?, providers: Arc::new(providers), ..settings };
    let signals = Signals { leading: is_leading, ready, stop: stopping, services };
    let gitops =
        gitops(&flags, &clients, &namespace, (&settings, &metrics), (signals.leading.clone(), signals.stop.clone()))
            .await?;
    let mut dashboard =
        tokio::spawn(dashboard(flags.dashboard.clone(), namespace.clone(), settings.namespace.clone(), for_dashboard));
    let mut controller = tokio::spawn(controller::run(clients, settings, Clock::System, metrics, signals));

    let [metrics_server, health_server, webhook_server] = &mut servers;
    let ended = tokio::select! {
        signal = terminated() => signal,
        result = metrics_server => result?,
        result = health_server => result?,
        result = webhook_server => result?,
        result = &mut dashboard => result?,
        result = wait_for(claim.as_mut()) => result,
        result = &mut controller => result.context("the controller stopped"),
    };
    tracing::info!("stopping");
    stop.send_replace(true);
    if let Some(gitops) = gitops {
        let _ = tokio::time::timeout(Duration::from_secs(20), gitops).await;
    }
    if !controller.is_finished() {
        let _ = tokio::time::timeout(Duration::from_secs(20), controller).await;
    }
    release.send_replace(true);
    if let Some(claim) = claim.filter(|claim| !claim.is_finished()) {
        let _ = tokio::time::timeout(Duration::from_secs(5), claim).await;
    }
    ended
}

/// Waits for a claim to end, which without a lease is never.
async fn wait_for(claim: Option<&mut tokio::task::JoinHandle<Result<(), lease::LeaseError>>>) -> anyhow::Result<()> {
    match claim {
        Some(claim) => Ok(claim.await.context("the task that holds the lease stopped")??),
        None => std::future::pending().await,
    }
}

/// Waits for SIGTERM, SIGINT or the end of the terminal.
pub async fn terminated() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    tokio::select! {
        _ = term.recv() => {}
        _ = hangup.recv() => {}
        result = tokio::signal::ctrl_c() => result.context("cannot listen for SIGINT")?,
    }
    Ok(())
}

/// Logs what is at least so grave, or what `RUST_LOG` says, on the standard error.
pub fn log_from(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // A second time, as in a test, the first one goes on.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

fn log(flags: &ControllerFlags) -> anyhow::Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(_) => EnvFilter::from_default_env(),
        Err(_) => EnvFilter::try_new(format!("warn,sluice={}", flags.loglevel))
            .with_context(|| format!("--loglevel {} is not error, warn, info, debug or trace", flags.loglevel))?,
    };
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match flags.logformat {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().init(),
    }
    Ok(())
}

async fn config(flags: &ControllerFlags) -> anyhow::Result<Config> {
    let options = KubeConfigOptions { context: flags.context.clone(), ..KubeConfigOptions::default() };
    let mut config = match &flags.kubeconfig {
        Some(path) => {
            let kubeconfig =
                Kubeconfig::read_from(path).with_context(|| format!("cannot read --kubeconfig {}", path.display()))?;
            Config::from_custom_kubeconfig(kubeconfig, &options).await?
        }
        None if flags.context.is_some() => Config::from_kubeconfig(&options).await?,
        None => Config::infer().await.context(
            "found neither a kubeconfig nor a service account: give --kubeconfig, set KUBECONFIG, or run in a cluster",
        )?,
    };
    let agent = concat!("sluice-controller/", env!("CARGO_PKG_VERSION"));
    config.headers.push((http::header::USER_AGENT, agent.parse().context("the user agent is a header value")?));
    Ok(config)
}

fn clients(config: Config, metrics: &Metrics) -> anyhow::Result<Clients> {
    let mut writes = config.clone();
    writes.default_retry = false;
    writes.read_timeout = Some(REQUEST_TIMEOUT);
    writes.reset_reader_on_write = true;
    let client = |config| counted_client(config, metrics).context("cannot make a client for the Kubernetes API");
    Ok(Clients { reads: client(config)?, writes: client(writes)? })
}

/// Where the webhook's certificate comes from, if there is to be a webhook.
fn webhook_source(flags: &ControllerFlags, client: &Client, namespace: &str) -> anyhow::Result<Option<Source>> {
    match (flags.webhook_port, &flags.webhook_cert_dir) {
        (0, None) => Ok(None),
        (0, Some(_)) => anyhow::bail!("--webhook-cert-dir is for the webhook, which --webhook-port turns on"),
        (_, Some(folder)) => Ok(Some(Source::Folder(folder.clone()))),
        (_, None) => Ok(Some(Source::Own(Own { client: client.clone(), namespace: namespace.to_owned() }))),
    }
}

fn settings(flags: &ControllerFlags, namespace: Option<String>, home: String, host: Arc<Host>) -> Settings {
    Settings {
        namespace,
        instance_id: flags.instance_id.clone(),
        concurrency: flags.rollout_threads,
        resync: Duration::from_secs(flags.rollout_resync.max(1)),
        guard: flags.guard,
        plugins: host,
        home,
        aws: None,
        providers: Arc::default(),
        analysis_concurrency: flags.analysis_threads,
        experiment_concurrency: flags.experiment_threads,
        in_order: false,
    }
}

/// Serves the dashboard, where it is asked for, to those who show a token of the cluster.
#[cfg(feature = "dashboard")]
async fn dashboard(
    flags: DashboardFlags,
    home: String,
    scope: Option<String>,
    mut config: Config,
) -> anyhow::Result<()> {
    use crate::dashboard::{self, access};
    if flags.dashboard_port == 0 {
        return std::future::pending().await;
    }
    let settings = dashboard::Settings {
        gate: access::Gate::Token,
        read_only: flags.dashboard_read_only,
        root: flags.dashboard_root_path,
        namespace: scope.clone().unwrap_or(home),
        cluster: String::new(),
    };
    let provider = provider(flags.oidc)?;
    let listener = serve::listen(flags.dashboard_port, "the dashboard").await?;
    // A write whose answer was lost may have been done: nobody wants it twice.
    config.default_retry = false;
    let connect = access::with_tokens(&config);
    // What people ask for is done once; watches have a patience of their own.
    let mut config = config;
    config.default_retry = false;
    let client = Client::try_from(config).context("cannot make a client for the dashboard")?;
    dashboard::serve_with_provider(settings, (client, connect), provider, scope, listener).await
}

/// The provider at which people log in to the dashboard, where there is one.
#[cfg(feature = "dashboard")]
fn provider(
    flags: crate::flags::OidcFlags,
) -> anyhow::Result<Option<crate::dashboard::access::oidc::provider::Provider>> {
    use crate::dashboard::access::{self, oidc};
    let read = |path: Option<std::path::PathBuf>| {
        let text = path.map(|path| {
            std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {} for logging in by OIDC", path.display()))
        });
        text.transpose()
    };
    let (Some(issuer), Some(client_id), Some(url)) =
        (flags.dashboard_oidc_issuer_url, flags.dashboard_oidc_client_id, flags.dashboard_oidc_url)
    else {
        return Ok(None);
    };
    let username_claim = flags.dashboard_oidc_username_claim;
    // As the API server does: what is unique at one issuer alone is told apart from others' by its name.
    let of_issuer = || if username_claim == "email" { String::new() } else { format!("{issuer}#") };
    let naming = access::person::Naming {
        username_prefix: flags.dashboard_oidc_username_prefix.unwrap_or_else(of_issuer),
        username_claim,
        groups_claim: flags.dashboard_oidc_groups_claim,
        groups_prefix: flags.dashboard_oidc_groups_prefix,
    };
    let settings = oidc::Settings {
        issuer,
        client_id,
        client_secret: read(flags.dashboard_oidc_client_secret_file)?.map(|secret| secret.trim().to_owned()),
        url,
        scopes: flags.dashboard_oidc_scopes,
        mode: flags.dashboard_oidc_mode,
        naming,
        authorities: read(flags.dashboard_oidc_ca_file)?,
    };
    let provider = oidc::provider::Provider::new(settings, Clock::System);
    provider.map(Some).context("people cannot log in to the dashboard by OIDC")
}

/// A build without the dashboard has none to serve.
#[cfg(not(feature = "dashboard"))]
async fn dashboard(
    flags: DashboardFlags,
    _home: String,
    _scope: Option<String>,
    _config: Config,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        flags.dashboard_port == 0,
        "this build of sluice has no dashboard: build it with the feature dashboard"
    );
    std::future::pending().await
}

/// Starts the GitOps core, where it is asked for: the lease is its own, too.
#[cfg(feature = "gitops")]
async fn gitops(
    flags: &ControllerFlags,
    clients: &Clients,
    home: &str,
    (settings, metrics): (&Settings, &Metrics),
    (leading, stop): (watch::Receiver<bool>, watch::Receiver<bool>),
) -> anyhow::Result<Option<tokio::task::JoinHandle<()>>> {
    if !flags.gitops {
        return Ok(None);
    }
    preflight::check_gitops(&clients.reads, home).await?;
    let folder = flags.gitops_folder.clone().unwrap_or_else(|| std::env::temp_dir().join("sluice-gitops"));
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make --gitops-folder {}", folder.display()))?;
    let settings = crate::gitops::Settings {
        home: home.to_owned(),
        namespace: settings.namespace.clone(),
        folder,
        poll: flags.app_resync.max(Duration::from_secs(1)),
        jitter: flags.app_resync_jitter,
        programs: crate::gitops::Programs {
            helm: flags.helm_program.clone(),
            kustomize: flags.kustomize_program.clone(),
            plugins: flags.gitops_plugins.clone(),
        },
    };
    let webhook = match flags.gitops_webhook_port {
        0 => None,
        port => Some(serve::listen(port, "webhooks of Git").await?),
    };
    let (clients, metrics) = (clients.clone(), metrics.clone());
    Ok(Some(tokio::spawn(crate::gitops::run(clients, settings, Clock::System, metrics, leading, stop, webhook))))
}

/// A build without the GitOps core has none to start.
#[cfg(not(feature = "gitops"))]
#[expect(clippy::unused_async, reason = "the other one waits")]
async fn gitops(
    flags: &ControllerFlags,
    _clients: &Clients,
    _home: &str,
    _settings: (&Settings, &Metrics),
    _signals: (watch::Receiver<bool>, watch::Receiver<bool>),
) -> anyhow::Result<Option<tokio::task::JoinHandle<()>>> {
    anyhow::ensure!(!flags.gitops, "this build of sluice has no GitOps core: build it with the feature gitops");
    Ok(None)
}

/// Who runs Jobs, in this cluster or where the environment says.
async fn jobs(client: &Client) -> anyhow::Result<Job> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let namespace = variable("ARGO_ROLLOUTS_ANALYSIS_JOB_NAMESPACE");
    let Some(path) = variable("ARGO_ROLLOUTS_ANALYSIS_JOB_KUBECONFIG") else {
        return Ok(Job::new(client.clone(), namespace.map(|namespace| Elsewhere { namespace: Some(namespace) })));
    };
    let wrong = || format!("cannot use ARGO_ROLLOUTS_ANALYSIS_JOB_KUBECONFIG={path}");
    let kubeconfig = Kubeconfig::read_from(&path).with_context(wrong)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.with_context(wrong)?;
    let client = Client::try_from(config).with_context(wrong)?;
    Ok(Job::new(client, Some(Elsewhere { namespace })))
}

/// Who asks AWS, where somebody is to.
fn asks_aws(flags: &AwsFlags) -> anyhow::Result<Option<balancers::Settings>> {
    if !flags.is_asked() {
        return Ok(None);
    }
    let given = &flags.aws_target_group_binding_api_version;
    let version = given.strip_prefix("elbv2.k8s.aws/").with_context(|| {
        format!("--aws-target-group-binding-api-version {given} is no version of elbv2.k8s.aws, such as elbv2.k8s.aws/v1beta1")
    })?;
    let elb = Elb::new(aws::process_env(), Clock::System, flags.alb_tag_key_resource_id.clone());
    let elb = elb.context("cannot make a client for AWS")?;
    // Once, at the start: a kind is known by its versions for as long as the program runs.
    let version: &'static str = version.to_owned().leak();
    Ok(Some(balancers::Settings {
        aws: Arc::new(elb),
        binding_versions: vec![version].leak(),
        rhythm: flags.aws_verify_interval,
    }))
}

fn lease_config(flags: &ControllerFlags, namespace: String) -> LeaseConfig {
    let name = match flags.instance_id.as_str() {
        "" => LEASE.to_owned(),
        id => format!("{LEASE}-{id}"),
    };
    // A pod's name is unique in its namespace; elsewhere the process tells two controllers of one machine apart.
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "sluice".into());
    LeaseConfig {
        namespace,
        name,
        identity: format!("{host}_{}", std::process::id()),
        duration: flags.leader_election_lease_duration,
        renew_deadline: flags.leader_election_renew_deadline,
        retry: flags.leader_election_retry_period,
    }
}
