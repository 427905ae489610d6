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

#[test]
fn words_of_python() {
    let limits = Limits::default();
    let text = r#"{"NaN": [NaN, -Infinity,Infinity, "a\\", "NaN, \" NaN", -1, "é", NaN]}"#;
    let value = parse_python(text, "", &limits).unwrap();
    let list = value["NaN"].as_array().unwrap();
    assert!(number(&list[0]).unwrap().is_nan() && number(&list[7]).unwrap().is_nan());
    assert_eq!(number(&list[1]), Some(f64::NEG_INFINITY));
    assert_eq!(number(&list[2]), Some(f64::INFINITY));
    assert_eq!([&list[3], &list[4], &list[6]], ["a\\", "NaN, \" NaN", "é"]);
    assert_eq!(number(&list[5]), Some(-1.0));
    assert_eq!(number(&list[3]), None);
    let text = shown(&value);
    assert!(
        text.starts_with(r#"{"NaN":[NaN,-Infinity,Infinity,"#),
        "{text}"
    );
    assert!(number(&parse_python("NaN", "", &limits).unwrap()).is_some());
    // Words of JSON's own parser, and no words.
    parse("[NaN]", "", &limits).unwrap_err();
    for text in [
        "NaNs",
        "xNaN",
        "-NaN",
        "--Infinity",
        "1Infinity",
        "{NaN: 1}",
        "[NaN NaN]",
        "nan",
        "inf",
        "+Infinity",
        "\"NaN",
        "NaN\"",
        "N",
        "-",
    ] {
        parse_python(text, "", &limits).expect_err(text);
    }
}

#[test]
fn words_of_python_count_as_what_they_become() {
    let mut limits = Limits {
        entries: 1,
        ..Limits::default()
    };
    let found =
        |text: &str, limits: &Limits| parse_python(text, "x", limits).unwrap_err().to_string();
    let wide = format!("[{}0]", "NaN,".repeat(8));
    assert_eq!(
        found(&wide, &limits),
        "x: found 18, expected at most 16 values"
    );
    parse_python(&format!("[{}0]", "NaN,".repeat(6)), "x", &limits).unwrap();
    limits.depth = 2;
    let message = "x: found 3, expected JSON nested at most 2 deep";
    assert_eq!(found("[[[NaN]]]", &limits), message);
    parse_python("[[NaN]]", "x", &limits).unwrap();
    limits.text_bytes = 6;
    let message = "x: found 7 bytes, expected a text of at most 6 bytes";
    assert_eq!(found("[[NaN]]", &limits), message);
    parse_python("[NaN]", "x", &limits).unwrap();
}
