//! `Setting`: an option of a layer.

use core::fmt::Debug;
#[cfg(feature = "saved")]
use {
    crate::Activation,
    crate::error::{Error, Result},
    crate::format::json::Value,
    alloc::format,
    core::any::Any,
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
impl<T: Serialize + DeserializeOwned + PartialEq + Debug + 'static> Setting for T {
    fn to_json(&self, key: &str) -> Result<Value> {
        let json = serde_json::to_value(self);
        let json = json.map_err(|error| Error::file(key, "what JSON can hold", error))?;
        // A function is not in the file: who reads it gives it back by its name.
        if let Some(Activation::Custom(_)) = (self as &dyn Any).downcast_ref() {
            return Ok(json);
        }
        if T::deserialize(&json).is_ok_and(|again| again == *self) {
            return Ok(json);
        }
        Err(Error::file(key, "what JSON can hold", format!("{self:?}")))
    }
}
