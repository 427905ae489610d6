//! `Embedding`: looks up a row of a table for every token.

use crate::Element;
use crate::error::{Error, Result, check_size};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, each_or_err, goes_back,
};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array, Array2, ArrayRef, ArrayViewMut1, Dimension, Ix2, RemoveAxis};

/// Turns token ids into vectors: row `id` of a table.
///
/// | array | shape |
/// | --- | --- |
/// | input | (samples, timesteps), ids below `input_dim` |
/// | embeddings | (`input_dim`, `output_dim`) |
/// | output | (samples, timesteps, `output_dim`) |
///
/// With `mask_zero`, id 0 means padding and becomes a mask for the layers that follow; without it, any mask ends here.
/// In a [`Model`](crate::Model), ids are numbers of the model's type: `ids.mapv(|id| id as f32)`. To make an untrained
/// table, see [`Initializer::matrix`](crate::Initializer::matrix). Source: `keras.layers.Embedding`.
///
/// ```
/// use ndarray::array;
/// use recurrent::Embedding;
/// let table = Embedding::from_weights(array![[0.0, 0.0], [0.1, 0.2], [0.3, 0.4]])?.mask_zero(true);
/// let ids = array![[2, 1, 0]];
/// assert_eq!(table.forward(&ids)?, array![[[0.3, 0.4], [0.1, 0.2], [0.0, 0.0]]]);
/// assert_eq!(table.mask(&ids), Some(array![[true, true, false]]));
/// assert_eq!(table.forward(&array![[3]]).unwrap_err().to_string(), "token id is 3, expected below 3");
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone)]
pub struct Embedding<A> {
    embeddings: Array2<A>,
    mask_zero: bool,
}

impl<A: Element> Embedding<A> {
    /// Makes a layer from a table (`input_dim`, `output_dim`), with `mask_zero` false.
    pub fn from_weights(embeddings: Array2<A>) -> Result<Self> {
        if embeddings.ncols() == 0 {
            return Err(Error::value("output_dim", "at least 1", 0));
        }
        Ok(Embedding {
            embeddings,
            mask_zero: false,
        })
    }

    /// Sets whether id 0 is masked.
    pub fn mask_zero(mut self, yes: bool) -> Self {
        self.mask_zero = yes;
        self
    }

    /// The table, (`input_dim`, `output_dim`).
    pub fn embeddings(&self) -> &Array2<A> {
        &self.embeddings
    }

    /// Looks up ids of any shape; the output has one more axis: (…) to (…, `output_dim`). Returns an error if an id is
    /// not below `input_dim`.
    pub fn forward<D>(&self, ids: &ArrayRef<usize, D>) -> Result<Array<A, D::Larger>>
    where
        D: Dimension,
        D::Larger: RemoveAxis,
    {
        let (input_dim, output_dim) = self.embeddings.dim();
        if let Some(id) = ids.iter().find(|&&id| id >= input_dim) {
            return Err(Error::value("token id", format!("below {input_dim}"), id));
        }
        let mut shape = D::Larger::zeros(ids.ndim() + 1);
        shape.slice_mut()[..ids.ndim()].copy_from_slice(ids.shape());
        shape[ids.ndim()] = output_dim;
        check_size("output", shape.slice())?;
        let mut y = Vec::with_capacity(shape.size());
        for &id in ids {
            match self.embeddings.row(id).to_slice() {
                Some(row) => y.extend_from_slice(row),
                None => y.extend(self.embeddings.row(id)),
            }
        }
        Ok(Array::from_shape_vec(shape, y)?)
    }

    /// The mask for the next layer, if `mask_zero` is set: `true` where an id is not 0.
    pub fn mask(&self, ids: &ArrayRef<usize, Ix2>) -> Option<Array2<bool>> {
        self.mask_zero.then(|| ids.mapv(|id| id != 0))
    }

    /// Converts a number of the model's type to a token id.
    pub(super) fn id(&self, x: A) -> Result<usize> {
        let id = x
            .to_usize()
            .filter(|&id| A::from(id) == Some(x) && id < self.embeddings.nrows());
        id.ok_or_else(|| {
            let expected = format!("a whole number from 0 to below {}", self.embeddings.nrows());
            Error::value("token id", expected, x)
        })
    }
}

crate::describe::describe!(Embedding<A>, "embedding", { mask_zero; embeddings: array } => {
    Ok(Embedding::from_weights(embeddings)?.mask_zero(mask_zero))
});

impl<A: Element> core::fmt::Debug for Embedding<A> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::describe::debug::<A>(self, "Embedding", f)
    }
}

impl<A: Element> AnyLayer<A> for Embedding<A> {
    fn name(&self) -> &str {
        "embedding"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let ids: Vec<usize> = input
            .values
            .iter()
            .map(|&x| self.id(x))
            .collect::<Result<_>>()?;
        let shape = input.values.raw_dim();
        let ids = Array::from_shape_vec(shape, ids).map_err(|_| Error::Rank {
            array: "input",
            expected: "2 (samples, timesteps)",
            found: input.values.ndim(),
        })?;
        let mask = match ids.view().into_dimensionality::<Ix2>() {
            Ok(ids) => self.mask(&ids),
            Err(_) if !self.mask_zero => None,
            Err(_) => {
                let expected = "2 (samples, timesteps) of token ids, under mask_zero";
                return Err(Error::Rank {
                    array: "input",
                    expected,
                    found: ids.ndim(),
                });
            }
        };
        Ok(Tensor {
            values: Embedding::forward(self, &ids)?,
            mask,
        })
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let output_dim = Some(self.embeddings.ncols());
        let shape = |input: &Shape| match input.axes() {
            Some(axes) => [axes, &[output_dim]].concat().into(),
            None => Shape::unknown(),
        };
        inputs.iter().map(shape).collect()
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::EachTimestep
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        each_or_err(self, inputs, |of, inputs, output| {
            let ids = &inputs.first()?.numbers;
            let rows = output.numbers.chunks_exact_mut(of.embeddings.ncols());
            for (&x, to) in ids.iter().zip(rows) {
                let row = of.embeddings.row(of.id(x)?);
                ArrayViewMut1::from(to).assign(&row);
            }
            if of.mask_zero {
                let mask = output.mask_mut().iter_mut();
                mask.zip(ids).for_each(|(real, &x)| *real = x != A::zero());
            } else {
                output.set_mask(None);
            }
            Ok(())
        })
    }

    fn step_features(&self, _: usize) -> Option<Vec<usize>> {
        Some(vec![])
    }

    goes_back!();
    described!();
}
