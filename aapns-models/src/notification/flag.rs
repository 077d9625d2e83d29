//! Apple's flags: the number 1, never `true`, and absent where they aren't set.

use serde::Serializer;

/// For `skip_serializing_if`, which passes a reference.
pub(super) fn is_unset(flag: &bool) -> bool {
    !flag
}

/// For `serialize_with`: a set flag is 1.
pub(super) fn as_one<S: Serializer>(_: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(1)
}
