//! The modules of the crate import each other in one direction: each only those before it in this list. The files of a module
//! do not import each other in circles.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The modules, the lowest first. `doc` and `lib.rs` name everything.
const ORDER: [&str; 33] = [
    "limits",
    "format",
    "error",
    "names",
    "threads",
    "activation",
    "kernel",
    "element",
    "arrays",
    "describe",
    "gradients",
    "bits",
    "state",
    "mask",
    "init",
    "pass",
    "backward",
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
    "train",
    "saved",
    "load",
    "slips",
];

/// The modules that still have circles of files.
const CIRCULAR: [&str; 0] = [];

/// The circles of files that stay: what they are of contains itself.
const RECURSIONS: [&[&str]; 0] = [];

/// A path of names between colons.
type Name = Vec<String>;

/// The files of a crate, by their paths in `src`, and what is in them.
struct Sources {
    files: BTreeMap<String, Source>,
    /// The file of each module.
    modules: BTreeMap<Name, String>,
}

#[derive(Default)]
struct Source {
    defines: BTreeSet<String>,
    /// The paths that it takes something by, from the root of the crate.
    takes: Vec<Name>,
    /// What it hands on under another path, by its name here.
    exports: BTreeMap<String, Name>,
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The lines that are compiled, without comments and unit tests.
fn code(text: &str) -> String {
    let lines = text.lines().take_while(|line| *line != "#[cfg(test)]");
    let code = lines.map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}

/// The tree of imports in a statement, and whether it hands them on.
fn import(statement: &str) -> Option<(bool, &str)> {
    let (before, tree) = statement.rsplit_once("use ")?;
    let before = before.lines().last().unwrap_or_default().trim();
    let public = before.starts_with("pub");
    (public || before.is_empty()).then_some((public, tree))
}

/// The paths of a tree of imports, each with the name that it has afterwards.
fn leaves(tree: &str, before: &[String], all: &mut Vec<(Name, String)>) {
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in tree.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(String::new()),
            _ => {}
        }
        if c != ',' || depth > 0 {
            parts.last_mut().unwrap().push(c);
        }
    }
    for part in parts.iter().map(|part| part.trim()) {
        let (path, group) = part.split_once('{').unwrap_or((part, ""));
        let (path, name) = path.split_once(" as ").unwrap_or((path, ""));
        let words = path.split("::").filter(|word| !word.is_empty());
        let words = words.map(String::from);
        let path: Name = before.iter().cloned().chain(words).collect();
        if let Some(group) = group.strip_suffix('}') {
            leaves(group, &path, all);
        } else if let Some(last) = path.last().filter(|_| !part.is_empty()) {
            let name = if name.is_empty() { last } else { name };
            all.push((path.clone(), name.to_string()));
        }
    }
}

impl Sources {
    fn new(texts: BTreeMap<String, String>) -> Self {
        let module = |path: &str| -> Name {
            let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
            let parts = path.split('/').filter(|part| *part != "lib");
            parts.map(String::from).collect()
        };
        let modules = texts.keys().map(|path| (module(path), path.clone()));
        let mut sources = Sources {
            files: BTreeMap::new(),
            modules: modules.collect(),
        };
        for (path, text) in texts {
            // What the file of a folder hands on is a list of what is in it.
            let is_folder = path.ends_with("mod.rs");
            let source = sources.source(module(&path), is_folder, &code(&text));
            sources.files.insert(path, source);
        }
        sources
    }

    /// Those of this crate, without tests and the pages of its documentation.
    fn read() -> Self {
        fn add(folder: &Path, inside: &str, texts: &mut BTreeMap<String, String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap();
                let inside = format!("{inside}{name}");
                let is_test = matches!(&*inside, "kernel/reference.rs" | "doc");
                if is_test || matches!(name, "tests" | "tests.rs") {
                } else if path.is_dir() {
                    add(&path, &format!("{inside}/"), texts);
                } else if path.extension().is_some_and(|end| end == "rs") {
                    texts.insert(inside, fs::read_to_string(&path).unwrap());
                }
            }
        }
        let mut texts = BTreeMap::new();
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        add(&src, "", &mut texts);
        Sources::new(texts)
    }

    fn source(&self, module: Name, is_folder: bool, code: &str) -> Source {
        let mut source = Source::default();
        let words: Vec<_> = code
            .split(|c| !is_word(c))
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.windows(2) {
            let items = [
                "struct",
                "enum",
                "trait",
                "type",
                "fn",
                "const",
                "static",
                "macro_rules",
            ];
            if items.contains(&pair[0]) {
                source.defines.insert(pair[1].to_string());
            }
        }
        for (public, tree) in code.split(';').filter_map(import) {
            let mut all = Vec::new();
            leaves(&tree.replace('\n', " "), &[], &mut all);
            for (path, name) in all {
                let path = self.absolute(&module, &path);
                if public {
                    source.exports.extend(path.clone().map(|path| (name, path)));
                }
                if !(public && is_folder) {
                    source.takes.extend(path);
                }
            }
        }
        // Paths that stand in the code itself.
        for (at, _) in code.match_indices("::") {
            let start = code[..at]
                .rfind(|c| !is_word(c))
                .map_or(0, |before| before + 1);
            let statement = code[..start].rsplit(';').next();
            if !code[..start].ends_with("::") && statement.and_then(import).is_none() {
                let end = code[start..].find(|c| !is_word(c) && c != ':');
                let path = &code[start..end.map_or(code.len(), |end| start + end)];
                let names = path.split("::").filter(|name| !name.is_empty());
                let names: Name = names.map(String::from).collect();
                source.takes.extend(self.absolute(&module, &names));
            }
        }
        source
    }

    /// A path from the root of the crate; `None` for one of another crate, or of an item.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Name> {
        let ups = path.iter().take_while(|name| *name == "super").count();
        let (from, rest) = match path.first()?.as_str() {
            "crate" => (&[][..], &path[1..]),
            "self" => (module, &path[1..]),
            "super" => (&module[..module.len().checked_sub(ups)?], &path[ups..]),
            _ => (module, path),
        };
        let name = [from, rest].concat();
        let child = [module, &path[..1]].concat();
        let is_inside = matches!(path[0].as_str(), "crate" | "self" | "super");
        (is_inside || self.modules.contains_key(&child)).then_some(name)
    }

    /// The file in which a name is defined.
    fn home(&self, name: &[String], steps: usize) -> Option<&String> {
        let modules = (0..=name.len()).rev();
        let known = modules.filter_map(|n| Some((n, self.modules.get(&name[..n])?)));
        let (length, path) = known.into_iter().next()?;
        let source = self.files.get(path)?;
        let next = name
            .get(length)
            .filter(|next| !source.defines.contains(*next));
        match next.and_then(|next| source.exports.get(next)) {
            Some(export) if steps > 0 => {
                let through = [export, &name[length + 1..]].concat();
                self.home(&through, steps - 1)
            }
            _ => Some(path),
        }
    }

    /// Which files each file imports, but for `lib.rs`.
    fn imports(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let files = self.files.iter().filter(|(path, _)| *path != "lib.rs");
        let imports = files.map(|(path, source)| {
            let homes = source.takes.iter().filter_map(|name| self.home(name, 8));
            let others = homes.filter(|home| *home != path && *home != "lib.rs");
            (path.as_str(), others.map(String::as_str).collect())
        });
        imports.collect()
    }
}

