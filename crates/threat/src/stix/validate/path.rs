use std::fmt;

/// A place in an object: names and list indices from the outside in.
#[derive(Debug, Default)]
pub(crate) struct Path<'n>(Vec<Step<'n>>);

#[derive(Debug, Clone, Copy)]
enum Step<'n> {
    Key(&'n str),
    Index(usize),
}

impl<'n> Path<'n> {
    pub(crate) fn push_key(&mut self, key: &'n str) {
        self.0.push(Step::Key(key));
    }

    pub(crate) fn push_index(&mut self, index: usize) {
        self.0.push(Step::Index(index));
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }
}

/// `external_references[0].hashes['SHA-256']`
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if plain(key) => write!(f, "{}{key}", if at == 0 { "" } else { "." })?,
                Step::Key(key) => write!(f, "['{}']", super::shown(key).escape_debug())?,
            }
        }
        Ok(())
    }
}

fn plain(key: &str) -> bool {
    !key.is_empty() && key.len() < 100 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
