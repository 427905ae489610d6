//! Gradients of layers against central differences, in f64.
//!
//! For every number of every weight and input, the loss Σ factor · output is computed at two points at a distance of 1e-5.
//! Inputs of functions with kinks are at least 1e-3 away from them.

#![allow(clippy::float_cmp)] // exact zeros are what is asked for

use ndarray::{Array1, Array2, Array3, ArrayD, IxDyn};
use recurrent::train::Noise;
use recurrent::*;

/// Numbers in [-1, 1), different for each seed.
pub fn numbers(shape: &[usize], seed: u64) -> ArrayD<f64> {
    let range = Initializer::RandomUniform {
        min: -1.0,
        max: 1.0,
    };
    let len = shape.iter().product();
    let vector: Array1<f64> = range.vector(len, seed).unwrap();
    vector.into_shape_with_order(IxDyn(shape)).unwrap()
}

/// Numbers that differ from each other by at least 0.02, in no order, and none of which is near 0.
pub fn apart(shape: &[usize], seed: u64) -> ArrayD<f64> {
    let random = numbers(shape, seed);
    let mut order: Vec<usize> = (0..random.len()).collect();
    let random = random.into_flat();
    order.sort_by(|&a, &b| random[a].total_cmp(&random[b]));
    let half = random.len() as f64 / 2.0;
    let number = |rank: f64| 0.03 * (rank - half + 0.5) + 0.013;
    let mut x = Array1::zeros(random.len());
    for (rank, &at) in order.iter().enumerate() {
        x[at] = number(rank as f64);
    }
    x.into_shape_with_order(IxDyn(shape)).unwrap()
}

pub fn matrix(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
    numbers(&[rows, columns], seed)
        .into_dimensionality()
        .unwrap()
}

pub fn vector(len: usize, seed: u64) -> Array1<f64> {
    numbers(&[len], seed).into_dimensionality().unwrap()
}

/// A mask of 3 samples and 6 timesteps, with gaps, a real first timestep and padding.
pub fn mask() -> Array2<bool> {
    ndarray::array![
        [true, true, true, true, false, false],
        [true, false, true, true, true, true],
        [true, true, false, true, true, false]
    ]
}

const SHAPE: [usize; 3] = [3, 6, 4];

fn x(seed: u64) -> Tensor<f64> {
    Tensor::new(&numbers(&SHAPE, seed))
}

/// How a model is run.
#[derive(Clone, Copy)]
struct How<'a> {
    training: bool,
    noise: Noise<'a>,
}

const TRAINING: bool = true;

impl How<'_> {
    fn loss(self, model: &Model<f64>, inputs: &[Tensor<f64>], factors: &[ArrayD<f64>]) -> f64 {
        let run = self.record(model, inputs);
        let outputs = run.outputs().iter().zip(factors);
        outputs.map(|(y, factor)| (&y.values * factor).sum()).sum()
    }

    fn record<'m>(
        self,
        model: &'m Model<f64>,
        inputs: &[Tensor<f64>],
    ) -> recurrent::train::ModelRecording<'m, f64>
    where
        Self: 'm,
    {
        if self.training {
            model.record_with(inputs.to_vec(), self.noise).unwrap()
        } else {
            model.record_inference(inputs.to_vec()).unwrap()
        }
    }
}

/// Checks every gradient of a model but that of this input.
pub fn check_but(what: &str, model: &mut Model<f64>, inputs: &[Tensor<f64>], but: usize) {
    let noise = Noise::seed(11).step(2);
    for training in [TRAINING, false] {
        check_in(what, model, inputs, How { training, noise }, Some(but));
    }
}

/// Checks every gradient of a model.
pub fn check(what: &str, model: &mut Model<f64>, inputs: &[Tensor<f64>]) {
    let noise = Noise::seed(11).step(2);
    for training in [TRAINING, false] {
        check_in(what, model, inputs, How { training, noise }, None);
    }
}

