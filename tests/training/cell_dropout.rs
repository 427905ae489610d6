//! Dropout inside of cells and between the layers of a stack: which masks are drawn, that they are handed out and taken
//! back, and gradients under them.

use ndarray::{Array2, Array3, ArrayD, Axis, s};
use recurrent::train::{Noise, Upstream, check_gradient};
use recurrent::{
    AnyLayer, Bidirectional, Deep, Gru, HiddenState, Initializer, Layer, Lstm, LstmState, Model,
    Recurrent, SimpleRnn, Tensor,
};
use std::sync::Arc;

const SPREAD: Initializer = Initializer::RandomUniform {
    min: -1.0,
    max: 1.0,
};
const FEATURES: usize = 3;
const UNITS: usize = 4;

fn x(samples: usize, timesteps: usize) -> Array3<f64> {
    let flat = SPREAD.matrix(samples * timesteps, FEATURES, 7).unwrap();
    flat.into_shape_with_order((samples, timesteps, FEATURES))
        .unwrap()
}

fn rnn(rates: [f64; 2]) -> SimpleRnn<f64> {
    let of = SimpleRnn::builder(FEATURES, UNITS).bias_initializer(SPREAD);
    let of = of.dropout(rates[0]).recurrent_dropout(rates[1]);
    of.seed(3).build().unwrap()
}

fn lstm(features: usize, rates: [f64; 2]) -> Lstm<f64> {
    let of = Lstm::builder(features, UNITS).bias_initializer(SPREAD);
    let of = of.dropout(rates[0]).recurrent_dropout(rates[1]);
    of.seed(3).build().unwrap()
}

fn gru(features: usize, reset_after: bool, rates: [f64; 2]) -> Gru<f64> {
    let of = Gru::builder(features, UNITS).bias_initializer(SPREAD);
    let of = of.dropout(rates[0]).recurrent_dropout(rates[1]);
    of.reset_after(reset_after).seed(3).build().unwrap()
}

type Masks = Vec<(String, ArrayD<f64>)>;

/// The masks that a layer draws, with samples, timesteps and a source.
fn drawn<R: Recurrent<Elem = f64>>(of: &R, samples: usize, noise: Noise) -> Masks {
    of.run(&x(samples, 5)).record_with(noise).unwrap().masks()
}

fn shapes(masks: &Masks) -> Vec<(&str, &[usize])> {
    masks.iter().map(|(p, m)| (p.as_str(), m.shape())).collect()
}

#[test]
fn keras_decides_which_masks_there_are() {
    let noise = Noise::seed(1);
    let with = |rates| {
        let (a, b) = (lstm(FEATURES, rates), gru(FEATURES, true, rates));
        [
            drawn(&rnn(rates), 2, noise),
            drawn(&a, 2, noise),
            drawn(&b, 2, noise),
        ]
    };
    let (input, state) = ("dropout", "recurrent_dropout");
    for masks in with([0.0, 0.0]) {
        assert!(masks.is_empty());
    }
    // Without recurrent dropout all gates have one mask.
    for masks in with([0.5, 0.0]) {
        assert_eq!(shapes(&masks), [(input, &[1, 2, 3][..])]);
    }
    let [of_rnn, of_lstm, of_gru] = with([0.0, 0.5]);
    assert_eq!(shapes(&of_rnn), [(state, &[1, 2, 4][..])]);
    assert_eq!(shapes(&of_lstm), [(state, &[4, 2, 4][..])]);
    assert_eq!(shapes(&of_gru), [(state, &[3, 2, 4][..])]);
    let [of_rnn, of_lstm, of_gru] = with([0.5, 0.5]);
    let both = |gates: usize| [vec![gates, 2, 3], vec![gates, 2, 4]];
    for (masks, gates) in [(of_rnn, 1), (of_lstm, 4), (of_gru, 3)] {
        let [of_input, of_state] = both(gates);
        let expected = [(input, &of_input[..]), (state, &of_state[..])];
        assert_eq!(shapes(&masks), expected);
    }
    // A rate of 1 is ignored by gates, but they have masks of their own; without gates all is 0.
    let [of_rnn, of_lstm, of_gru] = with([0.5, 1.0]);
    assert_eq!(shapes(&of_lstm), [(input, &[4, 2, 3][..])]);
    assert_eq!(shapes(&of_gru), [(input, &[3, 2, 3][..])]);
    assert!(of_rnn[1].1.iter().all(|x| *x == 0.0) && of_rnn[1].1.len() == 8);
    let [of_rnn, of_lstm, of_gru] = with([1.0, 0.0]);
    assert!(of_lstm.is_empty() && of_gru.is_empty());
    assert!(of_rnn[0].1.iter().all(|x| *x == 0.0) && of_rnn[0].1.len() == 6);
}

