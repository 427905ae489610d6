//! Every case of the golden data (made with Keras, in f64, rounded to f32; `gradients` in f64; `torch` with PyTorch, `onnx`
//! with onnxruntime) against the crate.
//!
//! `RECURRENT_GOLDEN=DIR cargo test --all-features --test golden` runs other data of the same format. Every layer case also
//! checks that weights read back bit for bit, and that all verbs, sessions and streams give the same bits: see `common`.

mod common;

#[cfg(feature = "onnx")]
use common::check_onnx;
#[cfg(feature = "torch")]
use common::check_torch;
use common::{check_family, check_gradients};

#[test]
fn article_f32() {
    check_family::<f32>("article");
}

#[test]
fn article_f64() {
    check_family::<f64>("article");
}

#[test]
fn keras_layers_f32() {
    check_family::<f32>("keras_layers");
}

#[test]
fn keras_layers_f64() {
    check_family::<f64>("keras_layers");
}

#[test]
fn wrappers_f32() {
    check_family::<f32>("wrappers");
}

#[test]
fn wrappers_f64() {
    check_family::<f64>("wrappers");
}

#[test]
fn outputs_of_gradients_f64() {
    check_gradients();
}

#[test]
#[cfg(feature = "torch")]
fn torch_f32() {
    check_torch::<f32>();
}

#[test]
#[cfg(feature = "torch")]
fn torch_f64() {
    check_torch::<f64>();
}

#[test]
#[cfg(feature = "onnx")]
fn onnx_f32() {
    check_onnx::<f32>();
}

#[test]
#[cfg(feature = "onnx")]
fn onnx_f64() {
    check_onnx::<f64>();
}
