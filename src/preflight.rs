//! What has to be there before a controller can work, checked at the start so that the error says what to do.

use anyhow::{Context as _, bail};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::Client;
use kube::api::{Api, ListParams, PostParams};
use sluice_core::api::{Application, Rollout};

/// Argo CD's controller of Applications.
const ARGO_CD: &str = "argocd-application-controller";

/// Verbs on resources without which nothing works: group, resource, subresource, verbs.
const NEEDED: [(&str, &str, &str, &[&str]); 7] = [
    ("argoproj.io", "rollouts", "", &["get", "list", "watch", "patch"]),
    ("argoproj.io", "rollouts", "status", &["patch"]),
    ("apps", "replicasets", "", &["get", "list", "watch", "create", "patch", "delete"]),
    ("", "pods", "", &["list", "watch", "patch"]),
    ("", "services", "", &["get", "list", "watch", "patch"]),
    ("", "pods", "eviction", &["create"]),
    ("", "events", "", &["create"]),
];

/// Fails with a sentence that names what is missing and how to get it.
pub async fn check(client: &Client, namespace: Option<&str>) -> anyhow::Result<()> {
    rollouts_are_served(client, namespace).await?;
    let mut missing = Vec::new();
    for (group, resource, subresource, verbs) in NEEDED {
        for verb in verbs {
            if !is_allowed(client, namespace, group, resource, subresource, verb).await? {
                let path = [resource, subresource].join("/");
                missing.push(format!("{verb} {}", path.trim_end_matches('/')));
            }
        }
    }
    if !missing.is_empty() {
        let place = namespace.map_or("all namespaces".to_owned(), |namespace| format!("namespace {namespace}"));
        bail!(
            "the controller's service account lacks permissions in {place}: {}. Apply deploy/install.yaml, or bind a role \
             with these verbs",
            missing.join(", ")
        );
    }
    Ok(())
}

/// The same, for the GitOps core.
pub async fn check_gitops(client: &Client, home: &str) -> anyhow::Result<()> {
    let sets: Api<StatefulSet> = Api::namespaced(client.clone(), home);
    let other = sets.get_opt(ARGO_CD).await.ok().flatten();
    if other.is_some_and(|set| set.spec.replicas != Some(0)) {
        bail!(
            "StatefulSet {ARGO_CD} in namespace {home} works on the same Applications: scale it to 0 first, or run sluice \
             in another namespace"
        )
    }
    let api: Api<Application> = Api::all(client.clone());
    match api.list_metadata(&ListParams::default().limit(1)).await {
        Err(kube::Error::Api(status)) if status.code == 404 => {
            bail!(
                "the cluster does not know Applications: install their CRD first, with \
                 `sluice crds --gitops | kubectl apply --server-side -f -`"
            )
        }
        // Elsewhere than in its own namespace it may be forbidden.
        Ok(_) | Err(kube::Error::Api(_)) => Ok(()),
        Err(error) => Err(error).context("cannot reach the Kubernetes API"),
    }
}

async fn rollouts_are_served(client: &Client, namespace: Option<&str>) -> anyhow::Result<()> {
    let api: Api<Rollout> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    match api.list_metadata(&ListParams::default().limit(1)).await {
        Ok(_) => Ok(()),
        // A group that is not served at all is answered without a Kubernetes Status.
        Err(kube::Error::Api(status)) if status.code == 404 => {
            bail!(
                "the cluster does not know Rollouts: install the CRDs first, with `sluice crds | kubectl apply --server-side -f -`"
            )
        }
        // The check of permissions names what is missing.
        Err(kube::Error::Api(status)) if status.is_forbidden() => Ok(()),
        Err(error) => {
            Err(error).context("cannot reach the Kubernetes API; is the kubeconfig or service account right?")
        }
    }
}

async fn is_allowed(
    client: &Client,
    namespace: Option<&str>,
    group: &str,
    resource: &str,
    subresource: &str,
    verb: &str,
) -> anyhow::Result<bool> {
    let attributes = ResourceAttributes {
        namespace: namespace.map(str::to_owned),
        group: Some(group.into()),
        resource: Some(resource.into()),
        subresource: Some(subresource.into()).filter(|name: &String| !name.is_empty()),
        verb: Some(verb.into()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
    let review = SelfSubjectAccessReview { spec, ..Default::default() };
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answer = api.create(&PostParams::default(), &review).await.context("cannot ask for permissions")?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
