//! Parts of models, against the whole.

mod support;

use ndarray::{Array2, Array3, ArrayD, Axis, s};
use recurrent::{
    AnyLayer, Attention, Dense, Embedding, Gru, Layer, Lstm, Merge, Model, Recurrent, Result,
    Tensor,
};
use std::sync::Arc;
use support::numbers;

fn lstm(features: usize) -> Lstm<f32> {
    Lstm::builder(features, 4)
        .seed(features as u64)
        .build()
        .unwrap()
}

fn matrix(rows: usize, columns: usize) -> Array2<f32> {
    numbers((1, rows, columns), 5).remove_axis(Axis(0))
}

fn dense(features: usize, units: usize) -> Dense<f32> {
    Dense::from_weights(matrix(features, units), None).unwrap()
}

/// An encoder whose states a decoder starts from, and an attention over the encoder.
fn seq2seq() -> Model<f32> {
    let mut graph = Model::graph();
    let x = graph.input_of("encoder_input", [None, None, Some(3)]);
    let y = graph.input_of("decoder_input", [None, None, Some(2)]);
    let both = Layer::new(lstm(3))
        .return_sequences(true)
        .return_state(true);
    let encoder = graph.layer("encoder", both).unwrap();
    let [seen, h, c] = graph.call(encoder, [x]).unwrap();
    let both = Layer::new(lstm(2))
        .return_sequences(true)
        .return_state(true);
    let decoder = graph.layer("decoder", both).unwrap();
    let [said, _, _] = graph.call(decoder, [y, h, c]).unwrap();
    let context = graph
        .add("attention", Attention::new(), [said, seen])
        .unwrap();
    let all = graph.add("all", Merge::Add, [said, context]).unwrap();
    let scores = graph.add("scores", dense(4, 2), [all]).unwrap();
    graph.finish([scores]).unwrap()
}

fn inputs() -> (Array3<f32>, Array3<f32>) {
    (numbers((2, 6, 3), 1), numbers((2, 5, 2), 2))
}

fn all(model: &Model<f32>, inputs: &[&ArrayD<f32>]) -> Vec<ArrayD<f32>> {
    let inputs = inputs.iter().map(|x| Tensor::new(*x));
    let outputs = model.forward_all(inputs).unwrap();
    outputs.into_iter().map(|tensor| tensor.values).collect()
}

#[test]
fn an_encoder_and_a_decoder_step_by_step_give_what_the_whole_model_gives() {
    let whole = seq2seq();
    let (x, y) = inputs();
    let (x, y) = (x.into_dyn(), y.into_dyn());
    let expected = &all(&whole, &[&x, &y])[0];

    let encoder = whole
        .part(["encoder_input"], ["encoder", "encoder[1]", "encoder[2]"])
        .unwrap();
    let decoder = whole
        .part(
            ["decoder_input", "encoder[1]", "encoder[2]", "encoder"],
            ["scores", "decoder[1]", "decoder[2]"],
        )
        .unwrap();
    let names: Vec<String> = decoder.inputs().map(|(name, _)| name.into()).collect();
    assert_eq!(
        names,
        ["decoder_input", "encoder[1]", "encoder[2]", "encoder"]
    );
    assert_eq!(
        decoder.inputs().nth(1).unwrap().1.axes(),
        Some(&[None, Some(4)][..])
    );

    let [seen, mut h, mut c] = all(&encoder, &[&x]).try_into().unwrap();
    for t in 0..5 {
        let step = y.slice_axis(Axis(1), (t..=t).into()).to_owned();
        let [scores, h1, c1] = all(&decoder, &[&step, &h, &c, &seen]).try_into().unwrap();
        assert_eq!(scores, expected.slice_axis(Axis(1), (t..=t).into()));
        (h, c) = (h1, c1);
    }
}

