//! A model that is fed one timestep at a time: the bits of a session and of whole calls, and what it refuses.

mod support;

use ndarray::{Array2, Array3, ArrayD, Axis, Slice, array};
use recurrent::{
    Activation, Bidirectional, Conv1d, Dense, Element, Embedding, Gru, Layer, Lstm, Masking, Merge,
    Model, ModelStream, Padding, Result, Rnn, Session, State, Tensor, TimeDistributed,
};
use std::sync::Arc;
use support::models::{Case, input_of, models};
use support::{SHAPES, Shape, mask, numbers};

fn bits<A: Element>(y: impl IntoIterator<Item = A>) -> Vec<u64> {
    y.into_iter().map(|y| y.as_f64().to_bits()).collect()
}

/// One timestep of an array.
fn at<A: Element>(x: &ArrayD<A>, t: usize) -> ArrayD<A> {
    x.index_axis(Axis(1), t).as_standard_layout().into_owned()
}

fn shapes() -> impl Iterator<Item = Shape> {
    SHAPES
        .into_iter()
        .map(|(samples, timesteps, features, units)| Shape {
            samples,
            timesteps,
            features,
            units,
        })
}

/// The newest output of a whole call of the timesteps up to `t`.
fn whole<A: Element>(
    case: &Case<A>,
    x: &ArrayD<A>,
    mask: Option<&Array2<bool>>,
    t: usize,
) -> ArrayD<A> {
    let until = Slice::from(..=t);
    let x = x.slice_axis(Axis(1), until).to_owned();
    let y = match mask {
        Some(mask) => {
            let mask = mask.slice_axis(Axis(1), until).to_owned();
            case.model.forward_masked(&x, &mask)
        }
        None => case.model.forward(&x),
    };
    let y = y.unwrap_or_else(|error| panic!("{}: {error}", case.name));
    if is_sequence(case) {
        return y.index_axis_move(Axis(1), t);
    }
    y
}

fn is_sequence<A: Element>(case: &Case<A>) -> bool {
    // As a summary tells it: (None, None, units) or (None, units); one layer of the list says nothing.
    let (_, shape) = case.model.outputs().next().unwrap();
    match shape.axes() {
        Some(axes) => axes.len() > 2 && axes[1].is_none(),
        None => true,
    }
}

fn steps_are_the_whole<A: Element>(of: Shape) {
    for case in models::<A>(of) {
        let x = input_of(&case, of, 21);
        for masked in [false, true] {
            if masked && !case.masks {
                continue;
            }
            let what = format!("{}, {of:?}, masked: {masked}", case.name);
            let mask = masked.then(|| mask(of, 22));
            let mut live = case
                .model
                .stream(of.samples)
                .unwrap_or_else(|e| panic!("{what}: {e}"));
            let mut session = Session::new(&case.model);
            for pass in ["first", "after a reset"] {
                for t in 0..of.timesteps {
                    let now = at(&x, t);
                    let row = mask.as_ref().map(|mask| mask.column(t).to_vec());
                    let y = match &row {
                        Some(row) => live.push_masked(&now, row),
                        None => live.push(&now),
                    };
                    let y = y.unwrap_or_else(|e| panic!("{what}: {e}")).to_owned();
                    let stepped = match &row {
                        Some(row) => session.step_masked(&now, row),
                        None => session.step(&now),
                    };
                    let stepped = stepped.unwrap();
                    let expected = whole(&case, &x, mask.as_ref(), t);
                    assert_eq!(y.shape(), expected.shape(), "{what}");
                    assert_eq!(
                        bits(y),
                        bits(expected.clone()),
                        "{what}, {pass} pass, t = {t}"
                    );
                    assert_eq!(stepped.shape(), expected.shape(), "{what}");
                    assert_eq!(bits(stepped), bits(expected), "{what}: session, t = {t}");
                }
                live.reset();
                session.reset();
            }
        }
    }
}

#[test]
fn a_push_is_a_step_is_the_newest_of_a_whole_call() {
    for of in shapes() {
        steps_are_the_whole::<f32>(of);
        if of.units < 16 {
            steps_are_the_whole::<f64>(of);
        }
    }
}

