//! `Transposed`: the weights of a transposed convolution, and how it spreads an input.

use super::activation::each_row;
use super::padding::Padding;
use crate::describe::{Part, PartMut, Role, Weight};
use crate::error::{Error, Result, check, check_size};
use crate::model::{AnyLayer, Planned, StepShape, each};
use crate::{Activation, Dense, Element};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, Array4, ArrayD, ArrayView4};

/// The kernel and the bias of a transposed convolution. The kernel is a matrix from a pixel to all that it is spread to.
#[derive(Clone, Debug)]
pub(super) struct Transposed<A: Element> {
    dense: Dense<A>,
    bias: Option<Array1<A>>,
    kernel_size: Vec<usize>,
    filters: usize,
}

/// Where the numbers along one axis are spread to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    /// The length of the output, and how much of its start is cut off.
    pub len: usize,
    before: usize,
    size: usize,
    strides: usize,
}

/// The most pixels that are projected together.
const CHUNK: usize = 64;

impl Spread {
    /// Spreads `len` numbers to `size` each, at distances of `strides`; both are at least 1. `output_padding` says how much
    /// longer the output is than it has to be. `name` is the length of the axis in errors.
    pub fn new(
        name: &'static str,
        padding: Padding,
        [len, size, strides]: [usize; 3],
        output_padding: Option<usize>,
    ) -> Result<Self> {
        let starts = len.saturating_sub(1).saturating_mul(strides);
        let whole = starts.saturating_add(size);
        let of_output = match (padding, output_padding) {
            _ if len == 0 => 0,
            (Padding::Valid, None) => starts.saturating_add(size.max(strides)),
            (Padding::Valid, Some(more)) => whole.saturating_add(more),
            (_, None) => len.saturating_mul(strides),
            (_, Some(more)) => starts.saturating_add(size % 2).saturating_add(more),
        };
        if padding == Padding::Same && of_output.div_ceil(strides) != len {
            let expected =
                format!("one that {of_output} numbers after the padding have as a convolution");
            return Err(Error::value(name, expected, len));
        }
        let before = match padding {
            Padding::Same => whole.saturating_sub(of_output) / 2,
            _ => 0,
        };
        Ok(Spread {
            len: of_output,
            before,
            size,
            strides,
        })
    }

    /// An axis of length 1 that stays as it is.
    pub fn of_one() -> Self {
        Spread {
            len: 1,
            before: 0,
            size: 1,
            strides: 1,
        }
    }

    /// The taps of a kernel along this axis and along the next one, in the order of its rows.
    pub fn taps(self, next: Self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.size).flat_map(move |a| (0..next.size).map(move |b| (a, b)))
    }

    /// Where the number at `from` goes with this tap of the kernel, if it is in the output.
    pub fn place(self, from: usize, tap: usize) -> Option<usize> {
        let to = from.checked_mul(self.strides)?.checked_add(tap)?;
        to.checked_sub(self.before).filter(|&to| to < self.len)
    }
}

/// Returns an error unless these options, along each axis, are those of a transposed convolution.
pub(super) fn check_options(
    strides: &[usize],
    output_padding: Option<&[usize]>,
    padding: Padding,
) -> Result<()> {
    let found = |of: &[usize]| match of {
        [one] => format!("{one}"),
        all => format!("{all:?}"),
    };
    if strides.contains(&0) {
        return Err(Error::value("strides", "at least 1", found(strides)));
    }
    if let Some(more) = output_padding
        && more
            .iter()
            .zip(strides)
            .any(|(more, strides)| more >= strides)
    {
        return Err(Error::value(
            "output_padding",
            "less than the strides",
            found(more),
        ));
    }
    if padding == Padding::Causal {
        return Err(Error::value("padding", "Valid or Same", "Causal"));
    }
    Ok(())
}

impl<A: Element> Transposed<A> {
    /// From `kernel` (…, filters, features) and `bias` (filters).
    pub fn from_weights(kernel: &ArrayD<A>, bias: Option<Array1<A>>) -> Result<Self> {
        let [kernel_size @ .., filters, features] = kernel.shape() else {
            return Err(Error::Rank {
                array: "kernel",
                expected: "at least 2",
                found: kernel.ndim(),
            });
        };
        for (name, found) in kernel_size
            .iter()
            .map(|&size| ("kernel_size", size))
            .chain([("filters", *filters)])
        {
            if found == 0 {
                return Err(Error::value(name, "at least 1", 0));
            }
        }
        if let Some(bias) = &bias {
            check("bias", "filters", *filters, bias.len())?;
        }
        check_size("kernel", kernel.shape())?;
        let columns = kernel_size.iter().product::<usize>() * filters;
        let kernel = kernel.as_standard_layout();
        let matrix: Array2<A> = kernel.to_shape((columns, *features))?.t().to_owned();
        Ok(Transposed {
            dense: Dense::from_weights(matrix, None)?,
            bias,
            kernel_size: kernel_size.into(),
            filters: *filters,
        })
    }

    /// The lengths of the kernel's first axes.
    pub fn kernel_size(&self) -> &[usize] {
        &self.kernel_size
    }

    pub fn features(&self) -> usize {
        self.dense.features()
    }

