use std::io::Read;

use base::Fault;

use super::brackets::{Head, Walk, plain_run};
use super::feed::Feed;
use super::frame::{Frame, FrameBuilder};

/// How much a reader may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// Bytes of one object; a larger one is looked over and told of.
    pub max_object_bytes: usize,
    /// Bytes of a bundle besides its objects.
    pub max_frame_bytes: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { max_object_bytes: 16 << 20, max_frame_bytes: 1 << 20 }
    }
}

/// What a reader gives next.
#[derive(Debug)]
pub enum Piece<'r> {
    /// An object with its bytes as they were received.
    Object(RawObject<'r>),
    /// What could not be read; reading goes on after it where that is possible.
    Fault(Fault),
    /// A bundle or envelope ended: all of it besides its objects.
    Frame(Frame),
}

/// The bytes of one object and where they stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawObject<'r> {
    /// From `{` to `}`.
    pub bytes: &'r [u8],
    /// The first byte, counted from the start of the input.
    pub offset: u64,
    /// The physical line of that byte, from 1.
    pub line: u64,
    /// Whether it stood in a bundle, an envelope or a list.
    pub member: bool,
}

/// Reads bundles, TAXII envelopes, lists of objects and single objects, one after the other, from a stream.
///
/// It holds one object at a time: memory does not grow with the input. It tells where objects begin and end by their
/// brackets only; [`crate::Header::read`] and [`crate::validate_object`] say whether the text between is JSON.
///
/// ```
/// let text = br#"{"type": "bundle", "id": "bundle--1", "objects": [{"id": "a"}, {"id": "b"}]}"#;
/// let mut reader = threat::BundleReader::new(&text[..], Default::default());
/// let (mut objects, mut frame) = (Vec::new(), None);
/// while let Some(piece) = reader.next_piece() {
///     match piece {
///         threat::Piece::Object(object) => objects.push(object.bytes.to_vec()),
///         threat::Piece::Frame(read) => frame = Some(read),
///         threat::Piece::Fault(fault) => panic!("{fault}"),
///     }
/// }
/// assert_eq!(frame.unwrap().to_bytes(&objects), text);
/// ```
#[derive(Debug)]
pub struct BundleReader<R> {
    feed: Feed<R>,
    limits: ReadLimits,
    state: State,
    frame: FrameBuilder,
    /// The object that was given last is let go with the next call.
    given: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a document.
    Start,
    /// Within a list of objects; whether an object was there already.
    Objects {
        first: bool,
        list: bool,
    },
    /// After the objects of a bundle, before its end.
    Tail,
    Ended,
}

/// Where a value ends.
enum Scanned {
    Whole(usize),
    /// It was let go: its length.
    TooLarge(u64),
    CutOff,
}

impl<R: Read> BundleReader<R> {
    /// A reader of `input`.
    pub fn new(input: R, limits: ReadLimits) -> Self {
        let feed = Feed::new(input);
        Self { feed, limits, state: State::Start, frame: FrameBuilder::default(), given: 0 }
    }