fn check_in(
    what: &str,
    model: &mut Model<f64>,
    inputs: &[Tensor<f64>],
    how: How<'static>,
    but: Option<usize>,
) {
    const H: f64 = 1e-5;
    let (gradient, factors, outputs) = {
        let run = how.record(model, inputs);
        let outputs: Vec<Tensor<f64>> = run.outputs().to_vec();
        let factors: Vec<ArrayD<f64>> = outputs
            .iter()
            .zip(90..)
            .map(|(y, seed)| numbers(y.values.shape(), seed))
            .collect();
        let upstream: Vec<_> = factors.iter().cloned().map(Some).collect();
        (run.backward(&upstream).unwrap(), factors, outputs)
    };
    if !how.training {
        let same = model.forward_all(inputs.to_vec()).unwrap();
        assert_eq!(outputs, same, "{what}: the recorded run has other bits");
    }
    let agree = |place: &str, at: usize, got: f64, [before, after]: [f64; 2]| {
        let want = (after - before) / (2.0 * H);
        let allowed = 1e-7 * want.abs().max(1.0);
        assert!(
            (got - want).abs() <= allowed,
            "{what} (training: {}): gradient of {place}[{at}] is {got}, expected {want}",
            how.training
        );
    };
    let mut any = false;
    for (path, d) in gradient.weights.iter() {
        let weight: ArrayD<f64> = model.get(path).unwrap();
        assert_eq!(weight.shape(), d.shape(), "{what}: {path}");
        for (at, &d) in d.iter().enumerate() {
            let losses = [-H, H].map(|h| {
                let mut moved = weight.clone();
                *moved.iter_mut().nth(at).unwrap() += h;
                model.set(path, &moved).unwrap();
                how.loss(model, inputs, &factors)
            });
            agree(path, at, d, losses);
            any |= d != 0.0;
        }
        model.set(path, &weight).unwrap();
    }
    for (n, d) in gradient.inputs.iter().enumerate() {
        if but == Some(n) {
            continue;
        }
        let zeros = ArrayD::zeros(inputs[n].values.shape());
        let d = d.as_ref().unwrap_or(&zeros);
        assert_eq!(d.shape(), inputs[n].values.shape(), "{what}: input {n}");
        for (at, &d) in d.iter().enumerate() {
            let losses = [-H, H].map(|h| {
                let mut moved = inputs.to_vec();
                *moved[n].values.iter_mut().nth(at).unwrap() += h;
                how.loss(model, &moved, &factors)
            });
            agree(&format!("input {n}"), at, d, losses);
            any |= d != 0.0;
        }
    }
    assert!(any, "{what}: all gradients are 0");
}

/// Checks one layer of one input, without a mask and with one, and with a recurrent layer before it, so that the gradient
/// of its input is one of weights, too.
pub fn check_layer<By>(what: &str, layer: impl Fn() -> By, inputs: &[Tensor<f64>])
where
    By: AnyLayer<f64> + 'static,
{
    let add =
        |model: Model<f64>| model.add_as("layer", Box::new(layer()) as Box<dyn AnyLayer<f64>>);
    for input in inputs {
        check(what, &mut add(Model::new()), std::slice::from_ref(input));
    }
}

fn with_and_without_mask(tensor: Tensor<f64>) -> [Tensor<f64>; 2] {
    let masked = tensor.clone().masked(&mask());
    [tensor, masked]
}

/// A layer of several inputs.
pub fn check_several(what: &str, layer: impl AnyLayer<f64> + 'static, inputs: &[Tensor<f64>]) {
    let mut graph = Model::graph();
    let names: Vec<String> = (0..inputs.len()).map(|n| format!("x{n}")).collect();
    let nodes: Vec<_> = names
        .iter()
        .map(|name| graph.input(name.as_str()))
        .collect();
    let boxed: Box<dyn AnyLayer<f64>> = Box::new(layer);
    let id = graph.layer("layer", boxed).unwrap();
    let outputs = graph.call_all(id, &nodes).unwrap();
    check(what, &mut graph.finish(&outputs).unwrap(), inputs);
}

