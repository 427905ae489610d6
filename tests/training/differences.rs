//! Gradients against central differences, for every option of the cells and of the layers made of them.

use ndarray::{Array2, Array3};
use recurrent::train::check_gradient;
use recurrent::{
    Activation, AnyLayer, Bidirectional, Deep, Gru, HiddenState, Initializer, Layer, Lstm,
    LstmState, MergeMode, Model, Recurrent, SimpleRnn, Tensor,
};

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

/// Checks a layer that takes (samples, timesteps, 3), with its states as inputs of these sizes, without a mask and with
/// masks.
fn check(name: &str, states: &[usize], layer: impl Fn() -> Box<dyn AnyLayer<f64>>) {
    let masks = [
        "111111 111111",
        "111100 110000",
        "011011 001101",
        "101010 000000",
    ];
    for mask in masks {
        let mut graph = Model::graph();
        let mut nodes = vec![graph.input("x")];
        nodes.extend(states.iter().map(|_| graph.input("state")));
        let id = graph.layer("layer", layer()).unwrap();
        let outputs = graph.call_all(id, &nodes).unwrap();
        let mut model = graph.finish(&outputs).unwrap();
        let mut of_x = Tensor::new(&x(2, 6));
        if mask.contains('0') {
            let rows: Vec<bool> = mask
                .chars()
                .filter(|c| *c != ' ')
                .map(|c| c == '1')
                .collect();
            of_x = of_x.masked(&Array2::from_shape_vec((2, 6), rows).unwrap());
        }
        let states = (1..).zip(states);
        let states =
            states.map(|(seed, &size)| Tensor::new(&SPREAD.matrix(2, size, seed).unwrap()));
        let inputs: Vec<Tensor<f64>> = [of_x].into_iter().chain(states).collect();
        let found = check_gradient(&mut model, &inputs, &[]).unwrap();
        assert!(found.worst <= 1e-7, "{name}, {mask}: {found:?}");
        assert!(found.count > 36, "{name}: {found:?}");
    }
}

/// All that a layer returns.
fn all<R: Recurrent<Elem = f64> + 'static>(of: R) -> Layer<R> {
    Layer::new(of)
        .return_sequences(true)
        .return_state(true)
        .mask_with_state(true)
}

fn smooth() -> impl Iterator<Item = Activation> {
    [
        Activation::Linear,
        Activation::Sigmoid,
        Activation::Gelu { approximate: false },
        Activation::Gelu { approximate: true },
        Activation::Silu,
        Activation::Softplus,
        Activation::Mish,
        Activation::LogSigmoid,
        Activation::TanhShrink,
        Activation::Squareplus { b: 4.0 },
        Activation::Affine {
            alpha: 0.5,
            beta: 0.1,
        },
        Activation::ScaledTanh {
            alpha: 1.2,
            beta: 0.7,
        },
        Activation::Elu { alpha: 1.0 },
        Activation::Celu { alpha: 0.7 },
        Activation::SparsePlus,
    ]
    .into_iter()
}

#[test]
fn simple_rnn() {
    let of = || {
        SimpleRnn::<f64>::builder(FEATURES, UNITS)
            .bias_initializer(SPREAD)
            .seed(3)
    };
    check("tanh", &[UNITS], || Box::new(all(of().build().unwrap())));
    check("without bias", &[UNITS], || {
        Box::new(all(of().use_bias(false).build().unwrap()))
    });
    check("clip", &[], || {
        Box::new(all(of().clip(0.9).build().unwrap()))
    });
    for activation in smooth() {
        let layer = || of().activation(activation).build().unwrap();
        check(&activation.to_string(), &[], || Box::new(all(layer())));
    }
}

#[test]
fn lstm() {
    let of = || {
        Lstm::<f64>::builder(FEATURES, UNITS)
            .bias_initializer(SPREAD)
            .seed(3)
    };
    let peepholes = || SPREAD.matrix(3, UNITS, 5).unwrap();
    let projection = |size| SPREAD.matrix(UNITS, size, 6).unwrap();
    let both = [UNITS, UNITS];
    check("plain", &both, || Box::new(all(of().build().unwrap())));
    check("peepholes", &both, || {
        Box::new(all(of().peepholes(peepholes()).build().unwrap()))
    });
    check("coupled", &both, || {
        Box::new(all(of().input_forget(true).build().unwrap()))
    });
    check("clip", &both, || {
        Box::new(all(of().clip(0.9).build().unwrap()))
    });
    check("projection", &[2, UNITS], || {
        Box::new(all(of().projection(projection(2)).build().unwrap()))
    });
    check("output activation", &both, || {
        Box::new(all(of()
            .output_activation(Activation::Softsign)
            .build()
            .unwrap()))
    });
    check("everything", &[5, UNITS], || {
        let of = of().peepholes(peepholes()).input_forget(true).clip(0.9);
        Box::new(all(of.projection(projection(5)).build().unwrap()))
    });
    for activation in smooth() {
        let layer = || {
            of().activation(activation)
                .recurrent_activation(Activation::Softsign)
        };
        check(&activation.to_string(), &[], || {
            Box::new(all(layer().build().unwrap()))
        });
    }
}

