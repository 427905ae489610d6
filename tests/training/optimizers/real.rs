//! What Keras does where the golden family says nothing: `tests/data/optimizers.json`, of `make_optimizers.py`.

use super::cases::Worst;
use super::read;
use crate::Outcome;
use crate::data::tests;
use crate::tally::Tally;
use ndarray::ArrayD;
use recurrent::train::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Constraint, Ftrl, Gradients, Lion, Nadam, Optimizer,
    ReduceOnPlateau, RmsProp, Sgd,
};
use serde_json::{Value, json};

fn data() -> Value {
    let text = std::fs::read(tests().join("data/optimizers.json")).expect("the data");
    serde_json::from_slice(&text).expect("JSON")
}

/// Arrays by name. A list of lists has two axes.
fn arrays(value: &Value) -> Outcome<Vec<(String, ArrayD<f64>)>> {
    let arrays = value.as_object().ok_or("no arrays")?.iter();
    let array = |(name, value): (&String, &Value)| {
        let rows = value.as_array().ok_or("no array")?;
        let shape = match rows.first().and_then(Value::as_array) {
            Some(row) => vec![rows.len(), row.len()],
            None => vec![rows.len()],
        };
        let flat = rows.iter().flat_map(|row| match row.as_array() {
            Some(row) => row.iter().map(Value::as_f64).collect(),
            None => vec![row.as_f64()],
        });
        let flat = flat.collect::<Option<Vec<_>>>().ok_or("no number")?;
        Ok((name.clone(), ArrayD::from_shape_vec(shape, flat)?))
    };
    arrays.map(array).collect()
}

fn compare(
    worst: &mut Worst,
    what: &str,
    got: &[(String, ArrayD<f64>)],
    want: &Value,
) -> Outcome<()> {
    for ((name, got), (expected, want)) in got.iter().zip(arrays(want)?) {
        assert_eq!(*name, expected);
        worst.compare(&format!("{what}, {name}"), got, &want)?;
    }
    Ok(())
}

#[test]
fn absent_gradients_accumulation_and_all_at_once() {
    let data = data();
    let mut tally = Tally::new("optimizers of Keras");
    tally.part("f64");
    for case in data["cases"].as_array().expect("cases") {
        tally.case(case["name"].as_str().unwrap_or_default(), || {
            let class = case["class"].as_str().ok_or("no class")?;
            let schedule = Some(&case["schedule"]).filter(|schedule| !schedule.is_null());
            let mut builder = read::keras::<f64>(class, &case["config"], schedule)?;
            if let Some(max) = case["max_norm"].as_f64() {
                builder = builder.constraint(["a"], Constraint::max_norm(max));
            }
            // Keras' f64 has numbers of f32 in it: the 0.96 of Nadam.
            let (mut optimizer, mut worst) = (builder.build()?, Worst::within(1e-7));
            let mut weights = arrays(&case["initial"])?;
            for (i, step) in case["steps"]
                .as_array()
                .ok_or("no steps")?
                .iter()
                .enumerate()
            {
                let gradients = Gradients::from_arrays(arrays(&step["gradients"])?);
                optimizer.update_arrays(&mut weights, &gradients)?;
                compare(&mut worst, &format!("step {i}"), &weights, &step["after"])?;
            }
            if case["averages"].is_object() {
                let averages = weights.iter().filter_map(|(name, _)| {
                    Some((name.clone(), optimizer.slot(name, "average")?.clone()))
                });
                let averages: Vec<_> = averages.collect();
                assert_eq!(averages.len(), weights.len());
                compare(&mut worst, "average", &averages, &case["averages"])?;
            }
            Outcome::Ok(worst.difference)
        });
    }
    tally.finish(7);
}

#[test]
fn defaults_are_those_of_keras() {
    let data = data();
    let defaults = data["defaults"].as_object().expect("defaults");
    assert_eq!(defaults.len(), 10);
    for (class, config) in defaults {
        let rate = config["learning_rate"].as_f64().expect("a rate");
        let short = match class.as_str() {
            "SGD" => Optimizer::of(Sgd::keras(rate)),
            "RMSprop" => Optimizer::of(RmsProp::keras(rate)),
            "Adam" => Optimizer::of(Adam::keras(rate)),
            "AdamW" => Optimizer::of(AdamW::keras(rate)),
            "Nadam" => Optimizer::of(Nadam::keras(rate)),
            "Adagrad" => Optimizer::of(Adagrad::keras(rate)),
            "Adadelta" => Optimizer::of(Adadelta::keras(rate)),
            "Adamax" => Optimizer::of(Adamax::keras(rate)),
            "Lion" => Optimizer::of(Lion::keras(rate)),
            "Ftrl" => Optimizer::of(Ftrl::keras(rate)),
            other => panic!("unknown optimizer {other}"),
        };
        let long = read::keras::<f64>(class, config, None).unwrap();
        let after = [short, long].map(|builder| {
            let mut optimizer = builder.build().unwrap();
            let mut weights = arrays(&json!({ "w": [0.5, -1.0, 0.25] })).unwrap();
            for g in [1e-4, -0.5, 1e-6, 2.0] {
                let gradients = arrays(&json!({ "w": [g, -g, 1e-7] })).unwrap();
                let gradients = Gradients::from_arrays(gradients);
                optimizer.update_arrays(&mut weights, &gradients).unwrap();
            }
            (weights, optimizer.state())
        });
        assert_eq!(after[0], after[1], "{class}");
    }
}

#[test]
fn a_plateau_lowers_the_rate_as_in_keras() {
    let data = data();
    let plateaus = data["plateaus"].as_array().expect("plateaus");
    assert_eq!(plateaus.len(), 6);
    for case in plateaus {
        let mut plateau = ReduceOnPlateau::new();
        for (key, value) in case["options"].as_object().expect("options") {
            let number = value.as_f64().unwrap_or(f64::NAN);
            let count = value.as_u64().unwrap_or_default();
            plateau = match key.as_str() {
                "factor" => plateau.factor(number),
                "patience" => plateau.patience(count),
                "cooldown" => plateau.cooldown(count),
                "min_lr" => plateau.min_lr(number),
                "min_delta" => plateau.min_delta(number),
                "mode" => plateau.rising(*value == json!("max")),
                other => panic!("unknown option {other}"),
            };
        }
        let mut rate = case["rate"].as_f64().expect("a rate");
        let values = case["values"].as_array().expect("values").iter();
        for (i, (value, want)) in values.zip(case["rates"].as_array().unwrap()).enumerate() {
            let value = value.as_f64().unwrap_or(f64::NAN);
            rate = plateau.observe(value, rate).unwrap();
            assert_eq!(Some(rate), want.as_f64(), "value {i} of {case}");
        }
    }
}
