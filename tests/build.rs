//! Paths to data start at the root of the repository, in tests as in the examples that they include.

fn main() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let root = root.expect("tests are in a folder of the repository");
    println!("cargo::rustc-env=CARGO_MANIFEST_DIR={}", root.display());
    println!("cargo::rerun-if-changed=build.rs");
}
