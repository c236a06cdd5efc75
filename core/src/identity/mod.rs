#![allow(missing_docs)]
//! stub
use crate::api::ReplicaSet;
use serde_json::Value;
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodHash(String);
impl PodHash {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl From<&str> for PodHash {
    fn from(s: &str) -> Self {
        PodHash(s.into())
    }
}
impl std::fmt::Display for PodHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
pub fn pod_template_hash(t: &Value, c: Option<i32>) -> PodHash {
    PodHash(format!(
        "h{:08x}",
        t.to_string()
            .bytes()
            .chain(c.unwrap_or(0).to_le_bytes())
            .fold(0x811c9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x01000193))
    ))
}
pub fn step_hash(t: &Value) -> String {
    format!("{}", t.to_string().len())
}
pub fn clean_template(t: &Value) -> Value {
    t.clone()
}
pub fn find_new<'a>(t: &Value, c: Option<i32>, _cur: &str, it: impl Iterator<Item = &'a ReplicaSet>) -> Option<usize> {
    let h = pod_template_hash(t, c);
    it.enumerate().find(|(_, rs)| rs.hash().as_ref() == Some(&h)).map(|x| x.0)
}
