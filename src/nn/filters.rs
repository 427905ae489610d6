//! `Filters`: the weights of a convolution.

use crate::describe::{Part, PartMut, Role, Weight};
use crate::error::{Error, Result, check, check_size, transposed};
use crate::model::Shape;
use crate::{Dense, Element};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, ArrayD};

/// The kernel and the bias of a convolution, split into groups. Each group is a matrix over the flattened window.
#[derive(Clone, Debug)]
pub(super) struct Filters<A: Element> {
    groups: Vec<Dense<A>>,
    kernel_size: Vec<usize>,
}

impl<A: Element> Filters<A> {
    /// Splits `kernel` (…, features / groups, filters) and `bias` (filters). An error shows the kernel as `layout`.
    pub fn from_weights(
        kernel: &ArrayD<A>,
        bias: Option<Array1<A>>,
        groups: usize,
        layout: &str,
    ) -> Result<Self> {
        let [kernel_size @ .., features, filters] = kernel.shape() else {
            return Err(Error::Rank {
                array: "kernel",
                expected: "at least 2",
                found: kernel.ndim(),
            });
        };
        let (features, filters) = (*features, *filters);
        for (name, found) in kernel_size
            .iter()
            .map(|&size| ("kernel_size", size))
            .chain([("filters", filters), ("groups", groups)])
        {
            if found == 0 {
                return Err(Error::value(name, "at least 1", 0));
            }
        }
        if filters % groups != 0 {
            let expected = format!("a divisor of the {filters} filters");
            return Err(Error::value("groups", expected, groups));
        }
        check_size("input", &[features, groups])?;
        if let Some(bias) = &bias {
            let len = bias.len();
            if len == kernel_size[0] && len != filters {
                let expected = format!("{layout}, with a bias of (filters)");
                let shape: Vec<_> = kernel.shape().iter().copied().map(Some).collect();
                let found = format!("{} with a bias of ({len})", Shape::from(shape));
                return Err(transposed("kernel", expected, format_args!("{found}")));
            }
            check("bias", "filters", filters, len)?;
        }
        let rows = kernel_size.iter().product::<usize>() * features;
        let matrix = kernel.as_standard_layout();
        let matrix = matrix.to_shape((rows, filters))?;
        let units = filters / groups;
        let group = |group: usize| {
            let part = group * units..(group + 1) * units;
            let kernel = matrix.slice(ndarray::s![.., part.clone()]).to_owned();
            let bias = bias
                .as_ref()
                .map(|bias| bias.slice(ndarray::s![part]).to_owned());
            Dense::from_weights(kernel, bias)
        };
        Ok(Filters {
            groups: (0..groups).map(group).collect::<Result<_>>()?,
            kernel_size: kernel_size.into(),
        })
    }

    pub fn groups(&self) -> &[Dense<A>] {
        &self.groups
    }

    /// The lengths of a window's axes.
    pub fn kernel_size(&self) -> &[usize] {
        &self.kernel_size
    }

    /// The number of features of all groups.
    pub fn features(&self) -> usize {
        self.groups.len() * self.group_features()
    }

    pub fn group_features(&self) -> usize {
        let rows = self.groups.first().map_or(0, Dense::features);
        rows / self.kernel_size.iter().product::<usize>()
    }

    /// The number of filters of all groups.
    pub fn count(&self) -> usize {
        self.groups.iter().map(Dense::units).sum()
    }

    pub fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        each(Part::Array("kernel", Role::Trainable, &Kernel(self)));
        if self.groups.iter().any(|group| group.bias().is_some()) {
            each(Part::Array("bias", Role::Trainable, &Bias(self)));
        }
    }

    pub fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        each(PartMut::Array("kernel", &mut |kernel| {
            let bias = self.bias();
            self.replace(&kernel.to_owned(), bias);
        }));
        if self.bias().is_some() {
            each(PartMut::Array("bias", &mut |bias| {
                let kernel = Kernel(self).to_array();
                self.replace(&kernel, Some(bias.iter().copied().collect()));
            }));
        }
    }

    fn bias(&self) -> Option<Array1<A>> {
        let biases: Option<Vec<Array1<A>>> = self.groups.iter().map(Dense::bias).collect();
        biases.map(|biases| biases.iter().flatten().copied().collect())
    }

    /// Replaces the weights by others of the same shapes.
    fn replace(&mut self, kernel: &ArrayD<A>, bias: Option<Array1<A>>) {
        if let Ok(filters) = Self::from_weights(kernel, bias, self.groups.len(), "") {
            *self = filters;
        }
    }
}

/// The kernels of all groups side by side, (…, features / groups, filters).
struct Kernel<'c, A: Element>(&'c Filters<A>);

impl<A: Element> Weight<A> for Kernel<'_, A> {
    fn shape(&self) -> Vec<usize> {
        let last = [self.0.group_features(), self.0.count()];
        [self.0.kernel_size(), &last].concat()
    }

    fn to_array(&self) -> ArrayD<A> {
        let kernels: Vec<Array2<A>> = self.0.groups.iter().map(Dense::kernel).collect();
        let rows = kernels.first().map_or(0, Array2::nrows);
        let numbers = (0..rows).flat_map(|row| {
            kernels
                .iter()
                .flat_map(move |kernel| kernel.row(row).to_vec())
        });
        ArrayD::from_shape_vec(self.shape(), numbers.collect()).unwrap_or_default()
    }
}

/// The biases of all groups in a row, (filters).
struct Bias<'c, A: Element>(&'c Filters<A>);

impl<A: Element> Weight<A> for Bias<'_, A> {
    fn shape(&self) -> Vec<usize> {
        vec![self.0.count()]
    }

    fn to_array(&self) -> ArrayD<A> {
        self.0.bias().unwrap_or_default().into_dyn()
    }
}
