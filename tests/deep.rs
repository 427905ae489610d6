//! A `Deep` is its layers on top of each other: the same bits as `Stacked`, by every door.

mod support;

use ndarray::{Array1, Array3, Axis};
use recurrent::{
    BiState, Bidirectional, Causal, Deep, Gru, Layer, Lstm, Model, Recurrent, Session, State,
    Tensor,
};
use support::{Shape, input, mask};

const OF: Shape = Shape {
    samples: 4,
    timesteps: 6,
    features: 3,
    units: 5,
};

fn lstm(features: usize, units: usize, seed: u64) -> Lstm<f32> {
    let builder = Lstm::builder(features, units).seed(seed);
    builder.build().unwrap()
}

/// Three layers of different units.
fn layers() -> [Lstm<f32>; 3] {
    [lstm(3, 7, 1), lstm(7, 9, 2), lstm(9, 5, 3)]
}

fn both(features: usize, seed: u64) -> Bidirectional<Gru<f32>, Gru<f32>> {
    let gru = |seed| Gru::builder(features, 4).seed(seed).build().unwrap();
    Bidirectional::new(gru(seed), gru(seed + 10))
}

#[test]
fn every_run_is_that_of_the_stack() {
    let [a, b, c] = layers();
    let deep = Deep::new(layers()).unwrap();
    let stack = a.then(b).then(c);
    assert_eq!(deep.parameter_count(), stack.parameter_count());
    let (x, mask) = (input(OF, 1), mask(OF, 2));
    let (_, ((a, b), c)) = stack.run(&x).last_and_state().unwrap();
    let from = ((a.clone(), b.clone()), c.clone());
    let states = vec![a, b, c];
    for how in 0..8 {
        let (mut run, mut want) = (deep.run(&x), stack.run(&x).initial_state(from.clone()));
        run = run.initial_state(states.clone());
        if how & 1 > 0 {
            (run, want) = (run.mask(&mask), want.mask(&mask));
        }
        if how & 2 > 0 {
            (run, want) = (run.go_backwards(), want.go_backwards());
        }
        if how & 4 > 0 {
            (run, want) = (run.zero_output_for_mask(), want.zero_output_for_mask());
        }
        let (h, state) = run.sequences_and_state().unwrap();
        let (want, ((a, b), c)) = want.sequences_and_state().unwrap();
        assert_eq!(h, want, "{how}");
        assert_eq!(state, [a, b, c], "{how}");
    }
}

#[test]
fn a_stream_is_the_run() {
    let deep = Deep::new(layers()).unwrap();
    let (x, mask) = (input(OF, 3), mask(OF, 4));
    let (hs, state) = deep.run(&x).mask(&mask).sequences_and_state().unwrap();
    let mut live = deep.clone().into_stream(OF.samples);
    for (t, x) in x.axis_iter(Axis(1)).enumerate() {
        let h = live.push_masked(x, &mask.column(t).to_vec()).unwrap();
        assert_eq!(h, hs.index_axis(Axis(1), t));
    }
    assert_eq!(live.state(), &state);
    live.reset_samples(&[1]).unwrap();
    assert_eq!(live.state()[2].c.row(1), Array1::<f32>::zeros(5));
    assert_eq!(live.state()[2].c.row(0), state[2].c.row(0));
    live.set_state(state.clone()).unwrap();
    assert_eq!(live.into_state(), state);
}

#[test]
fn one_layer_is_that_layer() {
    let x = input(OF, 5);
    let one = lstm(3, 5, 6);
    let deep = Deep::new([one.clone()]).unwrap();
    assert_eq!(deep.layers().len(), 1);
    let (h, state) = deep.run(&x).go_backwards().last_and_state().unwrap();
    let (want, end) = one.run(&x).go_backwards().last_and_state().unwrap();
    assert_eq!((h, state), (want, vec![end]));
    assert_eq!(deep.into_layers()[0].kernel(), one.kernel());
}

