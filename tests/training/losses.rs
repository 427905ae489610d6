//! Every case of the family `losses`, in f64 and f32, and those that `tests/data/make_losses.py` made.
#![allow(clippy::float_cmp)] // exact values are what is asked for

use crate::Outcome;
use crate::data;
use crate::family::Family;
use crate::fields::Fields;
use crate::tally::Tally;
use ndarray::{Array2, Array3, ArrayD, Axis, IxDyn, arr0};
use recurrent::train::{Evaluated, Impossible, Loss, Reduction, Target};
use recurrent::{Activation, Element};
use serde_json::Value;

#[test]
fn losses_f64() {
    check::<f64>("f64", 1e-9);
}

#[test]
fn losses_f32() {
    check::<f32>("f32", 2e-5);
}

fn check<A: Element>(precision: &str, tolerance: f64) {
    let mut tally = Tally::new(format!("losses in {precision}"));
    let chosen = Family::chosen("losses").unwrap();
    let made = Family::made("losses").unwrap();
    tally.part("of the set");
    let ours = data::least(231);
    for family in chosen.iter().chain([&made]) {
        if std::ptr::eq(family, &raw const made) {
            tally.part("of tests/data/losses");
        }
        for case in &family.cases {
            let id = case["id"].as_str().unwrap_or("a case without an id");
            tally.case(id, || -> Outcome<f64> {
                let case = Case {
                    family,
                    fields: Fields::new(case)?,
                    tolerance,
                };
                let difference = case.run::<A>()?;
                case.fields.only_describes(family)?;
                Ok(difference)
            });
        }
    }
    tally.finish(ours + 34);
}

struct Case<'c> {
    family: &'c Family,
    fields: Fields<'c>,
    tolerance: f64,
}

