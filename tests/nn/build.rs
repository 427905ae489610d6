//! A layer from its configuration in the words of Keras, by the doors that a program has.

use crate::case::list;
use ndarray::{Array, ArrayD, Dimension, Ix4};
use recurrent::{
    Activation, AdditiveAttention, AnyLayer, Attention, BatchNormalization, Concatenate, Conv1d,
    Conv2d, Conv2dBuilder, Cropping1d, Cropping2d, Dense, Dot, Dropout, Element, Embedding,
    Flatten, GlobalPooling1d, GlobalPooling2d, Identity, LayerNormalization, Masking, Merge,
    MultiHeadAttention, Normalization, Padding, ParameterCount, Permute, Pooling1d, Pooling2d,
    RepeatVector, Rescaling, Reshape, Result, Shape, Softmax, Stepwise, Tensor, TimeDistributed,
    UpSampling1d, UpSampling2d, ZeroPadding1d, ZeroPadding2d,
};
use serde_json::Value;

type Layer<A> = Box<dyn AnyLayer<A>>;

/// The layer that `of` describes.
pub fn build<A: Element>(of: &Value, weights: &[ArrayD<A>]) -> Result<Layer<A>> {
    let mut weights = Weights(weights.iter());
    let layer = make(of, &mut weights)?;
    assert!(weights.0.next().is_none(), "{of}");
    Ok(layer)
}

struct Weights<'a, A>(std::slice::Iter<'a, ArrayD<A>>);

impl<A: Element> Weights<'_, A> {
    fn next<D: Dimension>(&mut self) -> Array<A, D> {
        let weights = self.0.next().unwrap().clone();
        weights.into_dimensionality().unwrap()
    }

    /// One that an option can leave out.
    fn next_if<D: Dimension>(&mut self, is_there: bool) -> Option<Array<A, D>> {
        is_there.then(|| self.next())
    }
}

fn number(of: &Value, name: &str, default: usize) -> usize {
    of[name].as_u64().map_or(default, |n| n.try_into().unwrap())
}

fn numbers(of: &Value) -> Vec<isize> {
    let number = |n: &Value| n.as_i64().unwrap().try_into().unwrap();
    list(of).iter().map(number).collect()
}

fn pair(of: &Value) -> [usize; 2] {
    [0, 1].map(|i| of[i].as_u64().unwrap().try_into().unwrap())
}

/// A count for the height and one for the width, or one for both.
fn of_image(of: &Value) -> Option<[usize; 2]> {
    match of.as_u64() {
        Some(both) => Some([both.try_into().unwrap(); 2]),
        None => of.is_array().then(|| pair(of)),
    }
}

fn yes(of: &Value, name: &str, default: bool) -> bool {
    of[name].as_bool().unwrap_or(default)
}

fn axis(of: &Value) -> isize {
    of["axis"]
        .as_i64()
        .map_or(-1, |axis| axis.try_into().unwrap())
}

fn padding(of: &Value) -> Padding {
    match of["padding"].as_str() {
        Some("same") => Padding::Same,
        Some("causal") => Padding::Causal,
        _ => Padding::Valid,
    }
}

fn activation(of: &Value) -> Result<Activation> {
    of["activation"].as_str().unwrap_or("linear").parse()
}