#[test]
fn a_part_has_only_the_layers_that_it_needs() {
    let whole = seq2seq();
    let encoder = whole.part(["encoder_input"], ["encoder[2]"]).unwrap();
    let names = |model: &Model<f32>| format!("{model:?}");
    assert_eq!(names(&encoder), "[\"encoder\"]");
    let head = whole.part(["all"], ["scores"]).unwrap();
    assert_eq!(names(&head), "[\"scores\"]");
    let more = whole
        .with_outputs(["attention", "scores", "decoder_input"])
        .unwrap();
    let (x, y) = inputs();
    let (x, y) = (x.into_dyn(), y.into_dyn());
    let outputs = all(&more, &[&x, &y]);
    assert_eq!(outputs[0].shape(), [2, 5, 4]);
    assert_eq!(outputs[1], all(&whole, &[&x, &y])[0]);
    assert_eq!(outputs[2], y);
    // A part of a part, which ends where it begins.
    let nothing = encoder.part(["encoder_input"], ["encoder_input"]).unwrap();
    assert_eq!(nothing.forward(&x).unwrap(), x);
}

#[test]
fn states_that_a_layer_keeps_to_itself_can_be_asked_for() {
    let model = Model::new()
        .add(Layer::new(lstm(3)).return_sequences(true))
        .add(Layer::new(Gru::<f32>::builder(4, 3).build().unwrap()))
        .add(dense(3, 2));
    let part = model
        .with_outputs(["lstm[2]", "dense", "gru[1]", "gru"])
        .unwrap();
    let (x, _) = inputs();
    let [c, scores, h, last] = all(&part, &[&x.clone().into_dyn()]).try_into().unwrap();
    let (_, state) = lstm(3).run(&x).last_and_state().unwrap();
    assert_eq!(c, state.c.into_dyn());
    assert_eq!(scores, model.forward(&x).unwrap());
    assert_eq!(h, last);
}

#[test]
fn attention_scores_can_be_asked_for() {
    let whole = seq2seq();
    let (x, y) = inputs();
    let (x, y) = (x.into_dyn(), y.into_dyn());
    let scores = whole.with_outputs(["attention[1]", "scores"]).unwrap();
    let outputs = all(&scores, &[&x, &y]);
    assert_eq!(outputs[0].shape(), [2, 5, 6]); // samples, queries, values
    for row in outputs[0].rows() {
        assert!((row.sum() - 1.0).abs() < 1e-6);
    }
    assert_eq!(outputs[1], all(&whole, &[&x, &y])[0]);
}

#[test]
fn shared_layers_are_cut_call_by_call_and_stay_one_layer() {
    let mut graph = Model::graph();
    let (a, b) = (graph.input("a"), graph.input("b"));
    let twice = graph.layer("twice", Layer::new(lstm(3))).unwrap();
    let [one] = graph.call(twice, [a]).unwrap();
    let [two] = graph.call(twice, [b]).unwrap();
    let sum = graph.add("sum", Merge::Add, [one, two]).unwrap();
    let model = graph.finish([sum]).unwrap();
    let summary = model.summary().to_string();
    assert!(summary.contains("twice[0][0], twice[1][0]"), "{summary}");

    let (x, _) = inputs();
    let second = model.part(["b"], ["twice[1][0]"]).unwrap();
    assert_eq!(
        second.forward(&x).unwrap(),
        lstm(3).run(&x).last().unwrap().into_dyn()
    );
    let both = model
        .with_outputs(["twice[0][0]", "twice[1][2]", "sum"])
        .unwrap();
    assert_eq!(both.weights().len(), 3);
    let x = x.into_dyn();
    let y = x.mapv(|x| -x);
    let [first, _, sum] = all(&both, &[&x, &y]).try_into().unwrap();
    assert_eq!(sum, all(&model, &[&x, &y])[0]);
    assert_eq!(first, second.forward(&x).unwrap());
}

/// Without a session no state is kept, not even from one call of a layer to its next.
#[test]
fn the_second_call_of_a_layer_starts_anew() {
    let mut graph = Model::graph();
    let (a, b) = (graph.input("a"), graph.input("b"));
    let twice = graph.layer("twice", Layer::new(lstm(3))).unwrap();
    let [one] = graph.call(twice, [a]).unwrap();
    let [two] = graph.call(twice, [b]).unwrap();
    let model = graph.finish([one, two]).unwrap();
    let (x, _) = inputs();
    let alone = lstm(3).run(&x).last().unwrap().into_dyn();
    let x = x.into_dyn();
    assert_eq!(all(&model, &[&x, &x]), [alone.clone(), alone.clone()]);
    // In a session it goes on, as a stateful layer does in Keras.
    let mut session = recurrent::Session::new(&model);
    let kept = session
        .forward_all([Tensor::new(&x), Tensor::new(&x)])
        .unwrap();
    assert_eq!(kept[0].values, alone);
    assert_ne!(kept[1].values, alone);
}

