//! The family `dropout`: gradients under masks that Keras and PyTorch drew; and what the masks of this crate are.

#![allow(clippy::float_cmp)] // exact numbers are what is asked for

use crate::common::compare::Precision;
use crate::common::fields::Fields;
use crate::common::report::check_all;
use crate::gradients::check_layer;
use crate::pipelines::check_pipeline;
use crate::torch::check_torch;
use ndarray::{Array2, Array3, ArrayD, Axis};
use recurrent::train::Noise;
use recurrent::{
    AlphaDropout, AnyLayer, Dense, Dropout, GaussianDropout, GaussianNoise, Model,
    SpatialDropout1d, Tensor,
};
use std::sync::Arc;

fn check_family<A: Precision>() {
    check_all("dropout", A::NAME, |family, case: &Fields| {
        match case.text("kind")? {
            "pipeline" => check_pipeline::<A>(family, case),
            "gradient" => check_layer::<A>(family, case),
            "torch_gradient" => check_torch::<A>(family, case),
            other => Err(format!("unknown kind {other:?}").into()),
        }
    });
}

#[test]
fn dropout_f64() {
    check_family::<f64>();
}

#[test]
fn dropout_f32() {
    check_family::<f32>();
}

/// The mask of a model of one layer, for an input of ones.
fn mask(layer: impl AnyLayer<f64> + 'static, shape: &[usize], noise: Noise) -> ArrayD<f64> {
    let model = Model::<f64>::new().add_as("noise", Box::new(layer) as Box<dyn AnyLayer<f64>>);
    let x = ArrayD::<f64>::ones(shape);
    let run = model.record_with([Tensor::new(&x)], noise).unwrap();
    let masks = run.masks();
    assert_eq!((masks.len(), masks[0].0.as_str()), (1, "noise"));
    masks[0].1.clone()
}

fn share(mask: &ArrayD<f64>, number: f64) -> f64 {
    mask.iter().filter(|&&x| x == number).count() as f64 / mask.len() as f64
}

#[test]
fn a_mask_has_its_rate_and_its_scale() {
    for rate in [0.1, 0.5, 0.8] {
        let mask = mask(Dropout::new(rate).unwrap(), &[100, 20, 10], Noise::seed(3));
        assert!((share(&mask, 0.0) - rate).abs() < 0.01);
        assert!((share(&mask, 1.0 / (1.0 - rate)) - (1.0 - rate)).abs() < 0.01);
        assert!((share(&mask, 0.0) + share(&mask, 1.0 / (1.0 - rate)) - 1.0).abs() < 1e-12);
        // No sample, timestep or feature has more than its part.
        for axis in 0..3 {
            for lane in mask.axis_iter(Axis(axis)) {
                let dropped = lane.iter().filter(|x| **x == 0.0).count() as f64;
                let spread = (rate * (1.0 - rate) / lane.len() as f64).sqrt();
                assert!((dropped / lane.len() as f64 - rate).abs() < 5.0 * spread);
            }
        }
    }
    let all = mask(Dropout::new(1.0).unwrap(), &[5, 4], Noise::seed(3));
    assert!(all.iter().all(|x| *x == 0.0));
}

#[test]
fn a_mask_is_a_function_of_seed_step_path_sample_and_position() {
    let of = |noise| mask(Dropout::new(0.5).unwrap(), &[6, 5, 8], noise);
    let first = of(Noise::seed(1).step(4));
    assert_eq!(first, of(Noise::seed(1).step(4)));
    assert_ne!(first, of(Noise::seed(2).step(4)));
    assert_ne!(first, of(Noise::seed(1).step(5)));
    assert_ne!(of(Noise::seed(0).step(1)), of(Noise::seed(1).step(0)));
    // A sample has its mask in any batch.
    let fewer = mask(
        Dropout::new(0.5).unwrap(),
        &[3, 5, 8],
        Noise::seed(1).step(4),
    );
    assert_eq!(fewer.index_axis(Axis(0), 2), first.index_axis(Axis(0), 2));
    assert_ne!(first.index_axis(Axis(0), 1), first.index_axis(Axis(0), 2));
    // Two layers, and two calls of one layer, draw for themselves.
    let shared: Arc<dyn AnyLayer<f64>> = Arc::new(Dropout::new(0.5).unwrap());
    let model = Model::<f64>::new()
        .add_as("a", Dropout::new(0.5).unwrap())
        .add_as("b", Arc::clone(&shared))
        .add_as("b", shared);
    let x = Array2::<f64>::ones((4, 30));
    let run = model
        .record_with([Tensor::new(&x)], Noise::seed(1))
        .unwrap();
    let masks = run.masks();
    let paths: Vec<&str> = masks.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["a", "b", "b#1"]);
    assert!(masks[0].1 != masks[1].1 && masks[1].1 != masks[2].1);
    let again = model
        .record_with([Tensor::new(&x)], Noise::seed(9).given(&masks))
        .unwrap();
    assert_eq!(again.outputs(), run.outputs());
    let wrong = vec![("a".to_string(), ArrayD::ones(vec![4, 29]))];
    let wrong = Noise::seed(9).given(&wrong);
    let error = model.record_with([Tensor::new(&x)], wrong).err().unwrap();
    assert!(error.to_string().contains("given mask"), "{error}");
}

