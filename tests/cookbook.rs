//! The trained examples of the cookbook: what they compute against what Keras computed, and how good they are at it.

#[allow(dead_code)] // its `main`
#[path = "../examples/classify_text.rs"]
mod classify_text;
#[allow(dead_code)]
#[path = "../examples/forecast.rs"]
mod forecast;
#[allow(dead_code)]
#[path = "../examples/generate.rs"]
mod generate;
#[allow(dead_code)]
#[path = "../examples/tag_words.rs"]
mod tag_words;

use ndarray::{ArrayD, Axis, array};
use recurrent::{Session, npz};

/// An array that a training script left.
fn expected(file: &str, name: &str) -> ArrayD<f32> {
    let path = format!("{}/examples/data/{file}", env!("CARGO_MANIFEST_DIR"));
    npz::File::load(path).unwrap().array(name).unwrap()
}

fn close<'a>(found: impl IntoIterator<Item = &'a f32>, expected: &ArrayD<f32>, within: f32) {
    let found: Vec<f32> = found.into_iter().copied().collect();
    assert_eq!(found.len(), expected.len());
    for (at, (y, expected)) in found.iter().zip(expected).enumerate() {
        assert!((y - expected).abs() < within, "{at}: {y} for {expected}");
    }
}

#[test]
fn forecast_says_what_keras_says_in_any_chunks() {
    let (model, months) = (forecast::model().unwrap(), forecast::months().unwrap());
    let said = forecast::listen(&model, [&months[..]]).unwrap();
    close(&said, &expected("sunspots/sunspots.npz", "says"), 1e-5);
    for size in [1, 7, 12, 1000] {
        let chunks = forecast::listen(&model, months.chunks(size)).unwrap();
        assert_eq!(chunks, said, "{size}");
    }
    let (forecasts, truth) = forecast::yearly(&months, &said);
    assert_eq!(truth.len(), 89);
    let rms = forecast::error(&forecasts, &truth);
    assert!((rms - 13.5).abs() < 0.05, "{rms}");
}

#[test]
fn generate_scores_what_keras_scores() {
    let (model, text) = (generate::model().unwrap(), generate::held_back().unwrap());
    let scores = expected("kjv/generate.npz", "scores");
    let mut session = Session::new(&model);
    let (mut read, mut found) = (0, Vec::new());
    for at in (100..1000).step_by(100) {
        let next = generate::read(&mut session, &text[read..=at]).unwrap();
        found.extend(next);
        read = at + 1;
    }
    close(&found, &scores, 1e-4);
    let bits = generate::bits(&model, &text).unwrap();
    let keras = expected("kjv/generate.npz", "bits")[[]];
    assert!((bits - f64::from(keras)).abs() < 1e-5, "{bits}");
    assert!(bits < 1.7);
    let error = generate::read(&mut session, "x%").unwrap_err().to_string();
    assert!(
        error.starts_with("found the letter '%', expected one of"),
        "{error}"
    );
}

#[test]
fn letters_are_drawn_by_their_shares() {
    let mut scores = ArrayD::<f32>::from_elem(vec![1, 65], -50.0);
    scores[[0, 1]] = 2.0_f32.ln();
    scores[[0, 2]] = 0.0;
    for (temperature, share) in [(0.5, 0.8), (1.0, 2.0 / 3.0), (2.0, 0.585_786)] {
        let mut random = generate::Random(1);
        let drawn = (0..20_000).map(|_| generate::draw(&scores, temperature, random.uniform()));
        let spaces = drawn.filter(|&letter| letter == ' ').count();
        assert!((spaces as f64 / 20_000.0 - share).abs() < 0.01, "{spaces}");
    }
    assert_eq!(generate::draw(&scores, 1e-9, 0.999_999), ' ');
}

#[test]
fn tag_words_finds_the_spaces() {
    let (model, text) = (tag_words::model().unwrap(), tag_words::held_back().unwrap());
    let verses: Vec<_> = text.lines().map(tag_words::tagged).collect();
    let letters: Vec<&[u8]> = verses.iter().map(|(letters, _)| &letters[..]).collect();
    let keras = expected("kjv/tag_words.npz", "chances");
    let rows = tag_words::chances(&model, &letters[..12]).unwrap();
    for (row, keras) in rows.iter().zip(keras.outer_iter()) {
        let keras = keras.slice_axis(Axis(0), (..row.len()).into());
        close(row, &keras.to_owned(), 1e-4);
    }
    let found = tag_words::ends(&model, &letters).unwrap();
    let wrong = |(found, (_, truth)): (&Vec<bool>, &(_, Vec<bool>))| {
        found.iter().zip(truth).filter(|(a, b)| a != b).count()
    };
    let wrong: usize = found.iter().zip(&verses).map(wrong).sum();
    let there: usize = letters.iter().map(|line| line.len()).sum();
    assert!(wrong * 60 < there, "{wrong} of {there} letters");
    assert_eq!(
        tag_words::tagged("Be-am, I").1,
        array![false, true, false, true, true].to_vec()
    );
}

#[test]
fn classify_text_tells_languages_apart() {
    let (model, file) = (
        classify_text::model().unwrap(),
        classify_text::held_back().unwrap(),
    );
    let names = classify_text::names(&file).unwrap();
    let texts: Vec<&str> = names.iter().map(|(_, name)| *name).collect();
    let chances = classify_text::classify(&model, &texts).unwrap();
    let some = chances.outer_iter().step_by(50);
    let some: Vec<f32> = some.flat_map(|row| row.to_vec()).collect();
    close(&some, &expected("languages/expected.npz", "y"), 1e-4);
    let rows = chances.outer_iter().zip(&names);
    let right = rows
        .filter(|(row, (is, _))| classify_text::likeliest(*row) == *is)
        .count();
    let keras = expected("languages/expected.npz", "right")[[]];
    assert!((right as f32 - keras).abs() < 0.5, "{right} for {keras}");
    assert!(right * 100 > 77 * names.len(), "{right} of {}", names.len());
}
