//! How a Keras model was compiled: its optimiser, and its losses with their weights.

use super::config::{Config, items, shown, steps};
use super::object::Object;
use crate::Element;
use crate::error::{Error, Result};
use crate::format::json::Value;
use crate::train::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Clip, CosineDecay, Ema, ExponentialDecay, Ftrl,
    LearningRate, Lion, Loss, Nadam, OptimizerBuilder, PiecewiseConstantDecay, Reduction, RmsProp,
    Sgd, TrainingBuilder,
};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// Gives a training the optimiser and the losses of a compiled model. `outputs` are the names of its outputs.
pub fn compile<A: Element>(
    mut training: TrainingBuilder<A>,
    compiled: &Value,
    outputs: &[String],
) -> Result<TrainingBuilder<A>> {
    let said = |key: &str| compiled.get(key).filter(|value| !value.is_null());
    // Files of HDF5 have another word.
    let Some(of) = said("optimizer").or(said("optimizer_config")) else {
        return Err(Error::file("optimizer", "one", "none"));
    };
    training = training.optimizer(optimizer(of, "optimizer")?);
    let losses = said("loss").ok_or_else(|| Error::file("loss", "one", "none"))?;
    let losses = each(losses, outputs, "loss")?;
    let weights = match said("loss_weights") {
        None => vec![None; losses.len()],
        Some(weights) => {
            let part = "loss_weights";
            let weights = each(weights, outputs, part)?.into_iter();
            let number = |weight: &Value| {
                let wrong = || Error::file(part, "numbers", shown(weight));
                weight.as_f64().map(Some).ok_or_else(wrong)
            };
            weights.map(number).collect::<Result<_>>()?
        }
    };
    for (value, weight) in losses.into_iter().zip(weights) {
        let loss = loss(value, "loss")?;
        training = training.weighted_loss(loss, weight.unwrap_or(1.0));
    }
    Ok(training)
}

/// The values for the outputs, in their order: one, a list, or an object with their names.
fn each<'j>(value: &'j Value, outputs: &[String], part: &str) -> Result<Vec<&'j Value>> {
    let values: Vec<&Value> = match (items(value), value.as_object()) {
        (Some(list), _) => list.iter().collect(),
        (None, Some(by_name)) if !by_name.contains_key("class_name") => {
            let of = |name: &String| {
                let missing = || Error::file(part, format!("one for the output {name:?}"), "none");
                by_name.get(name).ok_or_else(missing)
            };
            outputs.iter().map(of).collect::<Result<_>>()?
        }
        _ => vec![value; outputs.len()], // as in Keras, one loss is for every output
    };
    if values.len() == outputs.len() {
        return Ok(values);
    }
    let expected = format!("{}, one for each output", outputs.len());
    Err(Error::file(part, expected, values.len()))
}

/// The class and the arguments of an optimiser, a schedule or a loss, which a name alone may stand for.
fn named<'j>(value: &'j Value, part: &str) -> Result<(&'j str, Config<'j>)> {
    if let Some(name) = value.as_str() {
        return Ok((name, Config::empty(part.into())));
    }
    let object = Object::of_anyone(value, part)?;
    if let ("function", Some(name)) = (object.class, object.arguments().as_str()) {
        return Ok((name, Config::empty(part.into()))); // a function of Keras
    }
    // The prefix is what tf_keras writes before its own optimizers.
    let class = object.class.strip_prefix("Custom>").unwrap_or(object.class);
    Ok((class, Config::new(part.into(), object.arguments())?))
}

/// Sets the options of a rule that a configuration has.
macro_rules! options {
    ($rule:expr, $config:ident: $($number:ident),* $(; $($flag:ident),*)?) => {{
        let mut rule = $rule;
        $(if let Some(value) = $config.some_number(stringify!($number))? {
            rule = rule.$number(value);
        })*
        $($(if $config.optional(stringify!($flag)).is_some() {
            rule = rule.$flag($config.flag(stringify!($flag))?);
        })*)?
        OptimizerBuilder::from(rule)
    }};
}

