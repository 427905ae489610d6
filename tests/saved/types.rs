//! The types that the layers of a model have which was loaded from a file of Keras, or saved and read again.

use crate::again;
use recurrent::{Bidirectional, Gru, Layer, LayerApart, Lstm, Model, SimpleRnn, Stacked};
use recurrent::{keras, onnx};

type Both<C> = Bidirectional<C, C>;
type Two<C> = Stacked<C, C>;

/// The type of a layer, if it is one of these.
fn type_of(model: &Model<f32>, name: &str) -> Option<&'static str> {
    macro_rules! first_of {
        ($($layer:ty),*) => {$(
            if model.layer_as::<$layer>(name).is_some() {
                return Some(stringify!($layer));
            }
        )*};
    }
    first_of!(
        Layer<Lstm<f32>>,
        Layer<Gru<f32>>,
        Layer<SimpleRnn<f32>>,
        Layer<Both<Lstm<f32>>>,
        Layer<Both<Gru<f32>>>,
        Layer<Both<SimpleRnn<f32>>>,
        LayerApart<Lstm<f32>, Lstm<f32>>,
        LayerApart<Gru<f32>, Gru<f32>>,
        LayerApart<SimpleRnn<f32>, SimpleRnn<f32>>,
        Layer<Two<Lstm<f32>>>,
        Layer<Two<Gru<f32>>>,
        Layer<Two<SimpleRnn<f32>>>
    );
    None
}

/// Of all layers that are such ones, in the order of the model.
fn types(model: &Model<f32>) -> Vec<&'static str> {
    let summary = model.summary();
    let names = summary.layers.iter().map(|row| row.name.as_str());
    names.filter_map(|name| type_of(model, name)).collect()
}

#[track_caller]
fn check(path: &str, expected: &[&str]) {
    let path = format!("{}/tests/{path}", env!("CARGO_MANIFEST_DIR"));
    let model: Model<f32> = keras::load(path).unwrap();
    assert_eq!(types(&model), expected);
    assert_eq!(types(&again(&model)), expected, "saved and read again");
}

#[test]
fn a_layer_of_one_cell_has_its_own_type() {
    check(
        "data/keras_files/models/k3_shapes.keras",
        &[
            "Layer<Gru<f32>>",
            "Layer<SimpleRnn<f32>>",
            "Layer<Lstm<f32>>",
        ],
    );
}

/// The last `Bidirectional` of this file has two different cells, which only this crate can name.
#[test]
fn both_directions_of_one_cell_have_its_type() {
    let merged = ["Layer<Both<Gru<f32>>>", "Layer<Both<Lstm<f32>>>"];
    let mut expected = merged.repeat(4);
    expected.push("LayerApart<SimpleRnn<f32>, SimpleRnn<f32>>");
    check("data/keras_files/models/k3_merges.keras", &expected);
}

#[test]
fn a_stack_of_two_of_one_cell_has_its_type() {
    check(
        "data/keras_files/models/v2.14_tree.keras",
        &[
            "Layer<Both<Lstm<f32>>>",
            "Layer<Lstm<f32>>",
            "Layer<Lstm<f32>>",
            "Layer<Two<Lstm<f32>>>",
        ],
    );
}

#[test]
fn a_layer_of_onnx_keeps_its_type_in_a_saved_model() {
    let path = "tests/golden/onnx/models/o06_lstm_forward.onnx";
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let node = onnx::File::load(path).unwrap().only().unwrap();
    let layer: Layer<Lstm<f32>> = node.lstm().unwrap();
    let model = Model::new().add(layer.return_state(false));
    assert_eq!(types(&again(&model)), ["Layer<Lstm<f32>>"]);
}
