//! `Datasets`: the arrays of numbers in files of Keras, and a number for each of their numbers.

use crate::format::hdf5::{File, Object};
use crate::format::{RawArray, Result};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// What is read in place of the number with a code. Codes count from 1 through all numbers of all datasets, so that what a
/// model has of them tells where its numbers were.
pub type Lens = fn(code: u64) -> f64;

/// A dataset: its place in the files, and the codes of its numbers.
pub struct Dataset {
    /// Which of the files it is in.
    pub file: usize,
    pub path: String,
    /// The code of its first number.
    first: u64,
    count: u64,
}

/// All datasets of numbers.
pub struct Datasets {
    /// In the order of their codes.
    all: Vec<Dataset>,
    /// Their places in the list, by file and address.
    at: BTreeMap<(usize, u64), usize>,
    codes: u64,
}

impl Datasets {
    pub fn of(files: &[File]) -> Result<Self> {
        let mut datasets = Datasets {
            all: Vec::new(),
            at: BTreeMap::new(),
            codes: 1,
        };
        for (file, of) in files.iter().enumerate() {
            of.walk(|object| {
                datasets.add(file, object);
                Ok(())
            })?;
        }
        Ok(datasets)
    }

    fn add(&mut self, file: usize, object: &Object) {
        // What is no array of numbers is no weight either.
        let Some(array) = numbers(object) else {
            return;
        };
        let mut axes = array.shape().iter();
        let count = axes.try_fold(1u64, |count, &n| count.checked_mul(n as u64));
        let end = count.and_then(|count| self.codes.checked_add(count));
        let (Some(count), Some(end)) = (count, end) else {
            return;
        };
        // Two links may lead to one dataset.
        let place = self.all.len();
        if *self.at.entry((file, object.address())).or_insert(place) == place {
            self.all.push(Dataset {
                file,
                path: object.path().to_owned(),
                first: self.codes,
                count,
            });
            self.codes = end;
        }
    }

    /// One more than the last code.
    pub fn codes(&self) -> u64 {
        self.codes
    }

    /// The dataset that has the number of this code, its place in the list, and the place of the number.
    pub fn find(&self, code: u64) -> Option<(usize, &Dataset, u64)> {
        let after = self.all.partition_point(|dataset| dataset.first <= code);
        let place = after.checked_sub(1)?;
        let dataset = self.all.get(place)?;
        let index = code - dataset.first;
        (index < dataset.count).then_some((place, dataset, index))
    }

    /// The array of this object, its numbers seen through the lens.
    pub fn seen<'f>(
        &self,
        file: usize,
        object: &Object,
        array: RawArray<'f>,
        lens: Lens,
    ) -> Result<RawArray<'f>> {
        let place = self.at.get(&(file, object.address()));
        match place.and_then(|&place| self.all.get(place)) {
            Some(&Dataset { first, .. }) => {
                array.with_numbers(move |index| lens(first.saturating_add(index)))
            }
            None => Ok(array),
        }
    }
}

/// The array that the object is, if it has floating-point numbers.
fn numbers<'f>(object: &Object<'f, '_>) -> Option<RawArray<'f>> {
    if object.is_group() {
        return None;
    }
    object.tensor().ok()
}
