//! What cannot be right is an error, and nothing at all panics, hangs, or takes all memory.

use crate::case::{Case, cases};
use ndarray::{Array1, Array2, Array3, Array4, ArrayD, Axis, IxDyn, Slice, array};
use recurrent::{
    AdditiveAttention, AnyLayer, Attention, BatchNormalization, Concatenate, Conv1d, Conv2d,
    Cropping1d, Cropping2d, Dense, Dot, Embedding, Flatten, GlobalPooling1d, GlobalPooling2d,
    LayerNormalization, Masking, Merge, Model, MultiHeadAttention, Normalization, Padding, Permute,
    Pooling1d, Pooling2d, RepeatVector, Rescaling, Reshape, Session, Shape, Softmax, Tensor,
    TimeDistributed, UpSampling1d, UpSampling2d, ZeroPadding1d, ZeroPadding2d,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

type Layer = Arc<dyn AnyLayer<f32>>;

/// Does everything that can be done with a layer, and says whether it refused to run.
fn is_refused(what: &str, layer: &Layer, inputs: &[Tensor<f32>]) -> bool {
    let start = Instant::now();
    let all = || {
        let shape = |flow: &Tensor<f32>| -> Shape {
            let lens = flow.values.shape().iter();
            lens.copied().map(Some).collect::<Vec<_>>().into()
        };
        let _ = layer.output_shapes(&inputs.iter().map(shape).collect::<Vec<_>>());
        let mut graph = Model::graph();
        let nodes: Vec<_> = (0..inputs.len())
            .map(|n| graph.input(n.to_string()))
            .collect();
        if let Ok(y) = graph.add("layer", Arc::clone(layer), nodes) {
            let model = graph.finish([y]).unwrap();
            let _ = model.summary().to_string();
            let _ = Session::new(&model).step_all(inputs.iter().cloned());
        }
        layer.forward_all(inputs.to_vec()).is_err()
    };
    let done = catch_unwind(AssertUnwindSafe(all));
    let took = start.elapsed();
    assert!(took < Duration::from_secs(5), "{what}: {took:?}");
    done.unwrap_or_else(|_| panic!("{what}: it panicked"))
}

/// The same flow with an array of another shape, and a mask that fits if there was one.
fn shaped(flow: &Tensor<f32>, shape: &[usize]) -> Tensor<f32> {
    let mask = flow.mask.as_ref().filter(|_| shape.len() > 1);
    Tensor {
        values: ArrayD::zeros(shape),
        mask: mask.map(|_| Array2::from_elem((shape[0], shape[1]), true)),
    }
}

/// Every axis shorter, longer, of length 1 and gone, and one axis more in every place.
fn odd_shapes(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut odd = vec![vec![]];
    for axis in 0..shape.len() {
        for len in [0, 1, shape[axis] - 1, shape[axis] + 1, 100] {
            let mut shape = shape.to_vec();
            shape[axis] = len;
            odd.push(shape);
        }
        let mut fewer = shape.to_vec();
        fewer.remove(axis);
        let mut more = shape.to_vec();
        more.insert(axis, 1);
        odd.extend([fewer, more, vec![0; axis + 1]]);
    }
    odd
}

/// Whether Keras' documentation says how many axes there are.
fn has_fixed_rank(kind: &str) -> bool {
    (kind.ends_with("1D") || kind.ends_with("2D") && kind != "SpatialDropout2D")
        || ["Masking", "RepeatVector", "Attention", "AdditiveAttention"].contains(&kind)
}

/// Whether what it has learned says how long the last axis is.
fn has_fixed_features(case: &Case) -> bool {
    let inner = case.of["inner"]["layer"].as_str().unwrap_or(case.kind());
    let last = case.of["axis"].as_i64().unwrap_or(-1) == -1;
    case.learned() > 0
        && last
        && case.of["axis"].as_array().is_none()
        && case.of.get("axis").is_none_or(|axis| !axis.is_null())
        && !["Embedding", "Attention"].contains(&inner)
        && !["AdditiveAttention", "MultiHeadAttention"].contains(&inner)
}

#[test]
fn odd_inputs_are_refused_or_run() {
    let (mut tried, mut refused) = (0, 0);
    for case in &cases() {
        let (layer, inputs): (Layer, _) = (case.layer().into(), case.inputs());
        for (n, flow) in inputs.iter().enumerate() {
            let right = flow.values.shape();
            for shape in odd_shapes(right) {
                let mut odd = inputs.clone();
                odd[n] = shaped(flow, &shape);
                let what = format!("{}, input {n} of shape {shape:?}", case.of);
                let is_refused = is_refused(&what, &layer, &odd);
                tried += 1;
                refused += usize::from(is_refused);
                let rank = has_fixed_rank(case.kind()) && shape.len() != right.len();
                let features = has_fixed_features(case) && shape.last() != right.last();
                assert!(is_refused || !rank && !features, "{what}: it ran");
            }
        }
    }
    println!("{tried} inputs, {refused} refused");
    assert!(refused > 1000 && refused < tried, "{refused} of {tried}");
}

#[test]
fn masks_of_another_shape_are_refused_where_they_are_read() {
    let mut refused = 0;
    for case in cases().iter().filter(|case| case.is_masked()) {
        let (layer, inputs): (Layer, _) = (case.layer().into(), case.inputs());
        for n in 0..inputs.len() {
            let Some(mask) = &inputs[n].mask else {
                continue;
            };
            let (samples, timesteps) = mask.dim();
            for shape in [
                (samples + 1, timesteps),
                (samples, timesteps + 1),
                (0, 0),
                (samples, 0),
            ] {
                let mut odd = inputs.clone();
                odd[n].mask = Some(Array2::from_elem(shape, true));
                let what = format!("{}, mask of input {n} of shape {shape:?}", case.of);
                let is_refused = is_refused(&what, &layer, &odd);
                // The mask of a key is not read, that of TimeDistributed goes around the layer inside.
                let is_read = layer.uses_mask() && n < 2 && case.kind() != "TimeDistributed";
                assert!(is_refused || !is_read, "{what}: it ran");
                refused += usize::from(is_refused);
            }
        }
    }
    assert!(refused > 200, "{refused}");
}

#[test]
fn other_numbers_of_inputs_are_refused() {
    for case in &cases() {
        let (layer, inputs): (Layer, _) = (case.layer().into(), case.inputs());
        let what = case.of.to_string();
        assert!(is_refused(&what, &layer, &[]), "{what}: no input");
        if inputs.len() == 1 && !["Concatenate", "Add"].contains(&case.kind()) {
            let two = [inputs[0].clone(), inputs[0].clone()];
            assert!(is_refused(&what, &layer, &two), "{what}: two inputs");
        }
    }
}

// ---- sizes ---------------------------------------------------------------------------------------------------------

const MOST: usize = usize::MAX;

/// Two heads for inputs of three features.
fn heads() -> MultiHeadAttention<f32> {
    let kernel = || (Array3::ones((3, 2, 2)), None);
    let output = (Array3::ones((2, 2, 3)), None);
    MultiHeadAttention::from_weights([kernel(), kernel(), kernel()], output).unwrap()
}

/// One of each kind, for inputs of three features.
fn layers() -> Vec<Layer> {
    let dense = || Dense::from_weights(Array2::ones((3, 2)), None).unwrap();
    let conv = |padding| {
        let builder = Conv1d::builder().padding(padding);
        builder.from_weights(Array3::ones((2, 3, 2)), None).unwrap()
    };
    let conv2d = |padding, groups| {
        let builder = Conv2d::builder().padding(padding).groups(groups);
        let kernel = Array4::ones((2, 3, 3 / groups, 3));
        builder.from_weights(kernel, None).unwrap()
    };
    let same = Pooling2d::average([2, 1])
        .unwrap()
        .padding(Padding::Same)
        .unwrap();
    let ones = || Array1::ones(3);
    let norm = BatchNormalization::from_weights(ones(), ones(), ones(), ones()).unwrap();
    vec![
        Arc::new(dense()),
        Arc::new(TimeDistributed::new(dense())),
        Arc::new(TimeDistributed::new(Flatten)),
        Arc::new(conv(Padding::Valid)),
        Arc::new(conv(Padding::Same)),
        Arc::new(conv(Padding::Causal)),
        Arc::new(Pooling1d::max(2).unwrap()),
        Arc::new(
            Pooling1d::average(2)
                .unwrap()
                .padding(Padding::Same)
                .unwrap(),
        ),
        Arc::new(GlobalPooling1d::max()),
        Arc::new(GlobalPooling1d::average().keepdims(true)),
        Arc::new(norm),
        Arc::new(LayerNormalization::from_weights(ones(), ones()).unwrap()),
        Arc::new(LayerNormalization::<f32>::over(&[1, 2], None, None).unwrap()),
        Arc::new(Softmax::new()),
        Arc::new(Softmax::over(1)),
        Arc::new(Masking::new(0.0)),
        Arc::new(Embedding::from_weights(Array2::ones((2, 3))).unwrap()),
        Arc::new(ZeroPadding1d::new(1, 1)),
        Arc::new(Cropping1d::new(1, 1)),
        Arc::new(UpSampling1d::new(2).unwrap()),
        Arc::new(RepeatVector::new(2)),
        Arc::new(conv2d(Padding::Valid, 1)),
        Arc::new(conv2d(Padding::Same, 3)),
        Arc::new(TimeDistributed::new(conv2d(Padding::Same, 1))),
        Arc::new(Pooling2d::max([2, 2]).unwrap()),
        Arc::new(same),
        Arc::new(GlobalPooling2d::max()),
        Arc::new(GlobalPooling2d::average().keepdims(true)),
        Arc::new(ZeroPadding2d::new([1, 1], [0, 1])),
        Arc::new(Cropping2d::new([1, 1], [0, 1])),
        Arc::new(UpSampling2d::new([2, 1]).unwrap()),
        Arc::new(Flatten),
        Arc::new(Reshape::new(&[-1]).unwrap()),
        Arc::new(Permute::new(&[2, 1]).unwrap()),
        Arc::new(recurrent::Activation::Softmax),
        Arc::new(Attention::<f32>::new()),
        Arc::new(Attention::<f32>::new().concat(1.0)),
        Arc::new(AdditiveAttention::<f32>::from_weights(ones())),
        Arc::new(heads()),
        Arc::new(heads().attention_mask(true).return_attention_scores(true)),
        Arc::new(heads().attention_axes(&[-2]).causal(true)),
        Arc::new(Dot::new(-1)),
        Arc::new(Dot::over(1, 2).normalize(true)),
        Arc::new(Normalization::from_weights(ones(), ones()).unwrap()),
        Arc::new(Rescaling::by(ones().into_dyn(), ones().into_dyn())),
        Arc::new(Merge::Add),
        Arc::new(Merge::Multiply),
        Arc::new(Merge::Maximum),
        Arc::new(Concatenate::new(-1)),
        Arc::new(Concatenate::new(1)),
    ]
}

/// An array without numbers takes no memory, however long its other axes are.
#[test]
fn long_axes_of_empty_arrays() {
    let much = 1 << 40;
    for layer in layers() {
        for shape in [
            &[0, much, 3][..],
            &[much, 0, 3],
            &[much, 2, 0],
            &[much, 0],
            &[0, much],
            &[0, 0, much],
            &[0, much, 1 << 19],
            &[much, 0, 1, 3],
            &[much, 1, 0, 3],
            &[much, 1, 2, 0],
            &[0, much, 1 << 19, 3],
            &[0, 2, much, 3],
            &[1, much, 0, 2, 3],
        ] {
            let flow = Tensor::new(&ArrayD::zeros(IxDyn(shape)));
            let what = format!("{} {shape:?}", layer.name());
            is_refused(&what, &layer, std::slice::from_ref(&flow));
            is_refused(&what, &layer, &[flow.clone(), flow]);
        }
    }
}

fn conv2d(
    strides: [usize; 2],
    dilation_rate: [usize; 2],
    padding: Padding,
) -> recurrent::Result<Layer> {
    let conv = Conv2d::builder()
        .strides(strides)
        .dilation_rate(dilation_rate);
    let kernel = Array4::ones((2, 2, 3, 2));
    let made = conv.padding(padding).from_weights(kernel, None);
    made.map(|conv| Arc::new(conv) as Layer)
}

fn pool2d(
    pool_size: [usize; 2],
    strides: [usize; 2],
    padding: Padding,
) -> recurrent::Result<Layer> {
    let pool = Pooling2d::max(pool_size).and_then(|pool| pool.strides(strides)?.padding(padding));
    pool.map(|pool| Arc::new(pool) as Layer)
}

fn images_without_measure() -> Vec<recurrent::Result<Layer>> {
    let one = [1, 1];
    vec![
        conv2d(one, [MOST, 1], Padding::Same),
        conv2d(one, [1, MOST / 2], Padding::Same),
        conv2d(one, [1 << 60, 1], Padding::Valid),
        conv2d(one, [1 << 50, 1], Padding::Same),
        conv2d(one, [1 << 31, 1 << 31], Padding::Same),
        conv2d(one, [1 << 31, 1 << 31], Padding::Valid),
        pool2d([MOST, 1], one, Padding::Valid),
        pool2d([1, 6], [MOST, MOST], Padding::Valid),
        Ok(Arc::new(ZeroPadding2d::new([MOST, 0], [0, 0]))),
        Ok(Arc::new(ZeroPadding2d::new([MOST, MOST], [MOST, MOST]))),
        Ok(Arc::new(ZeroPadding2d::new([1 << 31, 1], [1 << 31, 1]))),
        Ok(Arc::new(Cropping2d::new([MOST, MOST], [0, 0]))),
        Ok(Arc::new(Cropping2d::new([0, 0], [0, MOST]))),
        UpSampling2d::new([MOST, 1]).map(|layer| Arc::new(layer) as Layer),
        UpSampling2d::new([1 << 31, 1 << 31]).map(|layer| Arc::new(layer) as Layer),
    ]
}

/// Images have one window, wherever the next would be.
#[test]
fn one_window_of_images() {
    let image = Tensor::new(&Array4::<f32>::ones((2, 5, 4, 3)));
    let far = [MOST, MOST];
    for layer in [
        conv2d(far, [1, 1], Padding::Valid),
        conv2d(far, [1, 1], Padding::Same),
        pool2d([5, 4], far, Padding::Valid),
        pool2d(far, far, Padding::Same),
    ] {
        let layer = layer.unwrap();
        let what = format!("{} of one window", layer.name());
        let inputs = std::slice::from_ref(&image);
        assert!(!is_refused(&what, &layer, inputs), "{what}");
        let y = layer.forward(image.clone()).unwrap().values;
        assert_eq!(y.shape()[..3], [2, 1, 1], "{what}");
    }
    // A window that is far larger than the image reads it alone.
    let pixel = Tensor::new(&Array4::<f32>::ones((2, 1, 1, 3)));
    let window = pool2d(far, [1, 1], Padding::Same).unwrap();
    assert_eq!(window.forward(pixel.clone()).unwrap().values, pixel.values);
}

/// Sizes that no memory holds, and products that no `usize` holds.
#[test]
fn options_without_measure() {
    let conv = |kernel_size, strides, dilation_rate, padding| {
        let conv = Conv1d::builder()
            .strides(strides)
            .dilation_rate(dilation_rate);
        let kernel = Array3::ones((kernel_size, 3, 2));
        let made = conv.padding(padding).from_weights(kernel, None);
        made.map(|conv| Arc::new(conv) as Layer)
    };
    let pool = |pool_size, strides, padding| {
        let pool =
            Pooling1d::max(pool_size).and_then(|pool| pool.strides(strides)?.padding(padding));
        pool.map(|pool| Arc::new(pool) as Layer)
    };
    let x = Tensor::new(&Array3::<f32>::ones((2, 5, 3)));
    // Those that are too large for any input, and those that this input is too short or too small for.
    let layers = [
        Ok(Arc::new(ZeroPadding1d::new(MOST, 0)) as Layer),
        Ok(Arc::new(ZeroPadding1d::new(MOST, MOST))),
        Ok(Arc::new(ZeroPadding1d::new(1 << 50, 1))),
        Ok(Arc::new(Cropping1d::new(MOST, MOST))),
        Ok(Arc::new(Cropping1d::new(0, MOST))),
        UpSampling1d::new(MOST).map(|layer| Arc::new(layer) as Layer),
        UpSampling1d::new(1 << 55).map(|layer| Arc::new(layer) as Layer),
        conv(2, 1, MOST, Padding::Same),
        conv(2, 1, MOST / 2, Padding::Causal),
        conv(2, 1, 1 << 60, Padding::Valid),
        pool(MOST, 1, Padding::Valid),
        pool(6, MOST, Padding::Valid),
        Reshape::new(&[isize::MAX, isize::MAX]).map(|layer| Arc::new(layer) as Layer),
        Reshape::new(&[isize::MAX, -1]).map(|layer| Arc::new(layer) as Layer),
        Reshape::new(&[0, -1]).map(|layer| Arc::new(layer) as Layer),
        Ok(Arc::new(Softmax::over(isize::MIN))),
        Ok(Arc::new(Softmax::over(isize::MAX))),
        Ok(Arc::new(Concatenate::new(isize::MIN))),
        LayerNormalization::<f32>::over(&[isize::MIN, 2], None, None)
            .map(|layer| Arc::new(layer) as Layer),
    ];
    // Some are refused when they are made.
    for layer in layers.into_iter().flatten() {
        let what = format!("{} without measure", layer.name());
        let inputs = std::slice::from_ref(&x);
        assert!(is_refused(&what, &layer, inputs), "{what}: it ran");
    }
    let image = Tensor::new(&Array4::<f32>::ones((2, 5, 4, 3)));
    for layer in images_without_measure().into_iter().flatten() {
        let what = format!("{} without measure", layer.name());
        let inputs = std::slice::from_ref(&image);
        assert!(is_refused(&what, &layer, inputs), "{what}: it ran");
    }
    let vector = Tensor::new(&Array2::<f32>::ones((2, 3)));
    for n in [MOST, 1 << 50] {
        let repeat: Layer = Arc::new(RepeatVector::new(n));
        assert!(is_refused(
            "repeat_vector",
            &repeat,
            std::slice::from_ref(&vector)
        ));
    }
    // One window, wherever the next would be.
    for layer in [
        conv(2, MOST, 1, Padding::Valid),
        conv(2, MOST, 1, Padding::Same),
        conv(2, MOST, 1, Padding::Causal),
        pool(5, MOST, Padding::Valid),
        pool(MOST, MOST, Padding::Same),
    ] {
        let layer = layer.unwrap();
        let what = format!("{} of one window", layer.name());
        assert!(
            !is_refused(&what, &layer, std::slice::from_ref(&x)),
            "{what}"
        );
        let y = layer.forward(x.clone()).unwrap().values;
        assert_eq!(y.len_of(Axis(1)), 1, "{what}");
    }
    let x = x.values.slice_axis(Axis(1), Slice::from(..1)).to_owned();
    let window = pool(MOST, 1, Padding::Same)
        .unwrap()
        .forward(Tensor::new(&x));
    assert_eq!(window.unwrap().values, x);
}

#[test]
fn layers_that_cannot_be_are_not_made() {
    let kernel = |shape: (usize, usize, usize)| Array3::<f32>::zeros(shape);
    let conv = || Conv1d::<f32>::builder();
    for shape in [(0, 2, 2), (2, 2, 0)] {
        assert!(
            conv().from_weights(kernel(shape), None).is_err(),
            "{shape:?}"
        );
    }
    let right = || kernel((2, 2, 4));
    for wrong in [
        conv().strides(0),
        conv().dilation_rate(0),
        conv().groups(0),
        conv().groups(3),
        conv().groups(MOST),
        conv().strides(2).dilation_rate(2),
    ] {
        assert!(
            wrong.clone().from_weights(right(), None).is_err(),
            "{wrong:?}"
        );
    }
    assert!(conv().from_weights(right(), Array1::zeros(2)).is_err());
    assert!(Pooling1d::max(0).is_err() && Pooling1d::average(0).is_err());
    let pool = Pooling1d::max(2).unwrap();
    assert!(pool.strides(0).is_err() && pool.padding(Padding::Causal).is_err());
    assert!(UpSampling1d::new(0).is_err());
    let conv = || Conv2d::<f32>::builder();
    for shape in [(0, 2, 2, 2), (2, 0, 2, 2), (2, 2, 2, 0)] {
        let made = conv().from_weights(Array4::zeros(shape), None);
        assert!(made.is_err(), "{shape:?}");
    }
    let right = || Array4::<f32>::zeros((2, 3, 2, 4));
    for wrong in [
        conv().strides([0, 1]),
        conv().dilation_rate([1, 0]),
        conv().groups(0),
        conv().groups(3),
        conv().groups(MOST),
        conv().strides([2, 1]).dilation_rate([1, 2]),
        conv().padding(Padding::Causal),
    ] {
        let made = wrong.clone().from_weights(right(), None);
        assert!(made.is_err(), "{wrong:?}");
    }
    assert!(conv().from_weights(right(), Array1::zeros(2)).is_err());
    assert!(Pooling2d::max([0, 1]).is_err() && Pooling2d::average([1, 0]).is_err());
    let pool = Pooling2d::max([2, 2]).unwrap();
    assert!(pool.strides([0, 1]).is_err() && pool.padding(Padding::Causal).is_err());
    assert!(UpSampling2d::new([1, 0]).is_err());
    for dims in [&[0, 1][..], &[1, 1], &[2], &[1, 3], &[MOST, 1]] {
        assert!(Permute::new(dims).is_err(), "{dims:?}");
    }
    for shape in [&[-1, -1][..], &[-2], &[isize::MIN, 2]] {
        assert!(Reshape::new(shape).is_err(), "{shape:?}");
    }
    let matrix = Array2::<f32>::zeros;
    assert!(Dense::from_weights(matrix((2, 0)), None).is_err());
    assert!(Dense::from_weights(matrix((2, 3)), Array1::zeros(2)).is_err());
    assert!(Embedding::from_weights(matrix((2, 0))).is_err());
    let ones = Array1::<f32>::ones;
    assert!(BatchNormalization::from_weights(ones(3), ones(3), ones(3), ones(2)).is_err());
    assert!(BatchNormalization::from_weights(ones(2), None, ones(3), ones(3)).is_err());
    assert!(BatchNormalization::from_weights(None, ones(2), ones(3), ones(3)).is_err());
    assert!(LayerNormalization::from_weights(ones(3), ones(2)).is_err());
    assert!(Normalization::from_weights(ones(3), ones(2)).is_err());
    let matrices = || matrix((2, 2)).into_dyn();
    assert!(Normalization::over(&[1], matrices(), matrices()).is_err());
    let head = |features, heads, size| (kernel((features, heads, size)), None);
    let all = [(2, 2), (3, 2), (2, 3)];
    for ((heads, size), (other, of_output)) in all.into_iter().zip(all.into_iter().skip(1)) {
        let three = [
            head(4, heads, size),
            head(4, heads, size),
            head(4, heads, size),
        ];
        let output = (kernel((other, of_output, 4)), None);
        assert!(MultiHeadAttention::from_weights(three, output).is_err());
        let three = [
            head(4, heads, size),
            head(4, heads, size),
            head(4, other, of_output),
        ];
        let output = (kernel((heads, size, 4)), None);
        assert!(MultiHeadAttention::from_weights(three, output).is_err());
    }
    let three = [
        head(4, 2, 3),
        (kernel((4, 2, 3)), Some(matrix((3, 2)))),
        head(4, 2, 3),
    ];
    assert!(MultiHeadAttention::from_weights(three, (kernel((2, 3, 4)), None)).is_err());
    assert!(LayerNormalization::<f32>::over(&[], None, None).is_err());
    let gamma = array![[1.0_f32]].into_dyn();
    assert!(LayerNormalization::over(&[-1], gamma, None).is_err());
}

#[test]
fn tokens_are_whole_numbers_of_the_table() {
    let table: Layer = Arc::new(Embedding::from_weights(Array2::<f32>::ones((3, 2))).unwrap());
    for id in [
        -1.0,
        0.5,
        3.0,
        1e9,
        1e30,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
    ] {
        let ids = Tensor::new(&array![[0.0, id]]);
        assert!(is_refused("embedding", &table, &[ids]), "{id}");
    }
    assert!(!is_refused(
        "embedding",
        &table,
        &[Tensor::new(&array![[-0.0, 2.0]])]
    ));
}
