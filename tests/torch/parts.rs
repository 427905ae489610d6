//! Parts of a state dict, and state dicts that are no files.

use crate::file;
use crate::says::says;
use ndarray::{Array1, Array2, Array3, ArrayD, Ix1};
use recurrent::torch::File;
use recurrent::{Activation, Gru, Lstm, Recurrent, SimpleRnn};

/// An RNN and what lies around it.
const MODEL: [(&str, &[usize]); 5] = [
    ("model.rnn.weight_ih_l0", &[2, 3]),
    ("model.rnn.weight_hh_l0", &[2, 2]),
    ("model.rnn.step", &[1]),
    ("model.rnn.aux.weight", &[4, 4]),
    ("model.fc.weight", &[1, 2]),
];

fn rnn(file: &File, prefix: &str) -> recurrent::Result<SimpleRnn<f32>> {
    file.rnn(prefix, Activation::Tanh)
}

#[test]
fn ignored_arrays_are_none_of_the_file() {
    let whole = file(&MODEL);
    says(
        rnn(&whole, "model.rnn."),
        &[
            "model.rnn.aux.weight: found one of shape [4, 4]",
            "File::ignore",
        ],
    );
    let some = whole.clone().ignore("model.rnn.step");
    says(rnn(&some, "model.rnn."), &["model.rnn.aux.weight"]);
    let rest = some.ignore_prefix("model.rnn.aux.");
    assert!(rnn(&rest, "model.rnn.").is_ok());
    assert_eq!(
        rest.names().unwrap(),
        [
            "model.fc.weight",
            "model.rnn.weight_hh_l0",
            "model.rnn.weight_ih_l0"
        ]
    );
    says(
        rest.array::<f32, Ix1>("model.rnn.step"),
        &[
            "model.rnn.step: found one that is",
            "an array that is not ignored",
        ],
    );
    // A name is no prefix, and what is needed is missed.
    says(
        rnn(&whole.clone().ignore("model.rnn"), "model.rnn."),
        &["aux"],
    );
    says(
        rnn(&rest.ignore("model.rnn.weight_hh_l0"), "model.rnn."),
        &["model.rnn.weight_hh_l0", "ignored"],
    );
}

#[test]
fn the_names_of_a_part_lack_its_prefix() {
    let part = file(&MODEL).named("m.safetensors").under("model.");
    assert_eq!(part.names().unwrap().len(), 5);
    assert_eq!(part.names().unwrap()[0], "fc.weight");
    let fc: Array2<f32> = part.array("fc.weight").unwrap();
    assert_eq!(fc.dim(), (1, 2));
    let inner = part.under("rnn.").ignore("step").ignore_prefix("aux");
    assert_eq!(inner.names().unwrap(), ["weight_hh_l0", "weight_ih_l0"]);
    assert!(rnn(&inner, "").is_ok());
    // Messages have the names of the file.
    says(
        rnn(&part, "rnn."),
        &[
            "m.safetensors: model.rnn.aux.weight: ",
            "module \"model.rnn.\"",
        ],
    );
    says(
        part.lstm::<f32, Lstm<f32>>("lstm."),
        &[
            "modules with the prefix \"model.rnn.\"",
            "\"model.lstm.weight_ih_l0\"",
        ],
    );
    assert!(file(&MODEL).under("other.").names().unwrap().is_empty());
}

#[test]
fn arrays_in_memory() {
    let input: Array2<f32> = Array2::from_shape_fn((8, 3), |(r, c)| (r * 3 + c) as f32 / 24.0);
    let state: Array2<f32> = Array2::from_shape_fn((8, 2), |(r, c)| (r + 2 * c) as f32 / -16.0);
    let bias = Array1::from_elem(8, 0.25_f32);
    let owned = File::from_arrays([
        ("weight_ih_l0", input.clone().into_dyn()),
        ("weight_hh_l0", state.clone().into_dyn()),
        ("bias_ih_l0", bias.clone().into_dyn()),
        ("bias_hh_l0", ArrayD::zeros(vec![8])),
    ]);
    let slices = File::from_slices([
        (
            String::from("weight_ih_l0"),
            vec![8, 3],
            input.iter().copied().collect(),
        ),
        (
            "weight_hh_l0".into(),
            vec![8, 2],
            state.iter().copied().collect(),
        ),
        ("bias_ih_l0".into(), vec![8], bias.to_vec()),
        ("bias_hh_l0".into(), vec![8], vec![0.0; 8]),
    ]);
    let x = Array3::from_elem((1, 3, 3), 0.5);
    let run = |file: recurrent::Result<File>| {
        let lstm: Lstm<f32> = file.unwrap().lstm("").unwrap();
        lstm.run(&x).last().unwrap()
    };
    // What the layer has to have, by hand: Keras' order of gates is PyTorch's, turned.
    let by_hand = Lstm::from_weights(input.reversed_axes(), state.reversed_axes(), bias).unwrap();
    let expected = by_hand.run(&x).last().unwrap();
    assert_eq!(run(owned), expected);
    assert_eq!(run(slices), expected);
    says(
        File::from_slices([("w", [2, 3], [0.0_f32; 5])]),
        &["w: found 5, expected as many numbers as the shape [2, 3] has"],
    );
    says(
        File::from_slices([("w", [usize::MAX, 3], [0.0_f32; 5])]),
        &["w: found 5, expected"],
    );
    says(
        File::from_slices([("w", [1], [0.0_f32]), ("w", [1], [0.0])]),
        &["different names", "\"w\""],
    );
    let none = File::from_arrays::<f32, ndarray::OwnedRepr<f32>, Ix1, &str>([]).unwrap();
    says(none.gru::<f32, Gru<f32>>(""), &["found no array"]);
}
