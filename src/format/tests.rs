//! Formats together: files that lie, and those of Keras, which have several formats in each other.

#[cfg(any(feature = "keras", feature = "npz"))]
pub mod listing;
pub mod memory;
pub mod support;

#[cfg(all(
    feature = "keras",
    feature = "npz",
    feature = "onnx",
    feature = "torch",
    feature = "saved"
))]
mod hostile;
#[cfg(all(feature = "keras", feature = "torch", feature = "saved"))]
mod keras;

#[cfg(feature = "std")]
#[test]
fn errors_keep_those_of_the_operating_system() {
    use core::error::Error as _;
    let error = super::disk::length(&support::path("none"), 1).unwrap_err();
    let message = "reading: found no file, expected a file that can be read";
    assert_eq!(alloc::string::ToString::to_string(&error), message);
    let source = error.source().and_then(|source| source.downcast_ref());
    let kind = source.map(std::io::Error::kind);
    assert_eq!(kind, Some(std::io::ErrorKind::NotFound));
    assert!(super::Error::new("a", "b", "c").source().is_none());
}
