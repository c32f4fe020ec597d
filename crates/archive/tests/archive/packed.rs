//! Files that were packed by themselves.

use winkiln_archive::{Error, unpack};

/// What `compress.exe` might make of `bytes`: matches where `matches` says so, as (place in the output, window address, length).
fn szdd(bytes: &[u8], matches: &[(usize, u16, u8)]) -> Vec<u8> {
    let mut items: Vec<(bool, Vec<u8>)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match matches.iter().find(|(place, ..)| *place == at) {
            Some((_, from, length)) => {
                let [low, high] = from.to_le_bytes();
                items.push((false, vec![low, high << 4 | (length - 3)]));
                at += usize::from(*length);
            }
            None => {
                items.push((true, vec![bytes[at]]));
                at += 1;
            }
        }
    }
    let mut out = b"SZDD\x88\xF0\x27\x33As".to_vec();
    out.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
    for group in items.chunks(8) {
        let flags = group.iter().enumerate().map(|(bit, (plain, _))| u8::from(*plain) << bit);
        out.push(flags.sum());
        out.extend(group.iter().flat_map(|(_, bytes)| bytes.clone()));
    }
    out
}

#[test]
fn a_file_of_compress_is_unpacked() {
    let plain: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    assert_eq!(unpack(szdd(&plain, &[]), "a.sys", 1 << 20).unwrap(), plain);
    // The window begins with blanks at 0xFF0; a match may reach into itself, and over the window's end.
    let text = b"ab          abababababab, ab";
    let packed = szdd(text, &[(2, 0, 10), (14, 0xFFC, 10), (26, 0xFF0, 2 + 1)]);
    assert!(packed.len() < text.len() + 14);
    assert_eq!(unpack(packed, "a.txt", 1 << 20).unwrap(), text);
}

#[test]
fn a_cabinet_of_one_file_is_unpacked_whatever_its_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("viostor.sys"), vec![7; 5000]).unwrap();
    let made = std::process::Command::new("gcab")
        .args(["-c", "-z", "viostor.sy_", "viostor.sys"])
        .current_dir(folder.path())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(), "gcab is missing");
        eprintln!("SKIPPED: gcab is missing");
        return;
    }
    let packed = std::fs::read(folder.path().join("viostor.sy_")).unwrap();
    assert_eq!(unpack(packed, "x", 1 << 20).unwrap(), vec![7; 5000]);
}

#[test]
fn damage_is_told() {
    let packed = szdd(&[1; 100], &[]);
    for length in 0..packed.len() {
        assert!(unpack(packed[..length].to_vec(), "a", 1 << 20).is_err(), "{length}");
    }
    assert!(matches!(unpack(packed.clone(), "a", 99), Err(Error::FileTooLarge { .. })));
    let mut other = packed;
    other[8] = b'B';
    assert!(matches!(unpack(other, "a", 1 << 20), Err(Error::Damaged { .. })));
    assert!(matches!(unpack(b"MZ".to_vec(), "a", 9), Err(Error::Unsupported { .. })));
}
