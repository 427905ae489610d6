//! `MultiHeadAttention`: attention of several heads, each with projections of its own.

use super::attend::{Unseen, product, weigh};
use super::axis::place_in_sample;
use super::heads::{Masks, Projected, four, projected};
use super::projection::Projection;
use crate::Element;
use crate::describe::{Describe, Part, PartMut};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
use crate::error::{Error, Result, check, check_size, wrong_inputs};
use crate::model::{AnyLayer, Shape, Stepwise, Tensor, described, goes_back};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, Array3, Array4, ArrayD, ArrayRef, ArrayViewD, Ix3, IxDyn, s};

/// Attention of several heads. Each head has projections of its own for the query, the value and the key.
///
/// ```text
/// Q = query · Kq + bq     K = key · Kk + bk     V = value · Kv + bv          for each head n
/// scores[n, i, j] = Q[i, n] · K[j, n] / √(key_dim)
/// context[i, n]   = Σj softmax(scores[n, i])[j] · V[j, n]
/// output[i]       = Σn context[i, n] · Ko[n] + bo
/// ```
/// | array | shape |
/// | --- | --- |
/// | query | (samples, queries, features) |
/// | value, key | (samples, timesteps, features); the key is the value, if it is not given |
/// | attention mask | (samples, queries, timesteps), or (samples, heads, queries, timesteps); 0 hides a value |
/// | kernels of the query and the key | (features, heads, `key_dim`), with biases (heads, `key_dim`) |
/// | kernel of the value | (features, heads, `value_dim`), with a bias (heads, `value_dim`) |
/// | kernel of the output | (heads, `value_dim`, units), with a bias (units) |
/// | output | (samples, queries, units) |
/// | weights, if they are returned | (samples, heads, queries, timesteps) |
///
/// The inputs of a model are the query, the value, the key (if it is given) and the attention mask (if
/// [`attention_mask`](Self::attention_mask) says so). A query attends to a value if the masks of the query, the value and
/// the key and the attention mask allow it. The output has the mask of the query. Inputs may have more axes: see
/// [`attention_axes`](Self::attention_axes).
///
/// With fewer heads of keys and values than of queries, adjacent heads of queries share one: grouped-query attention (Ainslie
/// et al., "GQA", 2023), Keras' `GroupQueryAttention`. The kernels of the key and the value then have these fewer heads.
///
/// A query that may attend to no value gets the average of all values in Keras 3. If the weights are returned, all of
/// them are 0, and so is what it gets. (This is the rule of Keras 3.15; a file of Keras 2 has its own.)
///
/// Source: Vaswani et al., "Attention Is All You Need" (2017); `keras.layers.MultiHeadAttention`, `GroupQueryAttention`.
///
/// ```
/// use ndarray::{Array2, Array3, array};
/// use recurrent::MultiHeadAttention;
/// let kernel = || (Array3::ones((1, 2, 1)), None); // 1 feature, 2 heads of 1 number
/// let output = (Array3::from_elem((2, 1, 1), 0.5), None);
/// let attention = MultiHeadAttention::from_weights([kernel(), kernel(), kernel()], output)?;
/// let (query, value) = (array![[[0.0]]], array![[[1.0], [3.0]]]);
/// assert_eq!(attention.forward(&query, &value, &value)?, array![[[2.0]]].into_dyn());
/// # Ok::<(), recurrent::Error>(())
/// ```
#[allow(clippy::struct_excessive_bools)] // independent arguments of a call in Keras
#[derive(Clone)]
pub struct MultiHeadAttention<A> {
    pub(super) query: Projection<A>,
    pub(super) value: Projection<A>,
    pub(super) key: Projection<A>,
    pub(super) output: Projection<A>,
    attention_axes: Option<Vec<isize>>,
    causal: bool,
    pub(super) attention_mask: bool,
    return_attention_scores: bool,
    /// How many timesteps a query sees to either side, with its own.
    sliding_window: Option<usize>,
    /// The rule for hidden values; `None` is that of Keras 3.
    unseen: Option<Unseen>,
    /// Whether Keras deletes the masks of its inputs. Only the wiring of a file reads it.
    #[cfg(feature = "keras")]
    takes_masks: bool,
}

const INPUTS: &str = "2 or 3 (query, value and perhaps key), and the attention mask if it is set";

