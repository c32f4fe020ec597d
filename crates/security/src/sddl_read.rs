//! Security descriptors from text.
//!
//! Source: MS-DTYP 2.5.1, "Security Descriptor Description Language".

use super::descriptor::{DACL_PRESENT, Parts, SACL_PRESENT, build, build_list};
use super::sddl_words::{
    ALIASES, CONTROL, FLAGS, LABEL_RIGHTS, MASKS, NULL_LIST, OTHER_RIGHTS, RELATIVE, RIGHTS,
    Relative, TYPES,
};
use super::{SecurityError, sid};

/// Revisions of an access control list: without and with object entries.
const REVISION: u8 = 2;
const REVISION_OBJECTS: u8 = 4;
/// Types of entries with GUIDs.
const OBJECT_TYPES: [u8; 5] = [0x05, 0x06, 0x07, 0x08, 0x0b];
/// Types of entries with a condition or an attribute value behind the identifier.
const TAILED_TYPES: [u8; 6] = [0x09, 0x0a, 0x0b, 0x0d, 0x12, 0x15];

/// Identifiers that accounts such as `LA` and `DA` are appended to, as bytes; those that are not known are `None`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Domains<'a> {
    /// The machine's own account database, for LA and LG.
    pub machine: Option<&'a [u8]>,
    /// The machine's domain, for DA, DU, DC and so on.
    pub domain: Option<&'a [u8]>,
    /// The root domain of its forest, for EA, SA and so on.
    pub forest: Option<&'a [u8]>,
}

/// The self-relative descriptor that a line of SDDL such as `O:BAG:SYD:P(A;OICI;FA;;;BA)` describes, laid out as Windows does.
///
/// Parts that the text leaves out are not in the descriptor. Generic rights stay generic. Entries with a condition, a resource
/// attribute or an access filter (XA, XD, XU, ZA, RA, FL) are refused, unless they stop behind the identifier.
/// # Errors
/// [`SecurityError::Sddl`], [`SecurityError::SddlDomain`], [`SecurityError::ListTooLong`].
pub fn from_sddl(text: &str, domains: Domains<'_>) -> Result<Vec<u8>, SecurityError> {
    let reader = Reader { text, domains };
    let (mut owner, mut group, mut dacl, mut sacl) = (None, None, None, None);
    let mut control = 0;
    let mut at = reader.skip_space(0);
    while at < text.len() {
        let section = text.get(at..).unwrap_or_default();
        let end = reader.section_end(at + 2);
        let body = (at + 2, text.get(at + 2..end).unwrap_or_default());
        let twice = match section.as_bytes() {
            [b'O' | b'o', b':', ..] => owner.replace(reader.sid(body.0, body.1)?).is_some(),
            [b'G' | b'g', b':', ..] => group.replace(reader.sid(body.0, body.1)?).is_some(),
            [b'D' | b'd', b':', ..] => {
                let (bits, list) = reader.list(body.0, body.1)?;
                control |= bits | DACL_PRESENT;
                dacl.replace(list).is_some()
            }
            [b'S' | b's', b':', ..] => {
                let (bits, list) = reader.list(body.0, body.1)?;
                control |= bits << 1 | SACL_PRESENT;
                sacl.replace(list).is_some()
            }
            _ => return Err(reader.wrong(at, "expected O:, G:, D: or S:", section)),
        };
        if twice {
            return Err(reader.wrong(at, "a part stands here for the second time", section));
        }
        at = reader.skip_space(end);
    }
    Ok(build(
        control,
        Parts {
            owner: owner.as_deref(),
            group: group.as_deref(),
            sacl: sacl.as_ref().and_then(Option::as_deref),
            dacl: dacl.as_ref().and_then(Option::as_deref),
        },
    ))
}

struct Reader<'a> {
    text: &'a str,
    domains: Domains<'a>,
}

