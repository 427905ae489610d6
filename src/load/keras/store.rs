//! `Store`: the arrays of a file, found as a model wants them.

use super::context::Layout;
use super::datasets::{Datasets, Lens};
use super::plan::Want;
use super::tree::Tree;
use super::version::Version;
use crate::error::{Error, Result};
use crate::format::RawArray;
use crate::format::hdf5::{File, Object};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::OnceCell;

/// Where a `.h5` has its configuration.
pub(super) const MODEL_CONFIG: &str = "model_config";

/// Where Keras 2.12 to 2.14 kept the layers of a model.
const DEPENDENCIES: &str = "_layer_checkpoint_dependencies";

/// The arrays of a file, or of several that are one: shards.
pub struct Store<'a> {
    files: Vec<File<'a>>,
    lists: Option<String>,
    /// Read when it is asked for first.
    tree: OnceCell<Tree>,
    /// What is read in place of the numbers.
    lens: Option<(Lens, Datasets)>,
}

/// The arrays of one layer, in order: name, and array.
pub type Listed<'f> = (String, Vec<(String, RawArray<'f>)>);

impl<'a> Store<'a> {
    pub fn open(files: Vec<File<'a>>) -> Result<Self> {
        let mut lists = None;
        for file in &files {
            for group in ["/model_weights", "/"] {
                if let Some(object) = file.find(group)?
                    && lists.is_none()
                    && object.is_group()
                    && object.texts("layer_names")?.is_some()
                {
                    lists = Some(group.to_string());
                }
            }
        }
        Ok(Store {
            files,
            lists,
            tree: OnceCell::new(),
            lens: None,
        })
    }

    /// The same arrays with the numbers that are seen through a lens.
    pub fn through(mut self, lens: Option<Lens>) -> Result<Self> {
        if let Some(lens) = lens {
            self.lens = Some((lens, Datasets::of(&self.files)?));
        }
        Ok(self)
    }