impl<A: Element> MultiHeadAttention<A> {
    /// Makes a layer from the kernels and biases of the query, the value and the key, and those of the output.
    ///
    /// The shapes are (features, heads, size of a head) and (heads, size of a head), those of the output (heads,
    /// `value_dim`, units) and (units). Returns an error if they do not fit together.
    pub fn from_weights(
        [query, value, key]: [(Array3<A>, Option<Array2<A>>); 3],
        output: (Array3<A>, Option<Array1<A>>),
    ) -> Result<Self> {
        let projection = |(kernel, bias): (Array3<A>, Option<Array2<A>>)| {
            Projection::new(1, kernel.into_dyn(), bias.map(Array2::into_dyn))
        };
        let (kernel, bias) = output;
        let output = Projection::new(2, kernel.into_dyn(), bias.map(Array1::into_dyn))?;
        Self::of(
            [projection(query)?, projection(value)?, projection(key)?],
            output,
        )
    }

    /// The same from arrays of any number of axes, as files have them.
    #[cfg(feature = "keras")]
    pub(crate) fn from_arrays(
        arrays: [(ArrayD<A>, Option<ArrayD<A>>); 3],
        output: (ArrayD<A>, Option<ArrayD<A>>),
    ) -> Result<Self> {
        let [query, value, key] = arrays.map(|(kernel, bias)| Projection::new(1, kernel, bias));
        let output = Projection::new(2, output.0, output.1)?;
        Self::of([query?, value?, key?], output)
    }

    fn of([query, value, key]: [Projection<A>; 3], output: Projection<A>) -> Result<Self> {
        for of in [&query, &value, &key] {
            if of.to().len() != 2 || of.from().len() != 1 {
                return Err(Error::Rank {
                    array: "kernel",
                    expected: "3 (features, heads, size of a head)",
                    found: of.to().len() + of.from().len(),
                });
            }
        }
        if output.from().len() != 2 {
            return Err(Error::Rank {
                array: "kernel of the output",
                expected: "at least 3 (heads, size of a head, units)",
                found: output.to().len() + output.from().len(),
            });
        }
        let heads = query.to()[0];
        let groups = key.to()[0];
        if groups == 0 || !heads.is_multiple_of(groups) {
            check("kernel of the key", "heads", heads, groups)?;
        }
        check("kernel of the value", "heads", groups, value.to()[0])?;
        check("kernel of the output", "heads", heads, output.from()[0])?;
        check(
            "kernel of the key",
            "numbers in a head",
            query.to()[1],
            key.to()[1],
        )?;
        let (size, found) = (value.to()[1], output.from()[1]);
        check("kernel of the output", "numbers in a head", size, found)?;
        Ok(MultiHeadAttention {
            query,
            value,
            key,
            output,
            attention_axes: None,
            causal: false,
            attention_mask: false,
            return_attention_scores: false,
            sliding_window: None,
            unseen: None,
            #[cfg(feature = "keras")]
            takes_masks: false,
        })
    }

    /// Sets whether query `i` attends only to the values up to `i`: Keras' `use_causal_mask`.
    pub fn causal(mut self, yes: bool) -> Self {
        self.causal = yes;
        self
    }

    /// Sets a band: a query attends to the values that are less than `timesteps` away. `None`, the default, is all of them.
    pub fn sliding_window(mut self, timesteps: impl Into<Option<usize>>) -> Self {
        self.sliding_window = timesteps.into();
        self
    }

    /// Sets whether the last input of the layer is an attention mask.
    pub fn attention_mask(mut self, yes: bool) -> Self {
        self.attention_mask = yes;
        self
    }

    /// Sets whether the layer has a second output in a model: the weights of the values, `softmax(scores)`.
    pub fn return_attention_scores(mut self, yes: bool) -> Self {
        self.return_attention_scores = yes;
        self
    }

    /// Sets the axes over which a query attends, counted from 0 (the samples) or, if negative, from the end. The other
    /// axes between samples and features are treated like samples. The default is all of them.
    ///
    /// The weights then have the shape (samples, other axes, heads, axes of the query, axes of the value). Masks are
    /// those of axis 1: there are none if a query attends over others.
    pub fn attention_axes(mut self, axes: &[isize]) -> Self {
        self.attention_axes = Some(axes.into());
        self
    }

    /// Whether the values that it was called with have no mask afterwards, as in Keras 3.
    #[cfg(feature = "keras")]
    pub(crate) fn takes_masks(&self) -> bool {
        self.takes_masks
    }

    /// Sets whether the values that it was called with have no mask afterwards.
    #[cfg(feature = "keras")]
    pub(crate) fn taking_masks(mut self, yes: bool) -> Self {
        self.takes_masks = yes;
        self
    }

    /// Sets the rule for hidden values.
    #[cfg(feature = "keras")]
    pub(crate) fn unseen(mut self, unseen: Option<Unseen>) -> Self {
        self.unseen = unseen;
        self
    }

