//! Arrays in files beside the model: on disk, handed in, and everywhere that they must not be.

use crate::build::{external, floats, graph, model, node};
use crate::says::says;
use recurrent::onnx::File;
use recurrent::{Limits, SimpleRnn};

/// W of an RNN of 2 features and 1 unit, at these keys; R is in the model.
fn rnn(keys: &[(&str, &str)]) -> Vec<u8> {
    let arrays = [
        external("W", &[1, 1, 2], keys),
        floats("R", &[1, 1, 1], &[0.75]),
    ];
    let node = node("RNN", "rnn", &["X", "W", "R"], &["Y"], &[]);
    model(&graph(&[node], &arrays, &["X"]))
}

/// 4 bytes, then the numbers 0.5 and -0.25, then 4 bytes.
fn data() -> Vec<u8> {
    [9.0_f32, 0.5, -0.25, 9.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect()
}

const PLACE: [(&str, &str); 3] = [("location", "m.data"), ("offset", "4"), ("length", "8")];

/// The kernel of the RNN in a file.
fn kernel(file: &File) -> recurrent::Result<Vec<f32>> {
    let rnn: SimpleRnn<f32> = file.only()?.rnn()?;
    Ok(rnn.kernel().into_iter().collect())
}

#[test]
fn handed_in() {
    let file = File::read(rnn(&PLACE)).unwrap();
    assert_eq!(file.external_names(), ["m.data"]);
    says(
        kernel(&file),
        &[
            "rnn: W: external data: found none, expected the bytes of \"m.data\"",
            "File::external(\"m.data\", bytes)",
            "File::load",
        ],
    );
    let other = file.clone().external("other", data());
    says(
        kernel(&other),
        &["found those of [\"other\"]", "\"m.data\""],
    );
    // As long as it has to be, but no data.
    for (bytes, words) in [
        (
            "version https://git-lfs.github.com/spec/v1\n",
            "found a Git LFS pointer (run `git lfs pull`)",
        ),
        ("<!DOCTYPE html><html>", "found an HTML page"),
    ] {
        let file = file.clone().external("m.data", bytes.as_bytes());
        says(kernel(&file), &["external data in \"m.data\"", words]);
    }
    let file = file.external("m.data", data());
    assert_eq!(kernel(&file).unwrap(), [0.5, -0.25]);
    // The bytes may be borrowed, and the name may be written in another way.
    let bytes = data();
    let dotted = File::read(rnn(&[("location", "./m.data"), ("offset", "4")])).unwrap();
    let dotted = dotted.external("./m.data", &bytes[..]);
    assert_eq!(kernel(&dotted).unwrap(), [0.5, -0.25]);
    let inline = File::read(crate::rnn(&["X", "W", "R", "B"], &[])).unwrap();
    assert!(inline.external_names().is_empty());

    let mut limits = Limits::default();
    limits.file_bytes = 200;
    let file = File::read_within(rnn(&PLACE), &limits).unwrap();
    let file = file.external("m.data", vec![0; 201]);
    says(
        kernel(&file),
        &["m.data: found 201 bytes, expected at most 200"],
    );
}

#[test]
fn keys_that_are_wrong() {
    let with = |keys: &[(&str, &str)]| {
        let file = File::read(rnn(keys)).unwrap();
        kernel(&file.external("m.data", data()))
    };
    let at = |offset, length| {
        with(&[
            ("location", "m.data"),
            ("offset", offset),
            ("length", length),
        ])
    };
    let location = ("location", "m.data");
    assert_eq!(with(&[location]).unwrap(), [9.0, 0.5]);
    assert!(with(&[location, ("checksum", "da39a3ee")]).is_ok());
    says(
        at("12", "8"),
        &["\"m.data\": found a file of 16 bytes, expected 8 bytes from byte 12 on"],
    );
    says(
        at("18446744073709551615", "8"),
        &["8 bytes from byte 18446744073709551615 on"],
    );
    says(at("9", "8"), &["from byte 9 on"]);
    says(
        at("-4", "8"),
        &["offset: found \"-4\", expected a whole number of bytes, at least 0"],
    );
    says(at("0", "-8"), &["length: found \"-8\""]);
    says(
        at("0", "4"),
        &["length: found 4, expected 8 bytes, those of its shape"],
    );
    says(
        at("0", "9223372036854775807"),
        &["length: found 9223372036854775807"],
    );
    says(
        at("0", "99999999999999999999"),
        &["length: found \"99999999999999999999\""],
    );
    says(at("0x4", "8"), &["offset: found \"0x4\""]);
    says(
        with(&[("offset", "0")]),
        &["location: found none, expected the name of a file"],
    );
    says(
        with(&[location, location]),
        &["location: found two, expected one value"],
    );
    says(
        with(&[location, ("compression", "zip")]),
        &["keys: found \"compression\", expected location"],
    );
    // A shape of more bytes than any file has.
    let huge = external("W", &[1, 1, 1 << 30], &[location]);
    let node = node("RNN", "rnn", &["X", "W", "R"], &["Y"], &[]);
    let arrays = [huge, floats("R", &[1, 1, 1], &[0.75])];
    let file = File::read(model(&graph(&[node], &arrays, &["X"]))).unwrap();
    says(
        kernel(&file.external("m.data", data())),
        &["a file of 16 bytes"],
    );
}

#[test]
fn places_out_of_the_folder() {
    for (location, why) in [
        ("/etc/passwd", "an absolute path"),
        ("//server/share", "an absolute path"),
        ("../m.data", "a step out of a folder"),
        ("a/../../m.data", "a step out of a folder"),
        ("a/..", "a step out of a folder"),
        ("..\\m.data", "a backslash"),
        ("\\\\server\\share", "a backslash"),
        ("C:/m.data", "a colon"),
        ("C:m.data", "a colon"),
        ("file:///etc/passwd", "a colon"),
        ("m.data\0.txt", "a control character"),
        ("", "no name of a file"),
        (".", "no name of a file"),
        ("a/", "no name of a file"),
    ] {
        let bytes = rnn(&[("location", location)]);
        // Not even bytes that are handed in make such a name right.
        let file = File::read(bytes).unwrap().external(location, data());
        says(kernel(&file), &["rnn: W: ", "external data: location", why]);
    }
}

#[cfg(feature = "std")]
mod disk {
    use super::{PLACE, data, kernel, rnn};
    use crate::says::says;
    use recurrent::Limits;
    use recurrent::onnx::File;
    use std::fs;
    use std::path::PathBuf;

    /// A folder that is gone after the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("recurrent-external-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(path.join("models/weights")).unwrap();
            Folder(path)
        }

        fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
            let path = self.0.join("models").join(name);
            fs::write(&path, bytes).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn beside_the_model() {
        let folder = Folder::new("beside");
        let path = folder.write("m.onnx", &rnn(&PLACE));
        says(
            kernel(&File::load(&path).unwrap()),
            &[
                "m.onnx: rnn: W: external data in ",
                "m.data",
                "found no file",
            ],
        );
        folder.write("m.data", &data());
        let file = File::load(&path).unwrap();
        assert_eq!(kernel(&file).unwrap(), [0.5, -0.25]);
        assert_eq!(kernel(&file.clone()).unwrap(), [0.5, -0.25]);
        // Bytes that are handed in come first.
        let other = file.external("m.data", vec![0; 16]);
        assert_eq!(kernel(&other).unwrap(), [0.0, 0.0]);

        let mut limits = Limits::default();
        limits.file_bytes = 15;
        let small = File::load_within(&path, &limits);
        says(small.map(drop), &["at most 15 bytes"]);
        folder.write("m.data", &[0; 1000]);
        limits.file_bytes = 999;
        let file = File::load_within(&path, &limits).unwrap();
        says(
            kernel(&file),
            &["m.data", "1000 bytes, expected at most 999 bytes"],
        );
        folder.write("m.data", &data()[..11]);
        let file = File::load(&path).unwrap();
        says(
            kernel(&file),
            &["a file of 11 bytes, expected 8 bytes from byte 4 on"],
        );

        let place = [("location", "weights/w.bin"), ("offset", "4")];
        let path = folder.write("inner.onnx", &rnn(&place));
        folder.write("weights/w.bin", &data());
        assert_eq!(kernel(&File::load(&path).unwrap()).unwrap(), [0.5, -0.25]);
    }

    #[test]
    fn what_is_no_file_beside_it() {
        let folder = Folder::new("no-file");
        let at = |location| {
            let path = folder.write("m.onnx", &rnn(&[("location", location)]));
            kernel(&File::load(path).unwrap())
        };
        fs::write(folder.0.join("secret"), data()).unwrap();
        says(at("weights"), &["expected a file", "found a folder"]);
        says(
            at("m.onnx"),
            &["found the model itself, expected a file beside the model"],
        );
        says(at("./m.onnx"), &["the model itself"]);
        says(at("../secret"), &["a step out of a folder"]);
        let secret = folder.0.join("secret");
        says(at(secret.to_str().unwrap()), &["an absolute path"]);
    }

    #[test]
    #[cfg(unix)]
    fn links_and_pipes() {
        use std::os::unix::fs::symlink;
        let folder = Folder::new("links");
        let at = |location| {
            let path = folder.write("m.onnx", &rnn(&[("location", location), ("offset", "4")]));
            kernel(&File::load(path).unwrap())
        };
        fs::write(folder.0.join("secret"), data()).unwrap();
        folder.write("real", &data());
        let models = folder.0.join("models");
        symlink("../secret", models.join("out")).unwrap();
        symlink("..", models.join("up")).unwrap();
        symlink("real", models.join("in")).unwrap();
        symlink("/dev/zero", models.join("zero")).unwrap();
        symlink("round", models.join("round")).unwrap();
        assert_eq!(at("in").unwrap(), [0.5, -0.25]);
        let out = ["found a link to another folder", "File::external"];
        says(at("out"), &out);
        says(at("up/secret"), &out);
        says(at("zero"), &out);
        says(at("round"), &["a file that can be read"]);
        let pipe = std::process::Command::new("mkfifo")
            .arg(models.join("pipe"))
            .status();
        if pipe.is_ok_and(|status| status.success()) {
            says(at("pipe"), &["a device or a pipe, expected a file"]);
        }
        // Caches of downloads have a link for each file, the model's too, to a folder that has all of them.
        let blobs = folder.0.join("blobs");
        fs::create_dir(&blobs).unwrap();
        fs::write(blobs.join("a"), rnn(&[("location", "b"), ("offset", "4")])).unwrap();
        fs::write(blobs.join("c"), data()).unwrap();
        symlink("../blobs/a", models.join("cached.onnx")).unwrap();
        symlink("../blobs/c", models.join("b")).unwrap();
        let cached = File::load(models.join("cached.onnx")).unwrap();
        assert_eq!(kernel(&cached).unwrap(), [0.5, -0.25]);
        fs::remove_file(models.join("b")).unwrap();
        symlink("../secret", models.join("b")).unwrap();
        let cached = File::load(models.join("cached.onnx")).unwrap();
        says(kernel(&cached), &out);
        // The folder itself may be reached by a link.
        symlink("models", folder.0.join("link")).unwrap();
        folder.write("m.onnx", &rnn(&[("location", "real"), ("offset", "4")]));
        let file = File::load(folder.0.join("link/m.onnx")).unwrap();
        assert_eq!(kernel(&file).unwrap(), [0.5, -0.25]);
    }
}
