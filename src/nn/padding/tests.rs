use super::*;

#[test]
fn every_window_of_a_definition() {
    for padding in [Padding::Valid, Padding::Same, Padding::Causal] {
        for (timesteps, size, strides) in
            (0..9).flat_map(|t| (1..5).flat_map(move |k| (1..4).map(move |s| (t, k, s))))
        {
            let Ok(windows) = padding.windows("timesteps", timesteps, size, strides) else {
                assert!(padding == Padding::Valid && timesteps < size);
                continue;
            };
            let expected = match padding {
                Padding::Valid => (timesteps + 1 - size).div_ceil(strides),
                _ => timesteps.div_ceil(strides),
            };
            assert_eq!(
                windows.count, expected,
                "{padding:?} {timesteps} {size} {strides}"
            );
            assert!(windows.before < size);
        }
    }
}
