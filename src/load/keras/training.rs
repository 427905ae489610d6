//! The doors through which a model leaves a Keras file together with what the file says of its training.

use super::compiled::compile;
use super::members::Members;
use super::of_layers::OfLayers;
use super::reader::{ARCHIVE, CONFIG, Reader, no_configuration};
use super::store::{MODEL_CONFIG, Store};
use crate::error::{Error, Result};
use crate::format::Bytes;
use crate::format::hdf5::File;
use crate::format::json::{self, Value};
use crate::train::TrainingBuilder;
use crate::{Element, Model};
use alloc::string::String;
use alloc::vec::Vec;

/// The attribute of a `.h5` that says how its model was compiled.
const TRAINING_CONFIG: &str = "training_config";

/// What a file says of its model: the configuration, and how it was compiled.
pub(super) struct Said {
    part: &'static str,
    config: Value,
    compiled: Option<Value>,
}

impl Reader {
    /// Reads a model, and starts a training with what its layers say: which of them are frozen, their regularizers and their
    /// constraints. The loss and the optimizer are to be given.
    ///
    /// As in Keras 3, a frozen weight has no penalty. (In Keras 2 it stands in the loss, and moves nothing.)
    ///
    /// Returns an error for a file that [`read`](Self::read) refuses, for an activity regularizer, for a regularizer or a constraint
    /// that this crate does not have, and for files of Keras 1, whose words for these are not read.
    ///
    /// ```
    /// use recurrent::keras;
    /// use recurrent::train::{Adam, Loss};
    /// # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/trained/k3_one.keras"));
    /// let training = keras::Reader::new().read_training::<f32>(bytes)?; // or .load_training("model.keras")?
    /// let mut training = training
    ///     .loss(Loss::sparse_categorical_crossentropy())
    ///     .optimizer(Adam::keras(1e-4))
    ///     .build()?;
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn read_training<A: Element>(&self, bytes: &[u8]) -> Result<TrainingBuilder<A>> {
        self.training_from(bytes.into())
    }

    /// Reads a model that was compiled, and starts a training with what [`read_training`](Self::read_training) reads and with what
    /// `model.compile` was given: the optimizer with its options, and the losses with their weights. The training starts anew: what
    /// the optimizer had learned is not read.
    ///
    /// Keras 3 saves no options of a loss that was given as an object of `Huber`: a file has `delta` 1 then.
    ///
    /// Returns an error for what [`read_training`](Self::read_training) refuses, for a model that was not compiled, and for an
    /// optimizer, a schedule or a loss that this crate does not have: give it one with `read_training`.
    ///
    /// ```
    /// use ndarray::{Array3, arr1};
    /// use recurrent::keras;
    /// use recurrent::train::Batch;
    /// # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/trained/k3_one.keras"));
    /// let training = keras::Reader::new().read_compiled::<f32>(bytes)?; // or .load_compiled("model.keras")?
    /// let mut training = training.seed(42).build()?;
    /// let step = training.step(&Batch::new(&Array3::ones((2, 5, 3)), &arr1(&[0.0, 1.0])))?;
    /// assert!(step.loss > 0.0);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn read_compiled<A: Element>(&self, bytes: &[u8]) -> Result<TrainingBuilder<A>> {
        self.compiled_from(bytes.into())
    }

    pub(super) fn training_from<A: Element>(&self, bytes: Bytes) -> Result<TrainingBuilder<A>> {
        let said = self.said(bytes)?;
        said.training(self.read_from(bytes)?)
    }

    pub(super) fn compiled_from<A: Element>(&self, bytes: Bytes) -> Result<TrainingBuilder<A>> {
        let said = self.said(bytes)?;
        said.compiled(self.read_from(bytes)?)
    }

    fn said(&self, bytes: Bytes) -> Result<Said> {
        if bytes.head()?.starts_with(ARCHIVE) {
            return self.said_by(&self.archive(bytes)?);
        }
        let store = Store::open([File::open(bytes, &self.limits)?].into())?;
        let parsed = |part| -> Result<Option<Value>> {
            let text = store.text(part)?;
            let text = text.map(|text| json::parse_python(&text, part, &self.limits));
            Ok(text.transpose()?)
        };
        let Some(config) = parsed(MODEL_CONFIG)? else {
            return Err(no_configuration());
        };
        let version = self.version_or(store.version()?, "keras_version")?;
        if version.major() == 1 {
            let expected =
                "2 or 3, for a training (load the model, and start one with `Training::of`)";
            return Err(Error::file("keras_version", expected, version));
        }
        Ok(Said {
            part: MODEL_CONFIG,
            compiled: parsed(TRAINING_CONFIG)?,
            config,
        })
    }

    /// What an archive or a directory of its members says.
    pub(super) fn said_by(&self, members: &Members) -> Result<Said> {
        let config = json::parse_python(&members.text(CONFIG)?, CONFIG, &self.limits)?;
        Ok(Said {
            part: CONFIG,
            compiled: config.get("compile_config").cloned(),
            config,
        })
    }
}

impl Said {
    pub(super) fn training<A: Element>(&self, model: Model<A>) -> Result<TrainingBuilder<A>> {
        let of_layers = OfLayers::read(&self.config, self.part)?;
        let training = of_layers.training(model);
        training.map_err(|error| error.within(self.part))
    }

    pub(super) fn compiled<A: Element>(&self, model: Model<A>) -> Result<TrainingBuilder<A>> {
        let outputs: Vec<String> = model.outputs().map(|(name, _)| name.into()).collect();
        let training = self.training(model)?;
        let Some(compiled) = self.compiled.as_ref().filter(|said| !said.is_null()) else {
            let expected = "a model that was compiled (of another: `keras::Reader::read_training`)";
            return Err(Error::file(self.part, expected, "one that was not"));
        };
        compile(training, compiled, &outputs).map_err(|error| error.within(self.part))
    }
}
