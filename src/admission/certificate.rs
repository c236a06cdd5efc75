//! The webhook's certificate: where it comes from, and that a new one is taken without a restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::watch;

use super::own::Own;

/// Where the certificate comes from.
#[derive(Clone)]
pub enum Source {
    /// `tls.crt` and `tls.key` in this folder, as in a volume of a Secret of the type `kubernetes.io/tls`.
    Folder(PathBuf),
    /// The controller itself.
    Own(Own),
}

/// A certificate with its chain, its key, and who has signed it where that must be told, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) authority: Option<Vec<u8>>,
}

impl Source {
    async fn read(&self) -> anyhow::Result<Pair> {
        match self {
            Source::Folder(folder) => {
                let folder = folder.clone();
                tokio::task::spawn_blocking(move || read_folder(&folder)).await?
            }
            Source::Own(own) => own.read().await,
        }
    }

    /// Makes known who has signed a certificate, where that is ours to do.
    async fn announce(&self, pair: &Pair) -> anyhow::Result<()> {
        if let Source::Own(own) = self
            && own.announce(pair).await?
        {
            tracing::info!("API servers are told to trust the webhook's certificate");
        }
        Ok(())
    }

    /// How often to look for another.
    fn period(&self) -> Duration {
        match self {
            Source::Folder(_) => Duration::from_secs(10),
            Source::Own(_) => Duration::from_secs(15),
        }
    }
}

fn read_folder(folder: &Path) -> anyhow::Result<Pair> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path)
            .with_context(|| format!("cannot read {} for the webhook (--webhook-cert-dir)", path.display()))
    };
    Ok(Pair { certificate: read("tls.crt")?, key: read("tls.key")?, authority: None })
}

/// One try to get the certificate to begin with.
pub(super) async fn begin(source: &Source) -> anyhow::Result<(Pair, watch::Sender<Arc<ServerConfig>>)> {
    let pair = source.read().await?;
    let config = config(&pair).context("cannot use the webhook's certificate")?;
    Ok((pair, watch::Sender::new(config)))
}

/// The certificate to begin with. Until there is one, there is no webhook, which keeps nobody from anything.
pub(super) async fn first(source: &Source) -> (Pair, watch::Sender<Arc<ServerConfig>>) {
    let mut told = String::new();
    loop {
        match begin(source).await {
            Ok(first) => return first,
            Err(error) => tell(&mut told, &error, "the webhook has no certificate yet"),
        }
        tokio::time::sleep(source.period()).await;
    }
}

/// Tells of a trouble that is not the one told of last.
fn tell(told: &mut String, error: &anyhow::Error, consequence: &str) {
    let trouble = format!("{error:#}");
    if trouble != *told {
        tracing::warn!(error = trouble, "{consequence}");
    }
    *told = trouble;
}

/// Looks for another certificate for ever. One that cannot be used changes nothing: half of a pair may be written before the
/// other. Each trouble is told once.
pub(super) async fn keep(source: Source, mut current: Pair, configs: watch::Sender<Arc<ServerConfig>>) {
    let mut told = String::new();
    loop {
        match look(&source, &mut current, &configs).await {
            Ok(()) => told.clear(),
            Err(error) => tell(&mut told, &error, "the webhook goes on with the certificate that it has"),
        }
        tokio::time::sleep(source.period()).await;
    }
}

async fn look(source: &Source, current: &mut Pair, configs: &watch::Sender<Arc<ServerConfig>>) -> anyhow::Result<()> {
    let pair = source.read().await?;
    if pair != *current {
        configs.send_replace(config(&pair)?);
        *current = pair;
        tracing::info!("the webhook has another certificate");
    }
    source.announce(current).await
}

/// How to encrypt with a certificate.
pub(super) fn config(pair: &Pair) -> anyhow::Result<Arc<ServerConfig>> {
    let chain: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(&pair.certificate)
        .collect::<Result<_, _>>()
        .context("the certificate is not PEM")?;
    anyhow::ensure!(!chain.is_empty(), "there is no certificate in the PEM");
    let chain = chain.into_iter().map(CertificateDer::into_owned).collect();
    let key = PrivateKeyDer::from_pem_slice(&pair.key).context("the key is not PEM")?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("the certificate and the key do not go together")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
