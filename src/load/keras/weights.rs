//! `Weights`: the layers of a file, one by one.

use super::arguments::Arguments;
use super::cells::{GruArguments, LstmArguments, SimpleRnnArguments};
use super::context::{Context, Layout, Overrides};
use super::keras1::modernise;
use super::layer_weights::{Entry, LayerWeights, Said};
use super::layers::{DenseArguments, EmbeddingArguments};
use super::listing::listing;
use super::plan::{Arrays, Wanted};
use super::store::{MODEL_CONFIG, Store, check_shape};
use super::version::Version;
use crate::arrays::ToArray;
use crate::error::{Error, Result};
use crate::format::hdf5::File;
use crate::format::json::{self, Value};
use crate::format::{self, RawArray};
use crate::{
    Dense, Element, Embedding, Gru, GruBuilder, Limits, Lstm, LstmBuilder, SimpleRnn,
    SimpleRnnBuilder,
};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ndarray::ArrayD;

/// The weights in a file, listed and taken layer by layer. The file has weights alone, as `save_weights` writes them,
/// or a whole model.
///
/// ```no_run
/// use recurrent::{Lstm, keras};
/// let weights = keras::Weights::load("model.weights.h5")?;
/// println!("{weights}"); // lstm_1: kernel (59, 200), recurrent_kernel (50, 200), bias (200)
/// let lstm: Lstm<f32> = weights.lstm("lstm_1")?;
/// # Ok::<(), recurrent::Error>(())
/// ```
///
/// # Files with a configuration
/// A `.keras` archive, and a `.h5` of a whole model, have the arguments of their layers, and every layer obeys them:
/// its activations, `reset_after`, `use_bias`, `mask_zero` and so on. It is an error to ask for a layer as another
/// class. It is also an error to set an option to another value than the configuration has, in
/// [`lstm_with`](Self::lstm_with), its counterparts or a [`Reader`](super::Reader).
/// ([`Reader::version`](super::Reader::version) and [`Reader::hard_sigmoid`](super::Reader::hard_sigmoid) say what the
/// words of a file mean, so they contradict nothing.)
///
/// A cell alone does not record how its layer uses it. How you run it decides whether it returns sequences and keeps
/// its state. A layer with `go_backwards`, `zero_output_for_mask` or `time_major` is an error, because the cell would
/// give other numbers: [load](super::load) the whole model, or take the [arrays](Self::arrays) and set these options in
/// each run. The two directions of a `Bidirectional` are accepted, since [`Bidirectional`](crate::Bidirectional)
/// reverses the second one.
///
/// Layers inside a class that does not belong to Keras, and all layers of a model of such a class, have no arguments in
/// the file. They are treated as in files without a configuration.
///
/// # Files without a configuration
/// In a `.weights.h5`, or a `.h5` of `save_weights`, the arguments of the layers are missing. Cells get the defaults of
/// the [`Version`] that wrote them. [`lstm_with`](Self::lstm_with), its counterparts and a [`Reader`](super::Reader)
/// can override them. A `Dense` is linear, and an `Embedding` masks nothing. Layers of cuDNN are converted.
///
/// # Names
/// Layers have the names of the configuration or, without one, those of the file. A `.keras` of Keras 2 names the groups
/// of its layers by class and number (`lstm_1`); a layer is found by the name of its group, too, unless another layer is
/// called so. A layer made of layers has several sets of weights, each with a name of its own:
/// `bidirectional/forward_layer`, `bidirectional_1/forward_lstm_1`, `model/dense` … Sets that would have one name have
/// their paths: `outer/block_0/lstm`.
pub struct Weights<'a> {
    files: Vec<Cow<'a, [u8]>>,
    limits: Limits,
    overrides: Overrides,
    version: Version,
    layout: Layout,
    layers: Vec<LayerWeights>,
    /// The path of the file, for errors.
    path: Option<String>,
}

