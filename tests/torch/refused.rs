//! What is refused, by its message.

use crate::file;
use crate::says::says;
use ndarray::{Array1, Array2, Array3};
use recurrent::torch::{self, File};
use recurrent::{Activation, Bidirectional, Deep, Gru, Layer, Lstm, Recurrent, SimpleRnn};

/// An LSTM of two layers, 3 features and 5 units.
const LSTM: [(&str, &[usize]); 8] = [
    ("rnn.weight_ih_l0", &[20, 3]),
    ("rnn.weight_hh_l0", &[20, 5]),
    ("rnn.bias_ih_l0", &[20]),
    ("rnn.bias_hh_l0", &[20]),
    ("rnn.weight_ih_l1", &[20, 5]),
    ("rnn.weight_hh_l1", &[20, 5]),
    ("rnn.bias_ih_l1", &[20]),
    ("rnn.bias_hh_l1", &[20]),
];

type Layers = Deep<Lstm<f32>>;
type Both = Bidirectional<Lstm<f32>, Lstm<f32>>;

#[test]
fn every_array_must_be_there() {
    let whole: Layers = file(&LSTM).lstm("rnn.").unwrap();
    assert_eq!(
        (whole.layers().len(), whole.features(), whole.units()),
        (2, 3, 5)
    );
    for missing in 0..LSTM.len() {
        let mut arrays = LSTM.to_vec();
        let (name, _) = arrays.remove(missing);
        says(
            file(&arrays).lstm::<f32, Layers>("rnn."),
            &[
                "safetensors file: found [",
                &format!("], expected an array {name:?}"),
            ],
        );
    }
    // A file with nothing under the prefix, or a prefix that lacks its dot.
    says(
        file(&LSTM).lstm::<f32, Layers>("gru."),
        &[
            "module \"gru.\"",
            "found modules with the prefix \"rnn.\", expected an array \"gru.weight_ih_l0\"",
        ],
    );
    says(
        file(&LSTM).lstm::<f32, Layers>("rnn"),
        &["\"rnn.\", expected an array \"rnnweight_ih_l0\""],
    );
    says(
        file(&[("weight_ih", &[20, 3]), ("fc.weight", &[20, 3])]).lstm::<f32, Lstm<f32>>("a."),
        &["found modules with the prefix \"\", expected an array \"a.weight_ih_l0\""],
    );
}

#[test]
fn a_module_of_another_cell_is_called_by_its_name() {
    let lstm = file(&LSTM);
    says(
        lstm.gru::<f32, Deep<Gru<f32>>>("rnn."),
        &["module \"rnn.\": found an LSTM (4 gates), expected a GRU (3 gates)"],
    );
    says(
        lstm.rnn::<f32, Deep<SimpleRnn<f32>>>("rnn.", Activation::Tanh),
        &["found an LSTM (4 gates), expected a simple RNN (1 gate)"],
    );
    // 12 rows are 4 gates of 3 units, too.
    let gru = file(&[("weight_ih", &[12, 2]), ("weight_hh", &[12, 4])]);
    says(
        gru.lstm::<f32, Lstm<f32>>(""),
        &["module \"\": found a GRU (3 gates), expected an LSTM (4 gates)"],
    );
    let rnn = file(&[("weight_ih", &[4, 2]), ("weight_hh", &[4, 4])]);
    says(
        rnn.lstm::<f32, Lstm<f32>>(""),
        &["found a simple RNN (1 gate), expected an LSTM (4 gates)"],
    );
}

#[test]
fn every_array_must_have_its_shape() {
    for wrong in 0..LSTM.len() {
        let mut arrays = LSTM.to_vec();
        let (name, shape) = arrays[wrong];
        let longer: Vec<usize> = shape.iter().map(|n| n + 4).collect();
        arrays[wrong].1 = &longer;
        let loaded = file(&arrays).lstm::<f32, Layers>("rnn.");
        // The first one tells the sizes of all, so that another one is said not to fit.
        let (name, found) = match wrong {
            0 => (
                LSTM[1].0,
                format!("{:?}, expected shape [24, 6]", LSTM[1].1),
            ),
            _ => (name, format!("{longer:?}, expected shape {shape:?}")),
        };
        says(loaded, &[&format!("{name}: found {found}")]);
        let mut arrays = LSTM.to_vec();
        arrays[wrong].1 = &[];
        says(
            file(&arrays).lstm::<f32, Layers>("rnn."),
            &[LSTM[wrong].0, "found [], expected shape"],
        );
    }
    let three = [("weight_ih_l0", &[5, 3][..]), ("weight_hh_l0", &[5, 4])];
    says(
        file(&three).gru::<f32, Gru<f32>>(""),
        &["weight_ih_l0: found [5, 3], expected shape (3 x units, features)"],
    );
    let none = [("weight_ih_l0", &[0, 3][..]), ("weight_hh_l0", &[0, 0])];
    says(
        file(&none).lstm::<f32, Lstm<f32>>(""),
        &["expected shape (4 x units, features)"],
    );
    let projected_to_nothing = [
        ("a.weight_ih_l0", &[4, 3][..]),
        ("a.weight_hh_l0", &[4, 0]),
        ("a.weight_hr_l0", &[0, 1]),
    ];
    says(
        file(&projected_to_nothing).lstm::<f32, Lstm<f32>>("a."),
        &["module \"a.\": ", "projection"],
    );
}

