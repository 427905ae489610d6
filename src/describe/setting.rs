//! `Setting`: an option of a layer.

use core::fmt::Debug;
#[cfg(feature = "saved")]
use {
    crate::error::{Error, Result},
    crate::format::json::Value,
    alloc::format,
    serde::{Serialize, de::DeserializeOwned},
};

/// An option of a layer, which can be printed.
#[cfg(not(feature = "saved"))]
pub trait Setting: Debug {}

#[cfg(not(feature = "saved"))]
impl<T: Debug> Setting for T {}

#[cfg(feature = "saved")]
/// An option of a layer, which can be printed and written to a file.
pub trait Setting: Debug {
    /// The value of the option in a file. Returns an error if the file could not restore it: JSON has finite numbers only.
    fn to_json(&self, key: &str) -> Result<Value>;
}

#[cfg(feature = "saved")]
impl<T: Serialize + DeserializeOwned + PartialEq + Debug> Setting for T {
    fn to_json(&self, key: &str) -> Result<Value> {
        let json = serde_json::to_value(self);
        let json = json.map_err(|error| Error::file(key, "what JSON can hold", error))?;
        if T::deserialize(&json).is_ok_and(|again| again == *self) {
            return Ok(json);
        }
        Err(Error::file(key, "what JSON can hold", format!("{self:?}")))
    }
}
