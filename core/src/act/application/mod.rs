//! What people ask of an Application. Its status is no subresource: `operation` and `status` are patched like the rest.

pub mod request;
pub mod rollback;
pub mod selection;
pub mod sync;