#[test]
fn both_directions_of_a_layer_go_into_the_next() {
    let (lower, upper) = (both(3, 1), both(8, 2));
    let x = input(OF, 7);
    let lengths = [6, 2, 0, 5];
    let deep = Deep::new([lower.clone(), upper.clone()]).unwrap();
    let (h, state) = deep
        .run(&x)
        .lengths(&lengths)
        .sequences_and_state()
        .unwrap();
    let stack = lower.then(upper);
    let (want, (a, b)) = stack
        .run(&x)
        .lengths(&lengths)
        .sequences_and_state()
        .unwrap();
    assert_eq!(h, want);
    assert_eq!(state, [a, b]);
    assert_eq!(h.dim(), (4, 6, 8));
}

#[test]
fn sessions_and_models_keep_its_states() {
    let layer = Layer::new(Deep::new(layers()).unwrap()).return_sequences(true);
    let x = input::<f32>(OF, 8);
    let whole = layer.forward(&x).unwrap().into_sequences().unwrap();
    let (before, after) = x.view().split_at(Axis(1), 2);
    let mut session = Session::new(&layer);
    session.forward(&before.to_owned()).unwrap();
    let chunk = session.forward(&after.to_owned()).unwrap();
    let (_, end) = whole.view().split_at(Axis(1), 2);
    assert_eq!(chunk.into_sequences().unwrap(), end);
    // As a layer of a model: its output and its states, array by array, the lowest layer first.
    let mut graph = Model::graph();
    let input = graph.input("x");
    let deep = graph
        .layer("deep", layer.clone().return_state(true))
        .unwrap();
    let outputs = graph.call_all(deep, [input]).unwrap();
    let model = graph.finish(outputs).unwrap();
    let out = model.forward_all([Tensor::new(&x)]).unwrap();
    assert_eq!(out.len(), 7);
    assert_eq!(out[0].values, whole.into_dyn());
    let (_, state) = layer.run(&x).last_and_state().unwrap();
    assert_eq!(out[3].values, state[1].h.clone().into_dyn());
    assert_eq!(out[6].values, state[2].c.clone().into_dyn());
    let mut live = Session::new(&model);
    let mut steps = Vec::new();
    for t in 0..OF.timesteps {
        let x = x.index_axis(Axis(1), t).insert_axis(Axis(1)).to_owned();
        steps = live.step_all([Tensor::new(&x)]).unwrap();
    }
    assert_eq!(steps[6].values, state[2].c.clone().into_dyn());
}

#[test]
fn states_of_layers_are_one_state() {
    let deep = Deep::new([both(3, 1), both(8, 2)]).unwrap();
    let state: Vec<BiState<_, _>> = deep.run(&input(OF, 9)).last_and_state().unwrap().1;
    assert_eq!(state.samples(), 4);
    let picked = state.select(&[2, 0]).unwrap();
    assert_eq!(picked[1].backward.h.row(0), state[1].backward.h.row(2));
    let arrays = state.to_arrays::<f32>().unwrap();
    assert_eq!((arrays.len(), &arrays[1]), (4, &state[0].backward.h));
    let back = deep.zero_state(4).with_arrays(&mut arrays.into_iter());
    assert_eq!(back, Some(state.clone()));
    let mut fewer = vec![state[0].clone()];
    let error = fewer.copy_sample(0, &state, 0).unwrap_err();
    assert_eq!(error.to_string(), "state has 2 layers, expected 1");
    let mut reset = state;
    reset.reset_samples(&[3]).unwrap();
    assert_eq!(reset[1].forward.h.row(3), Array1::<f32>::zeros(4));
}

#[test]
fn what_does_not_fit_is_refused() {
    let says = |result: recurrent::Result<Deep<Lstm<f32>>>, message: &str| {
        assert_eq!(result.unwrap_err().to_string(), message);
    };
    says(Deep::new([]), "number of layers is 0, expected at least 1");
    says(
        Deep::new([lstm(3, 4, 1), lstm(5, 4, 1)]),
        "output of the lower layer has 4 units, expected 5",
    );
    let deep = Deep::new(layers()).unwrap();
    let x = Array3::zeros((2, 1, 3));
    let refused = |states| {
        deep.run(&x)
            .initial_state(states)
            .last()
            .unwrap_err()
            .to_string()
    };
    let mut states = deep.zero_state(2);
    states[1].c = ndarray::Array2::zeros((2, 8));
    assert_eq!(
        refused(states.clone()),
        "layer 1 (lstm): state.c has 8 units, expected 9"
    );
    states.pop();
    assert_eq!(refused(states), "state has 2 layers, expected 3");
}