    /// The next object, fault or frame; `None` at the end.
    pub fn next_piece(&mut self) -> Option<Piece<'_>> {
        let given = std::mem::take(&mut self.given);
        self.feed.advance(given);
        let step = loop {
            let step = match self.state {
                State::Start => self.start(),
                State::Objects { first, list } => self.object(first, list),
                State::Tail => self.tail(),
                State::Ended => return None,
            };
            match step {
                Step::Go => {}
                other => break other,
            }
        };
        match step {
            Step::Object(length) => {
                self.given = length;
                let (offset, line) = (self.feed.offset(), self.feed.line);
                let member = self.state != State::Start;
                Some(Piece::Object(RawObject { bytes: &self.feed.rest()[..length], offset, line, member }))
            }
            Step::Frame => Some(Piece::Frame(std::mem::take(&mut self.frame).finish())),
            Step::Fault(fault) => Some(Piece::Fault(fault)),
            Step::Go | Step::End => None,
        }
    }

    fn start(&mut self) -> Step {
        if self.feed.offset() == 0 && self.feed.starts_with(b"\xef\xbb\xbf") {
            self.feed.advance(3);
        }
        self.feed.space();
        match self.feed.peek() {
            None => {
                self.state = State::Ended;
                match self.feed.failure.take() {
                    Some(message) => Step::Fault(self.fault("threat::unreadable", message)),
                    None => Step::End,
                }
            }
            Some(b'{') => self.document(),
            Some(b'[') => {
                self.feed.advance(1);
                self.state = State::Objects { first: true, list: true };
                Step::Go
            }
            Some(_) => {
                self.state = State::Ended;
                Step::Fault(self.fault("threat::not_json", "not JSON: a bundle or an object begins with `{`"))
            }
        }
    }

    /// A document that begins with `{`: one object, or a bundle up to the bracket of its `objects`.
    fn document(&mut self) -> Step {
        let limit = self.limits.max_object_bytes;
        let mut head = Head::default();
        let mut at = 0;
        loop {
            if at > limit {
                return self.too_large();
            }
            let Some(byte) = self.feed.byte(at) else { return self.cut_off() };
            at += 1;
            if head.step(byte) {
                let kept = self.feed.rest()[..at].to_vec();
                if kept.len() > self.limits.max_frame_bytes {
                    self.state = State::Ended;
                    return Step::Fault(
                        self.fault("threat::frame_too_large", "what stands before the objects is too long"),
                    );
                }
                self.frame.head(kept);
                self.feed.advance(at);
                self.state = State::Objects { first: true, list: false };
                return Step::Go;
            }
            if head.depth == 0 {
                return Step::Object(at);
            }
        }
    }

    fn too_large(&mut self) -> Step {
        let start = self.feed.offset();
        let line = self.feed.line;
        let length = match self.scan() {
            Scanned::Whole(length) => {
                self.feed.advance(length);
                length as u64
            }
            Scanned::TooLarge(length) => length,
            Scanned::CutOff => self.feed.offset() - start,
        };
        let message = format!(
            "the object has {length} bytes, more than the {} that are held: raise the limit if it is wanted",
            self.limits.max_object_bytes
        );
        let fault = Fault::error("threat::object_too_large", message).at_line(line);
        Step::Fault(fault.at_bytes(start, start + length))
    }

    fn cut_off(&mut self) -> Step {
        self.state = State::Ended;
        let start = self.feed.offset();
        let line = self.feed.line;
        let end = start + self.feed.rest().len() as u64;
        let message = match self.feed.failure.take() {
            Some(failure) => failure,
            None => "the text ends inside a value: fetch it again; what came before was read".to_owned(),
        };
        Step::Fault(Fault::error("threat::cut_off", message).at_line(line).at_bytes(start, end))
    }

    fn fault(&self, code: &str, message: impl Into<String>) -> Fault {
        let at = self.feed.offset();
        Fault::error(code, message).at_line(self.feed.line).at_bytes(at, at + 1)
    }

    /// The next object of a list.
    fn object(&mut self, first: bool, list: bool) -> Step {
        let mut between = Vec::new();
        self.feed.space_into(&mut between);
        let mut missing = None;
        match self.feed.peek() {
            Some(b']') => {
                self.frame.tail(&between);
                if list {
                    self.feed.advance(1);
                    self.frame = FrameBuilder::default();
                    self.state = State::Start;
                } else {
                    self.state = State::Tail;
                }
                return Step::Go;
            }
            Some(b',') if !first => {
                between.push(b',');
                self.feed.advance(1);
                self.feed.space_into(&mut between);
            }
            Some(b'{') if !first => {
                missing = Some(self.fault("threat::not_json", "not JSON: `,` is missing here"))
            }
            Some(_) if first => {}
            Some(_) => {
                self.state = State::Ended;
                return Step::Fault(
                    self.fault("threat::not_json", "not JSON: `,` or `]` is expected; the rest was not read"),
                );
            }
            None => return self.cut_off(),
        }
        if let Some(fault) = missing {
            // The object itself follows with the next call.
            self.frame.hold(&between);
            self.state = State::Objects { first: true, list };
            return Step::Fault(fault);
        }
        self.state = State::Objects { first: false, list };
        self.frame.between(between);
        self.element()
    }

    fn element(&mut self) -> Step {
        let (start, line) = (self.feed.offset(), self.feed.line);
        let is_object = match self.feed.peek() {
            Some(byte) => byte == b'{',
            None => return self.cut_off(),
        };
        match self.scan() {
            Scanned::CutOff => self.cut_off(),
            Scanned::Whole(length) if is_object => Step::Object(length),
            Scanned::Whole(0) => {
                self.state = State::Ended;
                Step::Fault(
                    self.fault("threat::not_json", "not JSON: an object is expected; the rest was not read"),
                )
            }
            Scanned::Whole(length) => {
                let text = self.feed.rest()[..length].to_vec();
                self.frame.other(text);
                self.feed.advance(length);
                let fault = Fault::error(
                    "threat::not_an_object",
                    "a STIX object is a JSON object: this is something else",
                );
                Step::Fault(fault.at_line(line).at_bytes(start, start + length as u64))
            }
            Scanned::TooLarge(length) => {
                let message = format!(
                    "the object has {length} bytes, more than the {} that are held: raise the limit if it is wanted",
                    self.limits.max_object_bytes
                );
                let fault = Fault::error("threat::object_too_large", message);
                Step::Fault(fault.at_line(line).at_bytes(start, start + length))
            }
        }
    }

    /// Where the value that begins here ends, by its brackets and strings.
    fn scan(&mut self) -> Scanned {
        let limit = self.limits.max_object_bytes;
        let mut walk = Walk::default();
        let (mut at, mut dropped) = (0, 0_u64);
        loop {
            let rest = self.feed.rest();
            while at < rest.len() {
                let byte = rest[at];
                if walk.ends_before(byte) {
                    return if dropped > 0 { self.dropped(dropped, at) } else { Scanned::Whole(at) };
                }
                at += 1;
                if walk.step(byte) {
                    return if dropped > 0 { self.dropped(dropped, at) } else { Scanned::Whole(at) };
                }
                if walk.in_string && !walk.escaped {
                    at += plain_run(&rest[at..]);
                }
            }
            if at > limit || dropped > 0 {
                dropped += at as u64;
                self.feed.advance(at);
                at = 0;
            }
            if !self.feed.fill() {
                return if walk.scalar && at > 0 { Scanned::Whole(at) } else { Scanned::CutOff };
            }
        }
    }

    fn dropped(&mut self, dropped: u64, at: usize) -> Scanned {
        self.feed.advance(at);
        Scanned::TooLarge(dropped + at as u64)
    }

    /// The rest of a bundle after its objects, up to the end of its line.
    fn tail(&mut self) -> Step {
        let mut depth = 2_usize;
        let mut walk = Walk::default();
        let mut at = 0;
        while depth > 0 {
            if at > self.limits.max_frame_bytes {
                self.state = State::Ended;
                return Step::Fault(
                    self.fault("threat::frame_too_large", "what stands after the objects is too long"),
                );
            }
            let Some(byte) = self.feed.byte(at) else { return self.cut_off() };
            at += 1;
            let was_string = walk.in_string;
            walk.step(byte);
            if !was_string && !walk.in_string {
                depth += usize::from(matches!(byte, b'{' | b'['));
                depth -= usize::from(matches!(byte, b'}' | b']'));
            }
        }
        // What follows the last bracket belongs to the file as well: a line's end, mostly.
        while matches!(self.feed.byte(at), Some(b' ' | b'\n' | b'\r' | b'\t'))
            && at <= self.limits.max_frame_bytes
        {
            at += 1;
        }
        self.frame.tail(&self.feed.rest()[..at]);
        self.feed.advance(at);
        self.state = State::Start;
        Step::Frame
    }
}

