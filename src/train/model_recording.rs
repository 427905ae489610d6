//! `ModelRecording`: a run of a model whose gradients can be computed.

use crate::backward::Noise;
use crate::error::{Error, Result, check_shape};
use crate::gradients::Gradients;
use crate::model::{ModelTape, Phase};
use crate::{Element, Model, Tensor};
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::ArrayD;

/// A run of a model that keeps what its gradients need: the result of [`Model::record`].
pub struct ModelRecording<'a, A: Element> {
    model: &'a Model<A>,
    phase: Phase<'a>,
    tape: ModelTape<A>,
    outputs: Vec<Tensor<A>>,
}

/// The gradients of a loss with respect to what went into a run of a model.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ModelGradient<A> {
    /// With respect to the weights, by their paths.
    pub weights: Gradients<A>,
    /// With respect to each input; `None` if the outputs do not depend on it, or if it consists of token ids.
    pub inputs: Vec<Option<ArrayD<A>>>,
}

impl<A: Element> Model<A> {
    /// Runs the model as a training does, and keeps what its gradients need. Dropout drops, and a batch normalisation uses
    /// the statistics of the batch: Keras' `training=True`.
    ///
    /// ```
    /// use ndarray::{Array2, Array3};
    /// use recurrent::{Dense, Layer, Lstm, Model, Tensor};
    /// let model = Model::<f64>::new()
    ///     .add(Layer::new(Lstm::builder(2, 3).build()?))
    ///     .add(Dense::from_weights(Array2::ones((3, 1)), None)?);
    /// let x = Array3::ones((4, 5, 2));
    /// let run = model.record([Tensor::new(&x)])?;
    /// let d = &run.outputs()[0].values - 1.0; // the gradient of the loss Σ (y - 1)² / 2
    /// let gradient = run.backward(&[Some(d)])?;
    /// assert_eq!(gradient.weights.get("lstm/kernel").unwrap().shape(), [2, 12]);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    /// Returns an error, which names the layer, if an input does not fit or a layer has no backward pass.
    pub fn record(
        &self,
        inputs: impl IntoIterator<Item = Tensor<A>>,
    ) -> Result<ModelRecording<'_, A>> {
        self.record_in(inputs, Phase::new(true, &[]))
    }

    /// Runs the model as a training does, with random numbers from this source. [`record`](Self::record) takes those of
    /// seed 0 and step 0.
    pub fn record_with<'a>(
        &'a self,
        inputs: impl IntoIterator<Item = Tensor<A>>,
        noise: Noise<'a>,
    ) -> Result<ModelRecording<'a, A>> {
        let run = self.record_in(inputs, Phase::new(true, &[]).with_noise(noise))?;
        if noise.gives() {
            noise.check_taken(&run.masks())?;
        }
        Ok(run)
    }

    /// Runs the model as in inference, and keeps what its gradients need: Keras' `training=False`.
    pub fn record_inference(
        &self,
        inputs: impl IntoIterator<Item = Tensor<A>>,
    ) -> Result<ModelRecording<'_, A>> {
        self.record_in(inputs, Phase::new(false, &[]))
    }

    fn record_in<'a>(
        &'a self,
        inputs: impl IntoIterator<Item = Tensor<A>>,
        phase: Phase<'a>,
    ) -> Result<ModelRecording<'a, A>> {
        let inputs: Vec<Tensor<A>> = inputs.into_iter().collect();
        let mut tape = ModelTape::default();
        let (outputs, _) = self.record_from(&inputs, &phase, None, &mut tape)?;
        Ok(ModelRecording {
            model: self,
            phase,
            tape,
            outputs,
        })
    }
}

impl<A: Element> ModelRecording<'_, A> {
    /// The outputs of the run.
    pub fn outputs(&self) -> &[Tensor<A>] {
        &self.outputs
    }

    /// Computes the gradients with respect to the weights and the inputs, from those with respect to each output; `None` is
    /// zero. Returns an error if the shape of a gradient differs from that of its output.
    pub fn backward(&self, upstream: &[Option<ArrayD<A>>]) -> Result<ModelGradient<A>> {
        if upstream.len() != self.outputs.len() {
            let expected = self.outputs.len();
            let found = upstream.len();
            return Err(Error::value("number of gradients", expected, found));
        }
        for (output, d) in self.outputs.iter().zip(upstream) {
            if let Some(d) = d {
                check_shape("gradient of an output", output.values.shape(), d.shape())?;
            }
        }
        let mut weights = Gradients::zeros_like(self.model);
        let inputs = self
            .model
            .back_over(&self.tape, &self.phase, upstream, &[], weights.all())?;
        Ok(ModelGradient { weights, inputs })
    }

    /// The arrays that the run moves without a gradient, with their new numbers: the moving averages of batch
    /// normalisations. [`Model::set`] stores them.
    pub fn moved(&self) -> Vec<(String, ArrayD<A>)> {
        self.model.moved_arrays(&self.tape, &self.phase)
    }

    /// The masks that dropout drew, and the other random numbers of the run, by the paths of their layers. A number of a
    /// mask is what the input is multiplied with: 0 or 1 / (1 - rate). [`Noise::given`] takes them.
    pub fn masks(&self) -> Vec<(String, ArrayD<f64>)> {
        let mut masks = Vec::new();
        let mut each = |path: &str, array| masks.push((path.into(), array));
        self.model.drawn_by(&self.tape, &self.phase, &mut each);
        masks
    }
}
