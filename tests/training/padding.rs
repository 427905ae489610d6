//! Padding has no influence: NaN in masked timesteps changes no bit of a gradient. And orders of sums that agree.

#![allow(clippy::float_cmp)] // exact numbers are what is asked for

use crate::layer_differences::{mask, numbers};
use ndarray::{Array2, ArrayD};
use recurrent::train::{ModelGradient, Noise};
use recurrent::*;

fn vector(len: usize, seed: u64) -> ndarray::Array1<f64> {
    numbers(&[len], seed).into_dimensionality().unwrap()
}

fn matrix(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
    numbers(&[rows, columns], seed)
        .into_dimensionality()
        .unwrap()
}

/// (3, 6, 4), masked, with this number in masked timesteps.
fn padded(seed: u64, padding: f64) -> Tensor<f64> {
    let mut x = numbers(&[3, 6, 4], seed);
    for ((sample, t), _) in mask().indexed_iter().filter(|(_, real)| !**real) {
        x.slice_mut(ndarray::s![sample, t, ..]).fill(padding);
    }
    Tensor::new(&x).masked(&mask())
}

fn bits(gradient: &ModelGradient<f64>) -> Vec<(String, Vec<u64>)> {
    let all = |array: &ArrayD<f64>| array.iter().map(|x| (x + 0.0).to_bits()).collect();
    let weights = gradient.weights.iter();
    let weights = weights.map(|(path, array)| (path.to_string(), all(array)));
    let inputs = gradient.inputs.iter().flatten();
    let inputs = inputs.map(|array| ("input".to_string(), all(array)));
    weights.chain(inputs).collect()
}

/// Runs a model of this layer, a GRU and a dense layer twice, with NaN and with numbers in the padding.
fn check(what: &str, inputs: usize, layer: &dyn Fn() -> Box<dyn AnyLayer<f64>>) {
    let mut graph = Model::graph();
    let names: Vec<String> = (0..inputs).map(|n| format!("x{n}")).collect();
    let nodes: Vec<_> = names
        .iter()
        .map(|name| graph.input(name.as_str()))
        .collect();
    let id = graph.layer("layer", layer()).unwrap();
    let y = graph.call_all(id, &nodes).unwrap();
    let gru = graph.layer("gru", {
        let features = AnyLayer::<f64>::output_shapes(
            &*layer(),
            &vec![Shape::from([3, 6, 4].map(Some)); inputs],
        );
        let features = features[0].axes().unwrap()[2].unwrap();
        Layer::new(Gru::<f64>::builder(features, 3).seed(5).build().unwrap()).return_sequences(true)
    });
    let y = graph.call_all(gru.unwrap(), &y).unwrap();
    let pool = graph.layer("pool", GlobalPooling1d::average()).unwrap();
    let y = graph.call_all(pool, &y).unwrap();
    let dense = graph.layer(
        "dense",
        Dense::from_weights(matrix(3, 2, 6), vector(2, 7)).unwrap(),
    );
    let y = graph.call_all(dense.unwrap(), &y).unwrap();
    let model = graph.finish(&y).unwrap();
    for training in [true, false] {
        let gradient = |padding: f64| {
            let inputs: Vec<Tensor<f64>> = (0..inputs).map(|n| padded(n as u64, padding)).collect();
            let run = if training {
                model.record_with(inputs, Noise::seed(3)).unwrap()
            } else {
                model.record_inference(inputs).unwrap()
            };
            let d = numbers(&[3, 2], 9);
            let moved = run.moved();
            (bits(&run.backward(&[Some(d)]).unwrap()), moved)
        };
        let (plain, moved) = gradient(0.25);
        for padding in [f64::NAN, f64::INFINITY, -3.0] {
            let (other, other_moved) = gradient(padding);
            for ((place, want), (_, got)) in plain.iter().zip(&other) {
                assert!(
                    want == got,
                    "{what} (training: {training}): {place} with {padding}"
                );
            }
            assert_eq!(moved, other_moved, "{what}");
        }
        let finite = |bits: &u64| f64::from_bits(*bits).is_finite();
        assert!(
            plain.iter().all(|(_, array)| array.iter().all(finite)),
            "{what}"
        );
        assert!(
            plain
                .iter()
                .any(|(_, array)| array.iter().any(|bits| *bits != 0)),
            "{what}"
        );
    }
}