enum Step {
    Go,
    Object(usize),
    Frame,
    Fault(Fault),
    End,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bundle whose second object holds a string of `string_bytes`, made as it is read.
    struct Endless {
        head: &'static [u8],
        string_bytes: usize,
        tail: &'static [u8],
    }

    impl Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if !self.head.is_empty() {
                return self.head.read(into);
            }
            if self.string_bytes == 0 {
                return self.tail.read(into);
            }
            let length = into.len().min(self.string_bytes);
            into[..length].fill(b'a');
            self.string_bytes -= length;
            Ok(length)
        }
    }

    #[test]
    fn a_string_of_100_mb_is_told_of_and_not_held() {
        let head = br#"{"type":"bundle","objects":[{"id":"a"},{"id":""#;
        let input = Endless { head, string_bytes: 100_000_000, tail: br#""},{"id":"b"}],"id":"c"}"# };
        let limits = ReadLimits { max_object_bytes: 1 << 20, ..ReadLimits::default() };
        let mut reader = BundleReader::new(input, limits);
        let mut seen = Vec::new();
        while let Some(piece) = reader.next_piece() {
            seen.push(match piece {
                Piece::Object(object) => String::from_utf8(object.bytes.to_vec()).unwrap(),
                Piece::Fault(fault) => {
                    assert_eq!((fault.byte_start, fault.byte_end), (Some(39), Some(39 + 100_000_009)));
                    fault.code
                }
                Piece::Frame(_) => "frame".to_owned(),
            });
        }
        assert_eq!(seen, [r#"{"id":"a"}"#, "threat::object_too_large", r#"{"id":"b"}"#, "frame"]);
        assert!(reader.feed.buffer.capacity() < 4 << 20, "{}", reader.feed.buffer.capacity());
    }
}