/// The share of a number in a mask.
#[allow(clippy::float_cmp)] // a mask has two numbers
fn share(mask: &ArrayD<f64>, number: f64) -> f64 {
    mask.iter().filter(|&&x| x == number).count() as f64 / mask.len() as f64
}

#[test]
fn masks_have_their_rates_and_scales() {
    for [a, b] in [[0.1, 0.5], [0.8, 0.25]] {
        let masks = drawn(&lstm(FEATURES, [a, b]), 2000, Noise::seed(5));
        for ((_, mask), rate) in masks.iter().zip([a, b]) {
            let kept = 1.0 / (1.0 - rate);
            assert!((share(mask, 0.0) + share(mask, kept) - 1.0).abs() < 1e-12);
            assert!((mask.mean().unwrap() - 1.0).abs() < 0.05);
            // No gate, sample or column has more than its part.
            for axis in [0, 2] {
                for lane in mask.axis_iter(Axis(axis)) {
                    let spread = (rate * (1.0 - rate) / lane.len() as f64).sqrt();
                    assert!((share(&lane.to_owned(), 0.0) - rate).abs() < 5.0 * spread);
                }
            }
        }
    }
}

#[test]
fn masks_are_a_function_of_seed_step_path_gate_and_sample() {
    let of = lstm(FEATURES, [0.5, 0.5]);
    let noise = Noise::seed(1).step(4);
    let first = drawn(&of, 8, noise);
    assert_eq!(first, drawn(&of, 8, noise));
    let both = |other: &Masks| (0..2).all(|at| first[at].1 != other[at].1);
    assert!(both(&drawn(&of, 8, Noise::seed(2).step(4))));
    assert!(both(&drawn(&of, 8, Noise::seed(1).step(5))));
    assert!(both(&drawn(&of, 8, Noise::seed(4).step(1))));
    // A sample has its masks in any batch, and each sample, gate and kind has others.
    let fewer = drawn(&of, 3, noise);
    for ((_, mask), (_, fewer)) in first.iter().zip(&fewer) {
        assert_eq!(mask.slice(s![.., ..3, ..]), fewer.slice(s![.., .., ..]));
        for axis in [Axis(0), Axis(1)] {
            let lanes: Vec<_> = mask.axis_iter(axis).collect();
            for (at, lane) in lanes.iter().enumerate() {
                assert!(lanes[..at].iter().all(|other| other != lane), "{axis:?}");
            }
        }
    }
    assert_ne!(
        first[0].1,
        first[1].1.slice(s![.., .., ..3]).to_owned().into_dyn()
    );
    // So has each path.
    let both = Bidirectional::new(of.clone(), of.clone());
    let masks = drawn(&both, 8, noise);
    let paths: Vec<&str> = masks.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "forward/dropout",
            "forward/recurrent_dropout",
            "backward/dropout",
            "backward/recurrent_dropout"
        ]
    );
    assert!(masks[0].1 != masks[2].1 && masks[1].1 != masks[3].1);
    let model = Model::<f64>::new()
        .add_as("a", Layer::new(both).return_sequences(true))
        .add_as("b", Layer::new(lstm(2 * UNITS, [0.0, 0.5])));
    let run = model
        .record_with([Tensor::new(&x(8, 5))], Noise::seed(1).step(4))
        .unwrap();
    let in_model = run.masks();
    assert_eq!(in_model[0].0, "a/forward/dropout");
    assert_eq!(in_model[4].0, "b/recurrent_dropout");
    assert!((0..4).all(|at| in_model[at].1 != masks[at].1));
    let again = model
        .record_with([Tensor::new(&x(8, 5))], Noise::seed(9).given(&in_model))
        .unwrap();
    assert_eq!(again.outputs(), run.outputs());
    assert_eq!(again.masks(), in_model);
}