fn make<A: Element>(of: &Value, weights: &mut Weights<A>) -> Result<Layer<A>> {
    Ok(match of["layer"].as_str().unwrap() {
        "Dense" => {
            let (kernel, bias) = (weights.next(), weights.next_if(yes(of, "use_bias", true)));
            Box::new(Dense::from_weights(kernel, bias)?.with_activation(activation(of)?)?)
        }
        "Embedding" => {
            let table = Embedding::from_weights(weights.next())?;
            Box::new(table.mask_zero(yes(of, "mask_zero", false)))
        }
        "Masking" => Box::new(Masking::new(A::from_f64(
            of["mask_value"].as_f64().unwrap(),
        ))),
        "Conv1D" => {
            let (kernel, bias) = (weights.next(), weights.next_if(yes(of, "use_bias", true)));
            let conv = Conv1d::builder()
                .strides(number(of, "strides", 1))
                .dilation_rate(number(of, "dilation_rate", 1))
                .groups(number(of, "groups", 1))
                .padding(padding(of))
                .activation(activation(of)?);
            Box::new(conv.from_weights(kernel, bias)?)
        }
        "Conv2D" => {
            let (kernel, bias) = (weights.next(), weights.next_if(yes(of, "use_bias", true)));
            let conv = conv2d(of)?.groups(number(of, "groups", 1));
            Box::new(conv.from_weights(kernel, bias)?)
        }
        "DepthwiseConv2D" => {
            let kernel: Array<A, Ix4> = weights.next();
            let (height, width, channels, multiplier) = kernel.dim();
            let kernel = kernel.into_shape_with_order((height, width, 1, channels * multiplier))?;
            let bias = weights.next_if(yes(of, "use_bias", true));
            Box::new(conv2d(of)?.groups(channels).from_weights(kernel, bias)?)
        }
        "MaxPooling2D" => pooling2d(of, Pooling2d::max)?,
        "AveragePooling2D" => pooling2d(of, Pooling2d::average)?,
        "GlobalMaxPooling2D" => {
            Box::new(GlobalPooling2d::max().keepdims(yes(of, "keepdims", false)))
        }
        "GlobalAveragePooling2D" => {
            Box::new(GlobalPooling2d::average().keepdims(yes(of, "keepdims", false)))
        }
        "MaxPooling1D" => pooling(of, Pooling1d::max)?,
        "AveragePooling1D" => pooling(of, Pooling1d::average)?,
        "GlobalMaxPooling1D" => {
            Box::new(GlobalPooling1d::max().keepdims(yes(of, "keepdims", false)))
        }
        "GlobalAveragePooling1D" => {
            Box::new(GlobalPooling1d::average().keepdims(yes(of, "keepdims", false)))
        }
        "BatchNormalization" => {
            let gamma = weights.next_if(yes(of, "scale", true));
            let beta = weights.next_if(yes(of, "center", true));
            let (mean, variance) = (weights.next(), weights.next());
            let norm = BatchNormalization::from_weights(gamma, beta, mean, variance)?;
            let norm = norm.axis(axis(of));
            match of["epsilon"].as_f64() {
                Some(epsilon) => Box::new(norm.epsilon(epsilon)),
                None => Box::new(norm),
            }
        }
        "LayerNormalization" => {
            let (scale, center) = (yes(of, "scale", true), yes(of, "center", true));
            let norm = match &of["axis"] {
                Value::Null => LayerNormalization::from_weights(
                    weights.next_if(scale),
                    weights.next_if(center),
                )?,
                of => {
                    let axes = match of.as_i64() {
                        Some(axis) => vec![axis.try_into().unwrap()],
                        None => numbers(of),
                    };
                    let gamma = weights.next_if(scale);
                    LayerNormalization::over(&axes, gamma, weights.next_if(center))?
                }
            };
            match of["epsilon"].as_f64() {
                Some(epsilon) => Box::new(norm.epsilon(epsilon)),
                None => Box::new(norm),
            }
        }
        "Attention" => {
            let mut attention = Attention::new().causal(yes(of, "causal", false));
            if yes(of, "use_scale", false) {
                attention = attention.scale(weights.next()[()]);
            }
            if of["score_mode"] == "concat" {
                attention = attention.concat(weights.next()[()]);
            }
            taken(
                of,
                attention.return_attention_scores(!of["taken"].is_null()),
            )
        }
        "AdditiveAttention" => {
            let scale = weights.next_if(yes(of, "use_scale", true));
            let attention = AdditiveAttention::from_weights(scale).causal(yes(of, "causal", false));
            taken(
                of,
                attention.return_attention_scores(!of["taken"].is_null()),
            )
        }
        "MultiHeadAttention" => multi_head_attention(of, weights)?,
        "Normalization" => normalization(of, weights)?,
        "TimeDistributed" => Box::new(TimeDistributed::new(make(&of["inner"], weights)?)),
        other => plain(other, of)?,
    })
}

