//! Where values begin and end, told by brackets and strings alone.

/// Bytes that begin no escape and end no string.
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(bytes.len())
}

/// Follows brackets and strings.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    depth: usize,
    pub(crate) in_string: bool,
    pub(crate) escaped: bool,
    /// The value is a number or a word.
    pub(crate) scalar: bool,
}

impl Walk {
    /// Whether a number or word ended before `byte`.
    pub(crate) fn ends_before(&self, byte: u8) -> bool {
        self.depth == 0
            && !self.in_string
            && matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t')
    }

    /// Whether the value ends with `byte`.
    pub(crate) fn step(&mut self, byte: u8) -> bool {
        if self.in_string {
            let ends = byte == b'"' && !self.escaped;
            self.escaped = byte == b'\\' && !self.escaped;
            self.in_string = !ends;
            return ends && self.depth == 0;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => self.scalar |= self.depth == 0,
        }
        false
    }
}

/// Follows the beginning of a document and finds the list `objects` of a bundle or envelope.
#[derive(Debug, Default)]
pub(crate) struct Head {
    walk: Walk,
    pub(crate) depth: usize,
    /// The string that is being read or was read last on the outermost level.
    text: Vec<u8>,
    key: Vec<u8>,
    /// After a colon.
    value: bool,
    other_type: bool,
}

impl Head {
    /// Longest names that matter here.
    const LONGEST: usize = 16;

    /// Takes the next byte; whether it is the bracket of `objects`.
    pub(crate) fn step(&mut self, byte: u8) -> bool {
        let was_string = self.walk.in_string;
        self.walk.step(byte);
        self.depth = self.walk.depth;
        if self.depth != 1 {
            // `objects` opens the second level.
            let opens = byte == b'[' && !was_string && self.depth == 2 && self.value;
            return opens && self.key == b"objects" && !self.other_type;
        }
        match (was_string, self.walk.in_string, byte) {
            (false, true, _) => self.text.clear(),
            (true, true, _) if self.text.len() < Self::LONGEST => self.text.push(byte),
            (true, false, _) if self.value && self.key == b"type" => self.other_type = self.text != b"bundle",
            (false, false, b':') => {
                self.key = std::mem::take(&mut self.text);
                self.value = true;
            }
            (false, false, b',') => self.value = false,
            _ => {}
        }
        false
    }
}
