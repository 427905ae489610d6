//! The real encoder-decoder of `examples/g2p.rs` against the words that its own package spelled.

#[allow(dead_code)] // its `main`
#[path = "../examples/g2p.rs"]
mod g2p;

#[test]
fn all_words_are_spelled_as_by_the_original() {
    let g2p = g2p::G2p::load().unwrap();
    let words = include_str!("data/g2p-en/words.tsv");
    let mut count = 0;
    let mut wrong = Vec::new();
    for line in words.lines().skip(1) {
        let mut fields = line.split('\t');
        let (word, phonemes) = (fields.next().unwrap(), fields.next().unwrap());
        let spelled = g2p.spell(word).unwrap().join(" ");
        if spelled != phonemes {
            wrong.push(format!("{word}: {spelled}, expected {phonemes}"));
        }
        count += 1;
    }
    println!("{count} words");
    assert_eq!(count, 292);
    assert!(
        wrong.is_empty(),
        "{} words differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn any_input_is_spelled_somehow() {
    let g2p = g2p::G2p::load().unwrap();
    for word in ["", "42", "straße", "日本"] {
        assert!(g2p.spell(word).unwrap().len() <= 20, "{word}");
    }
}
