//! Layers and functions of the caller's own in place of those that are not in a file.

use crate::data::tests;
use crate::family::{Family, read};
use crate::inside;
use crate::parts::layer;
use crate::says::says;
use ndarray::{Array1, Array2, ArrayD, ArrayView2, Ix2, s};
use recurrent::{
    Activation, AnyLayer, Cell, Element, HiddenState, Model, OwnLayer, Result, Stepwise, Tensor,
    keras,
};
use serde_json::{Value, json};

fn snake() -> Activation {
    Activation::custom("snake", |x| x + x.sin().powi(2))
}

fn own() -> Family {
    Family::load(tests().join("data/own"))
}

/// `Scale` of `make_own.py`.
struct Scale<A> {
    by: A,
    gain: Array1<A>,
    offset: Array1<A>,
}

impl<A: Element> Scale<A> {
    fn read(file: &OwnLayer<A>) -> Result<Self> {
        // Those that are not trained come last.
        Ok(Scale {
            by: file.number("by")?,
            gain: file.array(0)?,
            offset: file.array(1)?,
        })
    }
}

impl<A: Element> AnyLayer<A> for Scale<A> {
    fn name(&self) -> &str {
        "scale"
    }

    fn forward(&self, mut input: Tensor<A>) -> Result<Tensor<A>> {
        input.values = input.values * &self.gain * self.by + &self.offset;
        Ok(input)
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::EachTimestep
    }
}

/// `Mix` of `make_own.py`.
struct Mix<A> {
    first: (Array2<A>, Array1<A>),
    second: Array2<A>,
}

impl<A: Element> Mix<A> {
    fn read(file: &OwnLayer<A>) -> Result<Self> {
        // An archive has the names of the attributes, a `.h5` those of the layers.
        let in_archive = file.weights().any(|(name, _)| name == "first/vars/0");
        let [kernel, bias, second] = if in_archive {
            ["first/vars/0", "first/vars/1", "second/vars/0"]
        } else {
            ["one/kernel", "one/bias", "two/kernel"]
        };
        Ok(Mix {
            first: (file.array_named(kernel)?, file.array_named(bias)?),
            second: file.array_named(second)?,
        })
    }
}

impl<A: Element> AnyLayer<A> for Mix<A> {
    fn name(&self) -> &str {
        "mix"
    }

    fn forward(&self, _: Tensor<A>) -> Result<Tensor<A>> {
        unreachable!("it has two inputs")
    }

    fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        let [x, y] = <[Tensor<A>; 2]>::try_from(inputs).unwrap();
        let rows = |x: &ArrayD<A>| -> Array2<A> {
            let rows = x.len() / 3;
            x.to_shape((rows, 3)).unwrap().into_owned()
        };
        let sum = rows(&x.values).dot(&self.first.0) + &self.first.1;
        let sum = sum + rows(&y.values).dot(&self.second);
        let shape = x.values.raw_dim();
        Ok(vec![Tensor {
            values: sum.into_shape_with_order(shape).unwrap(),
            mask: None,
        }])
    }
}

/// `LeakyCell` of `make_own.py`.
struct Leaky<A> {
    by: A,
    kernel: Array2<A>,
    rate: Array1<A>,
}

impl<A: Element> Leaky<A> {
    fn read(file: &OwnLayer<A>) -> Result<Self> {
        let cell = Leaky {
            by: file.number("by")?,
            kernel: file.array(0)?,
            rate: file.array(1)?,
        };
        assert_eq!(cell.rate.len(), file.count("units")?);
        Ok(cell)
    }
}

impl<A: Element> Cell for Leaky<A> {
    type Elem = A;
    type State = HiddenState<A>;
    fn features(&self) -> usize {
        self.kernel.nrows()
    }
    fn units(&self) -> usize {
        self.kernel.ncols()
    }
    fn zero_state(&self, samples: usize) -> HiddenState<A> {
        HiddenState::zeros(samples, self.units())
    }
    fn step(&self, x: ArrayView2<A>, state: &mut HiddenState<A>) {
        state.h = &state.h * &self.rate + x.dot(&self.kernel) * self.by;
    }
    fn output<'s>(&self, state: &'s HiddenState<A>) -> ArrayView2<'s, A> {
        state.h.view()
    }
}

