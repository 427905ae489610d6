//! Weights of a model by path: listed, read, replaced.

use ndarray::{Array, Array1, Array2, Array3, ArrayD, Dimension, IntoDimension};
use recurrent::{
    AnyLayer, Attention, BatchNormalization, Bidirectional, Cell, Conv1d, Conv2d, Deep, Dense,
    Embedding, Gru, HiddenState, Initializer, Layer, LayerNormalization, Lstm, LstmState, Masking,
    Model, MultiHeadAttention, Normalization, Padding, Recurrent, Reshape, Result, Rnn, SimpleRnn,
    Tensor, TimeDistributed,
};
use std::sync::Arc;

/// Numbers that differ with the seed.
fn numbers<D: Dimension>(shape: impl IntoDimension<Dim = D>, seed: u64) -> Array<f64, D> {
    let mut k = seed as f64;
    Array::from_shape_simple_fn(shape.into_dimension(), || {
        k += 0.7;
        0.5 + 0.4 * k.sin()
    })
}

type Made = (&'static str, Box<dyn AnyLayer<f64>>);

/// Layers of every kind that has weights, over 4 features.
#[allow(clippy::too_many_lines)] // a list of all layers
fn layers(seed: u64) -> Vec<Made> {
    let random = Initializer::RandomUniform {
        min: -0.5,
        max: 0.5,
    };
    let lstm = |features| {
        Lstm::<f64>::builder(features, 3)
            .bias_initializer(random)
            .unit_forget_bias(false)
            .seed(seed)
    };
    let gru = |features| {
        Gru::<f64>::builder(features, 3)
            .bias_initializer(random)
            .seed(seed)
    };
    let seq = |made: Box<dyn AnyLayer<f64>>| made;
    let matrix = |rows, columns| numbers((rows, columns), seed);
    let vector = |len| numbers(len, seed + 9);
    let peepholes = lstm(4)
        .peepholes(matrix(3, 3))
        .projection(matrix(3, 2))
        .build()
        .unwrap();
    let (h, c) = (matrix(1, 3), matrix(1, 3));
    let started = lstm(4).initial_state(LstmState { h, c }).build().unwrap();
    let first = || HiddenState { h: matrix(1, 3) };
    let started_gru = gru(4).initial_state(first()).build().unwrap();
    let started_rnn = SimpleRnn::builder(4, 3).initial_state(first()).seed(seed);
    let before = gru(4).reset_after(false);
    let with_bias = before
        .clone()
        .from_weights(matrix(4, 9), matrix(3, 9), vector(9))
        .unwrap();
    let after = Gru::from_weights(matrix(4, 9), matrix(3, 9), matrix(2, 9)).unwrap();
    let both = Bidirectional::new(
        lstm(4).build().unwrap(),
        gru(4).seed(seed + 1).build().unwrap(),
    );
    let deep = Deep::new([gru(4).build().unwrap(), gru(3).build().unwrap()]).unwrap();
    let stacked = SimpleRnn::builder(4, 5)
        .seed(seed)
        .build()
        .unwrap()
        .then(lstm(5).build().unwrap());
    let conv = Conv1d::builder()
        .groups(2)
        .padding(Padding::Causal)
        .from_weights(numbers((3, 2, 6), seed), vector(6))
        .unwrap();
    let conv2d = Conv2d::builder()
        .groups(2)
        .from_weights(numbers((3, 2, 1, 4), seed), vector(4))
        .unwrap();
    let dense =
        |rows, columns| Dense::from_weights(matrix(rows, columns), vector(columns)).unwrap();
    let norm =
        BatchNormalization::from_weights(vector(4), vector(4), vector(4), numbers(4, seed + 2))
            .unwrap();
    let inner = Model::new()
        .add_as("in/a", dense(4, 2))
        .add(Layer::new(lstm(2).build().unwrap()).return_sequences(true));
    vec![
        ("lstm", seq(Box::new(Layer::new(lstm(4).build().unwrap())))),
        ("peepholes", Box::new(Layer::new(peepholes))),
        ("before", Box::new(Layer::new(with_bias))),
        (
            "before without",
            Box::new(Layer::new(before.use_bias(false).build().unwrap())),
        ),
        ("after", Box::new(Layer::new(after))),
        ("bidirectional", Box::new(Layer::new(both.clone()))),
        ("apart", Box::new(Layer::new(both).apart())),
        ("deep", Box::new(Layer::new(deep))),
        (
            "stacked",
            Box::new(Layer::new(Arc::new(stacked)).return_sequences(true)),
        ),
        ("conv", Box::new(conv)),
        (
            "conv of images",
            Box::new(
                Model::new()
                    .add(Reshape::new(&[5, 2, 2]).unwrap())
                    .add(conv2d),
            ),
        ),
        ("dense", Box::new(dense(4, 3))),
        ("timed", Box::new(TimeDistributed::new(dense(4, 3)))),
        ("norm", Box::new(norm)),
        (
            "layer norm",
            Box::new(LayerNormalization::from_weights(vector(4), vector(4)).unwrap()),
        ),
        (
            "given norm",
            Box::new(
                Normalization::from_weights(vector(4), numbers(4, seed + 3))
                    .unwrap()
                    .counted(7.0),
            ),
        ),
        ("inner", Box::new(inner)),
        (
            "shared",
            Box::new(Arc::new(dense(4, 3)) as Arc<dyn AnyLayer<f64>>),
        ),
        ("initial state", Box::new(Layer::new(started))),
        ("of a gru", Box::new(Layer::new(started_gru))),
        (
            "of a simple rnn",
            Box::new(Layer::new(started_rnn.build().unwrap())),
        ),
    ]
}

fn x() -> Array3<f64> {
    numbers((2, 5, 4), 77)
}

fn all(layer: Box<dyn AnyLayer<f64>>) -> Model<f64> {
    let mut graph = Model::graph();
    let x = graph.input("x");
    let layer = graph.layer("it", layer).unwrap();
    let values = graph.call_all(layer, [x]).unwrap();
    graph.finish(values).unwrap()
}

fn outputs(model: &Model<f64>) -> Vec<ArrayD<f64>> {
    let flows = model.forward_all([Tensor::new(&x())]).unwrap();
    flows.into_iter().map(|flow| flow.values).collect()
}

#[test]
fn replacing_every_weight_makes_the_other_layer() {
    for ((name, one), (_, other)) in layers(1).into_iter().zip(layers(50)) {
        let (one, mut other) = (all(one), all(other));
        let weights = one.weights();
        let count: usize = weights
            .iter()
            .map(|w| w.shape.iter().product::<usize>())
            .sum();
        assert_eq!(count, one.parameter_count().total(), "{name}");
        assert!(!weights.is_empty() && weights == other.weights(), "{name}");
        for (at, weight) in weights.iter().enumerate() {
            let array = one.get(&weight.path).unwrap();
            if array != other.get(&weight.path).unwrap() {
                assert_ne!(outputs(&one), outputs(&other), "{name} before {at}");
            }
            assert_eq!(array.shape(), weight.shape, "{name}");
            other.set(&weight.path, &array).unwrap();
            assert_eq!(other.get(&weight.path).unwrap(), array, "{name}");
        }
        assert_eq!(outputs(&one), outputs(&other), "{name}");
    }
}

#[test]
fn paths_roles_and_kinds() {
    let model = Model::new()
        .add_as("ids", Embedding::from_weights(numbers((5, 4), 1)).unwrap())
        .add(Masking::new(0.5))
        .add(layers(1).remove(5).1)
        .add(
            BatchNormalization::from_weights(None, numbers(6, 3), numbers(6, 1), numbers(6, 2))
                .unwrap(),
        );
    let weights = model.weights();
    let lines: Vec<String> = weights
        .iter()
        .map(|w| format!("{} {:?} {}", w.path, w.shape, w.trainable))
        .collect();
    let expected = [
        "ids/embeddings [5, 4] true",
        "bidirectional/forward/kernel [4, 12] true",
        "bidirectional/forward/recurrent_kernel [3, 12] true",
        "bidirectional/forward/bias [12] true",
        "bidirectional/backward/kernel [4, 9] true",
        "bidirectional/backward/recurrent_kernel [3, 9] true",
        "bidirectional/backward/bias [2, 9] true",
        "batch_normalization/beta [6] true",
        "batch_normalization/moving_mean [6] false",
        "batch_normalization/moving_variance [6] false",
    ];
    assert_eq!(lines, expected);
    let count = model.parameter_count();
    assert_eq!(
        (count.total(), count.non_trainable),
        (20 + 96 + 81 + 18, 12)
    );
    assert_eq!(
        model
            .layers()
            .map(|layer| layer.parameter_count().total())
            .sum::<usize>(),
        count.total()
    );
    let attention = Attention::new().scale(0.5_f64);
    assert_eq!(AnyLayer::<f64>::parameter_count(&attention).trainable, 1);
}

#[test]
fn what_cannot_be_is_refused() {
    let mut model = Model::new().add(Dense::from_weights(numbers((2, 3), 1), None).unwrap());
    let message = |result: Result<()>| result.unwrap_err().to_string();
    let other: Array2<f64> = numbers((3, 2), 1);
    assert_eq!(
        message(model.set("dense/kernel", &other)),
        r#"shape is [3, 2], expected [2, 3] of "dense/kernel""#
    );
    assert_eq!(
        message(model.set("dense/bias", &other)),
        "path of a weight is dense/bias, expected one of dense/kernel"
    );
    assert!(model.get("dense").is_err());
    let lstm: &'static Lstm<f64> = Box::leak(Box::new(Lstm::builder(2, 1).build().unwrap()));
    let mut model = Model::new().add(Layer::new(lstm));
    let kernel = model.get("lstm/kernel").unwrap();
    assert!(message(model.set("lstm/kernel", &kernel)).contains("borrowed"));
}

/// Other owners keep their weights; what is shared inside one model stays shared.
#[test]
fn shared_layers() {
    let dense = Arc::new(Dense::from_weights(Array2::<f64>::eye(4), None).unwrap());
    let lstm = Arc::new(Lstm::<f64>::builder(4, 4).build().unwrap());
    let mut model = Model::new()
        .add(Arc::clone(&dense))
        .add(Layer::new(Arc::clone(&lstm)).return_sequences(true))
        .add(Arc::clone(&dense));
    let paths: Vec<String> = model.weights().into_iter().map(|w| w.path).collect();
    assert_eq!(paths[..2], ["dense/kernel", "lstm/kernel"]);
    assert_eq!(
        paths.len(),
        4,
        "an Arc that is added twice is one layer: {paths:?}"
    );
    model.set("dense/kernel", &(Array2::eye(4) * 2.0)).unwrap();
    assert_eq!(
        Arc::strong_count(&lstm),
        2,
        "a layer that is not set is not copied"
    );
    model.set("lstm/bias", &Array1::zeros(16)).unwrap();
    assert_eq!(Arc::strong_count(&lstm), 1);
    assert_eq!(dense.kernel(), Array2::<f64>::eye(4));
    assert_ne!(
        lstm.bias().unwrap(),
        Array1::<f64>::zeros(16),
        "the forget gate"
    );
    let twice = model.forward(&x()).unwrap();
    let double = Dense::from_weights(Array2::eye(4) * 2.0, None).unwrap();
    let other = lstm
        .with_weights(lstm.kernel(), lstm.recurrent_kernel(), Array1::zeros(16))
        .unwrap();
    let by_hand = other
        .run(&double.forward(&x()).unwrap())
        .sequences()
        .unwrap();
    assert_eq!(twice, double.forward(&by_hand).unwrap().into_dyn());
}

struct Own(u8);
impl AnyLayer<f64> for Own {
    fn name(&self) -> &str {
        "own"
    }
    fn forward(&self, input: Tensor<f64>) -> Result<Tensor<f64>> {
        Ok(input)
    }
}

#[derive(Clone)]
struct Still;
impl Cell for Still {
    type Elem = f64;
    type State = HiddenState<f64>;
    fn features(&self) -> usize {
        4
    }
    fn units(&self) -> usize {
        4
    }
    fn zero_state(&self, samples: usize) -> HiddenState<f64> {
        HiddenState::zeros(samples, 4)
    }
    fn step(&self, _: ndarray::ArrayView2<f64>, _: &mut HiddenState<f64>) {}
    fn output<'s>(&self, state: &'s HiddenState<f64>) -> ndarray::ArrayView2<'s, f64> {
        state.h.view()
    }
    fn parameter_count(&self) -> usize {
        7
    }
}

