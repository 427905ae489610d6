//! Parts of files, small and large.

use super::*;
use alloc::format;
use std::fs;

/// Numbers that tell where they stand.
fn content(len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| ((i / 251 + i) % 256).to_le_bytes()[0])
        .collect()
}

fn pages(name: &str, content: &[u8], signature: &[u8]) -> Pages {
    let name = format!("recurrent-pages-{}-{name}", std::process::id());
    let path = std::env::temp_dir().join(name);
    fs::write(&path, content).unwrap();
    let pages = Pages::open(&path, u64::MAX, &[signature]).unwrap();
    let _ = fs::remove_file(&path); // most systems let go of an open file
    pages
}

#[test]
fn parts_of_a_large_file() {
    let content = content(40 * PAGE + 1234);
    let pages = pages("large", &content, &content[..8]);
    assert!(pages.whole().is_none());
    let end = content.len();
    let parts = [
        (0, 8),
        (7, PAGE - 7),
        (PAGE - 1, 2),
        (3 * PAGE, 3 * PAGE),
        (9, 0),
    ];
    let ends = [
        (end - 1, 1),
        (end - PAGE - 3, PAGE + 3),
        (end, 0),
        (PAGE - 1, 2),
    ];
    for (start, length) in parts.into_iter().chain(ends) {
        let found = pages.get(start, length).unwrap().unwrap();
        assert!(found == &content[start..start + length], "{start} {length}");
    }
    for (start, length) in [(end, 1), (end + 1, 0), (1, end), (usize::MAX, 2)] {
        assert!(
            pages.get(start, length).unwrap().is_none(),
            "{start} {length}"
        );
    }
    let mut passed = Vec::new();
    let to = |bytes: &[u8]| passed.extend_from_slice(bytes);
    pages.pass(5, 3 * PAGE + 77, 1000, to).unwrap();
    assert!(passed == content[5..3 * PAGE + 82] && pages.whole().is_none());
    assert!(pages.pass(end - 1, 2, PAGE, |_| ()).is_err());
    // More and more runs: at last the file is read as a whole, and none has moved.
    let first = pages.get(0, 8).unwrap().unwrap();
    for last in 2..40 {
        let found = pages.get(0, last * PAGE).unwrap().unwrap();
        assert!(found == &content[..last * PAGE], "{last}");
    }
    assert!(pages.whole().unwrap() == content && first == &content[..8]);
}

#[test]
fn small_files_and_others_are_read_at_once() {
    let large = content(2 << 20);
    assert!(
        pages("other", &large, b"another signature")
            .whole()
            .unwrap()
            == large
    );
    assert!(pages("small", &large[..4000], &large[..8]).whole().unwrap() == &large[..4000]);
    assert!(pages("empty", &[], b"some").whole().unwrap().is_empty());
}
