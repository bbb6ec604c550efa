use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

use sha2::{Digest, Sha256};

/// Most bytes that wait for their place to be known.
const MOST_WAITING: usize = 64 << 20;

/// The hash of a stream up to any place that the reader has not long passed: readers look ahead, and the hash of a log is
/// wanted up to the line that was kept last.
#[derive(Clone)]
pub(crate) struct Tap(Rc<RefCell<State>>);

struct State {
    hash: Sha256,
    hashed: u64,
    waiting: Vec<u8>,
    /// An error of whoever takes the lines: reading ends.
    stopped: bool,
}

impl Tap {
    pub(crate) fn new() -> Self {
        let state = State { hash: Sha256::new(), hashed: 0, waiting: Vec::new(), stopped: false };
        Self(Rc::new(RefCell::new(state)))
    }

    pub(crate) fn on<R: Read>(&self, inner: R) -> Tapped<R> {
        Tapped { inner, tap: self.clone() }
    }

    /// SHA-256 of the bytes before `offset`, in hexadecimal; `None` when that place is passed or not yet reached.
    pub(crate) fn hash_to(&self, offset: u64) -> Option<String> {
        let mut state = self.0.borrow_mut();
        state.take(offset).then(|| hex::encode(state.hash.clone().finalize()))
    }

    /// Lets go of the bytes before `offset`.
    pub(crate) fn pass(&self, offset: u64) {
        self.0.borrow_mut().take(offset);
    }

    /// Bytes that were read.
    pub(crate) fn total(&self) -> u64 {
        let state = self.0.borrow();
        state.hashed + state.waiting.len() as u64
    }

    pub(crate) fn stop(&self) {
        self.0.borrow_mut().stopped = true;
    }
}

impl State {
    fn take(&mut self, offset: u64) -> bool {
        let Some(more) = offset.checked_sub(self.hashed).and_then(|more| usize::try_from(more).ok()) else {
            return false;
        };
        let Some(bytes) = self.waiting.get(..more) else { return false };
        self.hash.update(bytes);
        self.waiting.drain(..more);
        self.hashed = offset;
        true
    }
}

pub(crate) struct Tapped<R> {
    inner: R,
    tap: Tap,
}

impl<R: Read> Read for Tapped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.tap.0.borrow().stopped {
            return Err(io::Error::other("the lines could not be kept"));
        }
        let count = self.inner.read(buffer)?;
        let mut state = self.tap.0.borrow_mut();
        state.waiting.extend_from_slice(&buffer[..count]);
        if state.waiting.len() > MOST_WAITING {
            let all = state.hashed + state.waiting.len() as u64;
            state.take(all);
        }
        Ok(count)
    }
}