#[test]
fn a_layer_in_an_arc_is_shared_with_the_part() {
    struct Own;
    impl AnyLayer<f32> for Own {
        fn name(&self) -> &str {
            "own"
        }
        fn forward(&self, input: Tensor<f32>) -> Result<Tensor<f32>> {
            Ok(input)
        }
    }
    let shared = Arc::new(dense(3, 3));
    let model = Model::new()
        .add(Arc::clone(&shared))
        .add(Arc::new(Own))
        .add(Own);
    let part = model.with_outputs(["own"]).unwrap();
    assert_eq!(Arc::strong_count(&shared), 3);
    let x = Array2::<f32>::ones((1, 3));
    assert_eq!(
        part.forward(&x).unwrap(),
        shared.forward(&x).unwrap().into_dyn()
    );
    let error = model.with_outputs(["own_1"]).unwrap_err().to_string();
    assert!(
        error.contains("own_1") && error.contains("copied"),
        "{error}"
    );
}

#[test]
fn masks_pass_through_a_part() {
    let embedding = Embedding::from_weights(matrix(5, 3))
        .unwrap()
        .mask_zero(true);
    let model = Model::new()
        .add(embedding)
        .add(Layer::new(lstm(3)))
        .add(dense(4, 2));
    let x = ndarray::array![[3.0, 1.0, 0.0, 0.0], [0.0, 2.0, 4.0, 1.0]];
    let embed = model.with_outputs(["embedding"]).unwrap();
    let rest = model.part(["embedding"], ["dense"]).unwrap();
    let between = embed.forward_tensor(Tensor::new(&x)).unwrap();
    assert!(between.mask.is_some());
    let out = rest.forward_tensor(between).unwrap();
    assert_eq!(out.values, model.forward(&x).unwrap());
}

#[test]
fn a_part_is_streamed() {
    let model = Model::new()
        .add(Layer::new(lstm(3)).return_sequences(true))
        .add(Layer::new(Gru::<f32>::builder(4, 3).build().unwrap()));
    let part = model.part(["input"], ["lstm"]).unwrap();
    let (x, _) = inputs();
    let whole = part.forward(&x).unwrap();
    let mut stream = part.stream(2).unwrap();
    for t in 0..6 {
        let y = stream.push(&x.slice(s![.., t, ..])).unwrap();
        assert_eq!(y, whole.index_axis(Axis(1), t));
    }
}

#[test]
fn names_that_mean_nothing_are_refused() {
    let model = seq2seq();
    let error = |from: &[&str], to: &[&str]| model.part(from, to).unwrap_err().to_string();
    for (from, to, message) in [
        (
            &["encoder_input"][..],
            &["decode"][..],
            "value is decode, expected an input or a layer of the model: \
             encoder_input, decoder_input, encoder, decoder, attention, all, scores",
        ),
        (
            &["encoder_input"],
            &["encoder[3]"],
            "output is 3, expected below 3, the number of outputs of \"encoder\"",
        ),
        (
            &["encoder_input"],
            &["encoder[1][0]"],
            "call is 1, expected below 1, the number of calls of \"encoder\"",
        ),
        (
            &["encoder_input"],
            &["scores"],
            "inputs of a part is encoder_input, expected \"decoder_input\" among them, which the outputs need",
        ),
        (
            &["encoder", "encoder[0]"],
            &["encoder"],
            "inputs of a part is encoder[0], expected values that differ",
        ),
        (
            &["encoder_input"],
            &[],
            "number of outputs is 0, expected at least 1",
        ),
        (
            &["encoder_input[1]"],
            &["encoder"],
            "value is encoder_input[1], expected an input or a layer of the model: \
             encoder_input, decoder_input, encoder, decoder, attention, all, scores",
        ),
    ] {
        assert_eq!(error(from, to), message);
    }
}
