//! Recurrent layers with their flags: `LSTM` …, `RNN`, `Bidirectional`.

use crate::error::Result;
use crate::layer;
use crate::load::keras::cells::{cell, cell_object};
use crate::load::keras::config::Config;
use crate::load::keras::context::Context;
use crate::load::keras::made::{Asked, Made, Planned};
use crate::load::keras::object::{Object, or_by_hand};
use crate::load::keras::own::{own_cell, own_recurrent};
use crate::load::keras::plan::Plan;
use crate::load::keras::unknown::missing;
use crate::load::keras::usage::Usage;
use crate::nn::Unrolled;
use crate::run::Options;
use crate::unroll::Unroll;
use crate::wrap::AnyRecurrent;
use crate::{AnyLayer, Bidirectional, Element, Layer, MergeMode, Recurrent, Returns};
use alloc::boxed::Box;
use alloc::sync::Arc;

/// The arguments that every recurrent layer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // as Keras has them
struct Flags {
    return_sequences: bool,
    return_state: bool,
    go_backwards: bool,
    stateful: bool,
    zero_output_for_mask: bool,
    time_major: bool,
    unroll: bool,
    /// States come and go from the top of the stack down.
    reversed_states: bool,
}

impl Flags {
    fn read(config: &Config, reversed_states: bool) -> Result<Self> {
        Ok(Flags {
            return_sequences: config.flag("return_sequences")?,
            return_state: config.flag("return_state")?,
            go_backwards: config.flag("go_backwards")?,
            stateful: config.flag("stateful")?,
            zero_output_for_mask: config.flag("zero_output_for_mask")?,
            time_major: config.flag("time_major")?,
            unroll: config.flag("unroll")?,
            reversed_states,
        })
    }

    /// Refuses states in an order that this crate does not have.
    fn check(self, config: &Config, usage: Usage) -> Result<()> {
        if self.reversed_states && (self.return_state || usage.states) {
            let expected = "false where states are returned or given: they come in another order";
            return Err(config.refuse("reverse_state_order", expected, true));
        }
        Ok(())
    }

    /// The layer, without masks if Keras gets them wrong: where outputs of a backward pass are set to 0 and it is unrolled.
    fn checked<A: Element>(
        self,
        layer: Arc<dyn AnyLayer<A>>,
        backward_zeros: bool,
    ) -> Arc<dyn AnyLayer<A>> {
        if self.unroll && self.return_sequences && backward_zeros {
            return Arc::new(Unrolled(layer));
        }
        layer
    }

    /// A layer of a model.
    fn layer<R>(self, of: R, mask_with_state: bool) -> Arc<dyn AnyLayer<R::Elem>>
    where
        R: Recurrent + Send + Sync + 'static,
    {
        Arc::new(self.set(of, mask_with_state))
    }

    fn set<R: Recurrent>(self, of: R, mask_with_state: bool) -> Layer<R> {
        self.of_layer(mask_with_state).of(of)
    }

    fn of_layer(self, mask_with_state: bool) -> layer::Flags {
        let returns = Returns {
            sequences: self.return_sequences,
            state: self.return_state,
        };
        layer::Flags {
            options: Options {
                returns,
                go_backwards: self.go_backwards,
                zero_output_for_mask: self.zero_output_for_mask,
                time_major: self.time_major,
                ..Options::default()
            },
            stateful: self.stateful,
            mask_with_state,
        }
    }
}

/// What a `Bidirectional` does with its two layers.
struct TwoWays {
    flags: Flags,
    mask_with_state: bool,
    /// `None` where the two outputs stay apart.
    merge: Option<MergeMode>,
    repeats_masked: bool,
}

impl TwoWays {
    fn layer<R>(&self, forward: R, backward: R) -> Result<Arc<dyn AnyLayer<R::Elem>>>
    where
        R: Recurrent + Send + Sync + 'static,
    {
        let both = Bidirectional::new(forward, backward)
            .merge_mode(self.merge.unwrap_or_default())
            .repeating_masked(self.repeats_masked);
        both.check()?;
        let layer = self.flags.set(both, self.mask_with_state);
        Ok(match self.merge {
            Some(_) => Arc::new(layer),
            None => Arc::new(layer.apart()),
        })
    }
}

/// What is made of two layers: of their own type where both are the same cell.
macro_rules! of_one_cell {
    ($both:expr, ($first:ident, $second:ident) => $made:expr, else $other:expr) => {
        match $both {
            (AnyRecurrent::SimpleRnn($first), AnyRecurrent::SimpleRnn($second)) => $made,
            (AnyRecurrent::Lstm($first), AnyRecurrent::Lstm($second)) => $made,
            (AnyRecurrent::Gru($first), AnyRecurrent::Gru($second)) => $made,
            ($first, $second) => $other,
        }
    };
}

/// Reads the flags of a recurrent layer, so that they are known and of the right types.
pub fn read_flags(config: &Config) -> Result<()> {
    Flags::read(config, false).map(drop)
}

/// Whether a layer whose initial state comes from another layer obeys the mask: always in Keras 2, in Keras 3 if the mask
/// is an argument of the call.
fn mask_with_state(context: &Context, usage: Usage) -> bool {
    context.version.major() < 3 || usage.mask
}

