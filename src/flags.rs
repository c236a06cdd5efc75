//! Flags of `sluice controller`: those of Argo Rollouts' controller under the same names, and a few of our own.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::controller::context::GuardMode;

/// How logs read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Flags of the controller. Those of Argo Rollouts that concern what Sluice does otherwise or not yet are accepted, so that
/// an existing Deployment's arguments work unchanged; what they ask for is logged where it has no effect.
#[derive(Args, Debug)]
pub struct ControllerFlags {
    /// Look at every rollout at least this often, in seconds
    #[arg(long, default_value_t = 900)]
    pub rollout_resync: u64,
    /// Act only in the namespace of --namespace
    #[arg(long, default_value_t = false, num_args = 0..=1, default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set)]
    pub namespaced: bool,
    /// The namespace of the controller, and with --namespaced the one that it acts in
    #[arg(long, short, env = "POD_NAMESPACE")]
    pub namespace: Option<String>,
    /// A kubeconfig, when not running in a cluster
    #[arg(long)]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig
    #[arg(long)]
    pub context: Option<String>,
    /// Act only on Rollouts whose label argo-rollouts.argoproj.io/controller-instance-id has this value
    #[arg(long, default_value = "")]
    pub instance_id: String,
    /// error, warn, info, debug or trace; `RUST_LOG` has more to say
    #[arg(long, default_value = "info")]
    pub loglevel: String,
    /// text or json
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub logformat: LogFormat,
    /// Port of /metrics
    #[arg(long = "metricsPort", alias = "metricsport", default_value_t = 8090)]
    pub metrics_port: u16,
    /// Port of /healthz and /readyz
    #[arg(long = "healthzPort", default_value_t = 8080)]
    pub healthz_port: u16,
    /// Rollouts worked on at the same time
    #[arg(long, default_value_t = 10)]
    pub rollout_threads: u16,
    /// Analysis runs worked on at the same time
    #[arg(long, default_value_t = 30)]
    pub analysis_threads: u16,
    /// Experiments worked on at the same time
    #[arg(long, default_value_t = 10)]
    pub experiment_threads: u16,
    /// Claim a lease before acting
    #[arg(long, default_value_t = true, num_args = 0..=1, default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set)]
    pub leader_elect: bool,
    /// A claim that was not renewed for this long is void
    #[arg(long, default_value = "15s", value_parser = go_duration)]
    pub leader_election_lease_duration: Duration,
    /// A holder that could not renew for this long stops
    #[arg(long, default_value = "10s", value_parser = go_duration)]
    pub leader_election_renew_deadline: Duration,
    /// Time between two attempts to claim or renew
    #[arg(long, default_value = "2s", value_parser = go_duration)]
    pub leader_election_retry_period: Duration,
    /// What to do about a plan that breaks an invariant
    #[arg(long, value_enum, default_value_t = GuardMode::Enforce)]
    pub guard: GuardMode,
    /// Port of the validating admission webhook; 0 for none
    #[arg(long, default_value_t = 0)]
    pub webhook_port: u16,
    /// A folder with the tls.crt and tls.key of the webhook; without it the controller makes its own certificate
    #[arg(long)]
    pub webhook_cert_dir: Option<PathBuf>,
    /// The dashboard
    #[command(flatten)]
    pub dashboard: DashboardFlags,
    /// Sync Applications of the controller's namespace from Git
    #[arg(long, default_value_t = false, num_args = 0..=1, default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set)]
    pub gitops: bool,
    /// A folder for copies of repositories; a temporary one where none is given
    #[arg(long)]
    pub gitops_folder: Option<PathBuf>,
    /// A port on which Git platforms tell of pushes (POST /api/webhook); 0 is none
    #[arg(long, default_value_t = 0)]
    pub gitops_webhook_port: u16,
    /// The program that renders charts, Helm 3 or 4: a name in the PATH, or a path
    #[arg(long, default_value = "helm", value_parser = program)]
    pub helm_program: String,
    /// The program that renders folders of Kustomize: a name in the PATH, or a path
    #[arg(long, default_value = "kustomize", value_parser = program)]
    pub kustomize_program: String,
    /// A folder of files that describe render plugins, such as those of a mounted ConfigMap
    #[arg(long, value_name = "FOLDER")]
    pub gitops_plugins: Option<PathBuf>,
    /// How often a Git server is asked for news, in seconds
    #[arg(long, env = "ARGOCD_RECONCILIATION_TIMEOUT", value_parser = seconds, default_value = "120")]
    pub app_resync: Duration,
    /// How much longer than that it may take, in seconds, so that not all Applications ask at once
    #[arg(long, env = "ARGOCD_RECONCILIATION_JITTER", value_parser = seconds, default_value = "60")]
    pub app_resync_jitter: Duration,
    /// Asking AWS
    #[command(flatten)]
    pub aws: AwsFlags,
    /// Flags without effect
    #[command(flatten)]
    pub without_effect: WithoutEffect,
}

