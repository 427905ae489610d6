//! A step of a stream allocates nothing, of any cell, stack, precision and memory order; a pass that returns the last output
//! needs no more for more timesteps.

mod support;

use ndarray::{Array1, Array2, ArrayView2, Axis};
use recurrent::{
    Activation, AnyLayer, BatchNormalization, Bidirectional, Causal, Conv1d, Conv1dTranspose,
    Conv2d, Conv2dTranspose, Cropping1d, Cropping2d, Dense, Element, Flatten, GlobalPooling1d,
    GlobalPooling2d, GroupNormalization, Gru, Identity, Layer, LayerNorm, LayerNormalization, Lstm,
    Masking, Model, PRelu, Padding, Permute, Pooling1d, Pooling2d, Recurrent, RepeatVector,
    RmsNormalization, SimpleRnn, Softmax, Stream, Tensor, TimeDistributed, UnitNormalization,
    UpSampling1d, UpSampling2d, ZeroPadding1d, ZeroPadding2d,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use support::models::{Case, input_of, models};
use support::{Shape, numbers};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    /// Bytes that are allocated now, less those that other threads gave; and the most of them.
    static NOW: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn take(layout: Layout, sign: isize) {
    COUNT.with(|count| count.set(count.get() + 1));
    let now = NOW.with(Cell::get) + sign * isize::try_from(layout.size()).unwrap();
    NOW.with(|n| n.set(now));
    MOST.with(|most| most.set(most.get().max(now)));
}

// SAFETY: the system's allocator, and a number of this thread beside it.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout, 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        take(layout, -1);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(f: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    f();
    COUNT.with(Cell::get) - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(count(|| drop(std::hint::black_box(vec![1_u8; 10]))), 2);
}

fn quiet<R: Causal>(what: &str, layer: R, samples: usize) {
    let features = layer.features();
    let x: Array2<R::Elem> = numbers((1, samples, features), 3).remove_axis(ndarray::Axis(0));
    let turned = x.t().as_standard_layout().into_owned();
    let columns: ArrayView2<R::Elem> = turned.t(); // the same numbers, one column behind the other
    let mask: Vec<bool> = (0..samples).map(|i| i % 2 == 0).collect();
    let mut live = Stream::new(layer, samples);
    let found = count(|| {
        for _ in 0..3 {
            live.push(&x).unwrap();
            live.push(columns).unwrap();
            live.push_slice(x.as_slice().unwrap()).unwrap();
            live.push_masked(&x, &mask).unwrap();
            live.push_masked(columns, &[false; 5][..samples]).unwrap();
            live.reset_samples(&[0]).unwrap();
            live.reset();
        }
    });
    assert_eq!(found, 0, "{what}, {samples} samples");
}

fn every_cell<A: Element>(samples: usize) {
    let lstm = |features, units| Lstm::<A>::builder(features, units).build().unwrap();
    let gru = |features, units| Gru::<A>::builder(features, units);
    for units in [1, 19, 64] {
        quiet(
            "SimpleRnn",
            SimpleRnn::<A>::builder(3, units).build().unwrap(),
            samples,
        );
        quiet("Lstm", lstm(3, units), samples);
        quiet("Gru", gru(7, units).build().unwrap(), samples);
        let before = gru(7, units).reset_after(false).build().unwrap();
        quiet("Gru, reset before", before, samples);
        let hard = Lstm::<A>::builder(3, units).recurrent_activation(Activation::HARD_SIGMOID);
        quiet("Lstm, other gates", hard.build().unwrap(), samples);
        let ones = |rows, columns| Array2::from_elem((rows, columns), A::one());
        let variant = Lstm::<A>::builder(3, units)
            .peepholes(ones(3, units))
            .clip(1.0);
        let variant = variant.projection(ones(units, 2)).build().unwrap();
        quiet("Lstm, projected", variant, samples);
        let norm = LayerNorm::new(ones(2, 4 * units), None)
            .state(Array1::ones(units), None)
            .carry_normalised(true);
        let normed = Lstm::<A>::builder(3, units).layer_norm(norm);
        quiet("Lstm, normalised", normed.build().unwrap(), samples);
        let norm = LayerNorm::new(ones(2, 3 * units), ones(2, 3 * units));
        let normed = Gru::<A>::builder(7, units).layer_norm(norm);
        quiet("Gru, normalised", normed.build().unwrap(), samples);
        let three = lstm(3, units).then(gru(units, 5).build().unwrap());
        quiet("a stack", three.then(lstm(5, 2)), samples);
    }
}