impl Case<'_> {
    fn run<A: Element>(&self) -> Outcome<f64> {
        self.fields.ignore(&["id", "shapes"]);
        match self.fields.text("kind")? {
            "loss" => self.keras::<A>(),
            "torch_loss" => self.torch::<A>(),
            "ctc" => self.ctc::<A>(),
            other => Err(format!("unknown kind {other:?}").into()),
        }
    }

    fn exact(&self, key: &str) -> Outcome<Option<ArrayD<f64>>> {
        let name = self.fields.optional(key);
        name.map(|name| Ok(self.family.tensor(name)?.clone()))
            .transpose()
    }

    fn array<A: Element>(&self, key: &str) -> Outcome<Option<ArrayD<A>>> {
        Ok(self.exact(key)?.map(|array| array.mapv(A::from_f64)))
    }

    fn needed<A: Element>(&self, key: &str) -> Outcome<ArrayD<A>> {
        self.array(key)?.ok_or_else(|| format!("no {key}").into())
    }

    fn counts(&self, key: &str) -> Outcome<Option<Vec<usize>>> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let count = |x: &f64| *x as usize;
        Ok(self
            .exact(key)?
            .map(|array| array.iter().map(count).collect()))
    }

    fn keras<A: Element>(&self) -> Outcome<f64> {
        let config = Fields::new(self.fields.get("config")?)?;
        let mut loss = match self.fields.text("cell")? {
            "MeanSquaredError" => Loss::<A>::mean_squared_error(),
            "MeanAbsoluteError" => Loss::mean_absolute_error(),
            "Huber" => Loss::huber(config.number("delta")?),
            "LogCosh" => Loss::log_cosh(),
            "BinaryCrossentropy" => Loss::binary_crossentropy(),
            "CategoricalCrossentropy" => Loss::categorical_crossentropy(),
            "SparseCategoricalCrossentropy" => Loss::sparse_categorical_crossentropy(),
            "KLDivergence" => Loss::kl_divergence(),
            other => return Err(format!("unknown loss {other}").into()),
        };
        loss = loss.reduction(reduction(&config)?);
        if config.optional("from_logits").is_some() {
            loss = loss.from_logits(config.bool("from_logits")?);
        }
        if config.optional("label_smoothing").is_some() {
            loss = loss.label_smoothing(config.number("label_smoothing")?);
        }
        if let Some(class) = config.optional("ignore_class") {
            loss = loss.ignore_class(class.as_i64().ok_or("a class that is no number")?);
        }
        config.done()?;
        let (y, x) = (self.needed::<A>("y_true")?, self.needed::<A>("y_pred")?);
        let weights = self.array::<A>("sample_weight")?;
        let mask = self.exact("mask")?.map(|mask| mask.mapv(|m| m != 0.0));
        let factor = self.array::<A>("factor")?;
        let classes = self.class_weights()?;
        let mut target = Target::new(&y);
        target.mask = mask.as_ref().map(|array| array.view());
        target.upstream = factor.as_ref().map(|array| array.view());
        let mut spread = None;
        if classes.is_some() {
            // The case has them as sample weights, too.
            target.class_weights = classes.as_deref();
        } else if let Some(weights) = &weights {
            target.sample_weights = Some(weights.view());
            // The case is there to show what Keras guesses; it is refused, and run as it was guessed.
            if weights.ndim() == 1 && x.ndim() == 3 {
                let said = loss.evaluate(&x, target.clone()).unwrap_err().to_string();
                if !said.contains("sample_weights") {
                    return Err(format!("refused for another reason: {said}").into());
                }
                let shape = IxDyn(&x.shape()[..2]);
                spread = Some(weights.broadcast(shape).ok_or("other weights")?.to_owned());
            }
        }
        if spread.is_some() {
            target.sample_weights = spread.as_ref().map(|array| array.view());
        }
        let through = match self.fields.optional("through").and_then(Value::as_str) {
            None => return self.compare(&loss.evaluate(&x, target)?, None),
            Some("softmax") => Activation::Softmax,
            Some("sigmoid") => Activation::Sigmoid,
            Some(other) => return Err(format!("through {other}").into()),
        };
        if let Some(loss) = loss.of_scores(through) {
            return self.compare(&loss.evaluate(&x, target)?, None);
        }
        let mut p = x.mapv(Element::as_f64);
        for mut row in p.rows_mut() {
            match through {
                Activation::Softmax => {
                    row.mapv_inplace(f64::exp);
                    row /= row.sum();
                }
                _ => row.mapv_inplace(|x| 1.0 / (1.0 + (-x).exp())),
            }
        }
        let found = loss.evaluate(&p.mapv(A::from_f64), target)?;
        let mut grad = found.gradient.mapv(Element::as_f64);
        for (mut g, p) in grad.rows_mut().into_iter().zip(p.rows()) {
            let common = if through == Activation::Softmax {
                g.dot(&p)
            } else {
                0.0
            };
            let own = |p: f64| {
                if through == Activation::Softmax {
                    1.0
                } else {
                    1.0 - p
                }
            };
            g.zip_mut_with(&p, |g, &p| *g = p * own(p) * (*g - common));
        }
        self.compare(&found, Some(grad))
    }

    fn class_weights(&self) -> Outcome<Option<Vec<(usize, f64)>>> {
        let Some(named) = self.fields.optional("class_weight") else {
            return Ok(None);
        };
        let named = named
            .as_object()
            .ok_or("class weights that are no object")?;
        let weight = |(class, weight): (&String, &Value)| -> Outcome<_> {
            Ok((class.parse()?, weight.as_f64().ok_or("no number")?))
        };
        Ok(Some(named.iter().map(weight).collect::<Outcome<_>>()?))
    }

    fn torch<A: Element>(&self) -> Outcome<f64> {
        let config = Fields::new(self.fields.get("config")?)?;
        let numbers = |key: &str| -> Outcome<Option<Vec<f64>>> {
            let list = config.optional(key).and_then(Value::as_array);
            let list = list.map(|list| list.iter().map(|x| x.as_f64().ok_or("no number")));
            Ok(list.map(Iterator::collect::<Result<_, _>>).transpose()?)
        };
        let mut loss = match self.fields.text("cell")? {
            "MSELoss" => Loss::<A>::torch_mse(),
            "L1Loss" => Loss::torch_l1(),
            "HuberLoss" => Loss::torch_huber(config.number("delta")?),
            "SmoothL1Loss" => Loss::torch_smooth_l1(config.number("beta")?),
            "BCEWithLogitsLoss" => match numbers("pos_weight")? {
                None => Loss::torch_bce_with_logits(),
                Some(weights) => Loss::torch_bce_with_logits().pos_weight(&weights),
            },
            "CrossEntropyLoss" => {
                let ignored = config.get("ignore_index")?.as_i64().ok_or("no number")?;
                let mut loss = Loss::torch_cross_entropy().ignore_class(ignored);
                if let Some(weights) = numbers("weight")? {
                    loss = loss.class_weights(&weights);
                }
                loss.label_smoothing(config.number("label_smoothing")?)
            }
            other => return Err(format!("unknown loss {other}").into()),
        };
        loss = loss.reduction(reduction(&config)?);
        config.done()?;
        let (y, x) = (self.needed::<A>("y_true")?, self.needed::<A>("y_pred")?);
        let factor = self.array::<A>("factor")?;
        let mut target = Target::new(&y);
        target.upstream = factor.as_ref().map(|array| array.view());
        self.compare(&loss.evaluate(&x, target)?, None)
    }

    fn ctc<A: Element>(&self) -> Outcome<f64> {
        let config = Fields::new(self.fields.get("config")?)?;
        self.fields.ignore(&["cell"]);
        let mut loss = match config.text("framework")? {
            "keras" => Loss::<A>::ctc(),
            "torch" => Loss::torch_ctc(),
            other => return Err(format!("unknown framework {other}").into()),
        };
        loss = loss
            .blank(config.count("blank")?)
            .reduction(reduction(&config)?);
        let zero = config.optional("zero_infinity").is_some() && config.bool("zero_infinity")?;
        if zero {
            loss = loss.impossible(Impossible::Zero);
        }
        config.done()?;
        let (x, y) = (self.needed::<A>("logits")?, self.needed::<A>("labels")?);
        let (lengths, labels) = (self.counts("lengths")?, self.counts("label_lengths")?);
        let (weights, factor) = (self.array("sample_weight")?, self.array::<A>("factor")?);
        let mut target = Target::new(&y);
        target.lengths = lengths.as_deref();
        target.label_lengths = labels.as_deref();
        target.sample_weights = weights.as_ref().map(|array| array.view());
        target.upstream = factor.as_ref().map(|array| array.view());
        let found = loss.evaluate(&x, target.clone())?;
        // What Keras computes in f32, where that is a loss at all: TensorFlow gives some hundreds for what is impossible.
        let of_keras = ["keras_tensorflow_f32_value", "keras_tensorflow_f32_grad"];
        let [value, grad] = of_keras.map(|key| self.exact(key));
        if let (Some(value), Some(grad)) = (value?, grad?)
            && found.values.iter().all(|v| v.is_finite())
        {
            let got = result(&found, &value);
            near("value in f32", &got, &value, 1e-5 + self.tolerance)?;
            let got = found.gradient.mapv(Element::as_f64);
            near("gradient in f32", &got, &grad, 1e-5 + self.tolerance)?;
        }
        let impossible = self.exact("value")?.ok_or("no value")?;
        if impossible.iter().all(|v| v.is_finite()) {
            return self.compare(&found, None);
        }
        // PyTorch's gradient of these samples is NaN; ours is 0.
        let refused = loss.impossible(Impossible::Refused).evaluate(&x, target);
        if !refused.unwrap_err().to_string().contains("labels that fit") {
            return Err("refused for another reason".into());
        }
        let grad = self.exact("grad")?.ok_or("no grad")?;
        let want = grad.mapv(|g| if g.is_nan() { 0.0 } else { g });
        let got = found.gradient.mapv(Element::as_f64);
        let mut worst = near("gradient", &got, &want, self.tolerance)?;
        for (got, want) in result(&found, &impossible).iter().zip(&impossible) {
            let is_same = got.is_infinite() && want.is_infinite();
            if !is_same {
                let (got, want) = (arr0(*got).into_dyn(), arr0(*want).into_dyn());
                worst = worst.max(near("value", &got, &want, self.tolerance)?);
            }
        }
        Ok(worst)
    }

    /// Compares the value and the gradient, or another gradient that was computed from it, with those of the case.
    fn compare<A: Element>(&self, found: &Evaluated<A>, grad: Option<ArrayD<f64>>) -> Outcome<f64> {
        let want = self.exact("value")?.ok_or("no value")?;
        let value = near("value", &result(found, &want), &want, self.tolerance)?;
        if want.ndim() > 0 {
            let factor = self.exact("factor")?.ok_or("no factor")?;
            let sum = arr0((&want * &factor).sum()).into_dyn();
            near(
                "the sum",
                &arr0(found.value).into_dyn(),
                &sum,
                self.tolerance,
            )?;
        }
        let got = grad.unwrap_or_else(|| found.gradient.mapv(Element::as_f64));
        let want = self.exact("grad")?.ok_or("no grad")?;
        Ok(value.max(near("gradient", &got, &want, self.tolerance)?))
    }
}

