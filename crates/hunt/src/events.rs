//! The lines of a segment as plain Parquet: a row a line, a row group a block.

use std::path::Path;
use std::sync::Arc;

use base::Timestamp;
use bytes::{Buf, Bytes};
use parquet::basic::{
    Compression, ConvertedType, Encoding, LogicalType, Repetition, TimeUnit, Type, ZstdLevel,
};
use parquet::column::reader::get_typed_column_reader;
use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::page_index::RowGroupPageIndex;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::{EnabledStatistics, ReaderProperties, WriterProperties};
use parquet::file::reader::{ChunkReader, Length, RowGroupReader};
use parquet::file::serialized_reader::SerializedRowGroupReader;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type as SchemaType};

use crate::HuntError;
use crate::disk::{NewFile, Pages};
use crate::keys::BlockFacts;

/// Lines of one block, column by column.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) times: Vec<Option<Timestamp>>,
    pub(crate) log_ids: Vec<i64>,
    pub(crate) names: Vec<ByteArray>,
    pub(crate) numbers: Vec<i64>,
    pub(crate) offsets: Vec<i64>,
    pub(crate) shapes: Vec<ByteArray>,
    pub(crate) texts: Vec<ByteArray>,
    /// Bytes of the texts.
    pub(crate) bytes: usize,
}

impl Lines {
    pub(crate) const fn len(&self) -> usize {
        self.times.len()
    }
}

/// The columns, in their order.
const TIME: usize = 0;
const LOG: usize = 1;
const LOG_ID: usize = 2;
const LINE: usize = 3;
const OFFSET: usize = 4;
const SHAPE: usize = 5;
const TEXT: usize = 6;
const BYTES: usize = 7;
const NAMES: [&str; 8] = ["time", "log", "log_id", "line", "offset", "shape", "text", "bytes"];

fn schema() -> ParquetResult<SchemaType> {
    let string = Some(LogicalType::String);
    let nanos = Some(LogicalType::timestamp(true, TimeUnit::NANOS));
    let column = |at: usize, kind: Type, logical: Option<LogicalType>, repetition: Repetition| {
        SchemaType::primitive_type_builder(NAMES[at], kind)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .with_converted_type(ConvertedType::NONE)
            .build()
            .map(Arc::new)
    };
    let fields = vec![
        column(TIME, Type::INT64, nanos, Repetition::OPTIONAL)?,
        column(LOG, Type::BYTE_ARRAY, string.clone(), Repetition::REQUIRED)?,
        column(LOG_ID, Type::INT64, None, Repetition::REQUIRED)?,
        column(LINE, Type::INT64, None, Repetition::REQUIRED)?,
        column(OFFSET, Type::INT64, None, Repetition::REQUIRED)?,
        column(SHAPE, Type::BYTE_ARRAY, string.clone(), Repetition::REQUIRED)?,
        column(TEXT, Type::BYTE_ARRAY, string, Repetition::OPTIONAL)?,
        column(BYTES, Type::BYTE_ARRAY, None, Repetition::OPTIONAL)?,
    ];
    SchemaType::group_type_builder("event").with_fields(fields).build()
}

fn properties() -> ParquetResult<WriterProperties> {
    let path = |at: usize| ColumnPath::from(NAMES[at]);
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        // A page a column: a block is read as a whole.
        .set_data_page_size_limit(64 << 20)
        .set_data_page_row_count_limit(1 << 24);
    for at in [LOG, LOG_ID, SHAPE] {
        builder = builder.set_column_dictionary_enabled(path(at), true);
    }
    for at in [TIME, LINE, OFFSET] {
        builder = builder.set_column_encoding(path(at), Encoding::DELTA_BINARY_PACKED);
    }
    for at in [TEXT, BYTES, SHAPE, OFFSET] {
        builder = builder.set_column_statistics_enabled(path(at), EnabledStatistics::None);
    }
    Ok(builder.build())
}

/// Writes the lines of a segment.
pub(crate) struct EventsWriter {
    writer: SerializedFileWriter<NewFile>,
}

impl EventsWriter {
    pub(crate) fn create(path: &Path) -> Result<Self, HuntError> {
        let file = NewFile::create(path)?;
        let open = || {
            let schema = Arc::new(schema()?);
            SerializedFileWriter::new(file, schema, Arc::new(properties()?))
        };
        let writer = open().map_err(|error| not_written(path, &error))?;
        Ok(Self { writer })
    }

