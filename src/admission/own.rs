//! A certificate of the controller's own, for clusters where nothing else makes any.
//!
//! It is made once, with an authority whose key is thrown away, and kept in a Secret that all replicas share. API servers come to
//! trust it through the webhook's configuration, where each replica keeps `caBundle` up to date. It does not expire: whoever
//! wants another deletes the Secret.

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use serde_json::{Value, json};

use super::certificate::Pair;

/// The Secret, and the Service of `deploy/webhook.yaml`.
pub(super) const NAME: &str = "sluice-webhook";
/// The configuration of `deploy/webhook.yaml`.
const CONFIGURATION: &str = "sluice";

/// Where the certificate is kept.
#[derive(Clone)]
pub struct Own {
    /// For reads and writes, without retries.
    pub client: Client,
    /// The controller's namespace.
    pub namespace: String,
}

impl Own {
    /// The certificate that all replicas share. The first one to ask makes it.
    pub(super) async fn read(&self) -> anyhow::Result<Pair> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let place = || {
            let place = format!("the Secret {}/{NAME} for the webhook's certificate", self.namespace);
            format!("{place}: apply deploy/webhook.yaml, or give --webhook-cert-dir")
        };
        let secret = match api.get_opt(NAME).await.with_context(|| format!("cannot read {}", place()))? {
            Some(secret) => secret,
            None => match api.create(&PostParams::default(), &secret_of(&make(&self.namespace)?)).await {
                Ok(made) => made,
                Err(kube::Error::Api(status)) if status.code == 409 => {
                    api.get(NAME).await.with_context(|| format!("cannot read {}", place()))?
                }
                Err(error) => return Err(error).with_context(|| format!("cannot create {}", place())),
            },
        };
        pair_of(secret)
            .with_context(|| format!("cannot use the Secret {}/{NAME}: delete it for a new one", self.namespace))
    }

    /// Has API servers trust the certificate, where the webhook is installed. Returns whether something was to be written.
    pub(super) async fn announce(&self, pair: &Pair) -> anyhow::Result<bool> {
        let Some(authority) = &pair.authority else { return Ok(false) };
        let api: Api<ValidatingWebhookConfiguration> = Api::all(self.client.clone());
        let what = || format!("the caBundle of the ValidatingWebhookConfiguration {CONFIGURATION}");
        let found = api.get_opt(CONFIGURATION).await.with_context(|| format!("cannot read {}", what()))?;
        let Some(patch) = found.as_ref().and_then(|found| announcement(found, &self.namespace, authority)) else {
            return Ok(false);
        };
        let patch: json_patch::Patch = serde_json::from_value(patch)?;
        match api.patch(CONFIGURATION, &PatchParams::default(), &Patch::Json::<()>(patch)).await {
            Ok(_) => Ok(true),
            // Another replica was faster, or the configuration has changed; the next look tells.
            Err(kube::Error::Api(status)) if [409, 422].contains(&status.code) => Ok(false),
            Err(error) => Err(error).with_context(|| format!("cannot write {}", what())),
        }
    }
}

/// What to write into a configuration so that the webhooks which lead to this namespace are trusted. `None` if nothing is.
pub(super) fn announcement(
    configuration: &ValidatingWebhookConfiguration,
    namespace: &str,
    authority: &[u8],
) -> Option<Value> {
    let bundle = ByteString(authority.to_vec());
    let webhooks = configuration.webhooks.iter().flatten().enumerate();
    let stale = webhooks.filter(|(_, webhook)| {
        let service = webhook.client_config.service.as_ref();
        let is_ours = service.is_some_and(|service| service.namespace == namespace && service.name == NAME);
        is_ours && webhook.client_config.ca_bundle.as_ref() != Some(&bundle)
    });
    let encoded = BASE64_STANDARD.encode(authority);
    let mut writes: Vec<Value> = stale
        .map(|(index, _)| {
            json!({ "op": "add", "path": format!("/webhooks/{index}/clientConfig/caBundle"), "value": encoded })
        })
        .collect();
    if writes.is_empty() {
        return None;
    }
    let version = configuration.metadata.resource_version.as_deref();
    writes.insert(0, json!({ "op": "test", "path": "/metadata/resourceVersion", "value": version }));
    Some(Value::Array(writes))
}

/// A certificate for the Service in this namespace.
pub(super) fn make(namespace: &str) -> Result<Pair, rcgen::Error> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority.distinguished_name.push(DnType::CommonName, format!("{NAME} in {namespace}"));
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(vec![format!("{NAME}.{namespace}.svc")])?;
    parameters.distinguished_name.push(DnType::CommonName, NAME);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = parameters.signed_by(&key, &issuer)?;
    Ok(Pair {
        certificate: certificate.pem().into_bytes(),
        key: key.serialize_pem().into_bytes(),
        authority: Some(issuer.pem().into_bytes()),
    })
}

fn secret_of(pair: &Pair) -> Secret {
    let data =
        [("tls.crt", Some(&pair.certificate)), ("tls.key", Some(&pair.key)), ("ca.crt", pair.authority.as_ref())];
    let data = data.into_iter().filter_map(|(name, bytes)| Some((name.to_owned(), ByteString(bytes?.clone()))));
    let labels = [("app.kubernetes.io/name".to_owned(), "sluice".to_owned())];
    Secret {
        metadata: ObjectMeta { name: Some(NAME.to_owned()), labels: Some(labels.into()), ..ObjectMeta::default() },
        type_: Some("kubernetes.io/tls".to_owned()),
        data: Some(data.collect()),
        ..Secret::default()
    }
}

fn pair_of(secret: Secret) -> anyhow::Result<Pair> {
    let mut data = secret.data.unwrap_or_default();
    let mut take = |name: &str| data.remove(name).map(|bytes| bytes.0);
    Ok(Pair {
        certificate: take("tls.crt").context("it has no tls.crt")?,
        key: take("tls.key").context("it has no tls.key")?,
        authority: take("ca.crt"),
    })
}
