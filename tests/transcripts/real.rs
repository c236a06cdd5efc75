//! The real control plane, which `tests/cluster/run` has started.

use std::time::Duration;

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::{ConfigMap, ServiceAccount};
use kube::api::Api;
use kube::config::KubeConfigOptions;
use kube::{Client, Config};
use serde_json::Value;

use crate::target::Target;

/// A connection to the control plane that `KUBECONFIG` names.
pub struct Real {
    client: Client,
}

impl Real {
    pub async fn connect() -> Real {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let config = Config::from_kubeconfig(&KubeConfigOptions::default()).await;
        let mut config = config.expect("KUBECONFIG names the control plane of tests/cluster");
        config.default_retry = false; // A refusal is an answer too.
        Real { client: Client::try_from(config).expect("a client") }
    }
}

impl Target for Real {
    fn client(&self) -> Client {
        self.client.clone()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn kubeconfig(&self) -> Value {
        let path = std::env::var_os("KUBECONFIG").expect("tests/cluster/run sets KUBECONFIG");
        let text = std::fs::read_to_string(path).expect("the kubeconfig is readable");
        serde_saphyr::from_str(&text).expect("YAML")
    }

    fn is_real(&self) -> bool {
        true
    }

    /// Pods are refused before there is the service account, and lists of `ConfigMaps` would show the other one come.
    fn settle<'a>(&'a self, namespace: &'a str) -> BoxFuture<'a, ()> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client(), namespace);
        let maps: Api<ConfigMap> = Api::namespaced(self.client(), namespace);
        Box::pin(async move {
            while accounts.get_opt("default").await.expect("an answer").is_none()
                || maps.get_opt("kube-root-ca.crt").await.expect("an answer").is_none()
            {
                self.sleep(Duration::from_millis(20)).await;
            }
        })
    }
}
