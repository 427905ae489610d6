//! HDF5: what h5py writes, in its earliest and its latest format, is read as h5py reads it.

use super::File;
use crate::Limits;
use crate::format::Arrays;
use crate::format::tests::listing;
use crate::format::tests::support::{files, get, json, read, says};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::collections::BTreeSet;
use std::format;

/// Calls `check` with an opened file of `tests/`.
fn open(name: &str, check: impl FnOnce(&File)) {
    let bytes = read(name);
    check(&File::open(&bytes, &Limits::default()).unwrap());
}

#[test]
fn arrays_are_those_of_h5py() {
    for name in files("data/format", ".h5") {
        let name = format!("data/format/{name}");
        open(&name, |file| listing::check(&format!("{name}.json"), file));
    }
}

#[test]
fn attributes_are_those_of_h5py() {
    let mut checked = 0;
    for name in files("data/format", ".h5") {
        let listing = json(&format!("data/format/{name}.json"));
        open(&format!("data/format/{name}"), |file| {
            for (key, expected) in listing["attributes"].as_object().unwrap() {
                let (path, attribute) = key.split_once('@').unwrap();
                let object = file.object(path).unwrap();
                let texts = object.texts(attribute).unwrap().unwrap();
                assert_eq!(serde_json::Value::from(texts), *expected, "{name}: {key}");
                assert!(
                    object.attributes().unwrap().contains(&attribute),
                    "{name}: {key}"
                );
                checked += 1;
            }
        });
    }
    assert!(checked > 300, "{checked}");
}

#[test]
fn split_attributes_are_joined_in_the_order_of_their_numbers() {
    for age in ["earliest", "v110", "latest"] {
        open(&format!("data/format/texts_{age}.h5"), |file| {
            let names = file
                .object("split")
                .unwrap()
                .texts("weight_names")
                .unwrap()
                .unwrap();
            let expected =
                (0..12).flat_map(|i| ["kernel", "bias"].map(|w| format!("part{i}/{w}:0")));
            assert_eq!(names, expected.collect::<Vec<_>>());
            let root = file.root().unwrap();
            assert_eq!(root.text("keras_version").unwrap(), Some("3.15.1"));
            assert_eq!(root.texts("weight_names").unwrap(), None);
            let number = root.attribute("number").unwrap().unwrap();
            assert_eq!(number.tensor().unwrap().read_integers().unwrap(), [7]);
            says(
                number.texts(),
                &["attribute \"number\"", "expected strings", "numbers"],
            );
            says(
                root.text("names"),
                &["/: attribute \"names\"", "one string", "4"],
            );
        });
    }
}

#[test]
fn a_walk_ends_where_groups_contain_themselves() {
    for age in ["earliest", "v110", "latest"] {
        open(&format!("data/format/groups_{age}.h5"), |file| {
            let names = file.names().unwrap();
            assert_eq!(
                names
                    .iter()
                    .filter(|name| name.starts_with("/wide/link_"))
                    .count(),
                1500
            );
            let deep: Vec<_> = (0..20).map(|i| format!("/level_{i}")).collect();
            let deep = deep.concat();
            // By way of the other name, and of the cycle.
            let round = format!(
                "/again/up/level_0{}/value",
                deep.strip_prefix("/level_0").unwrap()
            );
            let direct = get::<f64>(file, &format!("{deep}/value")).unwrap();
            assert_eq!(get::<f64>(file, &round).unwrap(), direct);
        });
    }
}

#[test]
fn paths_lead_to_what_is_there() {
    open("data/format/kinds_latest.h5", |file| {
        assert!(file.find("kinds/no").unwrap().is_none());
        assert!(file.find("kinds/scalar/below").unwrap().is_none());
        assert!(file.find("no/scalar").unwrap().is_none());
        says(
            file.object("kinds/no").map(drop),
            &["\"kinds/no\"", "expected", "none"],
        );
        says(
            get::<f32>(file, "kinds"),
            &["/kinds", "an array", "a group"],
        );
        says(
            get::<f32>(file, "kinds/big_i4"),
            &["/kinds/big_i4", "int32", "floating-point"],
        );
        says(
            file.tensor("kinds/f2").unwrap().read_integers(),
            &["float16", "whole numbers"],
        );
        let group = file.object("/kinds//").unwrap();
        assert!(group.is_group() && group.children().unwrap().contains(&"scalar"));
        assert_eq!(group.object("scalar").unwrap().path(), "/kinds/scalar");
    });
}

