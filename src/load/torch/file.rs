//! `File`: a PyTorch state dict, in a safetensors file or in memory.

use super::dict::Dict;
use super::module::{self, Direction, Found};
use crate::arrays::{ToArray, with_axes};
#[cfg(feature = "std")]
use crate::error::within;
use crate::error::{Error, Result};
use crate::format::{Arrays, safetensors};
use crate::load::from_layers::{FromLayers, Way, assemble};
use crate::{Activation, Element, Gru, GruBias, Limits, Lstm, SimpleRnn};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
#[cfg(feature = "std")]
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;
use ndarray::{Array, ArrayBase, ArrayViewD, Data, Dimension};
#[cfg(feature = "std")]
use std::path::Path;

/// A PyTorch state dict, in a safetensors file or in memory.
///
/// ```
/// use ndarray::Array3;
/// use recurrent::torch::{File, c_n, h_n};
/// use recurrent::{Deep, Gru, Lstm, Recurrent};
///
/// # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/torch/models/t05_lstm.safetensors"));
/// let file = File::read(bytes)?; // or File::load("model.safetensors")?
/// let lstm: Deep<Lstm<f32>> = file.lstm("")?; // what its names begin with: "encoder.rnn."
/// let x = Array3::zeros((3, 5, 4)); // samples, timesteps, features
/// let run = lstm.run(&x).lengths(&[5, 2, 4]).zero_output_for_mask();
/// let (output, state) = run.sequences_and_state()?;
/// assert_eq!(output.dim(), (3, 5, 6));
/// assert_eq!((h_n(&state)?.dim(), c_n(&state)?.dim()), ((2, 3, 6), (2, 3, 6)));
///
/// let gru: recurrent::Result<Deep<Gru<f32>>> = file.gru("");
/// assert_eq!(
///     gru.unwrap_err().to_string(),
///     "module \"\": found an LSTM (4 gates), expected a GRU (3 gates)",
/// );
/// # Ok::<(), recurrent::Error>(())
/// ```
///
/// The module under a prefix must have exactly the arrays that its layers need, in the right shapes; a missing or extra
/// array is an error. Arrays that do not belong to the module can be [ignored](Self::ignore). Weights of `weight_norm`
/// and `WeightDrop` are converted to the weights that PyTorch computes with when nothing is dropped. Half-precision
/// weights are widened; every number is rounded once, to the type of the layer.
#[derive(Clone)]
pub struct File<'a> {
    /// The name of the file in errors.
    name: Option<String>,
    dict: Dict<'a>,
}