fn boxed(layer: impl AnyLayer<f64> + 'static) -> Box<dyn AnyLayer<f64>> {
    Box::new(layer)
}

#[test]
fn nan_in_padding_changes_no_bit() {
    let dense = |activation| {
        let dense = Dense::from_weights(matrix(4, 5, 1), vector(5, 2)).unwrap();
        dense.with_activation(activation).unwrap()
    };
    let kinds = [
        Activation::Linear,
        Activation::Relu,
        Activation::Gelu { approximate: false },
        Activation::Exponential,
        Activation::Softmax,
        Activation::LogSoftmax,
    ];
    for activation in kinds {
        check("dense", 1, &|| boxed(dense(activation)));
        check("time distributed", 1, &|| {
            boxed(TimeDistributed::new(dense(activation)))
        });
        check("activation", 1, &|| boxed(activation));
    }
    check("layer normalisation", 1, &|| {
        boxed(LayerNormalization::from_weights(vector(4, 1), vector(4, 2)).unwrap())
    });
    check("batch normalisation", 1, &|| {
        let variance = vector(4, 4).mapv(|x| x * x + 0.1);
        let norm =
            BatchNormalization::from_weights(vector(4, 1), vector(4, 2), vector(4, 3), variance);
        boxed(norm.unwrap())
    });
    check("dropout", 1, &|| boxed(Dropout::new(0.4).unwrap()));
    check("spatial dropout", 1, &|| {
        boxed(SpatialDropout1d::new(0.4).unwrap())
    });
    check("gaussian noise", 1, &|| {
        boxed(GaussianNoise::new(0.4).unwrap())
    });
    check("gaussian dropout", 1, &|| {
        boxed(GaussianDropout::new(0.4).unwrap())
    });
    check("identity", 1, &|| boxed(Identity::new()));
    check("lstm", 1, &|| {
        boxed(Layer::new(Lstm::builder(4, 3).seed(1).build().unwrap()).return_sequences(true))
    });
    let merges = [
        Merge::Add,
        Merge::Multiply,
        Merge::Average,
        Merge::Maximum,
        Merge::Minimum,
        Merge::Subtract,
    ];
    for merge in merges {
        check(AnyLayer::<f64>::name(&merge), 2, &|| boxed(merge));
    }
    check("concatenate", 2, &|| boxed(Concatenate::new(-1)));
    for causal in [false, true] {
        let attention = Attention::new().causal(causal);
        check("attention", 2, &|| boxed(attention));
        check("attention of three", 3, &|| boxed(attention.scale(0.5)));
        check("attention with concat", 3, &|| boxed(attention.concat(0.7)));
    }
}

/// `TimeDistributed` sums as the layer inside does over three axes.
#[test]
fn time_distributed_has_the_bits_of_the_layer_inside() {
    let dense = || {
        let dense = Dense::from_weights(matrix(4, 3, 1), vector(3, 2)).unwrap();
        dense.with_activation(Activation::Tanh).unwrap()
    };
    let gradient = |model: Model<f64>| {
        let x = Tensor::new(&numbers(&[5, 7, 4], 4));
        let run = model.record([x]).unwrap();
        let d = numbers(&[5, 7, 3], 5);
        (
            run.outputs().to_vec(),
            bits(&run.backward(&[Some(d)]).unwrap()),
        )
    };
    let plain = gradient(Model::new().add_as("layer", dense()));
    let inside = gradient(Model::new().add_as("layer", TimeDistributed::new(dense())));
    assert_eq!(plain, inside);
}

#[test]
fn a_batch_normalisation_inside_of_time_distributed_is_refused() {
    let norm =
        BatchNormalization::from_weights(None, None, vector(4, 3), vector(4, 4).mapv(f64::abs));
    let model = Model::new().add(TimeDistributed::new(norm.unwrap()));
    let x = Tensor::new(&numbers(&[5, 7, 4], 4));
    let error = model.record([x.clone()]).err().unwrap().to_string();
    assert!(error.contains("statistics of each timestep"), "{error}");
    model.record_inference([x]).unwrap();
}

/// What a loss of a training would lack is no layer that does nothing.
#[test]
fn an_activity_regulariser_has_no_backward() {
    assert!(AnyLayer::<f64>::has_backward(&Identity::new()));
    assert!(!AnyLayer::<f64>::has_backward(&Identity::of(
        "activity_regularization"
    )));
}