#[test]
fn a_user_block_may_stand_in_front() {
    open("data/format/user_block.h5", |file| {
        assert_eq!(get::<f32>(file, "kernel").unwrap().len(), 12);
        assert_eq!(file.tensor("kernel").unwrap().shape(), [3, 4]);
    });
}

/// What the message about an array that cannot be overwritten says.
const REFUSED: [&str; 4] = [
    "found numbers in chunks with filters (",
    "found numbers in a header that has a checksum, expected numbers that can be overwritten in their place",
    "expected an array of numbers",
    "expected a hard link",
];

/// Every array in every layout takes other numbers in its place, and no other array changes; or says why it cannot.
#[test]
fn numbers_are_overwritten_in_their_place() {
    let (mut written, mut refused) = (0, BTreeSet::new());
    for name in ["layouts", "kinds"] {
        for age in ["earliest", "v110", "latest"] {
            let bytes = read(&format!("data/format/{name}_{age}.h5"));
            let file = File::open(&bytes, &Limits::default()).unwrap();
            let all = |bytes: &[u8]| -> Vec<(String, Option<Vec<f64>>)> {
                let file = File::open(bytes, &Limits::default()).unwrap();
                let names = file.names().unwrap().into_iter();
                names
                    .map(|name| {
                        let read = file.tensor(&name).and_then(|array| array.read());
                        (name, read.ok())
                    })
                    .collect()
            };
            let before = all(&bytes);
            for (path, numbers) in &before {
                let Some(numbers) = numbers else {
                    continue;
                };
                let place = match file.object(path).unwrap().place() {
                    Ok(place) => place,
                    Err(error) => {
                        let message = error.to_string();
                        assert!(
                            REFUSED.iter().any(|says| message.contains(says)),
                            "{message}"
                        );
                        refused.insert(message);
                        continue;
                    }
                };
                let mut copy = bytes.clone();
                let mut expected = before.clone();
                let changed = expected
                    .iter_mut()
                    .find(|(other, _)| other == path)
                    .unwrap();
                for index in 0..numbers.len() {
                    #[allow(clippy::cast_precision_loss)]
                    let x = (index % 100) as f64;
                    // Whatever has no numbers, as a boolean, stays.
                    if let Some(read) = place.overwrite(&mut copy, index, x) {
                        assert!(read.total_cmp(&x).is_eq(), "{path}");
                        changed.1.as_mut().unwrap()[index] = x;
                    }
                }
                assert!(place.overwrite(&mut copy, numbers.len(), 0.0).is_none());
                assert_eq!(copy.len(), bytes.len());
                let equal = all(&copy).iter().zip(&expected).all(|(found, expected)| {
                    let bits = |x: &Option<Vec<f64>>| -> Option<Vec<u64>> {
                        Some(x.as_ref()?.iter().map(|x| x.to_bits()).collect())
                    };
                    bits(&found.1) == bits(&expected.1)
                });
                assert!(equal, "{name}_{age}: {path}");
                written += 1;
            }
        }
    }
    assert!(written > 40, "{written}");
    assert!(refused.len() > 3, "{refused:?}");
}

/// Each of many links in a table goes, and all others stay.
#[test]
fn a_link_is_removed_in_its_place() {
    let bytes = read("data/format/groups_earliest.h5");
    let file = File::open(&bytes, &Limits::default()).unwrap();
    let group = file.object("wide").unwrap();
    assert!(group.unlink("no").unwrap().is_none());
    let names = group.children().unwrap();
    for gone in names.iter().step_by(7) {
        let mut copy = bytes.clone();
        for edit in group.unlink(gone).unwrap().unwrap() {
            copy[edit.at..][..edit.bytes.len()].copy_from_slice(&edit.bytes);
        }
        let copy = File::open(&copy, &Limits::default()).unwrap();
        let left = copy.object("wide").unwrap();
        let expected: Vec<_> = names.iter().filter(|name| *name != gone).collect();
        assert!(left.children().unwrap().iter().eq(expected), "{gone}");
    }
    open("data/format/groups_latest.h5", |file| {
        let group = file.object("wide").unwrap();
        let name = group.children().unwrap()[0];
        let error = group.unlink(name).map(drop).unwrap_err().to_string();
        let expected = format!(
            "/wide: HDF5 symbol table: found a group of the second generation, expected a table of links from which {name:?} \
             can be removed in its place"
        );
        assert_eq!(error, expected);
    });
}
