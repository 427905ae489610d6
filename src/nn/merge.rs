//! `Merge`: combines several inputs elementwise.

use super::axis::check_axis;
use crate::Element;
use crate::error::{Error, Result, check_size, wrong_inputs};
use crate::model::{
    AnyLayer, Inputs, Planned, Shape, StepShape, Stepwise, Tensor, Value, described, each_or_err,
    goes_back,
};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayD, ArrayView2, Axis, IxDyn};

/// Combines several inputs elementwise. Axes of length 1 are broadcast; an input with fewer axes gets axes of length 1
/// after the samples.
///
/// As in Keras, the output has a mask if every input has one; it is true where any of them is. A masked timestep counts
/// as 1 in a product and is skipped in a maximum or minimum; where all inputs of a product are masked, the result is 0.
/// Sums, differences and averages ignore masks. Source: `keras.layers.Add`, `Subtract`, `Multiply`, `Average`,
/// `Maximum`, `Minimum`.
///
/// ```
/// use ndarray::array;
/// use recurrent::{AnyLayer, Merge, Tensor};
/// let (x, y) = (array![[1.0, 2.0]], array![[10.0, 20.0]]);
/// let sum = Merge::Add.forward_all(vec![Tensor::new(&x), Tensor::new(&y)])?;
/// assert_eq!(sum[0].values, array![[11.0, 22.0]].into_dyn());
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(rename_all = "snake_case", deny_unknown_fields)
)]
#[non_exhaustive]
pub enum Merge {
    /// The sum.
    Add,
    /// The first minus the second; two inputs.
    Subtract,
    /// The product.
    Multiply,
    /// The sum divided by the number of inputs.
    Average,
    /// The maximum.
    Maximum,
    /// The minimum.
    Minimum,
}

impl Merge {
    /// Combines two numbers; the first is the result so far.
    fn of<A: Element>(self, y: A, x: A) -> A {
        match self {
            Merge::Add | Merge::Average => y + x,
            Merge::Subtract => y - x,
            Merge::Multiply => y * x,
            // A NaN stays.
            Merge::Maximum if x > y || x.is_nan() => x,
            Merge::Minimum if x < y || x.is_nan() => x,
            Merge::Maximum | Merge::Minimum => y,
        }
    }

    /// Whether masks change the result.
    pub(super) fn reads_masks(self) -> bool {
        matches!(self, Merge::Multiply | Merge::Maximum | Merge::Minimum)
    }

    fn fold<A: Element>(self, inputs: Vec<Input<A>>) -> Option<ArrayD<A>> {
        let count = inputs.len();
        let all_masked = inputs.iter().all(|input| input.mask.is_some());
        let mut inputs = inputs.into_iter();
        let Input {
            values: mut y,
            mut mask,
        } = inputs.next()?;
        if let (Merge::Multiply, Some(mask)) = (self, &mask) {
            where_masked(&mut y, mask, |row| row.fill(A::one()));
        }
        for input in inputs {
            let mut x = input.values;
            match self {
                Merge::Multiply => {
                    if let Some(mask) = &input.mask {
                        where_masked(&mut x, mask, |row| row.fill(A::one()));
                    }
                }
                Merge::Maximum | Merge::Minimum => {
                    if let Some(mask) = &input.mask {
                        copy_where_masked(&mut x, mask, &y);
                    }
                    if let Some(mask) = &mask {
                        copy_where_masked(&mut y, mask, &x);
                    }
                }
                Merge::Add | Merge::Subtract | Merge::Average => {}
            }
            y.zip_mut_with(&x, |y, &x| *y = self.of(*y, x));
            mask = mask.zip(input.mask).map(|(a, b)| a | b);
        }
        match (self, &mask) {
            (Merge::Average, _) => y /= A::from_f64(count as f64),
            (Merge::Multiply, Some(mask)) if all_masked => {
                where_masked(&mut y, mask, |row| row.fill(A::zero()));
            }
            _ => {}
        }
        Some(y)
    }
}

/// An input in the shape of the output, with its mask if that is read.
struct Input<A> {
    values: ArrayD<A>,
    mask: Option<Array2<bool>>,
}

type Row<'a, A> = ndarray::ArrayViewMutD<'a, A>;

/// Changes the masked timesteps.
fn where_masked<A>(y: &mut ArrayD<A>, mask: &Array2<bool>, change: impl Fn(&mut Row<A>)) {
    for ((sample, t), _) in mask.indexed_iter().filter(|(_, real)| !**real) {
        change(&mut timestep(y, sample, t));
    }
}

/// Takes the masked timesteps from another array.
fn copy_where_masked<A: Element>(y: &mut ArrayD<A>, mask: &Array2<bool>, from: &ArrayD<A>) {
    for ((sample, t), _) in mask.indexed_iter().filter(|(_, real)| !**real) {
        let from = from.index_axis(Axis(0), sample);
        timestep(y, sample, t).assign(&from.index_axis(Axis(0), t));
    }
}

fn timestep<A>(y: &mut ArrayD<A>, sample: usize, t: usize) -> Row<'_, A> {
    y.index_axis_mut(Axis(0), sample)
        .index_axis_move(Axis(0), t)
}