#[test]
fn a_push_allocates_nothing() {
    for samples in [1, 5] {
        every_cell::<f32>(samples);
        every_cell::<f64>(samples);
    }
}

#[test]
fn a_head_allocates_nothing() {
    let lstm = Lstm::<f32>::builder(3, 40).build().unwrap();
    for units in [1, 5, 64, 70] {
        let kernel = numbers((1, 40, units), 2).remove_axis(ndarray::Axis(0));
        let head = Dense::from_weights(kernel, None).unwrap();
        let head = head.with_activation(Activation::Sigmoid).unwrap();
        let (mut live, mut y) = (lstm.stream(1), Vec::new());
        let mut push = || {
            let h = live.push_slice(&[0.1, 0.2, 0.3]).unwrap();
            head.forward_row(h, &mut y).unwrap();
            let expected = head.forward(&ndarray::ArrayView1::from(h));
            (y.len() == units, expected.unwrap().to_vec() == y)
        };
        assert_eq!(push(), (true, true)); // the first makes `y` long enough
        let found = count(|| {
            let h = live.push_slice(&[0.1, 0.2, 0.3]).unwrap();
            head.forward_row(h, &mut y).unwrap();
        });
        assert_eq!(found, 0, "{units}");
    }
}

fn quiet_model<A: Element>(case: &Case<A>, of: Shape) {
    let x = input_of(case, of, 3);
    let now = x
        .index_axis(ndarray::Axis(1), 0)
        .as_standard_layout()
        .into_owned();
    let mask: Vec<bool> = (0..of.samples).map(|i| i % 2 == 0).collect();
    let mut live = case.model.stream(of.samples).unwrap();
    let found = count(|| {
        for _ in 0..3 {
            live.push_slice(now.as_slice().unwrap()).unwrap();
            live.push(&now).unwrap();
            if case.masks {
                live.push_masked(&now, &mask).unwrap();
                live.push_masked(&now, &[false; 5][..of.samples]).unwrap();
            }
            live.reset_samples(&[0]).unwrap();
            live.reset();
        }
    });
    assert_eq!(found == 0, case.quiet, "{}, {of:?}: {found}", case.name);
}

#[test]
fn a_push_of_a_model_allocates_nothing() {
    for samples in [1, 5] {
        for units in [1, 19] {
            let of = Shape {
                samples,
                timesteps: 1,
                features: 3,
                units,
            };
            models::<f32>(of)
                .iter()
                .for_each(|case| quiet_model(case, of));
            models::<f64>(of)
                .iter()
                .for_each(|case| quiet_model(case, of));
        }
    }
}

/// Of Neural Amp Modeler, and of RTNeural; and one with gains, knobs and a way past its layers.
#[cfg(feature = "amp")]
#[test]
fn a_push_of_an_amplifier_model_allocates_nothing() {
    let files = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/amps");
    let read = |name: &str| std::fs::read(files.join(name)).unwrap();
    let lstm = String::from_utf8(read("rtneural_lstm_1d.json")).unwrap();
    let gains = r#"{"in_skip": 1, "in_gain": 3, "out_gain": -6,"#;
    let aida = lstm.replacen('{', gains, 1);
    let knob = r#"{"in_shape": [2], "in_skip": 1, "in_gain": 1, "layers": [
        {"type": "prelu", "shape": [2], "weights": [[[0.5, 0.25]]]},
        {"type": "conv1d", "shape": [1], "kernel_size": 2, "dilation": 3, "activation": "tanh",
         "weights": [[[[0.5], [0.1]], [[0.2], [0.3]]], [0.1]]}]}"#;
    for bytes in [
        read("nam_lstm.nam"),
        read("rtneural_gru_torch.json"),
        lstm.into_bytes(),
        aida.into_bytes(),
        knob.into(),
    ] {
        let amp = recurrent::amp::read::<f32>(&bytes).unwrap();
        let x = vec![0.5; 1 + amp.knobs];
        let mut live = amp.model.into_stream(1).unwrap();
        let found = count(|| {
            for _ in 0..3 {
                live.push_slice(&x).unwrap();
                live.reset_samples(&[0]).unwrap();
                live.push_slice(&x).unwrap();
                live.reset();
            }
        });
        assert_eq!(found, 0);
    }
}