fn reader<A: Element>() -> keras::Reader {
    keras::Reader::new()
        .cell("LeakyCell", Leaky::<A>::read)
        .layer("Scale", Scale::<A>::read)
        .layer("mine>Mix", Mix::<A>::read)
        .activation("snake", snake())
        .activation("mine>half", Activation::LeakyRelu { alpha: 1.0 })
        .activation("half", Activation::custom("half", |x| x * 0.5))
        .lambda("last_three", |x: Tensor<A>| {
            Ok(Tensor::new(&x.values.slice(s![.., -3.., ..])))
        })
        .layer("Lambda", |file: &OwnLayer<A>| {
            assert_eq!((file.name(), file.class()), ("minus", "Lambda"));
            assert_eq!(file.weights().len(), 0);
            Ok(Minus)
        })
}

/// The other Lambda, which has two inputs.
struct Minus;

impl<A: Element> AnyLayer<A> for Minus {
    fn name(&self) -> &str {
        "minus"
    }

    fn forward(&self, _: Tensor<A>) -> Result<Tensor<A>> {
        unreachable!("it has two inputs")
    }

    fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        let two = A::from_f64(2.0);
        Ok(vec![Tensor::new(
            &(&inputs[0].values - &(&inputs[1].values * two)),
        )])
    }
}

fn check<A: Element>() -> usize {
    let (family, reader) = (own(), reader::<A>());
    let mut checked = 0;
    for case in &family.cases {
        for kind in ["keras", "h5"] {
            let Some(path) = family.file(case, kind) else {
                continue;
            };
            let model: Model<A> = reader.read(&read(&path)).unwrap();
            family
                .check(case, &model)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            checked += 1;
        }
    }
    checked
}

#[test]
fn layers_functions_and_lambdas_compute_what_keras_computed() {
    assert_eq!(check::<f32>() + check::<f64>(), 24);
}

fn model(name: &str) -> Vec<u8> {
    read(&tests().join("data/own/models").join(name))
}

#[test]
fn a_lambda_and_a_class_from_the_field() {
    let field = tests().join("data/field");
    let reader = keras::Reader::new()
        .lambda("lambda", |x: Tensor<f32>| {
            Ok(Tensor::new(&x.values.slice(s![.., -3.., ..])))
        })
        .layer("mine>Both", |file: &OwnLayer<f32>| {
            assert_eq!(file.name(), "both");
            Ok(recurrent::Merge::Add)
        });
    let model: Model<f32> = reader.load(field.join("lambda/lambda.keras")).unwrap();
    let array = |name: &str, of: &str| -> ArrayD<f32> {
        recurrent::npz::File::load(field.join(name))
            .unwrap()
            .array(of)
            .unwrap()
    };
    let expected = array("lambda/expected.npz", "output_0");
    let found = model.forward(&array("lambda/in.npz", "input_0")).unwrap();
    assert_eq!(found.shape(), expected.shape());
    let differs = (&found - &expected).fold(0.0_f32, |most, x| most.max(x.abs()));
    assert!(differs < 1e-6, "{differs}");
    let both: Model<f32> = reader
        .load(field.join("arguments_before_class/own_class.h5"))
        .unwrap();
    assert_eq!(both.inputs().len(), 1);
    let x = ndarray::Array3::ones((2, 5, 4));
    assert_eq!(both.forward(&x).unwrap().shape(), [2, 5, 4]);
}

