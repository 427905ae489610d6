//! `Unary`, `Binary`, `Elementwise`: what is computed number by number.

use crate::Element;
use crate::error::{Error, Result, check_size, wrong_inputs};
use crate::model::{Inputs, StepShape, Value};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{ArrayD, ArrayViewD, IxDyn, Zip};

/// A function of one number. Source: the functions of these names in `keras.ops`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub(crate) enum Unary {
    Abs,
    Ceil,
    Clip(f64, f64),
    Erf,
    Exp,
    Expm1,
    Fill(f64),
    Floor,
    /// The number itself, in another type that has it.
    Identity,
    Log,
    Log1p,
    LogicalNot,
    Negative,
    Reciprocal,
    /// To the nearest whole number, and to the even one of two.
    Round,
    Rsqrt,
    Sign,
    Sqrt,
    Square,
    /// Whether it is not 0: the conversion to `bool`.
    Truth,
    /// The number without its fraction: the conversion to whole numbers.
    Whole,
}

impl Unary {
    pub fn of<A: Element>(self, x: A) -> A {
        match self {
            Unary::Abs => x.abs(),
            Unary::Ceil => x.ceil(),
            Unary::Clip(least, most) => {
                let x = Binary::Maximum.of(x, A::from_f64(least));
                Binary::Minimum.of(x, A::from_f64(most))
            }
            Unary::Erf => x.libm_erf(),
            Unary::Exp => x.libm_exp(),
            Unary::Expm1 => x.libm_exp_m1(),
            Unary::Fill(with) => A::from_f64(with),
            Unary::Floor => x.floor(),
            Unary::Identity => x,
            Unary::Log => x.libm_ln(),
            Unary::Log1p => x.libm_ln_1p(),
            Unary::LogicalNot => truth(x == A::zero()),
            Unary::Negative => -x,
            Unary::Reciprocal => A::one() / x,
            Unary::Round => {
                let (half, two) = (A::from_f64(0.5), A::from_f64(2.0));
                if (x - x.trunc()).abs() == half {
                    (x / two).round() * two
                } else {
                    x.round()
                }
            }
            Unary::Rsqrt => A::one() / x.sqrt(),
            Unary::Sign if x == A::zero() || x.is_nan() => x,
            Unary::Sign => x.signum(),
            Unary::Sqrt => x.sqrt(),
            Unary::Square => x * x,
            Unary::Truth => truth(x != A::zero()),
            Unary::Whole => x.trunc(),
        }
    }
}

/// A function of two numbers. Those that compare give 1 or 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub(crate) enum Binary {
    Add,
    Divide,
    Equal,
    FloorDivide,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    LogicalAnd,
    LogicalOr,
    LogicalXor,
    Maximum,
    Minimum,
    Mod,
    Multiply,
    NotEqual,
    Power,
    Subtract,
}

impl Binary {
    pub fn of<A: Element>(self, a: A, b: A) -> A {
        let is_true = |x| x != A::zero();
        match self {
            Binary::Add => a + b,
            Binary::Divide => a / b,
            Binary::Equal => truth(a == b),
            Binary::FloorDivide => (a / b).floor(),
            Binary::Greater => truth(a > b),
            Binary::GreaterEqual => truth(a >= b),
            Binary::Less => truth(a < b),
            Binary::LessEqual => truth(a <= b),
            Binary::LogicalAnd => truth(is_true(a) && is_true(b)),
            Binary::LogicalOr => truth(is_true(a) || is_true(b)),
            Binary::LogicalXor => truth(is_true(a) != is_true(b)),
            // A NaN stays.
            Binary::Maximum => {
                if b > a || b.is_nan() {
                    b
                } else {
                    a
                }
            }
            Binary::Minimum => {
                if b < a || b.is_nan() {
                    b
                } else {
                    a
                }
            }
            // As in Python, the result has the sign of the divisor.
            Binary::Mod => {
                let rest = a % b;
                if rest != A::zero() && (rest < A::zero()) != (b < A::zero()) {
                    rest + b
                } else {
                    rest
                }
            }
            Binary::Multiply => a * b,
            Binary::NotEqual => truth(a != b),
            Binary::Power => a.libm_pow(b),
            Binary::Subtract => a - b,
        }
    }
}

