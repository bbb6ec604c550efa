//! The archive of a bundle: a zip (PKWARE APPNOTE 6.3) in one spelling. Members are stored, not packed; there are no
//! extra fields, comments or flags; every time is 1980-01-01. So the names and bytes of the members fix every byte of
//! the file: reading is to collect them, write them again and compare. No bomb, no second name for a member and no
//! byte that nothing vouches for can be in it.

use std::collections::HashSet;

use base::Fault;

/// The largest bundle that is written or read, in bytes.
pub const MAX_BUNDLE_BYTES: u64 = 1 << 31;

/// The most files in a bundle: some 500,000 items.
pub const MAX_BUNDLE_FILES: usize = 1 << 20;

/// From so many files on their number stands in the 64-bit extension of the form.
const MANY: usize = 0xffff;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
/// Where the name starts in a local header.
const LOCAL_BYTES: usize = 30;
/// Where the CRC stands in a local header.
const CRC_AT: usize = 14;
/// 1980-01-01, the first day that a zip can name.
const DATE: u16 = 0x0021;

/// A file in the archive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'a> {
    pub(crate) name: &'a str,
    pub(crate) bytes: &'a [u8],
    /// Where its bytes start in the archive.
    start: usize,
}

impl<'a> Member<'a> {
    pub(crate) const fn new(name: &'a str, bytes: &'a [u8]) -> Self {
        Self { name, bytes, start: 0 }
    }
}

/// The archive of `members`, in their order; `None` when it would be over the limits.
pub(crate) fn write(members: &[Member<'_>]) -> Option<Vec<u8>> {
    let each = |member: &Member<'_>| (member.bytes.len() + 2 * member.name.len() + LOCAL_BYTES + 46) as u64;
    if members.len() > MAX_BUNDLE_FILES || members.iter().map(each).sum::<u64>() + 98 > MAX_BUNDLE_BYTES {
        return None;
    }
    let mut archive = Vec::new();
    emit(members, &mut |bytes| archive.extend_from_slice(bytes));
    Some(archive)
}

/// The members of an archive.
///
/// # Errors
/// A fault with the first byte that is not as [`write`] would write it.
pub(crate) fn read(archive: &[u8]) -> Result<Vec<Member<'_>>, Box<Fault>> {
    if archive.len() as u64 > MAX_BUNDLE_BYTES {
        let message = format!("the file has {} bytes, a bundle at most {MAX_BUNDLE_BYTES}", archive.len());
        return Err(Box::new(Fault::error("bundle::too_large", message)));
    }
    let members = collect(archive)?;
    let mut names = HashSet::new();
    if let Some(twice) = members.iter().find(|member| !names.insert(member.name)) {
        let fault = Fault::error("bundle::duplicate_name", "two files have this name");
        return Err(at(fault.in_source(twice.name), twice.start, twice.start + twice.bytes.len()));
    }
    let mut offset = 0;
    let mut differs = None;
    emit(&members, &mut |bytes| {
        let there = archive.get(offset..).unwrap_or_default();
        if differs.is_none() && !there.starts_with(bytes) {
            differs = Some(offset + bytes.iter().zip(there).take_while(|(a, b)| a == b).count());
        }
        offset += bytes.len();
    });
    match differs.or((offset < archive.len()).then_some(offset)) {
        None => Ok(members),
        Some(byte) => Err(name_difference(&members, byte)),
    }
}

/// Walks the local headers. Only names and lengths are taken from them; all else is compared afterwards.
fn collect(archive: &[u8]) -> Result<Vec<Member<'_>>, Box<Fault>> {
    let bad =
        |offset: usize, message: &str| at(Fault::error("bundle::bad_archive", message), offset, offset + 1);
    let mut members = Vec::new();
    let mut offset = 0;
    while number::<4>(archive, offset).map(u32::from_le_bytes) == Some(LOCAL) {
        let lengths = (|| {
            let size = u32::from_le_bytes(number(archive, offset + 18)?) as usize;
            let name = u16::from_le_bytes(number(archive, offset + 26)?) as usize;
            Some((size, name))
        })();
        let Some((size, name)) = lengths else { return Err(bad(offset, "the archive ends within a header")) };
        let start = offset + LOCAL_BYTES + name;
        let name = archive.get(offset + LOCAL_BYTES..start).and_then(|name| std::str::from_utf8(name).ok());
        let (Some(name), Some(bytes)) = (name, archive.get(start..start.saturating_add(size))) else {
            return Err(bad(offset, "the archive ends within a file, or its name is no text"));
        };
        if members.len() == MAX_BUNDLE_FILES {
            return Err(bad(offset, "more files than a bundle may have"));
        }
        members.push(Member { name, bytes, start });
        offset = start + size;
    }
    if members.is_empty() {
        let message = "not a bundle: it does not start with a file of a zip archive";
        return Err(at(Fault::error("bundle::not_an_archive", message), 0, 1));
    }
    Ok(members)
}

