//! `Convolution`: where the windows of a convolution lie in inputs of one size, and the room that it needs.

use super::activation::each_row;
use super::filters::Filters;
use super::slide::Slide;
use crate::error::{Result, check_size};
use crate::{Activation, Element};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array4, ArrayView4};

/// A convolution over the height and the width of samples of one size. It owns the room that a sample needs, so that no
/// sample after the first allocates.
pub(super) struct Convolution<A> {
    slides: [Slide; 2],
    activation: Activation,
    /// Where the windows start.
    starts: Vec<isize>,
    /// The places in a window, from its start, from which on numbers are adjacent.
    runs: Vec<isize>,
    /// The number of windows that are computed together.
    chunk: usize,
    /// The numbers of a line, with its padding.
    width: usize,
    /// A sample in the middle of its padding; empty if no window reads any.
    padded: Vec<A>,
    sums: Vec<A>,
}

/// The largest number of windows that share the weights while these are in the cache; a multiple of the rows of most tiles.
const CHUNK: usize = 96;

impl<A: Element> Convolution<A> {
    /// Places the windows along the height and the width.
    pub fn new(filters: &Filters<A>, slides: [Slide; 2], activation: Activation) -> Result<Self> {
        let is_inside = slides.iter().all(Slide::is_inside);
        let [height, width] =
            slides.map(|slide| if is_inside { slide.len } else { slide.padded() });
        let features = filters.features();
        check_size("padded input", &[height, width, features])?;
        let mut padded = Vec::new();
        if !is_inside {
            padded = vec![A::zero(); height * width * features];
        }
        let [rows, columns] = slides.map(|of| (0..of.windows.count).map(move |i| i * of.strides));
        let starts = rows.flat_map(|row| {
            let columns = columns.clone();
            columns.map(move |column| offset((row * width + column) * features))
        });
        let starts: Vec<isize> = starts.collect();
        // Chunks of nearly one size: a last one of a few windows would wait for its weights.
        let chunks = starts.len().div_ceil(CHUNK).max(1);
        let chunk = starts.len().div_ceil(chunks).max(1);
        let lens = filters.groups().iter().map(crate::Dense::row_len);
        Ok(Convolution {
            runs: runs(filters, slides, width),
            sums: vec![A::zero(); lens.sum::<usize>() * chunk],
            slides,
            activation,
            starts,
            chunk,
            width,
            padded,
        })
    }

    /// Appends the windows of a sample (height, width, features), which is in row-major order, to `y`.
    pub fn append(&mut self, filters: &Filters<A>, sample: &[A], y: &mut Vec<A>) {
        let (mut numbers, features) = (sample, filters.features());
        if !self.padded.is_empty() {
            pad(numbers, features, self.slides, self.width, &mut self.padded);
            numbers = &self.padded;
        }
        for starts in self.starts.chunks(self.chunk) {
            let from = y.len();
            append(filters, numbers, (starts, &self.runs), &mut self.sums, y);
            each_row(self.activation, filters.count(), &mut y[from..]);
        }
    }

    /// Writes the windows of all samples in `x` to `y`, which keeps its length.
    pub fn write(&mut self, filters: &Filters<A>, samples: usize, x: &[A], y: &mut Vec<A>) {
        y.clear();
        let len = x.len().checked_div(samples).unwrap_or(0);
        for sample in 0..samples {
            self.append(filters, &x[sample * len..(sample + 1) * len], y);
        }
    }
}

/// Computes (samples, height, width, features) to (samples, rows, columns, filters), with windows along the height and the
/// width. The features have been checked.
pub(super) fn convolve<A: Element>(
    filters: &Filters<A>,
    x: &ArrayView4<A>,
    slides: [Slide; 2],
    activation: Activation,
) -> Result<Array4<A>> {
    let counts = slides.map(|slide| slide.windows.count);
    let shape = [x.dim().0, counts[0], counts[1], filters.count()];
    check_size("output", &shape)?;
    let numbers: usize = shape.iter().product();
    if numbers == 0 {
        return Ok(Array4::zeros(shape)); // soon, however many samples of nothing there are
    }
    let mut convolution = Convolution::new(filters, slides, activation)?;
    let mut y = Vec::with_capacity(numbers);
    for sample in x.outer_iter() {
        let sample = sample.as_standard_layout();
        let sample = sample.as_slice().unwrap_or_default(); // it is in row-major order
        convolution.append(filters, sample, &mut y);
    }
    Ok(Array4::from_shape_vec(shape, y)?)
}

/// The places in a window, from its start, from which on numbers are adjacent, for a (padded) input of this width.
fn runs<A: Element>(filters: &Filters<A>, [rows, columns]: [Slide; 2], width: usize) -> Vec<isize> {
    let features = filters.features();
    let starts = |of: Slide| (0..of.size).map(move |tap| tap * of.dilation_rate);
    // Adjacent places of one group of features make one run.
    let starts_of_runs = match (filters.groups().len(), columns.dilation_rate) {
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
fn append<A: Element>(
    filters: &Filters<A>,
    x: &[A],
    windows: (&[isize], &[isize]),
    sums: &mut [A],
    y: &mut Vec<A>,
) {
    if let [dense] = filters.groups()
        && dense.append_windows(x, windows, y)
    {
        return;
    }
    let count = windows.0.len();
    let mut rest = &mut *sums;
    for (group, dense) in filters.groups().iter().enumerate() {
        let (sums, others) = rest.split_at_mut(count * dense.row_len());
        dense.project_windows(&x[group * filters.group_features()..], windows, sums);
        rest = others;
    }
    for window in 0..count {
        let mut first = 0;
        for dense in filters.groups() {
            let len = dense.row_len();
            y.extend_from_slice(&sums[first + window * len..][..dense.units()]);
            first += count * len;
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
