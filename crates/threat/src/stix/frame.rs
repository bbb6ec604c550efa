use base::Fault;

use super::Header;

/// A bundle without its objects: with them it is the same bytes again.
///
/// What stands between two objects is kept once for as many as follow with the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    head: Vec<u8>,
    /// What stands before each object, and before how many.
    between: Vec<(Vec<u8>, u64)>,
    tail: Vec<u8>,
}

impl Frame {
    /// The bundle with its objects, in their order. Of bundles that were read with faults the objects that were not
    /// given are not there.
    pub fn to_bytes<B: AsRef<[u8]>>(&self, objects: &[B]) -> Vec<u8> {
        let inside: usize = objects.iter().map(|one| one.as_ref().len() + 8).sum();
        let mut bytes = Vec::with_capacity(self.head.len() + self.tail.len() + inside);
        bytes.extend_from_slice(&self.head);
        let before = self.between.iter().flat_map(|(text, times)| (0..*times).map(move |_| text));
        for (text, object) in before.zip(objects) {
            bytes.extend_from_slice(text);
            bytes.extend_from_slice(object.as_ref());
        }
        bytes.extend_from_slice(&self.tail);
        bytes
    }

    /// The bundle with an empty list of objects: what the validator judges of it.
    pub fn to_empty_bundle(&self) -> Vec<u8> {
        [self.head.as_slice(), &self.tail].concat()
    }

    /// Its `type`, `id` and `spec_version`, read by `read`.
    ///
    /// # Errors
    /// What of the frame is not JSON.
    pub fn with_header<T>(&self, read: impl FnOnce(&Header<'_>) -> T) -> Result<T, Box<Fault>> {
        let text = self.to_empty_bundle();
        Header::read(&text, 0).map(|header| read(&header))
    }
}

/// A frame that is being read.
#[derive(Debug, Default)]
pub(crate) struct FrameBuilder {
    head: Vec<u8>,
    between: Vec<(Vec<u8>, u64)>,
    /// Text that belongs before the next object.
    pending: Vec<u8>,
    tail: Vec<u8>,
}

impl FrameBuilder {
    pub(crate) fn head(&mut self, text: Vec<u8>) {
        self.head = text;
    }

    /// What stands before the next object.
    pub(crate) fn between(&mut self, text: Vec<u8>) {
        let text = if self.pending.is_empty() {
            text
        } else {
            let mut all = std::mem::take(&mut self.pending);
            all.extend_from_slice(&text);
            all
        };
        match self.between.last_mut() {
            Some((last, times)) if *last == text => *times += 1,
            _ => self.between.push((text, 1)),
        }
    }

    /// Text that stays before what comes next.
    pub(crate) fn hold(&mut self, text: &[u8]) {
        self.pending.extend_from_slice(text);
    }

    /// Something among the objects that is none: it stays where it was.
    pub(crate) fn other(&mut self, text: Vec<u8>) {
        // The text before it was counted for an object.
        if let Some((before, times)) = self.between.pop() {
            if times > 1 {
                self.between.push((before.clone(), times - 1));
            }
            self.pending = before;
        }
        self.pending.extend_from_slice(&text);
    }

    pub(crate) fn tail(&mut self, text: &[u8]) {
        let pending = std::mem::take(&mut self.pending);
        self.tail.extend_from_slice(&pending);
        self.tail.extend_from_slice(text);
    }

    pub(crate) fn finish(self) -> Frame {
        Frame { head: self.head, between: self.between, tail: self.tail }
    }
}
