//! What the status of an object says of the generation that has been taken up.

use serde_json::Value;

/// What all together say: one that lags is enough for a no, and one that is silent for nothing.
pub(super) fn all(each: &[Option<bool>]) -> Option<bool> {
    if each.contains(&Some(false)) {
        return Some(false);
    }
    (!each.is_empty() && each.iter().all(Option::is_some)).then_some(true)
}

/// The generation of an object; it counts the changes of its spec.
pub(super) fn generation(object: &Value) -> i64 {
    object["metadata"]["generation"].as_i64().unwrap_or(0)
}

/// Whether a part of a status, such as a condition, is about the object as it is; `None` where it does not say.
pub(super) fn is_current(part: &Value, object: &Value) -> Option<bool> {
    Some(part["observedGeneration"].as_i64()? >= generation(object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_lags_is_a_no_and_one_that_is_silent_is_nothing() {
        let (yes, no) = (Some(true), Some(false));
        for (each, together) in
            [(&[][..], None), (&[yes, yes], yes), (&[yes, no], no), (&[yes, None], None), (&[None, no], no)]
        {
            assert_eq!(all(each), together, "{each:?}");
        }
    }
}
