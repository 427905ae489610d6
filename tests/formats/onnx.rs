//! `recurrent::onnx`: what reading a large file takes. The format itself is checked beside its code.

/// A field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        field.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    field.push(u8::try_from(length).unwrap());
    field.extend(bytes);
    field
}

/// A large file stays on disk: what is read of it is packed array by array. The layer takes what the node has.
#[test]
fn arrays_of_a_large_file_are_in_memory_once() {
    const N: usize = 256;
    let rows = 4 * N;
    let array = |name: &[u8]| {
        let numbers: Vec<u8> = (0..rows * N).flat_map(|_| 0.5_f32.to_le_bytes()).collect();
        let dims = [0x08, 1, 0x08, 0x80, 8, 0x08, 0x80, 2, 0x10, 1];
        field(
            5,
            &[&dims[..], &field(8, name), &field(9, &numbers)].concat(),
        )
    };
    let names = [&b"X"[..], b"W", b"R"].map(|name| field(1, name));
    let node = [names.concat(), field(2, b"Y"), field(4, b"LSTM")].concat();
    let model = [field(1, &node), array(b"W"), array(b"R")].concat();
    let path = std::env::temp_dir().join(format!("recurrent-peak-{}.onnx", std::process::id()));
    std::fs::write(&path, field(7, &model)).unwrap();
    let arrays = 2 * rows * N * 4;
    let (opening, file) = crate::memory::peak(|| recurrent::onnx::File::load(&path).unwrap());
    assert!(opening < arrays / 4, "opening took {opening}");
    let (reading, node) = crate::memory::peak(|| file.only::<f32>().unwrap());
    assert!(
        reading < arrays / 10 * 17,
        "a node of {arrays} bytes took {reading}"
    );
    let (making, layer) = crate::memory::peak(|| node.lstm::<recurrent::Lstm<f32>>().unwrap());
    assert!(making < 4096, "a layer of {arrays} bytes took {making}");
    drop((file, layer));
    std::fs::remove_file(&path).unwrap();
}
