//! Reparse data of links, taken apart anew.
//!
//! Source: [MS-FSCC] 2.1.2.4 and 2.1.2.5.

use crate::error::Trouble;

/// Succeeds when reparse data are those of a link of this kind to this target.
pub(crate) fn compare(data: &[u8], junction: bool, target: &str) -> Result<(), Trouble> {
    let number = |at: usize| -> Option<usize> {
        Some(u16::from_le_bytes(data.get(at..)?.first_chunk().copied()?).into())
    };
    let tag = data.first_chunk().map_or(0, |tag| u32::from_le_bytes(*tag));
    let (expected, names_at) = if junction { (0xa000_0003, 16) } else { (0xa000_000c, 20) };
    if tag != expected {
        return Err(Trouble::Disagrees(format!(
            "reparse tag {tag:#010x}, expected {expected:#010x}"
        )));
    }
    if number(4).map(|length| length + 8) != Some(data.len()) {
        return Err(Trouble::Disagrees(format!(
            "{} bytes of reparse data, which say otherwise",
            data.len()
        )));
    }
    let name = |at: usize| -> Option<String> {
        let start = names_at + number(at)?;
        let bytes = data.get(start..start.checked_add(number(at + 2)?)?)?;
        let units: Vec<u16> =
            bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        String::from_utf16(&units).ok()
    };
    let cut = || Trouble::Disagrees("a name passes the end of the reparse data".into());
    let followed = name(8).ok_or_else(cut)?;
    let wanted = target.replace('/', "\\");
    // The system's own spelling of what people write.
    let plain = match followed.strip_prefix(r"\??\UNC\") {
        Some(share) => format!(r"\\{share}"),
        None => followed.strip_prefix(r"\??\").unwrap_or(&followed).to_owned(),
    };
    let strip = |path: &str| {
        let path = path.strip_prefix(r"\\?\").or(path.strip_prefix(r"\??\")).unwrap_or(path);
        path.to_owned()
    };
    let relative = !junction
        && data.get(16..).and_then(|rest| rest.first()).is_some_and(|flags| flags & 1 != 0);
    let from_system = followed.starts_with(r"\??\");
    if strip(&plain) != strip(&wanted) || relative == from_system {
        return Err(Trouble::Disagrees(format!("a link to {followed:?}, expected {wanted:?}")));
    }
    Ok(())
}
