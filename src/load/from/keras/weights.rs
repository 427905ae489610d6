//! `Weights`: weights without a configuration, layer by layer.

use super::super::other_cell::other_cell;
use super::context::{Context, Layout, Overrides};
use super::gates;
use super::layer_weights::{Entry, LayerWeights, from_lists, from_tree};
use super::plan::Given;
use super::store::Store;
use super::version::Version;
use crate::error::{Error, Result};
use crate::load::format::hdf5::File;
use crate::{
    Dense, Element, Embedding, Gru, GruBias, GruBuilder, Limits, Lstm, LstmBuilder, SimpleRnn,
    SimpleRnnBuilder,
};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ndarray::{Array1, ArrayD, Dimension, Ix1, Ix2};

/// Weights without a configuration: what `save_weights` writes. They are listed, and taken layer by layer.
///
/// ```no_run
/// use recurrent::{Lstm, keras};
/// let weights = keras::Weights::load("model.weights.h5")?;
/// println!("{weights}"); // lstm_1: kernel (59, 200), recurrent_kernel (50, 200), bias (200)
/// let lstm: Lstm<f32> = weights.lstm("lstm_1")?;
/// # Ok::<(), recurrent::Error>(())
/// ```
///
/// What is not in such a file are the arguments of the layers. Cells get the defaults of the [`Version`] that wrote them;
/// [`lstm_with`](Self::lstm_with) and its sisters can say otherwise. Layers of cuDNN are converted.
///
/// A layer made of layers has several sets of weights, each with a name of its own: `bidirectional/forward_layer`,
/// `bidirectional_1/forward_lstm_1` …
pub struct Weights<'a> {
    files: Vec<Cow<'a, [u8]>>,
    limits: Limits,
    overrides: Overrides,
    version: Version,
    layers: Vec<LayerWeights>,
    /// The path of the file, for errors.
    path: Option<String>,
}

impl Weights<'static> {
    /// The weights in a file: [`Reader::load_weights`](super::Reader::load_weights) with the defaults.
    #[cfg(feature = "std")]
    pub fn load(path: impl AsRef<std::path::Path>) -> Result<Self> {
        super::Reader::new().load_weights(path)
    }
}

