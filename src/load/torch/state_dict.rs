//! `StateDict`: layers written as the state dict of PyTorch's modules.

use super::file::File;
use super::module_arrays::{Named, Place, ToModule};
use crate::arrays::ToArray;
#[cfg(feature = "std")]
use crate::error::within;
use crate::error::{Error, Result};
#[cfg(feature = "std")]
use crate::format::disk;
use crate::format::{Arrays, safetensors};
use crate::{Element, Limits};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::ArrayD;
#[cfg(feature = "std")]
use std::path::Path;

/// The arrays of layers under the names, in the shapes and in the order of gates that PyTorch's modules have.
///
/// ```
/// use recurrent::{Dense, Lstm, torch};
/// let lstm = Lstm::<f32>::builder(3, 5).build()?;
/// let head = Dense::from_weights(ndarray::Array2::zeros((5, 2)), None)?;
/// let dict = torch::StateDict::new().add("rnn.", &lstm)?.add("head.", &head)?;
/// let bytes = dict.write()?; // or dict.save("model.safetensors")?
/// // In Python: module.load_state_dict(safetensors.torch.load_file("model.safetensors"))
///
/// let file = torch::File::read(bytes)?;
/// assert_eq!(file.names()?[0], "head.weight");
/// let again: Lstm<f32> = file.ignore_prefix("head.").lstm("rnn.")?;
/// assert_eq!(again.kernel(), lstm.kernel());
/// # Ok::<(), recurrent::Error>(())
/// ```
///
/// # Two biases
/// An `nn.LSTM` and an `nn.RNN` have two biases and use only their sum, which is the one bias that an [`Lstm`](crate::Lstm) and a
/// [`SimpleRnn`](crate::SimpleRnn) have. It is written as `bias_ih`, and `bias_hh` is 0. In a
/// [copy](Self::write_into) both stay as they were if their sum did not change. A [`Gru`](crate::Gru) has both, and both are
/// written.
#[derive(Clone, Debug)]
pub struct StateDict<A> {
    /// Prefix and array.
    arrays: Vec<(String, Named<A>)>,
}

impl<A: Element> Default for StateDict<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Element> StateDict<A> {
    /// A state dict without arrays.
    pub fn new() -> Self {
        StateDict { arrays: Vec::new() }
    }

    /// Adds the arrays of a layer, whose names begin with `prefix`: `"encoder."`, or `""`. Returns an error if PyTorch has no
    /// module that computes the same; see [`ToModule`].
    pub fn add<L: ToModule<Elem = A>>(mut self, prefix: &str, layer: &L) -> Result<Self> {
        let mut arrays = Vec::new();
        let made = layer.arrays(Place::default(), &mut arrays);
        made.map_err(|error| error.within(&format!("module {prefix:?}")))?;
        let arrays = arrays.into_iter().map(|array| (prefix.into(), array));
        self.arrays.extend(arrays);
        Ok(self)
    }

    /// Adds the arrays of a layer as those of an `nn.LSTMCell`, `nn.GRUCell` or `nn.RNNCell`, whose names have no number.
    ///
    /// ```
    /// use recurrent::{Gru, torch};
    /// let gru = Gru::<f32>::builder(3, 5).build()?;
    /// let bytes = torch::StateDict::new().add_cell("cell.", &gru)?.write()?;
    /// assert_eq!(torch::File::read(bytes)?.names()?[3], "cell.weight_ih");
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn add_cell<L: ToModule<Elem = A>>(self, prefix: &str, layer: &L) -> Result<Self> {
        let before = self.arrays.len();
        let mut dict = self.add(prefix, layer)?;
        for (_, named) in dict.arrays.iter_mut().skip(before) {
            named.name = without_number(prefix, &named.name)?;
            let added = named.added.take();
            let added = added.map(|added| without_number(prefix, &added));
            named.added = added.transpose()?;
        }
        Ok(dict)
    }

    /// The bytes of a safetensors file. Returns an error if two arrays have one name.
    pub fn write(&self) -> Result<Vec<u8>> {
        let mut writer = safetensors::Writer::default();
        for (name, named) in self.names() {
            let array = &named.array;
            writer.add(&name, array.shape(), array.iter().copied())?;
        }
        Ok(writer.finish(&[("format", "pt")])?)
    }

