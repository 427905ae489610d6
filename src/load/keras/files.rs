//! Files of Keras from the file system.

use super::members::{Members, text};
use super::reader::{ARCHIVE, Reader};
use super::shards;
use super::weights::Weights;
use super::written::Written;
use crate::error::{Result, within};
use crate::format::Bytes;
use crate::format::disk::{bytes, replace};
use crate::format::kind::Kind;
use crate::format::pages::Pages;
use crate::format::{hdf5, json};
#[cfg(feature = "train")]
use crate::train::TrainingBuilder;
use crate::{Element, Limits, Model};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use std::path::Path;

/// Where a model is.
enum Source<'a> {
    Directory(Members<'a>),
    File(Bytes<'a>),
}

impl Weights<'static> {
    /// The weights in a file: [`Reader::load_weights`](super::Reader::load_weights) with the defaults.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Reader::new().load_weights(path)
    }

    /// [`load`](Self::load) within other limits.
    pub fn load_within(path: impl AsRef<Path>, limits: &Limits) -> Result<Self> {
        Reader::within(limits).load_weights(path)
    }
}

impl Reader {
    /// A whole model: the path of a `.keras` archive or directory, or of a `.h5` with a configuration.
    pub fn load<A: Element>(&self, path: impl AsRef<Path>) -> Result<Model<A>> {
        self.open(path.as_ref(), |source| match source {
            Source::Directory(members) => self.assemble(&members),
            Source::File(bytes) => self.read_from(bytes),
        })
    }

    /// Opens an archive, its directory, or a `.h5`.
    fn open<T>(&self, path: &Path, read: impl FnOnce(Source) -> Result<T>) -> Result<T> {
        within(path, || {
            if path.is_dir() {
                let kind = Kind::of_directory(path);
                if kind == Kind::SavedModel {
                    return Err(kind.refuse(hdf5::FORMAT, &[]).into());
                }
                return read(Source::Directory(Members::Directory(path, &self.limits)));
            }
            let large = [hdf5::SIGNATURE, ARCHIVE];
            let pages = Pages::open(path, self.limits.file_bytes, &large)?;
            read(Source::File((&pages).into()))
        })
    }

    /// Starts the training of a model in a file: [`read_training`](Self::read_training).
    #[cfg(feature = "train")]
    pub fn load_training<A: Element>(&self, path: impl AsRef<Path>) -> Result<TrainingBuilder<A>> {
        self.open(path.as_ref(), |source| match source {
            Source::Directory(members) => {
                self.said_by(&members)?.training(self.assemble(&members)?)
            }
            Source::File(bytes) => self.training_from(bytes),
        })
    }

    /// Starts the training of a model in a file as it was compiled: [`read_compiled`](Self::read_compiled).
    #[cfg(feature = "train")]
    pub fn load_compiled<A: Element>(&self, path: impl AsRef<Path>) -> Result<TrainingBuilder<A>> {
        self.open(path.as_ref(), |source| match source {
            Source::Directory(members) => {
                self.said_by(&members)?.compiled(self.assemble(&members)?)
            }
            Source::File(bytes) => self.compiled_from(bytes),
        })
    }

    /// A model in two files: its configuration (`model.to_json()`), and its weights (`.weights.h5`, `.h5`).
    pub fn load_parts<A: Element>(
        &self,
        config: impl AsRef<Path>,
        weights: impl AsRef<Path>,
    ) -> Result<Model<A>> {
        let (config, weights) = (config.as_ref(), weights.as_ref());
        let text = within(config, || text(self.bytes(config)?))?;
        let bytes = within(weights, || self.bytes(weights))?;
        let both = format!("{}, {}", config.display(), weights.display());
        self.read_parts(&text, &bytes)
            .map_err(|error| error.within(&both))
    }

    /// Weights, layer by layer: the path of a `.weights.h5`, a `.h5` or a `.keras` archive, or of the `.weights.json` that
    /// names the shards beside it.
    pub fn load_weights(&self, path: impl AsRef<Path>) -> Result<Weights<'static>> {
        let path = path.as_ref();
        within(path, || {
            let bytes = self.bytes(path)?;
            let placed = |weights: Weights<'static>| weights.of_file(path.display().to_string());
            if path.extension().is_none_or(|end| end != "json") {
                return self.read_weights(bytes).map(placed);
            }
            let part = "weight_map";
            let map = json::parse_python(&text(bytes)?, part, &self.limits)?;
            let mut files = Vec::new();
            for name in shards::names(&map, part)? {
                files.push(self.bytes(&path.with_file_name(name))?.into());
            }
            Weights::open(files, None, &self.limits, &self.overrides).map(placed)
        })
    }

    /// Writes the weights of a model into a copy of the file that it was loaded from, as [`write_into`](Self::write_into)
    /// does. The copy appears as a whole or not at all; `copy` may be the path of the original.
    ///
    /// ```no_run
    /// use recurrent::{Model, keras};
    /// let model: Model<f32> = keras::load("model.keras")?;
    /// // … a training …
    /// let written = keras::Reader::new().save_into("model.keras", &model, "tuned.keras")?;
    /// println!("{} datasets, optimizer {:?}", written.datasets.len(), written.optimizer);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn save_into<A: Element>(
        &self,
        original: impl AsRef<Path>,
        model: &Model<A>,
        copy: impl AsRef<Path>,
    ) -> Result<Written> {
        let original = original.as_ref();
        let (bytes, written) = within(original, || self.write_into(&self.bytes(original)?, model))?;
        replace(copy.as_ref(), &bytes)?;
        Ok(written)
    }

    /// Writes the weights of a model into a copy of the file of weights that it was loaded from, as
    /// [`write_parts_into`](Self::write_parts_into) does. `config` is the path of its configuration.
    ///
    /// ```no_run
    /// use recurrent::{Model, keras};
    /// let reader = keras::Reader::new();
    /// let model: Model<f32> = reader.load_parts("model.json", "model.weights.h5")?;
    /// reader.save_parts_into("model.json", "model.weights.h5", &model, "tuned.weights.h5")?;
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn save_parts_into<A: Element>(
        &self,
        config: impl AsRef<Path>,
        weights: impl AsRef<Path>,
        model: &Model<A>,
        copy: impl AsRef<Path>,
    ) -> Result<Written> {
        let (config, weights) = (config.as_ref(), weights.as_ref());
        let text = within(config, || text(self.bytes(config)?))?;
        let (bytes, written) = within(weights, || {
            self.write_parts_into(&text, &self.bytes(weights)?, model)
        })?;
        replace(copy.as_ref(), &bytes)?;
        Ok(written)
    }

    fn bytes(&self, path: &Path) -> Result<Vec<u8>> {
        Ok(bytes(path, self.limits.file_bytes)?)
    }
}
