//! Feature `rayon`: a call gives the same bits on any number of threads, and leaves the same state.

mod support;

use ndarray::Axis;
use recurrent::{
    Bidirectional, Causal, Cell, Element, Gru, HiddenState, Initializer, Lstm, MergeMode,
    Recurrent, Rnn, SimpleRnn, State,
};
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{Shape, input, mask};

/// Work for several threads, and samples that do not fall into equal shares.
const OF: Shape = Shape {
    samples: 7,
    timesteps: 200,
    features: 32,
    units: 48,
};

fn on<T: Send>(threads: usize, call: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(call)
}

/// All that a layer says under every option of a call.
fn said<R>(layer: &R, of: Shape) -> (Vec<f64>, Vec<R::State>)
where
    R: Recurrent<State: State>,
{
    let (x, mask) = (input::<R::Elem>(of, 1), mask(of, 2));
    let lengths: Vec<usize> = (0..of.samples).map(|i| of.timesteps - 23 * i).collect();
    let (last, from) = layer.run(&x).last_and_state().unwrap();
    let mut numbers: Vec<f64> = last.iter().map(|h| h.as_f64()).collect();
    let mut states = vec![from.clone()];
    for run in [
        layer.run(&x).mask(&mask).initial_state(from.clone()),
        layer.run(&x).mask(&mask).zero_output_for_mask(),
        layer.run(&x).lengths(&lengths),
        layer.run(&x).go_backwards().initial_state(from.clone()),
        layer.run(&x).go_backwards().in_time_order().mask(&mask),
    ] {
        let (hs, state) = run.sequences_and_state().unwrap();
        numbers.extend(hs.iter().map(|h| h.as_f64()));
        states.push(state);
    }
    (numbers, states)
}

fn agree<R>(layer: &R, of: Shape)
where
    R: Recurrent<State: State + PartialEq + Debug>,
{
    let expected = on(1, || said(layer, of));
    for threads in [2, 3, 5, 16] {
        assert!(on(threads, || said(layer, of)) == expected, "{threads}");
    }
}

fn every_layer<A: Element>() {
    let Shape {
        features, units, ..
    } = OF;
    let lstm = |features| Lstm::<A>::builder(features, units).build().unwrap();
    let gru = |seed| Gru::<A>::builder(features, units).seed(seed);
    let [after, before] = [true, false].map(|after| gru(1).reset_after(after).build().unwrap());
    let rnn = SimpleRnn::<A>::builder(features, units).build().unwrap();
    agree(&rnn, OF);
    agree(&after, OF);
    agree(&before, OF);
    agree(&lstm(features), OF);
    let both = Bidirectional::new(lstm(features), after).merge_mode(MergeMode::Sum);
    agree(&both, OF);
    agree(&both, Shape { samples: 1, ..OF });
    agree(&both.then(lstm(units)).then(lstm(units)), OF);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    every_layer::<f32>();
    every_layer::<f64>();
}

/// Layers whose steps are long enough to be shared out, as awkward as their sizes may be.
#[test]
fn the_step_of_one_sample_is_shared_out() {
    fn same<R>(layer: &R)
    where
        R: Causal<State: State + PartialEq + Debug> + Clone,
    {
        for samples in [1, 2] {
            let (timesteps, features) = (40, layer.features());
            let units = layer.units();
            agree(
                layer,
                Shape {
                    samples,
                    timesteps,
                    features,
                    units,
                },
            );
        }
        let of = Shape {
            samples: 1,
            timesteps: 5,
            features: layer.features(),
            units: 0,
        };
        let x = input(of, 4);
        let expected = layer.run(&x).sequences().unwrap();
        for threads in [1, 2, 3, 16] {
            let mut live = layer.clone().into_stream(1).threads(threads);
            for (t, x) in x.axis_iter(Axis(1)).enumerate() {
                let h = on(threads, || live.push(x).unwrap().to_owned());
                assert_eq!(h, expected.index_axis(Axis(1), t), "{threads}");
            }
        }
    }
    let spread = Initializer::GlorotUniform; // orthogonal ones of this size take their time
    let lstm = |features, units| {
        let lstm = Lstm::<f32>::builder(features, units).recurrent_initializer(spread);
        lstm.build().unwrap()
    };
    same(&lstm(7, 265));
    same(&lstm(3, 300).then(lstm(300, 257)));
    let narrow = Lstm::<f64>::builder(9, 263).recurrent_initializer(spread);
    let narrow = narrow.projection(Initializer::GlorotUniform.matrix(263, 200, 5).unwrap());
    same(&narrow.build().unwrap());
    for reset_after in [true, false] {
        let gru = Gru::<f32>::builder(5, 307).recurrent_initializer(spread);
        same(&gru.reset_after(reset_after).build().unwrap());
    }
    let rnn = SimpleRnn::<f64>::builder(11, 521).recurrent_initializer(spread);
    same(&rnn.build().unwrap());
}

#[test]
fn two_outputs_are_shared_out_too() {
    let gru = |seed| Gru::<f32>::builder(OF.features, OF.units).seed(seed);
    let both = Bidirectional::new(gru(1).build().unwrap(), gru(2).build().unwrap());
    let x = input(OF, 3);
    let expected = on(1, || both.run_apart(&x).sequences_and_state().unwrap());
    let found = on(2, || both.run_apart(&x).sequences_and_state().unwrap());
    assert!(found == expected);
}

/// Adds the mean of the batch, which a part of it does not have.
struct Mean {
    units: usize,
    most_samples: AtomicUsize,
}

impl Cell for Mean {
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
    fn step(&self, x: ndarray::ArrayView2<f64>, state: &mut HiddenState<f64>) {
        self.most_samples.fetch_max(x.nrows(), Ordering::Relaxed);
        let mean = x.sum() / x.len() as f64;
        state.h.zip_mut_with(&x, |h, x| *h = 0.9 * *h + x - mean);
    }
    fn output<'s>(&self, state: &'s HiddenState<f64>) -> ndarray::ArrayView2<'s, f64> {
        state.h.view()
    }
}

#[test]
fn a_cell_that_looks_at_the_whole_batch_gets_it() {
    let cell = Rnn(Mean {
        units: OF.units,
        most_samples: AtomicUsize::new(0),
    });
    let lstm = Lstm::builder(OF.features, OF.units).build().unwrap();
    let x = input(OF, 4);
    let stack = lstm.then(&cell);
    let expected = on(1, || stack.run(&x).sequences().unwrap());
    assert!(on(4, || stack.run(&x).sequences().unwrap()) == expected);
    assert_eq!(cell.0.most_samples.load(Ordering::Relaxed), OF.samples);
}

#[test]
fn a_stream_stays_on_its_thread() {
    let lstm = Lstm::<f32>::builder(64, 512).build().unwrap();
    let x = vec![0.5; 64];
    let alone = lstm.stream(1).push_slice(&x).unwrap().to_vec();
    let pushed = on(2, || lstm.stream(1).push_slice(&x).unwrap().to_vec());
    assert_eq!(pushed, alone);
}
