//! `PadSequences`: sequences of several lengths as one array.

use super::padded::{Padded, Side};
use crate::Element;
use crate::error::{Error, Result, check_size};
use alloc::format;
use alloc::vec::Vec;
use core::ops::{Deref, Range};
use ndarray::{Array2, Array3, ArrayRef, Axis, Ix2, Ix3, s};
use num_traits::ToPrimitive;

/// Puts sequences of several lengths into one array, padded to one length: Keras' `pad_sequences`.
///
/// Its arguments are Keras'. The padding is at the end, as the lengths of a call need it; Keras' default is the start.
///
/// ```
/// use ndarray::{Array2, Axis, array};
/// use recurrent::{Lstm, PadSequences, Recurrent};
/// let lstm = Lstm::<f32>::builder(2, 3).build()?;
/// let sequences = [array![[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], array![[0.7, 0.8]]];
///
/// let padded = PadSequences::new().pad(&sequences)?;
/// assert_eq!(padded.values().dim(), (2, 3, 2));
/// assert_eq!(padded.lengths(), [3, 1]);
/// let outputs = lstm.run(padded.values()).lengths(padded.lengths()).sequences()?;
/// let outputs = padded.split(&outputs)?; // views, one of each length
///
/// let alone = lstm.run(&sequences[1].view().insert_axis(Axis(0))).sequences()?;
/// assert_eq!(outputs[1], alone.index_axis(Axis(0), 0)); // the same bits
/// # Ok::<(), recurrent::Error>(())
/// ```
///
/// A model takes the array with its mask. An [`Embedding`](crate::Embedding) makes a mask of its own, as in Keras: with
/// `mask_zero(true)` every id 0 is padding, without it there is no mask.
///
/// ```
/// use ndarray::Array2;
/// use recurrent::{Embedding, Layer, Lstm, Model, PadSequences};
/// let model = Model::<f32>::new()
///     .add(Embedding::from_weights(Array2::eye(10))?.mask_zero(true))
///     .add(Layer::new(Lstm::builder(10, 4).build()?).return_sequences(true));
/// let padded = PadSequences::new().pad_tokens(&[vec![3, 1, 4], vec![1, 5]])?;
/// let outputs = model.forward_tensor(padded.tensor())?;
/// let outputs = padded.split(&outputs.values)?;
/// assert_eq!((outputs[0].shape(), outputs[1].shape()), (&[3, 4][..], &[2, 4][..]));
/// # Ok::<(), recurrent::Error>(())
/// ```
/// Recurrent layers, and layers that work timestep by timestep, give each sequence the same bits as alone. A layer that
/// does not use the mask, such as a convolution or a pooling, sees the padding.
///
/// Source: `keras.utils.pad_sequences`.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it pads nothing until `pad` or `pad_tokens` is called"]
pub struct PadSequences {
    maxlen: Option<usize>,
    padding: Side,
    truncating: Side,
    value: f64,
}

impl Default for PadSequences {
    fn default() -> Self {
        Self::new()
    }
}

impl PadSequences {
    /// Pads at the end, with zeros, to the length of the longest sequence.
    pub fn new() -> Self {
        PadSequences {
            maxlen: None,
            padding: Side::Post,
            truncating: Side::Pre,
            value: 0.0,
        }
    }

    /// Sets the number of timesteps. Longer sequences are cut. The default is the length of the longest.
    pub fn maxlen(mut self, maxlen: impl Into<Option<usize>>) -> Self {
        self.maxlen = maxlen.into();
        self
    }

    /// Sets the side that is padded. The default is [`Side::Post`], the end.
    pub fn padding(mut self, padding: Side) -> Self {
        self.padding = padding;
        self
    }

    /// Sets the side at which sequences longer than `maxlen` are cut. The default is [`Side::Pre`], as in Keras: the start
    /// is lost.
    pub fn truncating(mut self, truncating: Side) -> Self {
        self.truncating = truncating;
        self
    }

    /// Sets the number in the padding, which is 0 by default. Where the mask is used, it is never read.
    pub fn value(mut self, value: f64) -> Self {
        self.value = value;
        self
    }