fn optimizer<A: Element>(value: &Value, part: &str) -> Result<OptimizerBuilder<A>> {
    let (class, config) = named(value, part)?;
    let lower = class.to_lowercase();
    let default = match lower.as_str() {
        "sgd" => 0.01,
        _ => 0.001,
    };
    // `lr` is the word of older files.
    let rate = match config.optional("learning_rate").or(config.optional("lr")) {
        None => LearningRate::from(default),
        Some(rate) => match rate.as_f64() {
            Some(rate) => rate.into(),
            None => schedule(rate, &format!("{part}: learning_rate"))?,
        },
    };
    let mut of: OptimizerBuilder<A> = match lower.as_str() {
        "sgd" => options!(Sgd::keras(rate), config: momentum; nesterov),
        "rmsprop" => {
            options!(RmsProp::keras(rate), config: rho, momentum, epsilon; centered)
        }
        "adam" => options!(Adam::keras(rate), config: beta_1, beta_2, epsilon; amsgrad),
        "adamw" => options!(AdamW::keras(rate), config: beta_1, beta_2, epsilon; amsgrad),
        "nadam" => options!(Nadam::keras(rate), config: beta_1, beta_2, epsilon),
        "adamax" => options!(Adamax::keras(rate), config: beta_1, beta_2, epsilon),
        "adagrad" => {
            options!(Adagrad::keras(rate), config: initial_accumulator_value, epsilon)
        }
        "adadelta" => options!(Adadelta::keras(rate), config: rho, epsilon),
        "lion" => options!(Lion::keras(rate), config: beta_1, beta_2),
        "ftrl" => {
            options!(Ftrl::keras(rate), config: learning_rate_power, initial_accumulator_value, l1_regularization_strength, l2_regularization_strength, l2_shrinkage_regularization_strength, beta)
        }
        _ => {
            let expected =
                "SGD, RMSprop, Adam, AdamW, Nadam, Adamax, Adagrad, Adadelta, Lion or Ftrl";
            return Err(Error::file(part, expected, class));
        }
    };
    if let Some(decay) = config.some_number("weight_decay")? {
        of = of.weight_decay(decay);
    }
    let clips = [
        config.some_number("clipvalue")?.map(Clip::Value),
        config.some_number("clipnorm")?.map(Clip::Norm),
        config.some_number("global_clipnorm")?.map(Clip::GlobalNorm),
    ];
    for clip in clips.into_iter().flatten() {
        of = of.clip(clip);
    }
    let (momentum, every) = (
        config.some_number("ema_momentum")?,
        config.some_steps("ema_overwrite_frequency")?,
    );
    if config.flag("use_ema")? {
        let mut ema = Ema::new().momentum(momentum.unwrap_or(0.99));
        if let Some(every) = every {
            ema = ema.overwrite_frequency(every);
        }
        of = of.use_ema(ema);
    }
    if let Some(steps) = config.some_steps("gradient_accumulation_steps")? {
        of = of.gradient_accumulation_steps(steps);
    }
    // How it is computed, and the decay of the rate in older files where it is not used.
    config.optional("jit_compile");
    config.optional("is_legacy_optimizer");
    let decay = config.number_or("decay", 0.0)?;
    if decay != 0.0 {
        let expected = "0 (give the optimizer another way: `TrainingBuilder::optimizer`)";
        return Err(config.refuse("decay", expected, decay));
    }
    config.done()?;
    Ok(of)
}

fn schedule(value: &Value, part: &str) -> Result<LearningRate> {
    let (class, config) = named(value, part)?;
    let rate = match class {
        "ExponentialDecay" => ExponentialDecay::new(
            config.number("initial_learning_rate")?,
            config.steps("decay_steps")?,
            config.number("decay_rate")?,
        )
        .staircase(config.flag("staircase")?)
        .into(),
        "PiecewiseConstantDecay" => {
            let boundaries = config.get("boundaries")?;
            let values = config.get("values")?;
            let list = |value| items(value).unwrap_or_default().iter();
            let ends: Option<Vec<u64>> = list(boundaries).map(steps).collect();
            let rates: Option<Vec<f64>> = list(values).map(Value::as_f64).collect();
            match (ends, rates) {
                (Some(ends), Some(rates)) => PiecewiseConstantDecay::new(ends, rates).into(),
                _ => {
                    return Err(Error::file(
                        part,
                        "whole boundaries and numbers",
                        shown(value),
                    ));
                }
            }
        }
        "CosineDecay" => {
            let rate = config.number("initial_learning_rate")?;
            let mut decay = CosineDecay::new(rate, config.steps("decay_steps")?)
                .alpha(config.number_or("alpha", 0.0)?);
            let target = config.some_number("warmup_target")?;
            if let (Some(steps), Some(target)) = (config.some_steps("warmup_steps")?, target) {
                decay = decay.warmup(steps, target);
            }
            decay.into()
        }
        _ => {
            let expected = "a number, ExponentialDecay, PiecewiseConstantDecay or CosineDecay";
            return Err(Error::file(part, expected, class));
        }
    };
    config.done()?;
    Ok(rate)
}

