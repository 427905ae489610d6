//! `Value`: what stands between two layers of a model in a step, and its shape.

use super::Tensor;
use crate::Element;
use crate::error::{Error, Result, check_size, wrong_inputs};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayD, ArrayViewD, IxDyn};

/// The shape of a value in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepShape {
    /// Those of the [`Tensor`]: samples first, and one timestep next if it is one of a sequence.
    pub axes: Vec<usize>,
    /// Whether it is one timestep of a sequence, and not what the whole sequence up to now leads to.
    pub is_timestep: bool,
}

impl StepShape {
    /// How many numbers of a mask belong to it.
    fn mask_len(&self) -> usize {
        let [samples, timesteps] = self.mask_dim();
        samples.saturating_mul(timesteps)
    }

    /// (samples, timesteps).
    pub(crate) fn mask_dim(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.axes.get(axis).copied().unwrap_or(1))
    }

    /// The same without the axis of the timestep, if it is one.
    pub(crate) fn of_step(&self) -> Vec<usize> {
        let mut axes = self.axes.clone();
        if self.is_timestep && axes.len() > 1 {
            axes.remove(1);
        }
        axes
    }

    /// The length of the last axis.
    pub(crate) fn last(&self) -> usize {
        self.axes.last().copied().unwrap_or(1)
    }
}

/// A value between two layers: its numbers in a row, and the mask of its timesteps while there is one.
pub struct Value<A> {
    pub(crate) shape: StepShape,
    pub(crate) numbers: Vec<A>,
    mask: Vec<bool>,
    is_masked: bool,
}

impl<A: Element> Value<A> {
    /// Zeros, without a mask; room for one.
    pub(crate) fn new(shape: StepShape) -> Result<Self> {
        check_size("value of a step", &shape.axes)?;
        let count = shape.axes.iter().product();
        // Of nothing there may be any number of samples.
        let mask_len = if count == 0 { 0 } else { shape.mask_len() };
        Ok(Value {
            numbers: vec![A::zero(); count],
            mask: Vec::with_capacity(mask_len),
            is_masked: false,
            shape,
        })
    }

    /// `false` where a timestep is not there, (samples, timesteps) in a row.
    #[inline]
    pub(crate) fn mask(&self) -> Option<&[bool]> {
        self.is_masked.then_some(&*self.mask)
    }

    /// From now on there is this mask, or none. Its length was checked.
    #[inline]
    pub(crate) fn set_mask(&mut self, mask: Option<&[bool]>) {
        self.is_masked = mask.is_some();
        if let Some(mask) = mask {
            self.mask.clear();
            self.mask.extend_from_slice(mask);
        }
    }

    /// A mask of its length, to be written.
    pub(crate) fn mask_mut(&mut self) -> &mut [bool] {
        self.both_mut().1
    }

    /// The numbers, and a mask of their length.
    pub(crate) fn both_mut(&mut self) -> (&mut [A], &mut [bool]) {
        self.is_masked = true;
        self.mask.resize(self.shape.mask_len(), true);
        (&mut self.numbers, &mut self.mask)
    }

    /// Takes numbers and mask of a value of the same shape.
    #[inline]
    pub(crate) fn copy(&mut self, from: &Self) {
        self.numbers.copy_from_slice(&from.numbers);
        self.set_mask(from.mask());
    }

    /// Takes the numbers of an array of this shape.
    pub(crate) fn assign(&mut self, x: &ArrayViewD<A>) {
        match x.as_slice() {
            Some(x) => self.numbers.copy_from_slice(x),
            None => self.numbers.iter_mut().zip(x).for_each(|(to, &x)| *to = x),
        }
    }

    pub(crate) fn to_flow(&self) -> Result<Tensor<A>> {
        self.flow(self.mask())
    }

    /// The numbers, and this mask of their length.
    pub(crate) fn flow(&self, mask: Option<&[bool]>) -> Result<Tensor<A>> {
        let values = ArrayD::from_shape_vec(IxDyn(&self.shape.axes), self.numbers.clone())?;
        let mask = mask.map(|mask| Array2::from_shape_vec(self.shape.mask_dim(), mask.to_vec()));
        Ok(Tensor {
            values,
            mask: mask.transpose()?,
        })
    }

    /// Takes numbers and mask of a flow, which has to be of this shape.
    pub(crate) fn take(&mut self, flow: &Tensor<A>) -> Result<()> {
        if flow.values.shape() != self.shape.axes {
            let expected = format!("{:?} as before", self.shape.axes);
            let found = format!("{:?}", flow.values.shape());
            return Err(Error::value("shape of a value", expected, found));
        }
        flow.check_mask()?;
        self.assign(&flow.values.view());
        match &flow.mask {
            Some(mask) => {
                let to = self.mask_mut().iter_mut();
                to.zip(mask).for_each(|(to, &real)| *to = real);
            }
            None => self.set_mask(None),
        }
        Ok(())
    }
}

/// Copies numbers: a single one without a call, which takes longer than the copy.
#[inline]
pub(crate) fn copy<A: Copy>(from: &[A], to: &mut [A]) {
    match (from, to) {
        ([from], [to]) => *to = *from,
        (from, to) => to.copy_from_slice(from),
    }
}

/// The inputs of a call.
#[derive(Clone, Copy)]
pub struct Inputs<'v, A> {
    values: &'v [Value<A>],
    at: &'v [usize],
    is_bare: bool,
}

impl<'v, A: Element> Inputs<'v, A> {
    /// Those of `values` that stand at these places.
    #[inline]
    pub(crate) fn new(values: &'v [Value<A>], at: &'v [usize]) -> Self {
        let is_bare = false;
        Inputs {
            values,
            at,
            is_bare,
        }
    }

    /// The same without masks, for those who ask for them here.
    #[cfg(any(feature = "keras", feature = "saved"))]
    pub(crate) fn bare(self) -> Self {
        let is_bare = true;
        Inputs { is_bare, ..self }
    }

    /// The masks of all inputs.
    pub(crate) fn masks(self) -> impl ExactSizeIterator<Item = Option<&'v [bool]>> + Clone {
        self.iter()
            .map(move |input| input.mask().filter(|_| !self.is_bare))
    }

    #[inline]
    pub(crate) fn iter(self) -> impl ExactSizeIterator<Item = &'v Value<A>> + Clone {
        self.at.iter().map(move |&at| &self.values[at])
    }

    /// The input at this place.
    #[inline]
    pub(crate) fn get(self, input: usize) -> Option<&'v Value<A>> {
        self.at.get(input).map(|&at| &self.values[at])
    }

    /// The first, and the only one of most layers.
    #[inline]
    pub(crate) fn first(self) -> Result<&'v Value<A>> {
        match self.at {
            [first, ..] => Ok(&self.values[*first]),
            [] => Err(wrong_inputs("at least 1", 0)),
        }
    }
}
