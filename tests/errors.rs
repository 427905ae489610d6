//! Every refusal by its words, at every public door; and that a refusal changes nothing.

use ndarray::{Array1, Array2, Array3};
use recurrent::{
    Activation, BiState, Bidirectional, Causal, Conv1d, Dense, Embedding, Gru, GruBias,
    HiddenState, Initializer, Lstm, LstmState, MergeMode, Recurrent, Returns, SimpleRnn, State,
};
use std::fmt::Debug;

#[track_caller]
fn says<T: Debug>(result: recurrent::Result<T>, words: &str) {
    assert_eq!(result.expect_err("a refusal").to_string(), words);
}

fn lstm() -> Lstm<f32> {
    Lstm::builder(2, 3).build().unwrap()
}

fn x() -> Array3<f32> {
    Array3::ones((4, 5, 2))
}

#[test]
fn sizes_beyond_the_memory() {
    let much = 1 << 45;
    let large = |shape: &str| {
        format!("shape is {shape}, expected one that fits into the memory of this machine")
    };
    says(
        lstm().run(&Array3::zeros((much, 0, 2))).last(),
        &large("[35184372088832, 1, 3] for the output"),
    );
    says(
        Lstm::<f32>::builder(1, 20_000_000).build(),
        &large("[20000000, 20000000, 4] for the kernel"),
    );
    let point = Array3::<f32>::zeros((1, 1, 1));
    let long = point.broadcast((1, much, 1)).unwrap();
    let rnn = |features, units| SimpleRnn::<f32>::builder(features, units).build().unwrap();
    says(
        rnn(1, 64).then(rnn(64, 1)).run(&long).last(),
        &large("[1, 35184372088832, 1] for the output"),
    );
}

#[test]
fn the_array_that_is_wrong_is_the_one_that_is_named() {
    let m = |rows, columns| Array2::<f32>::zeros((rows, columns));
    says(
        Lstm::from_weights(m(2, 4), m(4, 1), None), // transposed
        "recurrent_kernel is (4, 1), which looks transposed (PyTorch's way, see doc::layouts), expected (units, 4 gates x units)",
    );
    says(
        Gru::from_weights(m(9, 2), m(9, 3), None), // as PyTorch has them
        "recurrent_kernel is (9, 3), which looks transposed (PyTorch's way, see doc::layouts), expected (units, 3 gates x units)",
    );
    let transposed = "which looks transposed (PyTorch's way, see doc::layouts)";
    says(
        Lstm::from_weights(m(12, 2), m(3, 12), None),
        &format!("kernel is (12, 2), {transposed}, expected (features, 4 gates x units)"),
    );
    says(
        Gru::<f32>::builder(2, 3).from_weights(m(9, 2), m(9, 3), GruBias::None),
        &format!("recurrent_kernel is (9, 3), {transposed}, expected (units, 3 gates x units)"),
    );
    says(
        SimpleRnn::<f32>::builder(2, 3).from_weights(m(3, 2), m(3, 3), None),
        &format!("kernel is (3, 2), {transposed}, expected (features, units)"),
    );
    says(
        Dense::from_weights(m(2, 3), Array1::zeros(2)),
        &format!(
            "kernel is (2, 3) with a bias of (2), {transposed}, expected (features, units), with a bias of (units)"
        ),
    );
    let conv = Conv1d::<f32>::builder().from_weights(Array3::zeros((8, 2, 3)), Array1::zeros(8));
    says(
        conv,
        &format!(
            "kernel is (8, 2, 3) with a bias of (8), {transposed}, expected (kernel_size, features, filters), with a \
             bias of (filters)"
        ),
    );
    let projected = Lstm::<f32>::builder(2, 3).projection(m(2, 3));
    says(
        projected.from_weights(m(2, 12), m(2, 12), None),
        &format!("projection is (2, 3), {transposed}, expected (units, size)"),
    );
    let unbiased = Lstm::from_weights(m(2, 4), m(1, 4), None).unwrap();
    says(
        unbiased.with_weights(m(2, 4), m(1, 4), Array1::zeros(4)),
        "bias is an array, expected none, since use_bias is false",
    );
}