#[test]
fn layers_in_their_own_type() {
    let gru = Arc::new(Gru::<f64>::builder(4, 4).build().unwrap());
    let inner = Model::new()
        .add_as("a/b", Own(3))
        .add(Layer::new(Rnn(Still)).return_sequences(true));
    let boxed: Box<dyn AnyLayer<f64>> =
        Box::new(Layer::new(Arc::clone(&gru)).return_sequences(true));
    let model = Model::new()
        .add(boxed)
        .add_as("x/y", inner)
        .add_as("shared", Arc::new(Own(4)));
    assert!(model.layer_as::<Arc<Gru<f64>>>("gru").is_some());
    assert_eq!(
        model.layer_as::<Gru<f64>>("gru").unwrap().kernel(),
        gru.kernel()
    );
    assert!(model.layer_as::<Layer<Arc<Gru<f64>>>>("gru").is_some());
    assert!(model.layer_as::<Lstm<f64>>("gru").is_none());
    assert!(model.layer_as::<Gru<f32>>("gru").is_none());
    assert_eq!(model.layer_as::<Own>("x/y/a/b").unwrap().0, 3);
    assert_eq!(model.layer_as::<Own>("shared").unwrap().0, 4);
    assert!(model.layer_as::<Rnn<Still>>("x/y/rnn").is_some());
    assert!(model.layer_as::<Own>("x").is_none() && model.layer_as::<Own>("x/y/z").is_none());
    assert_eq!(model.parameter_count().total(), gru.parameter_count() + 7);
}

