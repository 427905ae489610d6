//! `BatchNormalization` and `LayerNormalization`.

use crate::error::Result;
use crate::load::keras::made::{Asked, Made, Planned};
use crate::load::keras::plan::{Arrays, Plan, Wanted, next};
use crate::{BatchNormalization, Element, LayerNormalization};
use alloc::vec::Vec;
use ndarray::{ArrayD, Ix1};

/// The arrays that are there, of those that may be left out.
fn optional<A: Element>(
    arrays: &mut Arrays,
    [scale, center]: [bool; 2],
) -> Result<[Option<ArrayD<A>>; 2]> {
    let gamma = scale.then(|| next(arrays)).transpose()?;
    Ok([gamma, center.then(|| next(arrays)).transpose()?])
}

fn gamma_and_beta(scale: bool, center: bool, shape: &[Option<usize>]) -> Vec<Wanted> {
    let gamma = scale.then(|| ("gamma", shape.into()));
    gamma
        .into_iter()
        .chain(center.then(|| ("beta", shape.into())))
        .collect()
}

/// `BatchNormalization`.
pub fn batch_normalization<A: Element>(of: &Asked<A>) -> Planned<A> {
    let config = of.config;
    config.only("renorm", "false")?;
    // Keras 1 had others, which normalise by what comes in.
    config.only("mode", "0")?;
    let axis = config.axis_or(-1)?;
    let epsilon = config.finite_or("epsilon", 1e-3)?;
    let momentum = config.finite_or("momentum", 0.99)?;
    let (scale, center) = (
        config.bool_or("scale", true)?,
        config.bool_or("center", true)?,
    );
    let mut wanted = gamma_and_beta(scale, center, &[None]);
    wanted.push(("moving_mean", [None].into()));
    wanted.push(("moving_variance", [None].into()));
    let trained = wanted.len() - 2;
    let mut plan = Plan::of_arrays(wanted, move |arrays| {
        let [gamma, beta] = optional(arrays, [scale, center])?.map(|array| {
            array
                .map(ndarray::Array::into_dimensionality::<Ix1>)
                .transpose()
        });
        let (mean, variance) = (next::<A, Ix1>(arrays)?, next::<A, Ix1>(arrays)?);
        let norm = BatchNormalization::from_weights(gamma?, beta?, mean, variance)?;
        let norm = norm.axis(axis).epsilon(epsilon).momentum(momentum);
        Ok(Made::of(norm))
    });
    plan.wants[trained..]
        .iter_mut()
        .for_each(|want| want.trainable = false);
    Ok(plan)
}

/// `LayerNormalization`.
pub fn layer_normalization<A: Element>(of: &Asked<A>) -> Planned<A> {
    let config = of.config;
    config.only("rms_scaling", "false")?;
    let axes = config.integers("axis", &[-1])?;
    let epsilon = config.finite_or("epsilon", 1e-3)?;
    let (scale, center) = (
        config.bool_or("scale", true)?,
        config.bool_or("center", true)?,
    );
    let shape: Vec<Option<usize>> = axes.iter().map(|_| None).collect();
    let wanted = gamma_and_beta(scale, center, &shape);
    Ok(Plan::of_arrays(wanted, move |arrays| {
        let [gamma, beta] = optional(arrays, [scale, center])?;
        let norm = LayerNormalization::over(&axes, gamma, beta)?;
        Ok(Made::of(norm.epsilon(epsilon)))
    }))
}