#[test]
fn weights_of_wrong_shapes() {
    let m = |rows, columns| Array2::<f32>::zeros((rows, columns));
    let v = |len| Array1::<f32>::zeros(len);
    says(
        Lstm::from_weights(m(2, 11), m(3, 12), v(12)),
        "kernel has 11 columns (4 gates x units), expected 12",
    );
    says(
        Lstm::from_weights(m(2, 12), m(3, 13), v(12)),
        "recurrent_kernel has 13 columns (4 gates x units), expected 12",
    );
    says(
        Lstm::from_weights(m(2, 12), m(3, 12), v(3)),
        "bias has 3 numbers (4 gates x units), expected 12",
    );
    says(
        Gru::from_weights(m(2, 8), m(3, 9), v(9)),
        "kernel has 8 columns (3 gates x units), expected 9",
    );
    says(
        Gru::from_weights(m(2, 9), m(3, 9), v(10)),
        "bias has 10 numbers (3 gates x units), expected 9",
    );
    says(
        Gru::from_weights(m(2, 9), m(3, 9), m(3, 9)),
        "bias has 3 rows (input, state), expected 2",
    );
    says(
        Gru::from_weights(m(2, 9), m(3, 9), m(2, 8)),
        "bias has 8 columns (3 gates x units), expected 9",
    );
    says(
        SimpleRnn::from_weights(m(2, 4), m(3, 3), v(3)),
        "kernel has 4 columns (units), expected 3",
    );
    says(
        SimpleRnn::from_weights(m(2, 3), m(3, 3), v(4)),
        "bias has 4 units, expected 3",
    );
    says(
        Lstm::<f32>::builder(1, 3).from_weights(m(2, 12), m(3, 12), v(12)),
        "kernel has 2 rows (features), expected 1",
    );
    says(
        Lstm::<f32>::builder(2, 4).from_weights(m(2, 16), m(3, 16), v(16)),
        "recurrent_kernel has 3 rows (units), expected 4",
    );
    says(
        Lstm::from_weights(m(2, 0), m(0, 0), v(0)),
        "units is 0, expected at least 1",
    );
    says(
        lstm().with_weights(m(3, 12), m(3, 12), None),
        "kernel has 3 rows (features), expected 2",
    );
    says(
        Dense::from_weights(m(2, 3), v(4)),
        "bias has 4 units, expected 3",
    );
    says(
        Dense::from_weights(m(2, 0), None),
        "units is 0, expected at least 1",
    );
    says(
        Embedding::from_weights(m(2, 0)),
        "output_dim is 0, expected at least 1",
    );
}

#[test]
fn a_bias_in_the_shape_of_another_library() {
    let m = |rows, columns| Array2::<f32>::zeros((rows, columns));
    let v = |len| Array1::<f32>::zeros(len);
    let gru = |bias: GruBias<f32>| Gru::from_weights(m(2, 9), m(3, 9), bias);
    let rows = "(2, 9), a row with the input and one with the state, as Keras' reset_after has them: \
                `bias.into_shape_with_order((2, 9))?`";
    says(gru(v(18).into()), &format!("bias is (18), expected {rows}"));
    let reshaped = v(18).into_shape_with_order((2, 9)).unwrap();
    assert!(gru(reshaped.into()).unwrap().reset_after());
    let flat = "`bias.into_flat()` for (9), which is reset_after=False";
    says(
        gru(m(1, 9).into()),
        &format!("bias is (1, 9), expected {flat}"),
    );
    says(
        gru(m(9, 1).into()),
        &format!("bias is (9, 1), expected {flat}"),
    );
    assert!(!gru(m(1, 9).into_flat().into()).unwrap().reset_after());
    let two = "`bias.into_shape_with_order((2, 9))?`, as Keras' reset_after has it";
    says(
        gru(m(1, 18).into()),
        &format!("bias is (1, 18), expected {two}"),
    );
    says(
        gru(m(18, 1).into()),
        &format!("bias is (18, 1), expected {two}"),
    );
    says(
        gru(m(9, 2).into()),
        "bias is (9, 2), which looks transposed (PyTorch's way, see doc::layouts), expected (2, 3 gates x units)",
    );
    let sum = "PyTorch has two biases, whose sum is that of Keras";
    says(
        Lstm::from_weights(m(2, 12), m(3, 12), v(24)),
        &format!("length of the bias is 24, expected 12: {sum}"),
    );
    says(
        SimpleRnn::from_weights(m(2, 3), m(3, 3), v(6)),
        &format!("length of the bias is 6, expected 3: {sum}"),
    );
}