const OF: Shape = Shape {
    samples: 4,
    timesteps: 6,
    features: 3,
    units: 5,
};

#[test]
fn slices_are_the_same_as_arrays() {
    for case in models::<f32>(OF) {
        let x = input_of(&case, OF, 3);
        let (mut slices, mut arrays) =
            (case.model.stream(4).unwrap(), case.model.stream(4).unwrap());
        for t in 0..OF.timesteps {
            let now = at(&x, t);
            let turned = now.t().as_standard_layout().into_owned();
            let y = bits(slices.push_slice(now.as_slice().unwrap()).unwrap().to_vec());
            assert_eq!(
                y,
                bits(arrays.push(&turned.t()).unwrap().to_owned()),
                "{}",
                case.name
            );
        }
    }
}

/// Any of the samples begins anew, and the others go on.
#[test]
fn one_sample_begins_anew() {
    for case in models::<f32>(OF) {
        let x = input_of(&case, OF, 4);
        let mut live = case.model.stream(4).unwrap();
        let mut session = Session::new(&case.model);
        let (mut old, mut fresh) = (case.model.stream(4).unwrap(), case.model.stream(4).unwrap());
        for t in 0..OF.timesteps {
            let now = at(&x, t);
            if t == 3 {
                assert!(live.reset_samples(&[1, 4]).is_err());
                live.reset_samples(&[1]).unwrap();
                if session.state().unwrap().samples() > 0 {
                    session.reset_samples(&[1]).unwrap(); // without a state there is nothing to reset
                }
            }
            let y = live.push(&now).unwrap().to_owned();
            assert_eq!(session.step(&now).unwrap(), y, "{}", case.name);
            let old = old.push(&now).unwrap();
            for sample in [0, 2, 3] {
                let row =
                    |y: ndarray::ArrayViewD<f32>| y.index_axis_move(Axis(0), sample).to_owned();
                assert_eq!(row(y.view()), row(old.view()), "{}", case.name);
            }
            if t >= 3 {
                let fresh = fresh.push(&now).unwrap();
                assert_eq!(
                    y.index_axis(Axis(0), 1),
                    fresh.index_axis(Axis(0), 1),
                    "{}",
                    case.name
                );
            }
        }
    }
}

/// What a stream leaves, a stream or a session goes on with, also behind masked steps.
#[test]
fn a_snapshot_is_gone_on_with() {
    for case in models::<f32>(OF) {
        let x = input_of(&case, OF, 5);
        let all = mask(OF, 6);
        let row = |t| all.column(t).to_vec();
        let masks = case.masks;
        let mut live = case.model.stream(4).unwrap();
        let push = |live: &mut ModelStream<_, _>, t: usize| {
            let now = at(&x, t);
            let y = if masks {
                live.push_masked(&now, &row(t))
            } else {
                live.push(&now)
            };
            y.unwrap().to_owned()
        };
        for t in 0..OF.timesteps {
            let snapshot = live.snapshot().unwrap();
            let mut other = case.model.stream(4).unwrap();
            other.push(&at(&x, 5 - t)).unwrap();
            other.resume(snapshot.clone()).unwrap();
            let mut session = Session::new(&case.model);
            session.resume(snapshot).unwrap();
            let expected = push(&mut live, t);
            assert_eq!(push(&mut other, t), expected, "{}, {t}", case.name);
            let stepped = if masks {
                session.step_masked(&at(&x, t), &row(t))
            } else {
                session.step(&at(&x, t))
            };
            assert_eq!(stepped.unwrap(), expected, "{}, {t}: session", case.name);
            assert_eq!(
                session.snapshot().unwrap(),
                Some(live.snapshot().unwrap()),
                "{}",
                case.name
            );
        }
        if live.snapshot().unwrap().arrays().is_empty() {
            continue; // of no samples at all
        }
        let before = live.snapshot().unwrap();
        let of_two = case.model.stream(2).unwrap().snapshot().unwrap();
        assert!(live.resume(of_two).is_err(), "{}", case.name);
        assert_eq!(live.snapshot().unwrap(), before, "{}", case.name);
    }
}