/// The loss or the losses, whichever the case has.
fn result<A: Element>(found: &Evaluated<A>, want: &ArrayD<f64>) -> ArrayD<f64> {
    if want.ndim() == 0 {
        arr0(found.value).into_dyn()
    } else {
        found.values.clone()
    }
}

fn reduction(config: &Fields) -> Outcome<Reduction> {
    Ok(match config.text("reduction")? {
        "mean" | "sum_over_batch_size" => Reduction::Mean,
        "mean_with_sample_weight" => Reduction::MeanWithSampleWeight,
        "sum" => Reduction::Sum,
        "none" => Reduction::None,
        other => return Err(format!("unknown reduction {other}").into()),
    })
}

/// Returns the largest difference: in f64 relative to each number, in f32 to the largest; to 1 at least.
fn near(what: &str, got: &ArrayD<f64>, want: &ArrayD<f64>, tolerance: f64) -> Outcome<f64> {
    if got.shape() != want.shape() {
        let (got, want) = (got.shape(), want.shape());
        return Err(format!("{what} has shape {got:?}, expected {want:?}").into());
    }
    let largest = want.iter().fold(1.0_f64, |largest, x| largest.max(x.abs()));
    let scale = |want: f64| {
        if tolerance < 1e-8 {
            want.abs().max(1.0)
        } else {
            largest
        }
    };
    let mut worst = 0.0;
    for (got, want) in got.iter().zip(want) {
        let difference = (got - want).abs() / scale(*want);
        if difference.is_nan() || difference > tolerance {
            return Err(format!("{what} is {got}, expected {want}").into());
        }
        worst = difference.max(worst);
    }
    Ok(worst)
}