/// The shape of the output; inputs have the same number of axes.
fn common_shape<A>(inputs: &[Tensor<A>]) -> Result<Vec<usize>> {
    let mut shape: Vec<usize> = Vec::new();
    for input in inputs {
        let found = input.values.shape();
        if shape.is_empty() {
            shape = found.into();
        }
        for (axis, (to, &len)) in shape.iter_mut().zip(found).enumerate() {
            if axis == 0 {
                check_axis("input", axis, *to, len)?;
            } else if *to == 1 {
                *to = len;
            } else if len != 1 {
                check_axis("input", axis, *to, len)?;
            }
        }
    }
    check_size("output", &shape)?;
    Ok(shape)
}

/// A mask for all samples and timesteps of the output.
pub(super) fn repeated(mask: &Array2<bool>, shape: [usize; 2]) -> Result<Array2<bool>> {
    let repeated: Option<ArrayView2<bool>> = mask.broadcast(shape);
    repeated.map(|mask| mask.to_owned()).ok_or_else(|| {
        let found = alloc::format!("{:?}", mask.shape());
        Error::value("shape of a mask", alloc::format!("{shape:?}"), found)
    })
}

/// True where any of the masks is; `None` unless every input has one.
fn any_of<A>(inputs: &[Tensor<A>]) -> Result<Option<Array2<bool>>> {
    let masks: Option<Vec<&Array2<bool>>> = inputs.iter().map(|x| x.mask.as_ref()).collect();
    let Some(masks) = masks else {
        return Ok(None);
    };
    let [samples, timesteps] = [0, 1].map(|axis| {
        let lens = masks.iter().map(|mask| mask.len_of(Axis(axis)));
        lens.fold(1, |to, len| if to == 1 { len } else { to })
    });
    let mut any = Array2::from_elem((samples, timesteps), false);
    for mask in masks {
        any = any | repeated(mask, [samples, timesteps])?;
    }
    Ok(Some(any))
}
crate::describe::describe!(Merge, "merge", "merge");

impl<A: Element> AnyLayer<A> for Merge {
    fn name(&self) -> &str {
        match self {
            Merge::Add => "add",
            Merge::Subtract => "subtract",
            Merge::Multiply => "multiply",
            Merge::Average => "average",
            Merge::Maximum => "maximum",
            Merge::Minimum => "minimum",
        }
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let flows = self.forward_all(vec![input])?;
        crate::model::only(flows)
    }

    fn forward_all(&self, mut inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        let count = inputs.len();
        if *self == Merge::Subtract && count != 2 {
            return Err(wrong_inputs(2, count));
        }
        let axes = inputs.iter().map(|input| input.values.ndim());
        let (Some(least), Some(most)) = (axes.clone().min(), axes.max()) else {
            return Err(wrong_inputs("at least 1", count));
        };
        if least == 0 {
            return Err(Error::Rank {
                array: "input",
                expected: "at least 1 (samples, ...)",
                found: 0,
            });
        }
        inputs.iter().try_for_each(Tensor::check_mask)?;
        let mask = any_of(&inputs)?;
        // Keras drops the masks where it has to add axes.
        let reads_masks = self.reads_masks() && least == most;
        for input in &mut inputs {
            let values = core::mem::take(&mut input.values);
            let missing = most - values.ndim();
            input.values = (0..missing).fold(values, |values, _| values.insert_axis(Axis(1)));
        }
        let shape = common_shape(&inputs)?;
        let mut same = Vec::with_capacity(count);
        for Tensor { values, mask } in inputs {
            let mask = match mask.filter(|_| reads_masks) {
                Some(mask) if most == 3 => Some(repeated(&mask, [shape[0], shape[1]])?),
                Some(_) => {
                    let expected = "3 (samples, timesteps, features), since it is masked";
                    return Err(Error::Rank {
                        array: "input",
                        expected,
                        found: most,
                    });
                }
                None => None,
            };
            let values = if values.shape() == shape.as_slice() {
                values
            } else {
                let view = values.broadcast(IxDyn(&shape));
                view.map(|view| view.to_owned()).unwrap_or_default()
            };
            same.push(Input { values, mask });
        }
        let values = self.fold(same).unwrap_or_default();
        Ok(vec![Tensor { values, mask }])
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let axes: Option<Vec<&[Option<usize>]>> = inputs.iter().map(Shape::axes).collect();
        let Some(axes) = axes else {
            return vec![Shape::unknown()];
        };
        let most = axes.iter().map(|axes| axes.len()).max().unwrap_or(0);
        let mut shape = vec![Some(1); most];
        for axes in axes {
            let Some((&samples, rest)) = axes.split_first() else {
                return vec![Shape::unknown()];
            };
            let after = most - rest.len();
            for (to, &len) in shape[after..].iter_mut().zip(rest) {
                match (*to, len) {
                    (Some(1), len) => *to = len,
                    (None, Some(len)) if len != 1 => *to = Some(len),
                    _ => {}
                }
            }
            shape[0] = if shape[0] == Some(1) {
                samples
            } else {
                shape[0]
            };
        }
        vec![shape.into()]
    }