    /// The array that an object of a file is.
    fn array<'f>(&'f self, file: usize, object: &Object<'f, 'a>) -> Result<RawArray<'f>> {
        let array = object.tensor()?;
        match &self.lens {
            Some((lens, datasets)) => Ok(datasets.seen(file, object, array, *lens)?),
            None => Ok(array),
        }
    }

    /// Where the lists of the layers are.
    fn lists(&self) -> Result<Option<Object<'_, 'a>>> {
        let (Some(group), Some(file)) = (&self.lists, self.files.first()) else {
            return Ok(None);
        };
        Ok(Some(file.object(group)?))
    }

    /// The group of the file's variables of an optimizer, if it has any, with the number of its file.
    pub fn optimizer(&self) -> Result<Option<(usize, &'static str)>> {
        let name = match self.lists.as_deref() {
            None => "optimizer",
            Some("/model_weights") => "optimizer_weights",
            // Every group is a layer.
            Some(_) => return Ok(None),
        };
        for (number, file) in self.files.iter().enumerate() {
            if file.find(name)?.is_some_and(|object| object.is_group()) {
                return Ok(Some((number, name)));
            }
        }
        Ok(None)
    }

    /// Its files.
    pub fn files(&self) -> &[File<'a>] {
        &self.files
    }

    pub fn layout(&self) -> Result<Layout> {
        if self.lists.is_some() {
            return Ok(Layout::Lists);
        }
        let tree = self.tree()?;
        if !tree.arrays().any(|path| path.starts_with(DEPENDENCIES)) {
            return Ok(Layout::Tree);
        }
        let mut filled = BTreeSet::new();
        for path in tree.arrays() {
            let parts: Vec<&str> = path.split('/').collect();
            let groups = parts.windows(2).filter(|pair| pair[0] == DEPENDENCIES);
            filled.extend(groups.map(|pair| pair.join("/")));
        }
        Ok(Layout::Dependencies(filled.into_iter().collect()))
    }

    /// The text of an attribute: of the lists, or of the file.
    pub fn text(&self, name: &str) -> Result<Option<String>> {
        let root = self.files.first().map(File::root).transpose()?;
        for object in self.lists()?.into_iter().chain(root) {
            if let Some(text) = object.text(name)? {
                return Ok(Some(text.to_string()));
            }
        }
        Ok(None)
    }

    /// Which Keras wrote the file, if it says so; lists that do not say are those of Keras 1.
    pub fn version(&self) -> Result<Option<Version>> {
        match self.text("keras_version")? {
            Some(text) => text.parse().map(Some),
            None => Ok(self.lists.is_some().then(Version::first)),
        }
    }

    /// The arrays of every layer, in the order of the file.
    pub fn listed(&self) -> Result<Vec<Listed<'_>>> {
        let Some(lists) = self.lists()? else {
            return Ok(Vec::new());
        };
        let mut names = lists.texts("layer_names")?.unwrap_or_default();
        if lists.find(TOP_LEVEL)?.is_some() {
            names.push(TOP_LEVEL);
        }
        let mut layers = Vec::new();
        for name in names {
            let group = lists.object(name)?;
            let mut arrays = Vec::new();
            for weight in group.texts("weight_names")?.unwrap_or_default() {
                arrays.push((weight.to_string(), self.array(0, &group.object(weight)?)?));
            }
            layers.push((name.to_string(), arrays));
        }
        Ok(layers)
    }

    fn tree(&self) -> Result<&Tree> {
        if let Some(tree) = self.tree.get() {
            return Ok(tree);
        }
        let tree = Tree::read(&self.files)?;
        Ok(self.tree.get_or_init(|| tree))
    }

    /// The paths of all arrays of a tree.
    pub fn paths(&self) -> Result<BTreeSet<String>> {
        Ok(self.tree()?.arrays().map(ToString::to_string).collect())
    }

    /// The array or the group at a path of a tree, however the files spell it, and the file that it is in.
    fn find(&self, path: &str) -> Result<Option<(usize, Object<'_, 'a>)>> {
        let in_files = |path: &str| {
            for (number, file) in self.files.iter().enumerate() {
                if let Some(object) = file.find(path)? {
                    return Ok(Some((number, object)));
                }
            }
            Ok(None)
        };
        match in_files(path)? {
            Some(object) => Ok(Some(object)),
            None => self.tree()?.spelled(path).map_or(Ok(None), in_files),
        }
    }

    /// The array at a path of a tree.
    pub fn at(&self, path: &str) -> Result<Option<RawArray<'_>>> {
        let found = self.find(path)?;
        let array = found.map(|(file, object)| self.array(file, &object));
        array.transpose()
    }

    /// The name of the layer whose group this is, if the tree says it.
    pub fn name_of(&self, group: &str) -> Result<Option<String>> {
        let Some((_, vars)) = self.find(&format!("{group}/vars"))? else {
            return Ok(None);
        };
        Ok(vars.text("name")?.map(ToString::to_string))
    }

    /// The arrays that a model wants, in that order and of those shapes. Refuses arrays that it does not want.
    pub fn tensors(&self, wants: &[Want], names: &[(String, String)]) -> Result<Vec<RawArray<'_>>> {
        if self.lists.is_some() {
            return self.listed_tensors(wants);
        }
        for (group, name) in names {
            match self.name_of(group)? {
                Some(found) if found != *name => {
                    let expected = format!("the weights of the layer {name:?}");
                    return Err(Error::file(group, expected, format!("those of {found:?}")));
                }
                _ => {}
            }
        }
        let mut unused = self.paths()?;
        let mut tensors = Vec::new();
        for want in wants {
            if let Some(every) = &want.every {
                let paths = below(&want.path, &unused);
                let name = |path: &String| path[want.path.len()..].to_string();
                let _ = every.names.set(paths.iter().map(name).collect());
                for path in paths {
                    tensors.extend(self.at(&path)?);
                    unused.remove(&path);
                }
                continue;
            }
            unused.remove(&want.path);
            let place = format!("{}: {} ({})", want.part, want.name, want.path);
            let tensor = self.at(&want.path)?;
            let tensor = tensor.ok_or_else(|| Error::file(&place, shape(&want.shape), "none"))?;
            check_shape(&want.shape, &place, &tensor)?;
            tensors.push(tensor);
        }
        let is_of_layer = |path: &&String| {
            let first = path.split(['/', '\\']).next();
            let of_model = matches!(first, Some("layers" | "vars" | DEPENDENCIES));
            of_model && !path.split('/').any(|part| part == "seed_generator")
        };
        match unused.iter().find(is_of_layer) {
            Some(path) => Err(unwanted(path)),
            None => Ok(tensors),
        }
    }

    fn listed_tensors(&self, wants: &[Want]) -> Result<Vec<RawArray<'_>>> {
        let mut layers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, want) in wants.iter().enumerate() {
            layers.entry(&want.top).or_default().push(at);
        }
        let mut tensors: Vec<Vec<RawArray>> = wants.iter().map(|_| Vec::new()).collect();
        let listed = self.listed()?;
        let renumbered = renumbered(&listed, wants);
        for (name, mut arrays) in listed {
            let of = renumbered.get(&name).map_or(name.as_str(), String::as_str);
            let wanted = layers.remove(of).unwrap_or_default();
            let (own, wanted): (Vec<usize>, Vec<usize>) = wanted
                .into_iter()
                .partition(|&at| wants[at].every.is_some());
            for (at, every) in own
                .iter()
                .filter_map(|&at| Some((at, wants[at].every.as_ref()?)))
            {
                let alone = wanted.is_empty() && own.len() == 1;
                let is_of = |array: &str| alone || array.split('/').any(|part| part == every.layer);
                let (taken, rest): (Vec<_>, Vec<_>) =
                    arrays.into_iter().partition(|(array, _)| is_of(array));
                arrays = rest;
                let (names, taken): (Vec<String>, Vec<RawArray>) = taken.into_iter().unzip();
                let _ = every.names.set(names);
                tensors[at] = taken;
            }
            for (at, tensor) in in_order((name, arrays), wants, wanted)? {
                tensors[at].push(tensor);
            }
        }
        let missing = |want: &Want| Error::file(&want.part, "its weights in the file", "none");
        let mut found = tensors.iter().zip(wants);
        match found.find(|(tensors, want)| tensors.is_empty() && want.every.is_none()) {
            Some((_, want)) => Err(missing(want)),
            None => Ok(tensors.into_iter().flatten().collect()),
        }
    }
}

