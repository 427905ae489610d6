//! Layers and functions of the caller's own in a saved file, which the reader takes back by the same names.

use crate::says::says;
use ndarray::{Array1, Array2, array};
use recurrent::saved::{self, Reader};
use recurrent::*;

struct Scale {
    by: f32,
    gain: Array1<f32>,
}

impl Scale {
    fn read(file: &OwnLayer<f32>) -> Result<Self> {
        assert!(file.flag("is_there")? && file.count("count")? == 3);
        assert_eq!(file.numbers("list")?, [1.0, -2.5]);
        assert_eq!((file.text("word")?, file.class()), ("a", "Scale"));
        let names: Vec<&str> = file.weights().map(|(name, _)| name).collect();
        assert_eq!(names, ["zeros", "gain"]);
        let zeros: Array2<f32> = file.array(0)?;
        assert_eq!(zeros, Array2::<f32>::zeros((1, 2)));
        Ok(Scale {
            by: file.number("by")?,
            gain: file.array_named("gain")?,
        })
    }
}

impl AnyLayer<f32> for Scale {
    fn name(&self) -> &str {
        "scale"
    }

    fn forward(&self, mut input: Tensor<f32>) -> Result<Tensor<f32>> {
        input.values = input.values * &self.gain * self.by;
        Ok(input)
    }

    fn own_parts(&self) -> Option<OwnParts<f32>> {
        let parts = OwnParts::new("Scale").number("by", self.by);
        let parts = parts
            .flag("is_there", true)
            .count("count", 3)
            .text("word", "a");
        let parts = parts.numbers("list", &[1.0, -2.5]);
        Some(
            parts
                .array("zeros", &Array2::zeros((1, 2)))
                .array("gain", &self.gain),
        )
    }
}

fn model() -> Model<f32> {
    let inner = Model::new().add(Scale {
        by: 0.5,
        gain: array![1.0, 2.0],
    });
    let snake = Activation::custom("snake", |x| x + x.sin().powi(2));
    let lstm = Lstm::builder(2, 2)
        .activation(snake)
        .recurrent_activation(snake);
    Model::new()
        .add(Scale {
            by: -3.0,
            gain: array![0.25, 4.0],
        })
        .add(inner)
        .add(TimeDistributed::new(Scale {
            by: 1.5,
            gain: array![1.0, -1.0],
        }))
        .add(Layer::new(lstm.build().unwrap()))
        .add(
            Dense::from_weights(Array2::eye(2), None)
                .unwrap()
                .with_activation(snake)
                .unwrap(),
        )
        .add(snake)
}

fn reader() -> Reader {
    let other = Activation::custom("snake", |x| x + x.sin().powi(2));
    Reader::new().layer("Scale", Scale::read).activation(other)
}

#[test]
fn layers_and_functions_are_given_back_by_their_names() {
    let model = model();
    let bytes = saved::write(&model).unwrap();
    let again: Model<f32> = reader().read(&bytes).unwrap();
    assert!(saved::write(&again).unwrap() == bytes);
    let x = array![[[0.5, -1.0], [2.0, 0.25]]];
    assert_eq!(again.forward(&x).unwrap(), model.forward(&x).unwrap());
    assert_eq!(again.summary().to_string(), model.summary().to_string());
}

#[test]
fn what_is_not_given_is_named() {
    let bytes = saved::write(&model()).unwrap();
    let read = |reader: Reader| reader.read::<Model<f32>>(&bytes);
    says(
        read(Reader::new()),
        &["layer \"0\"", "found Scale", "`saved::Reader::layer`"],
    );
    let layers = Reader::new().layer("Scale", Scale::read);
    says(
        read(layers),
        &[
            "layer \"3\"",
            "\"snake\" is a function",
            "`saved::Reader::activation`",
        ],
    );
    says(
        reader().read::<Model<f64>>(&bytes),
        &["Scale", "makes it for f64"],
    );
    // Another function does not stand in for it, and none for an activation of this crate.
    let other = Activation::custom("other", |x| x);
    says(
        read(Reader::new().layer("Scale", Scale::read).activation(other)),
        &["\"snake\""],
    );
    let tanh = Reader::new().activation(Activation::Tanh);
    assert_eq!(format!("{tanh:?}"), format!("{:?}", Reader::new()));
}

