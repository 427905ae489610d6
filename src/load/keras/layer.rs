//! Any layer: its class decides who reads it.

use super::context::{Context, Layout};
use super::known;
use super::layers::other;
use super::network::network;
use super::object::Object;
use super::plan::Plan;
use super::recurrent::{bidirectional, recurrent};
use crate::error::{Error, Result};
use crate::format::json::Value;
use crate::nn::Distributed;
use crate::{AnyLayer, Element, TimeDistributed};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::OnceCell;

/// A layer that was made.
pub struct Made<A> {
    pub layer: Arc<dyn AnyLayer<A>>,
    /// The length of the last axis of its input, where the weights say it.
    pub features: Option<usize>,
}

impl<A> Clone for Made<A> {
    fn clone(&self) -> Self {
        Made {
            layer: Arc::clone(&self.layer),
            features: self.features,
        }
    }
}

/// What the calls of a layer say of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The mask is an argument.
    pub mask: bool,
    /// Initial states come from other layers.
    pub states: bool,
    /// Attention looks back only.
    pub causal: bool,
}

/// A layer that stands in several models: made where it stands first.
pub struct Shared {
    usage: Usage,
    slot: Rc<dyn Any>,
}

type Slot<A> = OnceCell<Made<A>>;

/// The plan of a layer.
pub fn layer<A: Element>(
    context: &Context,
    object: &Object,
    usage: Usage,
) -> Result<Plan<Made<A>>> {
    known::check(object)?;
    let id = object.json.get("shared_object_id").and_then(Value::as_i64);
    // In lists the weights stand wherever the layer does.
    let Some(id) = id.filter(|_| context.layout != Layout::Lists) else {
        return named(context, object, usage);
    };
    if let Some(shared) = context.shared.borrow().get(&id) {
        return again(shared, object, usage);
    }
    let slot: Rc<Slot<A>> = Rc::default();
    let shared = Shared {
        usage,
        slot: Rc::clone(&slot) as Rc<dyn Any>,
    };
    let plan = named(context, object, usage)?;
    context.shared.borrow_mut().insert(id, shared);
    Ok(plan.map(move |made: Made<A>| Ok(slot.get_or_init(|| made).clone())))
}

/// A layer that stands in another model, too.
fn again<A: Element>(shared: &Shared, object: &Object, usage: Usage) -> Result<Plan<Made<A>>> {
    let part = object.part();
    if shared.usage != usage {
        let expected = "the same arguments in the calls of all models";
        return Err(Error::file(part, expected, "others"));
    }
    let slot = Rc::clone(&shared.slot).downcast::<Slot<A>>();
    let missing = || Error::file(&part, "a layer that was made before", "none");
    let slot = slot.map_err(|_| missing())?;
    let error = missing();
    Ok(Plan::of(slot).map(|slot| slot.get().cloned().ok_or(error)))
}

fn named<A: Element>(context: &Context, object: &Object, usage: Usage) -> Result<Plan<Made<A>>> {
    let part = object.part();
    let plan = match object.class {
        "Bidirectional" => bidirectional(context, object, usage)?,
        "TimeDistributed" => time_distributed(context, object)?,
        _ if object.is_model() => network(context, object)
            .map_err(|error| error.within(&part))?
            .map(|model| {
                Ok(Made {
                    layer: Arc::new(model),
                    features: None,
                })
            }),
        _ => match recurrent(context, object, usage)? {
            Some(plan) => plan,
            None => other(context, object, usage)?,
        },
    };
    Ok(plan.frozen(!object.is_trainable()).within(&part))
}

fn time_distributed<A: Element>(context: &Context, object: &Object) -> Result<Plan<Made<A>>> {
    let config = object.config()?;
    let inner = Object::read(config.get("layer")?, &object.part())?;
    let plan = layer(context, &inner, Usage::default());
    let plan = plan.map_err(|error: Error| error.within(&object.part()))?;
    context.check_dtype(&config)?;
    config.done()?;
    let hands_masks_on = context.version.major() < 3;
    let masks = match inner.class {
        "Embedding" => inner.arguments().get("mask_zero") == Some(&Value::Bool(true)),
        class => class == "Masking",
    };
    if hands_masks_on && masks {
        let expected = "no mask inside of TimeDistributed: Keras 2 hands it on with three axes, and masks have two here";
        return Err(Error::file(object.part(), expected, inner.part()));
    }
    let may_mask = hands_masks_on && inner.is_model();
    Ok(plan.under("layer").map(move |made: Made<A>| {
        let inner: Box<dyn AnyLayer<A>> = if may_mask {
            Box::new(Distributed(made.layer))
        } else {
            Box::new(made.layer)
        };
        Ok(Made {
            layer: Arc::new(TimeDistributed::new(inner)),
            features: made.features,
        })
    }))
}

/// The groups of a tree for layers of these classes: each class counts by itself.
pub fn groups<'a>(classes: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let group = |class: &str| {
        let name = snake_case(class);
        let count = counts.entry(name.clone()).or_default();
        let group = numbered(&name, *count);
        *count += 1;
        group
    };
    classes.into_iter().map(group).collect()
}

/// `lstm`, `lstm_1`, `lstm_2` …
pub fn numbered(name: &str, number: usize) -> String {
    match number {
        0 => name.into(),
        number => format!("{name}_{number}"),
    }
}

/// The name of a class as Keras makes it: `SimpleRNN` to `simple_rnn`, `Conv1D` to `conv1d`.
pub fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class.chars().collect();
    let mut name = String::new();
    for (i, &letter) in letters.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| letters[i]);
        let behind = letters.get(i + 1);
        let starts_word = behind.is_some_and(char::is_ascii_lowercase);
        let ends_word = before.is_some_and(|before| before.is_ascii_lowercase());
        if letter.is_ascii_uppercase() && i > 0 && (starts_word || ends_word) {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_groups() {
        for (class, name) in [
            ("LSTM", "lstm"),
            ("SimpleRNN", "simple_rnn"),
            ("StackedRNNCells", "stacked_rnn_cells"),
            ("LSTMCell", "lstm_cell"),
            ("Conv1D", "conv1d"),
            ("GlobalAveragePooling1D", "global_average_pooling1d"),
            ("LeakyReLU", "leaky_re_lu"),
            ("ELU", "elu"),
            ("RNN", "rnn"),
            ("TimeDistributed", "time_distributed"),
        ] {
            assert_eq!(snake_case(class), name);
        }
        let groups = groups(["LSTM", "Dense", "LSTM", "LSTM"]);
        assert_eq!(groups, ["lstm", "dense", "lstm_1", "lstm_2"]);
    }
}