/// Tells where a byte lies that is not as it must be.
fn name_difference(members: &[Member<'_>], byte: usize) -> Box<Fault> {
    for member in members {
        let header = member.start - LOCAL_BYTES - member.name.len();
        if (header + CRC_AT..header + CRC_AT + 4).contains(&byte) {
            let message = "the bytes of this file do not have their checksum (CRC-32)";
            let fault = Fault::error("bundle::bad_crc", message).in_source(member.name);
            return at(fault, member.start, member.start + member.bytes.len());
        }
    }
    let message = "the archive is not in the one form of a bundle: it was packed again or changed";
    at(Fault::error("bundle::bad_archive", message), byte, byte + 1)
}

fn at(fault: Fault, start: usize, end: usize) -> Box<Fault> {
    Box::new(fault.at_bytes(start as u64, end as u64))
}

fn number<const N: usize>(archive: &[u8], offset: usize) -> Option<[u8; N]> {
    archive.get(offset..offset.checked_add(N)?)?.try_into().ok()
}

/// Gives the bytes of the archive of `members` piece by piece.
fn emit(members: &[Member<'_>], sink: &mut impl FnMut(&[u8])) {
    let mut offset: u32 = 0;
    let mut directory = Vec::new();
    for member in members {
        // The limits keep all of these in 32 bits.
        let size = u32::try_from(member.bytes.len()).unwrap_or(u32::MAX);
        let name = u16::try_from(member.name.len()).unwrap_or(u16::MAX);
        let mut common = Vec::with_capacity(26);
        for half in [10_u16, 0, 0, 0, DATE] {
            common.extend_from_slice(&half.to_le_bytes());
        }
        for word in [crc32fast::hash(member.bytes), size, size] {
            common.extend_from_slice(&word.to_le_bytes());
        }
        for half in [name, 0] {
            common.extend_from_slice(&half.to_le_bytes());
        }
        sink(&LOCAL.to_le_bytes());
        sink(&common);
        sink(member.name.as_bytes());
        sink(member.bytes);
        directory.extend_from_slice(&CENTRAL.to_le_bytes());
        // Made by version 1.0 on Unix, so that the mode below counts.
        directory.extend_from_slice(&0x030a_u16.to_le_bytes());
        directory.extend_from_slice(&common);
        // No comment, disk 0, no internal attributes; a plain file that its owner may write and all may read.
        directory.extend_from_slice(&[0; 6]);
        directory.extend_from_slice(&(0o100_644_u32 << 16).to_le_bytes());
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(member.name.as_bytes());
        offset = offset.wrapping_add(LOCAL_BYTES as u32 + u32::from(name)).wrapping_add(size);
    }
    sink(&directory);
    if members.len() >= MANY {
        sink(&end_64(members.len() as u64, directory.len() as u64, u64::from(offset)));
    }
    let count = u16::try_from(members.len()).unwrap_or(u16::MAX);
    sink(&END.to_le_bytes());
    sink(&[0; 4]);
    sink(&count.to_le_bytes());
    sink(&count.to_le_bytes());
    sink(&u32::try_from(directory.len()).unwrap_or(u32::MAX).to_le_bytes());
    sink(&offset.to_le_bytes());
    sink(&[0; 2]);
}

/// The end in 64 bits and where it stands (APPNOTE 4.3.14 and 4.3.15), behind a directory at `offset`.
fn end_64(count: u64, directory_bytes: u64, offset: u64) -> Vec<u8> {
    let mut end = END_64.to_le_bytes().to_vec();
    end.extend_from_slice(&44_u64.to_le_bytes());
    // Made on Unix, by a version that knows the extension, as one must to read it.
    end.extend_from_slice(&[0x2d, 3, 0x2d, 0]);
    // Disk 0 twice.
    end.extend_from_slice(&[0; 8]);
    for number in [count, count, directory_bytes, offset] {
        end.extend_from_slice(&number.to_le_bytes());
    }
    end.extend_from_slice(&LOCATOR_64.to_le_bytes());
    end.extend_from_slice(&[0; 4]);
    end.extend_from_slice(&(offset + directory_bytes).to_le_bytes());
    end.extend_from_slice(&1_u32.to_le_bytes());
    end
}
