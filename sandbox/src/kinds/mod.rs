//! What the API server knows of its built-in kinds beyond their schemas: which fields it fills in, which objects it
//! refuses and in which words, and how it treats status, generation and deletion.
//!
//! All of it is that of Kubernetes 1.34, recorded from a real one: see `tests/kinds.rs` for the comparison and for the known
//! differences.

mod amount;
mod carry;
mod defaults;
mod registry;
mod validate;

pub(crate) use amount::{milli, nanos};
pub use carry::carry_over;
pub use defaults::{default, fill_in};
pub use registry::{Generation, KINDS, KindFacts, NameRule, StatusRule, facts};
pub use validate::{validate, validate_metadata};