/// The sets of files each of which imports all others, by way of others or not.
fn circles<'s>(imports: &BTreeMap<&'s str, BTreeSet<&'s str>>) -> BTreeSet<Vec<&'s str>> {
    let reached = |from: &'s str| {
        let (mut open, mut seen) = (vec![from], BTreeSet::new());
        while let Some(path) = open.pop() {
            let new = imports.get(path).into_iter().flatten();
            open.extend(new.filter(|path| seen.insert(**path)));
        }
        seen
    };
    let reached: BTreeMap<_, _> = imports.keys().map(|path| (*path, reached(path))).collect();
    let circle = |(path, seen): (&&'s str, &BTreeSet<&'s str>)| -> Vec<&'s str> {
        let back = seen.iter().filter(|other| reached[*other].contains(path));
        back.copied().collect()
    };
    reached
        .iter()
        .map(circle)
        .filter(|circle| circle.len() > 1)
        .collect()
}

/// The module at the top that a file is in.
fn top(path: &str) -> &str {
    path.split('/')
        .next()
        .unwrap_or_default()
        .trim_end_matches(".rs")
}

#[test]
fn modules_import_in_one_direction() {
    let sources = Sources::read();
    let (mut checked, mut wrong) = (0, Vec::new());
    let rank = |path| ORDER.iter().position(|module| *module == top(path));
    for (path, imports) in sources.imports() {
        if rank(path).is_none() {
            wrong.push(format!("{path}: a module without a place in the order"));
        }
        for other in imports {
            checked += 1;
            if rank(other) > rank(path) {
                wrong.push(format!("{path} imports {other}"));
            }
        }
    }
    assert!(checked > 300, "only {checked} imports were found");
    assert!(wrong.is_empty(), "imports upwards:\n{}", wrong.join("\n"));
}

#[test]
fn files_import_in_no_circle() {
    let sources = Sources::read();
    let (mut allowed, mut wrong) = (0, Vec::new());
    for circle in circles(&sources.imports()) {
        if RECURSIONS.contains(&&circle[..]) {
            allowed += 1;
        } else if !CIRCULAR.contains(&top(circle[0])) {
            wrong.push(circle.join(", "));
        }
    }
    assert!(wrong.is_empty(), "circles of files:\n{}", wrong.join("\n"));
    assert_eq!(allowed, RECURSIONS.len(), "a recursion that is none");
}

#[test]
fn a_circle_is_seen_through_what_is_handed_on() {
    let sources = |b: &str| {
        let texts = [
            ("lib.rs", "mod a; pub use a::{B, c::C as Other};"),
            ("a/mod.rs", "mod b; pub mod c; mod d; pub(crate) use b::B;"),
            ("a/b.rs", b),
            (
                "a/c.rs",
                "use super::{B, d};\npub struct C; fn f(d: d::D) {}",
            ),
            (
                "a/d.rs",
                "pub struct D; // crate::Other\n#[cfg(test)]\nuse crate::Other;",
            ),
        ];
        let texts = texts.map(|(path, text)| (path.to_string(), text.to_string()));
        Sources::new(texts.into())
    };
    for taken in [
        "use crate::Other;",
        "fn f(c: super::c::C) {}",
        "use crate::{a::{c}};",
    ] {
        let sources = sources(&format!("pub struct B;\n{taken}"));
        let circles = circles(&sources.imports());
        assert_eq!(circles, [vec!["a/b.rs", "a/c.rs"]].into(), "{taken}");
    }
    let sources = sources("pub struct B; use super::d::D;");
    assert_eq!(sources.imports()["a/c.rs"], ["a/b.rs", "a/d.rs"].into());
    assert!(circles(&sources.imports()).is_empty());
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
