//! The Kubernetes API that Sluice serves: group `argoproj.io/v1alpha1`, compatible with Argo Rollouts field by field.
//!
//! Read in this order: [`rollout`](Rollout) with its strategies and steps, its status, then templates, runs and experiments.
//! The doc comments become the descriptions in the CRDs.

mod analysis;
mod analysis_run;
mod analysis_template;
mod application;
mod blue_green;
mod canary;
pub mod crds;
pub mod decode;
mod experiment;
pub mod labels;
mod metric;
mod null;
mod providers;
mod raw;
mod replica_set;
#[expect(clippy::duplicated_attributes, reason = "each printer column has a type of its own")]
mod rollout;
mod rollout_status;
mod steps;
mod traffic;

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

pub use analysis::*;
pub use analysis_run::*;
pub use analysis_template::*;
pub use application::*;
pub use blue_green::*;
pub use canary::*;
pub use experiment::*;
pub use metric::*;
pub use providers::*;
pub use replica_set::*;
pub use rollout::*;
pub use rollout_status::*;
pub use steps::*;
pub use traffic::*;

/// `apiVersion` of every kind.
pub const API_VERSION: &str = "argoproj.io/v1alpha1";
