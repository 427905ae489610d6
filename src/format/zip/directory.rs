//! The directory at the end of an archive.

use super::super::bytes::Bytes;
use super::super::cursor::{Cursor, to_length};
use super::super::error::{Error, Result};
use crate::Limits;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

pub(super) const STORED: u16 = 0;
pub(super) const DEFLATED: u16 = 8;

const LOCAL: &[u8] = b"PK\x03\x04";
pub(super) const ENTRY: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END64: &[u8] = b"PK\x06\x06";
const LOCATOR64: &[u8] = b"PK\x06\x07";

/// The end record without its comment.
pub(super) const END_BYTES: usize = 22;
const LOCATOR64_BYTES: usize = 20;
/// All that is read of the 64-bit end record.
const END64_BYTES: usize = 4 + 8 + 2 + 2 + 4 + 4 + 8 + 8 + 8 + 8;
/// A header in front of a member, without its name and extra field.
pub(super) const LOCAL_BYTES: usize = 30;
/// A 32-bit field whose value stands in a zip64 field.
pub(super) const IN_ZIP64: u64 = 0xffff_ffff;

/// The members by name.
pub type Members = BTreeMap<String, Member>;

/// Where a member is, and what the directory says of it.
pub struct Member {
    /// Its place in the file, which is inside.
    pub packed: Range<usize>,
    pub method: u16,
    pub encrypted: bool,
    pub crc32: u32,
    /// Its bytes when unpacked.
    pub length: usize,
}

/// The members of an archive.
pub(super) fn read(bytes: Bytes, limits: &Limits) -> Result<Members> {
    let Directory {
        count, start, size, ..
    } = find(bytes)?;
    let part = "zip directory";
    if count > limits.entries as u64 {
        let expected = format!("at most {} members", limits.entries);
        return Err(Error::new(part, expected, count));
    }
    let beyond = || {
        Error::new(
            part,
            "a directory inside of the file",
            format!("{size} bytes at {start}"),
        )
    };
    let entries = bytes.get(start, size)?.ok_or_else(beyond)?;
    let mut entries = Cursor::new(entries, part);
    // Members lie before the directory.
    let bytes = bytes.part(0, start).ok_or_else(beyond)?;
    let mut members = Members::new();
    let mut ranges = Vec::new();
    for _ in 0..count {
        let (name, member, range) = entry(bytes, &mut entries)?;
        if members.insert(name.into(), member).is_some() {
            return Err(Error::new(
                part,
                "one member of a name",
                format!("two of {name:?}"),
            ));
        }
        ranges.push((range, name));
    }
    // What other readers take for members, since they count the bytes.
    if !entries.rest().is_empty() {
        let expected = format!("a directory of {count} members");
        let found = format!("{} bytes more", entries.rest().len());
        return Err(Error::new(part, expected, found));
    }
    ranges.sort_unstable();
    for pair in ranges.windows(2) {
        let [((_, end), lower), ((start, _), upper)] = pair else {
            continue;
        };
        if end > start {
            let found = format!("{lower:?} and {upper:?} overlapping");
            return Err(Error::new(part, "members side by side", found));
        }
    }
    Ok(members)
}

/// Where the directory is.
pub(super) struct Directory {
    /// How many members it has.
    pub count: u64,
    pub start: usize,
    pub size: usize,
    /// Where the end record is.
    #[cfg_attr(not(feature = "keras"), allow(dead_code))]
    pub end: usize,
    /// Whether a 64-bit record tells all this.
    #[cfg_attr(not(feature = "keras"), allow(dead_code))]
    pub wide: bool,
}

/// The end record is the last thing in the file but for a comment, whose length it tells.
pub(super) fn find(file: Bytes) -> Result<Directory> {
    let part = "zip archive";
    let missing = || {
        Error::new(
            part,
            "the end record of a zip archive: is the file whole?",
            "none",
        )
    };
    let before = file.len().saturating_sub(END_BYTES + usize::from(u16::MAX));
    let bytes = file.get(before, file.len() - before)?.unwrap_or_default();
    let last = bytes.len().checked_sub(END_BYTES).ok_or_else(missing)?;
    let is_end = |&at: &usize| {
        let comment = u16::from_le_bytes([bytes[at + 20], bytes[at + 21]]);
        bytes[at..].starts_with(END) && at + END_BYTES + usize::from(comment) == bytes.len()
    };
    let first = last.saturating_sub(usize::from(u16::MAX));
    let at = (first..=last).rev().find(is_end).ok_or_else(missing)?;
    let mut end = Cursor::new(&bytes[at + END.len()..], "zip end record");
    let [disk, directory_disk, here, total] = [end.u16()?, end.u16()?, end.u16()?, end.u16()?];
    let (size, start) = (u64::from(end.u32()?), u64::from(end.u32()?));
    if disk != directory_disk || here != total {
        return Err(end.refuse("an archive in one piece", "one of several disks"));
    }
    let wide = total == u16::MAX || size == IN_ZIP64 || start == IN_ZIP64;
    let (count, size, start) = if wide {
        find64(file, before + at)?
    } else {
        (u64::from(total), size, start)
    };
    Ok(Directory {
        count,
        start: to_length(start, part)?,
        size: to_length(size, part)?,
        end: before + at,
        wide,
    })
}

