//! Every layer that is not recurrent, with other options than its defaults, and models of any shape.

use crate::{again, numbers, same, same_in_model};
use ndarray::{Array1, Array2, Array3, ArrayD, Ix2, array};
use recurrent::*;
use std::sync::Arc;

fn matrix<A: Element>(rows: usize, columns: usize) -> Array2<A> {
    numbers(&[rows, columns], 11)
        .into_dimensionality::<Ix2>()
        .unwrap()
}

fn vector<A: Element>(len: usize, seed: u64) -> Array1<A> {
    // Variances must not be negative.
    Array1::from_iter(numbers::<A>(&[len], seed)).mapv(|x| x * x)
}

fn every_layer<A: Element>() {
    let x = |shape: &[usize]| Tensor::new(&numbers::<A>(shape, 1));
    let masked = x(&[2, 6, 4]).masked(&array![
        [true, true, false, true, true, false],
        [false, true, true, false, false, true]
    ]);
    let one = [masked.clone()];
    let dense = Dense::from_weights(matrix(4, 3), vector(3, 1)).unwrap();
    same_in_model(dense.clone(), &one);
    same_in_model(dense.with_activation(Activation::Softmax).unwrap(), &one);
    same_in_model(Dense::<A>::from_weights(matrix(4, 3), None).unwrap(), &one);
    let ids = [Tensor::new(
        &array![[0.0, 3.0], [5.0, 0.0]].mapv(A::from_f64),
    )];
    for mask_zero in [true, false] {
        let table = Embedding::<A>::from_weights(matrix(6, 3)).unwrap();
        same_in_model(table.mask_zero(mask_zero), &ids);
    }
    let mut with_value = masked.clone();
    with_value.values.fill(A::from_f64(-0.1));
    same_in_model(Masking::new(A::from_f64(-0.1)), &[with_value]);
    same_in_model(Masking::new(A::nan()), &one);
    for padding in [Padding::Valid, Padding::Same, Padding::Causal] {
        for (strides, dilation_rate, groups) in [(2, 1, 1), (1, 2, 2), (1, 1, 4)] {
            let builder = Conv1d::<A>::builder().padding(padding).groups(groups);
            let builder = builder.strides(strides).dilation_rate(dilation_rate);
            let kernel = numbers(&[2, 4 / groups, 8], 5)
                .into_dimensionality()
                .unwrap();
            let conv = builder.activation(Activation::Elu { alpha: 0.3 });
            let bias = (groups != 2).then(|| vector(8, 2));
            same_in_model(conv.from_weights(kernel, bias).unwrap(), &one);
        }
    }
    for (gamma, beta) in [(true, true), (true, false), (false, true), (false, false)] {
        let array = |yes: bool, len, seed| yes.then(|| vector::<A>(len, seed));
        let (gamma_4, beta_4) = (array(gamma, 4, 1), array(beta, 4, 2));
        let norm = BatchNormalization::from_weights(
            gamma_4.clone(),
            beta_4.clone(),
            vector(4, 3),
            vector(4, 4),
        );
        same_in_model(norm.unwrap().epsilon(0.1), &one);
        let norm = BatchNormalization::from_weights(
            array(gamma, 6, 1),
            array(beta, 6, 2),
            vector(6, 3),
            vector(6, 4),
        );
        same_in_model(norm.unwrap().axis(1), &one);
        same_in_model(
            LayerNormalization::from_weights(gamma_4, beta_4)
                .unwrap()
                .epsilon(0.3),
            &one,
        );
        let array = |yes: bool| yes.then(|| numbers::<A>(&[6, 4], 8));
        same_in_model(
            LayerNormalization::over(&[1, -1], array(gamma), array(beta)).unwrap(),
            &one,
        );
    }
    let three = [masked.clone(), x(&[2, 6, 4]), x(&[2, 6, 4])];
    let plain = Attention::new();
    let (scale, weight) = (A::from_f64(0.3), A::from_f64(-2.0));
    for attention in [
        plain,
        plain.scale(scale),
        plain.concat(weight),
        plain.causal(true).scale(scale).concat(weight),
    ] {
        same_in_model(attention, &three);
    }
    let kernel = |shape: [usize; 3], seed| {
        let numbers = numbers::<A>(&shape, seed);
        numbers.into_dimensionality::<ndarray::Ix3>().unwrap()
    };
    for bias in [true, false] {
        let head = |seed| (kernel([4, 2, 3], seed), bias.then(|| matrix(2, 3)));
        let output = (kernel([2, 3, 5], 4), bias.then(|| vector(5, 2)));
        let heads = MultiHeadAttention::from_weights([head(1), head(2), head(3)], output).unwrap();
        same_in_model(heads.clone(), &three);
        same_in_model(heads.clone().causal(true).attention_axes(&[1]), &three);
        let mask = Tensor::new(&numbers::<A>(&[2, 6, 6], 5).mapv(A::round));
        let with_mask = [three[0].clone(), three[1].clone(), mask];
        same_in_model(heads.attention_mask(true), &with_mask);
        let scale = bias.then(|| vector(4, 1));
        same_in_model(AdditiveAttention::from_weights(scale).causal(true), &three);
    }
    for normalize in [true, false] {
        same_in_model(Dot::over(1, -2).normalize(normalize), &three[..2]);
    }
    let norm = Normalization::from_weights(vector::<A>(4, 1), vector(4, 2)).unwrap();
    same_in_model(norm.clone(), &one);
    same_in_model(norm.counted(A::from_f64(7.0)).invert(true), &one);
    same_in_model(Rescaling::new(A::from_f64(0.3), A::from_f64(-2.0)), &one);
    let scale = vector::<A>(4, 3).into_dyn();
    same_in_model(Rescaling::by(scale.clone(), scale), &one);
    for activation in [
        Activation::Softmax,
        Activation::Celu { alpha: 0.4 },
        Activation::SoftShrink { threshold: 0.1 },
    ] {
        same_in_model(activation, &one);
    }
    for of in [
        Merge::Add,
        Merge::Multiply,
        Merge::Average,
        Merge::Maximum,
        Merge::Minimum,
    ] {
        same_in_model(of, &three);
    }
    same_in_model(Merge::Subtract, &three[..2]);
    same_in_model(Concatenate::new(1), &three);
    same_in_model(Concatenate::default(), &three);
    same_in_model(Cropping1d::new(1, 3), &one);
    same_in_model(ZeroPadding1d::new(2, 1), &one);
    same_in_model(UpSampling1d::new(3).unwrap(), &one);
    same_in_model(Flatten, &one);
    same_in_model(Identity::of("nothing"), &one);
    let shape = [None, Some(1), None];
    same_in_model(Dropout::new(0.25).unwrap(), &one);
    same_in_model(Dropout::new(1.0).unwrap().noise_shape(&shape), &one);
    same_in_model(AlphaDropout::new(0.25).unwrap().noise_shape(&shape), &one);
    same_in_model(SpatialDropout1d::new(0.25).unwrap(), &one);
    same_in_model(GaussianDropout::new(0.25).unwrap(), &one);
    same_in_model(GaussianNoise::new(0.25).unwrap(), &one);
    same_in_model(Activation::LogSoftmax, &one);
    same_in_model(Permute::new(&[2, 1]).unwrap(), &one);
    same_in_model(Reshape::new(&[-1, 3]).unwrap(), &one);
    same_in_model(Softmax::over(1), &three[1..2]);
    same_in_model(RepeatVector::new(3), &[x(&[2, 4])]);
    for pool in [Pooling1d::max, Pooling1d::average] {
        let pool = pool(3).unwrap().strides(2).unwrap();
        same_in_model(pool, &one);
        same_in_model(pool.padding(Padding::Same).unwrap(), &one);
    }
    for pool in [GlobalPooling1d::max(), GlobalPooling1d::average()] {
        same_in_model(pool, &one);
        same_in_model(pool.keepdims(true), &one);
    }
    images::<A>();
    same_in_model(TimeDistributed::new(Flatten), &[x(&[2, 3, 2, 2])]);
    let softmax: Box<dyn AnyLayer<A>> = Box::new(Softmax::new());
    let each: Arc<dyn AnyLayer<A>> = Arc::new(TimeDistributed::new(softmax));
    same_in_model(each, &three[1..2]);
    let gru = |seed| Gru::<A>::builder(4, 3).seed(seed).build().unwrap();
    let both = Layer::new(Bidirectional::new(gru(1), gru(2)));
    for (sequences, state) in [(true, true), (true, false), (false, true), (false, false)] {
        let both = both.clone().return_sequences(sequences).return_state(state);
        same_in_model(both.clone(), &one);
        same_in_model(both.apart(), &one);
    }
    // Behind pointers.
    same_in_model(Layer::new(Deep::new([Arc::new(gru(3))]).unwrap()), &one);
}

