//! `File`: a state dict in a safetensors file.

use super::super::from_layers::{FromLayers, Way, assemble};
use super::module::{self, Direction};
use crate::error::{Error, Result};
#[cfg(feature = "std")]
use crate::load::disk::{bytes, within};
use crate::load::format::{Arrays, safetensors};
use crate::{Activation, Element, Gru, Limits, Lstm, SimpleRnn};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
#[cfg(feature = "std")]
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;
use ndarray::{Array, Dimension};
#[cfg(feature = "std")]
use std::path::Path;

/// A state dict of PyTorch in a safetensors file.
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
/// What the module under a prefix must have is there in the right shape, and nothing else is: anything more, or less, is an
/// error. Half-precision weights are widened; every number is rounded once to the type of the layer.
pub struct File<'a> {
    /// What errors call it.
    name: Option<String>,
    file: safetensors::File<'a>,
}

impl<'a> File<'a> {
    /// A file whose bytes are borrowed or owned, within the default [`Limits`]. Reads the names and shapes.
    pub fn read(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self> {
        Self::read_within(bytes, &Limits::default())
    }

    /// [`read`](Self::read) within other limits.
    pub fn read_within(bytes: impl Into<Cow<'a, [u8]>>, limits: &Limits) -> Result<Self> {
        let file = safetensors::File::open(bytes, limits)?;
        Ok(File { name: None, file })
    }

    /// What errors call the file: its path, if it was [loaded](Self::load), nothing, if it was only read.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The names of all arrays, sorted.
    pub fn names(&self) -> Result<Vec<String>> {
        self.file.names().map_err(|error| self.name(error))
    }

    /// An array of any module, for the layers around: an `nn.Linear` is `Dense::from_weights(weight.reversed_axes(), bias)`.
    pub fn array<A: Element, D: Dimension>(&self, name: &str) -> Result<Array<A, D>> {
        let array = self.file.tensor(name).and_then(|tensor| {
            let axes = tensor.shape().len();
            let expected = D::NDIM.unwrap_or(axes);
            let array = tensor.array()?.into_dimensionality();
            array.map_err(|_| Error::file(name, format!("{expected} axes"), format!("{axes} axes")))
        });
        array.map_err(|error| self.name(error))
    }

    /// An `nn.LSTM` or `nn.LSTMCell`, whose names begin with `prefix`.
    pub fn lstm<A: Element, L: FromLayers<Cell = Lstm<A>>>(&self, prefix: &str) -> Result<L> {
        self.layers(prefix, 4, |direction: Direction<A>| {
            let (kernel, recurrent_kernel) = direction.rows.kernels();
            let builder = Lstm::builder(kernel.nrows(), kernel.ncols() / 4);
            let builder = match direction.projection {
                Some(projection) => builder.projection(projection.reversed_axes()),
                None => builder,
            };
            builder.from_weights(kernel, recurrent_kernel, direction.rows.bias())
        })
    }

    /// An `nn.GRU` or `nn.GRUCell`, whose names begin with `prefix`.
    pub fn gru<A: Element, L: FromLayers<Cell = Gru<A>>>(&self, prefix: &str) -> Result<L> {
        self.layers(prefix, 3, |direction: Direction<A>| {
            let rows = direction.rows.reorder(&GRU);
            let (kernel, recurrent_kernel) = rows.kernels();
            Gru::from_weights(kernel, recurrent_kernel, rows.bias_rows())
        })
    }

    /// An `nn.RNN` or `nn.RNNCell`, whose names begin with `prefix`. Its `nonlinearity` is not in the file: `"tanh"` unless
    /// the program that made it said `"relu"`.
    pub fn rnn<A: Element, L: FromLayers<Cell = SimpleRnn<A>>>(
        &self,
        prefix: &str,
        nonlinearity: Activation,
    ) -> Result<L> {
        self.layers(prefix, 1, |direction: Direction<A>| {
            let (kernel, recurrent_kernel) = direction.rows.kernels();
            SimpleRnn::builder(kernel.nrows(), kernel.ncols())
                .activation(nonlinearity)
                .from_weights(kernel, recurrent_kernel, direction.rows.bias())
        })
    }

    /// The layers of the module under `prefix`, each direction made by `cell`.
    fn layers<A: Element, L: FromLayers>(
        &self,
        prefix: &str,
        gates: usize,
        cell: impl Fn(Direction<A>) -> Result<L::Cell>,
    ) -> Result<L> {
        let layers = module::read(&self.file, prefix, gates).and_then(|layers| {
            let module = format!("module {prefix:?}");
            let made = layers
                .into_iter()
                .map(|layer| layer.into_iter().map(&cell).collect());
            let made: Result<_> = made.collect();
            let made = made.map_err(|error| error.within(&module))?;
            assemble(&module, made, Way::default())
        });
        layers.map_err(|error| self.name(error))
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
    /// The file at a path, within the default [`Limits`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_within(path, &Limits::default())
    }

    /// [`load`](Self::load) within other limits.
    pub fn load_within(path: impl AsRef<Path>, limits: &Limits) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let read = || Self::read_within(bytes(path, limits.file_bytes)?, limits);
        Ok(within(path, read)?.named(name))
    }
}

/// Where the gates z, r, h of a GRU are in r, z, n. Those of an LSTM stand in one order.
const GRU: [usize; 3] = [1, 0, 2];
