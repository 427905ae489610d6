//! `check`: whether a model takes inputs of certain shapes, before the first of them comes.

use super::{Model, Tensor, only};
use crate::Element;
use crate::error::{Result, check_size};
use alloc::vec::Vec;
use ndarray::ArrayD;

impl<A: Element> Model<A> {
    /// Checks that the model takes an input of this shape, samples first, and returns the shape of its output. The error
    /// is that of [`forward`](Self::forward) for such an input, but where it names the samples, they are 0.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use recurrent::{Dense, Layer, Lstm, Model};
    /// let model = Model::new()
    ///     .add(Layer::new(Lstm::<f32>::builder(2, 4).build()?))
    ///     .add(Dense::from_weights(Array2::eye(4), None)?);
    /// assert_eq!(model.check(&[32, 100, 2])?, [32, 4]); // samples, timesteps, features
    /// assert_eq!(
    ///     model.check(&[32, 100, 3]).unwrap_err().to_string(),
    ///     "layer 0 (lstm): input has 3 features, expected 2"
    /// );
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    ///
    /// It costs next to nothing, however long the input: every layer is called with an array of this shape, but of zero
    /// samples, so that there are no numbers to compute. A layer of your own is called in the same way, whether or not it
    /// has [`output_shapes`](crate::AnyLayer::output_shapes), and has to take such an array. What depends on the numbers,
    /// such as a token id that is too large, is not checked. Neither is the memory that layers need inside.
    pub fn check(&self, shape: &[usize]) -> Result<Vec<usize>> {
        self.check_one_output()?;
        only(self.check_all([shape])?)
    }

    /// [`check`](Self::check) for a model with several inputs or outputs: the shapes of all inputs, in the order of
    /// [`inputs`](Self::inputs), give the shapes of all outputs.
    ///
    /// `model.check_all([[8, 10, 3], [8, 20, 5]])?` checks two inputs of 8 samples.
    pub fn check_all<S: AsRef<[usize]>>(
        &self,
        shapes: impl IntoIterator<Item = S>,
    ) -> Result<Vec<Vec<usize>>> {
        let shapes: Vec<Vec<usize>> = shapes.into_iter().map(|s| s.as_ref().to_vec()).collect();
        // A sample may be a number: then there is no other axis. They stay, as far as they take little memory.
        let stay = |shape: &Vec<usize>| shape.len() == 1 && shape[0] <= 1 << 20;
        let stay = shapes.iter().all(stay);
        let (mut inputs, mut counts, mut samples) = (Vec::new(), Vec::new(), None);
        for mut shape in shapes {
            check_size("input", &shape)?;
            // Of the samples alone, without any number.
            let of_samples: Vec<usize> = shape.first().copied().into_iter().chain([0]).collect();
            counts.push(Tensor::bare(ArrayD::zeros(of_samples)));
            if let Some(first) = shape.first_mut().filter(|_| !stay) {
                samples.get_or_insert(*first);
                *first = 0;
            }
            inputs.push(Tensor::bare(ArrayD::zeros(shape)));
        }
        self.check_inputs(&counts, None)?;
        let outputs = self.forward_all(inputs)?;
        let shape_of = |output: Tensor<A>| {
            let mut shape = output.values.shape().to_vec();
            if let (Some(first @ 0), Some(samples)) = (shape.first_mut(), samples) {
                *first = samples;
            }
            check_size("output", &shape)?;
            Ok(shape)
        };
        outputs.into_iter().map(shape_of).collect()
    }
}