fn loss<A: Element>(value: &Value, part: &str) -> Result<Loss<A>> {
    let (class, config) = named(value, part)?;
    // `mean_squared_error`, `MeanSquaredError`, `mse` and `MSE` are one loss.
    let name: String = class.to_lowercase().replace('_', "");
    let loss = match name.as_str() {
        "mse" | "meansquarederror" => Loss::mean_squared_error(),
        "mae" | "meanabsoluteerror" => Loss::mean_absolute_error(),
        "huber" | "huberloss" => Loss::huber(config.number_or("delta", 1.0)?),
        "logcosh" => Loss::log_cosh(),
        "bce" | "binarycrossentropy" => Loss::binary_crossentropy(),
        "categoricalcrossentropy" => Loss::categorical_crossentropy(),
        "sparsecategoricalcrossentropy" => Loss::sparse_categorical_crossentropy(),
        "kld" | "kldivergence" | "kullbackleiblerdivergence" => Loss::kl_divergence(),
        "ctc" => Loss::ctc(),
        _ => {
            let expected = "a loss of this crate (give it another: `keras::Reader::read_training`)";
            return Err(Error::file(part, expected, class));
        }
    };
    let mut loss = loss;
    if config.flag("from_logits")? {
        loss = loss.from_logits(true);
    }
    let smoothing = config.number_or("label_smoothing", 0.0)?;
    if smoothing != 0.0 {
        loss = loss.label_smoothing(smoothing);
    }
    if config.optional("ignore_class").is_some() {
        let class = config.integer_or("ignore_class", 0)?;
        loss = loss.ignore_class(class as i64);
    }
    if config.integer_or("axis", -1)? != -1 {
        let found = config.integer_or("axis", -1)?;
        return Err(config.refuse("axis", "-1", found));
    }
    loss = loss.reduction(match config.text_or("reduction", "auto")? {
        "auto" | "sum_over_batch_size" | "mean" => Reduction::Mean,
        "mean_with_sample_weight" => Reduction::MeanWithSampleWeight,
        "sum" => Reduction::Sum,
        other => {
            let expected = "sum_over_batch_size, mean, mean_with_sample_weight or sum";
            return Err(config.refuse("reduction", expected, other));
        }
    });
    config.optional("fn"); // its class again
    config.done()?;
    Ok(loss)
}

#[cfg(test)]
mod tests {
    use super::{loss, optimizer};
    use alloc::string::{String, ToString};
    use serde_json::{Value, json};

    fn message(refused: Option<crate::Error>) -> String {
        refused.map_or_else(|| "nothing is wrong".into(), |error| error.to_string())
    }

    #[test]
    fn what_this_crate_does_not_have_is_refused_by_name() {
        let of = |class: &str, config: Value| json!({"class_name": class, "config": config});
        for (value, expected) in [
            (
                of("Adam", json!({"decay": 0.1})),
                "optimizer: decay: found 0.1, expected 0",
            ),
            (
                of("Adam", json!({"new": 1})),
                "optimizer: new: found 1, expected no argument",
            ),
            (of("mine>Adam", json!({})), "found mine>Adam, expected SGD"),
            (
                of("Adam", json!({"beta_1": "a"})),
                "optimizer: beta_1: found",
            ),
            (
                of("SGD", json!({"learning_rate": of("Mine", json!({}))})),
                "learning_rate: found Mine, expected a number, ExponentialDecay",
            ),
        ] {
            let found = message(optimizer::<f32>(&value, "optimizer").err());
            assert!(found.contains(expected), "{found}");
        }
        for (value, expected) in [
            (
                json!("mine"),
                "loss: found mine, expected a loss of this crate",
            ),
            (
                of("MeanSquaredError", json!({"reduction": "none"})),
                "loss: reduction: found none",
            ),
            (
                of("Huber", json!({"axis": 1})),
                "loss: axis: found 1, expected -1",
            ),
        ] {
            let found = message(loss::<f32>(&value, "loss").err());
            assert!(found.contains(expected), "{found}");
        }
        // The words that people write, and those of files.
        for name in [
            "mse",
            "MSE",
            "mean_squared_error",
            "MeanSquaredError",
            "huber_loss",
        ] {
            assert!(loss::<f32>(&json!(name), "loss").is_ok(), "{name}");
        }
        let older = of("RMSprop", json!({"lr": 0.01, "rho": 0.9, "decay": 0.0}));
        assert!(optimizer::<f32>(&older, "optimizer").is_ok());
    }
}
