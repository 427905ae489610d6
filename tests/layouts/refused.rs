//! What cannot be right is refused, by its words.

use super::Numbers;
use ndarray::{Array, Array1, Array2, Array3, ArrayD, Axis, Ix1, s};
use recurrent::{Activation, Gru, Layout, Lstm, SimpleRnn};

#[track_caller]
fn says<T>(result: recurrent::Result<T>, words: &str) {
    let error = result.map(drop).expect_err("a refusal");
    assert_eq!(error.to_string(), words);
}

/// 3 features, 2 units.
fn lstm(
    layout: &Layout,
    shape: [usize; 2],
    h: [usize; 2],
    bias: &[usize],
) -> recurrent::Result<Lstm<f32>> {
    let (kernel, recurrent) = (Array2::zeros(shape), Array2::zeros(h));
    let biases: Vec<Array1<f32>> = bias.iter().map(|&len| Array1::zeros(len)).collect();
    let biases: Vec<&ndarray::ArrayRef<f32, Ix1>> = biases.iter().map(|bias| &**bias).collect();
    Lstm::builder(3, 2).from_arrays(layout, &kernel, &recurrent, &biases)
}

#[test]
fn orders_of_gates() {
    let of = |gates: &str| lstm(&Layout::rows(gates), [8, 3], [8, 2], &[8]);
    assert!(of("ifog").is_ok() && of("cofi").is_ok() && of("ijfo").is_ok());
    for (gates, found) in [
        ("ifo", "\"ifo\""),
        ("ifoo", "\"ifoo\""),
        ("ifgc", "\"ifgc\""),
        ("ifogo", "\"ifogo\""),
        ("ifox", "\"ifox\""),
        ("IFGO", "\"IFGO\""),
        ("i f g o", "\"i f g o\""),
        ("zrh", "\"zrh\""),
        ("", "\"\""),
        ("ifg\u{f6}", "\"ifg\u{f6}\""),
    ] {
        says(
            of(gates),
            &format!(
                "order of gates is {found}, expected i, f, c (or g, j), o once each, for an LSTM"
            ),
        );
    }
    let (kernel, recurrent) = (Array2::<f32>::zeros((3, 6)), Array2::zeros((2, 6)));
    let gru = |gates: &str| {
        Gru::builder(3, 2).from_arrays(&Layout::columns(gates), &kernel, &recurrent, &[])
    };
    assert!(gru("rzn").is_ok() && gru("urc").is_ok() && gru("zra").is_ok());
    says(
        gru("zuh"),
        "order of gates is \"zuh\", expected z (or u), r, h (or n, c, g, a) once each, for a GRU",
    );
    let (kernel, recurrent) = (Array2::<f32>::zeros((3, 2)), Array2::zeros((2, 2)));
    says(
        SimpleRnn::builder(3, 2).from_arrays(&Layout::columns("hh"), &kernel, &recurrent, &[]),
        "order of gates is \"hh\", expected h once each, for a simple RNN",
    );
}

