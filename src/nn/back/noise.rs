//! Layers that add noise: which random numbers they draw, and what they make of them.
//!
//! A number is drawn by its key (seed, step, call of the layer), its sample and its position in the sample, so the order of
//! computing does not matter.

use crate::backward::{Draw, Tape};
use crate::error::{Error, Result};
use crate::model::{AnyLayer, BackwardCall, Called, Phase, RecordCall, Tensor};
use crate::{AlphaDropout, Dropout, Element, GaussianDropout, GaussianNoise, SpatialDropout1d};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{ArrayD, IxDyn};

/// The numbers that a call drew; none where it did nothing.
type Kept = Option<ArrayD<f64>>;

/// The noise of a layer.
pub trait Noise {
    /// Whether it changes nothing.
    fn is_silent(&self) -> bool;

    /// The shape of the random numbers for an input of this shape.
    fn shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    /// A random number.
    fn draw(&self, from: Draw, n: u64) -> f64;

    /// The output, and its slope, where this number was drawn: `y = slope x + offset`.
    fn line(&self, drawn: f64) -> [f64; 2] {
        [drawn, 0.0]
    }
}

/// 0 with this probability, else this.
fn kept(rate: f64, else_: f64, from: Draw, n: u64) -> f64 {
    if from.uniform(n) < rate { 0.0 } else { else_ }
}

fn noise_shape(given: Option<&[Option<usize>]>, input: &[usize]) -> Result<Vec<usize>> {
    let Some(given) = given else {
        return Ok(input.to_vec());
    };
    let shape: Vec<usize> = given
        .iter()
        .zip(input)
        .map(|(len, &of)| len.unwrap_or(of))
        .collect();
    let fits = shape
        .iter()
        .zip(input)
        .all(|(&len, &of)| len == 1 || len == of);
    if fits && given.len() == input.len() {
        return Ok(shape);
    }
    let expected = format!("one that fits {input:?}, with 1 where numbers are dropped together");
    Err(Error::value("noise_shape", expected, format!("{given:?}")))
}

impl Noise for Dropout {
    fn is_silent(&self) -> bool {
        self.rate == 0.0
    }
    fn shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        noise_shape(self.noise_shape.as_deref(), input)
    }
    fn draw(&self, from: Draw, n: u64) -> f64 {
        kept(self.rate, 1.0 / (1.0 - self.rate), from, n)
    }
}

impl Noise for SpatialDropout1d {
    fn is_silent(&self) -> bool {
        self.rate == 0.0
    }
    fn shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        // Every axis between samples and features: of images, the height and the width.
        let mut shape = vec![None; input.len()];
        let between = shape.iter_mut().skip(1).take(input.len().saturating_sub(2));
        between.for_each(|len| *len = Some(1));
        noise_shape(Some(&shape), input)
    }
    fn draw(&self, from: Draw, n: u64) -> f64 {
        kept(self.rate, 1.0 / (1.0 - self.rate), from, n)
    }
}

impl Noise for GaussianNoise {
    fn is_silent(&self) -> bool {
        self.stddev == 0.0
    }
    fn draw(&self, from: Draw, n: u64) -> f64 {
        self.stddev * from.normal(n)
    }
    fn line(&self, drawn: f64) -> [f64; 2] {
        [1.0, drawn]
    }
}

impl Noise for GaussianDropout {
    fn is_silent(&self) -> bool {
        self.rate == 0.0
    }
    fn draw(&self, from: Draw, n: u64) -> f64 {
        1.0 + libm::sqrt(self.rate / (1.0 - self.rate)) * from.normal(n)
    }
}