fn multi_head_attention<A: Element>(of: &Value, weights: &mut Weights<A>) -> Result<Layer<A>> {
    let use_bias = yes(of, "use_bias", true);
    let mut projection = || (weights.next(), weights.next_if(use_bias));
    let (query, key, value) = (projection(), projection(), projection());
    let output = (weights.next(), weights.next_if(use_bias));
    let mut attention = MultiHeadAttention::from_weights([query, value, key], output)?;
    if of["attention_axes"].is_array() {
        attention = attention.attention_axes(&numbers(&of["attention_axes"]));
    }
    let attention = attention
        .causal(yes(of, "causal", false))
        .attention_mask(of["named"] == serde_json::json!(["attention_mask"]))
        .return_attention_scores(!of["taken"].is_null());
    Ok(taken(of, attention))
}

fn normalization<A: Element>(of: &Value, weights: &mut Weights<A>) -> Result<Layer<A>> {
    let axes = match &of["axis"] {
        Value::Number(axis) => vec![axis.as_i64().unwrap().try_into().unwrap()],
        Value::Array(_) => numbers(&of["axis"]),
        _ if of.get("axis").is_some() => vec![],
        _ => vec![-1],
    };
    let norm = if of["mean"].is_null() {
        let norm = Normalization::over(&axes, weights.next(), weights.next())?;
        let count: Array<A, ndarray::Ix0> = weights.next();
        norm.counted(count.into_scalar())
    } else {
        Normalization::over(&axes, array(&of["mean"]), array(&of["variance"]))?
    };
    Ok(Box::new(norm.invert(yes(of, "invert", false))))
}

/// A number, or an array of one or two axes.
fn array<A: Element>(of: &Value) -> ArrayD<A> {
    let list = |of: &Value| -> Vec<A> {
        let number = |n: &Value| A::from_f64(n.as_f64().unwrap());
        list(of).iter().map(number).collect()
    };
    let rows: Vec<Vec<A>> = crate::case::list(of).iter().map(&list).collect();
    match of {
        Value::Array(first) if first[0].is_array() => {
            let shape = [rows.len(), rows[0].len()];
            ArrayD::from_shape_vec(&shape[..], rows.concat()).unwrap()
        }
        Value::Array(_) => ndarray::Array1::from(list(of)).into_dyn(),
        _ => ndarray::arr0(A::from_f64(of.as_f64().unwrap())).into_dyn(),
    }
}

/// A layer of whose outputs one was recorded, if the case says so.
fn taken<A: Element>(of: &Value, layer: impl AnyLayer<A>) -> Layer<A> {
    match of["taken"].as_u64() {
        Some(at) => Box::new(Taken(layer, at.try_into().unwrap())),
        None => Box::new(layer),
    }
}

/// One of the outputs of a layer.
struct Taken<L>(L, usize);

impl<A: Element, L: AnyLayer<A>> AnyLayer<A> for Taken<L> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        self.0.forward(input)
    }

    fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        let mut all = self.0.forward_all(inputs)?;
        assert_eq!(all.len(), self.0.output_count());
        Ok(vec![all.swap_remove(self.1)])
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let mut all = self.0.output_shapes(inputs);
        assert_eq!(all.len(), self.0.output_count());
        vec![all.swap_remove(self.1)]
    }

    fn parameter_count(&self) -> ParameterCount {
        self.0.parameter_count()
    }

    fn uses_mask(&self) -> bool {
        self.0.uses_mask()
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        self.0.stepwise(axes)
    }
}