/// A recurrent layer without its direction's wrapper; `None` if the class is another one.
fn direction<A: Element>(
    context: &Context,
    object: &Object,
    config: &Config,
) -> Result<Option<(Plan<AnyRecurrent<A>>, Flags)>> {
    let mut reversed_states = false;
    let plan = if object.class == "RNN" {
        let cell = Object::read(config.get("cell")?, &object.part())?;
        if cell.class == "StackedRNNCells" {
            let said = cell.config()?.flag("reverse_state_order")?;
            reversed_states = said || context.version.reverses_states();
        }
        Some(cell_object(context, &cell)?)
    } else if object.class.ends_with("Cell") {
        None
    } else {
        cell(context, object.class, config)?
    };
    let Some(plan) = plan else {
        return Ok(None);
    };
    let flags = Flags::read(config, reversed_states)?;
    context.check_dtype(config)?;
    config.done()?;
    let plan = plan.under("cell").frozen(!object.is_trainable());
    Ok(Some((plan, flags)))
}

/// A `RNN` whose cell is of a class of the caller's own; `None` if it is another one.
fn with_own_cell<A: Element>(of: &Asked<A>) -> Result<Option<Plan<Made<A>>>> {
    if of.object.class != "RNN" {
        return Ok(None);
    }
    let cell = Object::of_anyone(of.config.get("cell")?, &of.object.part())?;
    let Some(maker) = own_cell(of.context, &cell) else {
        return Ok(None);
    };
    let flags = Flags::read(of.config, false)?;
    let of_layer = flags.of_layer(mask_with_state(of.context, of.usage));
    let plan = own_recurrent(of.object, &cell, maker, of_layer);
    Ok(Some(plan.map(move |layer| {
        let backward_zeros = flags.go_backwards && flags.zero_output_for_mask;
        Ok(Made {
            layer: flags.checked(layer, backward_zeros),
            features: None,
        })
    })))
}

/// `SimpleRNN`, `LSTM`, `GRU`, `RNN`.
pub fn recurrent<A: Element>(of: &Asked<A>) -> Planned<A> {
    if let Some(plan) = with_own_cell(of)? {
        return Ok(plan);
    }
    let read = direction(of.context, of.object, of.config)?;
    let (plan, flags) = read.ok_or_else(|| missing(of.object))?;
    flags.check(of.config, of.usage)?;
    let mask_with_state = mask_with_state(of.context, of.usage);
    Ok(plan.map(move |layer| {
        let features = Some(layer.features());
        let layer = match layer {
            AnyRecurrent::SimpleRnn(of) => flags.layer(of, mask_with_state),
            AnyRecurrent::Lstm(of) => flags.layer(of, mask_with_state),
            AnyRecurrent::Gru(of) => flags.layer(of, mask_with_state),
            AnyRecurrent::Stacked(of) => of_one_cell!(
                of.into_parts(),
                (lower, upper) => flags.layer(lower.then(upper), mask_with_state),
                else flags.layer(AnyRecurrent::Stacked(Box::new(lower.then(upper))), mask_with_state)
            ),
            of => flags.layer(of, mask_with_state),
        };
        let backward_zeros = flags.go_backwards && flags.zero_output_for_mask;
        Ok(Made {
            layer: flags.checked(layer, backward_zeros),
            features,
        })
    }))
}

/// `Bidirectional`.
pub fn bidirectional<A: Element>(of: &Asked<A>) -> Planned<A> {
    let Asked {
        context,
        config,
        usage,
        ..
    } = *of;
    let part = of.object.part();
    let inner = |key: &'static str| {
        let inner = Object::read(config.get(key)?, &part)?;
        let read = || direction::<A>(context, &inner, &inner.config()?);
        let read = read().map_err(|error| error.within(&part))?;
        let Some((plan, flags)) = read else {
            let expected = or_by_hand!("a recurrent layer of Keras");
            return Err(config.refuse(key, expected, inner.class));
        };
        flags.check(&inner.config()?, usage)?;
        Ok((plan.within(&inner.part()), flags))
    };
    let (forward, flags) = inner("layer")?;
    let backward = if config.optional("backward_layer").is_some() {
        let (backward, turned) = inner("backward_layer")?;
        let expected = Flags {
            go_backwards: !flags.go_backwards,
            // Set for both directions, whatever they say.
            zero_output_for_mask: turned.zero_output_for_mask,
            ..flags
        };
        if turned != expected {
            let expected = "the flags of the other layer, and the other direction";
            return Err(config.refuse("backward_layer", expected, "others"));
        }
        backward
    } else {
        inner("layer")?.0
    };
    let merge = match config.text_or("merge_mode", "concat")? {
        _ if config.is_null("merge_mode") => None,
        "concat" => Some(MergeMode::Concat),
        "sum" => Some(MergeMode::Sum),
        "mul" => Some(MergeMode::Mul),
        "ave" => Some(MergeMode::Ave),
        other => {
            let expected = "concat, sum, mul, ave or null";
            return Err(config.refuse("merge_mode", expected, other));
        }
    };
    let mask_with_state = mask_with_state(context, usage);
    let repeats_masked = context.version.repeats_masked();
    let both = [
        forward.under("forward_layer"),
        backward.under("backward_layer"),
    ];
    Ok(Plan::all(both).map(move |layers| {
        let Ok([forward, backward]) = <[AnyRecurrent<A>; 2]>::try_from(layers) else {
            return Err(crate::Error::value("number of directions", 2, "another"));
        };
        let features = Some(forward.features());
        let both = TwoWays {
            flags,
            mask_with_state,
            merge,
            repeats_masked,
        };
        let layer = of_one_cell!(
            (forward, backward),
            (forward, backward) => both.layer(forward, backward),
            else both.layer(forward, backward)
        )?;
        Ok(Made {
            layer: flags.checked(layer, !repeats_masked),
            features,
        })
    }))
}
