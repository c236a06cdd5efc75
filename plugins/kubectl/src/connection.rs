//! Where the API server is and who asks: kubectl's own flags.

use std::path::PathBuf;

use clap::Args;
use kube::config::{ExecInteractiveMode, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use sluice_core::time::parse_go_duration;

use crate::problem::{Problem, chain};

/// kubectl's flags, under its names.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// The namespace; the context's by default
    #[arg(long, short, global = true, value_name = "NAME")]
    pub namespace: Option<String>,
    /// The kubeconfig file
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// The cluster of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub cluster: Option<String>,
    /// The user of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// Act as this user
    #[arg(long = "as", global = true, value_name = "USER")]
    pub as_user: Option<String>,
    /// Act as a member of this group; may be repeated
    #[arg(long, global = true, value_name = "GROUP")]
    pub as_group: Vec<String>,
    /// Act as the user with this uid
    #[arg(long, global = true, value_name = "UID")]
    pub as_uid: Option<String>,
    /// Address of the API server
    #[arg(long, short, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// Bearer token
    #[arg(long, global = true)]
    pub token: Option<String>,
    /// Certificate file of the API server's authority
    #[arg(long, global = true, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    /// Client certificate file
    #[arg(long, global = true, value_name = "FILE")]
    pub client_certificate: Option<String>,
    /// Client key file
    #[arg(long, global = true, value_name = "FILE")]
    pub client_key: Option<String>,
    /// Name that the API server's certificate must carry
    #[arg(long, global = true, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// Do not check the API server's certificate
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub insecure_skip_tls_verify: Option<bool>,
    /// Do not ask for compressed responses
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub disable_compression: Option<bool>,
    /// Give up on a response after this long, for example 10s; 0 waits for ever
    #[arg(long, global = true, value_name = "DURATION")]
    pub request_timeout: Option<String>,
    /// Accepted for kubectl's sake; nothing is cached
    #[arg(long, global = true, hide = true)]
    pub cache_dir: Option<PathBuf>,
    /// Whether nobody may be asked for a password or the like: who completes a line types on.
    #[arg(skip)]
    pub asks_nobody: bool,
}

/// What a command works with.
pub struct Connected {
    /// A client.
    pub client: Client,
    /// The namespace to work in.
    pub namespace: String,
    /// How the client was made.
    pub config: Config,
    /// The name of the context, for people with several; empty where there is none.
    pub context: String,
}

/// Reads the kubeconfig and makes a client.
pub async fn connect(flags: &Connection) -> Result<Connected, Problem> {
    let mut config = load(flags).await?;
    override_config(flags, &mut config)?;
    // A write whose answer was lost may have been done: nobody wants it twice.
    config.default_retry = false;
    let namespace = flags.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config.clone())
        .map_err(|error| Problem::new(format!("cannot make a client for the API server: {}", chain(&error))))?;
    Ok(Connected { client, namespace, config, context: context(flags) })
}

/// The name of the context in use.
fn context(flags: &Connection) -> String {
    let read = || match &flags.kubeconfig {
        Some(path) => Kubeconfig::read_from(path).ok(),
        None => Kubeconfig::read().ok(),
    };
    flags.context.clone().or_else(|| read().and_then(|file| file.current_context)).unwrap_or_default()
}

async fn load(flags: &Connection) -> Result<Config, Problem> {
    let options =
        KubeConfigOptions { context: flags.context.clone(), cluster: flags.cluster.clone(), user: flags.user.clone() };
    let advice = "Name a kubeconfig with --kubeconfig or KUBECONFIG, and see: kubectl config get-contexts";
    let unusable = |error| Problem::new(format!("cannot use the kubeconfig: {}", chain(&error))).advise(advice);
    if let Some(path) = &flags.kubeconfig {
        let file = Kubeconfig::read_from(path).map_err(unusable)?;
        return Config::from_custom_kubeconfig(file, &options).await.map_err(unusable);
    }
    let chosen = options.context.is_some() || options.cluster.is_some() || options.user.is_some();
    match Config::from_kubeconfig(&options).await {
        Ok(config) => Ok(config),
        Err(error) if chosen => Err(unusable(error)),
        // In a pod there is no kubeconfig, but there is a service account; with --server neither is needed.
        Err(error) => match (Config::incluster(), &flags.server) {
            (Ok(config), _) => Ok(config),
            (Err(_), Some(server)) => Ok(Config::new(address(server)?)),
            (Err(_), None) => Err(unusable(error)),
        },
    }
}

fn override_config(flags: &Connection, config: &mut Config) -> Result<(), Problem> {
    if let Some(server) = &flags.server {
        config.cluster_url = address(server)?;
    }
    if let Some(file) = &flags.certificate_authority {
        config.root_cert_file = Some(file.clone());
    }
    if let Some(insecure) = flags.insecure_skip_tls_verify {
        config.accept_invalid_certs = insecure;
    }
    if let Some(disable) = flags.disable_compression {
        config.disable_compression = disable;
    }
    if let Some(name) = &flags.tls_server_name {
        config.tls_server_name = Some(name.clone());
    }
    if let Some(text) = &flags.request_timeout {
        config.read_timeout = timeout(text)?;
    }
    let auth = &mut config.auth_info;
    if let Some(exec) = auth.exec.as_mut().filter(|_| flags.asks_nobody) {
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
    }
    if let Some(user) = &flags.as_user {
        auth.impersonate = Some(user.clone());
    }
    if !flags.as_group.is_empty() {
        auth.impersonate_groups = Some(flags.as_group.clone());
    }
    if let Some(uid) = &flags.as_uid {
        auth.impersonate_uid = Some(uid.clone());
    }
    if let Some(token) = &flags.token {
        auth.token = Some(token.clone().into());
    }
    if let Some(file) = &flags.client_certificate {
        auth.client_certificate = Some(file.clone());
        auth.client_certificate_data = None;
    }
    if let Some(file) = &flags.client_key {
        auth.client_key = Some(file.clone());
        auth.client_key_data = None;
    }
    Ok(())
}

fn address(server: &str) -> Result<http::Uri, Problem> {
    server.parse().map_err(|error| Problem::new(format!("--server {server:?} is not an address: {error}")))
}

/// kubectl takes `10s`, a bare number of seconds, and `0` for no limit.
fn timeout(text: &str) -> Result<Option<std::time::Duration>, Problem> {
    let seconds = text.parse::<u64>().ok().map(std::time::Duration::from_secs);
    let parsed = match seconds {
        Some(seconds) => Some(seconds),
        None => parse_go_duration(text).ok().and_then(|duration| duration.try_into().ok()),
    };
    parsed
        .map(|duration| (!duration.is_zero()).then_some(duration))
        .ok_or_else(|| Problem::new(format!("--request-timeout {text:?} is not a duration such as 10s")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_timeout_is_a_duration_or_a_number_of_seconds() {
        let seconds = |n| Some(std::time::Duration::from_secs(n));
        for (text, expected) in [("0", None), ("15", seconds(15)), ("2m", seconds(120)), ("0s", None)] {
            assert_eq!(timeout(text).expect(text), expected, "{text}");
        }
        assert!(timeout("soon").is_err());
    }
}
