//! Printing: items as they come, faults beside them. Four forms, one way in.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};

use base::Fault;
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::CliError;
use crate::flat::{exact, flat, short};

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people: aligned columns.
    Text,
    /// One document with `schema`, `items` and `faults`.
    Json,
    /// One item a line.
    Ndjson,
    /// One item a line, columns by name; arrays as `name.0`, `name.1`.
    Csv,
}

/// What a command prints with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Out {
    format: Format,
    strict: bool,
}

impl Out {
    pub(crate) fn new(format: Option<Format>, strict: bool) -> Self {
        let usual = if io::stdout().is_terminal() { Format::Text } else { Format::Ndjson };
        Self { format: format.unwrap_or(usual), strict }
    }

    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// Starts a list of items under `schema`.
    pub(crate) fn list(&self, schema: &'static str) -> List {
        let writer = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
        List {
            out: *self,
            schema,
            writer,
            count: 0,
            columns: Vec::new(),
            fixed: false,
            rows: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Prints one document.
    pub(crate) fn document<T: Serialize>(&self, schema: &'static str, value: &T) -> Result<(), CliError> {
        #[derive(Serialize)]
        struct WithSchema<'a, T> {
            schema: &'static str,
            #[serde(flatten)]
            value: &'a T,
        }
        let named = serde_json::to_value(value)?.get("schema").is_some();
        let mut list = self.list(schema);
        match self.format {
            Format::Json if named => {
                serde_json::to_writer_pretty(&mut list.writer, value).map_err(json_output)?
            }
            Format::Json => {
                let value = WithSchema { schema, value };
                serde_json::to_writer_pretty(&mut list.writer, &value).map_err(json_output)?;
            }
            Format::Ndjson if named => serde_json::to_writer(&mut list.writer, value).map_err(json_output)?,
            Format::Ndjson => {
                let value = WithSchema { schema, value };
                serde_json::to_writer(&mut list.writer, &value).map_err(json_output)?;
            }
            Format::Text => {
                let cells = flat(value, &|_| false)?;
                let width = cells.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
                for (key, value) in cells {
                    writeln!(list.writer, "{}", format!("{key:<width$}  {}", short(&value)).trim_end())
                        .map_err(output)?;
                }
                return list.writer.flush().map_err(output);
            }
            Format::Csv => {
                list.item(value)?;
                return list.finish();
            }
        }
        list.writer.write_all(b"\n").and_then(|()| list.writer.flush()).map_err(output)
    }
}

/// A list under way.
pub(crate) struct List {
    out: Out,
    schema: &'static str,
    writer: io::BufWriter<io::StdoutLock<'static>>,
    count: usize,
    columns: Vec<String>,
    /// The columns were named beforehand and stay.
    fixed: bool,
    rows: Vec<Vec<Value>>,
    faults: Vec<Fault>,
}

/// Rows that are looked at together to align columns.
const ALIGNED: usize = 2000;

impl List {
    /// Prints one item.
    pub(crate) fn item<T: Serialize>(&mut self, item: &T) -> Result<(), CliError> {
        match self.out.format {
            Format::Ndjson => {
                serde_json::to_writer(&mut self.writer, item).map_err(json_output)?;
                self.writer.write_all(b"\n").map_err(output)?;
            }
            Format::Json => {
                let head = format!("{{\"schema\":{},\"items\":[\n", json!(self.schema));
                let before = if self.count == 0 { head.as_str() } else { ",\n" };
                self.writer.write_all(before.as_bytes()).map_err(output)?;
                serde_json::to_writer(&mut self.writer, item).map_err(json_output)?;
            }
            Format::Csv => {
                let row = flat(item, &|name| self.columns.iter().any(|column| self.fixed && column == name))?;
                // A new sort of item has its own columns: a new head says so.
                if self.count == 0 || (!self.fixed && row.iter().any(|(key, _)| !self.columns.contains(key)))
                {
                    self.set_columns(&row);
                    self.csv_row(&self.columns.clone())?;
                }
                let cells: Vec<String> = self.aligned(row).iter().map(exact).collect();
                self.csv_row(&cells)?;
            }
            Format::Text => {
                // Arrays in one cell, so that rows with more or fewer of them stand under one head; but vectors.
                let vector =
                    |name: &str| self.columns.iter().any(|column| column.strip_suffix(".0") == Some(name));
                let row = flat(item, &|name| !(self.fixed && vector(name)))?;
                let same = self.fixed || row.iter().map(|(key, _)| key).eq(&self.columns);
                if !same || self.rows.len() >= ALIGNED {
                    self.print_rows()?;
                    self.set_columns(&row);
                }
                let row = self.aligned(row);
                self.rows.push(row);
            }
        }
        self.count += 1;
        Ok(())
    }

    fn set_columns(&mut self, row: &[(String, Value)]) {
        if !self.fixed {
            self.columns = row.iter().map(|(key, _)| key.clone()).collect();
        }
    }