#[test]
fn normalisations() {
    let both = with_and_without_mask(x(1));
    for (gamma, beta) in [(true, true), (true, false), (false, true), (false, false)] {
        let array = |yes: bool, len, seed| yes.then(|| vector(len, seed));
        check_layer(
            "layer normalisation",
            || LayerNormalization::from_weights(array(gamma, 4, 2), array(beta, 4, 3)).unwrap(),
            &both,
        );
        let over = |axes: &[isize], shape: &[usize]| {
            let array = |yes: bool, seed| yes.then(|| numbers(shape, seed));
            LayerNormalization::over(axes, array(gamma, 2), array(beta, 3)).unwrap()
        };
        check_layer("over 1, 2", || over(&[1, 2], &[6, 4]), &both);
        check_layer("over 1", || over(&[1], &[6]).epsilon(0.1), &both);
        let norm = |axis, len| {
            let variance = vector(len, 5).mapv(|x| x.abs() + 0.5);
            let norm = BatchNormalization::from_weights(
                array(gamma, len, 2),
                array(beta, len, 3),
                vector(len, 4),
                variance,
            );
            norm.unwrap().axis(axis)
        };
        check_layer("batch normalisation", || norm(-1, 4), &both);
        check_layer("batch normalisation of axis 1", || norm(1, 6), &both);
        let flat = [Tensor::new(&numbers(&[5, 4], 7))];
        check_layer("batch normalisation, flat", || norm(-1, 4), &flat);
    }
}

#[test]
fn other_normalisations() {
    let both = with_and_without_mask(x(1));
    for (axes, shape) in [(&[-1][..], &[4][..]), (&[1], &[6]), (&[1, 2], &[6, 4])] {
        check_layer(
            "rms normalisation",
            || RmsNormalization::over(axes, numbers(shape, 2)).unwrap(),
            &both,
        );
        check_layer(
            "unit normalisation",
            || UnitNormalization::over(axes).unwrap(),
            &both,
        );
    }
    let image = [Tensor::new(&numbers(&[2, 3, 2, 4], 1))];
    for groups in [1, 2, 4] {
        for (gamma, beta) in [(true, true), (true, false), (false, true), (false, false)] {
            let array = |yes: bool, seed| yes.then(|| vector(4, seed));
            let norm = || GroupNormalization::from_weights(groups, array(gamma, 2), array(beta, 3));
            check_layer("group normalisation", || norm().unwrap(), &both);
            check_layer("of images", || norm().unwrap().epsilon(0.1), &image);
        }
    }
}

#[test]
fn learned_slopes() {
    let both = with_and_without_mask(Tensor::new(&apart(&SHAPE, 1)));
    for shape in [[6, 4], [1, 4], [6, 1], [1, 1]] {
        check_layer("slopes", || PRelu::from_weights(numbers(&shape, 2)), &both);
    }
}

#[test]
fn transposed_convolutions() {
    let input = [x(1)];
    let image = [Tensor::new(&numbers(&[2, 3, 2, 4], 1))];
    for padding in [Padding::Valid, Padding::Same] {
        for (strides, size) in [(1, 2), (2, 3), (3, 2)] {
            for activation in [Activation::Linear, Activation::Silu, Activation::Softmax] {
                let conv = |bias: Option<Array1<f64>>| {
                    let kernel = numbers(&[size, 3, 4], 5).into_dimensionality().unwrap();
                    let builder = Conv1dTranspose::builder().strides(strides).padding(padding);
                    builder
                        .activation(activation)
                        .from_weights(kernel, bias)
                        .unwrap()
                };
                check_layer("over timesteps", || conv(Some(vector(3, 6))), &input);
                check_layer("without a bias", || conv(None), &input);
                let conv = || {
                    let kernel = numbers(&[size, 2, 3, 4], 5).into_dimensionality().unwrap();
                    let builder = Conv2dTranspose::builder().strides([strides, 1]);
                    let builder = builder.padding(padding).activation(activation);
                    builder.from_weights(kernel, vector(3, 6)).unwrap()
                };
                check_layer("over images", conv, &image);
            }
        }
    }
}

