//! Writes the weights of a model into a copy of the file that it came from.
//!
//! No layer says how it would be written. The file is read again, with a code in place of each of its numbers, and the model
//! that comes out of it tells by its codes which number of the file each of its own was, through all that reading does:
//! transposed kernels, other orders of gates, arrays of single gates, the forms of cuDNN. A number that is no code was
//! computed, and cannot be written.

use super::codes::{self, code};
use super::datasets::Datasets;
use super::members::Members;
use super::original::{Original, Weights};
use super::reader::{ARCHIVE, Reader};
use super::store::Store;
use super::written::{OptimizerVariables, Written};
use crate::error::{Error, Result};
use crate::format::hdf5::File;
use crate::format::{self, Data};
use crate::{Element, Model};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A number to be written.
struct Change<A> {
    /// The code of the number that it replaces.
    code: u64,
    x: A,
    /// The place of its array in the model, and its place among all numbers of the model.
    array: usize,
    number: usize,
}

impl Reader {
    /// Writes the weights of a model into a copy of the bytes that it was read from: of a `.keras` archive, or of a `.h5`
    /// with a configuration. Keras loads the copy as it loads the original.
    ///
    /// Each weight goes into the dataset that it was read from, in the shape and the type of the file; a number is rounded
    /// once. Everything else stays bit for bit: configuration, attributes, other members of the archive. Weights that are
    /// those of the file are not written, so the copy of a model that nobody trained is the original.
    ///
    /// The variables of an optimizer belong to the weights that they were made with. If a weight changed, the copy has none
    /// ([`OptimizerVariables::Dropped`]): the link to them is removed, as `del file["optimizer"]` of h5py does. Keras then
    /// makes a new optimizer of the configuration. A member of an archive that was deflated is stored in the copy.
    ///
    /// The file is read three times to find out where its numbers go, or four times from four million numbers on: functions of
    /// your own are called each time. The copy is read again before it is returned, and compared with the model. The reader must be the one that read the
    /// model: with the same version, layers and functions of your own.
    ///
    /// ```
    /// use recurrent::{Model, keras};
    /// # let original = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/keras_files/models/k3_compiled.keras"));
    /// let mut model: Model<f32> = keras::read(original)?;
    /// let path = &model.weights()[0].path;
    /// let trained = model.get(path)? * 1.5; // or a training
    /// model.set(path, &trained)?;
    ///
    /// let (copy, written) = keras::Reader::new().write_into(original, &model)?;
    /// assert_eq!(keras::read::<f32>(&copy)?.get(path)?, trained);
    /// assert_eq!(written.datasets.len(), 1);
    /// assert_eq!(written.optimizer, keras::OptimizerVariables::Dropped);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if the model has other weights than the file, or other shapes; if a weight that changed was computed
    /// from several numbers of the file, as the bias of a `CuDNNLSTM` was, which is the sum of two; if its dataset is
    /// compressed, or has a checksum; and if an optimizer cannot be dropped.
    pub fn write_into<A: Element>(
        &self,
        original: &[u8],
        model: &Model<A>,
    ) -> Result<(Vec<u8>, Written)> {
        self.write(Original::Whole(original), model)
    }

