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
mod written;

use ndarray::ArrayD;
use recurrent::torch::File;

/// A file of zeros of these shapes.
fn file(arrays: &[(&str, &[usize])]) -> File<'static> {
    let arrays = arrays.iter();
    File::from_arrays(arrays.map(|&(name, shape)| (name, ArrayD::<f32>::zeros(shape)))).unwrap()
}