/// A name in the `PATH`, or a path, which is found from any folder then.
fn program(text: &str) -> Result<String, String> {
    if !text.contains('/') {
        return Ok(text.to_owned());
    }
    let path = std::path::absolute(text).map_err(|error| error.to_string())?;
    path.into_os_string().into_string().map_err(|_| "it is not UTF-8".to_owned())
}

/// A bare number has seconds.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => go_duration(text),
    }
}

/// What is to be known of AWS.
#[derive(Args, Debug)]
pub struct AwsFlags {
    /// Ask AWS whether its load balancers do what they are told
    #[arg(long, default_value_t = false, num_args = 0..=1, default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set)]
    aws_verify_target_group: bool,
    /// The same, by its name of before
    #[arg(long, hide = true, default_value_t = false, num_args = 0..=1, default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set)]
    alb_verify_weight: bool,
    /// The tag by which the AWS load balancer controller says whose a target group is
    #[arg(long, default_value = "ingress.k8s.aws/resource")]
    pub alb_tag_key_resource_id: String,
    /// Group and version of `TargetGroupBindings`
    #[arg(long, default_value = "elbv2.k8s.aws/v1beta1")]
    pub aws_target_group_binding_api_version: String,
    /// Ask AWS no more often than this about one load balancer
    #[arg(long, default_value = "10s", value_parser = go_duration)]
    pub aws_verify_interval: Duration,
}

impl AwsFlags {
    /// Whether AWS is asked what its load balancers do.
    pub fn is_asked(&self) -> bool {
        self.aws_verify_target_group || self.alb_verify_weight
    }
}

/// Flags that are accepted and change nothing in this version.
#[derive(Args, Debug)]
pub struct WithoutEffect {
    #[arg(long, hide = true)]
    kloglevel: Option<i32>,
    #[arg(long, hide = true)]
    qps: Option<f32>,
    #[arg(long, hide = true)]
    burst: Option<i32>,
    #[arg(long, hide = true)]
    service_threads: Option<i32>,
    #[arg(long, hide = true)]
    ingress_threads: Option<i32>,
    #[arg(long, hide = true)]
    ephemeral_metadata_threads: Option<i32>,
    #[arg(long, hide = true)]
    ephemeral_metadata_update_pod_retries: Option<i32>,
    #[arg(long, hide = true)]
    istio_api_version: Option<String>,
    #[arg(long, hide = true)]
    ambassador_api_version: Option<String>,
    #[arg(long, hide = true)]
    traffic_split_api_version: Option<String>,
    #[arg(long, hide = true)]
    traefik_api_group: Option<String>,
    #[arg(long, hide = true)]
    traefik_api_version: Option<String>,
    #[arg(long, hide = true)]
    ingress_api_version: Option<String>,
    #[arg(long, hide = true)]
    appmesh_crd_version: Option<String>,
    #[arg(long, hide = true, value_delimiter = ',')]
    alb_ingress_classes: Vec<String>,
    #[arg(long, hide = true, value_delimiter = ',')]
    nginx_ingress_classes: Vec<String>,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    self_service_notification_enabled: Option<bool>,
    #[arg(long, hide = true, value_delimiter = ',')]
    controllers: Vec<String>,
    #[arg(long, hide = true)]
    enable_pprof_address: Option<String>,
}

