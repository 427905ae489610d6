use super::*;

#[test]
fn names_are_read_and_written() {
    use alloc::string::ToString;
    for (name, activation) in NAMES {
        assert_eq!(name.parse(), Ok(activation));
        assert_eq!(activation.to_string().parse(), Ok(activation));
    }
    assert_eq!(
        "snake".parse::<Activation>().unwrap_err().to_string(),
        r#"activation is "snake", expected a name of Keras, like "tanh", "sigmoid" or "hard_sigmoid""#
    );
}

#[test]
fn what_cannot_be_a_gate_is_refused() {
    assert!(Activation::Softmax.check_gate("activation").is_err());
    assert!(Activation::Softmax.check("activation").is_ok());
    assert!(Activation::LogSoftmax.check_gate("activation").is_err());
    assert!(
        Activation::Elu { alpha: f64::NAN }
            .check_gate("activation")
            .is_err()
    );
    assert!(
        Activation::Celu { alpha: 0.0 }
            .check_gate("activation")
            .is_err()
    );
    assert!(Activation::HARD_SIGMOID.check_gate("activation").is_ok());
}
