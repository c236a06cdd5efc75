//! The two hashes of a rollout: of its pod template, which names a revision, and of its canary steps.
//!
//! Both are FNV-1a over the JSON that Go writes of the typed value. They are on labels and in status fields that other
//! tools read and that live ReplicaSets carry, so each bit is part of the contract.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::go_json::{Dialect, clean, encode, encode_template};
use super::step_fields::STEPS;

/// The letters and digits of a hash; vowels and look-alikes are missing so that no words appear.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// The value of the label `rollouts-pod-template-hash`: which revision a ReplicaSet, its pods and a Service belong to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PodHash(String);

impl PodHash {
    /// The hash as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PodHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Any label value names a revision: a ReplicaSet keeps the label that it was created with, however it was computed.
impl From<&str> for PodHash {
    fn from(label: &str) -> Self {
        Self(label.to_owned())
    }
}

impl From<String> for PodHash {
    fn from(label: String) -> Self {
        Self(label)
    }
}

/// The hash of a pod template as Argo Rollouts ≥1.9 computes it. `collision_count` is `status.collisionCount`: unset and
/// zero differ.
pub fn pod_template_hash(template: &Value, collision_count: Option<i32>) -> PodHash {
    PodHash(safe_hash(&encode_template(template, Dialect::Current), collision_count))
}

/// The hash of a pod template as Argo Rollouts ≤1.8 computed it, still on the ReplicaSets of clusters that come from it.
pub fn legacy_pod_template_hash(template: &Value, collision_count: Option<i32>) -> PodHash {
    PodHash(safe_hash(&encode_template(template, Dialect::NullTimestamp), collision_count))
}

/// `status.currentStepHash`: the hash of `spec.strategy.canary.steps`. Null, for a canary without steps, hashes too.
pub fn step_hash(steps: &Value) -> String {
    safe_hash(&encode_steps(steps), None)
}

/// The bytes of canary steps that are hashed.
pub fn encode_steps(steps: &Value) -> String {
    encode(STEPS, &clean(STEPS, steps), Dialect::Current)
}

fn safe_hash(encoded: &str, collision_count: Option<i32>) -> String {
    let mut sum = fnv1a(0x811c_9dc5, encoded.as_bytes());
    if let Some(count) = collision_count {
        sum = fnv1a(sum, &count.to_le_bytes());
        sum = fnv1a(sum, &[0; 4]);
    }
    sum.to_string().bytes().map(|digit| char::from(ALPHABET[usize::from(digit) % ALPHABET.len()])).collect()
}

/// A short digest of bytes, for telling whether they are the same as before.
pub(crate) fn fingerprint(bytes: &[u8]) -> u32 {
    fnv1a(0x811c_9dc5, bytes)
}

fn fnv1a(start: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(start, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