/// What Keras computes between layers, number by number.
#[cfg(feature = "keras")]
#[test]
fn a_push_of_operations_allocates_nothing() {
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/keras_ops/models");
    for name in [
        "k2_gated.keras",
        "k3_gated.keras",
        "k2_more_steps.h5",
        "k3_more_steps.keras",
    ] {
        let model: Model<f32> = recurrent::keras::load(format!("{models}/{name}")).unwrap();
        for samples in [1, 3] {
            let x = numbers::<f32>((1, samples, 4), 3);
            let mut live = model.stream(samples).unwrap();
            let found = count(|| {
                for _ in 0..3 {
                    live.push_slice(x.as_slice().unwrap()).unwrap();
                }
            });
            assert_eq!(found, 0, "{name}, {samples} samples");
        }
    }
}

/// One of a user's, in the steps of a model: the numbers of a call over all timesteps, without an allocation.
fn quiet_inside(what: &str, layer: impl AnyLayer<f32>, of_step: &[usize]) {
    let mut shape = vec![None, None];
    shape.extend(of_step.iter().map(|&len| Some(len)));
    let model = Model::new()
        .input("x", shape)
        .add(TimeDistributed::new(layer));
    for samples in [1, 3] {
        let (timesteps, len) = (2, of_step.iter().product::<usize>());
        let x = numbers::<f32>((samples, timesteps, len), 5);
        let shape = [&[samples, timesteps], of_step].concat();
        let all = model.forward(&x.to_shape(shape.clone()).unwrap()).unwrap();
        let mut live = model.stream(samples).unwrap();
        for t in 0..timesteps {
            let now = x.index_axis(Axis(1), t).as_standard_layout().into_owned();
            let y = live.push_slice(now.as_slice().unwrap()).unwrap();
            let y: Vec<u32> = y.iter().map(|y| y.to_bits()).collect();
            let expected = all.index_axis(Axis(1), t);
            let expected: Vec<u32> = expected.iter().map(|y| y.to_bits()).collect();
            assert_eq!(y, expected, "{what}, {samples} samples");
        }
        let now = x.index_axis(Axis(1), 0).as_standard_layout().into_owned();
        let found = count(|| {
            for _ in 0..3 {
                live.push_slice(now.as_slice().unwrap()).unwrap();
                live.reset_samples(&[0]).unwrap();
            }
        });
        assert_eq!(found, 0, "{what}, {samples} samples");
    }
}

#[test]
fn a_push_of_images_allocates_nothing() {
    let image = [7, 6, 4];
    let kernel = |shape: [usize; 4]| {
        let len = shape.iter().product::<usize>();
        let numbers = numbers::<f32>((1, 1, len), 8).into_shape_with_order(shape);
        numbers.unwrap()
    };
    for filters in [3, 16] {
        let conv = Conv2d::builder().activation(Activation::Relu);
        let conv = conv.from_weights(kernel([3, 2, 4, filters]), Array1::ones(filters));
        quiet_inside("Conv2d", conv.unwrap(), &image);
        let same = Conv2d::builder().padding(Padding::Same).strides([2, 3]);
        let same = same.activation(Activation::Softmax);
        let same = same.from_weights(kernel([3, 2, 4, filters]), None).unwrap();
        quiet_inside("Conv2d, padded", same, &image);
        let back = Conv2dTranspose::builder()
            .padding(Padding::Same)
            .strides([2, 3]);
        let back = back.from_weights(kernel([3, 2, filters, 4]), Array1::ones(filters));
        quiet_inside("Conv2dTranspose", back.unwrap(), &image);
    }
    let depthwise = Conv2d::builder().groups(4).dilation_rate([2, 1]);
    let depthwise = depthwise.from_weights(kernel([2, 2, 1, 8]), None).unwrap();
    quiet_inside("Conv2d, in groups", depthwise, &image);
    quiet_inside("Pooling2d", Pooling2d::max([2, 3]).unwrap(), &image);
    let same = Pooling2d::average([2, 3]).unwrap().padding(Padding::Same);
    quiet_inside("Pooling2d, padded", same.unwrap(), &image);
    quiet_inside("GlobalPooling2d", GlobalPooling2d::average(), &image);
    quiet_inside("ZeroPadding2d", ZeroPadding2d::new([1, 0], [2, 1]), &image);
    quiet_inside("Cropping2d", Cropping2d::new([1, 2], [0, 1]), &image);
    quiet_inside("UpSampling2d", UpSampling2d::new([2, 3]).unwrap(), &image);
    let grouped = GroupNormalization::from_weights(2, Array1::ones(4), None).unwrap();
    quiet_inside("GroupNormalization", grouped, &image);
    let sloped = PRelu::from_weights(kernel([1, 1, 1, 4]).remove_axis(Axis(0)).into_dyn());
    quiet_inside("PRelu", sloped, &image);
}

