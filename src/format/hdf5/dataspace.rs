//! Dataspaces: the shape of an array or attribute.

use super::super::cursor::Cursor;
use super::super::error::Result;
use super::source::Source;
use alloc::vec::Vec;

const PART: &str = "HDF5 dataspace";
/// The library allows no more axes.
const MOST_AXES: u8 = 32;

/// The shape that a message tells of; `[0]` if there is nothing at all.
pub(super) fn read(file: &Source, message: &[u8]) -> Result<Vec<usize>> {
    let mut cursor = Cursor::new(message, PART);
    let version = cursor.u8()?;
    let axes = cursor.u8()?;
    cursor.u8()?;
    let nothing = match version {
        1 => cursor.take(5).map(|_| false)?,
        2 => cursor.u8()? == 2,
        _ => return Err(cursor.refuse("version 1 or 2", version)),
    };
    if axes > MOST_AXES {
        return Err(cursor.refuse("at most 32 axes", axes));
    }
    if nothing {
        return Ok(Vec::from([0]));
    }
    (0..axes).map(|_| file.length(&mut cursor, PART)).collect()
}