impl<'a> Weights<'a> {
    /// The weights in bytes: [`Reader::read_weights`](super::Reader::read_weights) with the defaults.
    pub fn read(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self> {
        super::Reader::new().read_weights(bytes)
    }

    pub(super) fn open(
        files: Vec<Cow<'a, [u8]>>,
        limits: &Limits,
        overrides: &Overrides,
    ) -> Result<Self> {
        let store = store(&files, limits)?;
        let written = store.version()?.unwrap_or_else(Version::third);
        let layers = match store.layout()? {
            Layout::Lists => from_lists(&store)?,
            Layout::Tree | Layout::Dependencies(_) => from_tree(&store)?,
        };
        drop(store);
        Ok(Weights {
            files,
            limits: limits.clone(),
            version: overrides.version.clone().unwrap_or(written),
            overrides: overrides.clone(),
            layers,
            path: None,
        })
    }

    /// Says in errors which file they are about.
    #[cfg(feature = "std")]
    pub(super) fn of_file(mut self, path: String) -> Self {
        self.path = Some(path);
        self
    }

    /// The Keras that wrote them, as far as the file tells.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// All layers that have weights.
    pub fn layers(&self) -> &[LayerWeights] {
        &self.layers
    }

    /// The arrays of a layer, in Keras' order.
    pub fn arrays<A: Element>(&self, name: &str) -> Result<Vec<ArrayD<A>>> {
        self.unplaced(name).map_err(|error| self.placed(error))
    }

    fn placed(&self, error: Error) -> Error {
        match &self.path {
            Some(path) => error.within(path),
            None => error,
        }
    }

    fn unplaced<A: Element>(&self, name: &str) -> Result<Vec<ArrayD<A>>> {
        let layer = self.layer(name)?;
        let read = || -> Result<Vec<ArrayD<A>>> {
            let store = store(&self.files, &self.limits)?;
            let array = |entry: &Entry| {
                let missing = || Error::file(&entry.path, "an array", "none");
                store.at(&entry.path)?.ok_or_else(missing)?.array()
            };
            layer.arrays.iter().map(array).collect()
        };
        read().map_err(|error| error.within(&part(&layer.name)))
    }

    /// The layer of this name, or the only one in the layer of this name.
    fn layer(&self, name: &str) -> Result<&LayerWeights> {
        let inside = |layer: &&LayerWeights| {
            let rest = layer.name.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let found: Vec<&LayerWeights> = self.layers.iter().filter(inside).collect();
        match found.as_slice() {
            [layer] => return Ok(layer),
            [] => {}
            several => {
                if let Some(layer) = several.iter().find(|layer| layer.name == name) {
                    return Ok(layer);
                }
            }
        }
        let known = if found.is_empty() {
            self.layers.iter().collect()
        } else {
            found
        };
        let names: Vec<&str> = known.iter().map(|layer| layer.name()).collect();
        let expected = format!("one of {}", names.join(", "));
        Err(Error::value("layer", expected, format!("{name:?}")))
    }

    /// The `SimpleRNN` of this name.
    pub fn simple_rnn<A: Element>(&self, name: &str) -> Result<SimpleRnn<A>> {
        self.simple_rnn_with(name, |builder| builder)
    }

    /// The same with other arguments than the defaults.
    pub fn simple_rnn_with<A: Element>(
        &self,
        name: &str,
        set: impl FnOnce(SimpleRnnBuilder<A>) -> SimpleRnnBuilder<A>,
    ) -> Result<SimpleRnn<A>> {
        self.made_of(name, 1, |mut arrays, _| {
            let (kernel, recurrent_kernel) =
                (take::<A, Ix2>(&mut arrays)?, take::<A, Ix2>(&mut arrays)?);
            let bias: Option<Array1<A>> = rest(&mut arrays)?;
            let builder = SimpleRnn::builder(kernel.nrows(), recurrent_kernel.nrows());
            set(builder.use_bias(bias.is_some())).from_weights(kernel, recurrent_kernel, bias)
        })
    }

    /// The `LSTM` of this name.
    pub fn lstm<A: Element>(&self, name: &str) -> Result<Lstm<A>> {
        self.lstm_with(name, |builder| builder)
    }

    /// The same with other arguments than the defaults.
    pub fn lstm_with<A: Element>(
        &self,
        name: &str,
        set: impl FnOnce(LstmBuilder<A>) -> LstmBuilder<A>,
    ) -> Result<Lstm<A>> {
        self.made_of(name, 4, |mut arrays, context| {
            let (kernel, recurrent_kernel, bias);
            if arrays.len() == 3 * gates::LSTM_FROM_KERAS1.len() {
                let all = &mut arrays.into_iter().map(Given::Array);
                let joined = gates::joined(all, &gates::LSTM_FROM_KERAS1)?;
                (kernel, recurrent_kernel, bias) = (joined.0, joined.1, Some(joined.2));
            } else {
                (kernel, recurrent_kernel) =
                    (take::<A, Ix2>(&mut arrays)?, take::<A, Ix2>(&mut arrays)?);
                bias = rest::<A, Ix1>(&mut arrays)?;
            }
            let units = recurrent_kernel.nrows();
            let builder = Lstm::builder(kernel.nrows(), units).use_bias(bias.is_some());
            if let Some(bias) = bias
                .as_ref()
                .filter(|bias| bias.len() == units.saturating_mul(8))
            {
                let (kernel, recurrent_kernel) = gates::from_cudnn(kernel, recurrent_kernel, 4)?;
                let rows = gates::cudnn_bias(bias.clone())?;
                let bias = &rows.row(0) + &rows.row(1);
                return set(builder).from_weights(kernel, recurrent_kernel, bias);
            }
            let gates = context.recurrent_activation(ARGUMENTS)?;
            let builder = set(builder.recurrent_activation(gates));
            builder.from_weights(kernel, recurrent_kernel, bias)
        })
    }

    /// The `GRU` of this name; the shape of its bias tells the form of its reset gate.
    pub fn gru<A: Element>(&self, name: &str) -> Result<Gru<A>> {
        self.gru_with(name, |builder| builder)
    }

    /// The same with other arguments than the defaults.
    pub fn gru_with<A: Element>(
        &self,
        name: &str,
        set: impl FnOnce(GruBuilder<A>) -> GruBuilder<A>,
    ) -> Result<Gru<A>> {
        self.made_of(name, 3, |mut arrays, context| {
            let (kernel, recurrent_kernel);
            let mut bias: GruBias<A>;
            if arrays.len() == 3 * gates::GRU_FROM_KERAS1.len() {
                let all = &mut arrays.into_iter().map(Given::Array);
                let joined = gates::joined(all, &gates::GRU_FROM_KERAS1)?;
                (kernel, recurrent_kernel, bias) = (joined.0, joined.1, joined.2.into());
            } else {
                (kernel, recurrent_kernel) =
                    (take::<A, Ix2>(&mut arrays)?, take::<A, Ix2>(&mut arrays)?);
                bias = match arrays.first().map(ArrayD::ndim) {
                    None => GruBias::None,
                    Some(1) => take::<A, Ix1>(&mut arrays)?.into(),
                    Some(_) => take::<A, Ix2>(&mut arrays)?.into(),
                };
                ended(&arrays)?;
            }
            let units = recurrent_kernel.nrows();
            let builder = Gru::builder(kernel.nrows(), units).use_bias(bias != GruBias::None);
            match bias {
                GruBias::ResetBefore(both) if both.len() == units.saturating_mul(6) => {
                    let (kernel, recurrent_kernel) =
                        gates::from_cudnn(kernel, recurrent_kernel, 3)?;
                    let bias = gates::cudnn_bias(both)?;
                    return set(builder).from_weights(kernel, recurrent_kernel, bias);
                }
                other => bias = other,
            }
            let gates = context.recurrent_activation(ARGUMENTS)?;
            let builder = builder.recurrent_activation(gates);
            let builder = match bias {
                GruBias::None => builder.reset_after(context.reset_after(ARGUMENTS)?),
                _ => builder,
            };
            set(builder).from_weights(kernel, recurrent_kernel, bias)
        })
    }

    /// The `Dense` of this name; it is linear until you say more.
    pub fn dense<A: Element>(&self, name: &str) -> Result<Dense<A>> {
        self.made(name, |mut arrays, _| {
            let kernel = take::<A, Ix2>(&mut arrays)?;
            Dense::from_weights(kernel, rest::<A, Ix1>(&mut arrays)?)
        })
    }

    /// The `Embedding` of this name; `mask_zero` is false until you say more.
    pub fn embedding<A: Element>(&self, name: &str) -> Result<Embedding<A>> {
        self.made(name, |mut arrays, _| {
            let table = take::<A, Ix2>(&mut arrays)?;
            ended(&arrays)?;
            Embedding::from_weights(table)
        })
    }

    /// A recurrent layer with so many gates.
    fn made_of<A: Element, T>(
        &self,
        name: &str,
        gates: usize,
        make: impl FnOnce(Vec<ArrayD<A>>, &Context) -> Result<T>,
    ) -> Result<T> {
        self.made(name, |arrays, context| {
            // (Keras 1 has one for each gate.)
            if arrays.len() <= 3
                && let Some(&[units, columns]) = arrays.get(1).map(ArrayD::shape)
                && let Some([expected, found]) = other_cell(gates, units, columns)
            {
                return Err(Error::file("recurrent_kernel", expected, found));
            }
            make(arrays, context)
        })
    }

    fn made<A: Element, T>(
        &self,
        name: &str,
        make: impl FnOnce(Vec<ArrayD<A>>, &Context) -> Result<T>,
    ) -> Result<T> {
        let arrays = self.arrays(name)?;
        let context = Context::new(self.version.clone(), &self.overrides, Layout::Lists);
        make(arrays, &context).map_err(|error| self.placed(error.within(&part(name))))
    }
}

/// What is not in the file.
const ARGUMENTS: &str = "arguments";

fn part(name: &str) -> String {
    format!("layer {name:?}")
}

fn store<'f>(files: &'f [Cow<[u8]>], limits: &Limits) -> Result<Store<'f>> {
    let open = |file: &'f Cow<[u8]>| File::open(file, limits);
    Store::open(files.iter().map(open).collect::<Result<_>>()?)
}

