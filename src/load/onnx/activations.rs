//! The activations of a recurrent node, with their parameters.

use super::op::Op;
use crate::Activation;
use crate::error::{Error, Result};
use alloc::format;
use alloc::vec::Vec;
use core::slice::Iter;

/// The functions of each direction. `alpha` and `beta` are used up by those functions that have one, in their order.
pub(super) fn read(
    op: Op,
    directions: usize,
    names: &[Vec<u8>],
    alpha: &[f32],
    beta: &[f32],
) -> Result<Vec<Vec<Activation>>> {
    let each = op.activations();
    let mut alpha = Parameters("activation_alpha", alpha.iter());
    let mut beta = Parameters("activation_beta", beta.iter());
    let all = if names.is_empty() {
        each.repeat(directions)
    } else {
        let expected = each.len() * directions;
        if names.len() != expected {
            let found = names.len();
            return Err(Error::file(
                "activations",
                format!("{expected} names"),
                found,
            ));
        }
        let named = |name: &Vec<u8>| activation(name, &mut alpha, &mut beta);
        names.iter().map(named).collect::<Result<_>>()?
    };
    for Parameters(attribute, left) in [alpha, beta] {
        if left.len() > 0 {
            let expected = "no more numbers than the activations take";
            let found = format!("{} more", left.len());
            return Err(Error::file(attribute, expected, found));
        }
    }
    Ok(all.chunks(each.len()).map(<[_]>::to_vec).collect())
}

/// An attribute, and what is left of it.
struct Parameters<'p>(&'static str, Iter<'p, f32>);

impl Parameters<'_> {
    fn next(&mut self, name: &[u8], default: Option<f64>) -> Result<f64> {
        let given = self.1.next().map(|&x| f64::from(x));
        given.or(default).ok_or_else(|| {
            let expected = format!("a number for {}", name.escape_ascii());
            Error::file(self.0, expected, "none")
        })
    }
}

/// A parameter that is left out is that of the operator of the same name. But of Affine and ScaledTanh there is no operator
/// any more, and for ThresholdedRelu runtimes take another one than its operator has: these must be written down.
fn activation(name: &[u8], alpha: &mut Parameters, beta: &mut Parameters) -> Result<Activation> {
    Ok(match &name.to_ascii_lowercase()[..] {
        b"relu" => Activation::Relu,
        b"tanh" => Activation::Tanh,
        b"sigmoid" => Activation::Sigmoid,
        b"softsign" => Activation::Softsign,
        b"softplus" => Activation::Softplus,
        b"leakyrelu" => Activation::LeakyRelu {
            alpha: alpha.next(name, Some(0.01))?,
        },
        b"elu" => Activation::Elu {
            alpha: alpha.next(name, Some(1.0))?,
        },
        b"thresholdedrelu" => Activation::ThresholdedRelu {
            alpha: alpha.next(name, None)?,
        },
        b"hardsigmoid" => Activation::HardSigmoid {
            alpha: alpha.next(name, Some(0.2))?,
            beta: beta.next(name, Some(0.5))?,
        },
        b"affine" => Activation::Affine {
            alpha: alpha.next(name, None)?,
            beta: beta.next(name, None)?,
        },
        b"scaledtanh" => Activation::ScaledTanh {
            alpha: alpha.next(name, None)?,
            beta: beta.next(name, None)?,
        },
        _ => {
            let expected = "names of ONNX: Relu, Tanh, Sigmoid, Affine, LeakyRelu, ThresholdedRelu, ScaledTanh, \
                            HardSigmoid, Elu, Softsign, Softplus";
            return Err(Error::file("activations", expected, name.escape_ascii()));
        }
    })
}