#[test]
fn convolutions() {
    let input = [x(1)];
    for padding in [Padding::Valid, Padding::Same, Padding::Causal] {
        for (strides, dilation_rate, groups) in
            [(1, 1, 1), (2, 1, 1), (3, 1, 2), (1, 2, 2), (1, 3, 1)]
        {
            for activation in [
                Activation::Linear,
                Activation::Silu,
                Activation::Softmax,
                Activation::LogSoftmax,
            ] {
                let conv = || {
                    let kernel = numbers(&[2, 4 / groups, 4], 5)
                        .into_dimensionality()
                        .unwrap();
                    let builder = Conv1d::builder()
                        .padding(padding)
                        .groups(groups)
                        .strides(strides);
                    let builder = builder.dilation_rate(dilation_rate).activation(activation);
                    let bias = (strides != 2).then(|| vector(4, 6));
                    builder.from_weights(kernel, bias).unwrap()
                };
                let what = format!("{padding:?} {strides} {dilation_rate} {groups} {activation}");
                check_layer(&what, conv, &input);
            }
        }
    }
}

#[test]
fn attentions() {
    let (query, value, key) = (
        Tensor::new(&numbers(&[3, 5, 4], 1)),
        Tensor::new(&numbers(&[3, 6, 2], 2)),
        Tensor::new(&numbers(&[3, 6, 4], 3)),
    );
    let query_mask = mask().slice_move(ndarray::s![.., ..5]);
    let plain = Attention::new();
    for of in [
        plain,
        plain.scale(0.7),
        plain.concat(0.8),
        plain.concat(0.8).scale(1.3),
    ] {
        for causal in [false, true] {
            let of = of.causal(causal);
            let three = |query: Tensor<f64>, value| [query, value, key.clone()];
            check_several("attention", of, &three(query.clone(), value.clone()));
            let masked = three(
                query.clone().masked(&query_mask),
                value.clone().masked(&mask()),
            );
            check_several("masked attention", of, &masked);
            // The value is the key.
            check_several(
                "attention of two",
                of,
                &[query.clone(), key.clone().masked(&mask())],
            );
        }
    }
}

/// With scores of -10⁹ differences have no digits; but all scores are lowered alike, so it is as without a mask.
#[test]
fn attention_to_nothing_but_padding() {
    let (query, value) = (numbers(&[3, 5, 4], 1), numbers(&[3, 6, 4], 2));
    let gradients = |value: Tensor<f64>| {
        let mut graph = Model::graph();
        let nodes = [graph.input("query"), graph.input("value")];
        let id = graph.layer("layer", Attention::new().scale(0.7)).unwrap();
        let outputs = graph.call_all(id, nodes).unwrap();
        let model = graph.finish(&outputs).unwrap();
        let run = model.record([Tensor::new(&query), value]).unwrap();
        let gradient = run.backward(&[Some(numbers(&[3, 5, 4], 3))]).unwrap();
        gradient.inputs.into_iter().map(Option::unwrap)
    };
    let value = Tensor::new(&value);
    let padding = value.clone().masked(&Array2::from_elem((3, 6), false));
    for (got, want) in gradients(padding).zip(gradients(value)) {
        let apart = (&got - &want).mapv(f64::abs);
        assert!(apart.iter().all(|d| *d < 1e-6) && want.iter().all(|d| *d != 0.0));
    }
}