#[test]
fn a_push_of_sequences_allocates_nothing() {
    let sequence = [9, 4];
    for filters in [3, 16] {
        let conv = Conv1d::builder().padding(Padding::Same);
        let conv = conv
            .from_weights(numbers((3, 4, filters), 2), None)
            .unwrap();
        quiet_inside("Conv1d", conv, &sequence);
        let back = Conv1dTranspose::builder().strides(2);
        let back = back
            .from_weights(numbers((3, filters, 4), 2), None)
            .unwrap();
        quiet_inside("Conv1dTranspose", back, &sequence);
    }
    quiet_inside("Pooling1d", Pooling1d::max(2).unwrap(), &sequence);
    quiet_inside("GlobalPooling1d", GlobalPooling1d::max(), &sequence);
    quiet_inside("ZeroPadding1d", ZeroPadding1d::new(1, 2), &sequence);
    quiet_inside("Cropping1d", Cropping1d::new(1, 2), &sequence);
    quiet_inside("UpSampling1d", UpSampling1d::new(2).unwrap(), &sequence);
    quiet_inside("Permute", Permute::new(&[2, 1]).unwrap(), &sequence);
    quiet_inside("RepeatVector", RepeatVector::new(3), &[5]);
    let scale = RmsNormalization::from_weights(Array1::ones(4)).unwrap();
    quiet_inside("RmsNormalization", scale, &sequence);
    quiet_inside("UnitNormalization", UnitNormalization::new(), &sequence);
}

/// The most bytes that a call holds at a time.
fn most(f: impl FnOnce()) -> isize {
    let before = NOW.with(Cell::get);
    MOST.with(|most| most.set(before));
    f();
    MOST.with(Cell::get) - before
}

/// A whole call hands its values on: a layer that keeps the shape changes them where they are.
#[test]
fn layers_that_keep_the_shape_work_in_place() {
    let (x, units) = (numbers::<f32>((4, 500, 16), 3), 16);
    let ones = || Array1::<f32>::ones(units);
    let layers: [(&str, Box<dyn AnyLayer<f32>>); 9] = [
        ("Activation", Box::new(Activation::Relu)),
        ("softmax", Box::new(Activation::Softmax)),
        ("Softmax", Box::new(Softmax::new())),
        ("Identity", Box::new(Identity::new())),
        ("Masking", Box::new(Masking::new(0.0))),
        (
            "BatchNormalization",
            Box::new(BatchNormalization::from_weights(ones(), ones(), ones(), ones()).unwrap()),
        ),
        (
            "LayerNormalization",
            Box::new(LayerNormalization::from_weights(ones(), ones()).unwrap()),
        ),
        ("Flatten", Box::new(Flatten)),
        (
            "TimeDistributed",
            Box::new(TimeDistributed::new(Activation::Tanh)),
        ),
    ];
    for (what, layer) in layers {
        let input = Tensor::new(&x);
        let bytes = most(|| drop(layer.forward(input).unwrap()));
        // A mask is a byte for each timestep.
        assert!(bytes <= 4 * 500 + 1000, "{what}: {bytes} bytes");
    }
    let model = Model::new()
        .add(Layer::new(Lstm::<f32>::builder(16, units).build().unwrap()).return_sequences(true))
        .add(BatchNormalization::from_weights(ones(), ones(), ones(), ones()).unwrap())
        .add(LayerNormalization::from_weights(ones(), ones()).unwrap())
        .add(Activation::Relu)
        .add(Dense::from_weights(numbers((1, 16, 4), 2).remove_axis(Axis(0)), None).unwrap());
    let found = count(|| drop(model.forward(&x).unwrap()));
    assert!(found <= 80, "{found}");
}

