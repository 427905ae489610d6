//! State dicts of PyTorch: what is refused, states, files that lie. What layers compute is held in `golden`.

mod adversarial;
#[path = "../common/data.rs"]
mod data;
mod forms;
#[path = "../common/liars.rs"]
mod liars;
mod parts;
mod refused;
#[path = "../common/says.rs"]
mod says;
mod states;
#[path = "../common/tally.rs"]
mod tally;

use ndarray::{ArrayD, ArrayViewD};
use recurrent::format::safetensors::write;
use recurrent::torch::File;

/// A file of zeros of these shapes.
fn file(arrays: &[(&str, &[usize])]) -> File<'static> {
    let arrays: Vec<(&str, ArrayD<f32>)> = arrays
        .iter()
        .map(|&(name, shape)| (name, ArrayD::zeros(shape)))
        .collect();
    let views: Vec<(&str, ArrayViewD<f32>)> = arrays
        .iter()
        .map(|(name, array)| (*name, array.view()))
        .collect();
    File::read(write(&views, &[]).unwrap()).unwrap()
}