#[test]
fn options_that_cannot_be() {
    let gate = "an element-wise function: units are computed one by one";
    says(
        Lstm::<f32>::builder(1, 1)
            .activation(Activation::Softmax)
            .build(),
        &format!("activation is softmax, expected {gate}"),
    );
    says(
        Gru::<f32>::builder(1, 1)
            .recurrent_activation(Activation::Softmax)
            .build(),
        &format!("recurrent_activation is softmax, expected {gate}"),
    );
    says(
        SimpleRnn::<f32>::builder(1, 1)
            .activation(Activation::LeakyRelu {
                alpha: f64::INFINITY,
            })
            .build(),
        "activation is LeakyRelu { alpha: inf }, expected a function with finite parameters",
    );
    let (k, r) = (Array2::<f32>::zeros((1, 3)), Array2::zeros((1, 3)));
    let build = || Gru::<f32>::builder(1, 1);
    says(
        build()
            .reset_after(false)
            .from_weights(k.clone(), r.clone(), Array2::zeros((2, 3))),
        "bias is of shape (2, 3 x units), expected of shape (3 x units), since reset_after is false",
    );
    says(
        build()
            .reset_after(true)
            .from_weights(k.clone(), r.clone(), Array1::zeros(3)),
        "bias is of shape (3 x units), expected of shape (2, 3 x units), since reset_after is true",
    );
    says(
        build()
            .use_bias(false)
            .from_weights(k.clone(), r.clone(), Array1::zeros(3)),
        "bias is an array, expected none, since use_bias is false",
    );
    assert!(
        !build()
            .reset_after(false)
            .from_weights(k, r, GruBias::None)
            .unwrap()
            .reset_after()
    );
    says(
        Lstm::<f32>::builder(2, 0).build(),
        "units is 0, expected at least 1",
    );
    for (features, units) in [
        (usize::MAX, 2),
        (2, usize::MAX),
        (usize::MAX / 2, 3),
        (1 << 40, 1 << 40),
    ] {
        assert!(Lstm::<f32>::builder(features, units).build().is_err());
        assert!(Gru::<f32>::builder(features, units).build().is_err());
        assert!(SimpleRnn::<f32>::builder(features, units).build().is_err());
    }
    says(
        Lstm::<f32>::builder(1, 1)
            .bias_initializer(Initializer::Orthogonal { gain: 1.0 })
            .build(),
        "initializer is Orthogonal { gain: 1.0 }, expected one for a vector: this one needs two axes",
    );
}