/// Layers of images.
fn images<A: Element>() {
    let x = |shape: &[usize]| Tensor::new(&numbers::<A>(shape, 3));
    let image = [x(&[2, 6, 5, 4])];
    for (groups, bias) in [(1, true), (2, false)] {
        for (strides, dilation_rate) in [([2, 1], [1, 1]), ([1, 1], [1, 2])] {
            let builder = Conv2d::<A>::builder().padding(Padding::Same).groups(groups);
            let builder = builder.strides(strides).dilation_rate(dilation_rate);
            let kernel = numbers::<A>(&[2, 3, 4 / groups, 6], 5);
            let kernel = kernel.into_dimensionality().unwrap();
            let bias = bias.then(|| vector(6, 6));
            let conv = builder.activation(Activation::Elu { alpha: 0.3 });
            let conv = conv.from_weights(kernel, bias).unwrap();
            same_in_model(conv.clone(), &image);
            let video = [x(&[1, 2, 6, 5, 4])];
            let conv: Arc<dyn AnyLayer<A>> = Arc::new(conv);
            same_in_model(TimeDistributed::new(conv), &video);
        }
    }
    for pool in [Pooling2d::max, Pooling2d::average] {
        let pool = pool([3, 2]).unwrap().strides([2, 1]).unwrap();
        same_in_model(pool, &image);
        same_in_model(pool.padding(Padding::Same).unwrap(), &image);
    }
    for pool in [GlobalPooling2d::max(), GlobalPooling2d::average()] {
        same_in_model(pool, &image);
        same_in_model(pool.keepdims(true), &image);
    }
    same_in_model(Cropping2d::new([1, 2], [0, 1]), &image);
    same_in_model(ZeroPadding2d::new([2, 1], [0, 3]), &image);
    same_in_model(UpSampling2d::new([3, 2]).unwrap(), &image);
}

