//! Gradients of layers over images against central differences, in f64.

use crate::layer_differences::{apart, check_layer, check_several, matrix, numbers, vector};
use ndarray::{ArrayD, Ix4};
use recurrent::*;

/// Samples, height, width, channels.
const SHAPE: [usize; 4] = [2, 5, 4, 4];

fn image(seed: u64) -> [Tensor<f64>; 1] {
    [Tensor::new(&numbers(&SHAPE, seed))]
}

#[test]
fn convolutions() {
    let options = [
        ([1, 1], [1, 1], 1, [2, 3]),
        ([2, 1], [1, 1], 2, [3, 2]),
        ([3, 2], [1, 1], 1, [1, 3]),
        ([1, 1], [2, 1], 4, [2, 2]),
        ([1, 1], [1, 3], 1, [3, 1]),
    ];
    for padding in [Padding::Valid, Padding::Same] {
        for (n, (strides, dilation_rate, groups, [rows, columns])) in
            options.into_iter().enumerate()
        {
            let activation = [
                Activation::Linear,
                Activation::Silu,
                Activation::Softmax,
                Activation::Tanh,
                Activation::LogSoftmax,
            ][n];
            let conv = || {
                let kernel = numbers(&[rows, columns, 4 / groups, 4], 5);
                let builder = Conv2d::builder().padding(padding).groups(groups);
                let builder = builder.strides(strides).dilation_rate(dilation_rate);
                let builder = builder.activation(activation);
                let bias = (n != 1).then(|| vector(4, 6));
                let kernel = kernel.into_dimensionality::<Ix4>().unwrap();
                builder.from_weights(kernel, bias).unwrap()
            };
            let what = format!("{padding:?} {strides:?} {dilation_rate:?} {groups} {activation}");
            check_layer(&what, conv, &image(1));
        }
    }
}

/// Two filters for each channel, and a single pixel.
#[test]
fn depthwise_and_tiny() {
    let depthwise = || {
        let kernel = numbers(&[2, 2, 1, 8], 5).into_dimensionality().unwrap();
        let builder = Conv2d::builder().groups(4);
        builder.from_weights(kernel, vector(8, 6)).unwrap()
    };
    check_layer("depthwise", depthwise, &image(1));
    let tiny = [Tensor::new(&numbers(&[1, 1, 1, 3], 1))];
    let conv = || {
        let kernel = numbers(&[3, 3, 3, 2], 5).into_dimensionality().unwrap();
        let builder = Conv2d::builder().padding(Padding::Same);
        builder.from_weights(kernel, None).unwrap()
    };
    check_layer("one pixel", conv, &tiny);
}

/// More windows than are laid out at once.
#[test]
fn many_windows() {
    let x = [Tensor::new(&numbers(&[3, 15, 13, 1], 1))];
    let conv = || {
        let kernel = numbers(&[2, 2, 1, 2], 5).into_dimensionality().unwrap();
        let builder = Conv2d::builder().padding(Padding::Same);
        builder.from_weights(kernel, vector(2, 6)).unwrap()
    };
    check_layer("many windows", conv, &x);
}

#[test]
fn pooling_and_shapes() {
    let x = [Tensor::new(&apart(&SHAPE, 1))];
    for padding in [Padding::Valid, Padding::Same] {
        for (size, strides) in [
            ([2, 2], [2, 2]),
            ([3, 1], [1, 2]),
            ([2, 3], [3, 1]),
            ([3, 2], [2, 3]),
        ] {
            let pool = |pool: Pooling2d| pool.strides(strides).unwrap().padding(padding).unwrap();
            check_layer("max", || pool(Pooling2d::max(size).unwrap()), &x);
            check_layer("average", || pool(Pooling2d::average(size).unwrap()), &x);
        }
    }
    for keepdims in [false, true] {
        check_layer(
            "global max",
            || GlobalPooling2d::max().keepdims(keepdims),
            &x,
        );
        check_layer(
            "global average",
            || GlobalPooling2d::average().keepdims(keepdims),
            &x,
        );
    }
    check_layer("cropping", || Cropping2d::new([1, 2], [0, 1]), &x);
    check_layer("zero padding", || ZeroPadding2d::new([2, 0], [1, 3]), &x);
    check_layer("up-sampling", || UpSampling2d::new([3, 2]).unwrap(), &x);
}

/// What reads handwriting: images before a recurrent layer. And every image of a video by itself.
#[test]
fn images_before_recurrent_layers() {
    let conv = || {
        let kernel = numbers(&[2, 2, 4, 3], 5).into_dimensionality().unwrap();
        let builder = Conv2d::builder().activation(Activation::Tanh);
        builder.from_weights(kernel, vector(3, 6)).unwrap()
    };
    let reader = || {
        Model::new()
            .add(conv())
            .add(Pooling2d::max([2, 1]).unwrap())
            .add(Permute::new(&[2, 1, 3]).unwrap())
            .add(Reshape::new(&[3, 6]).unwrap())
            .add(Layer::new(Gru::builder(6, 2).seed(3).build().unwrap()))
            .add(Dense::from_weights(matrix(2, 2, 8), None).unwrap())
    };
    check_layer("reader of lines", reader, &image(1));
    let video = [Tensor::new(&numbers(&[2, 3, 3, 4, 4], 1))];
    check_layer("video", || TimeDistributed::new(conv()), &video);
    check_several("called with one input", conv(), &image(2));
}

/// As of time: a window gives the gradient of a tie to the first, row by row; a maximum over all places shares it.
#[test]
fn ties_are_those_of_tensorflow() {
    let x = ndarray::array![[[[1.0], [3.0]], [[3.0], [3.0]]]].into_dyn();
    let gradient = |layer: Box<dyn AnyLayer<f64>>| -> ArrayD<f64> {
        let model = Model::new().add(layer);
        let run = model.record([Tensor::new(&x)]).unwrap();
        let d = ArrayD::ones(run.outputs()[0].values.shape());
        run.backward(&[Some(d)]).unwrap().inputs[0].clone().unwrap()
    };
    let of = |numbers: [f64; 4]| ArrayD::from_shape_vec(vec![1, 2, 2, 1], numbers.into()).unwrap();
    let pool = Pooling2d::max([2, 2]).unwrap();
    assert_eq!(gradient(Box::new(pool)), of([0.0, 1.0, 0.0, 0.0]));
    let third = 1.0 / 3.0;
    assert_eq!(
        gradient(Box::new(GlobalPooling2d::max())),
        of([0.0, third, third, third])
    );
}
