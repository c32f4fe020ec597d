//! Device elements from `bcdedit`'s words.

use super::{Device, FilePlace, LocateBy, PartitionRef, Place};
use crate::bcd::ids::{OS_DEVICE, PATH, SDI_DEVICE, SDI_PATH, SYSTEM_ROOT};
use crate::bcd::partitions::Partitions;
use crate::bcd::{alias, guid};

/// The element that says what to search for on the device that element `id` is, where nothing else is asked for.
fn usual_locate(id: u32) -> u32 {
    match id {
        OS_DEVICE => SYSTEM_ROOT,
        SDI_DEVICE => SDI_PATH,
        _ => PATH,
    }
}

/// Reads the device that element `id` gets. The error says what is expected.
pub(in crate::bcd) fn parse(id: u32, text: &str, known: &Partitions) -> Result<Device, String> {
    let (head, rest) = text.split_once('=').map_or((text, None), |(head, rest)| (head, Some(rest)));
    let is = |word: &str| head.trim().eq_ignore_ascii_case(word);
    match rest {
        None if is("boot") => Ok(Device::new(Place::Boot)),
        None if is("locate") => {
            Ok(Device::new(Place::Locate { by: LocateBy::Element(usual_locate(id)), parent: None }))
        }
        Some(rest) if is("partition") => Ok(Device::new(Place::Partition(find(rest, known)?))),
        Some(rest) if is("locate") => {
            Ok(Device::new(Place::Locate { by: locate_by(rest)?, parent: None }))
        }
        Some(rest) if is("file") => Ok(Device::new(Place::File(Box::new(file(rest, id, known)?)))),
        Some(rest) if is("ramdisk") => {
            // bcdedit asks for the object with the SDI file's place.
            let (rest, options) = rest.rsplit_once(',').ok_or(RAMDISK)?;
            let options = alias::guid_of(options.trim()).unwrap_or(options.trim());
            let options = guid::bytes(options).ok_or(RAMDISK)?;
            let file = Box::new(file(rest, id, known)?);
            let place = Place::Ramdisk { image: [0; 20], file };
            Ok(Device::with_options(place, Some(options)))
        }
        Some(rest) if is("vhd") => {
            let (rest, by) = match split_last_ignoring_case(rest, ",locate=") {
                Some((rest, by)) => (rest, locate_by(by)?),
                None => (rest, LocateBy::Element(usual_locate(id))),
            };
            let file = Box::new(Place::File(Box::new(file(rest, id, known)?)));
            let disk = Box::new(Place::Vhd { disk: [0; 20], file });
            Ok(Device::new(Place::Locate { by, parent: Some(disk) }))
        }
        _ => Err(FORMS.to_owned()),
    }
}

const FORMS: &str = r"boot, partition=C:, partition=1, file=[C:]\path, ramdisk=[C:]\path,{options}, vhd=[C:]\path, locate or locate=\path";
const RAMDISK: &str = r"ramdisk=[C:]\path,{object with the ramdisk's options}";

/// A file: `[device]\path`.
fn file(text: &str, id: u32, known: &Partitions) -> Result<FilePlace, String> {
    let expected = || r"[device]\path, with a device such as boot, locate or C:".to_owned();
    let (device, path) =
        text.trim().strip_prefix('[').and_then(|text| text.split_once(']')).ok_or_else(expected)?;
    let bad = |c: char| c.is_control() || c == '"';
    if !path.starts_with('\\') || path.len() < 2 || path.contains(bad) {
        return Err(expected());
    }
    let device = match device.trim() {
        word if word.eq_ignore_ascii_case("boot") => Place::Boot,
        word if word.eq_ignore_ascii_case("locate") => {
            Place::Locate { by: LocateBy::Element(usual_locate(id)), parent: None }
        }
        partition => Place::Partition(find(
            partition.strip_prefix("partition=").unwrap_or(partition),
            known,
        )?),
    };
    Ok(FilePlace { device, path: path.to_owned() })
}