#[test]
fn pooling_and_shapes() {
    let both = with_and_without_mask(Tensor::new(&apart(&SHAPE, 1)));
    let bare = std::slice::from_ref(&both[0]);
    for padding in [Padding::Valid, Padding::Same] {
        for (size, strides) in [(2, 2), (3, 1), (2, 3), (3, 2)] {
            let pool = |pool: Pooling1d| pool.strides(strides).unwrap().padding(padding).unwrap();
            check_layer("max", || pool(Pooling1d::max(size).unwrap()), &both);
            check_layer("average", || pool(Pooling1d::average(size).unwrap()), &both);
        }
    }
    for keepdims in [false, true] {
        check_layer(
            "global max",
            || GlobalPooling1d::max().keepdims(keepdims),
            &both,
        );
        check_layer(
            "global average",
            || GlobalPooling1d::average().keepdims(keepdims),
            &both,
        );
    }
    check_layer("cropping", || Cropping1d::new(1, 2), bare);
    check_layer("zero padding", || ZeroPadding1d::new(2, 1), bare);
    check_layer("up-sampling", || UpSampling1d::new(3).unwrap(), bare);
    check_layer("flatten", || Flatten, bare);
    check_layer("reshape", || Reshape::new(&[3, 2, -1]).unwrap(), bare);
    check_layer("permute", || Permute::new(&[2, 1]).unwrap(), bare);
    let four = [Tensor::new(&numbers(&[2, 5, 3, 2], 3))];
    check_layer("permute", || Permute::new(&[3, 1, 2]).unwrap(), &four);
    let flat = [Tensor::new(&numbers(&[3, 4], 3))];
    check_layer("repeat", || RepeatVector::new(5), &flat);
    check_layer("identity", Identity::new, &both);
    for axis in [-1, 1, 0] {
        check_layer("softmax", || Softmax::over(axis), bare);
    }
}

#[test]
fn activations_and_time_distributed() {
    let both = with_and_without_mask(Tensor::new(&apart(&SHAPE, 1)));
    for activation in [
        Activation::Relu,
        Activation::Gelu { approximate: false },
        Activation::Softmax,
        Activation::LogSoftmax,
    ] {
        check_layer("activation", || activation, &both);
        let dense = || Dense::from_weights(matrix(4, 3, 2), vector(3, 3)).unwrap();
        let dense = || dense().with_activation(activation).unwrap();
        check_layer("dense", dense, &both);
        check_layer(
            "time distributed dense",
            || TimeDistributed::new(dense()),
            &both,
        );
    }
    let norm = || LayerNormalization::from_weights(vector(4, 2), vector(4, 3)).unwrap();
    check_layer(
        "time distributed normalisation",
        || TimeDistributed::new(norm()),
        &both,
    );
    // A recurrent layer at every outer timestep.
    let four = [Tensor::new(&numbers(&[2, 3, 5, 4], 3))];
    let lstm = || {
        let lstm = Lstm::builder(4, 2).seed(3).build().unwrap();
        TimeDistributed::new(Layer::new(lstm).return_sequences(true))
    };
    check_layer("time distributed lstm", lstm, &four);
    let inner = || {
        Model::new()
            .add(Flatten)
            .add(Dense::from_weights(matrix(20, 2, 2), vector(2, 3)).unwrap())
    };
    check_layer(
        "time distributed model",
        || TimeDistributed::new(inner()),
        &four,
    );
}

#[test]
fn noise_and_masking() {
    let both = with_and_without_mask(x(1));
    check_layer("dropout", || Dropout::new(0.4).unwrap(), &both);
    check_layer(
        "spatial dropout",
        || SpatialDropout1d::new(0.4).unwrap(),
        &both,
    );
    check_layer("gaussian noise", || GaussianNoise::new(0.4).unwrap(), &both);
    check_layer(
        "gaussian dropout",
        || GaussianDropout::new(0.4).unwrap(),
        &both,
    );
    check_layer("alpha dropout", || AlphaDropout::new(0.4).unwrap(), &both);
    let inner = || TimeDistributed::new(Dropout::new(0.4).unwrap());
    check_layer("time distributed dropout", inner, &both);
    let mut padded = numbers(&SHAPE, 2);
    let mut model = Model::new()
        .add(Masking::new(0.5))
        .add(Layer::new(Gru::builder(4, 3).seed(3).build().unwrap()));
    check("masking", &mut model, &[Tensor::new(&padded)]);
    // What is masked moves off the value at the other point of a difference, so it is held apart.
    padded.slice_mut(ndarray::s![1, 2.., ..]).fill(0.5);
    let run = model.record([Tensor::new(&padded)]).unwrap();
    let d = Array2::ones((3, 3)).into_dyn();
    let dx = run.backward(&[Some(d)]).unwrap().inputs[0].clone().unwrap();
    assert!(dx.slice(ndarray::s![1, 2.., ..]).iter().all(|d| *d == 0.0));
    assert!(dx.slice(ndarray::s![1, ..2, ..]).iter().all(|d| *d != 0.0));
}