#[test]
fn inputs_masks_and_memory_of_wrong_shapes() {
    let (lstm, x) = (lstm(), x());
    says(
        lstm.run(&Array3::zeros((4, 5, 3))).last(),
        "input has 3 features, expected 2",
    );
    says(
        lstm.run(&Array3::zeros((4, 2, 5))).last(),
        "input is (4, 2, 5), whose last two axes look swapped, expected (samples, timesteps, features) with 2 features",
    );
    says(
        lstm.run(&Array3::zeros((4, 1, 2))).lengths(&[2; 4]).last(),
        "lengths[0] is 2, but the input has 1 timestep",
    );
    says(
        lstm.run(&x).mask(&Array2::from_elem((3, 5), true)).last(),
        "mask has 3 samples, expected 4",
    );
    says(
        lstm.run(&x).mask(&Array2::from_elem((4, 6), true)).last(),
        "mask has 6 timesteps, expected 5",
    );
    says(
        lstm.run(&x).lengths(&[5, 5, 5]).last(),
        "lengths has 3 samples, expected 4",
    );
    says(
        lstm.run(&x).lengths(&[5, 5, 6, 5]).last(),
        "lengths[2] is 6, but the input has 5 timesteps",
    );
    let mask = Array2::from_elem((4, 5), true);
    says(
        lstm.run(&x).mask(&mask).lengths(&[5; 4]).last(),
        "mask is given twice, expected one of `mask` and `lengths`, once",
    );
    says(
        lstm.run(&x).lengths(&[5; 4]).mask(&mask).last(),
        "mask is given twice, expected one of `mask` and `lengths`, once",
    );
    says(
        lstm.run(&x).time_major().mask(&mask.t()).last(),
        "mask has 4 samples, expected 5",
    );
    says(
        lstm.run(&x).last_into(Array2::zeros((4, 2)).view_mut()),
        "output has 2 units, expected 3",
    );
    says(
        lstm.run(&x)
            .last_and_state_into(Array2::zeros((5, 3)).view_mut()),
        "output has 5 samples, expected 4",
    );
    let mut out = Array3::zeros((4, 4, 3));
    says(
        lstm.run(&x).sequences_into(out.view_mut()),
        "output has 4 timesteps, expected 5",
    );
    says(
        lstm.run(&x)
            .time_major()
            .sequences_and_state_into(out.view_mut()),
        "output has 4 samples, expected 5",
    );
    let huge = Array3::<f32>::zeros((1, 1, 2));
    let huge = huge.broadcast((1 << 40, 1 << 18, 2)).unwrap();
    assert!(lstm.run(&huge).sequences().is_err());
}

#[test]
fn states_of_other_batches_and_layers() {
    let (lstm, x) = (lstm(), x());
    let state = |h, c| LstmState {
        h: Array2::zeros(h),
        c: Array2::zeros(c),
    };
    says(
        lstm.run(&x).initial_state(state((3, 3), (3, 3))).last(),
        "state.h has 3 samples, expected 4",
    );
    says(
        lstm.run(&x).initial_state(state((4, 2), (4, 3))).last(),
        "state.h has 2 units, expected 3",
    );
    says(
        lstm.run(&x).initial_state(state((4, 3), (2, 3))).last(),
        "state.c has 2 samples, expected 4",
    );
    says(
        lstm.run(&x).initial_state(state((4, 3), (4, 4))).last(),
        "state.c has 4 units, expected 3",
    );
    let bi = Bidirectional::new(lstm.clone(), Gru::<f32>::builder(2, 3).build().unwrap());
    let both = BiState {
        forward: LstmState::zeros(4, 3),
        backward: HiddenState::zeros(4, 5),
    };
    says(
        bi.run(&x).initial_state(both.clone()).last(),
        "backward layer: state.h has 5 units, expected 3",
    );
    says(
        bi.run_apart(&x).initial_state(both).sequences(),
        "backward layer: state.h has 5 units, expected 3",
    );
    let net = lstm
        .clone()
        .then(Gru::<f32>::builder(3, 2).build().unwrap());
    says(
        net.run(&x)
            .initial_state((LstmState::zeros(4, 3), HiddenState::zeros(1, 2)))
            .last(),
        "upper layer: state.h has 1 sample, expected 4",
    );
    let mut kept = LstmState::<f32>::zeros(2, 3);
    kept.h.fill(1.0);
    says(
        kept.reset_samples(&[0, 2]),
        "sample 2 does not exist: there are 2, counted from 0",
    );
    assert!(
        kept.h == ndarray::Array2::<f32>::ones((2, 3)),
        "a refused reset changes nothing"
    );
    let mut uneven = state((3, 3), (2, 3));
    uneven.h.fill(1.0);
    says(
        uneven.reset_samples(&[0, 2]),
        "sample 2 does not exist: there are 2, counted from 0",
    );
    assert!(uneven.h == Array2::<f32>::ones((3, 3)));
    says(
        kept.select(&[2]),
        "sample 2 does not exist: there are 2, counted from 0",
    );
    says(
        kept.copy_sample(0, &LstmState::zeros(1, 4), 0),
        "state.h has 4 units, expected 3",
    );
    says(
        kept.reset_sample(9),
        "sample 9 does not exist: there are 2, counted from 0",
    );
}

