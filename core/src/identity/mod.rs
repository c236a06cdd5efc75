//! Identity: which ReplicaSet is which revision.
//!
//! A revision is named by a hash over its pod template, and the hash is on everything that belongs to it: ReplicaSet,
//! pods, Service selectors, status. A cluster must be able to change from Argo Rollouts to Sluice without one new
//! ReplicaSet, so the hash is Argo's, bit for bit, which means: taken over what Go's `encoding/json` writes of the typed
//! template. The rooms here follow the value on its way:
//!
//! - [`go_types`] and [`go_fields`] describe the Go types as data, [`step_fields`] those of canary steps;
//! - [`go_json`] decodes raw JSON against them as tolerantly as Argo Rollouts does, and encodes it as Go does, with the
//!   scalars of [`go_text`] and [`quantity`];
//! - [`hash`] makes labels of the bytes;
//! - [`defaults`] (with [`image`]) and [`equality`] decide whether two templates mean the same where hashes differ;
//! - [`lookup`] finds the ReplicaSet of the current revision with all of these.

pub mod decimal;
pub mod defaults;
pub mod equality;
pub mod go_fields;
pub mod go_json;
pub mod go_text;
pub mod go_types;
pub mod hash;
pub mod image;
pub mod lookup;
pub mod quantity;
pub mod step_fields;

pub use defaults::default_pod_template;
pub use equality::{semantically_equal, strip_injected_anti_affinity};
pub use go_json::clean_template;
pub use hash::{PodHash, legacy_pod_template_hash, pod_template_hash, step_hash};
pub use lookup::{Candidate, Found, MatchedBy, find_new_replica_set};
pub use quantity::Quantity;
