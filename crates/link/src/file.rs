use std::io::{self, Read, Write};

use crate::MAX_BATCH_BYTES;

/// The first line of a file of batches.
pub const FILE_MAGIC: &[u8] = b"bongsu.link-file/1\n";

/// Writes batches into a file for a courier or a diode: the first line, then each batch behind its length.
#[derive(Debug)]
pub struct FileWriter<W>(W);

impl<W: Write> FileWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// When `to` does not take it.
    pub fn begin(mut to: W) -> io::Result<Self> {
        to.write_all(FILE_MAGIC)?;
        Ok(Self(to))
    }

    /// Adds one batch in its wire form.
    ///
    /// # Errors
    /// When the file does not take it.
    pub fn add(&mut self, batch: &[u8]) -> io::Result<()> {
        let length = u32::try_from(batch.len()).map_err(io::Error::other)?;
        self.0.write_all(&length.to_be_bytes())?;
        self.0.write_all(batch)
    }

    /// Everything is written; gives the inner writer back.
    ///
    /// # Errors
    /// When the file does not take what was held back.
    pub fn finish(mut self) -> io::Result<W> {
        self.0.flush()?;
        Ok(self.0)
    }
}

/// Reads such a file batch by batch; no more than one is in memory, however long the file is.
#[derive(Debug)]
pub struct FileReader<R>(R);

impl<R: Read> FileReader<R> {
    /// Begins to read.
    ///
    /// # Errors
    /// When it is no such file.
    pub fn begin(mut from: R) -> io::Result<Self> {
        let mut magic = vec![0; FILE_MAGIC.len()];
        from.read_exact(&mut magic)?;
        if magic == FILE_MAGIC {
            Ok(Self(from))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "it does not begin with bongsu.link-file/1"))
        }
    }

    /// The next batch in its wire form; `None` at the end.
    ///
    /// # Errors
    /// When the file ends within a batch, or one is longer than a batch may be.
    pub fn next_batch(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut length = [0; 4];
        let mut read = 0;
        while read < length.len() {
            match self.0.read(&mut length[read..])? {
                0 if read == 0 => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => read += more,
            }
        }
        let length = u32::from_be_bytes(length) as usize;
        if length > MAX_BATCH_BYTES {
            let message = format!("a batch of {length} bytes; at most {MAX_BATCH_BYTES} are taken");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let mut batch = Vec::new();
        (&mut self.0).take(length as u64).read_to_end(&mut batch)?;
        if batch.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some(batch))
    }
}
