use super::*;

#[test]
fn decides() {
    let of = |text: &str| text.parse::<Version>().unwrap();
    for (text, hard, reset_after) in [
        ("1.2.2", Some(true), Some(false)),
        ("2.0.8", Some(true), Some(false)),
        ("2.1.6-tf", Some(true), Some(false)),
        ("2.2.4", Some(true), Some(false)),
        ("2.2.4-tf", None, None),
        ("2.3.1", Some(false), Some(false)),
        ("2.3.0-tf", Some(false), Some(true)),
        ("2.13.1", Some(false), Some(true)),
        ("3.15.1", Some(false), Some(true)),
    ] {
        let version = of(text);
        let gates = hard.map(|hard| {
            if hard {
                Activation::HARD_SIGMOID_KERAS2
            } else {
                Activation::Sigmoid
            }
        });
        assert_eq!(version.recurrent_activation(), gates, "{text}");
        assert_eq!(version.reset_after(), reset_after, "{text}");
    }
    assert_eq!(of("2.21.0").hard_sigmoid(), Activation::HARD_SIGMOID_KERAS2);
    assert_eq!(of("3.0.0.dev2").hard_sigmoid(), Activation::HARD_SIGMOID);
    assert!(of("2.3.1").repeats_masked() && !of("2.2.4-tf").repeats_masked());
    assert!(!of("2.4.0").repeats_masked() && !of("3.0.0").repeats_masked());
    assert!(of("3.4.0").merges_by_masks() && !of("3.3.3").merges_by_masks());
    assert!(of("2.2.2").reverses_states() && !of("2.2.3").reverses_states());
}

#[test]
fn refuses() {
    for text in ["", "4.0", "-1", "tf"] {
        assert!(text.parse::<Version>().is_err(), "{text}");
    }
}
