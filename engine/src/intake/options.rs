//! How a file is to be read: everything that is otherwise detected, and the limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clean::{DateOrder, DecimalMark};

/// What the bytes of the file mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextEncoding {
    /// UTF-8, with or without a byte order mark; ASCII is a part of it.
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// Windows code page 1252; Latin-1 is a part of it as far as text goes.
    Windows1252,
}

impl TextEncoding {
    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16 LE",
            Self::Utf16Be => "UTF-16 BE",
            Self::Windows1252 => "Latin-1 / Windows-1252",
        }
    }
}

/// What lies between two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// A tab.
    Tab,
    /// `|`
    Pipe,
}

impl Delimiter {
    /// All delimiters, the most usual first.
    pub const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Pipe];

    /// The byte.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
        }
    }

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
            Self::Pipe => "vertical bar",
        }
    }
}

/// A column that a line is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// The invoice.
    InvoiceNo,
    /// The product code.
    StockCode,
    /// What the product is called.
    Description,
    /// Pieces.
    Quantity,
    /// When the invoice was written.
    InvoiceDate,
    /// GBP for one piece.
    UnitPrice,
    /// Who bought.
    CustomerId,
    /// Where it went.
    Country,
}

impl Column {
    /// All columns, in the order of the data set.
    pub const ALL: [Self; 8] = [
        Self::InvoiceNo,
        Self::StockCode,
        Self::Description,
        Self::Quantity,
        Self::InvoiceDate,
        Self::UnitPrice,
        Self::CustomerId,
        Self::Country,
    ];

    /// The name in the header of the data set.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvoiceNo => "InvoiceNo",
            Self::StockCode => "StockCode",
            Self::Description => "Description",
            Self::Quantity => "Quantity",
            Self::InvoiceDate => "InvoiceDate",
            Self::UnitPrice => "UnitPrice",
            Self::CustomerId => "CustomerID",
            Self::Country => "Country",
        }
    }

    /// The column of a name in the header of the data set.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name() == name)
    }

    /// Names under which other exports have it, folded: lower case, letters and digits only.
    pub const fn synonyms(self) -> &'static [&'static str] {
        match self {
            Self::InvoiceNo => &["invoiceno", "invoice", "invoicenumber", "invoiceid"],
            Self::StockCode => &["stockcode", "productcode", "sku"],
            Self::Description => &["description", "productname"],
            Self::Quantity => &["quantity", "qty"],
            Self::InvoiceDate => &["invoicedate", "invoicetime", "date"],
            Self::UnitPrice => &["unitprice", "price"],
            Self::CustomerId => &["customerid", "customer", "customerno", "customernumber"],
            Self::Country => &["country"],
        }
    }
}

/// Sizes beyond which input is refused or set aside, so that memory stays bounded whatever a
/// file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one field: a lost quote makes fields of megabytes, the data has 35.
    pub field_bytes: usize,
    /// Bytes of one row; two fields at their limit.
    pub record_bytes: usize,
    /// Physical lines that a quoted field may span before its quote counts as never closed.
    pub record_lines: u64,
    /// Columns of a header; the data has 8, a wide export some dozens.
    pub columns: usize,
    /// Bytes that are read to decide how the file is read, and all that a preview reads. The
    /// first date of the real file that settles the order of day and month is at 2.2 MB.
    pub head_bytes: usize,
    /// Bytes read at a time after the head: large enough to make the calls not count, small
    /// enough to stay in the cache of the processor.
    pub chunk_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            field_bytes: 32 << 10,
            record_bytes: 64 << 10,
            record_lines: 100,
            columns: 256,
            head_bytes: 8 << 20,
            chunk_bytes: 256 << 10,
        }
    }
}

/// What is known about a file before it is opened. What is `None` or absent is detected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// The encoding.
    pub encoding: Option<TextEncoding>,
    /// The delimiter.
    pub delimiter: Option<Delimiter>,
    /// The order of day and month.
    pub date_order: Option<DateOrder>,
    /// What stands before the decimals of a price.
    pub decimal: Option<DecimalMark>,
    /// The name in this file's header of columns whose name is not recognised.
    pub columns: BTreeMap<Column, String>,
    /// Sizes.
    pub limits: Limits,
}