/// A session goes from whole calls to steps and back, from the same states.
#[test]
fn calls_and_steps_take_turns() {
    let lstm = |features| Layer::new(Lstm::<f64>::builder(features, 5).build().unwrap());
    let model = Model::new()
        .add(lstm(3).return_sequences(true))
        .add(Model::new().add(lstm(5).return_sequences(true)));
    let x = numbers::<f64>((4, 7, 3), 8);
    let expected = model.forward(&x).unwrap();
    let mut session = Session::new(&model);
    let part = |from: usize, to: usize| x.slice_axis(Axis(1), Slice::from(from..to)).to_owned();
    let check = |y: ArrayD<f64>, from: usize, to: usize| {
        assert_eq!(y, expected.slice_axis(Axis(1), Slice::from(from..to)));
    };
    check(session.forward(&part(0, 2)).unwrap(), 0, 2);
    for t in [2, 3] {
        let y = session.step(&x.index_axis(Axis(1), t)).unwrap();
        check(y.insert_axis(Axis(1)), t, t + 1);
    }
    check(session.forward(&part(4, 6)).unwrap(), 4, 6);
    let y = session.step(&x.index_axis(Axis(1), 6)).unwrap();
    check(y.insert_axis(Axis(1)), 6, 7);
    // Another number of samples is refused, also by a step, and changes nothing.
    let kept = session.snapshot().unwrap();
    assert!(session.step(&Array2::zeros((3, 3))).is_err());
    assert_eq!(session.snapshot().unwrap(), kept);
    session.reset();
    assert!(session.step(&Array2::zeros((3, 3))).is_ok());
}

/// Masked steps behind a whole call are a masked call: 0 before the first real step, not the output that the state had.
#[test]
fn masked_steps_behind_a_call_are_a_masked_call() {
    for zeros in [false, true] {
        let lstm = |features| Lstm::<f64>::builder(features, 5).build().unwrap();
        let layer = |features| {
            let layer = Layer::new(lstm(features)).return_sequences(true);
            layer.zero_output_for_mask(zeros)
        };
        let inner = Model::new().add(layer(5));
        let model = Model::new().add(layer(3)).add(inner);
        let (x, mask) = (numbers::<f64>((4, 8, 3), 8), mask(OF, 9));
        let (before, after) = x.view().split_at(Axis(1), 2);
        let (mut steps, mut calls) = (Session::new(&model), Session::new(&model));
        steps.forward(&before).unwrap();
        calls.forward(&before).unwrap();
        let mut live = model.stream(4).unwrap();
        live.resume(calls.snapshot().unwrap().unwrap()).unwrap();
        let whole = calls.forward_masked(&after, &mask).unwrap();
        for t in 0..OF.timesteps {
            let (now, row) = (after.index_axis(Axis(1), t), mask.column(t).to_vec());
            let expected = whole.index_axis(Axis(1), t);
            assert_eq!(steps.step_masked(&now, &row).unwrap(), expected, "{t}");
            assert_eq!(live.push_masked(&now, &row).unwrap(), expected, "{t}");
        }
        // A sample that took steps and is reset has taken none.
        live.reset_samples(&[0]).unwrap();
        steps.reset_samples(&[0]).unwrap();
        let expected = live.snapshot().unwrap();
        assert_eq!(steps.snapshot().unwrap(), Some(expected.clone()));
        let started: Vec<f64> = expected.arrays()[0].as_ref().unwrap()[2]
            .iter()
            .copied()
            .collect();
        assert_eq!(started, [0.0, 0.0, 1.0, 1.0], "sample 1 is masked wholly");
    }
}

fn says<T>(result: Result<T>, message: &str) {
    assert_eq!(result.err().unwrap().to_string(), message);
}

