//! What stands in whole files of Keras: members of archives, attributes of HDF5 files.

use miniz_oxide::inflate::decompress_to_vec;

/// A number of two or four bytes.
fn number(bytes: &[u8], at: usize, width: usize) -> usize {
    let bytes = bytes[at..at + width].iter().rev();
    bytes.fold(0, |number, &byte| number << 8 | usize::from(byte))
}

/// The bytes of a member of an archive.
#[track_caller]
pub fn member(archive: &[u8], name: &str) -> Vec<u8> {
    let end = archive.windows(4).rposition(|four| four == b"PK\x05\x06");
    let end = end.expect("an archive");
    let mut entry = number(archive, end + 16, 4);
    while archive[entry..].starts_with(b"PK\x01\x02") {
        let [name_bytes, extra, comment] = [28, 30, 32].map(|at| number(archive, entry + at, 2));
        if &archive[entry + 46..][..name_bytes] == name.as_bytes() {
            let [packed, local] = [20, 42].map(|at| number(archive, entry + at, 4));
            let [names, extra] = [26, 28].map(|at| number(archive, local + at, 2));
            let packed = &archive[local + 30 + names + extra..][..packed];
            return match number(archive, entry + 10, 2) {
                0 => packed.to_vec(),
                _ => decompress_to_vec(packed).unwrap(),
            };
        }
        entry += 46 + name_bytes + extra + comment;
    }
    panic!("no {name}");
}

/// The text of a member of an archive.
#[track_caller]
pub fn text(archive: &[u8], name: &str) -> String {
    String::from_utf8(member(archive, name)).unwrap()
}

/// The text of an attribute at the root of a file as h5py writes it, whose name has 9 to 15 letters.
pub fn attribute(file: &[u8], name: &str) -> Option<String> {
    let named = format!("{name}\0");
    let found = file
        .windows(named.len())
        .position(|part| part == named.as_bytes())?;
    // The name, the type of texts of any length, the shape of one; then the length, and a place in a heap.
    let value = found + 16 + 24 + 8;
    let (length, mut at) = (number(file, value, 4), number(file, value + 4, 4));
    let index = number(file, value + 12, 4);
    assert!(
        file[at..].starts_with(b"GCOL"),
        "{name} is written in another way"
    );
    at += 16;
    while number(file, at, 2) != index {
        at += 16 + number(file, at + 8, 4).next_multiple_of(8);
    }
    Some(String::from_utf8(file[at + 16..][..length].to_vec()).unwrap())
}
