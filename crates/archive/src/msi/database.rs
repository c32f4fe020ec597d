//! The tables of an installer package: strings once, rows column by column.
//!
//! There is no document of Microsoft's about how tables are stored; msitools and the `msi` crate agree on it. What tables and
//! columns mean: "Database Tables" in Microsoft's Windows Installer documentation.

use std::collections::HashMap;

use encoding_rs::Encoding;

use super::stream_name;
use crate::compound::Compound;
use crate::error::Error;
use crate::source::{Reading, field};

/// Bytes of one table, or of all strings.
const TABLE_MAX: u64 = 128 << 20;

/// Flags in the type of a column.
const TYPE_TEXT: u16 = 0x0800;
const TYPE_NULLABLE: u16 = 0x1000;
/// A column whose values are streams of their own.
const TYPE_STREAM: u16 = 0x0900;

/// The strings of a database, by number.
struct Strings {
    bytes: Vec<u8>,
    /// Where each lies: offset and length. Number 0 is none at all.
    places: Vec<(usize, usize)>,
    /// Bytes of a string's number in a row.
    width: usize,
    code_page: u32,
}

/// A column of a table: bytes of one value, and bytes of the columns before it in one row.
#[derive(Debug, Clone, Copy)]
struct Column {
    width: usize,
    before: usize,
}

pub(super) struct Database<'a> {
    compound: &'a mut Compound,
    reading: &'a Reading,
    strings: Strings,
    /// Name and type of the columns of each table, by number.
    columns: HashMap<String, Vec<(u16, String, u16)>>,
}

/// The rows of a table, with the columns that were asked for.
pub(super) struct Table {
    bytes: Vec<u8>,
    pub rows: usize,
    columns: Vec<Column>,
}

impl Table {
    /// The value as it is stored: a string's number, or a number with its sign turned and 0 for none.
    fn raw(&self, row: usize, column: usize) -> (u32, usize) {
        let Some(Column { width, before }) = self.columns.get(column).copied() else {
            return (0, 0);
        };
        let from = before * self.rows + width * row;
        let bytes = self.bytes.get(from..from + width).unwrap_or_default();
        (bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte)), width)
    }

    /// The number of a string; 0 for none.
    pub fn string(&self, row: usize, column: usize) -> u32 {
        self.raw(row, column).0
    }

    /// A number; `None` where the row has none.
    pub fn number(&self, row: usize, column: usize) -> Option<i64> {
        match self.raw(row, column) {
            (0, _) => None,
            (raw, 4) => Some(i64::from(raw) - 0x8000_0000),
            (raw, _) => Some(i64::from(raw) - 0x8000),
        }
    }
}

impl Strings {
    fn read(compound: &mut Compound, reading: &Reading) -> Result<Option<Self>, Error> {
        let mut stream =
            |name| compound.bytes("string pool", &stream_name::of_table(name), TABLE_MAX);
        let (Some(pool), Some(bytes)) = (stream("_StringPool")?, stream("_StringData")?) else {
            return Ok(None);
        };
        let head = field::u32(&pool, 0).unwrap_or(0);
        let mut places = vec![(0, 0)];
        let mut from = 0usize;
        let mut words = pool.as_chunks::<4>().0.iter().skip(1);
        while let Some([a, b, c, d]) = words.next().copied() {
            let mut length = u32::from(u16::from_le_bytes([a, b]));
            // A length that 16 bits do not hold follows as one of 32.
            if length == 0 && (c, d) != (0, 0) {
                length = words.next().map_or(0, |word| u32::from_le_bytes(*word));
            }
            let length = length as usize;
            if bytes.len() - from < length {
                let at = places.len() as u64;
                return Err(reading.damaged("string pool", at, length as u64, "a string inside"));
            }
            places.push((from, length));
            from += length;
        }
        let width = if head & 0x8000_0000 == 0 { 2 } else { 3 };
        Ok(Some(Self { bytes, places, width, code_page: head & 0x7fff_ffff }))
    }

    fn raw(&self, number: u32) -> Option<&[u8]> {
        let (from, length) = *self.places.get(number as usize)?;
        self.bytes.get(from..from + length)
    }

