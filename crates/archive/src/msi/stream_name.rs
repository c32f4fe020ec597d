//! Names of streams in an installer database: two characters of a name are one of the compound file's, so that longer names fit.
//!
//! There is no document of Microsoft's about this; msitools, the `msi` crate and every other reader of packages agree on it.

/// In front of the names of tables.
const TABLE: u16 = 0x4840;

/// The name under which a table's rows are stored.
pub(super) fn of_table(name: &str) -> Vec<u16> {
    [&[TABLE][..], &of_stream(name)].concat()
}

/// The name under which a stream is stored.
pub(super) fn of_stream(name: &str) -> Vec<u16> {
    let mut coded = Vec::new();
    let mut units = name.encode_utf16().peekable();
    while let Some(unit) = units.next() {
        let Some(first) = digit(unit) else {
            coded.push(unit);
            continue;
        };
        match units.peek().copied().and_then(digit) {
            Some(second) => {
                units.next();
                coded.push(0x3800 + (second << 6) + first);
            }
            None => coded.push(0x4800 + first),
        }
    }
    coded
}

/// The number of a character that is written with six bits.
fn digit(unit: u16) -> Option<u16> {
    let from = |first: u8| unit - u16::from(first);
    match u8::try_from(unit).ok()? {
        b'0'..=b'9' => Some(from(b'0')),
        b'A'..=b'Z' => Some(from(b'A') + 10),
        b'a'..=b'z' => Some(from(b'a') + 36),
        b'.' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}
