//! `Attention`.

use crate::load::keras::made::{Asked, Made, Planned};
use crate::load::keras::plan::{Plan, Wanted, next};
use crate::{Attention, Element};
use alloc::vec::Vec;
use ndarray::Ix0;

/// `Attention`.
pub fn attention<A: Element>(of: &Asked<A>) -> Planned<A> {
    let config = of.config;
    let use_scale = config.flag("use_scale")?;
    let concat = match config.text_or("score_mode", "dot")? {
        "dot" => false,
        "concat" => true,
        other => return Err(config.refuse("score_mode", "dot or concat", other)),
    };
    // An argument of the layer in TensorFlow 2.0 to 2.9, of its call since then.
    let causal = of.usage.causal || config.flag("causal")?;
    let scalar = || [].into();
    let mut wanted: Vec<Wanted> = Vec::new();
    wanted.extend(use_scale.then(|| ("scale", scalar())));
    wanted.extend(concat.then(|| ("concat_score_weight", scalar())));
    Ok(Plan::of_arrays(wanted, move |arrays| {
        let mut attention = Attention::new().causal(causal);
        if use_scale {
            attention = attention.scale(next::<A, Ix0>(arrays)?.into_scalar());
        }
        if concat {
            attention = attention.concat(next::<A, Ix0>(arrays)?.into_scalar());
        }
        Ok(Made::of(attention))
    }))
}
