//! Identity: which ReplicaSet is which revision.

pub mod decimal;
pub mod defaults;
pub mod go_fields;
pub mod go_json;
pub mod go_text;
pub mod go_types;
pub mod hash;
pub mod image;
pub mod quantity;
pub mod step_fields;

pub use defaults::default_pod_template;
pub use go_json::clean_template;
pub use hash::{PodHash, legacy_pod_template_hash, pod_template_hash, step_hash};
pub use quantity::Quantity;
