//! What reading a large state dict takes at most: the file and its arrays once.

use crate::memory::peak;
use crate::written;
use ndarray::{Array1, Array2, ArrayD};
use recurrent::torch::File;
use recurrent::{Gru, Lstm, saved};

/// Two kernels of 2.25 MiB for an LSTM: from 4 MiB on, room is set aside to align them to large pages.
const UNITS: usize = 384;
const KERNEL: usize = 4 * UNITS * UNITS * 4;
/// For names, shapes, biases, and parts of the file.
const ROOM: usize = 1 << 20;

/// A file of zeros in the folder of the system, removed at the end.
struct Temporary(std::path::PathBuf);

impl Temporary {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let name = format!("recurrent-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        Temporary(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn state_dict(gates: usize) -> Vec<u8> {
    let kernel = ArrayD::<f32>::zeros(vec![gates * UNITS, UNITS]);
    let bias = Array1::<f32>::zeros(gates * UNITS).into_dyn();
    let arrays = [
        ("weight_ih_l0", kernel.view()),
        ("weight_hh_l0", kernel.view()),
        ("bias_ih_l0", bias.view()),
        ("bias_hh_l0", bias.view()),
    ];
    written::write(&arrays, &[])
}

#[test]
fn a_state_dict_in_memory_is_packed_as_it_is_read() {
    let bytes = state_dict(4);
    let (held, lstm) = peak(|| {
        File::read(&bytes[..])
            .unwrap()
            .lstm::<f32, Lstm<f32>>("")
            .unwrap()
    });
    assert!(held < 2 * KERNEL + ROOM, "{held}");
    drop(lstm);
    // The gates of a GRU stand in another order.
    let bytes = state_dict(3);
    let (held, _) = peak(|| {
        File::read(&bytes[..])
            .unwrap()
            .gru::<f32, Gru<f32>>("")
            .unwrap()
    });
    assert!(held < 2 * KERNEL / 4 * 3 + ROOM, "{held}");
}

#[test]
fn a_large_state_dict_stays_on_disk() {
    for gates in [3, 4] {
        let kernel = KERNEL / 4 * gates;
        let file = Temporary::new(&format!("{gates}.safetensors"), &state_dict(gates));
        let (held, ()) = peak(|| {
            let file = File::load(&file.0).unwrap();
            if gates == 3 {
                drop(file.gru::<f32, Gru<f32>>("").unwrap());
            } else {
                drop(file.lstm::<f32, Lstm<f32>>("").unwrap());
            }
        });
        // What is packed, and the matrix that is turned.
        assert!(held < 3 * kernel + ROOM, "{held}");
    }
}

#[test]
fn a_large_saved_layer_stays_on_disk() {
    // Counting numbers: the initialisers of as many take long.
    let kernel = Array2::from_shape_fn((UNITS, 4 * UNITS), |(row, column)| {
        (row * 7 + column) as f32
    });
    let lstm = Lstm::from_weights(kernel.clone(), kernel, None).unwrap();
    let bytes = saved::write(&lstm).unwrap();
    let (held, _) = peak(|| saved::read::<Lstm<f32>>(&bytes).unwrap());
    assert!(held < 2 * KERNEL + ROOM, "{held}");
    let file = Temporary::new("saved.safetensors", &bytes);
    let (held, again) = peak(|| saved::load::<Lstm<f32>>(&file.0).unwrap());
    assert!(held < 2 * KERNEL + ROOM, "{held}");
    assert!(again.kernel() == lstm.kernel());
    assert!(again.recurrent_kernel() == lstm.recurrent_kernel());
}