/// The paths in a group, in the order of their names, but of numbers where there are some.
fn below(group: &str, paths: &BTreeSet<String>) -> Vec<String> {
    let is_inside = |path: &&String| {
        path.starts_with(group) && !path.split('/').any(|part| part == "seed_generator")
    };
    let mut inside: Vec<String> = paths.iter().filter(is_inside).cloned().collect();
    let order = |path: &String| {
        let (before, last) = path.rsplit_once('/').unwrap_or(("", path));
        (
            before.to_string(),
            last.parse::<usize>().unwrap_or(usize::MAX),
        )
    };
    inside.sort_by_cached_key(order);
    inside
}

/// The arrays of a list, each with the place of the want that it is for: those of `wanted`.
pub fn in_order<'f>(
    (name, arrays): Listed<'f>,
    wants: &[Want],
    mut wanted: Vec<usize>,
) -> Result<Vec<(usize, RawArray<'f>)>> {
    // What is trained comes first.
    wanted.sort_by_key(|&at| !wants[at].trainable);
    if let Some((array, _)) = arrays.get(wanted.len()) {
        return Err(unwanted(&format!("{name}: {array}")));
    }
    let mut arrays = arrays.into_iter();
    let mut tensors = Vec::new();
    for at in wanted {
        let want = &wants[at];
        let missing = || {
            let place = format!("{}: {}", want.part, want.name);
            Error::file(place, shape(&want.shape), "none")
        };
        let (array, tensor) = arrays.next().ok_or_else(missing)?;
        let place = format!("{}: {} ({array})", want.part, want.name);
        check_name(want, &place, &array)?;
        check_shape(&want.shape, &place, &tensor)?;
        tensors.push((at, tensor));
    }
    Ok(tensors)
}

