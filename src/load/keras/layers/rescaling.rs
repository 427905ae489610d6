//! `Normalization` and `Rescaling`.

use crate::error::Result;
use crate::format::json::{Value, number};
use crate::load::keras::config::{Config, items, shown};
use crate::load::keras::made::{Asked, Made, Planned, bare};
use crate::load::keras::plan::{Plan, Wanted, next, next_number};
use crate::{Element, Normalization, Rescaling};
use alloc::vec::Vec;
use ndarray::{ArrayD, IxDyn};

/// Numbers in lists of lists of one shape, in their order.
fn numbers(value: &Value, depth: usize, shape: &mut Vec<usize>, all: &mut Vec<f64>) -> Option<()> {
    let Some(list) = items(value) else {
        all.push(number(value)?);
        return (shape.len() == depth).then_some(());
    };
    if shape.len() == depth && all.is_empty() {
        shape.push(list.len());
    }
    if shape.get(depth) != Some(&list.len()) {
        return None;
    }
    list.iter()
        .try_for_each(|value| numbers(value, depth + 1, shape, all))
}

/// A number or an array in the arguments of a layer, if it is there.
fn array<A: Element>(config: &Config, key: &'static str) -> Result<Option<ArrayD<A>>> {
    let Some(value) = config.optional(key) else {
        return Ok(None);
    };
    // Keras 3 wraps arrays of numpy.
    let inner = value.pointer("/config/value").unwrap_or(value);
    let (mut shape, mut all) = (Vec::new(), Vec::new());
    let read = numbers(inner, 0, &mut shape, &mut all);
    let array = read.and_then(|()| {
        let all = all.into_iter().map(A::from_f64).collect();
        ArrayD::from_shape_vec(IxDyn(&shape), all).ok()
    });
    let refuse = || config.refuse(key, "a number, or an array of numbers", shown(value));
    array.map(Some).ok_or_else(refuse)
}

/// `Normalization`.
pub fn normalization<A: Element>(of: &Asked<A>) -> Planned<A> {
    let config = of.config;
    let invert = config.flag("invert")?;
    // `null` is no axis at all, and not the default.
    let default: &[isize] = if config.is_null("axis") { &[] } else { &[-1] };
    let axes = config.integers("axis", default)?;
    let given = (array::<A>(config, "mean")?, array::<A>(config, "variance")?);
    let (mean, variance) = match given {
        (Some(mean), Some(variance)) => (mean, variance),
        (None, None) => {
            let any: Vec<Option<usize>> = axes.iter().map(|_| None).collect();
            let wanted: [Wanted; 3] = [
                ("mean", any.clone()),
                ("variance", any),
                ("count", Vec::new()),
            ];
            let mut plan = Plan::of_arrays(wanted, move |arrays| {
                let (mean, variance) = (next(arrays)?, next(arrays)?);
                let count = next_number::<A>(arrays)?;
                let norm = Normalization::over(&axes, mean, variance)?;
                Ok(Made::of(norm.counted(count).invert(invert)))
            });
            plan.wants
                .iter_mut()
                .for_each(|want| want.trainable = false);
            return Ok(plan);
        }
        _ => return Err(config.refuse("mean", "a mean and a variance", "one of them")),
    };
    let norm = Normalization::over(&axes, mean, variance);
    bare(
        norm.map_err(|error| error.within(config.part()))?
            .invert(invert),
    )
}

/// `Rescaling`.
pub fn rescaling<A: Element>(of: &Asked<A>) -> Planned<A> {
    let config = of.config;
    let missing = || config.refuse("scale", "a number", "none");
    let scale = array(config, "scale")?.ok_or_else(missing)?;
    let offset = array(config, "offset")?;
    let zero = || ndarray::arr0(A::zero()).into_dyn();
    bare(Rescaling::by(scale, offset.unwrap_or_else(zero)))
}
