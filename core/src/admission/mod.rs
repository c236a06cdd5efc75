//! The answer to an API server that asks whether an object may be stored: a body in, a body out.
//!
//! [`Request::read`] takes an `AdmissionReview` of the API `admission.k8s.io/v1`, [`Request::decide`] comes to a [`Verdict`], and
//! [`Verdict::answer`] is what goes back. What is decided is what [`crate::validate::review`] says of the object, with three
//! reservations that keep a cluster usable:
//!
//! - What the object is denied for is wrong by itself. What is wrong with an object that it refers to is a warning, because
//!   manifests are applied in any order.
//! - What the stored object already has, in the same words, is a warning: who mends or scales an object that was stored before
//!   the webhook came must not be stopped by what they did not touch.
//! - A change of metadata alone passes without a word, and so does everything on an object that is being deleted: finalizers
//!   must go.

mod request;
mod verdict;

pub use request::{Kind, MOST_BYTES, Malformed, Request};
pub use verdict::Verdict;

#[cfg(test)]
mod tests;