#[test]
fn shapes_of_kernels() {
    let (rows, columns) = (Layout::rows("ifog"), Layout::columns("ifog"));
    says(
        lstm(&rows, [3, 8], [8, 2], &[]),
        "kernel is [3, 8], as Layout::columns(\"ifog\") has it, expected (gates x units, features) = [8, 3]",
    );
    says(
        lstm(&rows, [8, 3], [2, 8], &[]),
        "recurrent_kernel is [2, 8], as Layout::columns(\"ifog\") has it, expected (gates x units, units) = [8, 2]",
    );
    says(
        lstm(&columns, [8, 3], [2, 8], &[]),
        "kernel is [8, 3], as Layout::rows(\"ifog\") has it, expected (features, gates x units) = [3, 8]",
    );
    says(
        lstm(&columns, [5, 8], [2, 8], &[]),
        "kernel is [5, 8], expected (features, gates x units) = [3, 8]",
    );
    // Of the right size, but another shape.
    says(
        lstm(&rows, [4, 6], [8, 2], &[]),
        "kernel is [4, 6], expected (gates x units, features) = [8, 3]",
    );

    let stacked = |layout: &Layout, shape: [usize; 3]| {
        let (kernel, recurrent) = (Array3::<f32>::zeros(shape), Array3::zeros((4, 2, 2)));
        Lstm::builder(3, 2).from_arrays(layout, &kernel, &recurrent, &[])
    };
    assert!(stacked(&rows, [4, 2, 3]).is_ok() && stacked(&columns, [4, 3, 2]).is_ok());
    says(
        stacked(&rows, [4, 3, 2]),
        "kernel is [4, 3, 2], as Layout::columns(\"ifog\") has it, expected (gates, units, features) = [4, 2, 3]",
    );
    says(
        stacked(&columns, [3, 4, 2]),
        "kernel is [3, 4, 2], whose axes have another order, expected (gates, features, units) = [4, 3, 2]",
    );
    says(
        stacked(&rows, [1, 8, 3]),
        "kernel is [1, 8, 3], expected (gates, units, features) = [4, 2, 3]",
    );
    for axes in [0, 1, 4] {
        let kernel = ArrayD::<f32>::zeros(vec![1; axes]);
        let result = Lstm::builder(3, 2).from_arrays(&rows, &kernel, &Array2::zeros((8, 2)), &[]);
        says(
            result,
            &format!(
                "kernel is {:?}, expected (gates x units, features) = [8, 3]",
                vec![1; axes]
            ),
        );
    }
    let (kernel, recurrent) = (Array2::<f32>::zeros((3, 2)), Array2::zeros((2, 2)));
    says(
        SimpleRnn::builder(3, 2).from_arrays(&Layout::rows("h"), &kernel, &recurrent, &[]),
        "kernel is [3, 2], as Layout::columns(\"h\") has it, expected (units, features) = [2, 3]",
    );
}

#[test]
fn biases() {
    let rows = Layout::rows("ifog");
    let of = |bias: &[usize]| lstm(&rows, [8, 3], [8, 2], bias);
    assert!(of(&[]).is_ok() && of(&[8]).is_ok() && of(&[8, 8]).is_ok());
    says(
        of(&[6]),
        "length of the bias is 6, expected 8 (gates x units)",
    );
    says(
        of(&[8, 2]),
        "length of the bias is 2, expected 8 (gates x units)",
    );
    says(
        of(&[16, 16]),
        "length of the bias is 16, expected 8 (gates x units)",
    );
    says(
        of(&[0]),
        "length of the bias is 0, expected 8 (gates x units)",
    );
    says(
        of(&[16]),
        "length of the bias is 16, expected 8 (gates x units): two biases in one array are two, `&[&b.slice(s![..8]), &b.slice(s![8..])]`",
    );
    says(
        of(&[8, 8, 8]),
        "number of biases is 3, expected 0, 1 or 2: that with the input, and that with the state",
    );
    // What that message says.
    let b = Array1::<f32>::zeros(16);
    let (kernel, recurrent) = (Array2::zeros((8, 3)), Array2::zeros((8, 2)));
    let builder = Lstm::builder(3, 2);
    assert!(
        builder
            .from_arrays(
                &rows,
                &kernel,
                &recurrent,
                &[&b.slice(s![..8]), &b.slice(s![8..])]
            )
            .is_ok()
    );
    says(
        Lstm::builder(3, 2).use_bias(false).from_arrays(
            &rows,
            &kernel,
            &recurrent,
            &[&b.slice(s![..8])],
        ),
        "bias is an array, expected none, since use_bias is false",
    );
}

#[test]
fn options_of_other_cells() {
    let (kernel, recurrent) = (Array2::<f32>::zeros((3, 6)), Array2::zeros((2, 6)));
    let gru = |layout: Layout, activation| {
        Gru::builder(3, 2)
            .recurrent_activation(activation)
            .from_arrays(&layout, &kernel, &recurrent, &[])
    };
    says(
        gru(Layout::columns("zrh").forget_bias(1.0), Activation::Sigmoid),
        "forget_bias is 1, expected 0, since a GRU has no forget gate",
    );
    let negated = Layout::columns("zrh").update_takes_new(true);
    says(
        gru(negated.clone(), Activation::Tanh),
        "recurrent_activation is Tanh, expected a sigmoid s with s(-x) = 1 - s(x), since update_takes_new is true",
    );
    assert!(
        gru(
            negated.clone(),
            Activation::HardSigmoid {
                alpha: 0.2,
                beta: 0.4
            }
        )
        .is_err()
    );
    assert!(gru(negated, Activation::HARD_SIGMOID).is_ok());
    says(
        lstm(
            &Layout::rows("ifog").update_takes_new(true),
            [8, 3],
            [8, 2],
            &[],
        ),
        "update_takes_new is true, expected false, since an LSTM has no update gate",
    );
    for forget_bias in [f64::NAN, f64::INFINITY] {
        says(
            lstm(
                &Layout::rows("ifog").forget_bias(forget_bias),
                [8, 3],
                [8, 2],
                &[],
            ),
            &format!("forget_bias is {forget_bias}, expected a finite number"),
        );
    }
    // Without a bias, the forget bias is one.
    let made = lstm(&Layout::rows("ifog").forget_bias(0.5), [8, 3], [8, 2], &[]).unwrap();
    assert_eq!(
        made.bias().unwrap().to_vec(),
        [0., 0., 0.5, 0.5, 0., 0., 0., 0.]
    );
}

