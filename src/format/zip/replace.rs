//! A copy of an archive in which some members have other bytes.

use super::super::bytes::Bytes;
use super::super::cursor::{Cursor, to_length};
use super::super::error::{Error, Result};
use super::directory::{self, END_BYTES, ENTRY, IN_ZIP64, LOCAL_BYTES, STORED};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// The bit that says that sum and sizes follow the member.
const FOLLOWED: u16 = 1 << 3;
/// What follows then, without its signature.
const DESCRIPTOR_BYTES: usize = 4 + 4 + 4;
const DESCRIPTOR: &[u8] = b"PK\x07\x08";
const ZIP64: u16 = 1;

/// A member as the directory has it.
struct Entry<'a> {
    /// All that the directory has for it.
    bytes: &'a [u8],
    name: &'a [u8],
    flags: u16,
    /// Where its header and its packed bytes are.
    local: usize,
    packed: usize,
}

/// A copy of the archive `bytes` in which these members have these bytes; they are stored. All other members, their order,
/// times, attributes and comments stay as they are, bit for bit.
pub(super) fn replace(bytes: &[u8], members: &BTreeMap<&str, &[u8]>) -> Result<Vec<u8>> {
    let part = "zip archive";
    let directory = directory::find(Bytes::Memory(bytes))?;
    if directory.wide {
        return Err(Error::new(part, "an archive without zip64", "zip64"));
    }
    let (start, end) = (directory.start, directory.end);
    let beyond = || Error::new(part, "a directory inside of the file", "another");
    let listed = start.checked_add(directory.size).filter(|&at| at <= end);
    let listed = listed.and_then(|listed| bytes.get(start..listed));
    let mut cursor = Cursor::new(listed.ok_or_else(beyond)?, "zip directory");
    let mut entries = Vec::new();
    for _ in 0..directory.count {
        entries.push(entry(&mut cursor)?);
    }
    let mut order: Vec<&Entry> = entries.iter().collect();
    order.sort_unstable_by_key(|entry| entry.local);

    let mut copy = Vec::with_capacity(bytes.len());
    // Where each member is in the copy, by where it was.
    let mut moved = BTreeMap::new();
    let mut done = 0;
    for entry in order {
        let before = bytes.get(done..entry.local).ok_or_else(beyond)?;
        copy.extend(before);
        done = entry.local;
        moved.insert(entry.local, copy.len());
        if let Some(new) = new_bytes(entry, members) {
            done = member(bytes, entry, new, &mut copy)?;
        }
    }
    copy.extend(bytes.get(done..start).ok_or_else(beyond)?);
    let new_start = small(copy.len())?;
    for entry in &entries {
        let at = copy.len();
        copy.extend(entry.bytes);
        let mut put = |place: usize, field: &[u8]| {
            let to = copy.get_mut(at + place..);
            let to = to.and_then(|to| to.get_mut(..field.len()));
            to.map(|to| to.copy_from_slice(field)).ok_or_else(beyond)
        };
        let local = moved.get(&entry.local).ok_or_else(beyond)?;
        put(42, &small(*local)?.to_le_bytes())?;
        if let Some(new) = new_bytes(entry, members) {
            put(8, &fields(entry.flags))?;
            put(16, &sum_and_sizes(new)?)?;
        }
    }
    copy.extend(bytes.get(start + directory.size..end).ok_or_else(beyond)?);
    let last = bytes.get(end..).ok_or_else(beyond)?;
    let (head, tail) = last.split_at_checked(16).ok_or_else(beyond)?;
    copy.extend(head);
    copy.extend(new_start.to_le_bytes());
    copy.extend(tail.get(4..).ok_or_else(beyond)?);
    debug_assert!(last.len() >= END_BYTES, "found by its length");
    Ok(copy)
}

fn new_bytes<'m>(entry: &Entry, members: &BTreeMap<&str, &'m [u8]>) -> Option<&'m [u8]> {
    members.get(core::str::from_utf8(entry.name).ok()?).copied()
}

fn entry<'a>(cursor: &mut Cursor<'a>) -> Result<Entry<'a>> {
    let all = cursor.rest();
    cursor.expect(ENTRY)?;
    cursor.take(4)?;
    let flags = cursor.u16()?;
    // Method, time, date, sum.
    cursor.take(2 + 4 + 4)?;
    let (packed, unpacked) = (u64::from(cursor.u32()?), u64::from(cursor.u32()?));
    let [name, extra, comment] = [cursor.u16()?, cursor.u16()?, cursor.u16()?].map(usize::from);
    cursor.take(2 + 2 + 4)?;
    let local = u64::from(cursor.u32()?);
    let name = cursor.take(name)?;
    cursor.take(extra + comment)?;
    if [packed, unpacked, local].contains(&IN_ZIP64) {
        return Err(cursor.refuse("members without zip64", "zip64"));
    }
    Ok(Entry {
        bytes: &all[..all.len() - cursor.rest().len()],
        name,
        flags,
        local: to_length(local, "zip member")?,
        packed: to_length(packed, "zip member")?,
    })
}

