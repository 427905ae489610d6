//! Every option of every cell and wrapper: what comes back has it, and computes the same bits.

use crate::again;
use crate::support::{Shape, mask, numbers};
use ndarray::{Array1, Array2};
use recurrent::saved::Saved;
use recurrent::{
    Activation, Bidirectional, Deep, Element, Gru, Initializer, Layer, Lstm, LstmState, MergeMode,
    Output, Recurrent, SimpleRnn, State,
};

const OF: Shape = Shape {
    samples: 4,
    timesteps: 5,
    features: 3,
    units: 7,
};
const SPREAD: Initializer = Initializer::RandomUniform {
    min: -2.0,
    max: 2.0,
};
/// None of them is a default, and all are different on these numbers.
const ACTIVATIONS: [Activation; 6] = [
    Activation::HardSigmoid {
        alpha: 1.0 / 3.0,
        beta: 0.1,
    },
    Activation::ScaledTanh {
        alpha: 0.7,
        beta: 1.3,
    },
    Activation::Affine {
        alpha: 0.3,
        beta: -0.0,
    },
    Activation::Gelu { approximate: true },
    Activation::LeakyRelu { alpha: 5e-324 },
    Activation::Softsign,
];

fn arrays<S: State>(state: &S) -> Vec<Vec<u64>> {
    let arrays = state.to_arrays::<f64>().unwrap();
    let bits = |array: &Array2<f64>| array.iter().map(|x| x.to_bits()).collect();
    arrays.iter().map(bits).collect()
}

/// The same bits, with gaps in the mask, and the same options as they print.
fn same<R: Recurrent + Saved + std::fmt::Debug>(layer: &R) -> R {
    let back = again(layer);
    assert_eq!(format!("{back:?}"), format!("{layer:?}"));
    let (x, mask) = (
        numbers((OF.samples, OF.timesteps, OF.features), 3),
        mask(OF, 5),
    );
    let run = |layer: &R| {
        let (y, state) = layer.run(&x).mask(&mask).sequences_and_state().unwrap();
        let y: Vec<u64> = y.iter().map(|y| y.as_f64().to_bits()).collect();
        (y, arrays(&state))
    };
    assert!(run(&back) == run(layer), "{layer:?}");
    back
}

/// The builder with each of the options that all cells have.
macro_rules! with_options {
    ($builder:expr, $check:expr) => {
        for bias in [true, false] {
            for clip in [None, Some(0.3), Some(f64::MIN_POSITIVE)] {
                for act in ACTIVATIONS {
                    let builder = $builder.use_bias(bias).clip(clip).activation(act);
                    let builder = builder.dropout(0.1).recurrent_dropout(1.0);
                    $check(builder.bias_initializer(SPREAD).kernel_initializer(SPREAD));
                }
            }
        }
    };
}

fn every_cell<A: Element>() {
    let Shape {
        features, units, ..
    } = OF;
    with_options!(
        SimpleRnn::<A>::builder(features, units),
        |builder: recurrent::SimpleRnnBuilder<A>| {
            let rnn = builder.build().unwrap();
            let back = same(&rnn);
            assert_eq!(
                (back.dropout(), back.recurrent_dropout(), back.clip()),
                (0.1, 1.0, rnn.clip())
            );
            assert_eq!(back.activation(), rnn.activation());
            assert_eq!((back.kernel(), back.bias()), (rnn.kernel(), rnn.bias()));
        }
    );
    for reset_after in [true, false] {
        with_options!(
            Gru::<A>::builder(features, units),
            |builder: recurrent::GruBuilder<A>| {
                for gate in [Activation::Sigmoid, ACTIVATIONS[0]] {
                    let builder = builder.clone().recurrent_activation(gate);
                    let gru = builder.reset_after(reset_after).build().unwrap();
                    let back = same(&gru);
                    let options =
                        |gru: &Gru<A>| (gru.activation(), gru.recurrent_activation(), gru.clip());
                    assert_eq!(options(&back), options(&gru));
                    assert_eq!((back.reset_after(), back.bias()), (reset_after, gru.bias()));
                    assert_eq!(back.recurrent_kernel(), gru.recurrent_kernel());
                }
            }
        );
    }
    let matrix = |rows, columns| SPREAD.matrix::<A>(rows, columns, 9).unwrap();
    with_options!(
        Lstm::<A>::builder(features, units),
        |builder: recurrent::LstmBuilder<A>| {
            for extras in 0..32 {
                let mut builder = builder.clone().input_forget(extras & 1 > 0);
                if extras & 2 > 0 {
                    builder = builder.peepholes(matrix(3, units));
                }
                if extras & 4 > 0 {
                    builder = builder.projection(matrix(units, 2));
                }
                if extras & 8 > 0 {
                    builder = builder.output_activation(Activation::Softplus);
                    builder = builder.recurrent_activation(Activation::HARD_SIGMOID);
                }
                if extras & 16 > 0 {
                    let size = if extras & 4 > 0 { 2 } else { units };
                    let (h, c) = (matrix(1, size), matrix(1, units));
                    builder = builder.initial_state(LstmState { h, c });
                }
                let lstm = builder.build().unwrap();
                let back = same(&lstm);
                assert_eq!(back.initial_state(), lstm.initial_state());
                let options = |lstm: &Lstm<A>| {
                    let functions = (
                        lstm.activation(),
                        lstm.recurrent_activation(),
                        lstm.output_activation(),
                    );
                    (functions, lstm.clip(), lstm.input_forget())
                };
                assert_eq!(options(&back), options(&lstm));
                let weights = |lstm: &Lstm<A>| {
                    let kernels = (lstm.kernel(), lstm.recurrent_kernel(), lstm.bias());
                    (kernels, lstm.peepholes(), lstm.projection())
                };
                assert_eq!(weights(&back), weights(&lstm));
            }
        }
    );
}

