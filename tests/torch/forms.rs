//! The forms in which PyTorch keeps a weight. What the layers compute is held in `golden`.

use crate::file;
use crate::says::says;
use recurrent::Lstm;
use recurrent::torch::File;

/// An LSTM of 3 features and 5 units with these arrays for its recurrent weight.
fn lstm(arrays: &[(&'static str, &'static [usize])]) -> recurrent::Result<Lstm<f32>> {
    let input: [(&str, &[usize]); 1] = [("rnn.weight_ih_l0", &[20, 3])];
    file(&[&input[..], arrays].concat()).lstm("rnn.")
}

#[test]
fn the_lengths_of_weight_norm_have_a_shape() {
    let of =
        |g: &'static [usize]| lstm(&[("rnn.weight_hh_l0_g", g), ("rnn.weight_hh_l0_v", &[20, 5])]);
    for good in [&[20, 1][..], &[1, 5], &[], &[1]] {
        assert!(of(good).is_ok(), "{good:?}");
    }
    for bad in [&[20, 5][..], &[5, 1], &[1, 1], &[20], &[20, 1, 1]] {
        says(
            of(bad),
            &[
                &format!(
                    "rnn.weight_hh_l0_g: found {bad:?}, beside directions of the shape [20, 5]"
                ),
                "expected shape [20, 1], [1, 5] or []",
            ],
        );
    }
    says(
        lstm(&[
            ("rnn.weight_hh_l0_g", &[16, 1]),
            ("rnn.weight_hh_l0_v", &[16, 5]),
        ]),
        &["rnn.weight_hh_l0_v: found [16, 5], expected shape [20, 5]"],
    );
    says(
        lstm(&[("rnn.weight_hh_l0_g", &[20, 1])]),
        &["an array \"rnn.weight_hh_l0\""],
    );
    // A weight that is there itself, and as parts.
    says(
        lstm(&[
            ("rnn.weight_hh_l0", &[20, 5]),
            ("rnn.weight_hh_l0_g", &[20, 1]),
            ("rnn.weight_hh_l0_v", &[20, 5]),
        ]),
        &["rnn.weight_hh_l0_g: found one of shape [20, 1], expected no array beside"],
    );
}

#[test]
fn other_forms_are_refused_by_name() {
    for (arrays, what, remedy) in [
        (
            &[
                ("rnn.weight_hh_l0_orig", &[20, 5][..]),
                ("rnn.weight_hh_l0_u", &[20]),
                ("rnn.weight_hh_l0_v", &[5]),
            ][..],
            "rnn.weight_hh_l0_orig: found a weight of `spectral_norm`",
            "remove_spectral_norm",
        ),
        (
            &[
                ("rnn.weight_hh_l0_orig", &[20, 5]),
                ("rnn.weight_hh_l0_mask", &[20, 5]),
            ],
            "found a pruned weight",
            "prune.remove",
        ),
        (
            &[
                ("rnn.parametrizations.weight_hh_l0.original", &[20, 5]),
                ("rnn.parametrizations.weight_hh_l0.0._u", &[20]),
                ("rnn.parametrizations.weight_hh_l0.0._v", &[5]),
            ],
            "rnn.parametrizations.weight_hh_l0.original: found a weight of `spectral_norm`",
            "remove_parametrizations",
        ),
        (
            &[
                ("rnn.parametrizations.weight_hh_l0.original", &[20, 5]),
                ("rnn.parametrizations.weight_hh_l0.0.base", &[20, 5]),
            ],
            "found an orthogonal weight",
            "remove_parametrizations",
        ),
        (
            &[("rnn.parametrizations.weight_hh_l0.original", &[20, 5])],
            "found a parametrized weight",
            "remove_parametrizations",
        ),
        (
            &[
                ("rnn.parametrizations.weight_hh_l0.original0", &[20, 5]),
                ("rnn.parametrizations.weight_hh_l0.original1", &[20, 5]),
                ("rnn.parametrizations.weight_hh_l0.original2", &[20, 5]),
            ],
            "found a parametrized weight",
            "remove_parametrizations",
        ),
    ] {
        says(lstm(arrays), &[what, remedy]);
    }
}

#[test]
fn dropped_weights_are_found_around_and_inside() {
    let names = |raw: &'static str, stale: Option<&'static str>| {
        let ih = ("a.module.weight_ih_l0", vec![8, 1], vec![1.0_f32; 8]);
        let raw = (raw, vec![8, 2], vec![0.5; 16]);
        let stale = stale.map(|name| (name, vec![8, 2], vec![0.0; 16]));
        File::from_slices([ih, raw].into_iter().chain(stale)).unwrap()
    };
    let last = |file: &File, prefix: &str| {
        let lstm: Lstm<f32> = file.lstm(prefix).unwrap();
        lstm.recurrent_kernel()[[0, 0]].to_bits()
    };
    for (raw, stale) in [
        ("a.weight_hh_l0_raw", Some("a.module.weight_hh_l0")),
        ("a.weight_hh_l0_raw", None),
        ("a.module.weight_hh_l0_raw", Some("a.module.weight_hh_l0")),
        ("a.module.weight_hh_l0_raw", None),
    ] {
        for prefix in ["a.", "a.module."] {
            let file = names(raw, stale);
            assert_eq!(
                last(&file, prefix),
                0.5_f32.to_bits(),
                "{raw} {stale:?} {prefix}"
            );
            assert_eq!(last(&file.under(prefix), ""), 0.5_f32.to_bits());
        }
    }
    // Without a raw weight it is any module of the name `module`.
    says(
        file(&[
            ("a.module.weight_ih_l0", &[8, 1]),
            ("a.module.weight_hh_l0", &[8, 2]),
        ])
        .lstm::<f32, Lstm<f32>>("a."),
        &["modules with the prefix \"a.module.\""],
    );
}