    /// Writes the weights of a model into a copy of the bytes of its weights (`.weights.h5`, `.h5`), as
    /// [`write_into`](Self::write_into) does. `config` is the configuration with which the model was
    /// [read](Self::read_parts).
    ///
    /// ```no_run
    /// # fn f(config: &str, weights: &[u8]) -> recurrent::Result<()> {
    /// use recurrent::{Model, keras};
    /// let reader = keras::Reader::new();
    /// let model: Model<f32> = reader.read_parts(config, weights)?;
    /// let (copy, written) = reader.write_parts_into(config, weights, &model)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn write_parts_into<A: Element>(
        &self,
        config: &str,
        weights: &[u8],
        model: &Model<A>,
    ) -> Result<(Vec<u8>, Written)> {
        self.write(Original::Parts(config, weights), model)
    }

    fn write<A: Element>(
        &self,
        original: Original,
        model: &Model<A>,
    ) -> Result<(Vec<u8>, Written)> {
        let new = Weights::of(model);
        let old = original.weights::<A>(self, None)?;
        new.check(&old)?;
        let pairs = || new.numbers().zip(old.numbers());
        let is_same = pairs().all(|((_, new), (_, old))| new.bits() == old.bits());
        // What the copy will read as, number by number.
        let mut expected: Vec<A> = old.numbers().map(|(_, x)| x).collect();
        let written = self.with_files(original.bytes(), |names, files| {
            let store = Store::open(opened(files, self)?)?;
            let optimizer = store.optimizer()?;
            if is_same {
                let optimizer = match optimizer {
                    Some(_) => OptimizerVariables::Kept,
                    None => OptimizerVariables::Absent,
                };
                return Ok(Done::Same(optimizer));
            }
            let datasets = Datasets::of(store.files())?;
            let changes = self.changes(original, &datasets, pairs(), &new)?;
            let mut copies = BTreeMap::new();
            let paths = overwrite(
                &store,
                files,
                &datasets,
                &changes,
                &mut copies,
                &mut expected,
            )?;
            if let Some((file, name)) = optimizer {
                let of = store.files().get(file);
                let edits = of.map(|of| of.root()?.unlink(name)).transpose()?.flatten();
                let copy = copy_of(&mut copies, files, file)?;
                for edit in edits.unwrap_or_default() {
                    let to = copy.get_mut(edit.at..);
                    let to = to.and_then(|to| to.get_mut(..edit.bytes.len()));
                    let to = to.ok_or_else(|| Error::file(name, "a group of the file", "none"))?;
                    to.copy_from_slice(&edit.bytes);
                }
            }
            let optimizer = match optimizer {
                Some(_) => OptimizerVariables::Dropped,
                None => OptimizerVariables::Absent,
            };
            Ok(Done::Copied {
                members: names
                    .iter()
                    .enumerate()
                    .filter_map(|(file, name)| Some((name.clone(), copies.remove(&file)?)))
                    .collect(),
                written: Written {
                    datasets: paths,
                    optimizer,
                },
            })
        })?;
        let (copy, written) = match written {
            Done::Same(optimizer) => {
                let datasets = Vec::new();
                let written = Written {
                    datasets,
                    optimizer,
                };
                return Ok((original.bytes().to_vec(), written));
            }
            Done::Copied { members, written } => (self.put(original.bytes(), members)?, written),
        };
        let read = original.with(&copy).weights::<A>(self, None)?;
        for ((place, found), expected) in read.numbers().zip(&expected) {
            if found.bits() != expected.bits() {
                let expected =
                    format!("{expected} in the copy (a file may keep two weights as one)");
                return Err(Error::file(new.path(place), expected, found));
            }
        }
        Ok((copy, written))
    }

    /// Calls `f` with the names and the bytes of the files that have the weights: members of an archive, or the file itself.
    fn with_files<T>(
        &self,
        bytes: &[u8],
        f: impl FnOnce(&[String], &[Data]) -> Result<T>,
    ) -> Result<T> {
        if !bytes.starts_with(ARCHIVE) {
            return f(&[String::new()], &[bytes.into()]);
        }
        let members: Members = self.archive(bytes.into())?;
        let names: Vec<String> = self.weight_names(&members)?.into_iter().collect();
        let files = names.iter().map(|name| members.data(name));
        f(&names, &files.collect::<Result<Vec<_>>>()?)
    }

    /// The copy of a file whose parts have these bytes: members of an archive, or itself.
    fn put(&self, bytes: &[u8], parts: BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>> {
        if bytes.starts_with(ARCHIVE)
            && let Members::Archive(archive) = self.archive(bytes.into())?
        {
            let parts = parts.iter().map(|(name, part)| (&**name, &**part));
            return Ok(archive.replace(&parts.collect())?);
        }
        let whole = parts.into_values().next();
        Ok(whole.unwrap_or_else(|| bytes.to_vec()))
    }

    /// The numbers that changed, in the order of the codes of those that they replace.
    fn changes<A: Element>(
        &self,
        original: Original,
        datasets: &Datasets,
        pairs: impl Iterator<Item = ((usize, A), (usize, A))>,
        new: &Weights<A>,
    ) -> Result<Vec<Change<A>>> {
        let seen = |lens| original.weights::<A>(self, Some(lens));
        let lows = seen(codes::low)?;
        let highs = if codes::are_short(datasets.codes()) {
            None
        } else {
            Some(seen(codes::high)?)
        };
        let checks = seen(codes::check)?;
        let mut highs = highs.iter().flat_map(Weights::numbers);
        let codes = lows.numbers().zip(checks.numbers()).map(|(low, check)| {
            let high = highs.next().map_or(A::zero(), |(_, high)| high);
            code(low.1, high, check.1)
        });
        let mut changes = Vec::new();
        for (number, (((array, x), (_, old)), code)) in pairs.zip(codes).enumerate() {
            if x.bits() == old.bits() {
                continue;
            }
            let code = code.filter(|&code| datasets.find(code).is_some());
            let code = code.ok_or_else(|| {
                let expected = "a weight whose numbers the file has (or one that did not change)";
                let found = "one that was computed from several of its numbers, or is not in it";
                Error::file(new.path(array), expected, found)
            })?;
            changes.push(Change {
                code,
                x,
                array,
                number,
            });
        }
        changes.sort_by_key(|change| change.code);
        for pair in changes.windows(2) {
            if let [one, other] = pair
                && one.code == other.code
                && one.x.bits() != other.x.bits()
            {
                let expected = format!(
                    "{} as in {}, since the file has both in one place",
                    one.x,
                    new.path(one.array)
                );
                return Err(Error::file(new.path(other.array), expected, other.x));
            }
        }
        Ok(changes)
    }
}

