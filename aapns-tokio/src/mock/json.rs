//! Reading what people write as JSON: an error says where.

use serde::de::DeserializeOwned;

/// JSON that isn't what it should be.
#[derive(Debug, thiserror::Error)]
#[error("at {path}: {error}")]
pub struct JsonError {
    path: String,
    error: serde_json::Error,
}

impl JsonError {
    /// Where, as in `rules[0].do`; `.` for the whole.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// Reads a value, and nothing after it.
pub(super) fn read<T: DeserializeOwned>(json: &str) -> Result<T, JsonError> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| JsonError {
        path: error.path().to_string(),
        error: error.into_inner(),
    })?;
    reader.end().map_err(|error| JsonError {
        path: ".".to_owned(),
        error,
    })?;
    Ok(value)
}
