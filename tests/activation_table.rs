//! Every activation at a few points and at the limits.

#![allow(clippy::float_cmp)] // exact limits are what is asked for

use recurrent::{Activation, Element};

fn of<A: Element>(activation: Activation, x: A) -> A {
    let mut y = [x];
    activation.apply(&mut y);
    y[0]
}

const POINTS: [f64; 9] = [-7.0, -2.5, -1.0, -0.3, 0.0, 0.3, 1.0, 2.5, 7.0];

/// The formulas in the documentation of `Activation` at `POINTS`, computed by Python's `math` in `f64`.
#[rustfmt::skip]
#[allow(clippy::excessive_precision, clippy::unreadable_literal, clippy::approx_constant)]
const TABLE: [(Activation, [f64; 9]); 31] = [
    (Activation::Linear, [-7.0, -2.5, -1.0, -0.3, 0.0, 0.3, 1.0, 2.5, 7.0]),
    (Activation::Tanh, [-0.9999983369439447, -0.9866142981514303, -0.7615941559557649, -0.2913126124515909, 0.0, 0.2913126124515909, 0.7615941559557649, 0.9866142981514303, 0.9999983369439447]),
    (Activation::Sigmoid, [0.0009110511944006454, 0.07585818002124355, 0.2689414213699951, 0.425557483188341, 0.5, 0.574442516811659, 0.7310585786300049, 0.9241418199787566, 0.9990889488055994]),
    (Activation::HARD_SIGMOID, [0.0, 0.08333333333333331, 0.33333333333333337, 0.45, 0.5, 0.55, 0.6666666666666666, 0.9166666666666667, 1.0]),
    (Activation::HARD_SIGMOID_KERAS2, [0.0, 0.0, 0.3, 0.44, 0.5, 0.56, 0.7, 1.0, 1.0]),
    (Activation::Relu, [0.0, 0.0, 0.0, 0.0, 0.0, 0.3, 1.0, 2.5, 7.0]),
    (Activation::Relu6, [0.0, 0.0, 0.0, 0.0, 0.0, 0.3, 1.0, 2.5, 6.0]),
    (Activation::LeakyRelu { alpha: 0.2 }, [-1.4000000000000001, -0.5, -0.2, -0.06, 0.0, 0.3, 1.0, 2.5, 7.0]),
    (Activation::ThresholdedRelu { alpha: 0.3 }, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.5, 7.0]),
    (Activation::Elu { alpha: 1.5 }, [-1.4986321770516682, -1.376872502064152, -0.9481808382428365, -0.3887726689774232, 0.0, 0.3, 1.0, 2.5, 7.0]),
    (Activation::Selu, [-1.7564961617648047, -1.6137857588732425, -1.1113307378125625, -0.4556673153791221, 0.0, 0.31521029620664415, 1.0507009873554805, 2.626752468388701, 7.354906911488364]),
    (Activation::Celu { alpha: 1.5 }, [-1.485894656172757, -1.2166865957436572, -0.729874321451112, -0.2719038703830272, 0.0, 0.3, 1.0, 2.5, 7.0]),
    (Activation::Gelu { approximate: false }, [-8.958667141456544e-12, -0.015524163314440398, -0.15865525393145707, -0.1146265733433142, 0.0, 0.18537342665668577, 0.8413447460685429, 2.4844758366855597, 6.999999999991041]),
    (Activation::Gelu { approximate: true }, [-2.3314683517128287e-15, -0.015084266089998577, -0.15880800939172324, -0.11462907645724074, 0.0, 0.18537092354275922, 0.8411919906082768, 2.484915733910001, 6.999999999999997]),
    (Activation::Silu, [-0.006377358360804518, -0.18964545005310887, -0.2689414213699951, -0.1276672449565023, 0.0, 0.1723327550434977, 0.7310585786300049, 2.3103545499468914, 6.993622641639195]),
    (Activation::HardSilu, [0.0, -0.2083333333333333, -0.33333333333333337, -0.135, 0.0, 0.165, 0.6666666666666666, 2.291666666666667, 7.0]),
    (Activation::Softplus, [0.0009114664537742447, 0.07888973429254963, 0.31326168751822286, 0.5543552444685271, 0.6931471805599453, 0.8543552444685272, 1.3132616875182228, 2.5788897342925496, 7.000911466453775]),
    (Activation::Softsign, [-0.875, -0.7142857142857143, -0.5, -0.23076923076923075, 0.0, 0.23076923076923075, 0.5, 0.7142857142857143, 0.875]),
    (Activation::Exponential, [0.0009118819655545162, 0.0820849986238988, 0.36787944117144233, 0.7408182206817179, 1.0, 1.3498588075760032, 2.718281828459045, 12.182493960703473, 1096.6331584284585]),
    (Activation::Mish, [-0.006380263409573668, -0.19681620390653337, -0.30340146137410895, -0.15113317713833455, 0.0, 0.20800137234811503, 0.8650983882673103, 2.471392304557881, 6.999988379809741]),
    (Activation::HardTanh, [-1.0, -1.0, -1.0, -0.3, 0.0, 0.3, 1.0, 1.0, 1.0]),
    (Activation::LogSigmoid, [-7.000911466453775, -2.5788897342925496, -1.3132616875182228, -0.8543552444685272, -0.6931471805599453, -0.5543552444685271, -0.31326168751822286, -0.07888973429254963, -0.0009114664537742447]),
    (Activation::TanhShrink, [-6.0000016630560555, -1.5133857018485697, -0.23840584404423515, -0.008687387548409087, 0.0, 0.008687387548409087, 0.23840584404423515, 1.5133857018485697, 6.0000016630560555]),
    (Activation::SoftShrink { threshold: 0.5 }, [-6.5, -2.0, -0.5, 0.0, 0.0, 0.0, 0.5, 2.0, 6.5]),
    (Activation::HardShrink { threshold: 0.5 }, [-7.0, -2.5, -1.0, 0.0, 0.0, 0.0, 1.0, 2.5, 7.0]),
    (Activation::Threshold { threshold: 0.5, value: -2.0 }, [-2.0, -2.0, -2.0, -2.0, -2.0, -2.0, 1.0, 2.5, 7.0]),
    (Activation::Squareplus { b: 4.0 }, [0.14005494464025903, 0.35078105935821213, 0.6180339887498949, 0.8611874208078342, 1.0, 1.161187420807834, 1.618033988749895, 2.850781059358212, 7.140054944640259]),
    (Activation::SparsePlus, [0.0, 0.0, 0.0, 0.12249999999999998, 0.25, 0.42250000000000004, 1.0, 2.5, 7.0]),
    (Activation::SparseSigmoid, [0.0, 0.0, 0.0, 0.35, 0.5, 0.65, 1.0, 1.0, 1.0]),
    (Activation::Affine { alpha: 0.3, beta: 0.1 }, [-2.0, -0.65, -0.19999999999999998, 0.010000000000000009, 0.1, 0.19, 0.4, 0.85, 2.2]),
    (Activation::ScaledTanh { alpha: 1.7, beta: 0.6 }, [-1.699235622981207, -1.5387520311962728, -0.91298426389666, -0.3027374757994613, 0.0, 0.3027374757994613, 0.91298426389666, 1.5387520311962728, 1.699235622981207]),
];