#[test]
fn what_cannot_be_streamed_is_refused_when_it_is_made() {
    let gru = || Gru::<f32>::builder(2, 3).build().unwrap();
    let both = Layer::new(Bidirectional::new(gru(), gru())).return_sequences(true);
    let model = Model::new().add(Masking::new(0.0)).add(both);
    says(
        model.stream(1),
        "layer 1 (bidirectional): input is one timestep, expected a whole sequence: it reads from both ends",
    );
    let backwards = Model::new().add(Layer::new(gru()).go_backwards(true));
    assert!(backwards.into_stream(1).is_err());
    says(
        Model::<f32>::new().add(Masking::new(0.0)).stream(1),
        "shape of a timestep is unknown, expected known: say it where the model is made, `.input(\"input\", [None, None, \
         Some(features)])`",
    );
    let narrow = Model::new()
        .add_as("first", Layer::new(gru()))
        .input("x", [None, None, Some(7)]);
    says(
        narrow.stream(1),
        "layer 0 (first): input has 7 features, expected 2",
    );
    assert!(
        Model::new()
            .add(Layer::new(gru()))
            .stream(usize::MAX / 2)
            .is_err()
    );
}

#[test]
fn the_first_layer_that_has_weights_says_what_comes_in() {
    let eye = || Array2::<f32>::eye(3);
    let dense = || Dense::from_weights(eye(), None).unwrap();
    let lstm = || Layer::new(Lstm::<f32>::builder(3, 3).build().unwrap());
    let kernel = Array3::ones((2, 3, 1));
    let conv = Conv1d::builder().padding(Padding::Causal);
    let before = || {
        Model::<f32>::new()
            .add(Masking::new(0.0))
            .add(Activation::Tanh)
    };
    for model in [
        before().add(dense()),
        before().add(lstm()),
        before().add(conv.from_weights(kernel, None).unwrap()),
        before().add(TimeDistributed::new(dense())),
        before().add(Model::new().add(Activation::Relu).add(lstm())),
        before().add(Model::new().add(Activation::Relu)).add(lstm()),
    ] {
        let mut live = model.stream(2).unwrap();
        assert!(live.push_slice(&[0.5; 6]).is_ok(), "{model:?}");
        says(
            live.push_slice(&[0.5; 5]).map(drop),
            "input has 5 numbers (samples x features), expected 6",
        );
    }
    let ids = Model::new()
        .add(Embedding::from_weights(eye()).unwrap())
        .add(lstm());
    assert!(ids.stream(2).unwrap().push_slice(&[0.0, 2.0]).is_ok());
}

