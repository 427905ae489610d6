//! `Projection`: a `Dense` whose features or units stand in several axes, as heads of attention do.

use crate::Element;
use crate::describe::{Describe, Part, PartMut, Role, Weight, each_array};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
use crate::error::{Error, Result, check_size};
use crate::nn::Dense;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, ArrayD, ArrayView2, ArrayViewD};

/// A dense layer on the last axes of its input: Keras' `EinsumDense` inside of `MultiHeadAttention`.
#[derive(Clone)]
pub(super) struct Projection<A> {
    pub(super) dense: Dense<A>,
    /// The lengths of the axes that are summed up.
    from: Vec<usize>,
    /// The lengths of the axes of the sums.
    to: Vec<usize>,
}

impl<A: Element> Projection<A> {
    /// Sums up the first `summed` axes of the kernel. The bias has the others.
    pub fn new(summed: usize, kernel: ArrayD<A>, bias: Option<ArrayD<A>>) -> Result<Self> {
        if kernel.ndim() <= summed {
            return Err(Error::Rank {
                array: "kernel",
                expected: "the axes that are summed up, and those of the sums",
                found: kernel.ndim(),
            });
        }
        let (from, to) = kernel.shape().split_at(summed);
        let (from, to) = (from.to_vec(), to.to_vec());
        if let Some(bias) = bias.as_ref().filter(|bias| bias.shape() != to) {
            let expected = alloc::format!("{to:?}, as the kernel says");
            let found = alloc::format!("{:?}", bias.shape());
            return Err(Error::value("shape of the bias", expected, found));
        }
        check_size("kernel", kernel.shape())?;
        let (rows, columns): (usize, usize) = (from.iter().product(), to.iter().product());
        let kernel: Array2<A> = in_rows(&kernel).into_shape_with_order((rows, columns))?;
        let bias = bias.map(|bias| Array1::from_iter(bias.iter().copied()));
        Ok(Projection {
            dense: Dense::from_weights(kernel, bias)?,
            from,
            to,
        })
    }

    pub fn from(&self) -> &[usize] {
        &self.from
    }

    pub fn to(&self) -> &[usize] {
        &self.to
    }

    /// (rows, features) to (rows, units).
    pub fn forward(&self, x: &ArrayView2<A>) -> Result<Array2<A>> {
        self.dense.forward(x)
    }

    /// The same layer with a kernel or a bias of these numbers.
    fn assign(&mut self, name: &str, numbers: ArrayViewD<A>) {
        let numbers = Array1::from_iter(numbers.iter().copied());
        self.dense.parts_mut(&mut |part: PartMut<A>| {
            if let PartMut::Array(found, assign) = part
                && found == name
            {
                let shape = match name {
                    "kernel" => [self.from.iter().product(), self.to.iter().product()].to_vec(),
                    _ => [numbers.len()].to_vec(),
                };
                if let Ok(numbers) = numbers.view().into_shape_with_order(shape) {
                    assign(numbers);
                }
            }
        });
    }
}

fn in_rows<A: Element>(x: &ArrayD<A>) -> ArrayD<A> {
    x.as_standard_layout().into_owned()
}

/// An array of a `Dense` in the shape that it has in Keras.
struct Shaped<A> {
    flat: ArrayD<A>,
    shape: Vec<usize>,
}

impl<A: Element> Weight<A> for Shaped<A> {
    fn shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn to_array(&self) -> ArrayD<A> {
        let flat = in_rows(&self.flat);
        let shaped = flat.into_shape_with_order(self.shape.as_slice());
        shaped.unwrap_or_default()
    }
}

impl<A: Element> Describe<A> for Projection<A> {
    fn class(&self) -> &'static str {
        "projection"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        each(Part::Option("summed", &self.from.len()));
        let kernel = Shaped {
            flat: self.dense.kernel().into_dyn(),
            shape: [self.from.as_slice(), &self.to].concat(),
        };
        each_array(each, "kernel", Role::Trainable, &kernel);
        if let Some(bias) = self.dense.bias() {
            let bias = Shaped {
                flat: bias.into_dyn(),
                shape: self.to.clone(),
            };
            each_array(each, "bias", Role::Trainable, &bias);
        }
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        each(PartMut::Array("kernel", &mut |numbers| {
            self.assign("kernel", numbers);
        }));
        if self.dense.bias().is_some() {
            each(PartMut::Array("bias", &mut |numbers| {
                self.assign("bias", numbers);
            }));
        }
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}

#[cfg(feature = "saved")]
impl<A: Element> Saved for Projection<A> {
    type Number = A;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("projection")?;
        let summed = from.get("summed")?;
        Projection::new(summed, from.array("kernel")?, from.optional("bias")?)
    }
}