/// What became of the files.
enum Done {
    /// No weight changed.
    Same(OptimizerVariables),
    Copied {
        members: BTreeMap<String, Vec<u8>>,
        written: Written,
    },
}

fn opened<'f>(files: &'f [Data], reader: &Reader) -> Result<Vec<File<'f>>> {
    let open = |file: &'f Data| File::open(file.bytes(), &reader.limits);
    Ok(files.iter().map(open).collect::<format::Result<_>>()?)
}

/// The copy of a file, which is made when it is asked for first.
fn copy_of<'c>(
    copies: &'c mut BTreeMap<usize, Vec<u8>>,
    files: &[Data],
    file: usize,
) -> Result<&'c mut Vec<u8>> {
    use alloc::collections::btree_map::Entry;
    Ok(match copies.entry(file) {
        Entry::Occupied(copy) => copy.into_mut(),
        Entry::Vacant(place) => {
            let missing = || Error::file("weights", "a file", "none");
            let bytes = files.get(file).ok_or_else(missing)?.bytes();
            place.insert(bytes.head()?.to_vec())
        }
    })
}

/// Writes changes into copies of their files. Returns the paths of the datasets.
fn overwrite<A: Element>(
    store: &Store,
    files: &[Data],
    datasets: &Datasets,
    changes: &[Change<A>],
    copies: &mut BTreeMap<usize, Vec<u8>>,
    expected: &mut [A],
) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    let mut open = None;
    for change in changes {
        let missing = || Error::file("weights", "a dataset of the file", "none");
        let (place, dataset, index) = datasets.find(change.code).ok_or_else(missing)?;
        if open.as_ref().is_none_or(|&(of, _)| of != place) {
            let file = store.files().get(dataset.file).ok_or_else(missing)?;
            open = Some((place, file.object(&dataset.path)?.place()?));
            paths.push(dataset.path.clone());
        }
        let copy = copy_of(copies, files, dataset.file)?;
        let (_, place) = open.as_ref().ok_or_else(missing)?;
        let index = usize::try_from(index).map_err(|_| missing())?;
        let read = place.overwrite(copy, index, change.x.as_f64());
        let read = read.ok_or_else(|| {
            let expected = "a number that the dataset can hold (it has whole numbers)";
            Error::file(&dataset.path, expected, change.x)
        })?;
        let to = expected.get_mut(change.number).ok_or_else(missing)?;
        *to = A::from_f64(read);
    }
    Ok(paths)
}