    /// The values of a row under the columns; what a row does not have is null.
    fn aligned(&self, row: Vec<(String, Value)>) -> Vec<Value> {
        let mut values: HashMap<String, Value> = row.into_iter().collect();
        self.columns.iter().map(|column| values.remove(column).unwrap_or_default()).collect()
    }

    fn csv_row(&mut self, cells: &[String]) -> Result<(), CliError> {
        let mut csv =
            csv::WriterBuilder::new().buffer_capacity(1024).from_writer(Unflushed(&mut self.writer));
        csv.write_record(cells).map_err(|e| output(e.into()))?;
        csv.flush().map_err(output)
    }

    fn print_rows(&mut self) -> Result<(), CliError> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        // A column without a single value would only push the others off the screen.
        let shown: Vec<usize> = (0..self.columns.len())
            .filter(|column| rows.iter().any(|row| row.get(*column).is_some_and(|value| !value.is_null())))
            .collect();
        let number = |column: &usize| {
            rows.iter().filter_map(|row| row.get(*column)).all(|value| value.is_number() || value.is_null())
        };
        let right: Vec<bool> = shown.iter().map(number).collect();
        let head: Vec<String> = shown.iter().map(|column| self.columns[*column].clone()).collect();
        let body = rows.iter().map(|row| shown.iter().map(|column| short(&row[*column])).collect());
        let lines: Vec<Vec<String>> = std::iter::once(head).chain(body).collect();
        let widths: Vec<usize> = (0..shown.len())
            .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
            .collect();
        for line in lines {
            let cells: Vec<String> = line
                .iter()
                .zip(widths.iter().zip(&right))
                .map(
                    |(cell, (width, right))| {
                        if *right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
                    },
                )
                .collect();
            writeln!(self.writer, "{}", cells.join("  ").trim_end()).map_err(output)?;
        }
        Ok(())
    }

    /// Ends the list with an error; what was read and what was wrong is printed all the same.
    ///
    /// # Errors
    /// Always `error`, unless the output cannot be written.
    pub(crate) fn fail<T>(mut self, error: CliError) -> Result<T, CliError> {
        // The error below is the reason, not --strict.
        self.out.strict = false;
        self.close()?;
        Err(error)
    }

    /// Tells of a fault: on stderr now, and in the document at the end.
    pub(crate) fn fault(&mut self, fault: Fault) {
        report(&fault, self.out.format);
        self.faults.push(fault);
    }

    /// Names the columns of CSV and text beforehand, for lists whose items do not all have the same fields.
    pub(crate) fn with_columns(mut self, columns: &[&str]) -> Self {
        self.columns = columns.iter().map(|column| (*column).to_owned()).collect();
        self.fixed = true;
        self
    }

    /// Ends the list.
    ///
    /// # Errors
    /// With `--strict`, when there were faults.
    pub(crate) fn finish(self) -> Result<(), CliError> {
        if self.out.format == Format::Text && self.count == 0 && self.faults.is_empty() {
            say("nothing found");
        }
        self.close()
    }

    /// Ends a list whose items were printed by other means.
    ///
    /// # Errors
    /// With `--strict`, when there were faults.
    pub(crate) fn quietly(self) -> Result<(), CliError> {
        self.close()
    }

    fn close(mut self) -> Result<(), CliError> {
        self.print_rows()?;
        if self.out.format == Format::Json {
            if self.count == 0 {
                write!(self.writer, "{{\"schema\":{},\"items\":[", json!(self.schema)).map_err(output)?;
            }
            writeln!(self.writer, "\n],\"faults\":{}}}", serde_json::to_string(&self.faults)?)
                .map_err(output)?;
        }
        self.writer.flush().map_err(output)?;
        if self.out.strict && !self.faults.is_empty() {
            return Err(CliError::Strict(self.faults.len()));
        }
        Ok(())
    }
}

/// A writer that keeps its buffer: whoever writes rows would empty it at every one.
struct Unflushed<'a, W>(&'a mut W);

impl<W: Write> Write for Unflushed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Standard output for documents that are not of [`Out`]'s making.
pub(crate) fn writer() -> impl Write {
    io::BufWriter::with_capacity(1 << 16, io::stdout().lock())
}

pub(crate) fn output(error: io::Error) -> CliError {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return CliError::Pipe;
    }
    CliError::Io { path: "standard output".into(), source: error }
}

fn json_output(error: serde_json::Error) -> CliError {
    if error.is_io() { output(error.into()) } else { CliError::Json(error) }
}

/// A fault on stderr: words for people, JSON for programs.
#[expect(clippy::print_stderr, reason = "this is where the program speaks to people")]
pub(crate) fn report(fault: &Fault, format: Format) {
    if format == Format::Text {
        eprintln!("{fault}");
    } else if let Ok(line) = serde_json::to_string(fault) {
        eprintln!("{line}");
    }
}

/// The error that ends the program.
pub(crate) fn complain(error: &CliError, format: Format) {
    report(&Fault::error(error.code(), error.to_string()), format);
}

/// A line for people on stderr.
#[expect(clippy::print_stderr, reason = "this is where the program speaks to people")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