fn pooling<A: Element>(of: &Value, pool: impl Fn(usize) -> Result<Pooling1d>) -> Result<Layer<A>> {
    let mut pooling = pool(number(of, "pool_size", 2))?;
    if let Some(strides) = of["strides"].as_u64() {
        pooling = pooling.strides(strides.try_into().unwrap())?;
    }
    Ok(Box::new(pooling.padding(padding(of))?))
}

fn conv2d<A: Element>(of: &Value) -> Result<Conv2dBuilder<A>> {
    Ok(Conv2d::builder()
        .strides(of_image(&of["strides"]).unwrap_or([1, 1]))
        .dilation_rate(of_image(&of["dilation_rate"]).unwrap_or([1, 1]))
        .padding(padding(of))
        .activation(activation(of)?))
}

fn pooling2d<A: Element>(
    of: &Value,
    pool: impl Fn([usize; 2]) -> Result<Pooling2d>,
) -> Result<Layer<A>> {
    let mut pooling = pool(of_image(&of["pool_size"]).unwrap())?;
    if let Some(strides) = of_image(&of["strides"]) {
        pooling = pooling.strides(strides)?;
    }
    Ok(Box::new(pooling.padding(padding(of))?))
}

/// Layers that have learned nothing.
fn plain<A: Element>(kind: &str, of: &Value) -> Result<Layer<A>> {
    let alpha = |name: &str| of[name].as_f64().unwrap();
    Ok(match kind {
        "RepeatVector" => Box::new(RepeatVector::new(number(of, "n", 0))),
        "ZeroPadding1D" => {
            let [before, behind] = pair(&of["padding"]);
            Box::new(ZeroPadding1d::new(before, behind))
        }
        "Cropping1D" => {
            let [before, behind] = pair(&of["cropping"]);
            Box::new(Cropping1d::new(before, behind))
        }
        "UpSampling1D" => Box::new(UpSampling1d::new(number(of, "size", 2))?),
        "ZeroPadding2D" => {
            let ends = &of["padding"];
            Box::new(ZeroPadding2d::new(pair(&ends[0]), pair(&ends[1])))
        }
        "Cropping2D" => {
            let ends = &of["cropping"];
            Box::new(Cropping2d::new(pair(&ends[0]), pair(&ends[1])))
        }
        "UpSampling2D" => Box::new(UpSampling2d::new(of_image(&of["size"]).unwrap())?),
        "Reshape" => Box::new(Reshape::new(&numbers(&of["target_shape"]))?),
        "Permute" => Box::new(Permute::new(&crate::case::lens(&of["dims"]))?),
        "Flatten" => Box::new(Flatten),
        "Add" => Box::new(Merge::Add),
        "Subtract" => Box::new(Merge::Subtract),
        "Multiply" => Box::new(Merge::Multiply),
        "Average" => Box::new(Merge::Average),
        "Maximum" => Box::new(Merge::Maximum),
        "Minimum" => Box::new(Merge::Minimum),
        "Dot" => {
            let dot = match numbers(&of["axes"])[..] {
                [first, second] => Dot::over(first, second),
                _ => Dot::new(of["axes"].as_i64().unwrap().try_into().unwrap()),
            };
            Box::new(dot.normalize(yes(of, "normalize", false)))
        }
        "Rescaling" => {
            let offset = of.get("offset").map_or_else(|| array(&0.0.into()), array);
            Box::new(Rescaling::by(array(&of["scale"]), offset))
        }
        "Concatenate" => Box::new(Concatenate::new(axis(of))),
        "Activation" => Box::new(activation(of)?),
        "LeakyReLU" => Box::new(Activation::LeakyRelu {
            alpha: alpha("negative_slope"),
        }),
        "ELU" => Box::new(Activation::Elu {
            alpha: alpha("alpha"),
        }),
        "Identity" => Box::new(Identity::new()),
        "Dropout" => Box::new(Dropout::new(of["rate"].as_f64().unwrap())?),
        "SpatialDropout2D" => Box::new(Identity::of("dropout")),
        "Softmax" => Box::new(Softmax::over(axis(of))),
        other => panic!("no layer {other}"),
    })
}