#[test]
fn calls_of_a_shared_layer_have_masks_of_their_own() {
    let shared: Arc<dyn AnyLayer<f64>> =
        Arc::new(Layer::new(lstm(UNITS, [0.5, 0.5])).return_sequences(true));
    let inner = Model::<f64>::new()
        .add_as("a", Arc::clone(&shared))
        .add_as("a", shared);
    let model = Model::<f64>::new()
        .add_as(
            "first",
            Layer::new(lstm(FEATURES, [0.0; 2])).return_sequences(true),
        )
        .add_as("inner", inner);
    let x = Tensor::new(&x(8, 5));
    let run = model.record_with([x.clone()], Noise::seed(1)).unwrap();
    let masks = run.masks();
    let paths: Vec<&str> = masks.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "inner/a/dropout",
            "inner/a/recurrent_dropout",
            "inner/a#1/dropout",
            "inner/a#1/recurrent_dropout"
        ]
    );
    assert!(masks[0].1 != masks[2].1 && masks[1].1 != masks[3].1);
    let again = model.record_with([x], Noise::seed(2).given(&masks));
    assert_eq!(again.unwrap().outputs(), run.outputs());
}

#[test]
fn time_major_calls_have_the_masks_of_others() {
    let of = Deep::new([lstm(FEATURES, [0.5, 0.5]), lstm(UNITS, [0.5, 0.0])]).unwrap();
    let of = of.dropout(0.5).unwrap();
    let x = x(3, 5);
    let run = of.run(&x).record_with(Noise::seed(1)).unwrap();
    let turned = x.clone().permuted_axes([1, 0, 2]);
    let other = of.run(&turned).time_major().record_with(Noise::seed(1));
    let other = other.unwrap();
    assert_eq!(run.masks(), other.masks());
    assert_eq!(run.masks()[2].1.shape(), [3, 5, UNITS]);
    assert_eq!(run.sequences(), other.sequences().permuted_axes([1, 0, 2]));
}

#[test]
fn a_stack_drops_between_its_layers_at_every_timestep() {
    let layers = || [lstm(FEATURES, [0.0; 2]), lstm(UNITS, [0.0; 2])];
    let deep = Deep::new(layers().into_iter().chain([lstm(UNITS, [0.0; 2])])).unwrap();
    let deep = deep.dropout(0.25).unwrap();
    let of_deep = drawn(&deep, 400, Noise::seed(3));
    let shape = &[400, 5, UNITS][..];
    assert_eq!(
        shapes(&of_deep),
        [("between/0", shape), ("between/1", shape)]
    );
    assert_ne!(of_deep[0].1, of_deep[1].1);
    let [lower, upper] = layers();
    let stacked = lower.then(upper).dropout(0.25).unwrap();
    let of_stacked = drawn(&stacked, 400, Noise::seed(3));
    assert_eq!(shapes(&of_stacked), [("between", shape)]);
    for (_, mask) in of_deep.iter().chain(&of_stacked) {
        assert!((share(mask, 0.0) - 0.25).abs() < 0.03);
        assert!((share(mask, 1.0 / 0.75) - 0.75).abs() < 0.03);
        let steps: Vec<_> = mask.axis_iter(Axis(1)).collect();
        assert!(steps.windows(2).all(|pair| pair[0] != pair[1]));
    }
    // The two say the same in their own ways.
    let [lower, upper] = layers();
    let two = Deep::new([lower, upper]).unwrap();
    let given = vec![("between/0".to_string(), of_stacked[0].1.clone())];
    let x = x(400, 5);
    let deep = two.run(&x).record_with(Noise::default().given(&given));
    let stacked = stacked.run(&x).record_with(Noise::seed(3));
    assert_eq!(deep.unwrap().sequences(), stacked.unwrap().sequences());
    let all = two.clone().dropout(1.0).unwrap();
    let (_, mask) = &drawn(&all, 2, Noise::seed(3))[0];
    assert!(mask.iter().all(|x| *x == 0.0));
}