#[test]
fn every_layer_of_a_model() {
    every_layer::<f32>();
    every_layer::<f64>();
}

#[test]
fn layers_alone() {
    let x = numbers::<f32>(&[2, 6, 4], 1);
    let flat = |y: ArrayD<f32>| y;
    assert_eq!(again(&Softmax::over(1)), Softmax::over(1));
    assert_eq!(
        again(&Reshape::new(&[-1, 2]).unwrap()),
        Reshape::new(&[-1, 2]).unwrap()
    );
    assert_eq!(again(&Merge::Average), Merge::Average);
    assert_eq!(again(&Activation::Mish), Activation::Mish);
    assert_eq!(
        again(&Attention::new().scale(0.1_f64)),
        Attention::new().scale(0.1)
    );
    let dense = Dense::<f32>::from_weights(matrix(4, 3), None).unwrap();
    assert_eq!(
        flat(again(&dense).forward(&x).unwrap()),
        dense.forward(&x).unwrap()
    );
    let timed = again(&TimeDistributed::new(dense.clone()));
    assert_eq!(timed.inner().kernel(), dense.kernel());
    let boxed: Box<dyn AnyLayer<f32>> = Box::new(dense.clone());
    assert_eq!(again(&boxed).parameter_count(), boxed.parameter_count());
}