/// The first of the arrays.
fn take<A, D: Dimension>(arrays: &mut Vec<ArrayD<A>>) -> Result<ndarray::Array<A, D>> {
    if arrays.is_empty() {
        return Err(Error::file("weights", "one more array", "none"));
    }
    let array = arrays.remove(0);
    let (expected, found) = (D::NDIM.unwrap_or_default(), array.ndim());
    let refuse = |_| {
        Error::file(
            "weights",
            format!("{expected} axes"),
            format!("{found} axes"),
        )
    };
    array.into_dimensionality().map_err(refuse)
}

/// The last of the arrays, if there is one more.
fn rest<A, D: Dimension>(arrays: &mut Vec<ArrayD<A>>) -> Result<Option<ndarray::Array<A, D>>> {
    let last = if arrays.is_empty() {
        None
    } else {
        Some(take(arrays)?)
    };
    ended(arrays)?;
    Ok(last)
}

fn ended<A>(arrays: &[ArrayD<A>]) -> Result<()> {
    if arrays.is_empty() {
        return Ok(());
    }
    let found = format!("{} more", arrays.len());
    Err(Error::file(
        "weights",
        "as many arrays as the layer has",
        found,
    ))
}

impl core::fmt::Display for Weights<'_> {
    /// A line for each layer.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for layer in &self.layers {
            let array = |(name, shape): (&str, &[usize])| {
                let axes: Vec<String> = shape.iter().map(ToString::to_string).collect();
                format!("{name} ({})", axes.join(", "))
            };
            let arrays: Vec<String> = layer.arrays().map(array).collect();
            writeln!(f, "{}: {}", layer.name, arrays.join(", "))?;
        }
        Ok(())
    }
}

impl core::fmt::Debug for Weights<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Weights")
            .field("version", &self.version)
            .field("layers", &self.layers.len())
            .finish_non_exhaustive()
    }
}