#[test]
fn errors_about_a_cell_point_to_the_reader() {
    let bytes = model("k3_cell.keras");
    let words = ["LeakyCell", "`keras::Reader::cell`"];
    says(keras::read::<f32>(&bytes), &words);
    let wide = keras::Reader::new().cell("mine>LeakyCell", Leaky::<f64>::read);
    says(wide.read::<f32>(&bytes), &["LeakyCell", "makes it for f32"]);
    let missing = keras::Reader::new().cell("LeakyCell", |file: &OwnLayer<f32>| {
        Ok(Leaky {
            by: file.number("times")?,
            kernel: file.array(0)?,
            rate: file.array(1)?,
        })
    });
    let words = ["layer \"leaky\" (RNN): times: found none, expected a number"];
    says(missing.read::<f32>(&bytes), &words);
}

#[test]
fn errors_point_to_the_reader() {
    let bytes = model("k3_own.keras");
    let read = |reader: &keras::Reader| reader.read::<f32>(&bytes);
    let bare = keras::Reader::new();
    says(
        read(&bare),
        &[
            "\"scaled\" (Scale): found the class \"mine>Scale\"",
            "`keras::Reader::layer`",
        ],
    );
    let layers = bare
        .layer("Scale", Scale::<f32>::read)
        .layer("Mix", Mix::<f32>::read);
    says(
        read(&layers),
        &[
            "\"dense\" (Dense): activation: found mine>snake",
            "`keras::Reader::activation`",
        ],
    );
    let wide = keras::Reader::new()
        .layer("Scale", Scale::<f64>::read)
        .layer("Mix", Mix::<f64>::read);
    says(
        read(
            &wide
                .activation("snake", snake())
                .activation("half", snake()),
        ),
        &["Scale", "makes it for f32"],
    );
    says(
        keras::Reader::new().read::<f32>(&model("k3_lambdas.keras")),
        &[
            "(Lambda): found a Lambda, which is Python code",
            "`keras::Reader::lambda`",
        ],
    );
    // What a layer of one's own refuses has its name.
    let missing = reader::<f32>().layer("Scale", |file: &OwnLayer<f32>| {
        Ok(Scale {
            by: file.number("times")?,
            gain: file.array(0)?,
            offset: file.array(1)?,
        })
    });
    says(
        read(&missing),
        &["layer \"scaled\" (Scale): times: found none, expected a number"],
    );
    let two = reader::<f32>().layer("Scale", |file: &OwnLayer<f32>| {
        file.array::<Ix2>(0)?;
        Scale::read(file)
    });
    says(
        read(&two),
        &["layer \"scaled\"", "vars/0: found 1 axis, expected 2 axes"],
    );
    let named = reader::<f32>().layer("Scale", |file: &OwnLayer<f32>| {
        file.array_named::<Ix2>("gain")?;
        Scale::read(file)
    });
    says(
        read(&named),
        &["found vars/0, vars/1, expected one weight \"gain\""],
    );
}

#[test]
fn what_is_given_goes_before_what_is_here() {
    // Keras' own classes can be taken over, too, and those that this crate does not have.
    let bytes = model("k3_own.keras");
    let mut config: Value = serde_json::from_str(&inside::text(&bytes, "config.json")).unwrap();
    layer(&mut config, "conv")["class_name"] = json!("Conv3D");
    layer(&mut config, "conv")["registered_name"] = json!("Conv3D");
    let weights = inside::member(&bytes, "model.weights.h5");
    let reader = reader::<f32>().version("3.15.1".parse().unwrap());
    says(
        reader.read_parts::<f32>(&config.to_string(), &weights),
        &["found Conv3D", "`keras::Reader::layer`"],
    );
    let reader = reader.layer("Dense", |file: &OwnLayer<f32>| {
        assert!(file.has("units") && !file.has("other"));
        assert_eq!(file.text("name")?, file.name());
        assert!(file.flag("use_bias")? && file.count("units")? > 0);
        assert!(file.config().contains("\"units\""));
        assert!(file.numbers("units").is_err());
        recurrent::Dense::from_weights(file.array(0)?, file.array::<ndarray::Ix1>(1)?)
    });
    reader.read::<f32>(&bytes).unwrap();
}