impl<'a> File<'a> {
    /// Reads a file from bytes, borrowed or owned, within the default [`Limits`]. Reads only the names and shapes.
    pub fn read(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self> {
        Self::read_within(bytes, &Limits::default())
    }

    /// Reads a file as [`read`](Self::read) does, within these limits.
    pub fn read_within(bytes: impl Into<Cow<'a, [u8]>>, limits: &Limits) -> Result<Self> {
        let file = safetensors::File::open(bytes, limits)?;
        Ok(File {
            name: None,
            dict: Dict::new(file),
        })
    }

    /// Sets the name of the file in errors. By default it is the path if the file was [loaded](Self::load), and empty if it
    /// was read from bytes.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The arrays whose names begin with `prefix`, with the prefix removed from their names.
    ///
    /// ```
    /// # use recurrent::{Lstm, torch::File};
    /// # let zeros = |n| vec![0.0_f32; n];
    /// # let file = File::from_slices([
    /// #     ("module.rnn.weight_ih_l0", [8, 3].to_vec(), zeros(24)),
    /// #     ("module.rnn.weight_hh_l0", [8, 2].to_vec(), zeros(16)),
    /// # ])?;
    /// let model = file.under("module."); // `DataParallel` puts this before all names
    /// assert_eq!(model.names()?, ["rnn.weight_hh_l0", "rnn.weight_ih_l0"]);
    /// let lstm: Lstm<f32> = model.lstm("rnn.")?;
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn under(&self, prefix: &str) -> Self {
        File {
            name: self.name.clone(),
            dict: self.dict.under(prefix),
        }
    }

    /// Ignores the array of this name, if there is one: for example a buffer beside the weights of a module.
    pub fn ignore(mut self, name: &str) -> Self {
        self.dict.ignore(name);
        self
    }

    /// Ignores all arrays whose names begin with this prefix: for example `"fc."` beside a module without a prefix.
    pub fn ignore_prefix(mut self, prefix: &str) -> Self {
        self.dict.ignore_prefix(prefix);
        self
    }

    /// The names of all arrays that are not [ignored](Self::ignore), sorted.
    pub fn names(&self) -> Result<Vec<String>> {
        self.dict.names().map_err(|error| self.name(error.into()))
    }

    /// An array of any module, for the other layers. An `nn.Linear` is
    /// `Dense::from_weights(weight.reversed_axes(), bias)`.
    pub fn array<A: Element, D: Dimension>(&self, name: &str) -> Result<Array<A, D>> {
        let tensor = self.dict.tensor(name).map_err(Error::from);
        let array = tensor.and_then(|tensor| with_axes(name, tensor.array()?));
        array.map_err(|error| self.name(error))
    }

    /// Loads an `nn.LSTM` or `nn.LSTMCell` whose names begin with `prefix`.
    pub fn lstm<A: Element, L: FromLayers<Cell = Lstm<A>>>(&self, prefix: &str) -> Result<L> {
        self.layers(prefix, &LSTM, |direction: Direction<A>| {
            let Direction { rows, projection } = direction;
            let (features, columns) = rows.input.dim();
            let builder = Lstm::builder(features, columns / LSTM.len());
            let builder = match projection {
                Some(projection) => builder.projection(projection.reversed_axes()),
                None => builder,
            };
            builder.from_matrices(&*rows.input, &*rows.recurrent, rows.bias())
        })
    }

    /// Loads an `nn.GRU` or `nn.GRUCell` whose names begin with `prefix`.
    pub fn gru<A: Element, L: FromLayers<Cell = Gru<A>>>(&self, prefix: &str) -> Result<L> {
        self.layers(prefix, &GRU, |direction: Direction<A>| {
            let rows = direction.rows;
            let (features, columns) = rows.input.dim();
            let bias = rows.bias_rows().map_or(GruBias::None, GruBias::ResetAfter);
            Gru::builder(features, columns / GRU.len()).from_matrices(
                &*rows.input,
                &*rows.recurrent,
                bias,
            )
        })
    }

    /// Loads an `nn.RNN` or `nn.RNNCell` whose names begin with `prefix`. The file does not state its `nonlinearity`:
    /// it is `"tanh"` unless the program that made the module set `"relu"`.
    pub fn rnn<A: Element, L: FromLayers<Cell = SimpleRnn<A>>>(
        &self,
        prefix: &str,
        nonlinearity: Activation,
    ) -> Result<L> {
        self.layers(prefix, &RNN, |direction: Direction<A>| {
            let rows = direction.rows;
            let (features, units) = rows.input.dim();
            SimpleRnn::builder(features, units)
                .activation(nonlinearity)
                .from_matrices(&*rows.input, &*rows.recurrent, rows.bias())
        })
    }

    /// Makes the layers of the module under `prefix`, one direction after the other, with `cell`. `order` is the
    /// position of this crate's gates in PyTorch's order.
    fn layers<A: Element, L: FromLayers>(
        &self,
        prefix: &str,
        order: &'static [usize],
        cell: impl Fn(Direction<A>) -> Result<L::Cell>,
    ) -> Result<L> {
        // A weight may lie outside of the prefix, see `form`.
        let (dict, prefix) = (self.dict.whole(), self.dict.full(prefix));
        let layers = module::find(&dict, &prefix, order.len()).and_then(|layers| {
            let module = format!("module {prefix:?}");
            let make = |found: Found| found.read(order).and_then(&cell);
            let made = layers
                .into_iter()
                .map(|layer| layer.into_iter().map(make).collect());
            let made: Result<_> = made.collect();
            let made = made.map_err(|error| error.within(&module))?;
            assemble(&module, made, Way::default())
        });
        layers.map_err(|error| self.name(error))
    }
}

impl File<'static> {
    /// Makes a state dict of arrays in memory, under their names in PyTorch: from a `.npz` file or from another crate.
    ///
    /// ```
    /// use recurrent::{Gru, torch::File};
    /// # #[cfg(feature = "npz")] {
    /// # use ndarray::ArrayD;
    /// # let (w, u) = (ArrayD::<f32>::zeros(vec![6, 3]), ArrayD::<f32>::zeros(vec![6, 2]));
    /// # let bytes = recurrent::npz::write(&[("gru.weight_ih_l0", w.view()), ("gru.weight_hh_l0", u.view())])?;
    /// // In Python: numpy.savez("model.npz", **{name: tensor.numpy() for name, tensor in model.state_dict().items()})
    /// let npz = recurrent::npz::File::read(bytes)?; // or load("model.npz")?
    /// let arrays = npz.names().iter().map(|name| Ok((name, npz.array::<f32>(name)?)));
    /// let file = File::from_arrays(arrays.collect::<recurrent::Result<Vec<_>>>()?)?;
    /// let gru: Gru<f32> = file.gru("gru.")?;
    /// # }
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn from_arrays<A, S, D, N>(
        arrays: impl IntoIterator<Item = (N, ArrayBase<S, D>)>,
    ) -> Result<Self>
    where
        A: Element,
        S: Data<Elem = A>,
        D: Dimension,
        N: AsRef<str>,
    {
        let mut writer = safetensors::Writer::default();
        for (name, array) in arrays {
            writer.add(name.as_ref(), array.shape(), array.iter().copied())?;
        }
        Self::read(writer.finish(&[])?)
    }

