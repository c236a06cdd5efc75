//! The `OpenAPI` documents and the discovery of the built-in groups, as the real API server gives them.
//!
//! They are recorded once (`tests/cluster/record-openapi`) and are a part of the program. What the sandbox knows about the
//! built-in kinds comes from them, so it cannot differ from what `kubectl` reads.

use std::io::Read;
use std::sync::OnceLock;

use flate2::read::GzDecoder;
use serde_json::Value;

/// One recorded document.
struct Document {
    packed: &'static [u8],
    plain: OnceLock<Vec<u8>>,
}

macro_rules! documents {
    ($($path:literal in $file:literal),+ $(,)?) => {
        /// In the order of `PATHS`.
        static DOCUMENTS: [Document; PATHS.len()] = [$(Document {
            packed: include_bytes!(concat!("../../openapi/", $file, ".json.gz")),
            plain: OnceLock::new(),
        }),+];
        const PATHS: &[&str] = &[$($path),+];
    };
}

documents! {
    "api/v1" in "api.v1",
    "apis/apiextensions.k8s.io/v1" in "apis.apiextensions.k8s.io.v1",
    "apis/apps/v1" in "apis.apps.v1",
    "apis/authentication.k8s.io/v1" in "apis.authentication.k8s.io.v1",
    "apis/authorization.k8s.io/v1" in "apis.authorization.k8s.io.v1",
    "apis/autoscaling/v1" in "apis.autoscaling.v1",
    "apis/autoscaling/v2" in "apis.autoscaling.v2",
    "apis/batch/v1" in "apis.batch.v1",
    "apis/coordination.k8s.io/v1" in "apis.coordination.k8s.io.v1",
    "apis/discovery.k8s.io/v1" in "apis.discovery.k8s.io.v1",
    "apis/events.k8s.io/v1" in "apis.events.k8s.io.v1",
    "apis/networking.k8s.io/v1" in "apis.networking.k8s.io.v1",
    "apis/policy/v1" in "apis.policy.v1",
    "apis/rbac.authorization.k8s.io/v1" in "apis.rbac.authorization.k8s.io.v1",
}

static DISCOVERY: &[u8] = include_bytes!("../../openapi/discovery.json.gz");

/// The paths below `/openapi/v3/` that have a document.
pub fn paths() -> &'static [&'static str] {
    PATHS
}

/// The `OpenAPI` v3 document of one group and version, such as `apis/apps/v1`, as JSON.
pub fn document(path: &str) -> Option<&'static [u8]> {
    let place = PATHS.iter().position(|known| *known == path)?;
    let document = &DOCUMENTS[place];
    Some(document.plain.get_or_init(|| unpack(document.packed)))
}

/// What aggregated discovery says about each built-in group, the core group first: `metadata.name` is the group's name and
/// `versions[].resources[]` what it has.
pub fn resources() -> &'static [Value] {
    static GROUPS: OnceLock<Vec<Value>> = OnceLock::new();
    // What is recorded is a list of groups; a test reads it.
    GROUPS.get_or_init(|| serde_json::from_slice(&unpack(DISCOVERY)).unwrap_or_default())
}

fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(packed.len() * 12);
    match GzDecoder::new(packed).read_to_end(&mut plain) {
        Ok(_) => plain,
        Err(error) => unreachable!("what is recorded is whole, and a test unpacks all of it: {error}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_document_is_whole_and_is_of_its_path() {
        for path in paths() {
            let document: Value = serde_json::from_slice(document(path).unwrap()).unwrap();
            let paths = document["paths"].as_object().unwrap();
            assert!(paths.keys().all(|key| key.starts_with(&format!("/{path}/"))), "{path}");
        }
        assert!(document("apis/apps/v1beta1").is_none());
    }

    #[test]
    fn discovery_knows_every_group_and_version_that_has_a_document() {
        let mut found = Vec::new();
        for group in resources() {
            let name = group["metadata"]["name"].as_str();
            for version in group["versions"].as_array().unwrap() {
                let version = version["version"].as_str().unwrap();
                found.push(name.map_or(format!("api/{version}"), |name| format!("apis/{name}/{version}")));
            }
        }
        found.sort();
        assert_eq!(found, paths());
    }

    #[test]
    fn discovery_has_what_kubectl_needs_of_a_deployment() {
        let apps = resources().iter().find(|group| group["metadata"]["name"] == "apps").unwrap();
        let resources = apps["versions"][0]["resources"].as_array().unwrap();
        let deployments = resources.iter().find(|resource| resource["resource"] == "deployments").unwrap();
        assert_eq!(deployments["shortNames"][0], "deploy");
        assert_eq!(deployments["scope"], "Namespaced");
        let subresources = deployments["subresources"].as_array().unwrap();
        assert!(subresources.iter().any(|subresource| subresource["subresource"] == "scale"));
    }
}