#[test]
fn a_result_is_computed_into_again() -> Outcome<()> {
    let loss = Loss::categorical_crossentropy().from_logits(true);
    let mut into = Evaluated::default();
    for shape in [(4, 3), (2, 5), (4, 3)] {
        let x = Array2::from_shape_fn(shape, |(i, k)| (i * 3 + k * k) as f64 / 7.0);
        let y = Array2::from_shape_fn(shape, |(i, k)| f64::from(u8::from(i % shape.1 == k)));
        let mask = x.index_axis(Axis(1), 0).mapv(|x| x < 0.5);
        let target = Target::new(&y).mask(&mask);
        loss.evaluate_into(&x, &target, &mut into)?;
        let fresh = loss.evaluate(&x, target)?;
        assert_eq!(into.value.to_bits(), fresh.value.to_bits());
        assert_eq!(
            (&into.values, &into.gradient),
            (&fresh.values, &fresh.gradient)
        );
    }
    Ok(())
}

#[test]
fn the_order_in_memory_does_not_matter() -> Outcome<()> {
    let x = Array2::from_shape_fn((3, 4), |(i, k)| (i * 5 + k * k) as f64 / 9.0);
    let y = x.mapv(|x| x / 3.0);
    let loss = Loss::binary_crossentropy().from_logits(true);
    let want = loss.evaluate(&x, Target::new(&y))?;
    let (turned_x, turned_y) = (x.t().as_standard_layout().into_owned(), y.t().to_owned());
    let got = loss.evaluate(&turned_x.t(), Target::new(&turned_y.t()))?;
    assert_eq!((got.value, got.gradient), (want.value, want.gradient));
    Ok(())
}

#[test]
fn class_weights_of_sequences_are_those_of_their_steps() -> Outcome<()> {
    let x = Array3::from_shape_fn((2, 3, 3), |(b, t, k)| {
        ((b * 5 + t * 3 + k * k) % 7) as f64 / 3.0
    });
    let classes = ndarray::array![[0.0, 2.0, 1.0], [1.0, 1.0, 0.0]];
    let hot = Array3::from_shape_fn((2, 3, 3), |(b, t, k)| {
        f64::from(u8::from(classes[[b, t]] == k as f64))
    });
    let named = [(0, 2.5), (1, 0.25)];
    let weights = classes.mapv(|class: f64| {
        let named = named.iter().find(|(named, _)| *named as f64 == class);
        named.map_or(1.0, |(_, weight)| *weight)
    });
    let sparse = Loss::sparse_categorical_crossentropy().from_logits(true);
    let full = Loss::categorical_crossentropy().from_logits(true);
    let want = sparse.evaluate(&x, Target::new(&classes).sample_weights(&weights))?;
    let got = sparse.evaluate(&x, Target::new(&classes).class_weights(&named))?;
    assert_eq!((got.value, got.gradient), (want.value, want.gradient));
    let want = full.evaluate(&x, Target::new(&hot).sample_weights(&weights))?;
    let got = full.evaluate(&x, Target::new(&hot).class_weights(&named))?;
    assert_eq!((got.value, got.gradient), (want.value, want.gradient));
    Ok(())
}
