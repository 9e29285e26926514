//! Why a file cannot be read at all. What is wrong with single rows is not an error but data.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A file that cannot be read, or not to its end.
#[derive(Debug, Error)]
pub enum IntakeError {
    /// A folder.
    #[error("this is a folder, not a file: {}", path.display())]
    Directory {
        /// The path.
        path: PathBuf,
    },
    /// A pipe, a device or a socket: it has no size and cannot be read twice.
    #[error("this is not a regular file: {}", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("the file cannot be opened: {source}, {}", path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Reading failed half-way.
    #[error("reading failed after {bytes} bytes: {source}")]
    Read {
        /// Bytes of the file, as packed, read before.
        bytes: u64,
        /// The cause.
        source: io::Error,
    },
    /// A gzip file that ends early or is damaged.
    #[error("the gzip file is damaged or cut off after {bytes} bytes: {source}")]
    DamagedGzip {
        /// Bytes of the file, as packed, read before.
        bytes: u64,
        /// The cause.
        source: io::Error,
    },
    /// Something else than comma-separated text.
    #[error("this is not a CSV file but {kind}")]
    NotCsv {
        /// What it is.
        kind: ForeignKind,
    },
    /// No bytes, or nothing but line ends and spaces.
    #[error("the file is empty")]
    Empty,
    /// A header and nothing below it.
    #[error("the file has a header but no data rows")]
    NoDataRows,
    /// The header does not end within the limit.
    #[error("the first line is no header: it is longer than {limit} bytes")]
    HeaderTooLong {
        /// The limit.
        limit: usize,
    },
    /// The header cannot be cut into columns, or into too many.
    #[error("the header on line {line} cannot be read: {detail}")]
    BadHeader {
        /// Physical line.
        line: u64,
        /// What is wrong.
        detail: String,
    },
    /// Columns that a line needs are not in the header.
    #[error("the header lacks {}{}", missing.join(", "), hint_text(hint))]
    MissingColumns {
        /// What is missing, by its usual name.
        missing: Vec<String>,
        /// Columns of the file that are not used, and look close.
        hint: Vec<String>,
        /// All columns of the file that are not used, in its order.
        unused: Vec<String>,
    },
    /// Two columns of the file are the same column of a line.
    #[error("the header has {column} twice: {} and {}", names.0, names.1)]
    DuplicateColumn {
        /// The column, by its usual name.
        column: String,
        /// Both names as they stand in the file.
        names: (String, String),
    },
    /// The file was written to, cut or replaced between opening and the end.
    #[error("the file changed while it was read (it had {then} bytes, and now {now}): {}", path.display())]
    Changed {
        /// The path.
        path: PathBuf,
        /// Bytes when it was opened.
        then: u64,
        /// Bytes at the end.
        now: u64,
    },
}

fn hint_text(hint: &[String]) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!(" ({} look close)", hint.join(", "))
    }
}

impl IntakeError {
    /// What to do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Directory { .. } => "Choose a file in it.",
            Self::NotAFile { .. } => "Save what it delivers to a file, and open that.",
            Self::Open { .. } => "Check that the file exists and may be read.",
            Self::Read { .. } => {
                "Check the disk or the network drive, and load again: nothing doubles."
            }
            Self::DamagedGzip { .. } => {
                "Copy or download the file again, and load again: nothing doubles."
            }
            Self::NotCsv { kind } => kind.remedy(),
            Self::Empty | Self::NoDataRows => "Export the data again; this file holds none.",
            Self::HeaderTooLong { .. } | Self::BadHeader { .. } => {
                "The first line must name the columns: InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country."
            }
            Self::MissingColumns { .. } => {
                "Add the columns to the file, or say which of its columns they are."
            }
            Self::DuplicateColumn { .. } => "Rename or remove one of the two columns.",
            Self::Changed { .. } => {
                "Wait until the program that writes the file is done, and load again: nothing doubles."
            }
        }
    }
}

/// What a file is instead of CSV, known by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignKind {
    /// A zip archive, which an Excel workbook is too.
    Zip,
    /// An Excel workbook of the old form.
    OldExcel,
    /// A PDF.
    Pdf,
    /// A web page: an error page saved under the name of the download, most often.
    Html,
    /// JSON.
    Json,
    /// A gzip file inside a gzip file.
    NestedGzip,
}

impl ForeignKind {
    const fn remedy(self) -> &'static str {
        match self {
            Self::Zip | Self::OldExcel => {
                "Open it in a table program and export the sheet as CSV; unpack an archive first."
            }
            Self::Pdf => "Export the table behind the document as CSV.",
            Self::Html => {
                "Download the file again: this is a web page, often an error message of the server."
            }
            Self::Json => "Export the data as CSV.",
            Self::NestedGzip => "Unpack it once (gunzip), and open the result.",
        }
    }
}

impl std::fmt::Display for ForeignKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Zip => "a zip archive or an Excel workbook (xlsx)",
            Self::OldExcel => "an old Excel workbook (xls)",
            Self::Pdf => "a PDF document",
            Self::Html => "a web page (html)",
            Self::Json => "JSON",
            Self::NestedGzip => "a gzip file inside a gzip file",
        })
    }
}