#[test]
fn layers_that_do_not_fit_together() {
    let x = x();
    let gru = |features, units| Gru::<f32>::builder(features, units).build().unwrap();
    let bi = Bidirectional::new(lstm(), gru(3, 3));
    says(
        bi.run(&x).last(),
        "input of the backward layer has 3 features, expected 2",
    );
    let bi = Bidirectional::new(lstm(), gru(2, 4)).merge_mode(MergeMode::Sum);
    says(
        bi.run(&x).sequences(),
        "output of the backward layer has 4 units, expected 3",
    );
    let net = lstm().then(gru(4, 2));
    says(
        net.run(&x).returning(Returns::default()),
        "output of the lower layer has 3 units, expected 4",
    );
    says(
        net.stream(1).push(&[[0.0, 0.0]]),
        "output of the lower layer has 3 units, expected 4",
    );
    says(
        net.stream(1).push_slice(&[0.0, 0.0]),
        "output of the lower layer has 3 units, expected 4",
    );
}

#[test]
fn a_refused_push_changes_nothing() {
    let lstm = lstm();
    let (mut live, mut twin) = (lstm.stream(2), lstm.stream(2));
    let good = [[0.1, 0.2], [0.3, 0.4]];
    live.push(&good).unwrap();
    twin.push(&good).unwrap();
    says(live.push(&[[0.1, 0.2]]), "input has 1 sample, expected 2");
    says(
        live.push(&[[0.1, 0.2, 0.3]; 2]),
        "input has 3 features, expected 2",
    );
    says(
        live.push_slice(&[0.0; 3]),
        "input has 3 numbers (samples x features), expected 4",
    );
    says(
        live.push_slice(&[0.0; 8]),
        "input has 8 numbers (samples x features), expected 4",
    );
    says(
        live.push_masked(&good, &[true]),
        "mask has 1 sample, expected 2",
    );
    says(
        live.set_state(LstmState::zeros(3, 3)),
        "state.h has 3 samples, expected 2",
    );
    says(
        live.reset_samples(&[1, 7]),
        "sample 7 does not exist: there are 2, counted from 0",
    );
    assert_eq!(live.push(&good).unwrap(), twin.push(&good).unwrap());
    assert_eq!(lstm.stream(0).push_slice(&[]).unwrap(), [0.0f32; 0]);
}

/// A session refuses a state as a stream does, and keeps the one that it had.
#[test]
fn states_of_sessions() {
    let layer = recurrent::Layer::new(Lstm::<f32>::builder(2, 3).build().unwrap());
    let mut session = recurrent::Session::new(&layer);
    session.set_state(LstmState::zeros(2, 3)).unwrap();
    says(
        session.set_state(LstmState::zeros(2, 4)),
        "state.h has 4 units, expected 3",
    );
    assert_eq!(session.state(), Some(&LstmState::zeros(2, 3)));
}

/// Options are read and printed by Keras' names.
#[test]
fn names_of_options() {
    use recurrent::Padding;
    for (mode, name) in [
        (MergeMode::Concat, "concat"),
        (MergeMode::Sum, "sum"),
        (MergeMode::Mul, "mul"),
        (MergeMode::Ave, "ave"),
    ] {
        assert_eq!(
            (name.parse(), mode.to_string()),
            (Ok(mode), name.to_string())
        );
    }
    assert_eq!("same".parse(), Ok(Padding::Same));
    let error = "SAME".parse::<Padding>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "padding is \"SAME\", expected one of valid, same, causal"
    );
    assert_eq!(
        format!("{error:?}"),
        "Value(padding is \"SAME\", expected one of valid, same, causal)"
    );
}