    /// Pads arrays (timesteps, features), or views of them, to (samples, timesteps, features).
    ///
    /// Returns an error if the sequences have different features, if there are none, or if the array does not fit into
    /// memory.
    pub fn pad<A: Element, S: Deref<Target = ArrayRef<A, Ix2>>>(
        &self,
        sequences: &[S],
    ) -> Result<Padded<A, Ix3>> {
        let features = sequences.first().map(|first| first.ncols());
        let features = features.ok_or_else(|| {
            let expected = "at least 1, which says how many features there are";
            Error::value("number of sequences", expected, 0)
        })?;
        if let Some((at, odd)) = (sequences.iter().enumerate()).find(|(_, s)| s.ncols() != features)
        {
            let expected = format!("{features} in every sequence, as in the first");
            let found = format!("{} in sequence {at}", odd.ncols());
            return Err(Error::value("number of features", expected, found));
        }
        let (timesteps, places) = self.places(sequences.iter().map(|s| s.nrows()));
        let shape = (sequences.len(), timesteps, features);
        check_size("padded sequences", &[shape.0, shape.1, shape.2])?;
        let mut values = Array3::from_elem(shape, A::from_f64(self.value));
        let samples = values.axis_iter_mut(Axis(0));
        for ((mut to, from), place) in samples.zip(sequences).zip(&places) {
            to.slice_mut(s![place.to.clone(), ..])
                .assign(&from.slice(s![place.from.clone(), ..]));
        }
        Ok(Padded::new(values, lengths(&places), self.padding))
    }

    /// Pads token ids of any type of number to (samples, timesteps).
    ///
    /// Returns an error if an id is a number that the elements cannot hold exactly (`f32` can up to 16,777,216), or if the
    /// array does not fit into memory.
    pub fn pad_tokens<A: Element, T: ToPrimitive + Copy, S: AsRef<[T]>>(
        &self,
        sequences: &[S],
    ) -> Result<Padded<A, Ix2>> {
        let (timesteps, places) = self.places(sequences.iter().map(|s| s.as_ref().len()));
        let shape = (sequences.len(), timesteps);
        check_size("padded sequences", &[shape.0, shape.1])?;
        let mut values = Array2::from_elem(shape, A::from_f64(self.value));
        let samples = values.axis_iter_mut(Axis(0));
        for ((mut to, from), place) in samples.zip(sequences).zip(&places) {
            let ids = &from.as_ref()[place.from.clone()];
            for (to, &id) in to.slice_mut(s![place.to.clone()]).iter_mut().zip(ids) {
                *to = token(id)?;
            }
        }
        Ok(Padded::new(values, lengths(&places), self.padding))
    }

    /// The number of timesteps, and what of each sequence goes where.
    fn places(&self, lens: impl Iterator<Item = usize> + Clone) -> (usize, Vec<Place>) {
        let longest = lens.clone().max().unwrap_or(0);
        let timesteps = self.maxlen.unwrap_or(longest);
        let place = |len: usize| {
            let kept = len.min(timesteps);
            let from = match self.truncating {
                Side::Pre => len - kept..len,
                Side::Post => 0..kept,
            };
            let to = match self.padding {
                Side::Pre => timesteps - kept..timesteps,
                Side::Post => 0..kept,
            };
            Place { from, to }
        };
        (timesteps, lens.map(place).collect())
    }
}

/// A part of a sequence, and the timesteps that it becomes.
struct Place {
    from: Range<usize>,
    to: Range<usize>,
}

fn lengths(places: &[Place]) -> Vec<usize> {
    places.iter().map(|place| place.to.len()).collect()
}

/// The id as an element. An [`Embedding`](crate::Embedding) refuses what is no id; here another number must not become one.
fn token<A: Element, T: ToPrimitive + Copy>(id: T) -> Result<A> {
    let number = id.to_f64().map(A::from_f64);
    match number {
        Some(number) if number.to_u64() == id.to_u64() => Ok(number),
        _ => {
            let expected = format!("one that {} holds exactly", core::any::type_name::<A>());
            let found = match id.to_i128() {
                Some(id) => format!("{id}"),
                None => "another number".into(),
            };
            Err(Error::value("token id", expected, found))
        }
    }
}
