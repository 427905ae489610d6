//! Cells of a user's own: masks, directions, streams, stacks and flags for free; misbehaviour ends in an error.

#[allow(dead_code)] // its `main`
#[path = "../examples/custom_cell.rs"]
mod example;

use ndarray::{Array2, Array3, ArrayView2, Axis, array, s};
use recurrent::{
    AnyLayer, Bidirectional, Causal, Cell, Error, HiddenState, Layer, Lstm, LstmState, MergeMode,
    Model, Recurrent, Result, Rnn, Session, State, Stream, Tensor,
};

/// h' = 0.5 h + x; the output is h', or twice that.
#[derive(Clone, Debug)]
struct Leaky {
    units: usize,
}

impl Cell for Leaky {
    type Elem = f64;
    type State = HiddenState<f64>;
    fn features(&self) -> usize {
        self.units
    }
    fn units(&self) -> usize {
        self.units
    }
    fn zero_state(&self, samples: usize) -> HiddenState<f64> {
        HiddenState::zeros(samples, self.units)
    }
    fn step(&self, x: ArrayView2<f64>, state: &mut HiddenState<f64>) {
        state.h.zip_mut_with(&x, |h, &x| *h = 0.5 * *h + x);
    }
    fn output<'s>(&self, state: &'s HiddenState<f64>) -> ArrayView2<'s, f64> {
        state.h.view()
    }
}

#[test]
fn masks_directions_streams_and_stacks_come_for_free() {
    let layer = Rnn(Leaky { units: 1 });
    let x = array![[[1.0], [2.0], [4.0]], [[1.0], [2.0], [4.0]]];
    assert_eq!(
        layer.run(&x).sequences().unwrap().index_axis(Axis(0), 0),
        array![[1.0], [2.5], [5.25]]
    );

    let mask = array![[true, false, true], [false, true, false]];
    let (hs, state) = layer.run(&x).mask(&mask).sequences_and_state().unwrap();
    assert_eq!(hs, array![[[1.0], [1.0], [4.5]], [[0.0], [2.0], [2.0]]]);
    assert_eq!(state.h, array![[4.5], [2.0]]);
    let last = layer
        .run(&x)
        .mask(&mask)
        .zero_output_for_mask()
        .last()
        .unwrap();
    assert_eq!(last, array![[4.5], [0.0]]);

    let back = layer.run(&x).go_backwards().sequences().unwrap();
    assert_eq!(back.index_axis(Axis(0), 0), array![[4.0], [4.0], [3.0]]);

    let mut live = layer.stream(2);
    for t in 0..3 {
        let h = live
            .push_masked(x.index_axis(Axis(1), t), &mask.column(t).to_vec())
            .unwrap();
        assert_eq!(h, hs.index_axis(Axis(1), t));
    }
    let one = array![[[1.0]]];
    let net = layer
        .clone()
        .then(Lstm::<f64>::builder(1, 2).build().unwrap());
    assert_eq!(net.run(&one).sequences().unwrap().dim(), (1, 1, 2));
    let bi = Bidirectional::new(layer.clone(), layer.clone());
    assert_eq!(bi.run(&x).last().unwrap(), array![[5.25, 3.0], [5.25, 3.0]]);
    let flags = Layer::new(layer).return_sequences(true);
    assert!(flags.forward(&x).unwrap().sequences().is_some());
}

/// A cell with a memory of its own kind, whose output is not its state: the running mean.
#[derive(Clone, Debug)]
struct Mean;

#[derive(Clone, Debug, PartialEq)]
struct Sums {
    sum: Array2<f32>,
    count: Vec<f32>,
    mean: Array2<f32>,
}

impl State for Sums {
    fn samples(&self) -> usize {
        self.count.len()
    }
    fn zeros_like(&self, samples: usize) -> Self {
        Sums {
            sum: Array2::zeros((samples, 1)),
            count: vec![0.0; samples],
            mean: Array2::zeros((samples, 1)),
        }
    }
    fn copy_sample(&mut self, row: usize, from: &Self, from_row: usize) -> Result<()> {
        self.sum[[row, 0]] = from.sum[[from_row, 0]];
        self.count[row] = from.count[from_row];
        self.mean[[row, 0]] = from.mean[[from_row, 0]];
        Ok(())
    }
    fn reset_sample(&mut self, row: usize) -> Result<()> {
        let zero = self.zeros_like(1);
        self.copy_sample(row, &zero, 0)
    }
}