    fn text(&self, number: u32) -> Option<String> {
        let raw = self.raw(number)?;
        if raw.is_ascii() {
            return String::from_utf8(raw.to_vec()).ok();
        }
        let label = match self.code_page {
            // Of no code page: Windows takes its own, of which this is the most common.
            0 => "windows-1252".to_owned(),
            65001 => "utf-8".to_owned(),
            932 => "shift_jis".to_owned(),
            936 => "gbk".to_owned(),
            949 => "euc-kr".to_owned(),
            950 => "big5".to_owned(),
            page => format!("windows-{page}"),
        };
        let encoding = Encoding::for_label(label.as_bytes())?;
        let text = encoding.decode_without_bom_handling_and_without_replacement(raw)?;
        Some(text.into_owned())
    }
}

impl<'a> Database<'a> {
    /// Reads the strings and what the columns are; `None` when this is no installer database.
    pub fn read(compound: &'a mut Compound, reading: &'a Reading) -> Result<Option<Self>, Error> {
        let Some(strings) = Strings::read(compound, reading)? else { return Ok(None) };
        let mut database = Self { compound, reading, strings, columns: HashMap::new() };
        let text = database.strings.width;
        // The columns of the table of columns: table, number, name, type.
        let widths = [text, 2, text, 2];
        let Some(table) = database.rows("_Columns", &widths, &[0, 1, 2, 3])? else {
            return Ok(None);
        };
        for row in 0..table.rows {
            let name = |column| database.text(table.string(row, column));
            let number = |column| table.number(row, column).unwrap_or(0) as u16;
            if let (Some(of), Some(name)) = (name(0), name(2)) {
                let (number, kind) = (number(1), number(3));
                database.columns.entry(of).or_default().push((number, name, kind));
            }
        }
        for columns in database.columns.values_mut() {
            columns.sort_by_key(|(number, ..)| *number);
        }
        Ok(Some(database))
    }

    /// The text of a string; `None` when there is none of this number, or it cannot be decoded.
    pub fn text(&self, number: u32) -> Option<String> {
        self.strings.text(number)
    }

    /// The bytes of a string; none when there is none of this number.
    pub fn bytes(&self, number: u32) -> &[u8] {
        self.strings.raw(number).unwrap_or_default()
    }

    /// The text of a string, whatever it is, to show.
    pub fn shown(&self, number: u32) -> String {
        let raw = || String::from_utf8_lossy(self.bytes(number)).into_owned();
        self.text(number).unwrap_or_else(raw)
    }

    /// The streams that are no tables.
    pub fn compound(&mut self) -> &mut Compound {
        self.compound
    }

    fn rows(
        &mut self,
        name: &'static str,
        widths: &[usize],
        wanted: &[usize],
    ) -> Result<Option<Table>, Error> {
        let stored = self.compound.bytes(name, &stream_name::of_table(name), TABLE_MAX)?;
        let Some(bytes) = stored else { return Ok(None) };
        let before = |column: usize| widths.iter().take(column).sum();
        let columns =
            wanted.iter().map(|at| Column { width: widths[*at], before: before(*at) }).collect();
        let rows = bytes.len() / widths.iter().sum::<usize>().max(1);
        Ok(Some(Table { bytes, rows, columns }))
    }

    /// Reads a table with these columns; `None` when the database has none of this name.
    pub fn table(&mut self, name: &'static str, columns: &[&str]) -> Result<Option<Table>, Error> {
        let Some(all) = self.columns.get(name) else { return Ok(None) };
        let width = |kind: u16| {
            if kind & !TYPE_NULLABLE == TYPE_STREAM {
                2
            } else if kind & TYPE_TEXT != 0 {
                self.strings.width
            } else if kind & 0xff == 4 {
                4
            } else {
                2
            }
        };
        let widths: Vec<_> = all.iter().map(|(_, _, kind)| width(*kind)).collect();
        let place = |wanted: &&str| all.iter().position(|(_, name, _)| name == wanted);
        let Some(wanted) = columns.iter().map(place).collect::<Option<Vec<_>>>() else {
            let found = all.len() as u64;
            return Err(self.reading.damaged(name, 0, found, "its columns"));
        };
        self.rows(name, &widths, &wanted)
    }
}
