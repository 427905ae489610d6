//! `Tree`: the paths of all arrays of files that are a tree of groups, as Keras means them.

use crate::error::Result;
use crate::format::hdf5::File;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// The paths of a tree as Keras means them, `layers/lstm/cell/vars/0`, and the paths that the files have for them.
///
/// They differ where Keras 2.12 to 2.15 ran on Windows: it joined the names of groups by a backslash, so that
/// `layers\lstm\cell` is the name of one group. And the projections of a `MultiHeadAttention` are in `_query_dense` and so on in files of
/// Keras 2, and in `query_dense` in those of Keras 3.
pub struct Tree {
    arrays: BTreeMap<String, String>,
    groups: BTreeMap<String, String>,
}

impl Tree {
    pub fn read(files: &[File]) -> Result<Self> {
        let (mut arrays, mut groups) = (Vec::new(), BTreeMap::new());
        for file in files {
            file.walk(|object| {
                let path = object.path().trim_start_matches('/');
                if object.is_group() {
                    let meant = plain(path);
                    if meant != path {
                        groups.entry(meant).or_insert_with(|| path.to_owned());
                    }
                } else {
                    arrays.push(path.to_owned());
                }
                Ok(())
            })?;
        }
        Ok(Tree {
            arrays: meant(arrays),
            groups,
        })
    }

    /// The arrays, in the order of their paths as Keras means them.
    pub fn arrays(&self) -> impl Iterator<Item = &str> {
        self.arrays.keys().map(String::as_str)
    }

    /// What the files call the array or the group that Keras means by this path.
    pub fn spelled(&self, path: &str) -> Option<&str> {
        let found = self.arrays.get(path).or_else(|| self.groups.get(path));
        found.map(String::as_str)
    }
}

/// The groups of Keras 3 whose names Keras 2 began with an underscore.
const PROJECTIONS: [&str; 4] = ["query_dense", "key_dense", "value_dense", "output_dense"];

/// A path with the names of Keras 3 between slashes.
fn plain(path: &str) -> String {
    let path = path.replace('\\', "/");
    if !path.contains("/_") {
        return path;
    }
    let group = |name| match str::strip_prefix(name, "_") {
        Some(public) if PROJECTIONS.contains(&public) => public,
        _ => name,
    };
    path.split('/').map(group).collect::<Vec<_>>().join("/")
}

/// What is meant by these paths. If two groups of arrays are meant by one path, then the one that is spelled with fewer
/// backslashes has it. The other one keeps its spelling: its backslash may be part of a name.
fn meant(mut arrays: Vec<String>) -> BTreeMap<String, String> {
    arrays.sort_by_cached_key(|path| path.matches('\\').count());
    let mut spellings: BTreeMap<String, String> = BTreeMap::new();
    let mut all = BTreeMap::new();
    for path in arrays {
        let plain = plain(&path);
        let (group, _) = plain.rsplit_once('/').unwrap_or(("", &plain));
        // The name of the array itself is spelled in one way only.
        let spelling = &path[..path.len() - (plain.len() - group.len())];
        let first = spellings
            .entry(group.to_owned())
            .or_insert_with(|| spelling.to_owned());
        let key = if first == spelling {
            plain
        } else {
            path.clone()
        };
        all.insert(key, path);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(paths: &[&str]) -> Vec<(String, String)> {
        let paths = paths.iter().map(|&path| path.to_owned()).collect();
        meant(paths).into_iter().collect()
    }

    #[test]
    fn backslashes_are_slashes() {
        let pair = |meant: &str, path: &str| (meant.to_owned(), path.to_owned());
        assert_eq!(
            of(&[r"layers\a\cell/vars/0", r"layers/b\cell/vars/0", "vars/0"]),
            [
                pair("layers/a/cell/vars/0", r"layers\a\cell/vars/0"),
                pair("layers/b/cell/vars/0", r"layers/b\cell/vars/0"),
                pair("vars/0", "vars/0"),
            ]
        );
    }

    #[test]
    fn projections_have_the_names_of_keras_3() {
        let path = r"layers\mha/_query_dense/vars/0";
        let meant = "layers/mha/query_dense/vars/0";
        assert_eq!(of(&[path]), [(meant.to_owned(), path.to_owned())]);
        let other = "layers/mha/_softmax/vars/0";
        assert_eq!(of(&[other]), [(other.to_owned(), other.to_owned())]);
    }

    #[test]
    fn a_backslash_is_part_of_a_name_if_both_spellings_are_there() {
        let both = [
            r"layers/a\b/vars/0",
            r"layers/a\b/vars/1",
            "layers/a/b/vars/0",
        ];
        let pairs = of(&both);
        assert!(pairs.iter().all(|(meant, path)| meant == path), "{pairs:?}");
        assert_eq!(pairs.len(), 3);
    }
}