/// What a layer gives without dropout, whose sisters have these rates.
fn same_bits<R: Recurrent<Elem = f64>>(without: &R, with: &R)
where
    R::State: PartialEq + std::fmt::Debug,
{
    let (x, lengths) = (x(3, 6), [6, 0, 4]);
    let run = |of: &R| {
        of.run(&x)
            .lengths(&lengths)
            .sequences_and_state()
            .map(|(y, state)| (y, format!("{state:?}")))
            .unwrap()
    };
    assert_eq!(run(with), run(without));
    let recorded = with.run(&x).lengths(&lengths).record().unwrap();
    assert_eq!(recorded.sequences(), run(without).0);
    assert!(recorded.masks().is_empty());
    let d = Array3::ones(recorded.sequences().dim());
    let plain = without.run(&x).lengths(&lengths);
    // A rate of 0 draws nothing.
    let plain = plain.record_with(Noise::seed(1)).unwrap();
    let gradient = |of: &recurrent::train::Recording<R>| {
        let gradient = of.backward(&Upstream::sequences(&d)).unwrap();
        (gradient.weights, gradient.x)
    };
    assert_eq!(gradient(&recorded), gradient(&plain));
    let dropped = with.run(&x).lengths(&lengths).record_with(Noise::seed(1));
    assert_ne!(dropped.unwrap().sequences(), recorded.sequences());
}

#[test]
fn inference_ignores_the_rates() {
    let rates = [0.4, 0.3];
    same_bits(&rnn([0.0; 2]), &rnn(rates));
    same_bits(&lstm(FEATURES, [0.0; 2]), &lstm(FEATURES, rates));
    for form in [true, false] {
        same_bits(&gru(FEATURES, form, [0.0; 2]), &gru(FEATURES, form, rates));
    }
    let stack = |rate: f64| {
        let of = lstm(FEATURES, [0.0; 2]).then(gru(UNITS, true, [0.0; 2]));
        of.dropout(rate).unwrap()
    };
    same_bits(&stack(0.0), &stack(0.5));
    let model = |rates| Model::<f64>::new().add(Layer::new(lstm(FEATURES, rates)));
    let (with, without) = (model(rates), model([0.0; 2]));
    let x = x(3, 6);
    assert_eq!(with.forward(&x).unwrap(), without.forward(&x).unwrap());
    let run = with.record_inference([Tensor::new(&x)]).unwrap();
    assert_eq!(run.outputs()[0].values, without.forward(&x).unwrap());
    assert!(run.masks().is_empty());
    let run = with.record([Tensor::new(&x)]).unwrap();
    assert_ne!(run.outputs()[0].values, without.forward(&x).unwrap());
}

