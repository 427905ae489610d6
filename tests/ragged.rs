//! Sequences of several lengths: padded as Keras pads them, called together and alone, and taken apart again.
//!
//! `tests/data/make_pad_sequences.py` makes the data.

use ndarray::{Array1, Array2, Array3, ArrayD, ArrayView2, Axis, array, s};
use recurrent::{
    Bidirectional, Deep, Dense, Element, Embedding, Gru, Layer, Lstm, Model, PadSequences, Padded,
    Recurrent, Side, SimpleRnn, Tensor,
};
use serde_json::Value;
use std::path::Path;

#[track_caller]
fn says<T>(result: recurrent::Result<T>, words: &str) {
    let error = result.map(drop).expect_err("a refusal");
    assert_eq!(error.to_string(), words);
}

fn floats(value: &Value, to: &mut Vec<f64>) {
    match value {
        Value::Array(list) => list.iter().for_each(|item| floats(item, to)),
        number => to.push(number.as_f64().unwrap()),
    }
}

fn flat(value: &Value) -> Vec<f64> {
    let mut to = Vec::new();
    floats(value, &mut to);
    to
}

#[test]
fn padded_as_keras_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pad_sequences.json");
    let data: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let list = |value: &Value| value.as_array().unwrap().clone();
    let tokens: Vec<Vec<i64>> = list(&data["tokens"])
        .iter()
        .map(|ids| list(ids).iter().map(|id| id.as_i64().unwrap()).collect())
        .collect();
    let arrays: Vec<Array2<f32>> = list(&data["arrays"])
        .iter()
        .map(|array| {
            let numbers: Vec<f32> = flat(array).into_iter().map(f32::from_f64).collect();
            Array2::from_shape_vec((numbers.len() / 2, 2), numbers).unwrap()
        })
        .collect();
    let cases = list(&data["cases"]);
    assert_eq!(cases.len(), 40);
    for case in &cases {
        let side = |name: &str| match case[name].as_str().unwrap() {
            "pre" => Side::Pre,
            _ => Side::Post,
        };
        let pad = PadSequences::new()
            .maxlen(case["maxlen"].as_u64().map(|n| n.try_into().unwrap()))
            .padding(side("padding"))
            .truncating(side("truncating"))
            .value(case["value"].as_f64().unwrap());
        let found: Padded<f64, _> = pad.pad_tokens(&tokens).unwrap();
        assert_eq!(
            found.values().flatten().to_vec(),
            flat(&case["tokens"]),
            "{case}"
        );
        assert_eq!(found.values().nrows(), 4);
        let timesteps = found.values().ncols();
        let lens: Vec<usize> = tokens.iter().map(|ids| ids.len().min(timesteps)).collect();
        assert_eq!(found.lengths(), lens);
        // What is masked is the value, and what is not was in the sequence.
        for ((sample, mask), ids) in found
            .values()
            .outer_iter()
            .zip(found.mask().outer_iter())
            .zip(&tokens)
        {
            for (x, &real) in sample.iter().zip(mask) {
                let is_token = ids
                    .iter()
                    .map(|&id| id as f64)
                    .any(|id| id.to_bits() == x.to_bits());
                assert_eq!(real, is_token, "{case}");
            }
        }
        let found = pad.pad(&arrays).unwrap();
        let numbers: Vec<f64> = found.values().iter().map(|&x| f64::from(x)).collect();
        assert_eq!(numbers, flat(&case["arrays"]), "{case}");
    }
    assert_eq!(
        PadSequences::new(),
        PadSequences::default()
            .padding(Side::Post)
            .truncating(Side::Pre)
    );
}

fn sequences() -> Vec<Array2<f32>> {
    [5, 1, 0, 8, 3]
        .iter()
        .map(|&len| Array2::from_shape_fn((len, 2), |(t, k)| ((7 * t + 3 * k + len) as f32).sin()))
        .collect()
}

/// The sequences padded on both sides; the padding is NaN, so that nothing may read it.
fn padded() -> [Padded<f32, ndarray::Ix3>; 2] {
    let pad = |side| PadSequences::new().maxlen(9).padding(side).value(f64::NAN);
    [Side::Post, Side::Pre].map(|side| pad(side).pad(&sequences()).unwrap())
}

fn alone<R: Recurrent<Elem = f32>>(layer: &R, x: &Array2<f32>) -> (Array2<f32>, Array1<f32>) {
    let x = x.view().insert_axis(Axis(0));
    let sequences = layer.run(&x).sequences().unwrap();
    let last = layer.run(&x).last().unwrap();
    (
        sequences.index_axis_move(Axis(0), 0),
        last.index_axis_move(Axis(0), 0),
    )
}