    /// Makes a state dict as [`from_arrays`](Self::from_arrays) does, from shapes and numbers in row-major order.
    ///
    /// ```
    /// use recurrent::{Lstm, torch::File};
    /// // candle: varmap.data().lock()?.iter().map(|(name, var)| (name.clone(), var.dims().to_vec(),
    /// //     var.flatten_all()?.to_vec1::<f32>()?))
    /// let file = File::from_slices([
    ///     ("rnn.weight_ih_l0", &[8, 3][..], &[0.5_f32; 24][..]),
    ///     ("rnn.weight_hh_l0", &[8, 2], &[0.5; 16]),
    /// ])?;
    /// let lstm: Lstm<f32> = file.lstm("rnn.")?;
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn from_slices<A, N, S, V>(arrays: impl IntoIterator<Item = (N, S, V)>) -> Result<Self>
    where
        A: Element,
        N: AsRef<str>,
        S: AsRef<[usize]>,
        V: AsRef<[A]>,
    {
        let mut writer = safetensors::Writer::default();
        for (name, shape, numbers) in arrays {
            let (name, shape, numbers) = (name.as_ref(), shape.as_ref(), numbers.as_ref());
            let array = ArrayViewD::from_shape(shape, numbers).map_err(|_| {
                let expected = format!("as many numbers as the shape {shape:?} has");
                Error::file(name, expected, numbers.len())
            })?;
            writer.add(name, shape, array.iter().copied())?;
        }
        Self::read(writer.finish(&[])?)
    }
}

impl File<'_> {
    fn name(&self, error: Error) -> Error {
        match &self.name {
            Some(name) => error.within(name),
            None => error,
        }
    }
}

impl fmt::Debug for File<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "std")]
impl File<'static> {
    /// Opens the file at a path, within the default [`Limits`]. A large file stays on disk, and is read when a layer is
    /// asked for.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_within(path, &Limits::default())
    }

    /// Opens a file as [`load`](Self::load) does, within these limits.
    pub fn load_within(path: impl AsRef<Path>, limits: &Limits) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file = within(path, || Ok(safetensors::File::load(path, limits)?))?;
        Ok(File {
            name: Some(name),
            dict: Dict::new(file),
        })
    }
}

/// Where the gates of this crate are in PyTorch: i, f, c, o of an LSTM in the same order; z, r, h of a GRU in r, z, n.
const LSTM: [usize; 4] = [0, 1, 2, 3];
const GRU: [usize; 3] = [1, 0, 2];
const RNN: [usize; 1] = [0];