#[test]
fn embeddings() {
    let ids = Tensor::new(&ndarray::array![
        [1.0, 3.0, 1.0, 0.0, 0.0],
        [2.0, 1.0, 4.0, 3.0, 0.0]
    ]);
    for mask_zero in [true, false] {
        let mut model = Model::new()
            .add(
                Embedding::from_weights(matrix(6, 3, 1))
                    .unwrap()
                    .mask_zero(mask_zero),
            )
            .add(Layer::new(Lstm::builder(3, 2).seed(3).build().unwrap()).return_sequences(true))
            .add(GlobalPooling1d::average())
            .add(Dense::from_weights(matrix(2, 2, 4), None).unwrap());
        let run = model.record([ids.clone()]).unwrap();
        let d = matrix(2, 2, 9).into_dyn();
        let gradient = run.backward(&[Some(d)]).unwrap();
        assert!(gradient.inputs[0].is_none());
        let table = gradient.weights.get("embedding/embeddings").unwrap();
        let touched = |row: usize| {
            table
                .index_axis(ndarray::Axis(0), row)
                .iter()
                .any(|d| *d != 0.0)
        };
        // Row 0 is not read where it is a mask, and row 5 stands nowhere.
        assert_eq!(
            [0, 1, 2, 3, 4, 5].map(touched),
            [!mask_zero, true, true, true, true, false]
        );
        check_weights_only(&mut model, ids.clone());
    }
}

/// Token ids cannot be moved.
fn check_weights_only(model: &mut Model<f64>, ids: Tensor<f64>) {
    let how = How {
        training: true,
        noise: Noise::seed(0),
    };
    let run = model.record([ids.clone()]).unwrap();
    let factors = [numbers(run.outputs()[0].values.shape(), 8)];
    let gradient = run.backward(&[Some(factors[0].clone())]).unwrap();
    drop(run);
    for (path, d) in gradient.weights.iter() {
        let weight: ArrayD<f64> = model.get(path).unwrap();
        for (at, &d) in d.iter().enumerate() {
            let [before, after] = [-1e-5, 1e-5].map(|h| {
                let mut moved = weight.clone();
                *moved.iter_mut().nth(at).unwrap() += h;
                model.set(path, &moved).unwrap();
                how.loss(model, std::slice::from_ref(&ids), &factors)
            });
            let want = (after - before) / 2e-5;
            assert!(
                (d - want).abs() < 1e-7 * want.abs().max(1.0),
                "{path}[{at}]: {d} {want}"
            );
        }
        model.set(path, &weight).unwrap();
    }
}