#[test]
fn values_are_those_of_the_formulas() {
    for (activation, expected) in TABLE {
        for (x, y) in POINTS.into_iter().zip(expected) {
            let double = of(activation, x);
            assert!(
                (double - y).abs() <= 2e-15 * y.abs().max(1.0),
                "{activation} {x}: {double} {y}"
            );
            let single = f64::from(of(activation, f32::from_f64(x)));
            assert!(
                (single - y).abs() <= 4e-7 * y.abs().max(1.0),
                "{activation} {x}: {single} {y}"
            );
        }
    }
}

#[test]
fn nan_stays_and_infinities_have_limits() {
    for (activation, _) in TABLE {
        assert!(of(activation, f64::NAN).is_nan(), "{activation}");
        for x in [f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN] {
            assert!(!of(activation, x).is_nan(), "{activation} {x}");
        }
    }
    let at_minus_infinity = |a| of(a, f64::NEG_INFINITY);
    for vanishing in [
        "sigmoid",
        "silu",
        "gelu",
        "mish",
        "softplus",
        "exponential",
        "squareplus",
    ] {
        let y = at_minus_infinity(vanishing.parse().unwrap());
        assert!(y == 0.0, "{vanishing}: {y}");
    }
    assert!((at_minus_infinity(Activation::Elu { alpha: 2.0 }) + 2.0).abs() < 1e-15);
    assert!((at_minus_infinity(Activation::Softsign) + 1.0).abs() < 1e-15);
}

#[test]
fn softmax_sums_to_one_and_does_not_overflow() {
    let mut y = [1e4_f64, 1e4 - 1.0, -1e4];
    Activation::Softmax.apply(&mut y);
    let e = std::f64::consts::E;
    assert!((y[0] - e / (e + 1.0)).abs() < 1e-12 && y[2] == 0.0);
    assert!((y.iter().sum::<f64>() - 1.0).abs() < 1e-15);
    Activation::Softmax.apply::<f64>(&mut []);
}
