//! `examples/ocr_ctc.rs`: its beam search against the sum over all paths, its lines alone and in a batch, and what Keras reads
//! in the same pictures.

#[allow(dead_code)] // its `main`
#[path = "../examples/ocr_ctc.rs"]
mod ocr_ctc;

use ndarray::{Array2, Axis, Ix3};
use ocr_ctc::{
    BEAMS, Line, WIDTH, beam, edits, greedy, held_back_digits, lines, model, path, read,
};
use recurrent::{Initializer, Softmax, npz};
use std::collections::BTreeMap;

/// Of every reading, the probabilities of all the paths that say it.
fn all_paths(y: &Array2<f32>) -> BTreeMap<Vec<usize>, f64> {
    let (steps, classes) = y.dim();
    let mut readings = BTreeMap::new();
    for number in 0..classes.pow(u32::try_from(steps).unwrap()) {
        let class = |step: usize| number / classes.pow(u32::try_from(step).unwrap()) % classes;
        let mut path: Vec<usize> = (0..steps).map(class).collect();
        let p: f64 = path
            .iter()
            .enumerate()
            .map(|(t, &k)| f64::from(y[[t, k]]))
            .product();
        path.dedup();
        path.retain(|&class| class > 0);
        path.iter_mut().for_each(|class| *class -= 1);
        *readings.entry(path).or_default() += p;
    }
    readings
}

#[test]
fn beam_search_adds_up_the_paths() {
    let spread = Initializer::RandomUniform {
        min: -2.0,
        max: 2.0,
    };
    let mut better = 0;
    for seed in 0..200 {
        let scores = spread.matrix::<f32>(6, 4, seed).unwrap();
        let y = Softmax::new().forward(&scores).unwrap();
        let expected = all_paths(&y);
        let mut found = beam(&y, usize::MAX);
        // Those that need more columns than there are.
        found.retain(|(_, p)| *p > 0.0);
        assert_eq!(found.len(), expected.len());
        for (reading, p) in &found {
            assert!((p - expected[reading]).abs() < 1e-12, "{reading:?}");
        }
        assert!(found.is_sorted_by(|a, b| a.1 >= b.1));
        better += usize::from(greedy(&y) != found[0].0);
    }
    assert!(
        better > 20,
        "the best path is not always the best reading: {better}"
    );
}

#[test]
fn edits_are_counted() {
    for (a, b, expected) in [
        (&[1, 2, 3][..], &[1, 2, 3][..], 0),
        (&[], &[7, 7], 2),
        (&[1, 2, 3], &[1, 3], 1),
        (&[1, 2, 3], &[0, 1, 3, 3], 2),
        (&[5, 1, 2], &[1, 2, 5], 2),
    ] {
        assert_eq!(edits(a, b), expected, "{a:?} {b:?}");
        assert_eq!(edits(b, a), expected, "{b:?} {a:?}");
    }
}

#[test]
fn lines_are_read_the_same_alone() {
    let (model, digits) = (model().unwrap(), held_back_digits().unwrap());
    assert_eq!(digits.len(), 359);
    let lines = lines(&digits, 20);
    let together = read(&model, &lines).unwrap();
    for (line, y) in lines.chunks(1).zip(together) {
        assert_eq!(y.nrows(), WIDTH / 2);
        assert_eq!(read(&model, line).unwrap(), [y]);
    }
}

#[test]
fn lines_are_read_as_in_keras() {
    let file = npz::File::load(path("read_by_keras.npz").unwrap()).unwrap();
    let array = |name| file.array::<f32>(name).unwrap();
    let pictures = array("pictures").into_dimensionality::<Ix3>().unwrap() / 16.0;
    let of_picture = |picture: ndarray::ArrayView2<f32>| Line {
        columns: picture.t().to_owned(),
        digits: Vec::new(),
    };
    let lines: Vec<Line> = pictures.outer_iter().map(of_picture).collect();
    assert_eq!(lines.len(), 12);
    let scores = Softmax::new().forward(&array("scores")).unwrap();
    let [by_greedy, by_beam] = ["greedy", "beam_search"].map(array);
    let found = read(&model().unwrap(), &lines).unwrap();
    for (i, y) in found.iter().enumerate() {
        let row = |readings: &ndarray::ArrayD<f32>| -> Vec<usize> {
            let row = readings.index_axis(Axis(0), i);
            let digits = row.iter().filter(|digit| **digit >= 0.0); // -1 follows their end
            digits
                .map(|digit| format!("{digit}").parse().unwrap())
                .collect()
        };
        let expected = scores.index_axis(Axis(0), i);
        let off = y.iter().zip(expected).map(|(x, y)| (x - y).abs());
        assert!(off.fold(0.0, f32::max) < 1e-5, "line {i}");
        assert!(row(&by_greedy).len() >= 5);
        assert_eq!(greedy(y), row(&by_greedy), "line {i}");
        assert_eq!(beam(y, BEAMS)[0].0, row(&by_beam), "line {i}");
    }
}
