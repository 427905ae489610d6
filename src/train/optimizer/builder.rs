//! `OptimizerBuilder`: a rule, and what stands around it.

use super::adadelta::Adadelta;
use super::adagrad::Adagrad;
use super::adam::Adam;
use super::adamax::Adamax;
use super::ftrl::Ftrl;
use super::lion::Lion;
use super::nadam::Nadam;
use super::rmsprop::RmsProp;
use super::rule::{Decay, Rule};
use super::sgd::Sgd;
use crate::Element;
use crate::error::{Error, Result};
use crate::train::average::Ema;
use crate::train::check::{at_least_one, not_negative};
use crate::train::clip::Clip;
use crate::train::constraint::Constraint;
use crate::train::paths::selects;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A rule with what stands around it: clipping, weight decay, groups, constraints, accumulation, averages.
///
/// [`Optimizer::of`](crate::train::Optimizer::of) makes one, and every rule turns into one.
///
/// Some options take names of weights. A name is one of a path, or several in a row: `"head"` selects every weight of a layer
/// `head`, `"bias"` every bias, and `"head/bias"` the bias of `head`. A name that begins with a slash is a
/// whole path: `"/head/bias"`. A name that selects no weight is an error of the first update.
///
/// ```
/// use recurrent::train::{AdamW, Clip, Constraint, Ema, Optimizer};
/// let optimizer = Optimizer::<f32>::of(AdamW::keras(1e-3))
///     .clip(Clip::GlobalNorm(1.0))
///     .weight_decay(0.01)
///     .exclude_from_weight_decay(["bias"])
///     .group(["encoder"], 0.1, 0.0)
///     .constraint(["recurrent_kernel"], Constraint::max_norm(1.0))
///     .gradient_accumulation_steps(4)
///     .use_ema(Ema::new())
///     .build()?;
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct OptimizerBuilder<A> {
    pub(super) rule: Arc<dyn Rule<A>>,
    pub(super) clip: Option<Clip>,
    pub(super) gradient_accumulation_steps: u64,
    pub(super) ema: Option<Ema>,
    decay: Decay,
    undecayed: Vec<String>,
    groups: Vec<(Vec<String>, Group)>,
    constraints: Vec<(Vec<String>, Constraint)>,
}

/// What a group of weights has for itself.
#[derive(Clone, Copy, Debug)]
struct Group {
    factor: f64,
    decay: f64,
}

/// What holds for one weight.
#[derive(Debug)]
pub(super) struct Options<'b> {
    /// What the rate is multiplied with.
    pub factor: f64,
    pub decay: Decay,
    pub constraint: Option<&'b Constraint>,
}

/// Every rule is an optimiser without further options.
macro_rules! from_rules {
    ($($rule:ident),*) => {$(
        impl<A: Element> From<$rule> for OptimizerBuilder<A> {
            fn from(rule: $rule) -> Self {
                OptimizerBuilder::new(rule)
            }
        }
    )*};
}
from_rules!(
    Adadelta, Adagrad, Adam, Adamax, Ftrl, Lion, Nadam, RmsProp, Sgd
);

impl<A: Element> OptimizerBuilder<A> {
    fn new(rule: impl Rule<A> + 'static) -> Self {
        OptimizerBuilder {
            decay: rule.decay(),
            rule: Arc::new(rule),
            clip: None,
            gradient_accumulation_steps: 1,
            ema: None,
            undecayed: Vec::new(),
            groups: Vec::new(),
            constraints: Vec::new(),
        }
    }

    /// Clips the gradients before each update. There is one clip: another takes the place of the first.
    pub fn clip(mut self, clip: Clip) -> Self {
        self.clip = Some(clip);
        self
    }

