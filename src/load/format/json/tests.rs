use super::*;
use alloc::string::ToString;

#[test]
fn measures() {
    assert_eq!(measure("1"), (1, 0));
    assert_eq!(measure(r#"{"a\"[[": [1, 2, {"b": []}]}"#), (7, 4));
}

#[test]
fn refuses() {
    let mut limits = Limits::default();
    let found =
        |text: &str, limits: &Limits| parse(text, "config.json", limits).unwrap_err().to_string();
    assert!(found("{\"a\": ", &limits).starts_with("config.json: found EOF"));
    let deep = "[".repeat(20_000);
    let message = "config.json: found 20000, expected JSON nested at most 64 deep";
    assert_eq!(found(&deep, &limits), message);
    limits.entries = 1;
    let wide = format!("[{}0]", "0,".repeat(20));
    assert_eq!(
        found(&wide, &limits),
        "config.json: found 22, expected at most 16 values"
    );
    limits.text_bytes = 2;
    assert_eq!(
        found("[1]", &limits),
        "config.json: found 3 bytes, expected a text of at most 2 bytes"
    );
}
