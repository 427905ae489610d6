//! `MultiHeadAttention` and `GroupQueryAttention`.

use crate::error::Result;
use crate::format::json::Value;
use crate::load::keras::config::Config;
use crate::load::keras::made::{Asked, Made, Planned};
use crate::load::keras::plan::{Plan, next};
use crate::load::keras::usage::Usage;
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
    let config = of.config;
    let heads = config.count("num_heads")?;
    let key_dim = config.count("key_dim")?;
    let value_dim = match config.optional("value_dim") {
        Some(_) => config.count("value_dim")?,
        None => key_dim,
    };
    let use_bias = config.bool_or("use_bias", true)?;
    config.only("use_gate", "false")?;
    let sliding_window = sliding_window(config)?;
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
    let made = projected(
        use_bias,
        [&key_heads, &key_heads, &value_heads],
        &value_heads,
        &units,
    );
    let usage = of.usage;
    Ok(made.map(move |attention| {
        let mut attention = with_usage(attention, usage)
            .sliding_window(sliding_window)
            .unseen(unseen)
            .taking_masks(of_keras3);
        if let Some(axes) = axes {
            attention = attention.attention_axes(&axes);
        }
        Ok(Made::of(attention))
    }))
}

/// `GroupQueryAttention`, which Keras 3 alone has.
pub fn group_query_attention<A: Element>(of: &Asked<A>) -> Planned<A> {
    let (config, usage) = (of.config, of.usage);
    let dim = Some(config.count("head_dim")?);
    let (queries, values) = (
        config.count("num_query_heads")?,
        config.count("num_key_value_heads")?,
    );
    if values == 0 || !queries.is_multiple_of(values) {
        let expected = alloc::format!("a divisor of the {queries} heads of queries");
        return Err(config.refuse("num_key_value_heads", expected, values));
    }
    let use_bias = config.bool_or("use_bias", true)?;
    config.only("use_gate", "false")?;
    let sliding_window = sliding_window(config)?;
    let has_dropout = config.optional("dropout").and_then(Value::as_f64) > Some(0.0);
    let unseen = (has_dropout || usage.scores).then_some(Unseen::Dropped);
    let heads = |count| [Some(count), dim];
    let (of_query, of_value) = (heads(queries), heads(values));
    let made = projected(
        use_bias,
        [&of_query, &of_value, &of_value],
        &of_query,
        &[None],
    );
    Ok(made.map(move |attention| {
        let attention = with_usage(attention, usage).sliding_window(sliding_window);
        Ok(Made::of(attention.unseen(unseen)))
    }))
}

/// The length of the band of values that a query sees.
fn sliding_window(config: &Config) -> Result<Option<usize>> {
    match config.optional("sliding_window") {
        Some(_) => config.count("sliding_window").map(Some),
        None => Ok(None),
    }
}

fn with_usage<A: Element>(of: MultiHeadAttention<A>, usage: Usage) -> MultiHeadAttention<A> {
    of.causal(usage.causal)
        .attention_mask(usage.others[2])
        .return_attention_scores(usage.scores)
}

/// The layer with these heads of the query, the key and the value, and those of the output.
fn projected<A: Element>(
    use_bias: bool,
    [query, key, value]: [&[Option<usize>]; 3],
    output: &[Option<usize>],
    units: &[Option<usize>],
) -> Plan<MultiHeadAttention<A>> {
    let plans = [
        projection("query_dense", &[None], query, use_bias),
        projection("key_dense", &[None], key, use_bias),
        projection("value_dense", &[None], value, use_bias),
        projection("output_dense", output, units, use_bias),
    ];
    Plan::all(plans).map(|all: Vec<Weights<A>>| {
        let missing = || crate::Error::file("weights", "those of 4 projections", "others");
        let [query, key, value, output] =
            <[Weights<A>; 4]>::try_from(all).map_err(|_| missing())?;
        MultiHeadAttention::from_arrays([query, value, key], output)
    })
}