#[test]
fn the_options_are_kept() {
    let (a, b) = (lstm(FEATURES, [0.4, 0.3]), gru(FEATURES, true, [0.2, 0.1]));
    assert_eq!((a.dropout(), a.recurrent_dropout()), (0.4, 0.3));
    assert_eq!((b.dropout(), b.recurrent_dropout()), (0.2, 0.1));
    let c = rnn([0.6, 0.7]);
    assert_eq!((c.dropout(), c.recurrent_dropout()), (0.6, 0.7));
    let a = a.with_weights(a.kernel(), a.recurrent_kernel(), a.bias());
    let b = b.with_weights(b.kernel(), b.recurrent_kernel(), b.bias().clone());
    let c = c.with_weights(c.kernel(), c.recurrent_kernel(), c.bias());
    assert!(format!("{:?}", a.unwrap()).contains("dropout: 0.4, recurrent_dropout: 0.3"));
    assert!(format!("{:?}", b.unwrap()).contains("dropout: 0.2, recurrent_dropout: 0.1"));
    assert!(format!("{:?}", c.unwrap()).contains("dropout: 0.6, recurrent_dropout: 0.7"));
    for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let of = || Lstm::<f64>::builder(2, 3);
        let error = of().dropout(bad).build().unwrap_err().to_string();
        assert!(
            error.contains("dropout") && error.contains("0 to 1"),
            "{error}"
        );
        let error = of().recurrent_dropout(bad).build().unwrap_err().to_string();
        assert!(error.contains("recurrent_dropout"), "{error}");
        assert!(Gru::<f64>::builder(2, 3).dropout(bad).build().is_err());
        assert!(
            SimpleRnn::<f64>::builder(2, 3)
                .dropout(bad)
                .build()
                .is_err()
        );
        let (lower, upper) = (lstm(FEATURES, [0.0; 2]), lstm(UNITS, [0.0; 2]));
        assert!(Deep::new([lower.clone()]).unwrap().dropout(bad).is_err());
        assert!(lower.then(upper).dropout(bad).is_err());
    }
}

#[test]
fn given_masks_have_to_fit() {
    let of = lstm(FEATURES, [0.0; 2]);
    let x = x(2, 5);
    let try_one = |path: &str, shape: &[usize]| {
        let masks = [(path.to_string(), ArrayD::ones(shape))];
        of.run(&x)
            .record_with(Noise::default().given(&masks))
            .map(|run| run.masks().len())
            .map_err(|error| error.to_string())
    };
    assert_eq!(try_one("dropout", &[1, 2, 3]), Ok(1));
    assert_eq!(try_one("dropout", &[4, 2, 3]), Ok(1));
    assert_eq!(try_one("recurrent_dropout", &[4, 2, 4]), Ok(1));
    for shape in [
        &[][..],
        &[3],
        &[2, 3],
        &[2, 2, 3],
        &[0, 2, 3],
        &[4, 1, 3],
        &[4, 2, 4],
        &[1, 4, 2, 3],
    ] {
        let error = try_one("dropout", shape).unwrap_err();
        assert!(error.contains("(1 or 4, 2, 3)"), "{error}");
    }
    // A path that no layer has.
    for path in ["droput", "lstm/dropout", "between", ""] {
        let error = try_one(path, &[1, 2, 3]).unwrap_err();
        assert!(error.contains("path of a given mask"), "{error}");
    }
    let model = Model::<f64>::new().add(Layer::new(of.clone()));
    let masks = [("dropout".to_string(), ArrayD::ones(vec![1, 2, 3]))];
    let noise = Noise::default().given(&masks);
    let error = model.record_with([Tensor::new(&x)], noise).err().unwrap();
    assert!(error.to_string().contains("\"dropout\""), "{error}");
    let stack = of.clone().then(gru(UNITS, true, [0.0; 2]));
    for shape in [&[2, 5][..], &[2, 5, 3], &[5, 2, 4], &[2, 4, 4]] {
        let masks = [("between".to_string(), ArrayD::ones(shape))];
        let error = stack.run(&x).record_with(Noise::default().given(&masks));
        let error = error.err().unwrap().to_string();
        assert!(error.contains("(2, 5, 4)"), "{error}");
    }
}

/// Checks that masks change nothing but rounding.
fn off<R: Recurrent<Elem = f64>>(of: &R, x: &Array3<f64>, masks: &[(String, ArrayD<f64>)]) {
    let run = of.run(x).record_with(Noise::default().given(masks));
    let off = &run.unwrap().sequences() - &of.run(x).sequences().unwrap();
    assert!(off.iter().all(|x| x.abs() < 1e-14), "{off}");
}