    /// How much weights decay: w -= rate · decay · w before each update, which is decoupled from the gradient, or
    /// g += decay · w, which is coupled. Keras' rules and [`AdamW`](crate::train::AdamW) decouple it, PyTorch's others couple
    /// it. Biases decay, too, unless they are excluded. Default: that of the rule, 0 for all but `AdamW`.
    ///
    /// Source: `weight_decay` of `keras.optimizers.Optimizer` and of `torch.optim`.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.decay = with_factor(self.decay, weight_decay);
        self
    }

    /// Weights of these names do not decay. Source: `exclude_from_weight_decay` of `keras.optimizers.Optimizer`.
    pub fn exclude_from_weight_decay<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.undecayed.extend(names.into_iter().map(N::into));
        self
    }

    /// Weights of these names learn with a rate of their own, `factor` times that of the optimiser, and have a weight decay of
    /// their own. A weight in two groups is an error of the first update. Source: the parameter groups of `torch.optim`.
    pub fn group<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
        factor: f64,
        weight_decay: f64,
    ) -> Self {
        let names = names.into_iter().map(N::into).collect();
        let decay = weight_decay;
        self.groups.push((names, Group { factor, decay }));
        self
    }

    /// Brings weights of these names to a bound after each update. A weight with two constraints is an error of the first
    /// update. Source: `kernel_constraint` and its like of `keras.layers`.
    pub fn constraint<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
        constraint: Constraint,
    ) -> Self {
        let names = names.into_iter().map(N::into).collect();
        self.constraints.push((names, constraint));
        self
    }

    /// Updates at every `steps`-th call only, with the mean of the gradients since the last. A weight that had none in a call
    /// counts as one of zeros there. Clipping is on the mean. Bias corrections count the updates, schedules count the calls, as
    /// in Keras. Default: 1.
    ///
    /// Source: `gradient_accumulation_steps` of `keras.optimizers.Optimizer`.
    pub fn gradient_accumulation_steps(mut self, steps: u64) -> Self {
        self.gradient_accumulation_steps = steps;
        self
    }

    /// Keeps moving averages of the weights.
    pub fn use_ema(mut self, ema: Ema) -> Self {
        self.ema = Some(ema);
        self
    }

    /// Refuses options out of their range.
    pub(super) fn check(&self) -> Result<()> {
        self.rule.learning_rate().check()?;
        self.rule.check()?;
        self.clip.map_or(Ok(()), Clip::check)?;
        self.ema.map_or(Ok(()), Ema::check)?;
        let steps = self.gradient_accumulation_steps;
        at_least_one("gradient_accumulation_steps", steps)?;
        if steps > 1 << 32 {
            let expected = "2^32 at most";
            return Err(Error::value("gradient_accumulation_steps", expected, steps));
        }
        let (Decay::Decoupled(decay) | Decay::Coupled(decay)) = self.decay;
        not_negative("weight_decay", decay)?;
        for (_, group) in &self.groups {
            not_negative("factor of a group", group.factor)?;
            not_negative("weight_decay of a group", group.decay)?;
        }
        let mut constraints = self.constraints.iter();
        constraints.try_for_each(|(_, constraint)| constraint.check())
    }

    /// Refuses names that select none of these paths.
    pub(super) fn check_names<'p>(
        &self,
        paths: impl Iterator<Item = &'p str> + Clone,
    ) -> Result<()> {
        let of_groups = self.groups.iter().flat_map(|(names, _)| names);
        let of_constraints = self.constraints.iter().flat_map(|(names, _)| names);
        for name in self.undecayed.iter().chain(of_groups).chain(of_constraints) {
            if !paths.clone().any(|path| selects(name, path)) {
                let paths: Vec<&str> = paths.collect();
                let expected = format!("a part of one of {}", paths.join(", "));
                return Err(Error::value(
                    "name of a weight",
                    expected,
                    format!("{name:?}"),
                ));
            }
        }
        Ok(())
    }

    /// What holds for the weight at a path. Returns an error if two groups or two constraints do.
    pub(super) fn options(&self, path: &str) -> Result<Options<'_>> {
        let group = only(&self.groups, path, "groups")?;
        let decay = match group {
            _ if self.undecayed.iter().any(|name| selects(name, path)) => 0.0,
            Some(group) => group.decay,
            None => {
                let (Decay::Decoupled(decay) | Decay::Coupled(decay)) = self.decay;
                decay
            }
        };
        Ok(Options {
            factor: group.map_or(1.0, |group| group.factor),
            decay: with_factor(self.decay, decay),
            constraint: only(&self.constraints, path, "constraints")?,
        })
    }
}

fn with_factor(decay: Decay, factor: f64) -> Decay {
    match decay {
        Decay::Decoupled(_) => Decay::Decoupled(factor),
        Decay::Coupled(_) => Decay::Coupled(factor),
    }
}

/// The one thing of a list that is meant for a path.
fn only<'l, T>(list: &'l [(Vec<String>, T)], path: &str, things: &str) -> Result<Option<&'l T>> {
    let is_meant = |names: &[String]| names.iter().any(|name| selects(name, path));
    let mut found = list.iter().filter(|(names, _)| is_meant(names));
    let first = found.next().map(|(_, thing)| thing);
    if found.next().is_none() {
        return Ok(first);
    }
    let expected = format!("one with one of the {things} only");
    Err(Error::value("weight", expected, format!("{path:?}")))
}