impl WithoutEffect {
    /// The flags that were given, for a line in the log.
    pub fn given(&self) -> Vec<&'static str> {
        let WithoutEffect {
            kloglevel,
            qps,
            burst,
            service_threads,
            ingress_threads,
            ephemeral_metadata_threads,
            ephemeral_metadata_update_pod_retries,
            istio_api_version,
            ambassador_api_version,
            traffic_split_api_version,
            traefik_api_group,
            traefik_api_version,
            ingress_api_version,
            appmesh_crd_version,
            alb_ingress_classes,
            nginx_ingress_classes,
            self_service_notification_enabled,
            controllers,
            enable_pprof_address,
        } = self;
        let given = [
            ("--kloglevel", kloglevel.is_some()),
            ("--qps", qps.is_some()),
            ("--burst", burst.is_some()),
            ("--service-threads", service_threads.is_some()),
            ("--ingress-threads", ingress_threads.is_some()),
            ("--ephemeral-metadata-threads", ephemeral_metadata_threads.is_some()),
            ("--ephemeral-metadata-update-pod-retries", ephemeral_metadata_update_pod_retries.is_some()),
            ("--istio-api-version", istio_api_version.is_some()),
            ("--ambassador-api-version", ambassador_api_version.is_some()),
            ("--traffic-split-api-version", traffic_split_api_version.is_some()),
            ("--traefik-api-group", traefik_api_group.is_some()),
            ("--traefik-api-version", traefik_api_version.is_some()),
            ("--ingress-api-version", ingress_api_version.is_some()),
            ("--appmesh-crd-version", appmesh_crd_version.is_some()),
            ("--alb-ingress-classes", !alb_ingress_classes.is_empty()),
            ("--nginx-ingress-classes", !nginx_ingress_classes.is_empty()),
            ("--self-service-notification-enabled", self_service_notification_enabled.is_some()),
            ("--controllers", !controllers.is_empty()),
            ("--enable-pprof-address", enable_pprof_address.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
    }
}

/// Reads a duration as Go's programs take it.
pub(crate) fn go_duration(text: &str) -> Result<Duration, String> {
    let duration = sluice_core::time::parse_go_duration(text).map_err(|error| error.to_string())?;
    Duration::try_from(duration).map_err(|_| format!("{text} is negative"))
}

/// Flags of the dashboard inside the controller.
#[derive(Args, Clone, Debug)]
pub struct DashboardFlags {
    /// Port of the dashboard, for those who show a token of the cluster; 0 for none
    #[arg(long, default_value_t = 0)]
    pub dashboard_port: u16,
    /// Let nobody change anything by the dashboard
    #[arg(long)]
    pub dashboard_read_only: bool,
    /// The first part of the path of the dashboard's pages
    #[arg(long, default_value = "rollouts", value_parser = root_path)]
    pub dashboard_root_path: String,
    /// The provider at which people log in to the dashboard
    #[command(flatten)]
    pub oidc: OidcFlags,
}

/// What an ID token of the provider is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum OidcMode {
    /// The API server trusts the provider: people act with their ID token
    Token,
    /// It does not: it is asked what they may do, and the dashboard acts with its own rights
    Review,
}

/// Flags of the provider at which people log in to the dashboard.
#[derive(Args, Clone, Debug)]
pub struct OidcFlags {
    /// Issuer URL of the OIDC provider at which people log in
    #[arg(long, requires_all = ["dashboard_oidc_client_id", "dashboard_oidc_url"])]
    pub dashboard_oidc_issuer_url: Option<String>,
    /// Name of the dashboard at the provider
    #[arg(long, requires = "dashboard_oidc_issuer_url")]
    pub dashboard_oidc_client_id: Option<String>,
    /// File with the secret of the dashboard at the provider; a public client has none
    #[arg(long, requires = "dashboard_oidc_issuer_url")]
    pub dashboard_oidc_client_secret_file: Option<PathBuf>,
    /// Address at which browsers find the dashboard; the provider sends them back to its /login/oidc/callback
    #[arg(long, requires = "dashboard_oidc_issuer_url")]
    pub dashboard_oidc_url: Option<String>,
    /// What is asked for beside openid
    #[arg(long, value_delimiter = ',', default_value = "profile,email,groups")]
    pub dashboard_oidc_scopes: Vec<String>,
    /// What an ID token is good for
    #[arg(long, value_enum, default_value = "token")]
    pub dashboard_oidc_mode: OidcMode,
    /// The claim that names a person, as the API server's --oidc-username-claim
    #[arg(long, default_value = "sub")]
    pub dashboard_oidc_username_claim: String,
    /// For the mode review: what is put before a person's name; the issuer URL and # where it is not given, but for e-mail addresses
    #[arg(long)]
    pub dashboard_oidc_username_prefix: Option<String>,
    /// For the mode review: the claim with a person's groups
    #[arg(long, default_value = "groups")]
    pub dashboard_oidc_groups_claim: String,
    /// For the mode review: what is put before each group
    #[arg(long, default_value = "")]
    pub dashboard_oidc_groups_prefix: String,
    /// File with the certificates of who vouches for the provider's
    #[arg(long, requires = "dashboard_oidc_issuer_url")]
    pub dashboard_oidc_ca_file: Option<PathBuf>,
}

