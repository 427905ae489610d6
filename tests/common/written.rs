//! Files of safetensors, as the reference writes them.

use ndarray::ArrayViewD;
use recurrent::Element;
use safetensors::tensor::{Dtype, TensorView};

/// A file of these arrays, with these texts in its metadata.
pub fn write<A: Element>(arrays: &[(&str, ArrayViewD<A>)], texts: &[(&str, &str)]) -> Vec<u8> {
    let dtype = [Dtype::F32, Dtype::F64][size_of::<A>() / 8];
    let bytes = |array: &ArrayViewD<A>| -> Vec<u8> {
        let numbers = array.iter().map(|x| x.bits().to_le_bytes());
        numbers
            .flat_map(|bytes| bytes.into_iter().take(size_of::<A>()))
            .collect()
    };
    let bytes: Vec<_> = arrays.iter().map(|(_, array)| bytes(array)).collect();
    let views = arrays.iter().zip(&bytes).map(|((name, array), bytes)| {
        (
            *name,
            TensorView::new(dtype, array.shape().to_vec(), bytes).unwrap(),
        )
    });
    let texts = texts.iter().map(|&(key, text)| (key.into(), text.into()));
    let texts = (texts.len() > 0).then(|| texts.collect());
    safetensors::serialize(views, texts).unwrap()
}
