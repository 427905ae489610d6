use super::*;
use crate::mask::Mask;
use crate::{Initializer, Lstm};
use ndarray::Array3;

fn pass<'a>(x: &'a Array3<f32>, mask: Option<Mask<'a>>) -> Pass<'a, f32> {
    Pass {
        x: x.view(),
        mask,
        started: None,
        backwards: false,
        reversed: false,
        zero_output_for_mask: false,
        threads: 1,
    }
}

#[test]
fn only_long_calls_are_worth_a_thread() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(8);
    pool.build().unwrap().install(|| {
        let lstm = Lstm::<f32>::builder(64, 64).build().unwrap();
        let each = lstm.multiply_adds().unwrap();
        assert_eq!(each, 4 * 64 * 128);
        let [short, long] = [100, 500].map(|steps| Array3::zeros((2, steps, 64)));
        assert_eq!(worth(&lstm, &pass(&short, None)), 1);
        assert_eq!(worth(&lstm, &pass(&long, None)), 8);
        let one = Array3::zeros((1, 5000, 64));
        assert_eq!(worth(&lstm, &pass(&one, None)), 1);
        let large = Lstm::<f32>::builder(64, 512).kernel_initializer(Initializer::Zeros);
        let large = large
            .recurrent_initializer(Initializer::Zeros)
            .build()
            .unwrap();
        assert_eq!(worth(&large, &pass(&one, None)), 8);
        let padded = Some(Mask::Lengths(&[100, 100]));
        assert_eq!(worth(&lstm, &pass(&long, padded)), 1);
    });
}

#[test]
fn shares_have_equally_many_real_steps() {
    let x = Array3::zeros((4, 100, 1));
    let lengths = Some(Mask::Lengths(&[10, 10, 20, 100]));
    assert_eq!(pass(&x, lengths).middle(1, 2), 3);
    assert_eq!(pass(&x, None).middle(1, 2), 2);
    assert_eq!(pass(&x, None).middle(1, 4), 1);
    let nothing = Some(Mask::Lengths(&[0; 4]));
    assert_eq!(pass(&x, nothing).middle(1, 2), 1);
}