/// The first part of a path: nothing that means something in one.
pub fn root_path(text: &str) -> Result<String, String> {
    let part = text.trim_matches('/');
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    let taken = ["api", "applications", "assets", "login", "logout"].contains(&part);
    if part.is_empty() || part.starts_with('.') || !part.chars().all(is_part) || taken {
        return Err(format!("{text:?} is not a part of a path such as rollouts, or is taken"));
    }
    Ok(part.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        flags: ControllerFlags,
    }

    #[test]
    fn the_arguments_of_an_argo_rollouts_deployment_are_accepted() {
        let arguments = [
            "sluice",
            "--namespaced",
            "--namespace=shop",
            "--instance-id=blue",
            "--rollout-resync=60",
            "--loglevel",
            "debug",
            "--logformat=json",
            "--kloglevel",
            "6",
            "--metricsPort=9090",
            "--healthzPort",
            "9091",
            "--qps=100",
            "--burst=200",
            "--rollout-threads=20",
            "--experiment-threads=5",
            "--analysis-threads=5",
            "--service-threads=5",
            "--ingress-threads=5",
            "--ephemeral-metadata-threads=5",
            "--ephemeral-metadata-update-pod-retries=5",
            "--aws-target-group-binding-api-version=elbv2.k8s.aws/v1beta1",
            "--alb-tag-key-resource-id=ingress.k8s.aws/resource",
            "--istio-api-version=v1beta1",
            "--ambassador-api-version=x",
            "--traffic-split-api-version=v1alpha2",
            "--traefik-api-group=traefik.io",
            "--traefik-api-version=traefik.io/v1alpha1",
            "--ingress-api-version=v1",
            "--appmesh-crd-version=v1beta2",
            "--alb-ingress-classes=alb,other",
            "--nginx-ingress-classes",
            "nginx",
            "--aws-verify-target-group",
            "--alb-verify-weight",
            "--leader-elect=false",
            "--leader-election-lease-duration=30s",
            "--leader-election-renew-deadline=20s",
            "--leader-election-retry-period=1m30s",
            "--self-service-notification-enabled",
            "--controllers=analysis",
            "--enable-pprof-address=localhost:8888",
        ];
        let flags = Cli::try_parse_from(arguments).expect("they are accepted").flags;
        assert!(flags.namespaced && !flags.leader_elect);
        assert_eq!((flags.metrics_port, flags.healthz_port, flags.rollout_threads), (9090, 9091, 20));
        assert_eq!(flags.leader_election_retry_period, Duration::from_secs(90));
        assert!(flags.aws.is_asked());
        assert_eq!(flags.without_effect.given().len(), 19);
        assert_eq!((flags.analysis_threads, flags.experiment_threads), (5, 5));
    }

    #[test]
    fn without_arguments_the_defaults_are_those_of_argo_rollouts() {
        let flags = Cli::try_parse_from(["sluice"]).expect("they are accepted").flags;
        assert!(flags.leader_elect && !flags.namespaced);
        assert_eq!((flags.metrics_port, flags.healthz_port), (8090, 8080));
        assert_eq!((flags.rollout_resync, flags.rollout_threads), (900, 10));
        assert_eq!(flags.webhook_port, 0);
        assert!(!flags.aws.is_asked());
        assert_eq!(flags.aws.aws_verify_interval, Duration::from_secs(10));
        assert_eq!(flags.aws.alb_tag_key_resource_id, "ingress.k8s.aws/resource");
        assert_eq!(flags.leader_election_lease_duration, Duration::from_secs(15));
        assert_eq!(flags.without_effect.given(), Vec::<&str>::new());
    }
}