    /// Computes one output for every timestep of the query. Returns an error if the shapes do not fit.
    pub fn forward(
        &self,
        query: &ArrayRef<A, Ix3>,
        value: &ArrayRef<A, Ix3>,
        key: &ArrayRef<A, Ix3>,
    ) -> Result<ArrayD<A>> {
        let all = [
            query.view().into_dyn(),
            value.view().into_dyn(),
            key.view().into_dyn(),
        ];
        let (y, _) = self.attend(all, &Masks::default())?;
        Ok(y)
    }

    fn heads(&self) -> usize {
        self.query.to()[0]
    }

    /// The number of query heads, one after the other, that share a head of the keys and the values.
    pub(super) fn together(&self) -> usize {
        self.heads()
            .checked_div(self.key.to()[0])
            .unwrap_or(1)
            .max(1)
    }

    /// Whether a query may see a value of this timestep, whatever the masks say.
    fn reaches(&self, query: usize, value: usize) -> bool {
        let is_near = |timesteps: usize| query.abs_diff(value) < timesteps;
        !(self.causal && value > query) && self.sliding_window.is_none_or(is_near)
    }

    /// The axes over which a query with this number of axes attends, in ascending order.
    fn places(&self, axes: usize) -> Result<Vec<usize>> {
        let Some(given) = &self.attention_axes else {
            return Ok((1..axes.saturating_sub(1)).collect());
        };
        let refuse = || {
            let expected = "axes between those of samples and features, in ascending order";
            Error::value("attention_axes", expected, format!("{given:?}"))
        };
        let places = given.iter().map(|&axis| place_in_sample(axis, axes));
        let places: Vec<usize> = places.collect::<Result<_>>().map_err(|_| refuse())?;
        let last = places.last().is_some_and(|&last| last + 1 < axes);
        if last && places.is_sorted_by(|a, b| a < b) {
            return Ok(places);
        }
        Err(refuse())
    }

    /// Checks the inputs and projects them.
    pub(super) fn heads_of(
        &self,
        [query, value, key]: &[ArrayViewD<A>; 3],
        masks: &Masks<A>,
    ) -> Result<Heads<A>> {
        let axes = query.ndim();
        for (array, x) in [("query", query), ("value", value), ("key", key)] {
            if x.ndim() < 3 || x.ndim() != axes {
                return Err(Error::Rank {
                    array,
                    expected: "3 (samples, timesteps, features), or as many as the query",
                    found: x.ndim(),
                });
            }
        }
        let places = self.places(axes)?;
        for at in 0..axes - 1 {
            let along = "numbers along an axis";
            check("key", along, value.shape()[at], key.shape()[at])?;
            if !places.contains(&at) {
                check("value", along, query.shape()[at], value.shape()[at])?;
            }
        }
        let [q, v, k] = [
            ("query", query, &self.query),
            ("value", value, &self.value),
            ("key", key, &self.key),
        ]
        .map(|(array, x, projection)| projected(array, x, projection, &places));
        let (q, v, k) = (q?, v?, k?);
        let (groups, queries, _, _) = q.numbers.dim();
        check_size("scores", &[queries, v.numbers.dim().1])?;
        let is_hidden = masks.is_any() || self.causal || self.sliding_window.is_some();
        if places != [1] && is_hidden {
            let expected = "the timesteps alone, [1], with a mask";
            return Err(Error::value(
                "attention_axes",
                expected,
                format!("{places:?}"),
            ));
        }
        let unseen = self.unseen.unwrap_or({
            if self.return_attention_scores || axes != 3 {
                Unseen::Dropped
            } else {
                Unseen::Replaced
            }
        });
        let inner = groups.checked_div(query.shape()[0]).unwrap_or(1).max(1);
        Ok(Heads {
            query: q,
            value: v,
            key: k,
            places,
            unseen,
            inner,
            is_hidden,
        })
    }

    /// What scores are multiplied with.
    pub(super) fn inverse(&self) -> A {
        A::one() / A::from_f64(self.query.to()[1] as f64).sqrt()
    }

    /// Whether a query of a group sees a value.
    pub(super) fn sees(
        &self,
        heads: &Heads<A>,
        masks: &Masks<A>,
        [group, head, i, j]: [usize; 4],
    ) -> bool {
        let at = [group / heads.inner, head, i, j];
        !heads.is_hidden || self.reaches(i, j) && masks.allow(at)
    }

