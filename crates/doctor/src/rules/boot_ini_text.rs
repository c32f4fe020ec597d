//! The text of a `boot.ini` as NTLDR reads it: bytes of the code page that the BIOS shows.

use winkiln_bake::BakeError;
use winkiln_hive::reg_text::{self, Encoding};

use crate::patient::Patient;

/// Text in the guest's code page.
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    /// Letters that the code page does not have, or that are not known to have a place in it; they became `?`.
    pub(super) lost: usize,
}

/// Encodes text for NTLDR. What is ASCII is the same in every code page; the rest goes by `OEMCP`, where its code page is one that is
/// known here.
///
/// Source: Microsoft, "Code page identifiers".
pub(super) fn encoded(patient: &mut Patient<'_>, text: &str) -> Result<Encoded, BakeError> {
    let key = patient.in_set(r"Control\Nls\CodePage");
    let code_page = patient.text(&key, "OEMCP")?;
    let encoding = code_page.as_deref().and_then(encoding);
    let mut found = Encoded { bytes: Vec::with_capacity(text.len()), lost: 0 };
    for letter in text.chars() {
        let mut buffer = [0; 4];
        let letter: &str = letter.encode_utf8(&mut buffer);
        match encoding.map(|encoding| encoding.encode(letter)) {
            _ if letter.is_ascii() => found.bytes.extend_from_slice(letter.as_bytes()),
            Some((bytes, _, false)) => found.bytes.extend_from_slice(&bytes),
            _ => {
                found.lost += 1;
                found.bytes.push(b'?');
            }
        }
    }
    Ok(found)
}

fn encoding(code_page: &str) -> Option<&'static Encoding> {
    const NOT_OEM: [&str; 3] = ["UTF-8", "UTF-16LE", "UTF-16BE"];
    reg_text::code_page(code_page).filter(|found| !NOT_OEM.contains(&found.name()))
}
