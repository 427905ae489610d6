//! `Conv1D`.

use crate::load::keras::made::{Asked, Made, Planned};
use crate::load::keras::plan::{Plan, next};
use crate::{Activation, Conv1d, Element};
use alloc::vec::Vec;
use ndarray::{Axis, Ix1, Ix3, IxDyn};

/// `Conv1D`.
pub fn conv1d<A: Element>(of: &Asked<A>) -> Planned<A> {
    let (context, config) = (of.context, of.config);
    config.channels_last()?;
    let filters = config.count("filters")?;
    let kernel_size = config.count_of_axis("kernel_size", None)?;
    let use_bias = config.bool_or("use_bias", true)?;
    let builder = Conv1d::<A>::builder()
        .strides(config.count_of_axis("strides", Some(1))?)
        .dilation_rate(config.count_of_axis("dilation_rate", Some(1))?)
        .groups(config.count_of_axis("groups", Some(1))?)
        .padding(config.padding()?)
        .activation(context.activation(config, "activation", Activation::Linear)?);
    // Keras 1 had a second axis of pixels.
    let of_keras1 = context.version.major() == 1;
    let turned = context.turned_kernels;
    let shape = if of_keras1 {
        [Some(kernel_size), Some(1), None, Some(filters)].into()
    } else {
        [Some(kernel_size), None, Some(filters)].into()
    };
    let mut wanted = Vec::from([("kernel", shape)]);
    wanted.extend(use_bias.then(|| ("bias", [Some(filters)].into())));
    Ok(Plan::of_arrays(wanted, move |arrays| {
        let mut kernel = next::<A, IxDyn>(arrays)?;
        if of_keras1 {
            kernel = kernel.index_axis_move(Axis(1), 0);
        }
        if turned {
            kernel.invert_axis(Axis(0));
        }
        let bias = use_bias.then(|| next::<A, Ix1>(arrays)).transpose()?;
        let kernel = kernel.as_standard_layout().into_owned();
        let conv = builder.from_weights(kernel.into_dimensionality::<Ix3>()?, bias)?;
        let features = conv.features();
        Ok(Made::of_features(conv, features))
    }))
}
