//! `Original`: the file that a model came from, and the weights in it.

use super::datasets::Lens;
use super::reader::Reader;
use crate::describe;
use crate::error::{Error, Result};
use crate::{Element, Model};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ndarray::ArrayD;

/// The file that a model came from.
#[derive(Clone, Copy)]
pub enum Original<'s> {
    /// With its configuration.
    Whole(&'s [u8]),
    /// Configuration and weights.
    Parts(&'s str, &'s [u8]),
}

impl<'s> Original<'s> {
    /// The bytes that have the weights.
    pub fn bytes(self) -> &'s [u8] {
        match self {
            Original::Whole(bytes) | Original::Parts(_, bytes) => bytes,
        }
    }

    /// The same with other weights.
    pub fn with(self, bytes: &'s [u8]) -> Self {
        match self {
            Original::Whole(_) => Original::Whole(bytes),
            Original::Parts(config, _) => Original::Parts(config, bytes),
        }
    }

    /// All weights of its model.
    pub fn weights<A: Element>(self, reader: &Reader, lens: Option<Lens>) -> Result<Weights<A>> {
        let reader = Reader {
            lens,
            ..reader.clone()
        };
        Ok(Weights::of(&match self {
            Original::Whole(bytes) => reader.read(bytes)?,
            Original::Parts(config, bytes) => reader.read_parts(config, bytes)?,
        }))
    }
}

/// The weights of a model in its order, by their paths.
pub struct Weights<A>(Vec<(String, ArrayD<A>)>);

impl<A: Element> Weights<A> {
    pub fn of(model: &Model<A>) -> Self {
        let mut all = Vec::new();
        describe::walk(model, "", &mut |path, _, weight| {
            all.push((path.to_string(), weight.to_array()));
        });
        Weights(all)
    }

    /// All numbers, each with the place of its array.
    pub fn numbers(&self) -> impl Iterator<Item = (usize, A)> {
        let arrays = self.0.iter().enumerate();
        arrays.flat_map(|(place, (_, array))| array.iter().map(move |&x| (place, x)))
    }

    pub fn path(&self, place: usize) -> &str {
        self.0.get(place).map_or("", |(path, _)| path)
    }

    /// Refuses a model that has not the weights of the file.
    pub fn check(&self, file: &Self) -> Result<()> {
        let shape = |of: Option<&(String, ArrayD<A>)>| match of {
            Some((path, array)) => format!("{path} {:?}", array.shape()),
            None => "no more weights".into(),
        };
        for place in 0..self.0.len().max(file.0.len()) {
            let (found, expected) = (shape(self.0.get(place)), shape(file.0.get(place)));
            if found != expected {
                let part = "weights of the model";
                let expected = format!("{expected}, as in the file");
                return Err(Error::file(part, expected, found));
            }
        }
        Ok(())
    }
}
