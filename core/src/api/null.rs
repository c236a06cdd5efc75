//! `null` reads as absent, as it does in Go.

use serde::{Deserialize, Deserializer};

/// For fields that have a default: `null` is the default.
pub(crate) fn as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// For `skip_serializing_if`: whether a number is zero.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(crate) fn is_zero(number: &i32) -> bool {
    *number == 0
}

/// For `skip_serializing_if`: whether a flag is not set.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(crate) fn is_false(flag: &bool) -> bool {
    !flag
}

/// For `skip_serializing_if`: whether a long number is zero.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(crate) fn is_zero_long(number: &i64) -> bool {
    *number == 0
}