    /// Writes a safetensors file. It appears as a whole or not at all.
    #[cfg(feature = "std")]
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        Ok(disk::replace(path.as_ref(), &self.write()?)?)
    }

    /// A copy of a safetensors file in which the arrays of these names have these numbers, each rounded once to the type that
    /// it has in the file. All other arrays, and the header, stay as they are, bit for bit.
    ///
    /// ```
    /// use recurrent::{Lstm, torch};
    /// # let original = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/torch/models/t00_lstm.safetensors"));
    /// let lstm: Lstm<f32> = torch::File::read(original)?.lstm("")?;
    /// // … a training …
    /// let copy = torch::StateDict::new().add("", &lstm)?.write_into(original)?;
    /// assert_eq!(copy, original); // nothing was trained
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if the file has no array of a name, or one of another shape or without fractions. A weight of
    /// `weight_norm` is two arrays in the file, so it is missing there: remove the norm in PyTorch first.
    pub fn write_into(&self, original: &[u8]) -> Result<Vec<u8>> {
        self.write_into_within(original, &Limits::default())
    }

    /// Makes a copy as [`write_into`](Self::write_into) does, of a file within these limits.
    pub fn write_into_within(&self, original: &[u8], limits: &Limits) -> Result<Vec<u8>> {
        let file = safetensors::File::open(original, limits)?;
        let mut copy = original.to_vec();
        // The parts of sums that did not change.
        let mut kept = Vec::new();
        for (name, Named { array, .. }) in self.names() {
            let found = file.tensor(&name)?;
            if found.shape() != array.shape() {
                let expected = format!("shape {:?}", found.shape());
                return Err(Error::file(name, expected, format!("{:?}", array.shape())));
            }
        }
        for (prefix, named) in &self.arrays {
            let name = format!("{prefix}{}", named.name);
            if kept.contains(&name) {
                continue;
            }
            if let Some(other) = &named.added {
                let other = format!("{prefix}{other}");
                let input: ArrayD<A> = file.tensor(&name)?.array()?;
                let state: ArrayD<A> = file.tensor(&other)?.array()?;
                if input + state == named.array {
                    kept.push(other);
                    continue;
                }
            }
            let numbers = named.array.iter().map(|x| x.as_f64());
            file.overwrite(&name, numbers, &mut copy)?;
        }
        // Nobody gets a copy that reads otherwise.
        File::read_within(&*copy, limits)?;
        Ok(copy)
    }

    /// Writes a copy of a safetensors file as [`write_into`](Self::write_into) does. `copy` may be the path of the original.
    ///
    /// ```no_run
    /// use recurrent::{Deep, Lstm, torch};
    /// let lstm: Deep<Lstm<f32>> = torch::File::load("model.safetensors")?.lstm("encoder.")?;
    /// // … a training …
    /// torch::StateDict::new().add("encoder.", &lstm)?.save_into("model.safetensors", "tuned.safetensors")?;
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn save_into(&self, original: impl AsRef<Path>, copy: impl AsRef<Path>) -> Result<()> {
        let (original, most) = (original.as_ref(), Limits::default().file_bytes);
        let bytes = within(original, || self.write_into(&disk::bytes(original, most)?))?;
        Ok(disk::replace(copy.as_ref(), &bytes)?)
    }

    /// All arrays with their whole names.
    fn names(&self) -> impl Iterator<Item = (String, &Named<A>)> {
        let arrays = self.arrays.iter();
        arrays.map(|(prefix, named)| (format!("{prefix}{}", named.name), named))
    }
}

/// What a cell calls the array that a module of one layer calls so.
fn without_number(prefix: &str, name: &str) -> Result<String> {
    name.strip_suffix("_l0").map(String::from).ok_or_else(|| {
        let expected = "a recurrent layer of one direction, for a cell";
        Error::file(
            format!("module {prefix:?}"),
            expected,
            format!("an array {name:?}"),
        )
    })
}
