//! The real encoder-decoder of `examples/g2p.rs` against the words that its own package spelled.

#[allow(dead_code)] // its `main`
#[path = "../examples/g2p.rs"]
mod g2p;

/// Columns: the word, what `G2p.predict` of g2p-en 2.1.0 says, and two that tell how good it is.
const WORDS: &str = include_str!("data/g2p-en/words.tsv");

#[test]
fn all_words_are_spelled_as_by_the_original() {
    let g2p = g2p::G2p::load().unwrap();
    let (mut count, mut wrong) = (0, Vec::new());
    for line in WORDS.lines().skip(1) {
        let mut columns = line.split('\t');
        let (word, expected) = (columns.next().unwrap(), columns.next().unwrap());
        let spelled = g2p.spell(word).unwrap().join(" ");
        if spelled != expected {
            wrong.push(format!("{word}: {spelled}, expected {expected}"));
        }
        count += 1;
    }
    println!("{} of {count} words agree", count - wrong.len());
    assert_eq!(count, 292);
    assert!(wrong.is_empty(), "these differ:\n{}", wrong.join("\n"));
}

#[test]
fn any_input_is_spelled_somehow() {
    let g2p = g2p::G2p::load().unwrap();
    let long = "recurrent".repeat(50);
    for word in [
        "", " ", "42", "straße", "日本", "İ", "e\u{301}", "\0", &long,
    ] {
        let spelled = g2p.spell(word).unwrap();
        assert!(spelled.len() <= 20, "{word}: {spelled:?}");
    }
    assert_eq!(
        g2p.spell("NETWORKS").unwrap(),
        g2p.spell("networks").unwrap()
    );
}