#[test]
fn sizes_that_no_array_has() {
    let rows = Layout::rows("ifog");
    let (kernel, recurrent) = (Array2::<f32>::zeros((8, 3)), Array2::zeros((8, 2)));
    for (features, units) in [
        (usize::MAX, 2),
        (3, usize::MAX),
        (usize::MAX, usize::MAX),
        (3, usize::MAX / 4 + 1),
        (3, 0),
    ] {
        let result = Lstm::builder(features, units).from_arrays(&rows, &kernel, &recurrent, &[]);
        assert!(result.is_err(), "{features} {units}");
    }
    // A huge layout of a huge layer, and arrays without numbers.
    let gates = "i".repeat(1 << 16);
    assert!(lstm(&Layout::rows(gates), [8, 3], [8, 2], &[]).is_err());
    let nothing = Array2::<f32>::zeros((8, 0));
    let made = Lstm::builder(0, 2).from_arrays(&rows, &nothing, &recurrent, &[]);
    assert_eq!(made.unwrap().kernel().dim(), (0, 8));
}

/// Arrays of any strides are read alike: views, transposed, reversed, every second number.
#[test]
fn strides_do_not_matter() {
    let mut numbers = Numbers(3);
    let kernel: Array<f64, _> = numbers.array((8, 3));
    let recurrent: Array<f64, _> = numbers.array((8, 2));
    let bias: Array<f64, _> = numbers.array(8);
    let rows = Layout::rows("ofig");
    let plain = Lstm::builder(3, 2)
        .from_arrays(&rows, &kernel, &recurrent, &[&bias])
        .unwrap();
    let mut wide = Array2::zeros((16, 6));
    wide.slice_mut(s![..;2, ..;-2]).assign(&kernel);
    let mut long = Array1::zeros(16);
    long.slice_mut(s![..;-2]).assign(&bias);
    let columns = Layout::columns("ofig");
    let turned = recurrent.view().reversed_axes();
    let views = Lstm::builder(3, 2).from_arrays(
        &rows,
        &wide.slice(s![..;2, ..;-2]),
        &recurrent,
        &[&long.slice(s![..;-2])],
    );
    let views = views.unwrap();
    assert_eq!(
        (views.kernel(), views.bias()),
        (plain.kernel(), plain.bias())
    );
    let by_columns = Lstm::builder(3, 2)
        .from_arrays(&columns, &kernel.t(), &turned, &[&bias])
        .unwrap();
    assert_eq!(by_columns.kernel(), plain.kernel());
    assert_eq!(by_columns.recurrent_kernel(), plain.recurrent_kernel());
    let stacked = kernel.to_shape((4, 2, 3)).unwrap();
    let stacked = Lstm::builder(3, 2).from_arrays(
        &rows,
        &stacked,
        &recurrent.to_shape((4, 2, 2)).unwrap(),
        &[&bias],
    );
    assert_eq!(stacked.unwrap().kernel(), plain.kernel());
    let by_gate = kernel
        .view()
        .into_shape_with_order((4, 2, 3))
        .unwrap()
        .permuted_axes([0, 2, 1]);
    let turned = recurrent
        .view()
        .into_shape_with_order((4, 2, 2))
        .unwrap()
        .permuted_axes([0, 2, 1]);
    let stacked = Lstm::builder(3, 2)
        .from_arrays(&columns, &by_gate, &turned, &[&bias])
        .unwrap();
    assert_eq!(stacked.kernel(), plain.kernel());
    assert_eq!(kernel.index_axis(Axis(0), 2), plain.kernel().column(2)); // of f: o f i g
}