    /// Adds a block.
    pub(crate) fn block(&mut self, lines: &Lines) -> Result<(), HuntError> {
        self.row_group(lines).map_err(|error| not_written(self.writer.inner().path(), &error))
    }

    fn row_group(&mut self, lines: &Lines) -> ParquetResult<()> {
        let times: Vec<i64> = lines.times.iter().flatten().map(|time| time.unix_nanos()).collect();
        let dated: Vec<i16> = lines.times.iter().map(|time| i16::from(time.is_some())).collect();
        let is_text: Vec<bool> =
            lines.texts.iter().map(|text| std::str::from_utf8(text.data()).is_ok()).collect();
        let levels = |wanted: bool| -> Vec<i16> { is_text.iter().map(|t| i16::from(*t == wanted)).collect() };
        let part = |wanted: bool| -> Vec<ByteArray> {
            let kept = lines.texts.iter().zip(&is_text).filter(|(_, is)| **is == wanted);
            kept.map(|(text, _)| text.clone()).collect()
        };
        let mut group = self.writer.next_row_group()?;
        let mut at = 0;
        while let Some(mut column) = group.next_column()? {
            match at {
                TIME => write(column.typed::<Int64Type>(), &times, Some(&dated))?,
                LOG => write(column.typed::<ByteArrayType>(), &lines.names, None)?,
                LOG_ID => write(column.typed::<Int64Type>(), &lines.log_ids, None)?,
                LINE => write(column.typed::<Int64Type>(), &lines.numbers, None)?,
                OFFSET => write(column.typed::<Int64Type>(), &lines.offsets, None)?,
                SHAPE => write(column.typed::<ByteArrayType>(), &lines.shapes, None)?,
                TEXT => write(column.typed::<ByteArrayType>(), &part(true), Some(&levels(true)))?,
                _ => write(column.typed::<ByteArrayType>(), &part(false), Some(&levels(false)))?,
            }
            column.close()?;
            at += 1;
        }
        group.close().map(|_| ())
    }

    /// The file, whole, and where its row groups begin.
    pub(crate) fn finish(self) -> Result<(NewFile, Vec<u64>), HuntError> {
        let path = self.writer.inner().path().to_owned();
        let groups = self.writer.flushed_row_groups().iter();
        let start = |columns: &[ColumnChunkMetaData]| columns.iter().map(|c| c.byte_range().0).min();
        let starts = groups.map(|group| start(group.columns()).unwrap_or(0)).collect();
        let file = self.writer.into_inner().map_err(|error| not_written(&path, &error))?;
        Ok((file, starts))
    }
}

fn write<T: DataType>(
    writer: &mut ColumnWriterImpl<'_, T>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> ParquetResult<()> {
    writer.write_batch(values, levels, None).map(|_| ())
}

fn not_written(path: &Path, error: &ParquetError) -> HuntError {
    HuntError::NotWritten { path: path.to_owned(), reason: error.to_string() }
}

/// The file of lines of a segment, open. Every byte is checked before it is decoded.
pub(crate) struct Events<'p> {
    path: &'p Path,
    pages: Pages,
    metadata: ParquetMetaData,
}

impl<'p> Events<'p> {
    /// `footer`: first byte and CRC-32 of what follows the row groups.
    pub(crate) fn open(path: &'p Path, length: u64, footer: (u64, u32)) -> Result<Self, HuntError> {
        let bad = |reason: String| HuntError::damaged(path, reason);
        let mut pages = Pages::open(path).map_err(|error| bad(error.to_string()))?;
        if pages.len() != length {
            return Err(bad(format!("it has {} bytes in place of {length}", pages.len())));
        }
        let bytes = pages.read(footer.0, length).map_err(|error| bad(error.to_string()))?;
        if crc32fast::hash(&bytes) != footer.1 {
            return Err(bad("its footer is wrong".to_owned()));
        }
        // The last eight bytes: the footer's length and the magic.
        let body = bytes.len().saturating_sub(8);
        let size = bytes
            .get(body..body + 4)
            .map_or(0, |four| u32::from_le_bytes(std::array::from_fn(|i| four[i])) as usize);
        let footer = body.checked_sub(size).and_then(|from| bytes.get(from..body));
        let footer = footer.ok_or_else(|| bad("its footer has no end".to_owned()))?;
        let metadata =
            ParquetMetaDataReader::decode_metadata(footer).map_err(|error| bad(error.to_string()))?;
        Ok(Self { path, pages, metadata })
    }

