/// How large the parts of a store become. The memory of indexing follows: a block's lines twice, and 8 bytes a key of
/// the segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexLimits {
    /// Most lines of a block, which is what a hunt opens at once.
    pub block_lines: usize,
    /// Bytes of lines after which a block ends.
    pub block_bytes: usize,
    /// Most lines of a segment, which is a pair of files.
    pub segment_lines: u64,
    /// Keys of blocks after which a segment ends.
    pub segment_keys: usize,
    /// Bytes of lines after which a segment ends.
    pub segment_bytes: u64,
}

impl Default for IndexLimits {
    fn default() -> Self {
        Self {
            block_lines: 4096,
            block_bytes: 2 << 20,
            segment_lines: 1 << 21,
            segment_keys: 16 << 20,
            segment_bytes: 1 << 30,
        }
    }
}
