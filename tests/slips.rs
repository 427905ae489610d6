//! What the compiler says about what is often written by mistake: each message says what to write instead.
#![cfg(not(miri))] // it runs the compiler

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use std::{env, fs};

/// The library as Cargo built it, the newest of any features, beside this program.
fn library(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let ours = files.filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("librecurrent-") && name.ends_with(".rlib")
    });
    let age = |path: &PathBuf| path.metadata().and_then(|of| of.modified());
    ours.max_by_key(|path| age(path).unwrap_or(SystemTime::UNIX_EPOCH))
        .expect("a library beside the test")
}

/// What the compiler prints, or nothing where it makes programs for another processor than this one is for.
fn compile(name: &str, body: &str) -> Option<String> {
    let rustc = || Command::new(env::var_os("RUSTC").unwrap_or("rustc".into()));
    let version = rustc().arg("-vV").output().ok()?;
    let host = format!("host: {}", env::consts::ARCH);
    if !String::from_utf8_lossy(&version.stdout).contains(&host) {
        return None;
    }
    let program = env::current_exe().unwrap();
    let deps = program.parent().unwrap();
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.rs"));
    let text = format!(
        "use recurrent::*;\nuse std::sync::Arc;\n\
         fn main() -> Result<()> {{\n\
         let lstm = || Lstm::<f32>::builder(2, 3).build().unwrap();\n\
         {body}\nOk(())\n}}\n"
    );
    fs::write(&source, text).unwrap();
    let said = rustc()
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "bin",
            "--emit",
            "metadata",
            "-A",
            "unused",
        ])
        .arg("-o")
        .arg(source.with_extension("rmeta"))
        .arg("-L")
        .arg(format!("dependency={}", deps.display()))
        .arg("--extern")
        .arg(format!("recurrent={}", library(deps).display()))
        .arg(&source)
        .output()
        .unwrap();
    assert!(
        !said.status.success() || body.contains("// right"),
        "{body} compiles"
    );
    Some(String::from_utf8_lossy(&said.stderr).into_owned())
}

#[track_caller]
fn says(name: &str, body: &str, words: &[&str]) {
    let Some(said) = compile(name, body) else {
        return;
    };
    for &words in words {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
}

#[test]
fn the_tool_compiles_what_is_right() {
    if let Some(said) = compile("right", "let _ = lstm().stream(1); // right") {
        assert_eq!(said, "");
    }
}

#[test]
fn a_session_of_a_bare_cell() {
    says(
        "session_of_cell",
        "let lstm = lstm(); let _ = Session::new(&lstm);",
        &[
            "a `Session` is one of a `Layer` or a `Model`",
            "`let layer = Layer::new(lstm);`",
        ],
    );
}

#[test]
fn a_session_of_a_borrowed_arc() {
    says(
        "session_of_arc",
        "let model = Arc::new(Model::<f32>::new()); let _ = Session::new(&model);",
        &[
            "`Session::new(&*shared)`",
            "`Session::new(Arc::clone(&shared))`",
        ],
    );
}

#[test]
fn a_stream_of_both_directions() {
    let words = [
        "`recurrent::Bidirectional<recurrent::Lstm<f32>, recurrent::Lstm<f32>>` cannot be stepped or streamed",
        "`both.run(&x).sequences()?`",
        "`lstm.stream(samples)`",
    ];
    let both = "let both = Bidirectional::new(lstm(), lstm());";
    says("stream", &format!("{both} both.stream(1);"), &words);
    says(
        "stream_in_deep",
        &format!("{both} fn f(_: impl Causal) {{}} f(both);"),
        &["cannot be stepped or streamed"],
    );
}

#[test]
fn forward_of_a_layer_without_flags() {
    let words = [
        "has no `forward`",
        "write `run(&x).last()?`",
        "`Layer::new(lstm)",
    ];
    says("forward", "lstm().forward(&[0.0]);", &words);
    says(
        "forward_of_stack",
        "lstm().then(lstm()).forward(&[0.0]);",
        &words,
    );
}

#[test]
fn a_layer_from_its_units_alone() {
    for cell in ["SimpleRnn", "Lstm", "Gru"] {
        says(
            &format!("new_{cell}"),
            &format!("let _ = {cell}::<f32>::new(32);"),
            &[
                "write `builder(features, units).build()?`",
                "builder(features, 32)",
            ],
        );
        // The compiler does not print the whole message where the type of the numbers is open.
        says(
            &format!("new_open_{cell}"),
            &format!("let _ = {cell}::new(2, 32);"),
            &["UseBuilderWithFeaturesAndUnits", "from_weights"],
        );
    }
}

#[test]
fn a_bare_cell_in_a_model() {
    says(
        "cell_in_model",
        "let _ = Model::<f32>::new().add(lstm());",
        &[
            "is no layer of a `Model<f32>`",
            "`.add(Layer::new(lstm).return_sequences(true))`",
        ],
    );
    says(
        "other_numbers",
        "let _ = Model::<f64>::new().add(Layer::new(lstm()));",
        &["expected `f64`, found `f32`"],
    );
}

#[test]
fn an_owner_of_a_layer_inside_a_layer() {
    says(
        "arc_inside",
        "let _ = Model::<f32>::new().add(TimeDistributed::new(Arc::new(Layer::new(lstm()))));",
        &["has to be an `Arc<dyn AnyLayer<f32>>`"],
    );
}

#[test]
fn the_name_of_a_slip_stays_free() {
    let mine = "trait Mine { fn forward(&self, x: i32) -> i32; fn stream(&self) {} }\n\
                impl Mine for Lstm<f32> { fn forward(&self, x: i32) -> i32 { x } }\n\
                let _: i32 = lstm().forward(1); // right";
    if let Some(said) = compile("mine", mine) {
        assert_eq!(said, "");
    }
}
