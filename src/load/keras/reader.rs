//! `Reader`: turns Keras files into models, with limits and overrides.

use super::context::{Context, Layout, Overrides};
use super::datasets::Lens;
use super::keras1::modernise;
use super::layer::layer;
use super::members::Members;
use super::network::network;
use super::object::Object;
use super::shards;
use super::store::{MODEL_CONFIG, Store};
use super::version::Version;
use super::weights::Weights;
use crate::error::{Error, Result};
use crate::format::hdf5::{self, File};
use crate::format::json::{self, Value};
use crate::format::kind::{self, Kind};
use crate::format::zip::Archive;
use crate::format::{self, Bytes, Data};
use crate::model::{cell_maker, maker};
use crate::nn::lambda;
use crate::{Activation, AnyLayer, Cell, Element, Limits, Model, OwnLayer, Tensor};
use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

/// Reads Keras files, with [`Limits`] and with settings that override the file's version.
///
/// A file states nearly everything; its version decides the rest (see [`Version`]). Where the version is wrong, for
/// example because somebody opened the file in a newer Keras and saved it again, set the right value here.
///
/// ```no_run
/// use recurrent::{Activation, Model, keras};
/// // Trained by Keras 2, saved again by Keras 3: its hard_sigmoid is still that of Keras 2.
/// let reader = keras::Reader::new().hard_sigmoid(Activation::HARD_SIGMOID_KERAS2);
/// let model: Model<f32> = reader.load("resaved.keras")?;
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Reader {
    pub(super) limits: Limits,
    pub(super) overrides: Overrides,
    /// What is read in place of the numbers of a file, to find out where they go.
    pub(super) lens: Option<Lens>,
}

/// The first bytes of a zip archive.
pub(super) const ARCHIVE: &[u8] = b"PK";

pub(super) const CONFIG: &str = "config.json";
const METADATA: &str = "metadata.json";
const WEIGHTS: &str = "model.weights.h5";
const SHARDS: &str = "model.weights.json";

impl Reader {
    /// Makes a reader with the default limits; the version of the file decides.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a reader with these limits; the version of the file decides.
    pub fn within(limits: &Limits) -> Self {
        Reader {
            limits: limits.clone(),
            ..Self::default()
        }
    }

    /// Sets the version of Keras that decides, whatever the file says.
    pub fn version(mut self, version: Version) -> Self {
        self.overrides.version = Some(version);
        self
    }

    /// Sets the activation of the gates for files that do not state it: weights alone, and very old configurations.
    pub fn recurrent_activation(mut self, activation: Activation) -> Self {
        self.overrides.recurrent_activation = Some(activation);
        self
    }

    /// Sets the form of the reset gate for files in which neither the configuration nor the shape of the bias states
    /// it.
    pub fn reset_after(mut self, yes: bool) -> Self {
        self.overrides.reset_after = Some(yes);
        self
    }

    /// Sets the meaning of `hard_sigmoid` in the file.
    pub fn hard_sigmoid(mut self, activation: Activation) -> Self {
        self.overrides.hard_sigmoid = Some(activation);
        self
    }

    /// Gives the layers of a class of your own, or of one that this crate does not have: what Keras takes as
    /// `custom_objects`, for a class that was registered with `@keras.saving.register_keras_serializable`.
    ///
    /// `class` is the name of the class, `"Scale"`, or with its package, `"mine>Scale"`. What is given here goes before the
    /// layers of this crate. `make` is called for every layer of that class and returns it; an [`OwnLayer`] has its name,
    /// its configuration (`get_config`) and its weights. All values of the graph that the layer is called with are its
    /// inputs, in the order of the arguments and then of the names: with several, implement
    /// [`AnyLayer::forward_all`](crate::AnyLayer::forward_all).
    ///
    /// ```
    /// use ndarray::Array1;
    /// use recurrent::{AnyLayer, Result, Tensor, keras};
    ///
    /// struct Scale {
    ///     by: f32,
    ///     gain: Array1<f32>,
    /// }
    ///
    /// impl AnyLayer<f32> for Scale {
    ///     fn name(&self) -> &str { "scale" }
    ///     fn forward(&self, mut input: Tensor<f32>) -> Result<Tensor<f32>> {
    ///         input.values = input.values * &self.gain * self.by;
    ///         Ok(input)
    ///     }
    /// }
    ///
    /// let reader = keras::Reader::new().layer("Scale", |file| {
    ///     Ok(Scale { by: file.number("by")?, gain: file.array(0)? })
    /// });
    /// # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/own/models/k3_scale.keras"));
    /// let model = reader.read::<f32>(bytes)?; // or reader.load("model.keras")?
    /// assert_eq!(model.layer("scale").unwrap().name(), "scale");
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn layer<A: Element, L: AnyLayer<A>>(
        mut self,
        class: impl Into<String>,
        make: impl Fn(&OwnLayer<A>) -> Result<L> + Send + Sync + 'static,
    ) -> Self {
        self.overrides.own.layers.insert(class.into(), maker(make));
        self
    }