fn truth<A: Element>(yes: bool) -> A {
    if yes { A::one() } else { A::zero() }
}

/// A number or an array in place of an input.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(untagged))]
pub(crate) enum Constant {
    Number(f64),
    Array {
        shape: Vec<usize>,
        numbers: Vec<f64>,
    },
}

impl Constant {
    fn shape(&self) -> &[usize] {
        match self {
            Constant::Number(_) => &[],
            Constant::Array { shape, .. } => shape,
        }
    }

    fn numbers<A: Element>(&self) -> Vec<A> {
        let numbers = match self {
            Constant::Number(x) => core::slice::from_ref(x),
            Constant::Array { numbers, .. } => numbers,
        };
        numbers.iter().map(|&x| A::from_f64(x)).collect()
    }

    pub fn array<A: Element>(&self) -> Result<ArrayD<A>> {
        let shape = IxDyn(self.shape());
        Ok(ArrayD::from_shape_vec(shape, self.numbers())?)
    }
}

/// What is computed of several numbers, each of which is an input or a constant. Axes are aligned at the last one, and
/// those of length 1 are repeated.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub(crate) enum Elementwise {
    Binary(Binary, [Option<Constant>; 2]),
    /// The second where the first is not 0, else the third.
    Where([Option<Constant>; 3]),
}

/// Of more numbers than these no places are kept for steps.
const MOST: usize = 1 << 22;

impl Elementwise {
    pub fn operands(&self) -> &[Option<Constant>] {
        match self {
            Elementwise::Binary(_, operands) => operands,
            Elementwise::Where(operands) => operands,
        }
    }

    fn of<A: Element>(&self, x: [A; 3]) -> A {
        match self {
            Elementwise::Binary(of, _) => of.of(x[0], x[1]),
            Elementwise::Where(_) if x[0] == A::zero() => x[2],
            Elementwise::Where(_) => x[1],
        }
    }

    /// Computes an array from as many arrays as there are operands without a constant.
    pub fn compute<A: Element>(&self, inputs: Vec<ArrayD<A>>) -> Result<ArrayD<A>> {
        let found = inputs.len();
        let mut inputs = inputs.into_iter();
        let missing = || wrong_inputs("one more", found);
        let operands = self.operands().iter().map(|constant| match constant {
            Some(constant) => constant.array(),
            None => inputs.next().ok_or_else(missing),
        });
        let mut operands: Vec<ArrayD<A>> = operands.collect::<Result<_>>()?;
        let shapes: Vec<&[usize]> = operands.iter().map(ArrayD::shape).collect();
        let shape = common_shape(&shapes)?;
        let first = operands.remove(0);
        let mut y = if first.shape() == shape {
            first
        } else {
            spread(&first, &shape)?.to_owned()
        };
        let second = spread(&operands[0], &shape)?;
        match self {
            Elementwise::Binary(of, _) => {
                Zip::from(&mut y)
                    .and(&second)
                    .for_each(|y, &x| *y = of.of(*y, x));
            }
            Elementwise::Where(_) => {
                let third = spread(&operands[1], &shape)?;
                Zip::from(&mut y)
                    .and(&second)
                    .and(&third)
                    .for_each(|y, &a, &b| *y = self.of([*y, a, b]));
            }
        }
        Ok(y)
    }

    /// Whether every timestep is computed by itself, with inputs of these numbers of axes.
    pub fn keeps_timesteps(&self, axes: &[usize]) -> bool {
        let Some(&count) = axes.first() else {
            return false;
        };
        let constants = self.operands().iter().flatten().map(Constant::shape);
        axes.iter().all(|&axes| axes == count)
            && constants.into_iter().all(|shape| {
                let missing = count.checked_sub(shape.len());
                // The axes of samples and timesteps, if it has them.
                missing.is_some_and(|missing| {
                    let first = shape.iter().take(2_usize.saturating_sub(missing));
                    first.into_iter().all(|&len| len == 1)
                })
            })
    }

