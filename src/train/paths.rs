//! Which weights a name selects.

use alloc::vec::Vec;

/// Whether a name selects the weight at this path: the names between its slashes stand in the path, one after the other.
/// So `"head"` selects `head/kernel` and `model/head/kernel`, `"bias"` every bias, and `"head/bias"` the bias of `head`. A name
/// that begins with a slash is a whole path: `"/head/bias"` selects `head/bias` alone.
pub(crate) fn selects(name: &str, path: &str) -> bool {
    if let Some(whole) = name.strip_prefix('/') {
        return whole == path;
    }
    let names: Vec<&str> = name.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    path.windows(names.len()).any(|part| part == names)
}

#[cfg(test)]
mod tests {
    use super::selects;

    #[test]
    fn a_name_selects_whole_names_of_a_path() {
        for (name, path, expected) in [
            ("head", "head/kernel", true),
            ("head", "model/head/kernel", true),
            ("head", "head2/kernel", false),
            ("bias", "lstm/bias", true),
            ("bias", "bias", true),
            ("lstm/bias", "encoder/lstm/bias", true),
            ("lstm/bias", "lstm/forward/bias", false),
            ("a/b/c", "a/b", false),
            ("", "lstm/bias", false),
            ("/head/bias", "head/bias", true),
            ("/head/bias", "model/head/bias", false),
            ("/head", "head/bias", false),
        ] {
            assert_eq!(selects(name, path), expected, "{name} in {path}");
        }
    }
}
