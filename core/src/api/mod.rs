//! The Kubernetes API that Sluice serves: group `argoproj.io/v1alpha1`, compatible with Argo Rollouts field by field.

pub mod decode;
pub mod labels;
pub(crate) mod null;
mod replica_set;
mod rollout;
mod rollout_status;

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

pub use replica_set::*;
pub use rollout::*;
pub use rollout_status::*;

/// `apiVersion` of every kind.
pub const API_VERSION: &str = "argoproj.io/v1alpha1";
