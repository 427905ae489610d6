//! The names that Keras makes of classes: of layers, and of groups of a tree.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The groups of a tree for layers of these classes: each class counts by itself.
pub fn groups<'a>(classes: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let group = |class: &str| {
        let name = snake_case(match class {
            // It is registered under another name than that of its class.
            "GroupQueryAttention" => "GroupedQueryAttention",
            class => class,
        });
        let count = counts.entry(name.clone()).or_default();
        let group = numbered(&name, *count);
        *count += 1;
        group
    };
    classes.into_iter().map(group).collect()
}

/// `lstm`, `lstm_1`, `lstm_2` …
pub fn numbered(name: &str, number: usize) -> String {
    match number {
        0 => name.into(),
        number => format!("{name}_{number}"),
    }
}

/// The name of a class as Keras makes it: `SimpleRNN` to `simple_rnn`, `Conv1D` to `conv1d`.
pub fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class.chars().collect();
    let mut name = String::new();
    for (i, &letter) in letters.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| letters[i]);
        let next = letters.get(i + 1);
        let starts_word = next.is_some_and(char::is_ascii_lowercase);
        let ends_word = before.is_some_and(|before| before.is_ascii_lowercase());
        if letter.is_ascii_uppercase() && i > 0 && (starts_word || ends_word) {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_groups() {
        for (class, name) in [
            ("LSTM", "lstm"),
            ("SimpleRNN", "simple_rnn"),
            ("StackedRNNCells", "stacked_rnn_cells"),
            ("LSTMCell", "lstm_cell"),
            ("Conv1D", "conv1d"),
            ("GlobalAveragePooling1D", "global_average_pooling1d"),
            ("LeakyReLU", "leaky_re_lu"),
            ("ELU", "elu"),
            ("RNN", "rnn"),
            ("TimeDistributed", "time_distributed"),
        ] {
            assert_eq!(snake_case(class), name);
        }
        let groups = groups(["LSTM", "Dense", "LSTM", "LSTM"]);
        assert_eq!(groups, ["lstm", "dense", "lstm_1", "lstm_2"]);
    }
}