#[test]
fn the_projections_of_heads_are_weights_in_the_shapes_of_keras() {
    let make = |seed: u64| {
        let head = |at| {
            (
                numbers((4, 2, 3), seed + at),
                Some(numbers((2, 3), seed + at)),
            )
        };
        let output = (numbers((2, 3, 5), seed + 3), Some(numbers(5, seed + 4)));
        let heads = MultiHeadAttention::from_weights([head(0), head(1), head(2)], output).unwrap();
        let mut graph = Model::graph();
        let x = graph.input("x");
        let y = graph.add("heads", heads, [x, x]).unwrap();
        graph.finish([y]).unwrap()
    };
    let (mut one, other) = (make(1), make(50));
    let found: Vec<String> = one
        .weights()
        .iter()
        .map(|w| format!("{} {:?}", w.path, w.shape))
        .collect();
    let expected = [
        "heads/query/kernel [4, 2, 3]",
        "heads/query/bias [2, 3]",
        "heads/key/kernel [4, 2, 3]",
        "heads/key/bias [2, 3]",
        "heads/value/kernel [4, 2, 3]",
        "heads/value/bias [2, 3]",
        "heads/attention_output/kernel [2, 3, 5]",
        "heads/attention_output/bias [5]",
    ];
    assert_eq!(found, expected);
    assert_ne!(outputs(&one), outputs(&other));
    for weight in other.weights() {
        let array = other.get(&weight.path).unwrap();
        one.set(&weight.path, &array).unwrap();
        assert_eq!(one.get(&weight.path).unwrap(), array, "{}", weight.path);
    }
    assert_eq!(outputs(&one), outputs(&other));
}