    pub fn count(&self) -> usize {
        self.filters
    }

    #[cfg(feature = "train")]
    pub fn dense(&self) -> &Dense<A> {
        &self.dense
    }

    /// Computes (samples, height, width, features) to (samples, rows, columns, filters). The features have been checked.
    pub fn spread(
        &self,
        x: &ArrayView4<A>,
        to: [Spread; 2],
        activation: Activation,
    ) -> Result<Array4<A>> {
        let (samples, height, width, _) = x.dim();
        let shape = [samples, to[0].len, to[1].len, self.filters];
        check_size("output", &shape)?;
        let mut y = Array4::zeros(shape);
        let mut room = self.room();
        for (x, mut y) in x.outer_iter().zip(y.outer_iter_mut()) {
            let x = x.as_standard_layout();
            if let (Some(x), Some(y)) = (x.as_slice(), y.as_slice_mut()) {
                self.write(x, [height, width], to, activation, &mut room, y);
            }
        }
        Ok(y)
    }

    /// What [`write`](Self::write) needs for one chunk of pixels.
    pub fn room(&self) -> Vec<A> {
        vec![A::zero(); self.dense.row_len() * CHUNK]
    }

    /// Spreads a sample, (height, width, features) in row-major order.
    pub fn write(
        &self,
        x: &[A],
        [height, width]: [usize; 2],
        to: [Spread; 2],
        activation: Activation,
        room: &mut [A],
        y: &mut [A],
    ) {
        let (features, filters) = (self.features(), self.filters);
        match &self.bias {
            Some(bias) => {
                let pixels = y.chunks_exact_mut(filters);
                pixels.for_each(|y| y.iter_mut().zip(bias).for_each(|(y, &b)| *y = b));
            }
            None => y.fill(A::zero()),
        }
        let pixels = if x.is_empty() { 0 } else { height * width };
        for first in (0..pixels).step_by(CHUNK) {
            let count = CHUNK.min(pixels - first);
            let starts: [isize; CHUNK] = core::array::from_fn(|i| {
                isize::try_from((first + i.min(count - 1)) * features).unwrap_or(isize::MAX)
            });
            let sums = &mut room[..count * self.dense.row_len()];
            self.dense
                .project_windows(x, (&starts[..count], &[0]), sums);
            let rows = sums.chunks_exact(self.dense.row_len());
            for (pixel, sums) in (first..).zip(rows) {
                self.add([pixel / width, pixel % width], sums, to, y);
            }
        }
        each_row(activation, filters, y);
    }

    /// The stepper of a layer that spreads samples of (height, width); `of` gives the layer's weights.
    pub fn plan<L: AnyLayer<A>>(
        &self,
        layer: &L,
        inputs: &[StepShape],
        ([samples, height, width], to): ([usize; 3], [Spread; 2]),
        activation: Activation,
        of: impl Fn(&L) -> &Self + Send + Sync + 'static,
    ) -> Result<Option<Planned<A>>> {
        if samples == 0 {
            return Ok(None);
        }
        let mut room = self.room();
        each(layer, inputs, move |layer: &L, inputs, output| {
            let x = &inputs.first()?.numbers;
            let lens = [x.len() / samples, output.numbers.len() / samples];
            for sample in 0..samples {
                let x = &x[sample * lens[0]..][..lens[0]];
                let y = &mut output.numbers[sample * lens[1]..][..lens[1]];
                of(layer).write(x, [height, width], to, activation, &mut room, y);
            }
            output.set_mask(None);
            Ok(())
        })
    }

    /// Adds what a pixel is spread to.
    fn add(&self, [row, column]: [usize; 2], sums: &[A], to: [Spread; 2], y: &mut [A]) {
        for ((a, b), sums) in to[0].taps(to[1]).zip(sums.chunks_exact(self.filters)) {
            if let (Some(i), Some(j)) = (to[0].place(row, a), to[1].place(column, b)) {
                let y = &mut y[(i * to[1].len + j) * self.filters..][..self.filters];
                y.iter_mut().zip(sums).for_each(|(y, &sum)| *y += sum);
            }
        }
    }

    pub fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        each(Part::Array("kernel", Role::Trainable, &Kernel(self)));
        crate::describe::each_array(each, "bias", Role::Trainable, &self.bias);
    }

    pub fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        each(PartMut::Array("kernel", &mut |kernel| {
            let other = Self::from_weights(&kernel.to_owned(), self.bias.clone());
            if let Ok(other) = other {
                *self = other;
            }
        }));
        crate::describe::each_array_mut(each, "bias", &mut self.bias);
    }
}

/// The kernel as it was given, (…, filters, features).
struct Kernel<'c, A: Element>(&'c Transposed<A>);

impl<A: Element> Weight<A> for Kernel<'_, A> {
    fn shape(&self) -> Vec<usize> {
        let last = [self.0.filters, self.0.features()];
        [self.0.kernel_size.as_slice(), &last].concat()
    }

    fn to_array(&self) -> ArrayD<A> {
        let kernel = self.0.dense.kernel().reversed_axes();
        let kernel = kernel.as_standard_layout().into_owned().into_dyn();
        kernel
            .into_shape_with_order(self.shape())
            .unwrap_or_default()
    }
}
