//! `State`: the values that a layer carries from one timestep to the next, separate from its weights.

use crate::Element;
use crate::error::{Error, Result, check};
use crate::kernel::zeros;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::Array2;

/// The values that a layer carries from one timestep to the next, one row per sample.
///
/// A pass starts from a state ([`Run::initial_state`](crate::Run::initial_state)) and returns one (`…_and_state`). A
/// [`Stream`](crate::Stream) and a [`Session`](crate::Session) keep one. A state belongs to samples, not to weights: any
/// number of states can share one layer, and each can have its own batch size.
///
/// The crate implements it for [`HiddenState`], [`LstmState`], [`BiState`], and for pairs and lists of states. Implement it
/// for the state of your own [`Cell`](crate::Cell).
///
/// ```
/// use recurrent::{LstmState, State};
/// let mut state = LstmState::<f32>::zeros(3, 4); // 3 samples, 4 units
/// state.h.fill(0.5);
/// let picked = state.select(&[2, 0])?;           // rows 2 and 0, in this order
/// assert_eq!(picked.samples(), 2);
/// state.reset_samples(&[1])?;                    // sample 1 starts anew
/// assert_eq!((state.h[[0, 0]], state.h[[1, 0]]), (0.5, 0.0));
/// assert!(state.reset_samples(&[3]).is_err());   // there is none
/// # Ok::<(), recurrent::Error>(())
/// ```
pub trait State: Clone + Send + Sync + 'static {
    /// The number of samples.
    fn samples(&self) -> usize;

    /// Makes a zero state with the same units for another number of samples.
    fn zeros_like(&self, samples: usize) -> Self;

    /// Copies row `from_row` of `from` to row `row`. A masked sample keeps its state in this way. Returns an error if a row
    /// does not exist or the units differ.
    fn copy_sample(&mut self, row: usize, from: &Self, from_row: usize) -> Result<()>;

    /// Sets one sample to zero, without allocating. Returns an error if it does not exist.
    fn reset_sample(&mut self, row: usize) -> Result<()>;

    /// The arrays of the state, (samples, units) each, in Keras' order: h before c, forward before backward, the lowest
    /// layer first.
    ///
    /// The default is `None`: the state can then not be passed into or out of a [`Model`](crate::Model) as arrays. Convert
    /// the numbers of your state to those of the caller with `A::from_f64(x.as_f64())`.
    fn to_arrays<A: Element>(&self) -> Option<Vec<Array2<A>>> {
        None
    }

    /// Makes a state of this kind from other arrays. It takes as many as it needs from the front of the iterator; their
    /// shapes are checked later. The default is `None`.
    fn with_arrays<A: Element>(&self, arrays: &mut dyn Iterator<Item = Array2<A>>) -> Option<Self> {
        let _ = arrays;
        None
    }

    /// The states of these samples, in this order. A sample may occur more than once. Returns an error if one of them does
    /// not exist.
    fn select(&self, samples: &[usize]) -> Result<Self> {
        let mut picked = self.zeros_like(samples.len());
        for (row, &from) in samples.iter().enumerate() {
            picked.copy_sample(row, self, from)?;
        }
        Ok(picked)
    }

    /// Sets these samples to zero. Returns an error, and changes nothing, if one of them does not exist.
    fn reset_samples(&mut self, samples: &[usize]) -> Result<()> {
        let all = self.samples();
        check_samples(samples, all)?;
        samples
            .iter()
            .try_for_each(|&sample| self.reset_sample(sample))
    }
}

/// The state of a [`SimpleRnn`](crate::SimpleRnn) or a [`Gru`](crate::Gru): the hidden state, which is also the output.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, bound = "A: Element"))]
pub struct HiddenState<A> {
    /// The hidden state, which is the output of the last unmasked timestep: (samples, units).
    #[cfg_attr(feature = "serde", serde(with = "crate::bits"))]
    pub h: Array2<A>,
}

/// The state of an [`Lstm`](crate::Lstm): the hidden state and the cell state.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound = "A: Element", try_from = "Unchecked<A>")
)]
pub struct LstmState<A> {
    /// The hidden state, which is the output of the last unmasked timestep: (samples, units), or (samples, size) with a
    /// projection to `size` numbers.
    #[cfg_attr(feature = "serde", serde(with = "crate::bits"))]
    pub h: Array2<A>,
    /// The cell state, (samples, units).
    #[cfg_attr(feature = "serde", serde(with = "crate::bits"))]
    pub c: Array2<A>,
}