#[test]
fn gru() {
    for reset_after in [true, false] {
        let of = || {
            let of = Gru::<f64>::builder(FEATURES, UNITS)
                .bias_initializer(SPREAD)
                .seed(3);
            of.reset_after(reset_after)
        };
        check("plain", &[UNITS], || Box::new(all(of().build().unwrap())));
        check("without bias", &[UNITS], || {
            Box::new(all(of().use_bias(false).build().unwrap()))
        });
        check("clip", &[UNITS], || {
            Box::new(all(of().clip(0.9).build().unwrap()))
        });
        check("others", &[UNITS], || {
            let of = of().activation(Activation::Softsign);
            Box::new(all(of
                .recurrent_activation(Activation::Tanh)
                .build()
                .unwrap()))
        });
    }
}

/// A layer with an initial state of its own, which learns where a call is given none.
#[test]
fn own_initial_states() {
    let row = |seed| SPREAD.matrix(1, UNITS, seed).unwrap();
    let lstm = |features| {
        let of = Lstm::<f64>::builder(features, UNITS)
            .bias_initializer(SPREAD)
            .seed(3);
        of.initial_state(LstmState {
            h: row(1),
            c: row(2),
        })
        .build()
        .unwrap()
    };
    let gru = |features| {
        let of = Gru::<f64>::builder(features, UNITS).seed(4);
        of.initial_state(HiddenState { h: row(3) }).build().unwrap()
    };
    let rnn = |features| {
        let of = SimpleRnn::<f64>::builder(features, UNITS).seed(5);
        of.initial_state(HiddenState { h: row(4) }).build().unwrap()
    };
    check("lstm", &[], || Box::new(all(lstm(FEATURES))));
    check("gru", &[], || Box::new(all(gru(FEATURES))));
    check("simple rnn", &[], || Box::new(all(rnn(FEATURES))));
    check("given", &[UNITS, UNITS], || Box::new(all(lstm(FEATURES))));
    check("stacked", &[], || {
        Box::new(all(lstm(FEATURES).then(gru(UNITS))))
    });
    check("deep", &[], || {
        Box::new(all(Deep::new([gru(FEATURES), gru(UNITS)]).unwrap()))
    });
    let both = || Bidirectional::new(lstm(FEATURES), rnn(FEATURES));
    check("both", &[], || Box::new(all(both())));
    check("apart", &[], || Box::new(all(both()).apart()));
}

#[test]
fn flags() {
    let lstm = || {
        Lstm::<f64>::builder(FEATURES, UNITS)
            .bias_initializer(SPREAD)
            .seed(3)
            .build()
    };
    let both = [UNITS, UNITS];
    let layer = || all(lstm().unwrap());
    check("last", &both, || Box::new(layer().return_sequences(false)));
    check("backwards", &both, || Box::new(layer().go_backwards(true)));
    check("backwards in time order", &both, || {
        Box::new(layer().go_backwards(true).in_time_order(true))
    });
    check("zero", &both, || {
        Box::new(layer().zero_output_for_mask(true))
    });
    check("zero, last", &both, || {
        Box::new(layer().zero_output_for_mask(true).return_sequences(false))
    });
}

#[test]
fn layers_made_of_layers() {
    let lstm = |features, seed| {
        let of = Lstm::<f64>::builder(features, UNITS).bias_initializer(SPREAD);
        of.seed(seed).build().unwrap()
    };
    let gru = |features, seed| {
        let of = Gru::<f64>::builder(features, UNITS).bias_initializer(SPREAD);
        of.seed(seed).build().unwrap()
    };
    check("stacked", &[UNITS; 3], || {
        Box::new(all(lstm(FEATURES, 1).then(gru(UNITS, 2))))
    });
    check("stacked, backwards", &[UNITS; 3], || {
        Box::new(all(lstm(FEATURES, 1).then(gru(UNITS, 2))).go_backwards(true))
    });
    check("deep", &[UNITS; 6], || {
        let layers = [lstm(FEATURES, 1), lstm(UNITS, 2), lstm(UNITS, 3)];
        Box::new(all(Deep::new(layers).unwrap()))
    });
    for mode in [
        MergeMode::Concat,
        MergeMode::Sum,
        MergeMode::Mul,
        MergeMode::Ave,
    ] {
        let both = || Bidirectional::new(lstm(FEATURES, 1), gru(FEATURES, 2)).merge_mode(mode);
        check(&mode.to_string(), &[UNITS; 3], || Box::new(all(both())));
        check(&mode.to_string(), &[UNITS; 3], || {
            Box::new(all(both()).return_sequences(false))
        });
        check(&mode.to_string(), &[UNITS; 3], || {
            Box::new(all(both()).go_backwards(true))
        });
    }
    let both = || Bidirectional::new(lstm(FEATURES, 1), gru(FEATURES, 2));
    check("apart", &[UNITS; 3], || Box::new(all(both()).apart()));
    check("apart, last", &[UNITS; 3], || {
        Box::new(all(both()).return_sequences(false).apart())
    });
    check("stacked in both directions", &[], || {
        let lower = Bidirectional::new(lstm(FEATURES, 1), gru(FEATURES, 2));
        Box::new(all(lower.then(gru(2 * UNITS, 3))))
    });
}
