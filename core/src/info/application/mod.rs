//! What people see of an Application, as plain data: how it stands, what it waits for, and its objects.

pub mod live;
pub mod operation;
pub mod row;
#[cfg(test)]
pub(crate) mod sample;
pub mod stored;
pub mod summary;
pub mod tree;
pub mod words;