#[test]
fn every_option_of_every_cell() {
    every_cell::<f32>();
    every_cell::<f64>();
}

fn lstm(features: usize, units: usize, seed: u64) -> Lstm<f32> {
    Lstm::builder(features, units).seed(seed).build().unwrap()
}

#[test]
fn layers_of_layers() {
    let gru = |features, units| Gru::<f32>::builder(features, units).build().unwrap();
    let (forward, backward) = (lstm(3, 4, 1), gru(3, 4));
    for merge in [
        MergeMode::Concat,
        MergeMode::Sum,
        MergeMode::Mul,
        MergeMode::Ave,
    ] {
        same(&Bidirectional::new(forward.clone(), backward.clone()).merge_mode(merge));
    }
    same(&lstm(3, 4, 1).then(gru(4, 2)).then(lstm(2, 5, 2)));
    // More than ten, so that their order is not that of the alphabet.
    let sizes: Vec<usize> = (3..16).collect();
    let deep = Deep::new(sizes.windows(2).map(|of| lstm(of[0], of[1], 7))).unwrap();
    assert_eq!(same(&deep).layers().len(), 12);
    let deep = deep.dropout(0.3).unwrap();
    assert!(format!("{:?}", same(&deep)).ends_with("dropout: 0.3 }"));
    let stacked = lstm(3, 4, 1).then(gru(4, 2)).dropout(0.7).unwrap();
    assert!(format!("{:?}", same(&stacked)).ends_with("dropout: 0.7 }"));
    let both =
        |features, seed| Bidirectional::new(lstm(features, 2, seed), lstm(features, 2, seed + 1));
    same(&Deep::new([both(3, 1), both(4, 3)]).unwrap());
}

#[test]
fn every_flag() {
    let x = numbers((OF.timesteps, OF.timesteps, 3), 3);
    let mask = mask(Shape { samples: 5, ..OF }, 5);
    for flags in 0..256 {
        let flag = |bit: u32| flags >> bit & 1 > 0;
        let layer = Layer::new(lstm(3, 4, 1))
            .return_sequences(flag(0))
            .return_state(flag(1))
            .go_backwards(flag(2))
            .in_time_order(flag(3))
            .zero_output_for_mask(flag(4))
            .time_major(flag(5))
            .stateful(flag(6))
            .mask_with_state(flag(7));
        let back = again(&layer);
        // All of its fields.
        assert_eq!(format!("{back:?}"), format!("{layer:?}"));
        let run =
            |layer: &Layer<_>| -> Output<f32, _> { layer.run(&x).mask(&mask).output().unwrap() };
        assert_eq!(run(&back), run(&layer));
    }
}

#[test]
fn weights_keep_every_bit() {
    let odd = [
        0x7f80_0001,
        0xffc1_2345,
        0x7f80_0000,
        0x8000_0000,
        1,
        0x007f_ffff,
        0x3f80_0000,
        0xff7f_ffff,
    ];
    let odd = odd.map(f32::from_bits);
    let kernel = Array2::from_shape_vec((2, 4), odd.into()).unwrap();
    let bias = Array1::from_vec(odd[..4].into());
    let lstm = Lstm::from_weights(kernel.clone(), Array2::zeros((1, 4)), bias).unwrap();
    let bits = |array: Array2<f32>| array.mapv(f32::to_bits);
    assert_eq!(bits(again(&lstm).kernel()), bits(kernel));
    let odd = [0x7ff0_0000_0000_0001, 0xfff8_dead_beef_0001, 1_u64 << 63, 1].map(f64::from_bits);
    let kernel = Array2::from_shape_vec((2, 2), odd.into()).unwrap();
    let rnn = SimpleRnn::from_weights(kernel.clone(), Array2::eye(2), None).unwrap();
    assert_eq!(
        again(&rnn).kernel().mapv(f64::to_bits),
        kernel.mapv(f64::to_bits)
    );
}