    /// Gives the cells of a class of your own, which a `RNN` of Keras has as its `cell`. `class` is the name of the class,
    /// `"LeakyCell"`, or with its package, `"mine>LeakyCell"`. `make` is called for every cell of that class and returns it;
    /// an [`OwnLayer`] has its name, its configuration (`get_config`) and its weights. The flags of the layer are read here:
    /// masks, directions and states are those of every recurrent layer.
    ///
    /// A cell of your own in a `Bidirectional` or in `StackedRNNCells` is refused.
    ///
    /// ```
    /// use ndarray::{Array1, Array2, ArrayView2};
    /// use recurrent::{Cell, HiddenState, Result, keras};
    ///
    /// /// h' = rate h + x W
    /// struct Leaky { kernel: Array2<f32>, rate: Array1<f32> }
    ///
    /// impl Cell for Leaky {
    ///     type Elem = f32;
    ///     type State = HiddenState<f32>;
    ///     fn features(&self) -> usize { self.kernel.nrows() }
    ///     fn units(&self) -> usize { self.rate.len() }
    ///     fn zero_state(&self, samples: usize) -> HiddenState<f32> { HiddenState::zeros(samples, self.units()) }
    ///     fn step(&self, x: ArrayView2<f32>, state: &mut HiddenState<f32>) {
    ///         state.h = &state.h * &self.rate + x.dot(&self.kernel);
    ///     }
    ///     fn output<'s>(&self, state: &'s HiddenState<f32>) -> ArrayView2<'s, f32> { state.h.view() }
    /// }
    ///
    /// let reader = keras::Reader::new().cell("LeakyCell", |file| {
    ///     let by: f32 = file.number("by")?; // of the configuration
    ///     let kernel: Array2<f32> = file.array(0)?; // the weights, in the order of the file
    ///     Ok(Leaky { kernel: kernel * by, rate: file.array(1)? })
    /// });
    /// # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/own/models/k3_cell.keras"));
    /// let model = reader.read::<f32>(bytes)?; // or reader.load("model.keras")?
    /// assert_eq!(model.layer("leaky").unwrap().name(), "rnn");
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn cell<C: Cell + 'static>(
        mut self,
        class: impl Into<String>,
        make: impl Fn(&OwnLayer<C::Elem>) -> Result<C> + Send + Sync + 'static,
    ) -> Self {
        let cells = &mut self.overrides.own.cells;
        cells.insert(class.into(), cell_maker(make));
        self
    }

    /// Gives the function of the `Lambda` of this name, whose Python code this crate cannot run. In Keras the output of a
    /// `Lambda` has no mask unless the layer was given one.
    ///
    /// For a `Lambda` with several inputs, give a layer: [`layer("Lambda", …)`](Self::layer), where
    /// [`OwnLayer::name`] says which it is.
    ///
    /// ```no_run
    /// use ndarray::s;
    /// use recurrent::{Model, Tensor, keras};
    /// // keras.layers.Lambda(lambda x: x[:, -3:, :], name="last_three")
    /// let reader = keras::Reader::new().lambda("last_three", |x: Tensor<f32>| {
    ///     Ok(Tensor::new(&x.values.slice(s![.., -3.., ..])))
    /// });
    /// let model: Model<f32> = reader.load("model.keras")?;
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn lambda<A: Element>(
        mut self,
        name: impl Into<String>,
        function: impl Fn(Tensor<A>) -> Result<Tensor<A>> + Send + Sync + 'static,
    ) -> Self {
        self.overrides
            .own
            .lambdas
            .insert(name.into(), lambda(function));
        self
    }

    /// Gives the activation that a name in the file means, such as a function of your own: what Keras takes as
    /// `custom_objects` for a function. `name` is that in the file, `"snake"` or with its package `"mine>snake"`. What is
    /// given here goes before the activations of this crate.
    ///
    /// ```no_run
    /// use recurrent::{Activation, Model, keras};
    /// let snake = Activation::custom("snake", |x| x + x.sin().powi(2));
    /// let reader = keras::Reader::new()
    ///     .activation("snake", snake)
    ///     .activation("small_leak", Activation::LeakyRelu { alpha: 0.05 });
    /// let model: Model<f32> = reader.load("model.keras")?;
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn activation(mut self, name: impl Into<String>, activation: Activation) -> Self {
        self.overrides.own.functions.insert(name.into(), activation);
        self
    }

    /// Reads a whole model from the bytes of a `.keras` archive, or of a `.h5` with a configuration.
    pub fn read<A: Element>(&self, bytes: &[u8]) -> Result<Model<A>> {
        self.read_from(bytes.into())
    }

    /// Reads a whole model from any source of bytes.
    pub(super) fn read_from<A: Element>(&self, bytes: Bytes) -> Result<Model<A>> {
        if bytes.head()?.starts_with(ARCHIVE) {
            return self.assemble(&self.archive(bytes)?);
        }
        let store = Store::open([File::open(bytes, &self.limits)?].into())?;
        let Some(config) = store.text(MODEL_CONFIG)? else {
            return Err(no_configuration());
        };
        let config = json::parse_python(&config, MODEL_CONFIG, &self.limits)?;
        let version = self.version_or(store.version()?, "keras_version")?;
        self.model(config, MODEL_CONFIG, store, version)
    }

    /// Reads a model in two parts: the text of its configuration (`model.to_json()`), and the bytes of its weights
    /// (`.weights.h5`, `.h5`).
    pub fn read_parts<A: Element>(&self, config: &str, weights: &[u8]) -> Result<Model<A>> {
        let part = "configuration";
        let parsed = json::parse_python(config, part, &self.limits)
            .map_err(|error| kind::explain(error, &[Kind::Json], "JSON", config.as_bytes()))?;
        let store = Store::open([File::open(weights, &self.limits)?].into())?;
        let said = parsed.get("keras_version").and_then(Value::as_str);
        let said = said.map(str::parse).transpose()?;
        // Keras 3 does not write its version here, but no other version writes these words.
        let words = ["\"DTypePolicy\"", "\"batch_shape\"", "\"__keras_tensor__\""];
        let third = words.iter().any(|word| config.contains(word));
        let said = said.or(store.version()?).or(third.then(Version::third));
        let version = self.version_or(said, part)?;
        self.model(parsed, part, store, version)
    }

    /// The version that decides: the one set by the caller, or that of the file.
    pub(super) fn version_or(&self, said: Option<Version>, part: &str) -> Result<Version> {
        let nothing = || {
            let expected =
                "the version of Keras (or `Reader::version`): it decides what the file means";
            Error::file(part, expected, "none")
        };
        self.overrides.version.clone().or(said).ok_or_else(nothing)
    }

    /// Reads weights, layer by layer, from the bytes of a `.weights.h5`, a `.h5` or a `.keras` archive.
    pub fn read_weights<'a>(&self, bytes: impl Into<Cow<'a, [u8]>>) -> Result<Weights<'a>> {
        let bytes = bytes.into();
        if !bytes.starts_with(ARCHIVE) {
            return Weights::open([bytes].into(), None, &self.limits, &self.overrides);
        }
        let members = self.archive((&bytes).into())?;
        let mut overrides = self.overrides.clone();
        overrides.version = overrides.version.or(self.written_by(&members)?);
        let files = self.weights(&members)?.into_iter();
        let files = files.map(|file| Ok(file.into_memory()?.into_owned().into()));
        let files = files.collect::<Result<_>>()?;
        let config = if members.contains(CONFIG) {
            Some(json::parse_python(
                &members.text(CONFIG)?,
                CONFIG,
                &self.limits,
            )?)
        } else {
            None
        };
        let weights = Weights::open(files, config, &self.limits, &overrides);
        weights.map_err(|error| error.within(WEIGHTS))
    }

    /// The members of an archive, which is one of Keras.
    pub(super) fn archive<'a>(&self, bytes: Bytes<'a>) -> Result<Members<'a>> {
        let head = bytes.head()?;
        let archive = Archive::open(bytes, &self.limits)
            .map_err(|error| kind::explain(error, &[Kind::Keras, Kind::Zip], hdf5::FORMAT, head))?;
        let known = [CONFIG, METADATA, WEIGHTS, SHARDS];
        if archive.names().any(|name| known.contains(&name)) {
            return Ok(Members::Archive(archive));
        }
        Err(kind::refuse(hdf5::FORMAT, head).into())
    }

    /// The version in the metadata.
    fn written_by(&self, members: &Members) -> Result<Option<Version>> {
        if !members.contains(METADATA) {
            return Ok(None);
        }
        let metadata = json::parse_python(&members.text(METADATA)?, METADATA, &self.limits)?;
        let said = metadata.get("keras_version").and_then(Value::as_str);
        said.map(str::parse).transpose()
    }

    /// The names of the files of weights: one, or several shards.
    pub(super) fn weight_names(&self, members: &Members) -> Result<BTreeSet<String>> {
        if members.contains(SHARDS) {
            let map = json::parse_python(&members.text(SHARDS)?, SHARDS, &self.limits)?;
            return shards::names(&map, SHARDS);
        }
        Ok([String::from(WEIGHTS)].into())
    }

    /// The files of weights.
    fn weights<'a>(&self, members: &Members<'a>) -> Result<Vec<Data<'a>>> {
        let names = self.weight_names(members)?;
        names.iter().map(|name| members.data(name)).collect()
    }

    pub(super) fn assemble<A: Element>(&self, members: &Members) -> Result<Model<A>> {
        let config = json::parse_python(&members.text(CONFIG)?, CONFIG, &self.limits)?;
        let version = self.version_or(self.written_by(members)?, METADATA)?;
        let weights = self.weights(members)?;
        let files = weights
            .iter()
            .map(|one| File::open(one.bytes(), &self.limits));
        let files = files.collect::<format::Result<_>>();
        let files = files.map_err(|error| error.within(WEIGHTS))?;
        self.model(config, CONFIG, Store::open(files)?, version)
    }

    /// The model of a configuration and its weights.
    fn model<A: Element>(
        &self,
        mut config: Value,
        part: &str,
        store: Store,
        version: Version,
    ) -> Result<Model<A>> {
        let mut context = Context::new(version, &self.overrides, store.layout()?);
        context.turned_kernels = store.text("backend")?.as_deref() == Some("theano");
        if context.version.major() == 1 {
            modernise(&mut config);
        }
        let object = Object::read(&config, part)?;
        let plan = network(&context, &object, layer).map_err(|error| error.within(part))?;
        let part = match context.layout {
            Layout::Lists => "weights",
            _ => WEIGHTS,
        };
        let store = store.through(self.lens)?;
        let tensors = store.tensors(&plan.wants, &plan.names);
        let tensors = tensors.map_err(|error| error.within(part))?;
        let model = plan.make(&mut tensors.into_iter())?;
        Ok(model.with_notes(context.into_notes()))
    }
}

/// The error for a file of weights alone.
#[cold]
pub(super) fn no_configuration() -> Error {
    let expected = "a configuration (of weights alone: `keras::Weights`, layer by layer, or `Reader::read_parts`, with the configuration)";
    Error::file(MODEL_CONFIG, expected, "none")
}

impl<'a> Weights<'a> {
    /// Reads weights from bytes: [`Reader::read_weights`](super::Reader::read_weights) with the defaults.
    pub fn read(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self> {
        Reader::new().read_weights(bytes)
    }

    /// Reads weights as [`read`](Self::read) does, within these limits.
    pub fn read_within(bytes: impl Into<Cow<'a, [u8]>>, limits: &Limits) -> Result<Self> {
        Reader::within(limits).read_weights(bytes)
    }
}
