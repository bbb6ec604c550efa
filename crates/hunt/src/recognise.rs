//! Whether a log is known: by its content, not by its name.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::manifest::KeptLog;

/// Longest beginning by which a log is known again. It is also as much as its format is told from, so a log with more than
/// that has the format that it had.
pub(crate) const HEAD: usize = 64 << 10;

/// What is known about a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing.
    New,
    /// All of it was indexed.
    Same(usize),
    /// It goes on where the kept one ended.
    Longer(usize),
    /// It takes the place of the kept one, which cannot be read on.
    Instead(usize),
}

/// The beginning of a log.
pub(crate) fn head(from: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    from.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Holds a log against the kept ones. `rest` is what follows `head`; it is only read when that is known.
pub(crate) fn recognise(logs: &[KeptLog], name: &str, head: &[u8], rest: &mut dyn Read) -> io::Result<Known> {
    let mut hashes: Vec<(u64, String)> = Vec::new();
    let mut likely: Vec<usize> = Vec::new();
    for (index, log) in logs.iter().enumerate() {
        // A short log is the beginning of others by chance: then the name must be the same.
        let telling =
            log.head_bytes == HEAD as u64 || log.head_bytes == head.len() as u64 || log.name == name;
        let Some(bytes) = usize::try_from(log.head_bytes).ok().and_then(|count| head.get(..count)) else {
            continue;
        };
        if !telling || log.head_bytes == 0 {
            continue;
        }
        let at = hashes.iter().position(|(length, _)| *length == log.head_bytes).unwrap_or_else(|| {
            hashes.push((log.head_bytes, hex::encode(Sha256::digest(bytes))));
            hashes.len() - 1
        });
        if hashes[at].1 == log.head_sha256 {
            likely.push(index);
        }
    }
    if likely.is_empty() {
        return Ok(Known::New);
    }
    likely.sort_by_key(|index| logs[*index].bytes);
    let mut hash = Prefix { hash: Sha256::new(), done: 0 };
    let mut known = Known::New;
    let mut whole = head.chain(rest);
    for index in likely {
        let log = &logs[index];
        if !hash.to(&mut whole, log.bytes)? {
            break;
        }
        if hex::encode(hash.hash.clone().finalize()) == log.sha256 {
            let whole_again = log.next.is_none() || log.bytes <= HEAD as u64;
            known = match whole_again {
                true => Known::Instead(index),
                false => Known::Longer(index),
            };
        } else if !log.complete && log.next.is_none() && (log.name == name || log.head_bytes == HEAD as u64) {
            // Its reading broke off: only its beginning is known.
            known = Known::Instead(index);
        }
    }
    // A log that ends where the kept one did.
    if let Known::Longer(index) | Known::Instead(index) = known
        && logs[index].complete
        && logs[index].bytes == hash.done
        && whole.read(&mut [0])? == 0
    {
        known = Known::Same(index);
    }
    Ok(known)
}

struct Prefix {
    hash: Sha256,
    done: u64,
}

impl Prefix {
    /// Goes on to byte `end`; whether there is so much.
    fn to(&mut self, from: &mut dyn Read, end: u64) -> io::Result<bool> {
        let mut block = vec![0; 256 << 10];
        while self.done < end {
            let wanted = usize::try_from(end - self.done).unwrap_or(usize::MAX).min(block.len());
            let count = from.read(&mut block[..wanted])?;
            if count == 0 {
                return Ok(false);
            }
            self.hash.update(&block[..count]);
            self.done += count as u64;
        }
        Ok(true)
    }
}