    /// The weights (queries, timesteps) of the values of a group, for a head.
    pub(super) fn weights(
        &self,
        heads: &Heads<A>,
        masks: &Masks<A>,
        [group, head]: [usize; 2],
    ) -> Array2<A> {
        let (q, k) = (&heads.query.numbers, &heads.key.numbers);
        let q = q.slice(s![group, .., head, ..]);
        let k = k.slice(s![group, .., head / self.together(), ..]);
        let inverse = self.inverse();
        let mut weights = product(&q, &k.t());
        weights.mapv_inplace(|score| score * inverse);
        weigh(&mut weights, heads.unseen, |i, j| {
            self.sees(heads, masks, [group, head, i, j])
        });
        weights
    }

    fn attend(
        &self,
        all: [ArrayViewD<A>; 3],
        masks: &Masks<A>,
    ) -> Result<(ArrayD<A>, Option<ArrayD<A>>)> {
        let of = self.heads_of(&all, masks)?;
        let [query, value, _] = all;
        let (groups, queries, heads, _) = of.query.numbers.dim();
        let timesteps = of.value.numbers.dim().1;
        let rows = groups.saturating_mul(queries);
        let size = self.value.to()[1];
        check_size("context", &[rows, heads, size])?;
        let mut context = Array2::zeros((rows, heads * size));
        let mut kept = None;
        if self.return_attention_scores {
            check_size("scores", &[groups, heads, queries, timesteps])?;
            kept = Some(Array4::zeros((groups, heads, queries, timesteps)));
        }
        for group in 0..groups {
            for head in 0..heads {
                let weights = self.weights(&of, masks, [group, head]);
                let first = group * queries;
                let columns = head * size..(head + 1) * size;
                let to = context.slice_mut(s![first..first + queries, columns]);
                let at = s![group, .., head / self.together(), ..];
                let value = of.value.numbers.slice(at);
                product(&weights.view(), &value).assign_to(to);
                if let Some(kept) = &mut kept {
                    kept.slice_mut(s![group, head, .., ..]).assign(&weights);
                }
            }
        }
        let y = self.output.forward(&context.view())?;
        // Back to the order of the axes of the query.
        let order = &of.query.order;
        let mut shape: Vec<usize> = order.iter().map(|&at| query.shape()[at]).collect();
        shape.extend(self.output.to());
        let y = y.into_shape_with_order(IxDyn(&shape))?;
        let mut back = vec![0; shape.len()];
        for (from, to) in back.iter_mut().enumerate() {
            *to = order.iter().position(|&at| at == from).unwrap_or(from);
        }
        let y = y
            .permuted_axes(IxDyn(&back))
            .as_standard_layout()
            .into_owned();
        let kept = kept.map(|kept| {
            let others = order.iter().filter(|at| !of.places.contains(at));
            let mut shape: Vec<usize> = others.map(|&at| query.shape()[at]).collect();
            shape.push(heads);
            shape.extend(of.places.iter().map(|&at| query.shape()[at]));
            shape.extend(of.places.iter().map(|&at| value.shape()[at]));
            kept.into_shape_with_order(IxDyn(&shape))
        });
        Ok((y, kept.transpose()?))
    }

    /// The query, the value and perhaps the key among the inputs, and what hides values. They have been checked.
    pub(super) fn split<'x>(
        &self,
        inputs: &'x [Tensor<A>],
    ) -> Result<([&'x Tensor<A>; 3], Masks<'x, A>)> {
        let count = inputs.len();
        let (mask, inputs) = match inputs.split_last() {
            Some((mask, others)) if self.attention_mask => (Some(mask), others),
            _ => (None, inputs),
        };
        let (query, value, key) = match inputs {
            [query, value] => (query, value, None),
            [query, value, key] => (query, value, Some(key)),
            _ => return Err(wrong_inputs(INPUTS, count)),
        };
        for input in inputs {
            input.check_mask()?;
        }
        let len = |x: &Tensor<A>, axis: usize| x.values.shape().get(axis).copied().unwrap_or(0);
        let lens = [len(query, 0), self.heads(), len(query, 1), len(value, 1)];
        // The timesteps of the mask of the key have to be checked before it is read.
        check("key", "timesteps", lens[3], len(key.unwrap_or(value), 1))?;
        check("value", "samples", lens[0], len(value, 0))?;
        check("key", "samples", lens[0], len(key.unwrap_or(value), 0))?;
        let masks = Masks {
            query: query.mask.as_ref(),
            values: [value.mask.as_ref(), key.and_then(|key| key.mask.as_ref())],
            attention: mask.map(|mask| four(mask, lens)).transpose()?,
        };
        Ok(([query, value, key.unwrap_or(value)], masks))
    }
}