impl Reader<'_> {
    fn wrong(&self, at: usize, problem: &'static str, found: &str) -> SecurityError {
        let at = self.text.get(..at).map_or(at, |before| before.chars().count());
        SecurityError::Sddl { at, problem, found: found.chars().take(40).collect() }
    }

    fn skip_space(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        at + rest.len() - rest.trim_start().len()
    }

    /// Where the section that goes on at `from` ends: before the letter of the next colon outside of entries.
    fn section_end(&self, from: usize) -> usize {
        let (mut depth, mut before) = (0_usize, None);
        for (at, letter) in self.text.char_indices().skip_while(|(at, _)| *at < from) {
            match letter {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                ':' if depth == 0 => return before.unwrap_or(at),
                _ => {}
            }
            before = Some(at);
        }
        self.text.len()
    }

    /// An access control list: its control bits as a DACL has them, and its bytes; `None` for the null list.
    fn list(&self, at: usize, text: &str) -> Result<(u16, Option<Vec<u8>>), SecurityError> {
        let open = text.find('(').unwrap_or(text.len());
        let (mut flags, mut rest) = text.split_at(open);
        let (mut control, mut null) = (0, false);
        loop {
            flags = flags.trim_start();
            let word = CONTROL.iter().find(|(_, word)| starts_with(flags, word));
            if let Some((bit, word)) = word {
                control |= bit;
                flags = &flags[word.len()..];
            } else if starts_with(flags, NULL_LIST) {
                null = true;
                flags = &flags[NULL_LIST.len()..];
            } else if flags.is_empty() {
                break;
            } else {
                return Err(self.wrong(
                    at + open - flags.len(),
                    "not a flag of an access control list",
                    flags,
                ));
            }
        }
        let mut entries = Vec::new();
        let mut here = at + open;
        while !rest.is_empty() {
            let end = rest.find(')').filter(|_| rest.starts_with('('));
            let Some(end) = end else {
                return Err(self.wrong(here, "expected an entry in parentheses", rest));
            };
            entries.push(self.entry(here + 1, &rest[1..end])?);
            let next = rest[end + 1..].trim_start();
            here += rest.len() - next.len();
            rest = next;
        }
        if null && !entries.is_empty() {
            return Err(self.wrong(at, "the null list has no entries", text));
        }
        if null {
            return Ok((control, None));
        }
        let objects = entries
            .iter()
            .any(|entry| entry.first().is_some_and(|code| OBJECT_TYPES.contains(code)));
        let revision = if objects { REVISION_OBJECTS } else { REVISION };
        Ok((control, Some(build_list(revision, &entries)?)))
    }

    /// An entry: type, flags, rights, two GUIDs, identifier.
    fn entry(&self, at: usize, text: &str) -> Result<Vec<u8>, SecurityError> {
        let mut fields = Vec::new();
        let mut here = at;
        for field in text.split(';') {
            fields.push((here, field.trim()));
            here += field.len() + 1;
        }
        let [kind, flags, rights, object, inherited, who] = fields[..] else {
            let tailed = fields
                .first()
                .and_then(|(_, word)| code_of(word))
                .is_some_and(|code| TAILED_TYPES.contains(&code));
            let problem = if tailed && fields.len() > 6 {
                "conditions and attribute values are not handled"
            } else {
                "an entry has six fields with five semicolons"
            };
            return Err(self.wrong(at, problem, text));
        };
        let code =
            code_of(kind.1).ok_or_else(|| self.wrong(kind.0, "not a type of an entry", kind.1))?;
        let flags = self.flags(flags.0, flags.1)?;
        let mask = self.rights(rights.0, rights.1)?;
        let mut body = mask.to_le_bytes().to_vec();
        let guids = [(object, 1_u32), (inherited, 2)];
        let present = guids.iter().filter(|((_, text), _)| !text.is_empty());
        let object_flags = present.clone().fold(0, |flags, (_, bit)| flags | bit);
        if OBJECT_TYPES.contains(&code) {
            body.extend(object_flags.to_le_bytes());
            for ((at, text), _) in present {
                let guid = guid(text).ok_or_else(|| self.wrong(*at, "not a GUID", text))?;
                body.extend(guid);
            }
        } else if object_flags != 0 {
            return Err(self.wrong(object.0, "entries of this type have no GUIDs", text));
        }
        body.extend(self.sid(who.0, who.1)?);
        let size = u16::try_from(4 + body.len())
            .map_err(|_| SecurityError::ListTooLong { size: body.len() })?;
        let mut entry = vec![code, flags];
        entry.extend(size.to_le_bytes());
        entry.extend(body);
        Ok(entry)
    }

    fn flags(&self, at: usize, text: &str) -> Result<u8, SecurityError> {
        let mut rest = text;
        let mut flags = 0;
        while !rest.is_empty() {
            let known = FLAGS.iter().find(|(_, word)| starts_with(rest, word));
            let Some((bit, word)) = known else {
                let at = at + text.len() - rest.len();
                return Err(self.wrong(at, "not a flag of an entry", rest));
            };
            flags |= bit;
            rest = rest[word.len()..].trim_start();
        }
        Ok(flags)
    }

    /// An access mask: words, or one number.
    fn rights(&self, at: usize, text: &str) -> Result<u32, SecurityError> {
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return number(text).ok_or_else(|| self.wrong(at, "not an access mask", text));
        }
        let mut rest = text;
        let mut mask = 0;
        while !rest.is_empty() {
            let known = [&MASKS[..], &RIGHTS, &LABEL_RIGHTS, &OTHER_RIGHTS]
                .into_iter()
                .flatten()
                .find(|(_, word)| starts_with(rest, word));
            let Some((bits, word)) = known else {
                let at = at + text.len() - rest.len();
                return Err(self.wrong(at, "not a right", rest));
            };
            mask |= bits;
            rest = rest[word.len()..].trim_start();
        }
        Ok(mask)
    }

    /// An identifier: letters, or `S-1-...`.
    fn sid(&self, at: usize, text: &str) -> Result<Vec<u8>, SecurityError> {
        let text = text.trim();
        let letters = text.to_ascii_uppercase();
        if let Some((authority, parts, _)) = ALIASES.iter().find(|(.., known)| *known == letters) {
            return Ok(sid_bytes(*authority, parts));
        }
        if let Some((whose, number, _)) = RELATIVE.iter().find(|(.., known)| *known == letters) {
            let (base, whose) = match whose {
                Relative::Machine => (self.domains.machine, "machine"),
                Relative::Domain => (self.domains.domain, "domain"),
                Relative::Forest => (self.domains.forest, "forest"),
            };
            let base = base.ok_or(SecurityError::SddlDomain { letters, whose })?;
            return sid::with_account(base, *number);
        }
        parse_sid(&letters).ok_or_else(|| self.wrong(at, "not a security identifier", text))
    }
}

