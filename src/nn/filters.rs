//! `Filters`: the weights of a convolution.

use super::activation::each_row;
use super::slide::Slide;
use crate::describe::{Part, PartMut, Role, Weight};
use crate::error::{Error, Result, check, check_size, transposed};
use crate::model::Shape;
use crate::{Activation, Dense, Element};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, Array4, ArrayD, ArrayView4};

/// The kernel and the bias of a convolution, split into groups. Each group is a matrix over the flattened window.
#[derive(Clone, Debug)]
pub(super) struct Filters<A: Element> {
    groups: Vec<Dense<A>>,
    kernel_size: Vec<usize>,
}

/// The largest number of windows that share the weights while these are in the cache; a multiple of the rows of most tiles.
const CHUNK: usize = 96;

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

    /// Computes (samples, height, width, features) to (samples, rows, columns, filters), with windows along the height
    /// and the width. The features have been checked.
    pub fn convolve(
        &self,
        x: &ArrayView4<A>,
        slides: [Slide; 2],
        activation: Activation,
    ) -> Result<Array4<A>> {
        let counts = slides.map(|slide| slide.windows.count);
        let shape = [x.dim().0, counts[0], counts[1], self.count()];
        check_size("output", &shape)?;
        let numbers: usize = shape.iter().product();
        if numbers == 0 {
            return Ok(Array4::zeros(shape)); // soon, however many samples of nothing there are
        }
        let is_inside = slides.iter().all(Slide::is_inside);
        let [height, width] =
            slides.map(|slide| if is_inside { slide.len } else { slide.padded() });
        let features = self.features();
        check_size("padded input", &[height, width, features])?;
        let mut padded = Vec::new();
        if !is_inside {
            padded = vec![A::zero(); height * width * features];
        }
        let runs = self.runs(slides, width);
        let [rows, columns] = slides.map(|of| (0..of.windows.count).map(move |i| i * of.strides));
        let starts = rows.flat_map(|row| {
            let columns = columns.clone();
            columns.map(move |column| offset((row * width + column) * features))
        });
        let starts: Vec<isize> = starts.collect();
        // Chunks of nearly one size: a last one of a few windows would wait for its weights.
        let chunk = starts.len().div_ceil(starts.len().div_ceil(CHUNK));
        let lens = self.groups.iter().map(Dense::row_len);
        let mut sums = vec![A::zero(); lens.sum::<usize>() * chunk];
        let mut y = Vec::with_capacity(numbers);
        for sample in x.outer_iter() {
            let sample = sample.as_standard_layout();
            let mut numbers = sample.as_slice().unwrap_or_default(); // it is in row-major order
            if !is_inside {
                pad(numbers, features, slides, width, &mut padded);
                numbers = &padded;
            }
            for starts in starts.chunks(chunk) {
                let from = y.len();
                self.append(numbers, (starts, &runs), &mut sums, &mut y);
                each_row(activation, self.count(), &mut y[from..]);
            }
        }
        Ok(Array4::from_shape_vec(shape, y)?)
    }

    /// The places in a window, from its start, from which on numbers are adjacent, for a (padded) input of this width.
    fn runs(&self, [rows, columns]: [Slide; 2], width: usize) -> Vec<isize> {
        let features = self.features();
        let starts = |of: Slide| (0..of.size).map(move |tap| tap * of.dilation_rate);
        // Adjacent places of one group of features make one run.
        let starts_of_runs = match (self.groups.len(), columns.dilation_rate) {
            (1, 1) => 1,
            _ => columns.size,
        };
        let runs = starts(rows).flat_map(|row| {
            let columns = starts(columns).take(starts_of_runs);
            columns.map(move |column| offset((row * width + column) * features))
        });
        runs.collect()
    }

    /// Appends the sums of these windows.
    fn append(&self, x: &[A], windows: (&[isize], &[isize]), sums: &mut [A], y: &mut Vec<A>) {
        if let [dense] = self.groups.as_slice()
            && dense.append_windows(x, windows, y)
        {
            return;
        }
        let count = windows.0.len();
        let mut rest = &mut *sums;
        for (group, dense) in self.groups.iter().enumerate() {
            let (sums, others) = rest.split_at_mut(count * dense.row_len());
            dense.project_windows(&x[group * self.group_features()..], windows, sums);
            rest = others;
        }
        for window in 0..count {
            let mut first = 0;
            for dense in &self.groups {
                let len = dense.row_len();
                y.extend_from_slice(&sums[first + window * len..][..dense.units()]);
                first += count * len;
            }
        }
    }
}

/// Copies a sample (height, width, features) into the middle of its padding.
fn pad<A: Element>(
    x: &[A],
    features: usize,
    [rows, columns]: [Slide; 2],
    width: usize,
    padded: &mut [A],
) {
    let of_line = columns.windows.before * features..width * features;
    let x = x.chunks_exact((columns.len * features).max(1));
    let lines = padded.chunks_exact_mut((width * features).max(1));
    for (line, x) in lines.skip(rows.windows.before).zip(x) {
        // The end of a line that no window reads is left out.
        let line = &mut line[of_line.clone()];
        let len = line.len().min(x.len());
        line[..len].copy_from_slice(&x[..len]);
    }
}

/// A place in an array, which is never larger than `isize::MAX`.
fn offset(place: usize) -> isize {
    isize::try_from(place).unwrap_or(isize::MAX)
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