impl<'a> Weights<'a> {
    pub(super) fn open(
        files: Vec<Cow<'a, [u8]>>,
        config: Option<Value>,
        limits: &Limits,
        overrides: &Overrides,
    ) -> Result<Self> {
        let store = store(&files, limits)?;
        let written = store.version()?.unwrap_or_else(Version::third);
        let context = Context::new(written, overrides, store.layout()?);
        let mut config = match (config, store.text(MODEL_CONFIG)?) {
            (None, Some(text)) => Some(json::parse_python(&text, MODEL_CONFIG, limits)?),
            (config, _) => config,
        };
        if let Some(config) = config.as_mut().filter(|_| context.version.major() == 1) {
            modernise(config);
        }
        let layers = listing(&context, &store, config.as_ref())?;
        drop(store);
        Ok(Weights {
            files,
            limits: limits.clone(),
            version: context.version,
            layout: context.layout,
            overrides: overrides.clone(),
            layers,
            path: None,
        })
    }

    /// Adds the path of the file to errors.
    #[cfg(feature = "std")]
    pub(super) fn of_file(mut self, path: String) -> Self {
        self.path = Some(path);
        self
    }

    /// The version of Keras that wrote the file, as far as the file states it.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// All layers that have weights: at least one.
    pub fn layers(&self) -> &[LayerWeights] {
        &self.layers
    }

    /// The arrays of a layer, in Keras' order.
    pub fn arrays<A: Element>(&self, name: &str) -> Result<Vec<ArrayD<A>>> {
        self.with_arrays(name, |layer, store| {
            let tensors = tensors(layer, store)?;
            tensors.iter().map(ToArray::array).collect()
        })
    }

    /// Calls a function on a layer and its file; errors name both.
    fn with_arrays<T>(
        &self,
        name: &str,
        make: impl FnOnce(&LayerWeights, &Store) -> Result<T>,
    ) -> Result<T> {
        let made = self.layer(name).and_then(|layer| {
            let made = store(&self.files, &self.limits).and_then(|store| make(layer, &store));
            made.map_err(|error| error.within(&format!("layer {:?}", layer.name)))
        });
        made.map_err(|error| match &self.path {
            Some(path) => error.within(path),
            None => error,
        })
    }