    fn uses_mask(&self) -> bool {
        self.reads_masks()
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        match axes {
            [first, rest @ ..] if rest.iter().all(|axes| axes == first) => Stepwise::EachTimestep,
            _ => Stepwise::WholeSequence("its inputs have different numbers of axes"),
        }
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let Some(places) = Places::of(inputs) else {
            return Ok(None);
        };
        let refuses = self.reads_masks() && inputs.iter().any(|input| input.axes.len() != 3);
        let planned = each_or_err(self, inputs, move |of, inputs, output| {
            places.combine(*of, inputs, output)
        })?;
        Ok(planned.map(|planned| Planned {
            may_fail: refuses,
            ..planned
        }))
    }

    goes_back!();
    described!();
}

/// Which number of each input goes into which of the output; none where all lie alike.
struct Places(Option<Vec<Vec<usize>>>);

/// Of more numbers than these no places are kept.
const MOST: usize = 1 << 22;

impl Places {
    /// Of inputs of these shapes, if they have as many axes; where their lengths differ, of timesteps only.
    fn of(inputs: &[StepShape]) -> Option<Self> {
        let (first, rest) = inputs.split_first()?;
        if rest.iter().all(|input| input.axes == first.axes) {
            return Some(Places(None));
        }
        let axes = first.axes.len();
        let is_timestep = |input: &StepShape| input.is_timestep && input.axes.len() == axes;
        if !inputs.iter().all(is_timestep) {
            return None;
        }
        let longest = |axis: usize| inputs.iter().map(|input| input.axes[axis]).max();
        let shape: Vec<usize> = (0..axes).map(longest).collect::<Option<_>>()?;
        let count = shape
            .iter()
            .try_fold(1_usize, |count, &len| count.checked_mul(len));
        count.filter(|&count| count <= MOST)?;
        let places = inputs.iter().map(|input| places(&input.axes, &shape));
        Some(Places(Some(places.collect())))
    }

    /// The rules are those of a whole call: see [`Merge`].
    fn combine<A: Element>(
        &self,
        of: Merge,
        inputs: Inputs<A>,
        output: &mut Value<A>,
    ) -> Result<()> {
        let is_masked = of.reads_masks() && inputs.masks().any(|mask| mask.is_some());
        if is_masked && output.shape.axes.len() != 3 {
            return Err(Error::Rank {
                array: "input",
                expected: "3 (samples, timesteps, features), since it is masked",
                found: output.shape.axes.len(),
            });
        }
        let count = A::from_f64(inputs.iter().len() as f64);
        if inputs.masks().any(|mask| mask.is_none()) {
            output.set_mask(None);
        } else {
            let any = output.mask_mut();
            any.fill(false);
            for mask in inputs.masks().flatten() {
                any.iter_mut()
                    .zip(mask)
                    .for_each(|(any, &real)| *any |= real);
            }
        }
        if self.0.is_none() && !is_masked {
            let (first, y) = (inputs.first()?, &mut output.numbers);
            y.copy_from_slice(&first.numbers);
            for x in inputs.iter().skip(1) {
                y.iter_mut()
                    .zip(&x.numbers)
                    .for_each(|(y, &x)| *y = of.of(*y, x));
            }
            if of == Merge::Average {
                y.iter_mut().for_each(|y| *y /= count);
            }
            return Ok(());
        }
        let row = output.shape.axes.iter().skip(2).product::<usize>().max(1);
        for (at, to) in output.numbers.iter_mut().enumerate() {
            let number = |(n, input): (usize, &Value<A>)| {
                let at = self.0.as_ref().map_or(at, |places| places[n][at]);
                input.numbers[at]
            };
            let numbers = inputs.iter().enumerate().map(number);
            let masks = inputs.masks().map(|mask| mask.filter(|_| is_masked));
            let masks = masks.map(|mask| mask.map(|mask| mask[at / row]));
            let mut both = numbers.zip(masks);
            let Some((mut y, mut real)) = both.next() else {
                continue;
            };
            if of == Merge::Multiply && real == Some(false) {
                y = A::one();
            }
            for (mut x, x_real) in both {
                match of {
                    Merge::Multiply if x_real == Some(false) => x = A::one(),
                    Merge::Maximum | Merge::Minimum => {
                        if x_real == Some(false) {
                            x = y;
                        }
                        if real == Some(false) {
                            y = x;
                        }
                    }
                    _ => {}
                }
                y = of.of(y, x);
                real = real.zip(x_real).map(|(a, b)| a | b);
            }
            *to = match of {
                Merge::Average => y / count,
                Merge::Multiply if real == Some(false) => A::zero(),
                _ => y,
            };
        }
        Ok(())
    }
}

/// The place in an array of `from` of every number of an array of `to`, where axes of length 1 are repeated.
pub(super) fn places(from: &[usize], to: &[usize]) -> Vec<usize> {
    let mut places = vec![0];
    for (&from, &to) in from.iter().zip(to) {
        let along = |&place: &usize| {
            (0..to).map(move |at| if from == 1 { place } else { place * from + at })
        };
        places = places.iter().flat_map(along).collect();
    }
    places
}
