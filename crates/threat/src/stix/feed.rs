use std::io::Read;

/// A stream with what was read ahead of it.
#[derive(Debug)]
pub(crate) struct Feed<R> {
    input: R,
    pub(crate) buffer: Vec<u8>,
    /// What of the buffer is behind.
    at: usize,
    /// The place of the buffer's first byte in the input.
    start: u64,
    pub(crate) line: u64,
    ended: bool,
    pub(crate) failure: Option<String>,
}

/// Bytes that are asked of the input at once.
pub(crate) const CHUNK: usize = 1 << 16;

impl<R: Read> Feed<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), at: 0, start: 0, line: 1, ended: false, failure: None }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.start + self.at as u64
    }

    pub(crate) fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    /// Reads on; false at the end.
    pub(crate) fn fill(&mut self) -> bool {
        if self.ended {
            return false;
        }
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.start += self.at as u64;
            self.at = 0;
        }
        let length = self.buffer.len();
        self.buffer.resize(length + CHUNK, 0);
        let read = loop {
            match self.input.read(&mut self.buffer[length..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let read = read.unwrap_or_else(|error| {
            self.failure = Some(format!("the input cannot be read: {error}"));
            0
        });
        self.buffer.truncate(length + read);
        self.ended = read == 0;
        read > 0
    }

    pub(crate) fn byte(&mut self, at: usize) -> Option<u8> {
        while self.at + at >= self.buffer.len() {
            if !self.fill() {
                return None;
            }
        }
        Some(self.buffer[self.at + at])
    }

    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.byte(0)
    }

    pub(crate) fn starts_with(&mut self, prefix: &[u8]) -> bool {
        prefix.iter().enumerate().all(|(at, byte)| self.byte(at) == Some(*byte))
    }

    pub(crate) fn advance(&mut self, bytes: usize) {
        let behind = &self.buffer[self.at..self.at + bytes];
        self.line += behind.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at += bytes;
    }

    pub(crate) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.advance(1);
        }
    }

    pub(crate) fn space_into(&mut self, kept: &mut Vec<u8>) {
        while let Some(byte @ (b' ' | b'\n' | b'\r' | b'\t')) = self.peek() {
            // A frame of blanks alone is no frame: past any sense they are let go.
            if kept.len() < CHUNK {
                kept.push(byte);
            }
            self.advance(1);
        }
    }
}