/// The state of an LSTM as it is read, before the sample counts are compared.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(rename = "LstmState", deny_unknown_fields, bound = "A: Element")]
struct Unchecked<A> {
    #[serde(with = "crate::bits")]
    h: Array2<A>,
    #[serde(with = "crate::bits")]
    c: Array2<A>,
}

#[cfg(feature = "serde")]
impl<A: Element> TryFrom<Unchecked<A>> for LstmState<A> {
    type Error = Error;

    /// Returns an error if the arrays have different numbers of samples.
    fn try_from(Unchecked { h, c }: Unchecked<A>) -> Result<Self> {
        check("state.c", "samples", h.nrows(), c.nrows())?;
        Ok(LstmState { h, c })
    }
}

/// The state of a [`Bidirectional`](crate::Bidirectional): one state for each direction, never merged.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct BiState<F, B> {
    /// The state of the forward layer, which reads t = 0 first.
    pub forward: F,
    /// The state of the backward layer, which reads the last timestep first.
    pub backward: B,
}

impl<A: Element> HiddenState<A> {
    /// Makes the zero state before the first timestep, (samples, units).
    pub fn zeros(samples: usize, units: usize) -> Self {
        HiddenState {
            h: zeros(samples, units),
        }
    }
}

impl<A: Element> LstmState<A> {
    /// Makes the zero state before the first timestep, both arrays (samples, units).
    pub fn zeros(samples: usize, units: usize) -> Self {
        LstmState {
            h: zeros(samples, units),
            c: zeros(samples, units),
        }
    }
}

impl<A: Element> State for HiddenState<A> {
    fn samples(&self) -> usize {
        self.h.nrows()
    }
    fn zeros_like(&self, samples: usize) -> Self {
        HiddenState::zeros(samples, self.h.ncols())
    }
    fn copy_sample(&mut self, row: usize, from: &Self, from_row: usize) -> Result<()> {
        check_copy("state.h", &self.h, row, &from.h, from_row)?;
        self.h.row_mut(row).assign(&from.h.row(from_row));
        Ok(())
    }
    fn reset_sample(&mut self, row: usize) -> Result<()> {
        check_row(row, &self.h)?;
        self.h.row_mut(row).fill(A::zero());
        Ok(())
    }
    fn to_arrays<B: Element>(&self) -> Option<Vec<Array2<B>>> {
        Some(vec![cast(&self.h)])
    }
    fn with_arrays<B: Element>(&self, arrays: &mut dyn Iterator<Item = Array2<B>>) -> Option<Self> {
        let h = cast(&arrays.next()?);
        Some(HiddenState { h })
    }
}

impl<A: Element> State for LstmState<A> {
    fn samples(&self) -> usize {
        self.h.nrows().min(self.c.nrows())
    }
    fn zeros_like(&self, samples: usize) -> Self {
        LstmState {
            h: zeros(samples, self.h.ncols()),
            c: zeros(samples, self.c.ncols()),
        }
    }
    fn copy_sample(&mut self, row: usize, from: &Self, from_row: usize) -> Result<()> {
        check_copy("state.h", &self.h, row, &from.h, from_row)?;
        check_copy("state.c", &self.c, row, &from.c, from_row)?;
        self.h.row_mut(row).assign(&from.h.row(from_row));
        self.c.row_mut(row).assign(&from.c.row(from_row));
        Ok(())
    }
    fn reset_sample(&mut self, row: usize) -> Result<()> {
        check_row(row, &self.h)?;
        check_row(row, &self.c)?;
        self.h.row_mut(row).fill(A::zero());
        self.c.row_mut(row).fill(A::zero());
        Ok(())
    }
    fn to_arrays<B: Element>(&self) -> Option<Vec<Array2<B>>> {
        Some(vec![cast(&self.h), cast(&self.c)])
    }
    fn with_arrays<B: Element>(&self, arrays: &mut dyn Iterator<Item = Array2<B>>) -> Option<Self> {
        let (h, c) = (cast(&arrays.next()?), cast(&arrays.next()?));
        Some(LstmState { h, c })
    }
}