impl Cell for Mean {
    type Elem = f32;
    type State = Sums;
    fn features(&self) -> usize {
        1
    }
    fn units(&self) -> usize {
        1
    }
    fn zero_state(&self, samples: usize) -> Sums {
        Sums {
            sum: Array2::zeros((samples, 1)),
            count: vec![0.0; samples],
            mean: Array2::zeros((samples, 1)),
        }
    }
    fn step(&self, x: ArrayView2<f32>, state: &mut Sums) {
        for row in 0..state.count.len() {
            state.sum[[row, 0]] += x[[row, 0]];
            state.count[row] += 1.0;
            state.mean[[row, 0]] = state.sum[[row, 0]] / state.count[row];
        }
    }
    fn output<'s>(&self, state: &'s Sums) -> ArrayView2<'s, f32> {
        state.mean.view()
    }
}

#[test]
fn an_output_need_not_be_the_state() {
    let layer = Rnn(Mean);
    let x = array![[[1.0], [3.0], [5.0]], [[2.0], [9.0], [9.0]]];
    let (h, state) = layer.run(&x).lengths(&[3, 1]).last_and_state().unwrap();
    assert_eq!(h, array![[3.0], [2.0]]);
    assert_eq!(state.count, [3.0, 1.0]);
    let (a, state) = layer
        .run(&x.slice(s![.., ..1, ..]))
        .last_and_state()
        .unwrap();
    assert_eq!(a, array![[1.0], [2.0]]);
    assert_eq!(
        layer
            .run(&x.slice(s![.., 1.., ..]))
            .initial_state(state)
            .last()
            .unwrap(),
        array![[3.0], [20.0 / 3.0]]
    );
}

/// A state that does not say how it is made of arrays cannot go from layer to layer as such.
#[test]
fn a_state_that_is_no_arrays_stays_in_its_layer() {
    let x = Tensor::new(&array![[[1.0_f32], [3.0]]]);
    let says = |layer: &Layer<_>, inputs: Vec<Tensor<f32>>| {
        layer.forward_all(inputs).unwrap_err().to_string()
    };
    let layer = Layer::new(Rnn(Mean));
    assert_eq!(
        says(&layer, vec![x.clone(), x.clone()]),
        "initial state is given, expected none: the state of this layer does not say how it is made of arrays"
    );
    assert_eq!(
        says(&layer.return_state(true), vec![x]),
        "return_state is true, expected false: the state of this layer does not say how it is made of arrays"
    );
}

/// Says one number of units and has another, at once or after its first step.
#[derive(Clone, Debug)]
struct Liar {
    at_once: bool,
}

impl Cell for Liar {
    type Elem = f32;
    type State = HiddenState<f32>;
    fn features(&self) -> usize {
        1
    }
    fn units(&self) -> usize {
        2
    }
    fn zero_state(&self, samples: usize) -> HiddenState<f32> {
        HiddenState::zeros(samples, if self.at_once { 3 } else { 2 })
    }
    fn step(&self, _: ArrayView2<f32>, state: &mut HiddenState<f32>) {
        state.h = Array2::zeros((state.h.nrows(), 3));
    }
    fn output<'s>(&self, state: &'s HiddenState<f32>) -> ArrayView2<'s, f32> {
        state.h.view()
    }
}

#[test]
fn a_cell_that_breaks_its_word_is_refused() {
    let expected = Error::Shape {
        array: "output of the state",
        axis: "units",
        expected: 2,
        found: 3,
    };
    for at_once in [false, true] {
        let layer = Rnn(Liar { at_once });
        let x = Array3::zeros((2, 3, 1));
        assert_eq!(layer.run(&x).last(), Err(expected.clone()));
        assert_eq!(layer.run(&x).lengths(&[0, 0]).sequences().is_err(), at_once);
        let mut live = layer.stream(2);
        assert_eq!(live.push(&[[0.0], [0.0]]), Err(expected.clone()));
        assert_eq!(
            layer.stream(2).push_slice(&[0.0, 0.0]),
            Err(expected.clone())
        );
        assert_eq!(
            layer.stream(2).push_masked(&[[0.0], [0.0]], &[true, false]),
            Err(expected.clone())
        );
    }
}