#[test]
fn a_mask_of_ones_changes_nothing_but_rounding() {
    let x = x(2, 5);
    let ones = |gates: usize| {
        let mask = |size: usize| ArrayD::ones(vec![gates, 2, size]);
        [
            ("dropout".to_string(), mask(FEATURES)),
            ("recurrent_dropout".to_string(), mask(UNITS)),
        ]
    };
    off(&rnn([0.0; 2]), &x, &ones(1));
    for gates in [1, 4] {
        off(&lstm(FEATURES, [0.0; 2]), &x, &ones(gates));
    }
    for (form, gates) in [(true, 1), (true, 3), (false, 1), (false, 3)] {
        off(&gru(FEATURES, form, [0.0; 2]), &x, &ones(gates));
    }
}

#[test]
fn a_dropped_input_is_not_read_and_the_initial_state_is_dropped() {
    let mut x = x(2, 5);
    x[[1, 3, 2]] = f64::NAN;
    let mut mask = ArrayD::ones(vec![1, 2, 3]);
    mask[[0, 1, 2]] = 0.0;
    let masks = [("dropout".to_string(), mask)];
    for samples in [true, false] {
        let of = gru(FEATURES, samples, [0.0; 2]);
        let run = of.run(&x).record_with(Noise::default().given(&masks));
        let run = run.unwrap();
        assert!(run.last().iter().all(|x| x.is_finite()));
        let d = Array2::ones((2, UNITS));
        let gradient = run.backward(&Upstream::last(&d)).unwrap();
        assert!(gradient.x.iter().all(|x| x.is_finite()));
        assert!(
            gradient
                .weights
                .iter()
                .all(|(_, g)| g.iter().all(|x| x.is_finite()))
        );
    }
    // With all of h dropped, the initial h of an LSTM and a simple RNN has no effect, and c has.
    let of = lstm(FEATURES, [0.0; 2]);
    let (x, zeros) = (self::x(2, 5), Array2::<f64>::zeros((2, UNITS)));
    let masks = [(
        "recurrent_dropout".to_string(),
        ArrayD::zeros(vec![4, 2, UNITS]),
    )];
    let from = |h: f64, c: f64| {
        let (h, c) = (&zeros + h, &zeros + c);
        let run = of.run(&x).initial_state(LstmState { h, c });
        let run = run.record_with(Noise::default().given(&masks)).unwrap();
        run.sequences().to_owned()
    };
    assert_eq!(from(0.0, 0.0), from(0.7, 0.0));
    assert_ne!(from(0.0, 0.0), from(0.0, 0.7));
    let of = rnn([0.0; 2]);
    let masks = [(
        "recurrent_dropout".to_string(),
        ArrayD::zeros(vec![1, 2, UNITS]),
    )];
    let from = |h: f64| {
        let run = of.run(&x).initial_state(HiddenState { h: &zeros + h });
        let run = run.record_with(Noise::default().given(&masks)).unwrap();
        run.sequences().to_owned()
    };
    assert_eq!(from(0.0), from(0.7));
}

