//! `Own`: what a caller gives for names in a file; `OwnLayer`: a layer of the caller's own as it stands in a file.

use crate::arrays::ToArray;
use crate::error::{Error, Result};
use crate::format::RawArray;
use crate::format::json::{self, Value};
use crate::{Activation, Element};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use core::marker::PhantomData;
use ndarray::{Array, Dimension};

/// What makes a layer, without its type of numbers.
pub type Maker = Arc<dyn Any + Send + Sync>;

/// What a caller gives for names in a file.
#[derive(Clone, Default)]
pub struct Own {
    /// What makes the layers of a class. It is known to be for one type of number when it is asked for.
    pub layers: BTreeMap<String, Maker>,
    /// What makes recurrent layers of the cells of a class.
    pub cells: BTreeMap<String, Maker>,
    /// The same for single layers by their names.
    #[cfg(feature = "keras")]
    pub lambdas: BTreeMap<String, Maker>,
    pub functions: BTreeMap<String, Activation>,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Own");
        f.field("layers", &self.layers.keys());
        f.field("cells", &self.cells.keys());
        #[cfg(feature = "keras")]
        f.field("lambdas", &self.lambdas.keys());
        f.field("functions", &self.functions.keys()).finish()
    }
}

/// A layer of your own as it stands in a file: its name, its configuration and its weights.
///
/// A closure that you give to `keras::Reader::layer` or to `saved::Reader::layer` makes the layer from it.
///
/// ```
/// use ndarray::Array1;
/// use recurrent::{AnyLayer, OwnLayer, Result, Tensor};
///
/// /// `keras.layers.Layer` with `get_config` = {"by": …} and one weight, (features).
/// struct Scale {
///     by: f32,
///     gain: Array1<f32>,
/// }
///
/// impl Scale {
///     fn read(file: &OwnLayer<f32>) -> Result<Self> {
///         Ok(Scale { by: file.number("by")?, gain: file.array(0)? })
///     }
/// }
///
/// impl AnyLayer<f32> for Scale {
///     fn name(&self) -> &str { "scale" }
///     fn forward(&self, mut input: Tensor<f32>) -> Result<Tensor<f32>> {
///         input.values = input.values * &self.gain * self.by;
///         Ok(input)
///     }
/// }
/// ```
pub struct OwnLayer<'f, A> {
    pub(crate) name: String,
    pub(crate) class: String,
    pub(crate) config: Value,
    /// The weights, each with its name.
    pub(crate) weights: Vec<(String, RawArray<'f>)>,
    pub(crate) numbers: PhantomData<A>,
}

impl<A: Element> OwnLayer<'_, A> {
    /// The name of the layer in its model.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The class of the layer, as the file has it: `package>Class` in a `.h5` of Keras, `Class` in a `.keras`.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// The whole configuration as JSON: what `get_config` returned in Keras.
    pub fn config(&self) -> String {
        json::shown(&self.config)
    }

    /// Whether the configuration has a value for this key. `null` counts as none.
    pub fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// A number of the configuration, as the nearest `A`. Returns an error if there is none.
    pub fn number(&self, key: &str) -> Result<A> {
        let number = self.get(key, "a number", json::number);
        number.map(A::from_f64)
    }

    /// A list of numbers of the configuration, each as the nearest `A`. Returns an error if there is none.
    pub fn numbers(&self, key: &str) -> Result<Vec<A>> {
        self.get(key, "a list of numbers", |value| {
            let numbers = value.as_array()?.iter();
            numbers
                .map(|number| json::number(number).map(A::from_f64))
                .collect()
        })
    }

    /// A count, 0 or more, of the configuration. Returns an error if there is none.
    pub fn count(&self, key: &str) -> Result<usize> {
        self.get(key, "a count", |value| {
            value.as_u64().and_then(|count| usize::try_from(count).ok())
        })
    }

    /// A flag of the configuration. Returns an error if there is none.
    pub fn flag(&self, key: &str) -> Result<bool> {
        self.get(key, "true or false", Value::as_bool)
    }

    /// A text of the configuration. Returns an error if there is none.
    pub fn text(&self, key: &str) -> Result<&str> {
        self.get(key, "a text", Value::as_str)
    }

    /// The name and the shape of every weight, in the order of the file.
    ///
    /// In a `.keras` the names are paths, `vars/0`, `inner/vars/0`, and the weights of a layer are in the order in which
    /// the layer made them, those that are not trained last. In a `.h5` all weights are in that order, with the names that
    /// Keras gave them, `scale/gain`.
    pub fn weights(&self) -> impl ExactSizeIterator<Item = (&str, &[usize])> {
        self.weights
            .iter()
            .map(|(name, array)| (name.as_str(), array.shape()))
    }

    /// The weight at a place of that order, from 0. Returns an error if there is none, or if it has another number of
    /// axes.
    pub fn array<D: Dimension>(&self, place: usize) -> Result<Array<A, D>> {
        let weight = self.weights.get(place);
        self.read(weight, || format!("a weight {place}"))
    }

    /// The weight of this name, or the one whose name ends in it after a `/`. Returns an error if there is none, if there
    /// are several, or if it has another number of axes.
    pub fn array_named<D: Dimension>(&self, name: &str) -> Result<Array<A, D>> {
        let is_meant = |found: &str| {
            let found = found.split(':').next().unwrap_or(found);
            let before = found.strip_suffix(name);
            before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
        };
        let mut meant = self.weights.iter().filter(|(found, _)| is_meant(found));
        let weight = meant.next().filter(|_| meant.next().is_none());
        self.read(weight, || format!("one weight {name:?}"))
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    fn get<'v, T>(
        &'v self,
        key: &str,
        expected: &str,
        cast: impl FnOnce(&'v Value) -> Option<T>,
    ) -> Result<T> {
        let value = self.value(key);
        value.and_then(cast).ok_or_else(|| {
            let found = value.map_or_else(|| "none".to_string(), json::shown);
            Error::file(key, expected, found)
        })
    }

    fn read<D: Dimension>(
        &self,
        weight: Option<&(String, RawArray)>,
        expected: impl FnOnce() -> String,
    ) -> Result<Array<A, D>> {
        let Some((name, array)) = weight else {
            let names: Vec<&str> = self.weights.iter().map(|(name, _)| &**name).collect();
            let found = match names.as_slice() {
                [] => "none".to_string(),
                names => names.join(", "),
            };
            return Err(Error::file("weights", expected(), found));
        };
        crate::arrays::with_axes(name, array.numbers()?)
    }
}

impl<A> fmt::Debug for OwnLayer<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weights = self.weights.iter();
        let weights: Vec<_> = weights.map(|(name, array)| (name, array.shape())).collect();
        f.debug_struct("OwnLayer")
            .field("name", &self.name)
            .field("class", &self.class)
            .field("config", &json::shown(&self.config))
            .field("weights", &weights)
            .finish()
    }
}

/// The value for a name, or for the class of `package>Class`.
#[cfg(feature = "keras")]
pub(crate) fn by_name<'o, T>(all: &'o BTreeMap<String, T>, name: &str) -> Option<&'o T> {
    let bare = name.rsplit('>').next().unwrap_or(name);
    all.get(name).or_else(|| all.get(bare))
}

/// A value in place of another of the same type.
#[cfg(feature = "saved")]
pub(crate) fn same_type<T: 'static, U: 'static>(value: T) -> Option<U> {
    let value: alloc::boxed::Box<dyn Any> = alloc::boxed::Box::new(value);
    value.downcast().ok().map(|value| *value)
}
