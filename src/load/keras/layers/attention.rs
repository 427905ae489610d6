//! `Attention`, `AdditiveAttention` and `Dot`.

use crate::load::keras::made::{Asked, Made, Planned, bare};
use crate::load::keras::plan::{Plan, Wanted, next};
use crate::{AdditiveAttention, Attention, Dot, Element};
use alloc::vec::Vec;
use ndarray::{Ix0, Ix1};

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
    let scores = of.usage.scores;
    let scalar = || [].into();
    let mut wanted: Vec<Wanted> = Vec::new();
    wanted.extend(use_scale.then(|| ("scale", scalar())));
    wanted.extend(concat.then(|| ("concat_score_weight", scalar())));
    Ok(Plan::of_arrays(wanted, move |arrays| {
        let mut attention = Attention::new()
            .causal(causal)
            .return_attention_scores(scores);
        if use_scale {
            attention = attention.scale(next::<A, Ix0>(arrays)?.into_scalar());
        }
        if concat {
            attention = attention.concat(next::<A, Ix0>(arrays)?.into_scalar());
        }
        Ok(Made::of(attention))
    }))
}

/// `AdditiveAttention`.
pub fn additive_attention<A: Element>(of: &Asked<A>) -> Planned<A> {
    let config = of.config;
    let use_scale = config.bool_or("use_scale", true)?;
    // An argument of the layer in TensorFlow 2.0 to 2.9, of its call since then.
    let causal = of.usage.causal || config.flag("causal")?;
    let scores = of.usage.scores;
    let wanted = use_scale.then(|| ("scale", [None].into()));
    Ok(Plan::of_arrays(wanted, move |arrays| {
        let scale = use_scale.then(|| next::<A, Ix1>(arrays)).transpose()?;
        let attention = AdditiveAttention::from_weights(scale).causal(causal);
        Ok(Made::of(attention.return_attention_scores(scores)))
    }))
}

/// `Dot`.
pub fn dot<A: Element>(of: &Asked<A>) -> Planned<A> {
    let config = of.config;
    config.get("axes")?;
    let axes = config.integers("axes", &[])?;
    let dot = match *axes.as_slice() {
        [axis] => Dot::new(axis),
        [first, second] => Dot::over(first, second),
        _ => return Err(config.refuse("axes", "one axis or two", axes.len())),
    };
    bare(dot.normalize(config.flag("normalize")?))
}
