//! HDF5: `.weights.h5`, whole models in `.h5`, the weights inside of a `.keras` archive.
//!
//! Reads what Keras, h5py and the tools around them write: groups of both generations, hard links, attributes,
//! contiguous, compact and chunked arrays of numbers, strings of fixed and variable length. What points out of the file
//! (external links, external storage, virtual arrays), soft links and committed datatypes are refused by name.
//!
//! A file is a graph of addresses that may point anywhere, so two allowances bound the work: every block of the
//! directory counts against a number of bytes, and so does every array. Strings are borrowed from the file.
//!
//! The files of this folder follow each other: `source` and `superblock`, then what stands at an address (datatypes, trees,
//! heaps, chunks), `header` and `attribute`, `links`, `place` and `unlink`, `object`, `file`. No file needs a later one, although groups lie in
//! groups and blocks of a header in each other: lists of what is still to be read take the place of a recursion.
//!
//! Nothing is ever written but over what is there: numbers in their place, and the table of a group from which a link is
//! removed. So a file that cannot be written is one whose numbers are packed, and no checksum of a directory changes.
//!
//! Source: "HDF5 File Format Specification", version 3.

mod attribute;
mod btree1;
mod btree2;
mod chunk_index;
mod chunks;
mod dataspace;
mod datatype;
mod file;
mod filter;
mod fractal_heap;
mod global_heap;
mod header;
mod layout;
mod links;
mod lzf;
mod object;
mod place;
mod source;
mod superblock;
mod unlink;

pub use file::File;
pub use object::Object;
pub use superblock::{FORMAT, SIGNATURE};

#[cfg(test)]
mod tests;
