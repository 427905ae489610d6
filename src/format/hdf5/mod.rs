//! HDF5: `.weights.h5`, whole models in `.h5`, the weights inside of a `.keras` archive.
//!
//! Reads what Keras, h5py and the tools around them write: groups of both generations, hard links, attributes,
//! contiguous, compact and chunked arrays of numbers, strings of fixed and variable length. What points out of the file
//! (external links, external storage, virtual arrays), soft links and committed datatypes are refused by name.
//!
//! A file is a graph of addresses that may point anywhere, so two allowances bound the work: every block of the
//! directory counts against a number of bytes, and so does every array. Strings are borrowed from the file.
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
mod superblock;

pub use attribute::Attribute;
pub use file::File;
pub use object::Object;
pub use superblock::{FORMAT, SIGNATURE};