#[test]
fn a_noise_shape_drops_together() {
    let spatial = SpatialDropout1d::new(0.5).unwrap();
    let shaped = Dropout::new(0.5)
        .unwrap()
        .noise_shape(&[None, Some(1), None]);
    let noise = Noise::seed(7);
    let mask_1 = mask(spatial, &[4, 9, 6], noise);
    assert_eq!(mask_1.shape(), [4, 1, 6]);
    assert_eq!(mask_1, mask(shaped, &[4, 9, 6], noise));
    let model = Model::<f64>::new().add(spatial);
    let x = Array3::<f64>::ones((4, 9, 6));
    let run = model.record_with([Tensor::new(&x)], noise).unwrap();
    for step in run.outputs()[0].values.axis_iter(Axis(1)) {
        assert_eq!(step, run.outputs()[0].values.index_axis(Axis(1), 0));
    }
    // Samples may share it, too.
    let all = Dropout::new(0.5).unwrap().noise_shape(&[Some(1), None]);
    assert_eq!(mask(all, &[4, 9], noise).shape(), [1, 9]);
    for shape in [&[Some(2), None][..], &[None], &[None, None, None]] {
        let model = Model::<f64>::new().add(Dropout::new(0.5).unwrap().noise_shape(shape));
        let x = Array2::<f64>::ones((4, 9));
        let error = model.record([Tensor::new(&x)]).err().unwrap().to_string();
        assert!(error.contains("noise_shape"), "{error}");
    }
}

#[test]
fn noise_has_its_moments() {
    let moments = |mask: &ArrayD<f64>| {
        let mean = mask.mean().unwrap();
        (mean, mask.mapv(|x| (x - mean) * (x - mean)).mean().unwrap())
    };
    let shape = [50, 20, 20];
    let (mean, variance) = moments(&mask(
        GaussianNoise::new(0.3).unwrap(),
        &shape,
        Noise::seed(1),
    ));
    assert!(
        mean.abs() < 0.01 && (variance - 0.09).abs() < 0.003,
        "{mean} {variance}"
    );
    let (mean, variance) = moments(&mask(
        GaussianDropout::new(0.2).unwrap(),
        &shape,
        Noise::seed(1),
    ));
    assert!(
        (mean - 1.0).abs() < 0.01 && (variance - 0.25).abs() < 0.01,
        "{mean} {variance}"
    );
    // What is normal stays so in its first two moments.
    let x = mask(GaussianNoise::new(1.0).unwrap(), &shape, Noise::seed(2));
    let model = Model::<f64>::new().add(AlphaDropout::new(0.3).unwrap());
    let run = model
        .record_with([Tensor::new(&x)], Noise::seed(5))
        .unwrap();
    let (mean, variance) = moments(&run.outputs()[0].values);
    assert!(
        mean.abs() < 0.03 && (variance - 1.0).abs() < 0.03,
        "{mean} {variance}"
    );
}

#[test]
fn a_dropped_number_is_not_read() {
    let mut x = Array2::<f64>::ones((1, 4));
    x[[0, 2]] = f64::NAN;
    let masks = vec![(
        "dropout".to_string(),
        ndarray::array![[2.0, 2.0, 0.0, 2.0]].into_dyn(),
    )];
    let model = Model::<f64>::new()
        .add(Dropout::new(0.5).unwrap())
        .add(Dense::from_weights(Array2::ones((4, 1)), None).unwrap());
    let run = model
        .record_with([Tensor::new(&x)], Noise::seed(0).given(&masks))
        .unwrap();
    assert_eq!(run.outputs()[0].values, ndarray::array![[6.0]].into_dyn());
    let gradient = run
        .backward(&[Some(ndarray::array![[1.0]].into_dyn())])
        .unwrap();
    let dx = gradient.inputs[0].as_ref().unwrap();
    assert_eq!(dx, &ndarray::array![[2.0, 2.0, 0.0, 2.0]].into_dyn());
}

#[test]
fn outside_of_a_training_nothing_is_dropped() {
    let x = Array2::<f64>::from_elem((3, 4), 0.5);
    let layers: [Box<dyn AnyLayer<f64>>; 4] = [
        Box::new(Dropout::new(0.5).unwrap()),
        Box::new(GaussianNoise::new(0.5).unwrap()),
        Box::new(GaussianDropout::new(0.5).unwrap()),
        Box::new(AlphaDropout::new(0.5).unwrap()),
    ];
    for layer in layers {
        let model = Model::<f64>::new().add(layer);
        assert_eq!(model.forward(&x).unwrap(), x.clone().into_dyn());
        let run = model.record_inference([Tensor::new(&x)]).unwrap();
        assert_eq!(run.outputs()[0].values, x.clone().into_dyn());
        assert!(run.masks().is_empty());
        assert_ne!(
            model.record([Tensor::new(&x)]).unwrap().outputs()[0].values,
            x.clone().into_dyn()
        );
    }
    for bad in [-0.1, 1.1, f64::NAN] {
        assert!(Dropout::new(bad).is_err() && SpatialDropout1d::new(bad).is_err());
        assert!(AlphaDropout::new(bad).is_err() && GaussianDropout::new(bad).is_err());
    }
    assert!(AlphaDropout::new(1.0).is_err() && GaussianDropout::new(1.0).is_err());
    assert!(GaussianNoise::new(-1.0).is_err() && GaussianNoise::new(f64::INFINITY).is_err());
}