/// What the layers of a file are called in a model that was made anew: Keras numbers layers as a process makes them, so that
/// `embedding_3` may be `embedding` there. As in Keras the order tells which is which; the kinds must agree. Empty if the
/// names are those of the model.
fn renumbered(listed: &[Listed], wants: &[Want]) -> BTreeMap<String, String> {
    let filled = listed.iter().filter(|(_, arrays)| !arrays.is_empty());
    let filled: Vec<&str> = filled.map(|(name, _)| name.as_str()).collect();
    let mut wanted: Vec<&str> = Vec::new();
    for want in wants {
        if !wanted.contains(&want.top.as_str()) {
            wanted.push(&want.top);
        }
    }
    let stem = |name: &str| {
        let kind = name.rsplit_once('_').filter(|(_, number)| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        kind.map_or(name, |(kind, _)| kind).to_string()
    };
    let agree = filled.len() == wanted.len()
        && filled
            .iter()
            .zip(&wanted)
            .all(|(&file, &model)| stem(file) == stem(model));
    if !agree || filled.iter().all(|name| wanted.contains(name)) {
        return BTreeMap::new();
    }
    let pairs = filled.into_iter().zip(wanted);
    pairs
        .map(|(file, model)| (file.to_string(), model.to_string()))
        .collect()
}

/// Weights of the model itself and of no layer.
const TOP_LEVEL: &str = "top_level_model_weights";

fn unwanted(what: &str) -> Error {
    let expected = "only weights that the model uses";
    Error::file(what, expected, "an array that no layer takes")
}

/// `(3, any, 16)`
fn shape(shape: &[Option<usize>]) -> String {
    let axis = |axis: &Option<usize>| axis.map_or("any".to_string(), |len| len.to_string());
    let axes: Vec<String> = shape.iter().map(axis).collect();
    format!("the shape ({})", axes.join(", "))
}

/// Refuses an array of another shape.
pub fn check_shape(want: &[Option<usize>], place: &str, tensor: &RawArray) -> Result<()> {
    let found = tensor.shape();
    let fits = |(want, found): (&Option<usize>, &usize)| want.is_none_or(|want| want == *found);
    if found.len() == want.len() && want.iter().zip(found).all(fits) {
        return Ok(());
    }
    let found: Vec<Option<usize>> = found.iter().copied().map(Some).collect();
    Err(Error::file(place, shape(want), shape(&found)))
}

/// What Keras 2 and 3 call the arrays of the layers that this crate has.
const NAMES: [&str; 10] = [
    "kernel",
    "recurrent_kernel",
    "bias",
    "embeddings",
    "gamma",
    "beta",
    "moving_mean",
    "moving_variance",
    "scale",
    "concat_score_weight",
];

/// Refuses an array that is called what another one is called. Other names say nothing.
fn check_name(want: &Want, place: &str, array: &str) -> Result<()> {
    check_direction(want, place, array)?;
    let name = base_name(array);
    if name == want.name || !NAMES.contains(&name) || !NAMES.contains(&want.name) {
        return Ok(());
    }
    Err(Error::file(
        place,
        format!("the {}", want.name),
        format!("the {name}"),
    ))
}

/// Refuses an array of the other direction of a `Bidirectional`. Keras 2 writes what is trained first, and when only one
/// direction is, the configuration does not say so: Keras itself reads such a file with the directions changed over.
fn check_direction(want: &Want, place: &str, array: &str) -> Result<()> {
    let group = want.path.split('/').rev().find_map(|group| match group {
        "forward_layer" => Some(("forward", "backward")),
        "backward_layer" => Some(("backward", "forward")),
        _ => None,
    });
    let Some((direction, other)) = group else {
        return Ok(());
    };
    let says = |direction: &str| {
        let is_of = |part: &str| {
            let rest = part.strip_prefix(direction);
            rest.is_some_and(|rest| rest.starts_with('_'))
        };
        array.split('/').any(is_of)
    };
    if !says(other) || says(direction) {
        return Ok(());
    }
    let expected = format!("an array of the {direction} layer");
    Err(Error::file(
        place,
        expected,
        format!("one of the {other} layer"),
    ))
}

/// `lstm/lstm_cell/kernel_1:0` is a `kernel`.
pub fn base_name(array: &str) -> &str {
    let name = array.rsplit('/').next().unwrap_or(array);
    let name = name.split(':').next().unwrap_or(name);
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    match stem.strip_suffix('_') {
        Some(stem) if stem.len() + 1 < name.len() => stem,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_names() {
        for (array, name) in [
            ("lstm_1/kernel:0", "kernel"),
            (
                "sequential/lstm/lstm_cell/recurrent_kernel",
                "recurrent_kernel",
            ),
            ("dense/bias_2:0", "bias"),
            ("lstm_1_W_i", "lstm_1_W_i"),
            ("dense_1", "dense"),
        ] {
            assert_eq!(base_name(array), name);
        }
    }
}
