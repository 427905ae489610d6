//! The list of classes in the documentation against the table.

use super::layers::reader;
use alloc::vec::Vec;

#[test]
fn every_class_in_the_documentation_has_a_reader() {
    let page = include_str!("mod.rs");
    let mut parts = page.split("//! # ");
    let list = parts.find(|part| part.starts_with("Layers")).unwrap();
    let names: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        let is_layer = name.starts_with(char::is_uppercase) && !name.contains("Cell");
        if is_layer && name != "Sequential" {
            assert!(reader::<f32>(name).is_some(), "{name}");
        }
    }
    for name in ["Lambda", "LSTMCell", "GRUV2", "lstm", ""] {
        assert!(reader::<f32>(name).is_none(), "{name}");
    }
}