/// Converts numbers to another type. For the same type the bits stay the same.
pub(crate) fn cast<A: Element, B: Element>(array: &Array2<A>) -> Array2<B> {
    if size_of::<A>() == size_of::<B>() {
        return array.mapv(|x| B::of_bits(x.bits()));
    }
    array.mapv(|x| B::from_f64(x.as_f64()))
}

/// Implements `State` for two states of the same samples.
macro_rules! state_of_two {
    ($state:ty, $first:tt, $second:tt, $make:expr) => {
        impl<F: State, B: State> State for $state {
            fn samples(&self) -> usize {
                self.$first.samples().min(self.$second.samples())
            }
            fn zeros_like(&self, samples: usize) -> Self {
                $make(
                    self.$first.zeros_like(samples),
                    self.$second.zeros_like(samples),
                )
            }
            fn copy_sample(&mut self, row: usize, from: &Self, from_row: usize) -> Result<()> {
                self.$first.copy_sample(row, &from.$first, from_row)?;
                self.$second.copy_sample(row, &from.$second, from_row)
            }
            fn reset_sample(&mut self, row: usize) -> Result<()> {
                self.$first.reset_sample(row)?;
                self.$second.reset_sample(row)
            }
            fn to_arrays<A: Element>(&self) -> Option<Vec<Array2<A>>> {
                let mut arrays = self.$first.to_arrays()?;
                arrays.extend(self.$second.to_arrays()?);
                Some(arrays)
            }
            fn with_arrays<A: Element>(
                &self,
                arrays: &mut dyn Iterator<Item = Array2<A>>,
            ) -> Option<Self> {
                let first = self.$first.with_arrays(arrays)?;
                Some($make(first, self.$second.with_arrays(arrays)?))
            }
        }
    };
}
state_of_two!((F, B), 0, 1, |lower, upper| (lower, upper));
state_of_two!(BiState<F, B>, forward, backward, |forward, backward| BiState { forward, backward });

/// The states of the layers of a [`Deep`](crate::Deep), the lowest layer first.
impl<S: State> State for Vec<S> {
    fn samples(&self) -> usize {
        self.iter().map(S::samples).min().unwrap_or(0)
    }
    fn zeros_like(&self, samples: usize) -> Self {
        let states = self.iter();
        states.map(|state| state.zeros_like(samples)).collect()
    }
    fn copy_sample(&mut self, row: usize, from: &Self, from_row: usize) -> Result<()> {
        check("state", "layers", self.len(), from.len())?;
        let mut pairs = self.iter_mut().zip(from);
        pairs.try_for_each(|(state, from)| state.copy_sample(row, from, from_row))
    }
    fn reset_sample(&mut self, row: usize) -> Result<()> {
        self.iter_mut()
            .try_for_each(|state| state.reset_sample(row))
    }
    fn to_arrays<A: Element>(&self) -> Option<Vec<Array2<A>>> {
        let mut arrays = Vec::new();
        for state in self {
            arrays.extend(state.to_arrays()?);
        }
        Some(arrays)
    }
    fn with_arrays<A: Element>(&self, arrays: &mut dyn Iterator<Item = Array2<A>>) -> Option<Self> {
        let states = self.iter();
        states.map(|state| state.with_arrays(arrays)).collect()
    }
}

/// Refuses samples that do not exist.
pub(crate) fn check_samples(samples: &[usize], all: usize) -> Result<()> {
    match samples.iter().find(|&&s| s >= all) {
        None => Ok(()),
        Some(&sample) => Err(Error::Sample {
            sample,
            samples: all,
        }),
    }
}

fn check_row<A>(row: usize, array: &Array2<A>) -> Result<()> {
    if row < array.nrows() {
        Ok(())
    } else {
        Err(Error::Sample {
            sample: row,
            samples: array.nrows(),
        })
    }
}

fn check_copy<A>(
    name: &'static str,
    to: &Array2<A>,
    row: usize,
    from: &Array2<A>,
    from_row: usize,
) -> Result<()> {
    check_row(row, to)?;
    check_row(from_row, from)?;
    check(name, "units", to.ncols(), from.ncols())
}

/// Refuses an array of a state that has other samples or units than the layer.
pub(crate) fn check_array<A>(
    name: &'static str,
    array: &Array2<A>,
    samples: usize,
    units: usize,
) -> Result<()> {
    check(name, "samples", samples, array.nrows())?;
    check(name, "units", units, array.ncols())
}