    /// The lines of a block that ends at byte `end`.
    pub(crate) fn block(&mut self, number: u32, facts: &BlockFacts, end: u64) -> Result<Lines, HuntError> {
        let bad = |reason: String| HuntError::damaged(self.path, format!("block {number}: {reason}"));
        let bytes = self.pages.read(facts.start, end).map_err(|error| bad(error.to_string()))?;
        if crc32fast::hash(&bytes) != facts.crc {
            return Err(bad("its checksum is wrong".to_owned()));
        }
        let group = Window { start: facts.start, length: self.pages.len(), bytes: Bytes::from(bytes) };
        let lines = rows(&self.metadata, number as usize, group).map_err(|error| bad(error.to_string()))?;
        if lines.len() != facts.lines as usize {
            return Err(bad(format!("it has {} lines in place of {}", lines.len(), facts.lines)));
        }
        Ok(lines)
    }
}

fn rows(metadata: &ParquetMetaData, number: usize, window: Window) -> ParquetResult<Lines> {
    let row_groups = metadata.row_groups();
    let group = row_groups.get(number).ok_or_else(|| ParquetError::General("no such block".to_owned()))?;
    let reader = SerializedRowGroupReader::new(
        Arc::new(window),
        group,
        RowGroupPageIndex::new(number, None),
        Arc::new(ReaderProperties::builder().build()),
    )?;
    let count =
        usize::try_from(group.num_rows()).map_err(|error| ParquetError::General(error.to_string()))?;
    let nanos = optional::<Int64Type>(&reader, TIME, count)?;
    let times = nanos.into_iter().map(|nanos| nanos.map(Timestamp::from_unix_nanos)).collect();
    let texts = optional::<ByteArrayType>(&reader, TEXT, count)?;
    let others = optional::<ByteArrayType>(&reader, BYTES, count)?;
    let texts: Vec<ByteArray> =
        texts.into_iter().zip(others).map(|(text, bytes)| text.or(bytes).unwrap_or_default()).collect();
    Ok(Lines {
        times,
        log_ids: required::<Int64Type>(&reader, LOG_ID, count)?,
        names: required::<ByteArrayType>(&reader, LOG, count)?,
        numbers: required::<Int64Type>(&reader, LINE, count)?,
        offsets: required::<Int64Type>(&reader, OFFSET, count)?,
        shapes: required::<ByteArrayType>(&reader, SHAPE, count)?,
        bytes: texts.iter().map(ByteArray::len).sum(),
        texts,
    })
}

fn column<T: DataType>(
    reader: &SerializedRowGroupReader<'_, Window>,
    at: usize,
    count: usize,
) -> ParquetResult<(Vec<T::T>, Vec<i16>)> {
    let mut reader = get_typed_column_reader::<T>(reader.get_column_reader(at)?);
    let (mut values, mut levels) = (Vec::with_capacity(count), Vec::new());
    let mut done = 0;
    while done < count {
        let (records, _, _) = reader.read_records(count - done, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Err(ParquetError::General(format!("column `{}` is too short", NAMES[at])));
        }
        done += records;
    }
    Ok((values, levels))
}

fn required<T: DataType>(
    reader: &SerializedRowGroupReader<'_, Window>,
    at: usize,
    count: usize,
) -> ParquetResult<Vec<T::T>> {
    let (values, _) = column::<T>(reader, at, count)?;
    if values.len() == count {
        Ok(values)
    } else {
        Err(ParquetError::General(format!("column `{}` has {} values", NAMES[at], values.len())))
    }
}

fn optional<T: DataType>(
    reader: &SerializedRowGroupReader<'_, Window>,
    at: usize,
    count: usize,
) -> ParquetResult<Vec<Option<T::T>>> {
    let (values, levels) = column::<T>(reader, at, count)?;
    let mut values = values.into_iter();
    Ok(levels.iter().map(|level| if *level > 0 { values.next() } else { None }).collect())
}

/// A part of a file that was read, at its place in the whole.
struct Window {
    start: u64,
    length: u64,
    bytes: Bytes,
}

impl Window {
    fn from(&self, start: u64) -> ParquetResult<Bytes> {
        let at = start.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        let at = at.filter(|at| *at <= self.bytes.len());
        at.map(|at| self.bytes.slice(at..))
            .ok_or_else(|| ParquetError::EOF("outside of the block".to_owned()))
    }
}

impl Length for Window {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Window {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let bytes = self.from(start)?;
        if length > bytes.len() {
            return Err(ParquetError::EOF("outside of the block".to_owned()));
        }
        Ok(bytes.slice(..length))
    }
}
