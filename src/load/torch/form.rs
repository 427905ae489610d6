//! `Form`: the names under which a state dict keeps one weight: its own, or those of the parts that it is made of.

use super::dict::Dict;
use super::weight::Weight;
use crate::error::{Error, Result};
use crate::format::Arrays;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

/// What a weight is made of. The names are those in the state dict.
pub(super) enum Form {
    /// Itself.
    Plain(String),
    /// `weight_norm`: lengths, and directions.
    Normed { g: String, v: String },
    /// Something that is not computed here, and how PyTorch makes a plain weight of it.
    Other {
        name: String,
        what: &'static str,
        remedy: &'static str,
    },
}

/// What `weight_norm` keeps a weight under, in the old form and as a parametrization: a text before its name, and two after.
const NORMED: [(&str, [&str; 2]); 2] = [
    ("", ["_g", "_v"]),
    ("parametrizations.", [".original0", ".original1"]),
];

/// What other ways have: a text before the name of the weight, the one after it, and that of an array beside it.
const OTHERS: [(&str, &str, &str, &str, &str); 6] = [
    (
        "",
        "_orig",
        "_mask",
        "a pruned weight",
        "`torch.nn.utils.prune.remove`",
    ),
    (
        "",
        "_orig",
        "_u",
        "a weight of `spectral_norm`",
        "`torch.nn.utils.remove_spectral_norm`",
    ),
    (
        PARAMETRIZED,
        ".original",
        ".0._u",
        "a weight of `spectral_norm`",
        REMOVE,
    ),
    (
        PARAMETRIZED,
        ".original",
        ".0.base",
        "an orthogonal weight",
        REMOVE,
    ),
    (
        PARAMETRIZED,
        ".original",
        ".original",
        "a parametrized weight",
        REMOVE,
    ),
    (
        PARAMETRIZED,
        ".original2",
        ".original2",
        "a parametrized weight",
        REMOVE,
    ),
];
const PARAMETRIZED: &str = "parametrizations.";
const REMOVE: &str = "`torch.nn.utils.parametrize.remove_parametrizations`";

/// What `WeightDrop` of AWD-LSTM calls the module inside of it.
const INSIDE: &str = "module.";
/// What it keeps the weight under that was not dropped.
const RAW: &str = "_raw";

/// The weights of a module under a prefix, by the names that PyTorch's own modules have for them; other arrays by theirs.
pub(super) fn forms(dict: &Dict, prefix: &str) -> Result<BTreeMap<String, Form>> {
    let all = dict.names()?;
    let own = all.iter().filter_map(|name| name.strip_prefix(prefix));
    let mut names: BTreeMap<String, String> = own
        .map(|name| (name.to_string(), format!("{prefix}{name}")))
        .collect();
    // The dropped weights may lie around the module whose prefix was given, or it may lie in here.
    let around = prefix.strip_suffix(INSIDE).unwrap_or(prefix);
    let raw_around = all.iter().filter_map(|name| {
        let raw = name.strip_prefix(around)?;
        is_raw(raw).then(|| (raw.to_string(), name.clone()))
    });
    names.extend(raw_around);
    let has_raw = names
        .keys()
        .any(|name| is_raw(name.strip_prefix(INSIDE).unwrap_or(name)));
    if has_raw {
        names = names
            .into_iter()
            .map(|(name, full)| match name.strip_prefix(INSIDE) {
                Some(inside) => (inside.to_string(), full),
                None => (name, full),
            })
            .collect();
    }
    Ok(assemble(names))
}

/// Whether it is a weight that is dropped as a module runs.
fn is_raw(name: &str) -> bool {
    name.strip_suffix(RAW).is_some_and(is_weight)
}

/// Whether a recurrent module calls a weight so.
fn is_weight(name: &str) -> bool {
    let kinds = ["weight_ih", "weight_hh", "weight_hr", "bias_ih", "bias_hh"];
    kinds.iter().any(|kind| {
        let rest = name.strip_prefix(kind);
        rest.is_some_and(|rest| rest.is_empty() || (rest.starts_with("_l") && !rest.contains('.')))
    })
}

/// The forms of what has these names.
fn assemble(mut names: BTreeMap<String, String>) -> BTreeMap<String, Form> {
    let mut forms = BTreeMap::new();
    // What was dropped in the last step of training is not the weight.
    for raw in weights_before(&names, "", RAW) {
        if let Some(full) = names.remove(&format!("{raw}{RAW}")) {
            names.remove(&raw);
            forms.insert(raw, Form::Plain(full));
        }
    }
    for (before, after, beside, what, remedy) in OTHERS {
        for weight in weights_before(&names, before, after) {
            let name = |after: &str| format!("{before}{weight}{after}");
            if names.contains_key(&name(beside))
                && let Some(full) = names.remove(&name(after))
            {
                let name = full;
                forms.insert(weight, Form::Other { name, what, remedy });
            }
        }
    }
    for (before, [length, direction]) in NORMED {
        for weight in weights_before(&names, before, direction) {
            if names.contains_key(&weight) || forms.contains_key(&weight) {
                continue;
            }
            let [g, v] = [length, direction].map(|after| format!("{before}{weight}{after}"));
            if let (Some(_), Some(_)) = (names.get(&g), names.get(&v))
                && let (Some(g), Some(v)) = (names.remove(&g), names.remove(&v))
            {
                forms.insert(weight, Form::Normed { g, v });
            }
        }
    }
    forms.extend(
        names
            .into_iter()
            .map(|(name, full)| (name, Form::Plain(full))),
    );
    forms
}

/// The weights whose names have these texts before and after them.
fn weights_before(
    names: &BTreeMap<String, String>,
    before: &str,
    after: &str,
) -> alloc::vec::Vec<String> {
    let weights = names
        .keys()
        .filter_map(|name| name.strip_prefix(before)?.strip_suffix(after));
    weights
        .filter(|weight| is_weight(weight))
        .map(String::from)
        .collect()
}

impl Form {
    /// The arrays, not read yet.
    pub fn weight<'f>(&self, dict: &'f Dict) -> Result<Weight<'f>> {
        match self {
            Form::Plain(name) => Ok(Weight::Plain(dict.tensor(name)?)),
            Form::Normed { g, v } => Weight::normed(dict.tensor(g)?, dict.tensor(v)?),
            Form::Other { name, what, remedy } => {
                let expected =
                    format!("a plain weight, or one of `weight_norm` ({remedy} makes it plain)");
                Err(Error::file(name, expected, what))
            }
        }
    }
}
