//! A refusal by its words.

/// Asserts that it is refused, in these words.
#[track_caller]
pub fn says<T>(result: recurrent::Result<T>, words: &[&str]) {
    let message = match result {
        Ok(_) => panic!("no error, expected one with {words:?}"),
        Err(error) => error.to_string(),
    };
    for word in words {
        assert!(message.contains(word), "{message:?} lacks {word:?}");
    }
}