#[test]
fn nothing_may_be_left_over() {
    let with = |name: &'static str, shape: &'static [usize]| {
        file(&[&LSTM[..], &[(name, shape)]].concat()).lstm::<f32, Layers>("rnn.")
    };
    assert!(with("decoder.weight_ih_l0", &[1]).is_ok());
    says(
        with("rnn.h_0", &[1, 2]),
        &[
            "rnn.h_0: found one of shape [1, 2], expected no array beside those of the module \"rnn.\" (`File::ignore`)",
        ],
    );
    // What looks like a part of the module asks for all of that part.
    says(
        with("rnn.weight_ih_l3", &[20, 5]),
        &["an array \"rnn.weight_ih_l2\""],
    );
    says(
        with("rnn.weight_ih_l0_reverse", &[20, 3]),
        &["an array \"rnn.weight_hh_l0_reverse\""],
    );
    says(
        with("rnn.weight_hr_l0", &[2, 5]),
        &["rnn.weight_hh_l0: found [20, 5], expected shape [20, 2]"],
    );
    says(
        with("rnn.weight_ih_l99999999999999999999", &[1]),
        &["no array beside"],
    );
    says(
        with("rnn.weight_ih_l18446744073709551615", &[1]),
        &["an array \"rnn.weight_ih_l2\""],
    );
    let cell = [("weight_ih", &[20, 3][..]), ("weight_hh", &[20, 5])];
    assert!(file(&cell).lstm::<f32, Lstm<f32>>("").is_ok());
    let more = [&cell[..], &[("weight_ih_l1", &[20, 5])]].concat();
    says(file(&more).lstm::<f32, Lstm<f32>>(""), &["weight_ih"]);
    let gru = [
        ("weight_ih_l0", &[15, 3][..]),
        ("weight_hh_l0", &[15, 5]),
        ("weight_hr_l0", &[2, 5]),
    ];
    says(
        file(&gru).gru::<f32, Gru<f32>>(""),
        &["weight_hr_l0: found one of shape [2, 5]"],
    );
}

#[test]
fn the_type_must_have_as_many_layers_and_directions() {
    let file = file(&LSTM);
    let part = "module \"rnn.\": found 2 layers of 1 direction, expected";
    says(
        file.lstm::<f32, Lstm<f32>>("rnn."),
        &[part, "1 layer of 1 direction"],
    );
    says(
        file.lstm::<f32, Layer<Lstm<f32>>>("rnn."),
        &[part, "1 layer of 1 direction"],
    );
    says(
        file.lstm::<f32, Both>("rnn."),
        &[part, "1 layer of 2 directions"],
    );
    says(
        file.lstm::<f32, Deep<Both>>("rnn."),
        &[part, "layers of 2 directions"],
    );
    assert!(file.lstm::<f32, Layer<Layers>>("rnn.").is_ok());
}

#[test]
fn arrays_of_other_modules() {
    let file = file(&LSTM).named("model.safetensors");
    assert_eq!(file.names().unwrap().len(), 8);
    let bias: Array1<f64> = file.array("rnn.bias_ih_l0").unwrap();
    assert_eq!(bias.len(), 20);
    says(
        file.array::<f32, ndarray::Ix1>("rnn.weight_ih_l0"),
        &["model.safetensors: rnn.weight_ih_l0: found 2 axes, expected 1 axis"],
    );
    says(
        file.array::<f32, ndarray::Ix2>("fc.weight"),
        &["model.safetensors: ", "an array \"fc.weight\""],
    );
    assert!(
        file.array::<f32, ndarray::IxDyn>("rnn.weight_ih_l0")
            .is_ok()
    );
    assert_eq!(
        format!("{file:?}"),
        "File { name: Some(\"model.safetensors\"), .. }"
    );
}

#[test]
#[cfg(feature = "std")]
fn files_are_called_by_their_path() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/torch/models/t00_lstm.safetensors"
    );
    let lstm: Lstm<f32> = torch::File::load(path).unwrap().lstm("").unwrap();
    let x = Array3::zeros((1, 2, 3));
    assert_eq!(lstm.run(&x).last().unwrap().dim(), (1, 5));
    let wrong = torch::File::load(path)
        .unwrap()
        .lstm::<f32, Lstm<f32>>("rnn.");
    says(wrong, &[path, "rnn.weight_ih_l0"]);
    let mut limits = recurrent::Limits::default();
    limits.file_bytes = 100;
    says(
        torch::File::load_within(path, &limits),
        &[path, "1112 bytes, expected at most 100 bytes"],
    );
    says(
        torch::File::load("none.safetensors"),
        &["none.safetensors: reading: found no file, expected a file that can be read"],
    );
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    says(torch::File::load(folder), &[folder]);
    let _: Array2<f32> = torch::File::load(path)
        .unwrap()
        .array("weight_ih_l0")
        .unwrap();
}

#[test]
fn files_of_this_crate_are_recognised() {
    let saved = recurrent::saved::write(&Lstm::<f32>::builder(1, 2).build().unwrap()).unwrap();
    says(
        File::read(saved).unwrap().lstm::<f32, Lstm<f32>>(""),
        &["found a file of `saved`, which `saved::load` reads"],
    );
}