fn locate_by(text: &str) -> Result<LocateBy, String> {
    let expected = || r"locate=\path or locate=custom:12000002".to_owned();
    let text = text.trim();
    if text.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("custom:")) {
        let digits = text.get(7..).unwrap_or_default();
        let digits = digits.strip_prefix("0x").unwrap_or(digits);
        let plain = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten();
        return number.map(LocateBy::Element).ok_or_else(expected);
    }
    if text.starts_with('\\') && !text.chars().any(char::is_control) {
        return Ok(LocateBy::Path(text.to_owned()));
    }
    Err(expected())
}

fn find(text: &str, known: &Partitions) -> Result<PartitionRef, String> {
    known.find(text.trim()).ok_or_else(|| known.expected())
}

/// Splits at the last occurrence of an ASCII text, whatever its case.
fn split_last_ignoring_case<'t>(text: &'t str, at: &str) -> Option<(&'t str, &'t str)> {
    let found = text.to_ascii_lowercase().rfind(at)?;
    Some((text.get(..found)?, text.get(found + at.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Partitions {
        let mut known = Partitions::default();
        known.add(1, PartitionRef::Mbr { signature: 0xC97A, offset: 0x10_0000 });
        known.add(2, PartitionRef::Gpt { disk: [7; 16], partition: [9; 16] });
        known.add_letter('C', PartitionRef::Gpt { disk: [7; 16], partition: [9; 16] });
        known
    }

    /// What is read, shown with the names it was given with; the same again for what `bcdedit` would have shown.
    #[test]
    fn bcdedits_words_are_read() {
        let known = known();
        for (id, text, shown) in [
            (0x1100_0001, "BOOT", "boot"),
            (0x1100_0001, "partition=c:", "partition=C:"),
            (0x1100_0001, "partition=1", "partition=mbr:0000c97a:0x100000"),
            (0x1100_0001, "partition=mbr:0000c97a:0x200000", "partition=mbr:0000c97a:0x200000"),
            (0x1100_0001, "partition={09090909-0909-0909-0909-090909090909}", "partition=C:"),
            (0x1100_0001, r"file=[C:]\x.img", r"file=[C:]\x.img"),
            (
                0x2100_0001,
                r"ramdisk=[boot]\sources\boot.wim,{ramdiskoptions}",
                r"ramdisk=[boot]\sources\boot.wim,{ramdiskoptions}",
            ),
            (0x1100_0001, r"vhd=[C:]\w.vhd", r"vhd=[C:]\w.vhd,locate=custom:12000002"),
            (0x2100_0001, r"vhd=[locate]\w.vhd", r"vhd=[locate]\w.vhd,locate=custom:22000002"),
            (
                0x2100_0001,
                r"vhd=[1]\a,b.vhd,LOCATE=\Windows",
                r"vhd=[mbr:0000c97a:0x100000]\a,b.vhd,locate=\Windows",
            ),
            (0x2100_0001, "locate", "locate=custom:22000002"),
            (0x2100_0001, "locate=custom:12000002", "locate=custom:12000002"),
            (0x1100_0001, r"locate=\Windows", r"locate=\Windows"),
        ] {
            let device = parse(id, text, &known).unwrap_or_else(|error| panic!("{text}: {error}"));
            let name = |partition: &PartitionRef| known.name(partition);
            let short = |guid: &str| alias::alias_of(guid).unwrap_or(guid).to_owned();
            let again = device.text_with(&name, &short);
            assert_eq!(again, shown);
            assert_eq!(parse(id, &again, &known).as_ref(), Ok(&device), "{text}");
        }
        for bad in [
            "",
            "disk",
            "partition=",
            "partition=D:",
            "partition=3",
            "partition={11111111-2222-3333-4444-555555555555}",
            "file=C:\\x",
            "file=[C:]x",
            "ramdisk=[C:]\\x",
            "ramdisk=[C:]\\x,{nothing}",
            "locate=Windows",
            "locate=custom:12",
            "vhd=[C:]\\x,locate=x",
        ] {
            assert!(parse(0x1100_0001, bad, &known).is_err(), "{bad}");
        }
    }
}
