//! Security descriptors as text.

use std::fmt::Write;

use super::SecurityError;
use super::ace::{Ace, Kind};
use super::descriptor::{Descriptor, List};
use super::objects::Objects;
use super::sddl_words::{ALIASES, CONTROL, FLAGS, LABEL_RIGHTS, NULL_LIST, RIGHTS, TYPES};
use crate::bytes;

/// A self-relative security descriptor as a line of SDDL, such as `O:BAG:SYD:AI(A;OICIID;FA;;;BA)`. `objects` chooses between
/// letters such as `FA` and `KA`.
///
/// [`crate::from_sddl`] reads it back, except for conditions, attribute values, and entries of unknown types, which are shown by
/// their size in bytes.
/// # Errors
/// [`SecurityError::Descriptor`].
///
/// Source: MS-DTYP 2.5.1.
pub fn to_sddl(objects: Objects, descriptor: &[u8]) -> Result<String, SecurityError> {
    let descriptor = Descriptor::parse(descriptor)?;
    let mut text = String::new();
    for (letter, sid) in [("O:", descriptor.owner), ("G:", descriptor.group)] {
        if let Some(sid) = sid {
            text.push_str(letter);
            text.push_str(&sid_text(sid));
        }
    }
    // Bits of the DACL; those of the SACL are one to the left.
    let lists = [("D:", 0, &descriptor.dacl), ("S:", 1, &descriptor.sacl)];
    for (letter, shift, list) in lists {
        let has = |bit: u16| descriptor.control & (bit << shift) != 0;
        let present = descriptor.control & (0x0004 << (2 * shift)) != 0;
        if !present {
            continue;
        }
        text.push_str(letter);
        for (bit, letters) in CONTROL {
            if has(bit) {
                text.push_str(letters);
            }
        }
        match list {
            Some(list) => list_text(objects, list, &mut text)?,
            None => text.push_str(NULL_LIST),
        }
    }
    Ok(text)
}

fn list_text(objects: Objects, list: &List<'_>, text: &mut String) -> Result<(), SecurityError> {
    list.entries.iter().try_for_each(|ace| {
        text.push_str(&entry_text(objects, ace)?);
        Ok(())
    })
}

fn entry_text(objects: Objects, ace: &Ace<'_>) -> Result<String, SecurityError> {
    let letters = TYPES.iter().find(|(code, _)| *code == ace.type_code());
    let kind =
        letters.map_or_else(|| format!("{:#x}", ace.type_code()), |(_, letters)| (*letters).into());
    let flags: String = FLAGS
        .iter()
        .filter(|(bit, _)| ace.flags() & bit != 0)
        .map(|(_, letters)| *letters)
        .collect();
    // Compound entries, and types that nobody knows, are not taken apart.
    if letters.is_none() {
        return Ok(format!("({kind};{flags};{} bytes)", ace.bytes.len()));
    }
    let sid = ace.sid()?;
    let [object, inherited] = ace.guids().map(|guid| guid.map(guid_text).unwrap_or_default());
    let mask = mask_text(objects, ace);
    let mut text = format!("({kind};{flags};{mask};{object};{inherited};{}", sid_text(sid));
    let more = ace.bytes.len().saturating_sub(ace.sid_at() + sid.len());
    if more > 0 && ace.kind() != Kind::Other {
        // Writing to a string does not fail.
        let _ = write!(text, ";{more} bytes");
    }
    text.push(')');
    Ok(text)
}

fn mask_text(objects: Objects, ace: &Ace<'_>) -> String {
    let mask = ace.mask();
    if let (Kind::Access | Kind::ObjectAccess, Some((_, letters))) =
        (ace.kind(), objects.masks().iter().find(|(bits, _)| *bits == mask))
    {
        return (*letters).into();
    }
    let rights: &[(u32, &str)] = if ace.kind() == Kind::Policy { &LABEL_RIGHTS } else { &RIGHTS };
    if mask == 0 || rights.iter().fold(mask, |rest, (bit, _)| rest & !bit) != 0 {
        return format!("{mask:#x}");
    }
    rights.iter().filter(|(bit, _)| mask & bit != 0).map(|(_, letters)| *letters).collect()
}

fn sid_text(sid: &[u8]) -> String {
    let authority = sid
        .get(2..8)
        .unwrap_or_default()
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte));
    let parts: Vec<u32> =
        (8..sid.len()).step_by(4).filter_map(|at| bytes::u32_at(sid, at)).collect();
    let alias = ALIASES.iter().find(|(of, subs, _)| (*of, *subs) == (authority, parts.as_slice()));
    match alias {
        Some((_, _, letters)) => (*letters).into(),
        None => {
            parts.iter().fold(format!("S-1-{authority}"), |text, part| format!("{text}-{part}"))
        }
    }
}

fn guid_text(guid: &[u8; 16]) -> String {
    let [a, b, c, d, e, f, g, h, rest @ ..] = guid;
    let tail: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
    let (first, last) = tail.split_at(4);
    format!("{d:02x}{c:02x}{b:02x}{a:02x}-{f:02x}{e:02x}-{h:02x}{g:02x}-{first}-{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_without_letters_are_spelt_out() {
        assert_eq!(sid_text(crate::sid::CREATOR_OWNER), "CO");
        let installer = [
            1, 6, 0, 0, 0, 0, 0, 5, 80, 0, 0, 0, 0xb5, 0x89, 0xfb, 0x38, 0x19, 0x84, 0xc2, 0xcb,
            0x5c, 0x6c,
        ];
        let installer =
            [&installer[..], &[0x23, 0x6d, 0x57, 0x00, 0x77, 0x6e, 0xc0, 0x02, 0x64, 0x87]]
                .concat();
        let text = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
        assert_eq!(sid_text(&installer), text);
    }
}