/// Counts from 5, and breaks its word where x is negative.
#[derive(Clone)]
struct FromFive;

impl Cell for FromFive {
    type Elem = f32;
    type State = HiddenState<f32>;
    fn features(&self) -> usize {
        1
    }
    fn units(&self) -> usize {
        1
    }
    fn zero_state(&self, samples: usize) -> HiddenState<f32> {
        HiddenState {
            h: Array2::from_elem((samples, 1), 5.0),
        }
    }
    fn step(&self, x: ArrayView2<f32>, state: &mut HiddenState<f32>) {
        if x[[0, 0]] < 0.0 {
            state.h = Array2::zeros((0, 1));
        } else {
            state.h += &x;
        }
    }
    fn output<'s>(&self, state: &'s HiddenState<f32>) -> ArrayView2<'s, f32> {
        state.h.view()
    }
}

#[test]
fn a_reset_begins_where_the_cell_begins() {
    let one = array![[[1.0]]];
    let layer = Layer::new(Rnn(FromFive));
    let mut session = Session::new(&layer);
    let mut live = Rnn(FromFive).into_stream(1);
    let model = Model::new().add(Layer::new(Rnn(FromFive)));
    let mut models = Session::new(&model);
    for _ in 0..2 {
        assert_eq!(
            session.forward(&one).unwrap(),
            recurrent::Output::Last(array![[6.0]])
        );
        assert_eq!(models.forward(&one).unwrap(), array![[6.0]].into_dyn());
        assert_eq!(live.push_slice(&[1.0]).unwrap(), [6.0]);
        session.reset_samples(&[0]).unwrap();
        models.reset_samples(&[0]).unwrap();
        live.reset_samples(&[0]).unwrap();
    }
    let all = |live: &mut Stream<_>| live.reset();
    let one = |live: &mut Stream<_>| live.reset_samples(&[0]).unwrap();
    for reset in [all, one] {
        live.push_slice(&[1.0]).unwrap();
        reset(&mut live);
        let masked = live.push_masked(&array![[1.0]], &[false]).unwrap();
        assert_eq!(masked, array![[0.0]], "no step was taken since");
        assert_eq!(live.push_slice(&[1.0]).unwrap(), [6.0]);
    }
}

#[test]
fn a_session_outlives_a_cell_that_breaks_its_word() {
    let layer = Layer::new(Rnn(FromFive));
    let mut session = Session::new(&layer);
    session.forward(&array![[[1.0]]]).unwrap();
    assert!(session.forward(&array![[[-1.0]]]).is_err());
    assert_eq!(session.state().unwrap().h, array![[6.0]]);
}

#[test]
fn the_example_is_a_mean_that_forgets() {
    let layer = example::means(&[0.0, 0.5, 1.0]);
    let x = array![[[8.0], [2.0], [5.0]]];
    let weighted = (0.25 * 8.0 + 0.5 * 2.0 + 5.0) / 1.75;
    let all = array![[[8.0, 8.0, 8.0], [2.0, 4.0, 5.0], [5.0, weighted, 5.0]]];
    let (found, state) = layer.run(&x).sequences_and_state().unwrap();
    assert!((&found - &all).iter().all(|d| d.abs() < 1e-12), "{found}");
    assert_eq!(state.c, array![[1.0, 1.75, 3.0]]);
    let one = layer.run(&x).mask(&array![[false, true, false]]).last();
    assert_eq!(one.unwrap(), array![[2.0, 2.0, 2.0]]);

    let mut live = layer.stream(1);
    for t in 0..3 {
        let mean = live.push_slice(&[x[[0, t, 0]]]).unwrap();
        assert!(mean.iter().eq(found.slice(s![0, t, ..])), "{t}");
    }
    let both = Bidirectional::new(example::means(&[1.0]), example::means(&[1.0]))
        .merge_mode(MergeMode::Ave);
    let both = both.run(&x).sequences().unwrap();
    assert_eq!(both, array![[[6.5], [4.25], [5.0]]]);

    let state = LstmState {
        h: array![[0.0, 0.0, 0.0]],
        c: array![[1.0, 2.0]],
    };
    let error = layer.run(&x).initial_state(state).last().unwrap_err();
    assert_eq!(
        error.to_string(),
        "state.c is (1, 2), expected of shape (1, 3)"
    );
}
