use super::*;
use crate::gradients::Gradients;
use crate::model::ModelTape;
use crate::{Model, Result};
use alloc::string::String;
use ndarray::array;

/// The output, the gradient of gamma and the number of arrays that move, with these paths frozen.
fn run(frozen: &[&str]) -> Result<(ArrayD<f64>, ArrayD<f64>, usize)> {
    let norm = BatchNormalization::from_weights(
        array![1.5, -0.5],
        array![0.25, 1.0],
        array![0.5, -0.5],
        array![2.0, 3.0],
    )?;
    let model = Model::new().add_as("norm", norm);
    let frozen: Vec<String> = frozen.iter().map(|&path| path.into()).collect();
    let phase = Phase::new(true, &frozen);
    let x = Tensor::new(&array![[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]]);
    let mut tape = ModelTape::default();
    let (outputs, _) = model.record_from(&[x], &phase, None, &mut tape)?;
    let mut gradients = Gradients::zeros_like(&model);
    let d = array![[1.0, 0.5], [-0.5, 1.0], [2.0, 0.25]].into_dyn();
    model.back_over(&tape, &phase, &[Some(d)], &[], gradients.all())?;
    let mut moved = 0;
    model.moved_by(&tape, &phase, &mut |_, _| moved += 1);
    let gamma = gradients.get("norm/gamma").cloned().unwrap_or_default();
    Ok((outputs[0].values.clone(), gamma, moved))
}

#[test]
fn a_frozen_layer_runs_as_in_inference_and_frozen_gamma_does_not() -> Result<()> {
    let trained = run(&[])?;
    assert_eq!(trained.2, 2);
    assert_eq!(run(&["norm/gamma"])?, trained);
    let inference = |x: f64, gamma: f64, beta: f64, mean: f64, variance: f64| {
        gamma * (x - mean) / libm::sqrt(variance + 1e-3) + beta
    };
    for frozen in [&["norm"][..], &["norm/gamma", "norm/beta"]] {
        let (y, _, moved) = run(frozen)?;
        assert_eq!(moved, 0);
        assert!((y[[0, 0]] - inference(1.0, 1.5, 0.25, 0.5, 2.0)).abs() < 1e-12);
        assert!((y[[1, 1]] - inference(-1.0, -0.5, 1.0, -0.5, 3.0)).abs() < 1e-12);
    }
    Ok(())
}