#[test]
fn a_check_of_a_long_input_needs_no_room() {
    let both = Bidirectional::new(
        Gru::<f32>::builder(8, 16).build().unwrap(),
        Lstm::builder(8, 16).build().unwrap(),
    );
    let model = Model::new()
        .add(Layer::new(Lstm::builder(4, 8).build().unwrap()).return_sequences(true))
        .add(Layer::new(both).return_sequences(true))
        .add(Dense::from_weights(Array2::eye(32), None).unwrap());
    let bytes = most(|| assert_eq!(model.check(&[3, 1 << 20, 4]).unwrap(), [3, 1 << 20, 32]));
    assert!(bytes < 1 << 16, "{bytes} bytes");
}

#[test]
fn the_last_output_needs_no_room_for_the_others() {
    fn bounded<R: Recurrent<Elem = f32>>(what: &str, layer: R) {
        for samples in [1, 3] {
            let [short, long] = [20_000, 50_000].map(|timesteps| {
                let x = numbers((samples, timesteps, layer.features()), 3);
                let lengths = vec![timesteps - 1; samples];
                let plain = most(|| drop(layer.run(&x).last_and_state().unwrap()));
                plain.max(most(|| {
                    drop(layer.run(&x).lengths(&lengths).last().unwrap());
                }))
            });
            assert!(long <= short + 1_000, "{what}: {short} and {long} bytes");
            assert!(long < 2_000_000, "{what}: {long} bytes");
        }
    }
    let lstm = |features, units| Lstm::<f32>::builder(features, units).build().unwrap();
    let gru = |features, units| Gru::<f32>::builder(features, units).build().unwrap();
    bounded("Lstm", lstm(3, 8));
    bounded("Gru", gru(7, 8));
    bounded(
        "SimpleRnn",
        SimpleRnn::<f32>::builder(3, 8).build().unwrap(),
    );
    bounded("two directions", Bidirectional::new(lstm(3, 8), gru(3, 8)));
    bounded("a stack", lstm(3, 8).then(gru(8, 8)).then(lstm(8, 8)));
    let sequences = most(|| {
        let x = numbers((1, 50_000, 3), 3);
        drop(lstm(3, 8).run(&x).sequences().unwrap());
    });
    assert!(sequences > 50_000 * 8 * 4, "{sequences} bytes");
}

/// A loss of outputs of a shape that it has seen.
#[cfg(feature = "train")]
#[test]
fn a_loss_that_is_evaluated_again_allocates_nothing() {
    use recurrent::train::{Evaluated, Loss, Target};
    let x = ndarray::Array3::from_shape_fn((2, 4, 3), |(b, t, k)| (b + t * k) as f32 / 7.0);
    let (y, classes) = (x.mapv(|x| x / 3.0), Array2::<f32>::ones((2, 4)));
    let labels = ndarray::array![[1.0_f32, 2.0], [1.0, 0.0]];
    let (mask, weights) = (classes.mapv(|y| y > 0.0), ndarray::array![[0.5_f32], [2.0]]);
    let (each, lengths) = (ndarray::array![0.5_f32, 2.0], [4, 3]);
    let sparse = Loss::sparse_categorical_crossentropy().ignore_class(2);
    for (loss, target) in [
        (Loss::mean_squared_error(), Target::new(&y).mask(&mask)),
        (
            Loss::categorical_crossentropy(),
            Target::new(&y).sample_weights(&weights),
        ),
        (sparse.clone(), Target::new(&classes).lengths(&lengths)),
        (
            sparse.from_logits(true),
            Target::new(&classes).class_weights(&[(1, 2.0)]),
        ),
        (
            Loss::ctc(),
            Target::new(&labels).sample_weights(&each).lengths(&lengths),
        ),
    ] {
        let mut into = Evaluated::default();
        loss.evaluate_into(&x, &target, &mut into).unwrap();
        let found = count(|| loss.evaluate_into(&x, &target, &mut into).unwrap());
        assert_eq!(found, 0, "{loss:?}");
    }
}
