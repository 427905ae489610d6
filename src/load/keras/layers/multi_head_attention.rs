//! `MultiHeadAttention`.

use crate::format::json::Value;
use crate::load::keras::made::{Asked, Made, Planned};
use crate::load::keras::plan::{Plan, next};
use crate::nn::Unseen;
use crate::{Element, MultiHeadAttention};
use alloc::vec::Vec;
use ndarray::{ArrayD, IxDyn};

/// The kernel and the bias of a projection.
type Weights<A> = (ArrayD<A>, Option<ArrayD<A>>);

/// Wants the weights of a projection, which has a group of its own. Each `None` fits any length.
fn projection<A: Element>(
    group: &str,
    from: &[Option<usize>],
    to: &[Option<usize>],
    use_bias: bool,
) -> Plan<Weights<A>> {
    let kernel = ("kernel", [from, to].concat());
    let bias = use_bias.then(|| ("bias", to.into()));
    let plan = Plan::of_arrays([kernel].into_iter().chain(bias), move |arrays| {
        let kernel = next::<A, IxDyn>(arrays)?;
        let bias = use_bias.then(|| next::<A, IxDyn>(arrays)).transpose()?;
        Ok((kernel, bias))
    });
    plan.under(group)
}

/// `MultiHeadAttention`.
pub fn multi_head_attention<A: Element>(of: &Asked<A>) -> Planned<A> {
    let (config, usage) = (of.config, of.usage);
    let heads = config.count("num_heads")?;
    let key_dim = config.count("key_dim")?;
    let value_dim = match config.optional("value_dim") {
        Some(_) => config.count("value_dim")?,
        None => key_dim,
    };
    let use_bias = config.bool_or("use_bias", true)?;
    config.only("use_gate", "false")?;
    config.only("sliding_window", "null")?;
    let units = match config.integers("output_shape", &[])?.as_slice() {
        [] => [None].into(),
        lens => {
            let len = |&len: &isize| usize::try_from(len).ok().filter(|&len| len > 0).map(Some);
            let refuse = || config.refuse("output_shape", "lengths of at least 1", "others");
            let lens: Option<Vec<_>> = lens.iter().map(len).collect();
            lens.ok_or_else(refuse)?
        }
    };
    let of_keras3 = of.context.version.major() > 2;
    let axes = match config.optional("attention_axes") {
        Some(_) => Some(config.integers("attention_axes", &[])?),
        None => None,
    };
    if let Some(&axis) = axes.iter().flatten().find(|&&axis| axis < 0 && !of_keras3) {
        return Err(config.refuse("attention_axes", "axes counted from the front", axis));
    }
    // What Keras 2 writes for itself.
    for key in ["query_shape", "value_shape", "key_shape"] {
        config.optional(key);
    }
    let robust = config.flag("softmax_robust_masking")?;
    let has_dropout = config.optional("dropout").and_then(Value::as_f64) > Some(0.0);
    let unseen = match (of_keras3, robust) {
        (false, false) => Some(Unseen::Lowered),
        (false, true) => Some(Unseen::Replaced),
        // Dropout does nothing here, but Keras computes otherwise if there is any.
        (true, _) => has_dropout.then_some(Unseen::Dropped),
    };
    let key_heads = [Some(heads), Some(key_dim)];
    let value_heads = [Some(heads), Some(value_dim)];
    let plans = [
        projection("query_dense", &[None], &key_heads, use_bias),
        projection("key_dense", &[None], &key_heads, use_bias),
        projection("value_dense", &[None], &value_heads, use_bias),
        projection("output_dense", &value_heads, &units, use_bias),
    ];
    Ok(Plan::all(plans).map(move |all: Vec<Weights<A>>| {
        let missing = || crate::Error::file("weights", "those of 4 projections", "others");
        let [query, key, value, output] =
            <[Weights<A>; 4]>::try_from(all).map_err(|_| missing())?;
        let mut attention = MultiHeadAttention::from_arrays([query, value, key], output)?
            .causal(usage.causal)
            .attention_mask(usage.others[2])
            .return_attention_scores(usage.scores)
            .unseen(unseen);
        if let Some(axes) = axes {
            attention = attention.attention_axes(&axes);
        }
        Ok(Made::of(attention))
    }))
}