/// Count, size and start of the directory of a large archive, whose end record is at `end`.
fn find64(bytes: Bytes, end: usize) -> Result<(u64, u64, u64)> {
    let part = "zip64 end record";
    let missing = || Error::new(part, "a zip64 end record", "none");
    let locator = end.checked_sub(LOCATOR64_BYTES).ok_or_else(missing)?;
    let locator = bytes.get(locator, LOCATOR64_BYTES)?.ok_or_else(missing)?;
    let mut locator = Cursor::new(locator, part);
    locator.expect(LOCATOR64)?;
    locator.u32()?;
    let record = to_length(locator.u64()?, part)?;
    let length = end.checked_sub(record).ok_or_else(missing)?;
    let record = bytes
        .get(record, length.min(END64_BYTES))?
        .ok_or_else(missing)?;
    let mut record = Cursor::new(record, part);
    record.expect(END64)?;
    // Its size, versions and disks.
    record.take(8 + 2 + 2 + 4 + 4 + 8)?;
    Ok((record.u64()?, record.u64()?, record.u64()?))
}

/// The next member, and the bytes that it takes from its header to its end.
fn entry<'a>(
    bytes: Bytes<'a>,
    entries: &mut Cursor<'a>,
) -> Result<(&'a str, Member, (usize, usize))> {
    entries.expect(ENTRY)?;
    // Versions.
    entries.take(4)?;
    let (flags, method) = (entries.u16()?, entries.u16()?);
    // Time and date.
    entries.take(4)?;
    let crc32 = entries.u32()?;
    let (mut packed, mut unpacked) = (u64::from(entries.u32()?), u64::from(entries.u32()?));
    let [name, extra, comment] = [entries.u16()?, entries.u16()?, entries.u16()?];
    // Disk and attributes.
    entries.take(2 + 2 + 4)?;
    let mut local = u64::from(entries.u32()?);
    let name = entries.take(name.into())?;
    let extra = entries.take(extra.into())?;
    entries.take(comment.into())?;
    let name = core::str::from_utf8(name)
        .map_err(|_| entries.refuse("a name in UTF-8", format!("{:?}", name.escape_ascii())))?;
    zip64(extra, [&mut unpacked, &mut packed, &mut local]).map_err(|error| error.within(name))?;

    let [local, packed, unpacked] = [
        to_length(local, name)?,
        to_length(packed, name)?,
        to_length(unpacked, name)?,
    ];
    if method == STORED && packed != unpacked {
        let expected = format!("{packed} bytes, as many as are stored");
        return Err(Error::new(name, expected, unpacked));
    }
    let beyond = || {
        Error::new(
            name,
            "a member before the directory",
            format!("one at {local}"),
        )
    };
    let before = bytes.len().checked_sub(local).ok_or_else(beyond)?;
    let longest = LOCAL_BYTES + name.len() + usize::from(u16::MAX);
    let header = bytes.get(local, before.min(longest))?.ok_or_else(beyond)?;
    let mut header = Cursor::new(header, "zip member");
    let length = header.rest().len();
    header.expect(LOCAL).map_err(|error| error.within(name))?;
    // Version, flags, method, time, date, sum and sizes: the directory has them.
    header.take(2 + 2 + 2 + 2 + 2 + 4 + 4 + 4)?;
    let (name_bytes, extra_bytes) = (header.u16()?, header.u16()?);
    header.expect(name.as_bytes().get(..name_bytes.into()).unwrap_or_default())?;
    if usize::from(name_bytes) != name.len() {
        return Err(Error::new(
            name,
            "one name",
            "another one in front of the member",
        ));
    }
    header.take(extra_bytes.into())?;
    let start = local + (length - header.rest().len());
    let left = bytes.len() - start;
    if packed > left {
        let found = format!("{left} before the end");
        return Err(Error::new(name, format!("{packed} more bytes"), found));
    }
    let end = start + packed;
    let member = Member {
        packed: start..end,
        method,
        encrypted: flags & 1 == 1,
        crc32,
        length: unpacked,
    };
    Ok((name, member, (local, end)))
}

/// Takes the fields that do not fit into 32 bits from the extra field of a large member.
fn zip64(extra: &[u8], fields: [&mut u64; 3]) -> Result<()> {
    const ZIP64: u16 = 1;
    let mut wanted = fields
        .into_iter()
        .filter(|field| **field == IN_ZIP64)
        .peekable();
    if wanted.peek().is_none() {
        return Ok(());
    }
    let part = "zip64 field";
    let mut extra = Cursor::new(extra, part);
    loop {
        let (id, size) = (extra.u16()?, extra.u16()?);
        let mut field = Cursor::new(extra.take(size.into())?, part);
        if id == ZIP64 {
            return wanted.try_for_each(|wanted| field.u64().map(|wide| *wanted = wide));
        }
    }
}
