//! Options of the golden data turned into optimisers.

use crate::Outcome;
use crate::fields::Fields;
use recurrent::Element;
use recurrent::train::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Clip, Constraint, CosineDecay, Ema, ExponentialDecay,
    Ftrl, LearningRate, Lion, Nadam, Optimizer, OptimizerBuilder, PiecewiseConstantDecay,
    Regularizer, RmsProp, Sgd,
};
use serde_json::Value;

/// A number that may be missing or null.
fn number(fields: &Fields, key: &str) -> Option<f64> {
    fields.optional(key).and_then(Value::as_f64)
}

fn count(fields: &Fields, key: &str) -> Outcome<u64> {
    Ok(u64::try_from(fields.count(key)?)?)
}

/// An optimiser of Keras, with what all of them can have.
pub fn keras<A: Element>(
    class: &str,
    config: &Value,
    schedule: Option<&Value>,
) -> Outcome<OptimizerBuilder<A>> {
    let fields = Fields::new(config)?;
    let rate = match schedule {
        Some(schedule) => {
            fields.ignore(&["learning_rate"]);
            let schedule = Fields::new(schedule)?;
            let rate = self::schedule(schedule.text("class")?, schedule.get("config")?)?;
            schedule.done()?;
            rate
        }
        None => fields.number("learning_rate")?.into(),
    };
    let mut builder = keras_rule(class, &fields, rate)?;
    for (key, clip) in [
        ("clipvalue", Clip::Value as fn(f64) -> Clip),
        ("clipnorm", Clip::Norm),
        ("global_clipnorm", Clip::GlobalNorm),
    ] {
        if let Some(limit) = number(&fields, key) {
            builder = builder.clip(clip(limit));
        }
    }
    if let Some(decay) = number(&fields, "weight_decay") {
        builder = builder.weight_decay(decay);
    }
    if fields.optional("gradient_accumulation_steps").is_some() {
        let steps = count(&fields, "gradient_accumulation_steps")?;
        builder = builder.gradient_accumulation_steps(steps);
    }
    let (momentum, frequency) = ("ema_momentum", "ema_overwrite_frequency");
    if fields.bool("use_ema")? {
        let mut ema = Ema::new().momentum(fields.number(momentum)?);
        if fields.optional(frequency).is_some() {
            ema = ema.overwrite_frequency(count(&fields, frequency)?);
        }
        builder = builder.use_ema(ema);
    }
    fields.ignore(&[momentum, frequency]);
    if fields.optional("loss_scale_factor").is_some() {
        return Err("a loss scale".into());
    }
    fields.done()?;
    Ok(builder)
}

fn keras_rule<A: Element>(
    class: &str,
    fields: &Fields,
    rate: LearningRate,
) -> Outcome<OptimizerBuilder<A>> {
    let number = |key| fields.number(key);
    Ok(match class {
        "SGD" => Optimizer::of(
            Sgd::keras(rate)
                .momentum(number("momentum")?)
                .nesterov(fields.bool("nesterov")?),
        ),
        "RMSprop" => Optimizer::of(
            RmsProp::keras(rate)
                .rho(number("rho")?)
                .momentum(number("momentum")?)
                .epsilon(number("epsilon")?)
                .centered(fields.bool("centered")?),
        ),
        "Adam" | "AdamW" => {
            let rule = match class {
                "Adam" => Adam::keras(rate),
                _ => AdamW::keras(rate),
            };
            Optimizer::of(
                rule.beta_1(number("beta_1")?)
                    .beta_2(number("beta_2")?)
                    .epsilon(number("epsilon")?)
                    .amsgrad(fields.bool("amsgrad")?),
            )
        }
        "Nadam" => Optimizer::of(
            Nadam::keras(rate)
                .beta_1(number("beta_1")?)
                .beta_2(number("beta_2")?)
                .epsilon(number("epsilon")?),
        ),
        "Adagrad" => Optimizer::of(
            Adagrad::keras(rate)
                .initial_accumulator_value(number("initial_accumulator_value")?)
                .epsilon(number("epsilon")?),
        ),
        "Adadelta" => Optimizer::of(
            Adadelta::keras(rate)
                .rho(number("rho")?)
                .epsilon(number("epsilon")?),
        ),
        "Adamax" => Optimizer::of(
            Adamax::keras(rate)
                .beta_1(number("beta_1")?)
                .beta_2(number("beta_2")?)
                .epsilon(number("epsilon")?),
        ),
        "Lion" => Optimizer::of(
            Lion::keras(rate)
                .beta_1(number("beta_1")?)
                .beta_2(number("beta_2")?),
        ),
        "Ftrl" => Optimizer::of(
            Ftrl::keras(rate)
                .learning_rate_power(number("learning_rate_power")?)
                .initial_accumulator_value(number("initial_accumulator_value")?)
                .l1_regularization_strength(number("l1_regularization_strength")?)
                .l2_regularization_strength(number("l2_regularization_strength")?)
                .l2_shrinkage_regularization_strength(number(
                    "l2_shrinkage_regularization_strength",
                )?)
                .beta(number("beta")?),
        ),
        _ => return Err(format!("unknown optimizer {class:?}").into()),
    })
}