    /// The layer of this name, or the only one in the layer of this name; then by second names.
    fn layer(&self, name: &str) -> Result<&LayerWeights> {
        let is_it = |found: &str| found == name;
        let is_inside = |found: &str| {
            let rest = found.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let own = |fits: &dyn Fn(&str) -> bool| -> Vec<&LayerWeights> {
            let layers = self.layers.iter();
            layers.filter(|layer| fits(&layer.name)).collect()
        };
        let other = |fits: &dyn Fn(&str) -> bool| -> Vec<&LayerWeights> {
            let fits = |layer: &&LayerWeights| layer.other_name.as_deref().is_some_and(fits);
            self.layers.iter().filter(fits).collect()
        };
        let all = [
            own(&is_it),
            own(&is_inside),
            other(&is_it),
            other(&is_inside),
        ];
        let found = all.into_iter().find(|found| !found.is_empty());
        let known = match found.as_deref() {
            Some([layer]) => return Ok(layer),
            Some(several) => several.to_vec(),
            None => self.layers.iter().collect(),
        };
        let names: Vec<&str> = known.iter().map(|layer| layer.name()).collect();
        let expected = format!("one of {}", names.join(", "));
        Err(Error::value("layer", expected, format!("{name:?}")))
    }

    /// The `SimpleRNN` of this name.
    pub fn simple_rnn<A: Element>(&self, name: &str) -> Result<SimpleRnn<A>> {
        self.simple_rnn_with(name, |builder| builder)
    }

    /// The `SimpleRNN` of this name, with options that its configuration does not state.
    pub fn simple_rnn_with<A: Element>(
        &self,
        name: &str,
        set: impl FnOnce(SimpleRnnBuilder<A>) -> SimpleRnnBuilder<A>,
    ) -> Result<SimpleRnn<A>> {
        self.made(name, |of: Known<SimpleRnnArguments>, arrays| {
            let made = of.arguments.make(arrays, set)?;
            of.check(|arguments| arguments.check(&made))?;
            Ok(made)
        })
    }

    /// The `LSTM` of this name.
    pub fn lstm<A: Element>(&self, name: &str) -> Result<Lstm<A>> {
        self.lstm_with(name, |builder| builder)
    }

    /// The `LSTM` of this name, with options that its configuration does not state.
    pub fn lstm_with<A: Element>(
        &self,
        name: &str,
        set: impl FnOnce(LstmBuilder<A>) -> LstmBuilder<A>,
    ) -> Result<Lstm<A>> {
        self.made(name, |of: Known<LstmArguments>, arrays| {
            let made = of.arguments.make(arrays, set)?;
            of.check(|arguments| arguments.check(&made))?;
            Ok(made)
        })
    }

    /// The `GRU` of this name. Without a configuration, the shape of its bias determines the form of its reset gate.
    pub fn gru<A: Element>(&self, name: &str) -> Result<Gru<A>> {
        self.gru_with(name, |builder| builder)
    }

    /// The `GRU` of this name, with options that its configuration does not state.
    pub fn gru_with<A: Element>(
        &self,
        name: &str,
        set: impl FnOnce(GruBuilder<A>) -> GruBuilder<A>,
    ) -> Result<Gru<A>> {
        self.made(name, |of: Known<GruArguments>, arrays| {
            let made = of.arguments.make(arrays, set)?;
            of.check(|arguments| arguments.check(&made))?;
            Ok(made)
        })
    }

    /// The `Dense` of this name. Without a configuration it is linear.
    pub fn dense<A: Element>(&self, name: &str) -> Result<Dense<A>> {
        self.made(name, |of: Known<DenseArguments>, arrays| {
            of.arguments.make(arrays)
        })
    }

    /// The `Embedding` of this name. Without a configuration its `mask_zero` is false.
    pub fn embedding<A: Element>(&self, name: &str) -> Result<Embedding<A>> {
        self.made(name, |of: Known<EmbeddingArguments>, arrays| {
            of.arguments.make(arrays)
        })
    }

    fn made<Of: Arguments, T>(
        &self,
        name: &str,
        make: impl FnOnce(Known<Of>, &mut Arrays) -> Result<T>,
    ) -> Result<T> {
        self.with_arrays(name, |layer, store| {
            let version = self.version.clone();
            let context = Context::new(version, &self.overrides, self.layout.clone());
            let known: Known<Of> = Known::of(layer, &context)?;
            let tensors = tensors(layer, store)?;
            check(layer, &tensors, &known.arguments.wants())?;
            make(known, &mut tensors.into_iter())
        })
    }
}

/// The arguments of a layer.
struct Known<Of> {
    arguments: Of,
    /// Whether they are in the file.
    is_configured: bool,
}

impl<Of: Arguments> Known<Of> {
    fn of(layer: &LayerWeights, context: &Context) -> Result<Self> {
        let (arguments, is_configured) = match &layer.said {
            Said::Of(leaf) => (leaf.arguments(context)?, true),
            Said::Nothing => {
                let shapes: Vec<&[usize]> = layer.arrays().map(|(_, shape)| shape).collect();
                (Of::of_shapes(context, &shapes)?, false)
            }
            Said::Not(error) => return Err(error.clone()),
        };
        Ok(Known {
            arguments,
            is_configured,
        })
    }

    /// Returns an error for options that contradict the configuration.
    fn check(&self, check: impl FnOnce(&Of) -> Result<()>) -> Result<()> {
        if self.is_configured {
            check(&self.arguments)
        } else {
            Ok(())
        }
    }
}

fn store<'f>(files: &'f [Cow<[u8]>], limits: &Limits) -> Result<Store<'f>> {
    let open = |file: &'f Cow<[u8]>| File::open(file, limits);
    Store::open(files.iter().map(open).collect::<format::Result<_>>()?)
}

fn tensors<'s>(layer: &LayerWeights, store: &'s Store) -> Result<Vec<RawArray<'s>>> {
    let tensor = |entry: &Entry| {
        let missing = || Error::file(&entry.path, "an array", "none");
        store.at(&entry.path)?.ok_or_else(missing)
    };
    layer.arrays.iter().map(tensor).collect()
}

/// Returns an error if the arrays are not the expected ones.
fn check(layer: &LayerWeights, tensors: &[RawArray], wants: &[Wanted]) -> Result<()> {
    if tensors.len() != wants.len() {
        let names: Vec<&str> = wants.iter().map(|(name, _)| *name).collect();
        let arrays: Vec<&str> = layer.arrays().map(|(name, _)| name).collect();
        let list = |names: &[&str]| format!("{} ({})", names.len(), names.join(", "));
        return Err(Error::file("number of arrays", list(&names), list(&arrays)));
    }
    for (tensor, (name, shape)) in tensors.iter().zip(wants) {
        check_shape(shape, name, tensor)?;
    }
    Ok(())
}

impl core::fmt::Display for Weights<'_> {
    /// Writes one line for each layer.
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
