//! The modules of the crate import each other in one direction: each only those before it in this list.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules, the lowest first. `doc` and `lib.rs` name everything.
const ORDER: [&str; 28] = [
    "error",
    "threads",
    "activation",
    "kernel",
    "element",
    "limits",
    "format",
    "describe",
    "bits",
    "state",
    "mask",
    "init",
    "pass",
    "unroll",
    "share",
    "output",
    "run",
    "stream",
    "cell",
    "wrap",
    "recurrent",
    "layer",
    "model",
    "nn",
    "session",
    "saved",
    "load",
    "slips",
];

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == module)
}

/// The lines that are compiled, without comments and unit tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().take_while(|line| *line != "#[cfg(test)]");
    let code = lines.map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    found
}

/// The names that follow `crate::`: one, or those of a list in braces.
fn imports(code: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        let is_part = |c: &char| c.is_alphanumeric() || *c == '_';
        text.trim_start().chars().take_while(is_part).collect()
    };
    let mut names = Vec::new();
    for (at, start) in code.match_indices("crate::") {
        let rest = &code[at + start.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.push(word(rest));
            continue;
        };
        let mut depth = 0;
        names.push(word(list));
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => names.push(word(&list[at + 1..])),
                _ => {}
            }
        }
    }
    names
}

/// Which module defines each name that `lib.rs` exports.
fn exports(lib: &str) -> BTreeMap<String, String> {
    let mut homes = BTreeMap::new();
    for item in lib.split("pub use ").skip(1) {
        let item = item.split(';').next().unwrap_or_default();
        let Some((module, names)) = item.split_once("::") else {
            continue;
        };
        let parts = names.split(|c: char| !c.is_alphanumeric() && c != '_');
        for name in parts.filter(|name| !name.is_empty()) {
            homes.insert(name.to_string(), module.trim().to_string());
        }
    }
    homes
}

#[test]
fn modules_import_in_one_direction() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let homes = exports(&code(&src.join("lib.rs")));
    let (mut checked, mut wrong) = (0, Vec::new());
    // The reference kernels are tests.
    let is_code = |path: &PathBuf| !path.ends_with("kernel/reference.rs");
    for path in sources(&src).into_iter().filter(is_code) {
        let inside = path.strip_prefix(&src).unwrap().to_path_buf();
        let first = inside.iter().next().unwrap().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        if matches!(module, "lib" | "doc") {
            continue;
        }
        let Some(own) = rank(module) else {
            wrong.push(format!("{module}: a module without a place in the order"));
            continue;
        };
        for name in imports(&code(&path)) {
            let target = homes.get(&name).map_or(name.as_str(), String::as_str);
            if target == module || rank(target).is_some_and(|rank| rank < own) {
                checked += 1;
            } else if rank(target).is_some() {
                wrong.push(format!("{}: {target} ({name})", inside.display()));
            }
        }
    }
    assert!(checked > 300, "only {checked} imports were found");
    assert!(wrong.is_empty(), "imports upwards:\n{}", wrong.join("\n"));
}

/// A program that Cargo is not told of would not be built, and so would never fail.
#[test]
fn every_program_is_listed() {
    for folder in ["tests", "examples", "benches"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let (mut found, mut missing) = (0, Vec::new());
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let main = path.join("main.rs");
            let program = if path.is_dir() { main } else { path };
            let is_program = program.extension().is_some_and(|end| end == "rs");
            let inside = program.strip_prefix(&folder).unwrap().to_str().unwrap();
            if is_program && program.exists() && inside != "build.rs" {
                found += 1;
                if !manifest.contains(&format!("path = \"{}\"", inside.replace('\\', "/"))) {
                    missing.push(inside.to_string());
                }
            }
        }
        assert!(found >= 5, "{found} programs in {}", folder.display());
        assert!(missing.is_empty(), "{}: {missing:?}", folder.display());
    }
}
