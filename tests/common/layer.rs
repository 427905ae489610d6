//! Recurrent layers from class, configuration and weights.

use super::Outcome;
use super::by_hand::{Apart, Composed, Deep};
use super::cell::with_cell;
use super::compare::Precision;
use super::fields::Fields;
use super::flags::Flags;
use super::subject::{Merged, Steps, Subject};
use super::weights::Weights;
use recurrent::{Bidirectional, MergeMode, Recurrent};
use serde_json::Value;

type Built<A> = Outcome<Box<dyn Subject<A>>>;

/// A recurrent layer of the crate, in the type that its class, or the classes of its cells, stand for.
pub fn layer<A: Precision>(class: &str, config: &Value, weights: Weights) -> Built<A> {
    match class {
        "Bidirectional" => bidirectional::<A>(config, weights),
        "StackedRNN" => stacked::<A>(config, weights),
        _ => {
            let config = Fields::new(config)?;
            let flags = Flags::read(&config)?;
            with_cell!(class, &config, weights, cell => {
                config.done()?;
                Ok(Box::new(Steps::new(cell, flags, vec![String::new()])))
            })
        }
    }
}

/// The class and the configuration of `{"class", "config"}`.
fn description(value: &Value) -> Outcome<(&str, Fields<'_>)> {
    let fields = Fields::new(value)?;
    let description = (fields.text("class")?, Fields::new(fields.get("config")?)?);
    fields.done()?;
    Ok(description)
}

fn bidirectional<A: Precision>(config: &Value, mut weights: Weights) -> Built<A> {
    let config = Fields::new(config)?;
    let merge = match config.nullable("merge_mode")?.map(Value::as_str) {
        None => None,
        Some(Some("concat")) => Some(MergeMode::Concat),
        Some(Some("sum")) => Some(MergeMode::Sum),
        Some(Some("mul")) => Some(MergeMode::Mul),
        Some(Some("ave")) => Some(MergeMode::Ave),
        Some(other) => return Err(format!("unknown merge_mode {other:?}").into()),
    };
    let (forward_class, forward) = description(config.get("forward")?)?;
    let flags = Flags::read(&forward)?;
    // Without a description of its own the backward layer is a copy of the forward one, turned around.
    let (backward_class, backward, backward_flags) = match config.nullable("backward")? {
        None => {
            let (class, copy) = description(config.get("forward")?)?;
            let copied = Flags::read(&copy)?;
            (
                class,
                copy,
                Flags {
                    go_backwards: true,
                    ..copied
                },
            )
        }
        Some(value) => {
            let (class, own) = description(value)?;
            let flags = Flags::read(&own)?;
            (class, own, flags)
        }
    };
    // Keras refuses anything else; whether masked steps are zero is decided by the wrapper for both.
    let zero_output_for_mask = backward_flags.zero_output_for_mask;
    let turned = Flags {
        go_backwards: !flags.go_backwards,
        zero_output_for_mask,
        ..flags
    };
    if backward_flags != turned {
        return Err("both directions need the same flags and opposite go_backwards".into());
    }
    let (forward_weights, backward_weights) = (weights.part("forward"), weights.part("backward"));
    weights.done()?;
    config.done()?;
    with_cell!(forward_class, &forward, forward_weights, f => {
        with_cell!(backward_class, &backward, backward_weights, b => {
            forward.done()?;
            backward.done()?;
            let of = Bidirectional::new(f, b);
            Ok(match merge {
                Some(merge) => Box::new(Merged::new(of.merge_mode(merge), flags)),
                None => Box::new(Apart::new(of, flags)),
            })
        })
    })
}

/// `RNN([cell, cell])`: up to three cells, each in its own type; more of them one after the other.
fn stacked<A: Precision>(config: &Value, mut weights: Weights) -> Built<A> {
    let config = Fields::new(config)?;
    let flags = Flags::read(&config)?;
    let mut cells = Vec::new();
    for (i, value) in config.list("cells")?.iter().enumerate() {
        let (class, fields) = description(value)?;
        cells.push((class, fields, weights.part(&format!("cell{i}"))));
    }
    weights.done()?;
    config.done()?;
    let prefixes = (0..cells.len()).map(|i| format!("cell{i}_")).collect();
    let done = || cells.iter().try_for_each(|(_, fields, _)| fields.done());

    macro_rules! cell {
        ($i:literal, $name:ident => $then:expr) => {{
            let (class, fields, weights) = &cells[$i];
            with_cell!(*class, fields, weights.clone(), $name => $then)
        }};
    }
    macro_rules! boxed {
        ($kind:ident, $of:expr) => {{
            let of = $of;
            done()?;
            Ok(Box::new($kind::new(of, flags, prefixes)))
        }};
    }
    match cells.len() {
        1 => cell!(0, a => boxed!(Steps, a)),
        2 => cell!(0, a => cell!(1, b => boxed!(Steps, a.then(b)))),
        3 => cell!(0, a => cell!(1, b => cell!(2, c => boxed!(Deep, a.then(b).then(c))))),
        0 => Err("a stack without cells".into()),
        _ => {
            let (inside, mut parts) = (Flags::inside(), Vec::new());
            for ((class, fields, weights), prefix) in cells.iter().zip(prefixes) {
                let part: Box<dyn Subject<A>> = with_cell!(*class, fields, weights.clone(), cell => {
                    Box::new(Steps::new(cell, inside, vec![prefix]))
                });
                parts.push(part);
            }
            done()?;
            Ok(Box::new(Composed::new(parts, flags)))
        }
    }
}
