//! The global heap: strings of variable length.

use super::super::cursor::Cursor;
use super::super::error::Result;
use super::source::Source;
use alloc::format;

const PART: &str = "HDF5 global heap";

/// Object `index` of the collection at `address`.
pub(super) fn object<'a>(file: &Source<'a>, address: u64, index: u32) -> Result<&'a [u8]> {
    let width = file.superblock.length;
    let mut head = file.block(address, 8 + width, PART)?;
    head.expect(b"GCOL\x01")?;
    head.take(3)?;
    let length = file.length(&mut head, PART)?;
    // Not a block: only what is looked through is counted.
    let mut objects = Cursor::new(file.slice(address, length, PART)?, PART);
    objects.take(8 + width)?;
    while objects.rest().len() >= 8 + width {
        file.count(8 + width, PART)?;
        let number = u32::from(objects.u16()?);
        // References, reserved.
        objects.take(2 + 4)?;
        let length = file.length(&mut objects, PART)?;
        if number == 0 {
            // The free space after the last object.
            break;
        }
        let object = objects.take(length)?;
        if number == index {
            return Ok(object);
        }
        let padding = length.next_multiple_of(8) - length;
        objects.take(padding.min(objects.rest().len()))?;
    }
    Err(objects.refuse(format!("an object {index}"), "none"))
}