/// The type code of the letters of an entry.
fn code_of(letters: &str) -> Option<u8> {
    TYPES.iter().find(|(_, word)| word.eq_ignore_ascii_case(letters)).map(|(code, _)| *code)
}

fn starts_with(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// A number as C writes it: `0x` hexadecimal, `0` octal, or decimal.
fn number(text: &str) -> Option<u32> {
    let lower = text.to_ascii_lowercase();
    match lower.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None if lower.len() > 1 && lower.starts_with('0') => u32::from_str_radix(&lower, 8).ok(),
        None => lower.parse().ok(),
    }
}

/// `S-1-authority-part-part...`, in upper case.
fn parse_sid(text: &str) -> Option<Vec<u8>> {
    let mut fields = text.strip_prefix("S-1-")?.split('-');
    let authority = fields.next()?;
    let authority = match authority.strip_prefix("0X") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => authority.parse().ok()?,
    };
    let parts: Vec<u32> = fields
        .map(|part| match part.strip_prefix("0X") {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => part.parse().ok(),
        })
        .collect::<Option<_>>()?;
    let fits = authority < 1 << 48 && (1..=sid::PARTS_MAX).contains(&parts.len());
    fits.then(|| sid_bytes(authority, &parts))
}

fn sid_bytes(authority: u64, parts: &[u32]) -> Vec<u8> {
    let mut sid = vec![1, parts.len() as u8];
    sid.extend_from_slice(&authority.to_be_bytes()[2..]);
    sid.extend(parts.iter().flat_map(|part| part.to_le_bytes()));
    sid
}

/// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, with or without braces.
fn guid(text: &str) -> Option<[u8; 16]> {
    let text = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if lengths != [8, 4, 4, 4, 12] || !hexadecimal {
        return None;
    }
    let digits: String = text.split('-').collect();
    let number = u128::from_str_radix(&digits, 16).ok()?;
    let mut guid = number.to_be_bytes();
    guid[..4].reverse();
    guid[4..6].reverse();
    guid[6..8].reverse();
    Some(guid)
}