impl Noise for AlphaDropout {
    fn is_silent(&self) -> bool {
        self.rate == 0.0
    }
    fn shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        noise_shape(self.noise_shape.as_deref(), input)
    }
    fn draw(&self, from: Draw, n: u64) -> f64 {
        kept(self.rate, 1.0, from, n)
    }
    fn line(&self, drawn: f64) -> [f64; 2] {
        // The negative limit of SELU.
        let limit = -1.673_263_242_354_377_2 * 1.050_700_987_355_480_5;
        let rate = self.rate;
        let a = 1.0 / libm::sqrt((1.0 - rate) * (1.0 + rate * limit * limit));
        let b = -a * limit * rate;
        if drawn == 0.0 {
            [0.0, a * limit + b]
        } else {
            [a, b]
        }
    }
}

/// A given mask has the axes of the input; those of length 1 are repeated.
fn check_given(mask: &[usize], input: &[usize]) -> Result<()> {
    let fits = mask
        .iter()
        .zip(input)
        .all(|(&len, &of)| len == 1 || len == of);
    if fits && mask.len() == input.len() {
        return Ok(());
    }
    let expected = format!("{input:?}, or 1 along an axis");
    Err(Error::value(
        "shape of a given mask",
        expected,
        format!("{mask:?}"),
    ))
}

/// Draws the numbers of this shape; axis 0 is the samples.
fn draw(of: &impl Noise, from: Draw, shape: &[usize]) -> ArrayD<f64> {
    let mut numbers = Vec::with_capacity(shape.iter().product());
    let in_sample: usize = shape.iter().skip(1).product();
    let samples = shape.first().copied().unwrap_or(1);
    for sample in 0..samples {
        let of_sample = from.at(sample as u64);
        numbers.extend((0..in_sample).map(|n| of.draw(of_sample, n as u64)));
    }
    ArrayD::from_shape_vec(shape, numbers).unwrap_or_default()
}

/// A number times its slope; where that is 0 the number is not read.
fn times<A: Element>(x: A, slope: A) -> A {
    if slope == A::zero() { slope } else { x * slope }
}

pub fn record_noise<A: Element>(
    of: &(impl Noise + AnyLayer<A>),
    call: RecordCall<A>,
) -> Result<Called<A>> {
    let kept: &mut Kept = call.tape.renew();
    *kept = None;
    let [input] = call.inputs else {
        return of.call(call.inputs.to_vec(), None);
    };
    if !call.phase.training() || of.is_silent() {
        return Ok((vec![input.clone()], None));
    }
    let drawn = if let Some(mask) = call.phase.given_mask() {
        check_given(mask.shape(), input.values.shape())?;
        mask.clone()
    } else {
        let shape = of.shape(input.values.shape())?;
        draw(of, call.phase.draw(), &shape)
    };
    let mut values = input.values.clone();
    each(&drawn, &mut values, |x, drawn| {
        let [slope, offset] = of.line(drawn).map(A::from_f64);
        times(x, slope) + offset
    });
    *kept = Some(drawn);
    let mask = input.mask.clone();
    Ok((vec![Tensor { values, mask }], None))
}

pub fn noise_back<A: Element>(
    of: &impl Noise,
    call: &BackwardCall<A>,
) -> Result<Vec<Option<ArrayD<A>>>> {
    let mut upstream = call.upstream.to_vec();
    if let (Some(d), Some(drawn)) = (&mut upstream[0], call.tape.get::<Kept>()?) {
        each(drawn, d, |d, drawn| {
            times(d, A::from_f64(of.line(drawn)[0]))
        });
    }
    Ok(upstream)
}

pub fn drawn_noise(tape: &Tape, phase: &Phase, each: &mut dyn FnMut(&str, ArrayD<f64>)) {
    if let Ok(Some(drawn)) = tape.get::<Kept>() {
        each(phase.of_call(), drawn.clone());
    }
}

/// Changes every number by what was drawn for it.
fn each<A: Element>(drawn: &ArrayD<f64>, x: &mut ArrayD<A>, change: impl Fn(A, f64) -> A) {
    if let Some(drawn) = drawn.broadcast(IxDyn(x.shape())) {
        x.zip_mut_with(&drawn, |x, &drawn| *x = change(*x, drawn));
    }
}