#[test]
fn models_of_any_shape() {
    let lstm = |features, seed| {
        Lstm::<f32>::builder(features, 4)
            .seed(seed)
            .build()
            .unwrap()
    };
    let mut graph = Model::graph();
    let x = graph.input_of("x", [None, Some(5), Some(2)]);
    let encoder = graph
        .layer("encoder", Layer::new(lstm(2, 1)).return_state(true))
        .unwrap();
    let [_, h, c] = graph.call(encoder, [x]).unwrap();
    // An input behind a call, a layer that is called twice, a model inside, and names that fall together.
    let y = graph.input("y");
    let inner = Model::new()
        .add(Dense::from_weights(matrix(4, 4), None).unwrap())
        .add(Dense::from_weights(matrix(4, 4).mapv(|x: f32| -x), None).unwrap())
        .with_notes(["a note".to_string()]);
    let shared = graph.layer("kernel", inner).unwrap();
    let decoder = Layer::new(lstm(3, 2))
        .return_sequences(true)
        .mask_with_state(true);
    let decoded = graph.add("encoder/kernel", decoder, [y, h, c]).unwrap();
    let [once] = graph.call(shared, [decoded]).unwrap();
    let [twice] = graph.call(shared, [once]).unwrap();
    let model = graph
        .finish([twice, h, once, y])
        .unwrap()
        .with_notes(["two".into(), "notes".into()]);
    let back = again(&model);
    assert_eq!(back.summary(), model.summary());
    let inputs = || {
        let x = Tensor::new(&Array3::from_elem((2, 5, 2), 0.3));
        let y = Tensor::new(&Array3::from_elem((2, 3, 3), -0.2));
        [
            x,
            y.masked(&array![[true, false, true], [false, true, true]]),
        ]
    };
    same(
        "graph",
        &back.forward_all(inputs()).unwrap(),
        &model.forward_all(inputs()).unwrap(),
    );

    let empty = again(&Model::<f64>::new().input("ids", [None, Some(3)]));
    assert_eq!(empty.inputs().next().unwrap().1.to_string(), "(None, 3)");
    let named = Model::<f64>::new()
        .add_as("a", Flatten)
        .add_as("a", Softmax::new());
    assert_eq!(format!("{:?}", again(&named)), r#"["a", "a"]"#);
}

/// What users of Python see.
#[test]
fn names_of_arrays() {
    let lstm = |features| Lstm::<f32>::builder(features, 3).build().unwrap();
    let names = |bytes: Vec<u8>| {
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let mut names: Vec<String> = file.names().iter().map(ToString::to_string).collect();
        names.sort();
        names.join(" ")
    };
    let alone = saved::write(&lstm(2)).unwrap();
    assert_eq!(
        names(alone.clone()),
        "lstm/bias lstm/kernel lstm/recurrent_kernel"
    );
    let file = safetensors::SafeTensors::deserialize(&alone).unwrap();
    assert_eq!(file.tensor("lstm/kernel").unwrap().shape(), [2, 12]);
    assert_eq!(
        file.tensor("lstm/kernel").unwrap().dtype(),
        safetensors::Dtype::F32
    );
    let both = Layer::new(Bidirectional::new(lstm(2), lstm(2)));
    let model = Model::new()
        .add_as("encoder", both)
        .add(Dense::from_weights(matrix(6, 1), None).unwrap());
    let again = Dense::from_weights(matrix(1, 1), None).unwrap();
    let model = model.add_as("dense", again);
    let expected = "dense/kernel dense/kernel_1 encoder/backward/bias encoder/backward/kernel \
                    encoder/backward/recurrent_kernel encoder/forward/bias encoder/forward/kernel \
                    encoder/forward/recurrent_kernel";
    assert_eq!(names(saved::write(&model).unwrap()), expected);
}
