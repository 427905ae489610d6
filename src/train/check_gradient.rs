//! `check_gradient`: gradients against central differences.

use crate::error::{Error, Result};
use crate::{Model, Tensor};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::ArrayD;

/// What [`check_gradient`] found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradientCheck {
    /// The largest distance between a gradient `g` and its central difference, divided by max(1, |g|).
    pub worst: f64,
    /// The weight or input where that is, with the index of the number.
    pub at: String,
    /// How many numbers were compared.
    pub count: usize,
}

/// Compares the gradients of a model with central differences, number by number: for the backward pass of a layer of your
/// own.
///
/// The loss is a weighted sum of all outputs, with weights that differ. Each weight and each number of the inputs is moved up
/// and down by 1e-5, and the difference of the losses is compared with the gradient. In `f64`, a right gradient is off by
/// less than 1e-7, except beside a kink, such as 0 in a `relu`. `token_inputs` lists the inputs that hold token ids, which
/// are not moved. Masked timesteps are moved as well; their gradient is 0.
///
/// This takes two runs of the model for each number: choose a small one. Returns an error if a run fails, or if a layer has
/// no backward pass.
///
/// ```
/// use ndarray::Array3;
/// use recurrent::train::check_gradient;
/// use recurrent::{Gru, Layer, Model, Tensor};
/// let mut model = Model::<f64>::new().add(Layer::new(Gru::builder(2, 3).build()?));
/// let x = Array3::from_shape_fn((2, 5, 2), |(i, t, k)| (i + 2 * t + 3 * k) as f64 / 10.0 - 0.7);
/// let found = check_gradient(&mut model, &[Tensor::new(&x)], &[])?;
/// assert!(found.worst < 1e-7, "{found:?}");
/// # Ok::<(), recurrent::Error>(())
/// ```
pub fn check_gradient(
    model: &mut Model<f64>,
    inputs: &[Tensor<f64>],
    token_inputs: &[usize],
) -> Result<GradientCheck> {
    const STEP: f64 = 1e-5;
    let run = model.record(inputs.iter().cloned())?;
    let factors: Vec<ArrayD<f64>> = run.outputs().iter().enumerate().map(factor).collect();
    let upstream: Vec<_> = factors.iter().cloned().map(Some).collect();
    let gradient = run.backward(&upstream)?;

    let mut found = GradientCheck {
        worst: 0.0,
        at: String::new(),
        count: 0,
    };
    let mut compare = |at: String, gradient: f64, up: f64, down: f64| {
        let difference = (up - down) / (2.0 * STEP);
        let off = (gradient - difference).abs() / gradient.abs().max(1.0);
        found.count += 1;
        if off > found.worst || off.is_nan() {
            (found.worst, found.at) = (off, at);
        }
    };
    for (at, input) in inputs.iter().enumerate() {
        if token_inputs.contains(&at) {
            continue;
        }
        let zeros = ArrayD::zeros(input.values.raw_dim());
        let gradient = gradient.inputs[at].as_ref().unwrap_or(&zeros);
        for (place, &gradient) in gradient.iter().enumerate() {
            let [up, down] = [STEP, -STEP].map(|step| {
                let mut moved = inputs.to_vec();
                let number = moved[at].values.iter_mut().nth(place);
                number.into_iter().for_each(|x| *x += step);
                loss(model, &moved, &factors)
            });
            compare(format!("input {at}, number {place}"), gradient, up?, down?);
        }
    }
    for (path, gradient) in gradient.weights.iter() {
        let whole = model.get(path)?;
        for (place, &gradient) in gradient.iter().enumerate() {
            let [up, down] = [STEP, -STEP].map(|step| {
                let mut moved = whole.clone();
                let number = moved.iter_mut().nth(place);
                number.into_iter().for_each(|x| *x += step);
                model.set(path, &moved)?;
                loss(model, inputs, &factors)
            });
            model.set(path, &whole)?;
            compare(format!("{path}, number {place}"), gradient, up?, down?);
        }
    }
    Ok(found)
}

/// The weights of an output in the loss: numbers between -1 and 1, of which no two neighbours are alike.
fn factor((at, output): (usize, &Tensor<f64>)) -> ArrayD<f64> {
    let mut place = at as f64;
    ArrayD::from_shape_simple_fn(output.values.raw_dim(), || {
        place += 1.0;
        // The fractional parts of the multiples of the golden ratio are spread evenly.
        let spread = place * 0.618_033_988_749_894_9;
        2.0 * (spread - num_traits::Float::floor(spread)) - 1.0
    })
}

fn loss(model: &Model<f64>, inputs: &[Tensor<f64>], factors: &[ArrayD<f64>]) -> Result<f64> {
    let run = model.record(inputs.iter().cloned())?;
    let mut sum = 0.0;
    for (output, factor) in run.outputs().iter().zip(factors) {
        if output.values.shape() != factor.shape() {
            return Err(Error::value(
                "outputs",
                "of the same shape in every run",
                "of another",
            ));
        }
        let pairs = output.values.iter().zip(factor);
        sum = pairs.fold(sum, |sum, (&y, &factor)| {
            num_traits::Float::mul_add(y, factor, sum)
        });
    }
    Ok(sum)
}