#[test]
fn a_layer_that_does_not_say_what_it_is_made_of_is_not_saved() {
    struct Bare;
    impl AnyLayer<f32> for Bare {
        fn name(&self) -> &str {
            "bare"
        }
        fn forward(&self, input: Tensor<f32>) -> Result<Tensor<f32>> {
            Ok(input)
        }
    }
    says(
        saved::write(&Model::new().add(Bare)),
        &["bare", "`AnyLayer::own_parts`"],
    );
}

#[test]
fn a_lambda_is_given_back_by_its_name() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/field/lambda/lambda.keras"
    );
    let last = |x: Tensor<f32>| Ok(Tensor::new(&x.values.slice(ndarray::s![.., -3.., ..])));
    let model: Model<f32> = keras::Reader::new()
        .lambda("lambda", last)
        .load(path)
        .unwrap();
    let bytes = saved::write(&model).unwrap();
    let again: Model<f32> = Reader::new().lambda("lambda", last).read(&bytes).unwrap();
    let x = crate::numbers::<f32>(&[2, 6, 3], 5);
    assert_eq!(again.forward(&x).unwrap(), model.forward(&x).unwrap());
    assert_eq!(again.forward(&x).unwrap().shape(), [2, 3, 2]);
}

/// `LeakyCell` of `tests/data/make_own.py`, which says what a file keeps of it.
struct Leaky {
    by: f32,
    kernel: Array2<f32>,
    rate: Array1<f32>,
}

impl Leaky {
    fn read(file: &OwnLayer<f32>) -> Result<Self> {
        Ok(Leaky {
            by: file.number("by")?,
            kernel: file.array(0)?,
            rate: file.array(1)?,
        })
    }
}

impl Cell for Leaky {
    type Elem = f32;
    type State = HiddenState<f32>;
    fn features(&self) -> usize {
        self.kernel.nrows()
    }
    fn units(&self) -> usize {
        self.kernel.ncols()
    }
    fn zero_state(&self, samples: usize) -> HiddenState<f32> {
        HiddenState::zeros(samples, self.units())
    }
    fn step(&self, x: ndarray::ArrayView2<f32>, state: &mut HiddenState<f32>) {
        state.h = &state.h * &self.rate + x.dot(&self.kernel) * self.by;
    }
    fn output<'s>(&self, state: &'s HiddenState<f32>) -> ndarray::ArrayView2<'s, f32> {
        state.h.view()
    }
    fn own_parts(&self) -> Option<OwnParts<f32>> {
        let parts = OwnParts::new("LeakyCell").number("by", self.by);
        Some(
            parts
                .array("kernel", &self.kernel)
                .array("rate", &self.rate),
        )
    }
}

/// From a file of Keras to one of this crate and back, with masks, directions and states.
#[test]
fn a_cell_of_ones_own_comes_back_by_its_name() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["k3_cell.keras", "k2_cell.h5"] {
        let reader = keras::Reader::new().cell("LeakyCell", Leaky::read);
        let path = root.join("tests/data/own/models").join(file);
        let model: Model<f32> = reader.load(path).unwrap();
        let bytes = saved::write(&model).unwrap();
        says(
            saved::read::<Model<f32>>(&bytes),
            &["found LeakyCell", "`saved::Reader::cell`"],
        );
        let reader = Reader::new().cell("LeakyCell", Leaky::read);
        let again: Model<f32> = reader.read(&bytes).unwrap();
        assert_eq!(saved::write(&again).unwrap(), bytes);
        let mut x =
            ndarray::Array3::from_shape_fn((2, 5, 3), |(i, t, k)| (i + t * k) as f32 / 7.0 - 0.5);
        x.slice_mut(ndarray::s![0, 3.., ..]).fill(0.0);
        let run = |model: &Model<f32>| model.forward_all(vec![Tensor::new(&x)]).unwrap();
        let both = run(&model).into_iter().zip(run(&again));
        assert!(both.map(|(a, b)| assert_eq!(a.values, b.values)).count() > 3);
    }
    // A single layer, too.
    let layer = Layer::new(Rnn(Leaky {
        by: 0.5,
        kernel: Array2::eye(2),
        rate: array![0.5, 0.25],
    }));
    let layer = Model::new().add(layer.return_sequences(true));
    let reader = Reader::new().cell("LeakyCell", Leaky::read);
    let again: Model<f32> = reader.read(&saved::write(&layer).unwrap()).unwrap();
    let x = ndarray::Array3::<f32>::ones((1, 4, 2));
    assert_eq!(again.forward(&x).unwrap(), layer.forward(&x).unwrap());
}