#[test]
fn inputs_and_masks_of_other_shapes_are_refused() {
    let model = Model::new().add(Layer::new(Lstm::<f32>::builder(3, 2).build().unwrap()));
    let mut live = model.stream(2).unwrap();
    let twin = live
        .push(&array![[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
        .unwrap()
        .to_owned();
    says(
        live.push(&Array2::zeros((3, 3))).map(drop),
        "shape of the input is [3, 3], expected [2, 3]",
    );
    says(
        live.push(&Array3::zeros((2, 1, 3))).map(drop),
        "shape of the input is [2, 1, 3], expected [2, 3]",
    );
    says(
        live.push_masked(&Array2::zeros((2, 3)), &[true]).map(drop),
        "mask has 1 sample, expected 2",
    );
    says(live.push_all(&[]), "number of inputs is 0, expected 1");
    live.reset();
    let again = live
        .push(&array![[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
        .unwrap();
    assert_eq!(again, twin);
    assert_eq!((live.samples(), live.output(1)), (2, None));
}

#[test]
fn several_inputs_and_outputs() {
    let mut graph = Model::graph();
    let (x, y) = (graph.input("x"), graph.input_of("y", [None, None, Some(2)]));
    let lstm = Layer::new(Lstm::<f32>::builder(3, 2).build().unwrap());
    let lstm = graph
        .layer("lstm", lstm.return_sequences(true).return_state(true))
        .unwrap();
    let [h, _, c] = graph.call(lstm, [x]).unwrap();
    let sum = graph.add("sum", Merge::Add, [h, y]).unwrap();
    let model = graph.finish([sum, c]).unwrap();
    let (x, y) = (numbers::<f32>((2, 5, 3), 1), numbers::<f32>((2, 5, 2), 2));
    let whole = model
        .forward_all([Tensor::new(&x), Tensor::new(&y)])
        .unwrap();
    let mut live = model.stream(2).unwrap();
    for t in 0..5 {
        let [x, y] = [&x, &y].map(|x| x.index_axis(Axis(1), t).as_standard_layout().into_owned());
        live.push_all(&[x.as_slice().unwrap(), y.as_slice().unwrap()])
            .unwrap();
        let now = whole[0].values.index_axis(Axis(1), t);
        assert_eq!(
            live.output(0).unwrap(),
            now.as_standard_layout().as_slice().unwrap()
        );
    }
    assert_eq!(live.output(1).unwrap(), whole[1].values.as_slice().unwrap());
    says(
        live.push_slice(&[0.0; 6]).map(drop),
        "number of inputs and outputs is 2 and 2, expected 1 and 1: `push_all` takes all inputs, `output` gives all outputs",
    );
}

/// A refusal of a late layer leaves the states of all as they were.
#[test]
fn a_refused_push_changes_nothing() {
    let table = || Embedding::from_weights(Array2::<f32>::ones((3, 2))).unwrap();
    let conv = Conv1d::builder().padding(Padding::Causal);
    let conv = conv.from_weights(numbers((2, 2, 2), 1), None).unwrap();
    let cell = || Rnn(support::models::Leaky::<f32>::new(2));
    let lstm = || Layer::new(Lstm::<f32>::builder(2, 2).build().unwrap()).return_sequences(true);
    let mut graph = Model::graph();
    let (x, ids) = (
        graph.input_of("x", [None, None, Some(2)]),
        graph.input_of("ids", [None, None]),
    );
    let inner = Model::new()
        .add(lstm())
        .add(conv)
        .add(Layer::new(cell()).return_sequences(true));
    let h = graph.add("inner", inner, [x]).unwrap();
    let e = graph.add("table", table(), [ids]).unwrap();
    let sum = graph.add("sum", Merge::Add, [h, e]).unwrap();
    let model = graph.finish([sum]).unwrap();
    let refused = "layer 1 (table): token id is 3, expected a whole number from 0 to below 3";
    let mut live = model.stream(1).unwrap();
    let mut session = Session::new(&model);
    let flows = |x: [f32; 2], id: f32| {
        [
            Tensor::new(&array![[[x[0], x[1]]]]),
            Tensor::new(&array![[id]]),
        ]
    };
    says(session.step_all(flows([0.5, 0.1], 3.0)), refused);
    assert!(session.state().is_none(), "a session that never stepped");
    for (t, x) in [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]].into_iter().enumerate() {
        let before = live.snapshot().unwrap();
        says(live.push_all(&[&[0.9, 0.9], &[3.0]]), refused);
        assert_eq!(live.snapshot().unwrap(), before, "{t}");
        says(session.step_all(flows([0.9, 0.9], 3.0)), refused);
        live.push_all(&[&x, &[1.0]]).unwrap();
        let y = session.step_all(flows(x, 1.0)).unwrap();
        assert_eq!(live.output(0).unwrap(), y[0].values.as_slice().unwrap());
        assert_eq!(session.snapshot().unwrap(), Some(live.snapshot().unwrap()));
    }
    assert_ne!(
        live.snapshot().unwrap(),
        model.stream(1).unwrap().snapshot().unwrap()
    );
}

#[test]
fn streams_own_or_share_their_model_and_move_to_other_threads() {
    fn sent<T: Send + 'static>(_: &T) {}
    let model = Arc::new(Model::new().add(Layer::new(Gru::<f32>::builder(1, 2).build().unwrap())));
    let expected = model
        .stream(1)
        .unwrap()
        .push_slice(&[0.5])
        .unwrap()
        .to_vec();
    let mut shared = ModelStream::new(Arc::clone(&model), 1).unwrap();
    sent(&shared);
    assert_eq!(shared.model().layers().len(), 1);
    let y = std::thread::spawn(move || shared.push_slice(&[0.5]).unwrap().to_vec());
    assert_eq!(y.join().unwrap(), expected);
    let mut owned = Arc::into_inner(model).unwrap().into_stream(1).unwrap();
    sent(&owned);
    assert_eq!(owned.push_slice(&[0.5]).unwrap(), expected);
    assert_eq!(
        format!("{owned:?}"),
        "ModelStream { model: [\"gru\"], samples: 1, .. }"
    );
}