fn same_as_alone<R: Recurrent<Elem = f32>>(layer: &R) {
    let [post, pre] = padded();
    let by_lengths = || layer.run(post.values()).lengths(post.lengths());
    let mask = pre.mask();
    let by_mask = || layer.run(pre.values()).mask(&mask);
    for (padded, outputs, last) in [
        (
            &post,
            by_lengths().sequences().unwrap(),
            by_lengths().last().unwrap(),
        ),
        (
            &pre,
            by_mask().sequences().unwrap(),
            by_mask().last().unwrap(),
        ),
    ] {
        let outputs = padded.split(&outputs).unwrap();
        assert_eq!(outputs.len(), 5);
        for ((x, found), last) in sequences().iter().zip(outputs).zip(last.outer_iter()) {
            let (expected, expected_last) = alone(layer, x);
            assert_eq!(found, expected);
            assert_eq!(last, expected_last);
        }
    }
}

#[test]
fn each_sequence_has_the_bits_that_it_has_alone() {
    let lstm = || Lstm::builder(2, 3).seed(1).build().unwrap();
    let gru = |features| Gru::builder(features, 3).seed(2).build().unwrap();
    same_as_alone(&lstm());
    same_as_alone(&gru(2));
    same_as_alone(&SimpleRnn::builder(2, 3).seed(3).build().unwrap());
    same_as_alone(&lstm().then(gru(3)));
    same_as_alone(&Deep::new([gru(2), gru(3)]).unwrap());
    same_as_alone(&Bidirectional::new(lstm(), gru(2)));
}

#[test]
fn models_take_padded_sequences() {
    let lstm = Layer::new(Lstm::builder(2, 3).seed(1).build().unwrap()).return_sequences(true);
    let both = Bidirectional::new(
        Gru::builder(3, 2).seed(2).build().unwrap(),
        Gru::builder(3, 2).seed(3).build().unwrap(),
    );
    let model = Model::new()
        .add(lstm)
        .add(Layer::new(both).return_sequences(true))
        .add(Dense::from_weights(Array2::from_elem((4, 2), 0.5), None).unwrap());
    for padded in padded() {
        let outputs = model.forward_tensor(padded.tensor()).unwrap();
        assert_eq!(outputs.mask, Some(padded.mask()));
        for (x, found) in sequences()
            .iter()
            .zip(padded.split(&outputs.values).unwrap())
        {
            let expected = model.forward(&x.view().insert_axis(Axis(0))).unwrap();
            assert_eq!(found, expected.index_axis(Axis(0), 0));
        }
    }
    let [post, _] = padded();
    let by_lengths = Tensor::new(post.values()).lengths(post.lengths()).unwrap();
    assert_eq!(by_lengths.mask, Some(post.mask()));

    let model = Model::new()
        .add(
            Embedding::from_weights(Array2::from_shape_fn((9, 2), |(id, k)| (id + k) as f32))
                .unwrap()
                .mask_zero(true),
        )
        .add(Layer::new(Gru::builder(2, 3).seed(4).build().unwrap()));
    let tokens: [&[u8]; 3] = [&[1, 2, 8], &[3], &[4, 5]];
    let padded = PadSequences::new().pad_tokens(&tokens).unwrap();
    let together = model.forward_tensor(padded.tensor()).unwrap().values;
    for (ids, found) in tokens.iter().zip(together.outer_iter()) {
        let alone = Array2::from_shape_fn((1, ids.len()), |(_, t)| f32::from(ids[t]));
        assert_eq!(found, model.forward(&alone).unwrap().index_axis(Axis(0), 0));
    }
}

#[test]
fn taken_apart_again() {
    for padded in padded() {
        let parts: Vec<ArrayView2<f32>> = padded.split(padded.values()).unwrap();
        assert_eq!(parts, sequences());
        // Of any type of number and of any number of axes.
        let flags = Array2::from_elem((5, 9), true);
        let flags = padded.split(&flags).unwrap();
        assert_eq!(
            flags
                .iter()
                .map(ndarray::ArrayBase::dim)
                .collect::<Vec<_>>(),
            [5, 1, 0, 8, 3]
        );
        let deep = ArrayD::<f32>::zeros(vec![5, 9, 2, 1]);
        assert_eq!(padded.split(&deep).unwrap()[3].shape(), [8, 2, 1]);

        says(
            padded.split(&Array3::<f32>::zeros((4, 9, 2))),
            "output has 4 samples, expected 5",
        );
        says(
            padded.split(&Array3::<f32>::zeros((5, 8, 2))),
            "output has 8 timesteps, expected 9",
        );
        says(
            padded.split(&Array1::<f32>::zeros(5)),
            "output has 1 axis, expected 2 or more (samples, timesteps, …)",
        );
        says(
            padded.split(&ArrayD::<f32>::zeros(vec![])),
            "output has 0 axes, expected 2 or more (samples, timesteps, …)",
        );
    }
}

