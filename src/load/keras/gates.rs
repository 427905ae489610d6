//! Other layouts of the gates: one array for each gate, and those of cuDNN.

use super::plan::{Arrays, Wanted, next};
use crate::Element;
use crate::error::{Result, check};
use alloc::vec::Vec;
use ndarray::{Array1, Array2, ArrayView2, Axis, Ix1, Ix2, concatenate, s};

/// Kernel, recurrent kernel and bias of a cell.
pub type Weights<A, B> = (Array2<A>, Array2<A>, B);

/// How Keras 1 names the arrays of each gate, and in which order it stores the gates of an LSTM.
pub const LSTM_KERAS1: [[&str; 3]; 4] = [
    ["W_i", "U_i", "b_i"],
    ["W_c", "U_c", "b_c"],
    ["W_f", "U_f", "b_f"],
    ["W_o", "U_o", "b_o"],
];

/// The places of the gates i, f, c, o in [`LSTM_KERAS1`].
pub const LSTM_FROM_KERAS1: [usize; 4] = [0, 2, 1, 3];

/// The same of a GRU, whose order z, r, h never changed.
pub const GRU_KERAS1: [[&str; 3]; 3] = [
    ["W_z", "U_z", "b_z"],
    ["W_r", "U_r", "b_r"],
    ["W_h", "U_h", "b_h"],
];

pub const GRU_FROM_KERAS1: [usize; 3] = [0, 1, 2];

/// Three arrays for each gate, `order` saying where the gates of this crate stand.
pub fn joined<A: Element>(arrays: &mut Arrays, order: &[usize]) -> Result<Weights<A, Array1<A>>> {
    let (mut kernels, mut recurrent_kernels, mut biases) = (Vec::new(), Vec::new(), Vec::new());
    for _ in order {
        kernels.push(next::<A, Ix2>(arrays)?);
        recurrent_kernels.push(next::<A, Ix2>(arrays)?);
        biases.push(next::<A, Ix1>(arrays)?);
    }
    let in_order = |all: &[Array2<A>]| {
        let views: Vec<ArrayView2<A>> = order.iter().map(|&gate| all[gate].view()).collect();
        concatenate(Axis(1), &views)
    };
    let bias: Vec<_> = order.iter().map(|&gate| biases[gate].view()).collect();
    Ok((
        in_order(&kernels)?,
        in_order(&recurrent_kernels)?,
        concatenate(Axis(0), &bias)?,
    ))
}

/// The kernels of cuDNN, whose gates are transposed: those of the inputs as (units, features) in the shape (features,
/// units), those of the states as (units, units).
pub fn from_cudnn<A: Element>(
    kernel: Array2<A>,
    recurrent_kernel: Array2<A>,
    gates: usize,
) -> Result<(Array2<A>, Array2<A>)> {
    let units = recurrent_kernel.nrows();
    let columns = units.saturating_mul(gates);
    check("kernel", "columns", columns, kernel.ncols())?;
    check(
        "recurrent_kernel",
        "columns",
        columns,
        recurrent_kernel.ncols(),
    )?;
    let (mut to, mut recurrent_to) = (kernel.clone(), recurrent_kernel.clone());
    for gate in 0..gates {
        let part = s![.., gate * units..(gate + 1) * units];
        let numbers = kernel.slice(part).iter().copied().collect();
        let turned = Array2::from_shape_vec((units, kernel.nrows()), numbers)?;
        to.slice_mut(part).assign(&turned.t());
        recurrent_to
            .slice_mut(part)
            .assign(&recurrent_kernel.slice(part).t());
    }
    Ok((to, recurrent_to))
}

/// The bias of the inputs followed by that of the states.
pub fn cudnn_bias<A: Element>(bias: Array1<A>) -> Result<Array2<A>> {
    let half = bias.len() / 2;
    Ok(bias.into_shape_with_order((2, half))?)
}

/// What [`joined`] wants of a cell of this many units.
pub fn wants_of_gates(names: &[[&'static str; 3]], units: usize) -> Vec<Wanted> {
    let of_gate = |&[kernel, recurrent_kernel, bias]: &[&'static str; 3]| -> [Wanted; 3] {
        [
            (kernel, [None, Some(units)].into()),
            (recurrent_kernel, [Some(units), Some(units)].into()),
            (bias, [Some(units)].into()),
        ]
    };
    names.iter().flat_map(of_gate).collect()
}
