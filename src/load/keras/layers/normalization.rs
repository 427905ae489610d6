//! `BatchNormalization`, `LayerNormalization` and their like.

use crate::error::Result;
use crate::load::keras::made::{Asked, Made, Planned, bare};
use crate::load::keras::plan::{Arrays, Plan, Wanted, next};
use crate::load::keras::unknown::missing;
use crate::{
    BatchNormalization, Element, GroupNormalization, LayerNormalization, RmsNormalization,
    UnitNormalization,
};
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

/// `GroupNormalization` over the features. Keras 2 leaves masked timesteps out, which this layer does not.
pub fn group_normalization<A: Element>(of: &Asked<A>) -> Planned<A> {
    let config = of.config;
    if of.context.version.major() < 3 {
        return Err(missing(of.object));
    }
    config.only("axis", "-1")?;
    let groups = config.integer_or("groups", 32)?;
    let refuse = || config.refuse("groups", "a count, or -1 with weights", groups);
    let epsilon = config.finite_or("epsilon", 1e-3)?;
    let (scale, center) = (
        config.bool_or("scale", true)?,
        config.bool_or("center", true)?,
    );
    if groups < -1 || groups == 0 || groups == -1 && !scale && !center {
        return Err(refuse());
    }
    let wanted = gamma_and_beta(scale, center, &[None]);
    Ok(Plan::of_arrays(wanted, move |arrays| {
        let [gamma, beta] = optional(arrays, [scale, center])?.map(|array| {
            array
                .map(ndarray::Array::into_dimensionality::<Ix1>)
                .transpose()
        });
        let (gamma, beta) = (gamma?, beta?);
        let features = gamma.as_ref().or(beta.as_ref()).map(ndarray::Array1::len);
        // -1 is as many as features.
        let groups = usize::try_from(groups).ok().or(features).unwrap_or(1);
        let norm = GroupNormalization::from_weights(groups, gamma, beta)?.epsilon(epsilon);
        Ok(match features {
            Some(features) => Made::of_features(norm, features),
            None => Made::of(norm),
        })
    }))
}

/// `RMSNormalization`.
pub fn rms_normalization<A: Element>(of: &Asked<A>) -> Planned<A> {
    let axes = of.config.integers("axis", &[-1])?;
    let epsilon = of.config.finite_or("epsilon", 1e-6)?;
    let shape: Vec<Option<usize>> = axes.iter().map(|_| None).collect();
    Ok(Plan::of_arrays([("scale", shape)], move |arrays| {
        let norm = RmsNormalization::over(&axes, next(arrays)?)?;
        Ok(Made::of(norm.epsilon(epsilon)))
    }))
}

/// `UnitNormalization`.
pub fn unit_normalization<A: Element>(of: &Asked<A>) -> Planned<A> {
    let axes = of.config.integers("axis", &[-1])?;
    let norm = UnitNormalization::over(&axes)?;
    // Keras 2 adds its epsilon to the squares, Keras 3 to their root.
    let largest = if of.context.version.major() < 3 {
        1e6
    } else {
        1e12
    };
    bare(norm.largest(largest))
}