/// Appends the header of a member, changed, and its new bytes. Returns where the member ends in the archive.
fn member(bytes: &[u8], entry: &Entry, new: &[u8], copy: &mut Vec<u8>) -> Result<usize> {
    let mut cursor = Cursor::new(bytes.get(entry.local..).unwrap_or_default(), "zip member");
    let header = cursor.take(LOCAL_BYTES)?;
    let mut lengths = Cursor::new(&header[26..], "zip member");
    let [name, extra] = [lengths.u16()?, lengths.u16()?].map(usize::from);
    let name = cursor.take(name)?;
    let extra = cursor.take(extra)?;
    let mut inside = Cursor::new(extra, "zip member");
    while inside.rest().len() >= 4 {
        let (id, size) = (inside.u16()?, inside.u16()?);
        if id == ZIP64 {
            return Err(cursor.refuse("members without zip64", "zip64"));
        }
        inside.take(size.into())?;
    }
    cursor.take(entry.packed)?;
    if entry.flags & FOLLOWED != 0 {
        if cursor.rest().starts_with(DESCRIPTOR) {
            cursor.take(DESCRIPTOR.len())?;
        }
        cursor.take(DESCRIPTOR_BYTES)?;
    }
    // Signature and version; flags and method; time and date; sum and sizes; lengths of the names.
    copy.extend(&header[..6]);
    copy.extend(fields(entry.flags));
    copy.extend(&header[10..14]);
    copy.extend(sum_and_sizes(new)?);
    copy.extend(&header[26..]);
    copy.extend(name);
    copy.extend(extra);
    copy.extend(new);
    Ok(bytes.len() - cursor.rest().len())
}

/// The flags of a member whose sizes stand in front of it, and its method.
fn fields(flags: u16) -> [u8; 4] {
    let [[a, b], [c, d]] = [flags & !FOLLOWED, STORED].map(u16::to_le_bytes);
    [a, b, c, d]
}

fn sum_and_sizes(new: &[u8]) -> Result<Vec<u8>> {
    let length = small(new.len())?;
    let all = [crc32fast::hash(new), length, length];
    Ok(all.into_iter().flat_map(u32::to_le_bytes).collect())
}

/// A size or a place as the 32 bits of the format.
fn small(n: usize) -> Result<u32> {
    let small = u32::try_from(n).ok().filter(|&n| n < u32::MAX);
    small.ok_or_else(|| Error::new("zip archive", "less than 4 GiB", n))
}

#[cfg(test)]
mod tests {
    use super::super::Archive;
    use super::*;
    use crate::Limits;
    use crate::format::tests::support::{files, read};
    use alloc::string::String;
    use alloc::vec;

    /// Every member of every archive, made longer, shorter and empty: the others stay, in their order and bit for bit.
    #[test]
    fn other_members_stay() {
        let mut replaced = 0;
        for folder in ["golden/keras_files/models", "data/keras_files/models"] {
            for file in files(folder, ".keras").iter().take(8) {
                let bytes = read(&alloc::format!("{folder}/{file}"));
                let archive = Archive::open(&bytes, &Limits::default()).unwrap();
                let names: Vec<String> = archive.names().map(Into::into).collect();
                for name in &names {
                    for new in [vec![7; 100_000], b"short".to_vec(), Vec::new()] {
                        let members = BTreeMap::from([(&**name, &*new)]);
                        let copy = archive.replace(&members).unwrap();
                        let copy = Archive::open(&copy, &Limits::default()).unwrap();
                        for other in &names {
                            let expected = if other == name {
                                new.clone()
                            } else {
                                archive.read(other).unwrap().into_owned()
                            };
                            assert!(*copy.read(other).unwrap() == expected, "{file}: {other}");
                        }
                        replaced += 1;
                    }
                }
                assert_eq!(archive.replace(&BTreeMap::new()).unwrap(), bytes, "{file}");
            }
        }
        assert!(replaced >= 48, "{replaced}");
    }

    /// An archive of one member whose sizes follow it, as programs write that cannot go back, before another one.
    #[test]
    fn sizes_that_follow_a_member_go_with_it() {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (name, data) in [("a", &b"first"[..]), ("b", b"second")] {
            let local = u32::try_from(bytes.len()).unwrap();
            let sizes = sum_and_sizes(data).unwrap();
            let head = |sizes: &[u8]| {
                let flags = [FOLLOWED, STORED].map(u16::to_le_bytes).concat();
                [&flags, &[0; 4][..], sizes, &[1, 0, 0, 0]].concat()
            };
            bytes.extend(b"PK\x03\x04\x14\0");
            bytes.extend(head(&[0; 12]));
            bytes.extend(name.as_bytes());
            bytes.extend(data);
            bytes.extend(DESCRIPTOR);
            bytes.extend(&sizes);
            directory.extend(b"PK\x01\x02\x14\0\x14\0");
            directory.extend(head(&sizes));
            directory.extend([0; 2 + 2 + 2 + 4]);
            directory.extend(local.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let start = u32::try_from(bytes.len()).unwrap();
        let size = u32::try_from(directory.len()).unwrap();
        bytes.extend(directory);
        bytes.extend(b"PK\x05\x06\0\0\0\0\x02\0\x02\0");
        bytes.extend(size.to_le_bytes());
        bytes.extend(start.to_le_bytes());
        bytes.extend(b"\x04\0note");
        let archive = Archive::open(&bytes, &Limits::default()).unwrap();
        let copy = archive
            .replace(&BTreeMap::from([("a", &b"another"[..])]))
            .unwrap();
        assert!(copy.ends_with(b"note"));
        let copy = Archive::open(&copy, &Limits::default()).unwrap();
        assert_eq!(&*copy.read("a").unwrap(), b"another");
        assert_eq!(&*copy.read("b").unwrap(), b"second");
        for length in 0..bytes.len() {
            let members = BTreeMap::from([("a", &b"another"[..])]);
            assert!(replace(&bytes[..length], &members).is_err());
        }
    }
}