/// All inputs, projected and split into heads.
pub(super) struct Heads<A> {
    pub query: Projected<A>,
    pub value: Projected<A>,
    pub key: Projected<A>,
    /// The axes over which a query attends.
    pub places: Vec<usize>,
    pub unseen: Unseen,
    /// The number of groups of a sample.
    inner: usize,
    /// Whether anything may be hidden.
    is_hidden: bool,
}

impl<A: Element> Describe<A> for MultiHeadAttention<A> {
    fn class(&self) -> &'static str {
        "multi_head_attention"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        let MultiHeadAttention {
            query,
            value,
            key,
            output,
            attention_axes,
            causal,
            attention_mask,
            return_attention_scores,
            sliding_window,
            unseen,
            #[cfg(feature = "keras")]
                takes_masks: _, // says nothing of what it computes
        } = self;
        each(Part::Option("attention_axes", attention_axes));
        each(Part::Option("causal", causal));
        each(Part::Option("attention_mask", attention_mask));
        each(Part::Option(
            "return_attention_scores",
            return_attention_scores,
        ));
        each(Part::Option("sliding_window", sliding_window));
        each(Part::Option("unseen", unseen));
        // In the order of Keras.
        each(Part::Layer("query", Some("query"), query));
        each(Part::Layer("key", Some("key"), key));
        each(Part::Layer("value", Some("value"), value));
        each(Part::Layer(
            "attention_output",
            Some("attention_output"),
            output,
        ));
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        each(PartMut::Layer(Some("query"), &mut self.query));
        each(PartMut::Layer(Some("key"), &mut self.key));
        each(PartMut::Layer(Some("value"), &mut self.value));
        each(PartMut::Layer(Some("attention_output"), &mut self.output));
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}

#[cfg(feature = "saved")]
impl<A: Element> Saved for MultiHeadAttention<A> {
    type Number = A;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("multi_head_attention")?;
        let [query, value, key] = ["query", "value", "key"].map(|name| from.layer(name));
        let all = Self::of([query?, value?, key?], from.layer("attention_output")?)?;
        Ok(MultiHeadAttention {
            attention_axes: from.get("attention_axes")?,
            causal: from.get("causal")?,
            attention_mask: from.get("attention_mask")?,
            return_attention_scores: from.get("return_attention_scores")?,
            sliding_window: from.get_or("sliding_window", None)?,
            unseen: from.get("unseen")?,
            ..all
        })
    }
}

impl<A: Element> core::fmt::Debug for MultiHeadAttention<A> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::describe::debug::<A>(self, "MultiHeadAttention", f)
    }
}

impl<A: Element> AnyLayer<A> for MultiHeadAttention<A> {
    fn name(&self) -> &str {
        "multi_head_attention"
    }

    fn forward(&self, _: Tensor<A>) -> Result<Tensor<A>> {
        Err(wrong_inputs(INPUTS, 1))
    }

    fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        let (all, masks) = self.split(&inputs)?;
        let (values, scores) = self.attend(all.map(|input| input.values.view()), &masks)?;
        let mask = all[0].mask.clone();
        let mut outputs = vec![Tensor { values, mask }];
        outputs.extend(scores.map(Tensor::bare));
        Ok(outputs)
    }

    fn output_count(&self) -> usize {
        1 + usize::from(self.return_attention_scores)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let axes = |input: usize| inputs.get(input)?.axes();
        let values = || {
            let (_, before) = axes(0)?.split_last()?;
            let units = self.output.to().iter().map(|&len| Some(len));
            Some(Shape::from(
                before.iter().copied().chain(units).collect::<Vec<_>>(),
            ))
        };
        let scores = || {
            let (query, value) = (axes(0)?, axes(1)?);
            let places = self.places(query.len()).ok()?;
            let (_, before) = query.split_last()?;
            let others = before.iter().enumerate();
            let others = others.filter(|(at, _)| !places.contains(at));
            let mut shape: Vec<Option<usize>> = others.map(|(_, &len)| len).collect();
            shape.push(Some(self.heads()));
            for axes in [query, value] {
                shape.extend(places.iter().map(|&at| axes.get(at).copied().flatten()));
            }
            Some(Shape::from(shape))
        };
        let mut shapes = vec![values().unwrap_or_else(Shape::unknown)];
        if self.return_attention_scores {
            shapes.push(scores().unwrap_or_else(Shape::unknown));
        }
        shapes
    }

    fn uses_mask(&self) -> bool {
        true
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence("it looks at all timesteps")
    }

    fn with_all_outputs(&self) -> Option<Box<dyn AnyLayer<A>>> {
        let more = self.clone().return_attention_scores(true);
        (!self.return_attention_scores).then(|| Box::new(more) as Box<dyn AnyLayer<A>>)
    }

    goes_back!();
    described!();
}