#[test]
fn what_cannot_be_padded() {
    let pad = PadSequences::new();
    let none: [Array2<f32>; 0] = [];
    says(
        pad.pad(&none),
        "number of sequences is 0, expected at least 1, which says how many features there are",
    );
    let odd: [Array2<f32>; 3] = [
        Array2::zeros((2, 3)),
        Array2::zeros((0, 3)),
        Array2::zeros((2, 4)),
    ];
    says(
        pad.pad(&odd),
        "number of features is 4 in sequence 2, expected 3 in every sequence, as in the first",
    );
    for maxlen in [usize::MAX, usize::MAX / 2, 1 << 60] {
        assert!(pad.clone().maxlen(maxlen).pad(&sequences()).is_err());
        assert!(
            pad.clone()
                .maxlen(maxlen)
                .pad_tokens::<f32, _, _>(&[[1_u8]])
                .is_err()
        );
        let without_features: [Array2<f32>; 1] = [Array2::zeros((3, 0))];
        let _ = pad.clone().maxlen(maxlen).pad(&without_features);
        let _ = pad
            .clone()
            .maxlen(maxlen)
            .pad_tokens::<f32, u8, Vec<u8>>(&[]);
    }
    // Nothing at all, and no room at all.
    let nothing: Padded<f32, _> = pad.pad_tokens::<f32, u8, Vec<u8>>(&[]).unwrap();
    assert_eq!(
        (nothing.values().dim(), nothing.lengths().len()),
        ((0, 0), 0)
    );
    let empty = pad.clone().maxlen(0).pad(&sequences()).unwrap();
    assert_eq!(
        (empty.values().dim(), empty.lengths()),
        ((5, 0, 2), &[0; 5][..])
    );
    assert_eq!(empty.split(empty.values()).unwrap()[3].dim(), (0, 2));

    says(
        pad.pad_tokens::<f32, _, _>(&[[16_777_217_u64]]),
        "token id is 16777217, expected one that f32 holds exactly",
    );
    assert!(pad.pad_tokens::<f64, _, _>(&[[16_777_217_u64]]).is_ok());
    assert!(pad.pad_tokens::<f64, _, _>(&[[u64::MAX]]).is_err());
    assert!(pad.pad_tokens::<f32, _, _>(&[[usize::MAX]]).is_err());
    // What is no id stays what it is, and an Embedding refuses it.
    let odd = pad
        .pad_tokens::<f32, _, _>(&[[-1.0_f32, 0.5, f32::NAN, f32::INFINITY]])
        .unwrap();
    assert_eq!(odd.values().slice(s![0, ..2]), array![-1.0, 0.5]);
    assert!(odd.values()[[0, 2]].is_nan() && odd.values()[[0, 3]].is_infinite());
    let least = pad.pad_tokens::<f32, _, _>(&[[i64::MIN]]).unwrap();
    assert_eq!(least.values(), array![[i64::MIN as f32]]);
}

#[test]
fn lengths_of_a_tensor() {
    let x = Tensor::new(&Array3::<f32>::zeros((2, 3, 1)));
    assert_eq!(
        x.clone().lengths(&[0, 3]).unwrap().mask,
        Some(array![[false, false, false], [true, true, true]])
    );
    says(x.clone().lengths(&[1]), "lengths has 1 sample, expected 2");
    says(
        x.clone().lengths(&[1, 4]),
        "lengths[1] is 4, but the input has 3 timesteps",
    );
    says(
        x.clone().lengths(&[usize::MAX, 1]),
        &format!(
            "lengths[0] is {}, but the input has 3 timesteps",
            usize::MAX
        ),
    );
    says(
        Tensor::new(&Array1::<f32>::zeros(3)).lengths(&[1]),
        "input has 1 axis, expected 2 or more (samples, timesteps, …)",
    );
}