/// An optimiser of PyTorch.
pub fn torch<A: Element>(
    class: &str,
    config: &Value,
    clip: Option<&Value>,
) -> Outcome<OptimizerBuilder<A>> {
    let fields = Fields::new(config)?;
    let number = |key| fields.number(key);
    let rate = number("lr")?;
    let builder = match class {
        "SGD" => Optimizer::of(
            Sgd::torch(rate)
                .momentum(number("momentum")?)
                .dampening(number("dampening")?)
                .nesterov(fields.bool("nesterov")?),
        ),
        "RMSprop" => Optimizer::of(
            RmsProp::torch(rate)
                .rho(number("alpha")?)
                .momentum(number("momentum")?)
                .epsilon(number("eps")?)
                .centered(fields.bool("centered")?),
        ),
        "Adam" | "AdamW" => {
            let rule = match class {
                "Adam" => Adam::torch(rate),
                _ => AdamW::torch(rate),
            };
            let betas = fields.list("betas")?;
            let beta = |i: usize| betas[i].as_f64().ok_or("a beta is no number");
            Optimizer::of(
                rule.beta_1(beta(0)?)
                    .beta_2(beta(1)?)
                    .epsilon(number("eps")?)
                    .amsgrad(fields.bool("amsgrad")?),
            )
        }
        "Adagrad" => Optimizer::of(
            Adagrad::torch(rate)
                .initial_accumulator_value(number("initial_accumulator_value")?)
                .epsilon(number("eps")?)
                .lr_decay(number("lr_decay")?),
        ),
        _ => return Err(format!("unknown optimizer {class:?}").into()),
    };
    let mut builder = builder.weight_decay(number("weight_decay")?);
    fields.done()?;
    if let Some(clip) = clip {
        let fields = Fields::new(clip)?;
        let limit = fields.number("limit")?;
        builder = builder.clip(match fields.text("kind")? {
            "norm" => Clip::TorchNorm(limit),
            "value" => Clip::Value(limit),
            other => return Err(format!("unknown clip {other:?}").into()),
        });
        fields.done()?;
    }
    Ok(builder)
}

pub fn schedule(class: &str, config: &Value) -> Outcome<LearningRate> {
    let fields = Fields::new(config)?;
    let rate = match class {
        "ExponentialDecay" => ExponentialDecay::new(
            fields.number("initial_learning_rate")?,
            count(&fields, "decay_steps")?,
            fields.number("decay_rate")?,
        )
        .staircase(fields.optional("staircase") == Some(&true.into()))
        .into(),
        "PiecewiseConstantDecay" => {
            let boundaries = fields.list("boundaries")?.iter().map(Value::as_u64);
            let values = fields.list("values")?.iter().map(Value::as_f64);
            PiecewiseConstantDecay::new(
                boundaries.collect::<Option<Vec<_>>>().ok_or("a boundary")?,
                values.collect::<Option<Vec<_>>>().ok_or("a value")?,
            )
            .into()
        }
        "CosineDecay" => {
            let initial = fields.number("initial_learning_rate")?;
            let mut rate = CosineDecay::new(initial, count(&fields, "decay_steps")?);
            if let Some(alpha) = number(&fields, "alpha") {
                rate = rate.alpha(alpha);
            }
            if let Some(target) = number(&fields, "warmup_target") {
                rate = rate.warmup(count(&fields, "warmup_steps")?, target);
            }
            fields.ignore(&["warmup_steps"]);
            rate.into()
        }
        _ => return Err(format!("unknown schedule {class:?}").into()),
    };
    fields.done()?;
    Ok(rate)
}

pub fn regularizer(class: &str, config: &Value) -> Outcome<Regularizer> {
    let fields = Fields::new(config)?;
    let regularizer = match class {
        "L1" => Regularizer::l1(fields.number("l1")?),
        "L2" => Regularizer::l2(fields.number("l2")?),
        "L1L2" => Regularizer::l1_l2(fields.number("l1")?, fields.number("l2")?),
        _ => return Err(format!("unknown regularizer {class:?}").into()),
    }?;
    fields.done()?;
    Ok(regularizer)
}

pub fn constraint(class: &str, config: &Value) -> Outcome<Constraint> {
    let fields = Fields::new(config)?;
    let constraint = match class {
        "MaxNorm" => Constraint::max_norm(fields.number("max_value")?),
        "MinMaxNorm" => Constraint::min_max_norm(
            fields.number("min_value")?,
            fields.number("max_value")?,
            fields.number("rate")?,
        ),
        "UnitNorm" => Constraint::unit_norm(),
        "NonNeg" => Constraint::non_neg(),
        _ => return Err(format!("unknown constraint {class:?}").into()),
    };
    if class == "NonNeg" {
        fields.done()?;
        return Ok(constraint);
    }
    let axes = match fields.get("axis")? {
        Value::Array(axes) => axes.iter().map(Value::as_i64).collect(),
        axis => Vec::from([axis.as_i64()]),
    };
    fields.done()?;
    let axes = axes.into_iter().collect::<Option<Vec<_>>>();
    let axes = axes.ok_or("an axis")?.into_iter().map(isize::try_from);
    Ok(constraint.axis(axes.collect::<Result<Vec<_>, _>>()?))
}