#[test]
fn merges() {
    let at = |seed| Tensor::new(&apart(&SHAPE, seed));
    // No two numbers at a place tie.
    let shifted = |tensor: Tensor<f64>, by: f64| Tensor::new(&(tensor.values + by));
    let three = [at(1), shifted(at(2), 0.007), shifted(at(3), 0.014)];
    let mut other = mask();
    other.invert_axis(ndarray::Axis(0));
    let masked = [
        three[0].clone().masked(&mask()),
        three[1].clone().masked(&other),
        three[2].clone().masked(&mask()),
    ];
    let partly = [masked[0].clone(), three[1].clone(), masked[2].clone()];
    for of in [
        Merge::Add,
        Merge::Multiply,
        Merge::Average,
        Merge::Maximum,
        Merge::Minimum,
    ] {
        for inputs in [&three, &masked, &partly] {
            check_several(AnyLayer::<f64>::name(&of), of, inputs);
            check_several(AnyLayer::<f64>::name(&of), of, &inputs[..2]);
        }
        // Repeated along axes of length 1, and with fewer axes.
        let narrow = [
            three[0].clone(),
            shifted(Tensor::new(&apart(&[3, 1, 4], 5)), 0.007),
        ];
        check_several("repeated", of, &narrow);
        let fewer = [
            three[0].clone(),
            shifted(Tensor::new(&apart(&[3, 4], 5)), 0.007),
        ];
        check_several("with fewer axes", of, &fewer);
    }
    check_several("subtract", Merge::Subtract, &three[..2]);
    check_several("subtract", Merge::Subtract, &masked[..2]);
    for axis in [-1, 1] {
        check_several("concatenate", Concatenate::new(axis), &three);
        check_several("concatenate", Concatenate::new(axis), &masked);
    }
}

#[test]
fn ties_are_those_of_tensorflow() {
    let gradients = |layer: Box<dyn AnyLayer<f64>>, inputs: &[ArrayD<f64>]| {
        let mut graph = Model::graph();
        let names: Vec<String> = (0..inputs.len()).map(|n| format!("x{n}")).collect();
        let nodes: Vec<_> = names
            .iter()
            .map(|name| graph.input(name.as_str()))
            .collect();
        let id = graph.layer("layer", layer).unwrap();
        let outputs = graph.call_all(id, &nodes).unwrap();
        let model = graph.finish(&outputs).unwrap();
        let run = model.record(inputs.iter().map(|x| Tensor::new(x))).unwrap();
        let y = &run.outputs()[0].values;
        let d = Array1::from_iter((0..y.len()).map(|n| n as f64 + 1.0));
        let d = d.into_shape_with_order(y.raw_dim()).unwrap();
        let gradient = run.backward(&[Some(d)]).unwrap();
        let flat = gradient
            .inputs
            .into_iter()
            .map(|d| d.unwrap().into_iter().collect());
        flat.collect::<Vec<Vec<f64>>>()
    };
    // Measured in Keras 3.15 on TensorFlow 2.21, with the upstream gradient 1, 2, 3 …
    let x = Array3::from_shape_vec((1, 7, 1), vec![1.0, 3.0, 3.0, 2.0, 3.0, 3.0, 0.0]).unwrap();
    let x = [x.into_dyn()];
    let max = |strides, padding| {
        let pool = Pooling1d::max(3).unwrap().strides(strides).unwrap();
        Box::new(pool.padding(padding).unwrap())
    };
    assert_eq!(
        gradients(Box::new(GlobalPooling1d::max()), &x),
        [[0.0, 0.25, 0.25, 0.0, 0.25, 0.25, 0.0]]
    );
    assert_eq!(
        gradients(max(1, Padding::Valid), &x),
        [[0.0, 3.0, 3.0, 0.0, 9.0, 0.0, 0.0]]
    );
    assert_eq!(
        gradients(max(2, Padding::Same), &x),
        [[0.0, 3.0, 0.0, 0.0, 3.0, 4.0, 0.0]]
    );
    let row = |row: [f64; 3]| ndarray::array![row].into_dyn();
    let three = [
        row([1.0, 2.0, 3.0]),
        row([1.0, 1.0, 3.0]),
        row([1.0, 2.0, 4.0]),
    ];
    assert_eq!(
        gradients(Box::new(Merge::Maximum), &three),
        [[1.0, 2.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 3.0]]
    );
    assert_eq!(
        gradients(Box::new(Merge::Minimum), &three),
        [[1.0, 0.0, 3.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]]
    );
}