/// Checks the gradients of a layer under the masks that seed 0 draws, with its states as inputs of these sizes.
fn check(name: &str, states: &[usize], layer: impl Fn() -> Box<dyn AnyLayer<f64>>) {
    for mask in ["111111 111111", "111100 110000", "011011 001101"] {
        let mut graph = Model::graph();
        let mut nodes = vec![graph.input("x")];
        nodes.extend(states.iter().map(|_| graph.input("state")));
        let id = graph.layer("layer", layer()).unwrap();
        let outputs = graph.call_all(id, &nodes).unwrap();
        let mut model = graph.finish(&outputs).unwrap();
        let mut of_x = Tensor::new(&x(2, 6));
        if mask.contains('0') {
            let rows = mask.chars().filter(|c| *c != ' ').map(|c| c == '1');
            of_x = of_x.masked(&Array2::from_shape_vec((2, 6), rows.collect()).unwrap());
        }
        let states = (1..).zip(states);
        let states =
            states.map(|(seed, &size)| Tensor::new(&SPREAD.matrix(2, size, seed).unwrap()));
        let inputs: Vec<Tensor<f64>> = [of_x].into_iter().chain(states).collect();
        let run = model.record(inputs.clone()).unwrap();
        let masks = run.masks();
        let zeros = masks
            .iter()
            .flat_map(|(_, mask)| mask)
            .filter(|x| **x == 0.0);
        assert!(zeros.count() > 0, "{name}: nothing is dropped");
        drop(run);
        let found = check_gradient(&mut model, &inputs, &[]).unwrap();
        assert!(found.worst <= 1e-7, "{name}, {mask}: {found:?}");
        assert!(found.count > 36, "{name}: {found:?}");
    }
}

fn all<R: Recurrent<Elem = f64> + 'static>(of: R) -> Layer<R> {
    Layer::new(of)
        .return_sequences(true)
        .return_state(true)
        .mask_with_state(true)
}

const RATES: [[f64; 2]; 3] = [[0.4, 0.0], [0.0, 0.4], [0.3, 0.3]];

#[test]
fn gradients_under_dropout() {
    for rates in RATES {
        let name = |cell: &str| format!("{cell} {rates:?}");
        check(&name("rnn"), &[UNITS], || Box::new(all(rnn(rates))));
        check(&name("lstm"), &[UNITS; 2], || {
            Box::new(all(lstm(FEATURES, rates)))
        });
        for form in [true, false] {
            check(&name("gru"), &[UNITS], || {
                Box::new(all(gru(FEATURES, form, rates)))
            });
        }
    }
}

#[test]
fn gradients_under_dropout_with_options() {
    for rates in RATES {
        let name = |cell: &str| format!("{cell} {rates:?}");
        check(&name("lstm, last, backwards"), &[UNITS; 2], || {
            let layer = all(lstm(FEATURES, rates)).return_sequences(false);
            Box::new(layer.go_backwards(true))
        });
        check(&name("lstm, everything"), &[5, UNITS], || {
            let of = Lstm::builder(FEATURES, UNITS).bias_initializer(SPREAD);
            let of = of.dropout(rates[0]).recurrent_dropout(rates[1]).seed(3);
            let of = of.peepholes(SPREAD.matrix(3, UNITS, 5).unwrap()).clip(0.9);
            let of = of.projection(SPREAD.matrix(UNITS, 5, 6).unwrap());
            Box::new(all(of.build().unwrap()))
        });
    }
}

/// A wrapper hands its layers what they need, whatever their rates are.
#[test]
fn gradients_under_dropout_in_both_directions() {
    let rates = RATES[2];
    check("both", &[UNITS; 3], || {
        let both = Bidirectional::new(lstm(FEATURES, rates), gru(FEATURES, true, rates));
        Box::new(all(both))
    });
    check("apart", &[UNITS; 3], || {
        let both = Bidirectional::new(lstm(FEATURES, rates), gru(FEATURES, true, rates));
        Box::new(all(both).apart())
    });
}

#[test]
fn gradients_under_dropout_between_layers() {
    for rates in [[0.0; 2], [0.2, 0.2]] {
        check("stacked", &[UNITS; 3], || {
            let of = lstm(FEATURES, rates).then(gru(UNITS, true, rates));
            Box::new(all(of.dropout(0.4).unwrap()))
        });
        check("stacked, backwards", &[UNITS; 3], || {
            let of = lstm(FEATURES, rates).then(gru(UNITS, false, rates));
            Box::new(all(of.dropout(0.4).unwrap()).go_backwards(true))
        });
        check("deep", &[UNITS; 6], || {
            let layers = [FEATURES, UNITS, UNITS].map(|features| lstm(features, rates));
            Box::new(all(Deep::new(layers).unwrap().dropout(0.4).unwrap()))
        });
    }
}
