//! The hash by which clients see in which version a resource is stored.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The first eight bytes of the SHA-256 digest, in base 64.
pub fn storage_version(group: &str, version: &str, kind: &str) -> String {
    let digest = digest(&SHA256, format!("{group}/{version}/{kind}").as_bytes());
    BASE64_STANDARD.encode(&digest.as_ref()[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_recorded_one() {
        assert_eq!(storage_version("apps", "v1", "Deployment"), "8aSe+NMegvE=");
        assert_eq!(storage_version("argoproj.io", "v1alpha1", "Rollout"), "T0mdNo50nFA=");
    }
}