    /// What steps with inputs of these shapes take their numbers from; `None` if that would need too much room.
    pub fn sources<A: Element>(&self, inputs: &[StepShape]) -> Result<Option<Sources<A>>> {
        let (mut inputs_left, mut sources) = (inputs.iter().enumerate(), Vec::new());
        for constant in self.operands() {
            sources.push(match constant {
                Some(constant) => (constant.shape(), Numbers::Of(constant.numbers())),
                None => match inputs_left.next() {
                    Some((at, input)) => (&*input.axes, Numbers::Input(at)),
                    None => return Ok(None),
                },
            });
        }
        let shapes: Vec<&[usize]> = sources.iter().map(|(shape, _)| *shape).collect();
        let shape = common_shape(&shapes)?;
        if shape.iter().product::<usize>() > MOST {
            return Ok(None);
        }
        let sources = sources.into_iter().map(|(from, numbers)| Source {
            numbers,
            places: (from != shape).then(|| places(from, &shape)),
        });
        Ok(Some(Sources(sources.collect())))
    }

    /// Takes a step.
    pub fn step<A: Element>(&self, sources: &Sources<A>, inputs: Inputs<A>, output: &mut Value<A>) {
        output.set_mask(None);
        for (at, y) in output.numbers.iter_mut().enumerate() {
            let mut x = [A::zero(); 3];
            for (x, source) in x.iter_mut().zip(&sources.0) {
                *x = source.number(inputs, at);
            }
            *y = self.of(x);
        }
    }
}

/// Where steps take the numbers of all operands.
pub(crate) struct Sources<A>(Vec<Source<A>>);

/// Where a step takes the numbers of an operand.
enum Numbers<A> {
    Input(usize),
    Of(Vec<A>),
}

struct Source<A> {
    numbers: Numbers<A>,
    /// For each number of the output, which one it is computed of; `None` where they lie alike.
    places: Option<Vec<usize>>,
}

impl<A: Element> Source<A> {
    /// That of which the number at this place of the output is computed.
    fn number(&self, inputs: Inputs<A>, at: usize) -> A {
        let at = self.places.as_ref().map_or(at, |places| places[at]);
        match &self.numbers {
            Numbers::Of(numbers) => numbers[at],
            Numbers::Input(input) => {
                let input = inputs.iter().nth(*input);
                input.map_or(A::nan(), |input| input.numbers[at])
            }
        }
    }
}

/// The length of an axis that is counted from the last one, from 0; 1 if there is none.
fn from_the_end(shape: &[usize], axis: usize) -> usize {
    let at = shape.len().checked_sub(axis + 1);
    at.map_or(1, |at| shape[at])
}

pub(super) fn common_shape(shapes: &[&[usize]]) -> Result<Vec<usize>> {
    let axes = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let mut common = Vec::with_capacity(axes);
    for axis in (0..axes).rev() {
        let lens = shapes.iter().map(|shape| from_the_end(shape, axis));
        let len = lens.clone().find(|&len| len != 1).unwrap_or(1);
        if lens.into_iter().any(|other| other != 1 && other != len) {
            let found: Vec<_> = shapes.iter().map(|shape| format!("{shape:?}")).collect();
            let expected = "those that fit together";
            return Err(Error::value("shapes", expected, found.join(" and ")));
        }
        common.push(len);
    }
    check_size("output", &common)?;
    Ok(common)
}

/// An array as one of this shape.
pub(super) fn spread<'x, A>(x: &'x ArrayD<A>, shape: &[usize]) -> Result<ArrayViewD<'x, A>> {
    x.broadcast(IxDyn(shape)).ok_or_else(|| {
        let found = format!("{:?}", x.shape());
        Error::value("shape", format!("one that fits {shape:?}"), found)
    })
}

/// The place in an array of one shape for every number of an array of another shape that it is spread to.
pub(crate) fn places(from: &[usize], to: &[usize]) -> Vec<usize> {
    let mut places = vec![0];
    for axis in (0..to.len()).rev() {
        let (len, to) = (from_the_end(from, axis), from_the_end(to, axis));
        let along =
            |&place: &usize| (0..to).map(move |at| if len == 1 { place } else { place * len + at });
        places = places.iter().flat_map(along).collect();
    }
    places
}
