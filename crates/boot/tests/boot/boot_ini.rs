//! `boot.ini`: what is read, and that edits change nothing else.

use winkiln_boot::boot_ini::{BootIni, BootIniError};

use crate::corpus;

const PATH: &str = r"multi(0)disk(0)rdisk(0)partition(1)\WINDOWS";

fn sample(entries: &str) -> String {
    format!("[boot loader]\r\ntimeout=30\r\ndefault={PATH}\r\n[operating systems]\r\n{entries}")
}

fn parse(text: &str) -> BootIni {
    BootIni::parse(text.as_bytes()).unwrap()
}

fn text(ini: &BootIni) -> String {
    String::from_utf8(ini.to_bytes()).unwrap()
}

/// Removes the one run of bytes that was put in, to show that an edit did nothing else.
fn without_insertion(before: &[u8], after: &[u8]) -> Vec<u8> {
    let inserted = after.len() - before.len();
    let start = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    [&after[..start], &after[start + inserted..]].concat()
}

#[test]
fn every_real_file_keeps_its_bytes_and_takes_every_edit() {
    let Some(folder) = corpus::folder("bootini") else { return };
    let mut seen = 0;
    for path in corpus::files(&folder) {
        let bytes = std::fs::read(&path).unwrap();
        let name = path.display();
        if path.ends_with("utf16le.ini") {
            assert_eq!(BootIni::parse(&bytes).unwrap_err(), BootIniError::Utf16, "{name}");
            continue;
        }
        let ini = BootIni::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(ini.to_bytes(), bytes, "{name}");
        let entries = ini.entries();
        let default = ini.default_entry();
        if let Some(path) = ini.default_path() {
            assert!(path.eq_ignore_ascii_case(&entries[default].path), "{name}");
        }

        for entry in 0..entries.len() {
            let mut edited = ini.clone();
            assert_eq!(edited.add_switch(entry, "/winkiln"), Ok(true), "{name}");
            assert_eq!(edited.add_switch(entry, "/WinKiln"), Ok(false), "{name}");
            assert_eq!(without_insertion(&bytes, &edited.to_bytes()), bytes, "{name}");
            assert_eq!(edited.remove_switch(entry, "/WINKILN"), Ok(true), "{name}");
            assert_eq!(edited.remove_switch(entry, "/winkiln"), Ok(false), "{name}");
            assert_eq!(edited.to_bytes(), bytes, "{name}");
        }

        let mut edited = ini.clone();
        assert_eq!(edited.add_default_copy(" (PV drivers)", "/gplpv"), Ok(true), "{name}");
        assert_eq!(without_insertion(&bytes, &edited.to_bytes()), bytes, "{name}");
        assert_eq!(edited.default_entry(), default, "{name}");
        let copied = edited.entries();
        assert_eq!(copied[default + 1..], entries[default..], "{name}");
        assert_eq!(
            copied[default].description,
            [&entries[default].description[..], b" (PV drivers)"].concat(),
            "{name}"
        );
        assert_eq!(copied[default].switches.last().unwrap(), "/gplpv", "{name}");
        let once = edited.to_bytes();
        assert_eq!(edited.add_default_copy(" (PV drivers)", "/gplpv"), Ok(false), "{name}");
        assert_eq!(edited.to_bytes(), once, "{name}");
        seen += 1;
    }
    assert!(seen >= 26, "{seen} files");
}

#[test]
fn a_file_is_read_as_ntldr_reads_it() {
    let ini = parse(&sample(&format!(
        "C:\\=\"DOS\"\r\n{}=\"A\" /x\r\n{PATH}=\"B\"\r\n",
        PATH.to_lowercase()
    )));
    assert_eq!(ini.timeout(), Some(30));
    assert_eq!(ini.default_path().as_deref(), Some(PATH));
    assert_eq!(ini.default_entry(), 1);
    let entries = ini.entries();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[1].description, b"A");
    assert_eq!(entries[1].switches, ["/x"]);
    assert!(!entries[0].is_windows() && entries[1].is_windows());
}

#[test]
fn odd_files_are_understood() {
    let none = parse("[operating systems]\na(0)\\W=\"A\"\nb=\"B\"");
    assert_eq!((none.timeout(), none.default_path(), none.default_entry()), (None, None, 0));

    let headless = parse("timeout=5\r\ndefault=B\r\n[operating systems]\r\nA=\"1\"\r\nB=\"2\"\r\n");
    assert_eq!((headless.timeout(), headless.default_entry()), (Some(5), 1));

    let twice = parse(
        "[boot loader]\ndefault=A\n[x]\ndefault=C\n[boot loader]\ndefault=B\ntimeout=-1\n\
         [operating systems]\n;C=\"no\"\nA=\"1\"\n[OPERATING SYSTEMS]\nB=\"2\"\n",
    );
    assert_eq!((twice.timeout(), twice.default_entry()), (Some(-1), 0));
    assert_eq!(twice.entries().len(), 2);

    let unlisted = parse("[boot loader]\ndefault=Z\n[operating systems]\nA=\"1\"\n");
    assert_eq!(unlisted.default_entry(), 0);

    for end in ["\u{1a}", "\r\n\u{1a}junk\r\nC=\"3\"\r\n", "\0\0\0"] {
        let bytes = sample(&format!("A=\"1\"{end}"));
        let mut ini = parse(&bytes);
        assert_eq!(ini.entries().len(), 1, "{end:?}");
        assert_eq!(text(&ini), bytes, "{end:?}");
        assert_eq!(ini.add_switch(0, "/y"), Ok(true));
        assert_eq!(text(&ini), sample(&format!("A=\"1\" /y{end}")));
    }
}

#[test]
fn files_without_entries_are_refused() {
    for bytes in [
        &b""[..],
        b"[operating systems]\r\n",
        b"A=\"1\"\r\n",
        b"[boot loader]\r\nA=\"1\"\r\n",
        b"\0[operating systems]\r\nA=\"1\"",
        b"[\0o\0p\0",
        b"[operating systems]\r\n;A=\"1\"\r\n",
    ] {
        assert_eq!(BootIni::parse(bytes).unwrap_err(), BootIniError::NoEntries, "{bytes:?}");
    }
}

#[test]
fn switches_are_added_and_removed_in_place() {
    let mut ini = parse(&sample(&format!("{PATH}=\"A\"\t/fastdetect  /DebugPort=com1 \r\n")));
    assert_eq!(ini.add_switch(0, "/PAE"), Ok(true));
    assert_eq!(
        text(&ini),
        sample(&format!("{PATH}=\"A\"\t/fastdetect  /DebugPort=com1 /PAE \r\n"))
    );
    assert_eq!(ini.add_switch(0, "/pae"), Ok(false));
    assert_eq!(ini.add_switch(0, "/debugport=com2"), Ok(true));
    assert_eq!(ini.entries()[0].switches, ["/fastdetect", "/debugport=com2", "/PAE"]);
    assert_eq!(ini.remove_switch(0, "/debugport=com1"), Ok(false));
    assert_eq!(ini.remove_switch(0, "/debugport"), Ok(true));
    assert_eq!(ini.remove_switch(0, "/debug"), Ok(false));
    assert_eq!(ini.remove_switch(0, "/FASTDETECT"), Ok(true));
    assert_eq!(text(&ini), sample(&format!("{PATH}=\"A\" /PAE \r\n")));
}

#[test]
fn bad_requests_change_nothing() {
    let before = sample(&format!("{PATH}=\"A\" /x\r\nC:\\=\"open /y\r\n"));
    let mut ini = parse(&before);
    assert!(matches!(ini.add_switch(0, "/a\r\nB=1"), Err(BootIniError::BadSwitch { .. })));
    assert!(matches!(ini.remove_switch(0, "x"), Err(BootIniError::BadSwitch { .. })));
    assert_eq!(ini.add_switch(2, "/a"), Err(BootIniError::NoSuchEntry { entry: 2, count: 2 }));
    assert_eq!(ini.add_switch(1, "/a"), Err(BootIniError::UnclosedQuote { entry: 1 }));
    assert_eq!(ini.set_default(7), Err(BootIniError::NoSuchEntry { entry: 7, count: 2 }));
    assert!(matches!(
        ini.add_default_copy("\"\r\n", "/gplpv"),
        Err(BootIniError::BadDescription { .. })
    ));
    assert_eq!(text(&ini), before);
}

#[test]
fn the_copy_stands_first_on_its_path() {
    let mut ini = parse(&sample(&format!("C:\\=\"DOS\"\r\n{PATH}=\"A\" /x\r\n{PATH}=\"B\"")));
    assert_eq!(ini.add_default_copy(" (PV drivers)", "/gplpv"), Ok(true));
    let with_copy = sample(&format!(
        "C:\\=\"DOS\"\r\n{PATH}=\"A (PV drivers)\" /x /gplpv\r\n{PATH}=\"A\" /x\r\n{PATH}=\"B\""
    ));
    assert_eq!(text(&ini), with_copy);
    assert_eq!(ini.default_entry(), 1);

    // The same copy below the original, as a careless tool leaves it, is moved and not made twice.
    let mut below =
        parse(&sample(&format!("{PATH}=\"A\" /x\r\n{PATH}=\"A (PV drivers)\" /x /gplpv")));
    assert_eq!(below.add_default_copy(" (PV drivers)", "/gplpv"), Ok(true));
    assert_eq!(
        text(&below),
        sample(&format!("{PATH}=\"A (PV drivers)\" /x /gplpv\r\n{PATH}=\"A\" /x"))
    );

    // A default entry on the last line, which has no line end.
    let mut last = parse(&format!("[operating systems]\n{PATH}=\"A\""));
    assert_eq!(last.add_default_copy(" (PV)", "/gplpv"), Ok(true));
    assert_eq!(text(&last), format!("[operating systems]\n{PATH}=\"A (PV)\" /gplpv\n{PATH}=\"A\""));
}

#[test]
fn a_default_that_is_not_windows_is_not_copied() {
    let mut dos = parse("[boot loader]\ndefault=C:\\\n[operating systems]\nC:\\=\"DOS\"\n");
    assert_eq!(
        dos.add_default_copy(" (PV drivers)", "/gplpv"),
        Err(BootIniError::DefaultNotWindows { path: "C:\\".into() })
    );
    let mut unlisted =
        parse(&format!("[boot loader]\ndefault=Z\n[operating systems]\n{PATH}=\"A\"\n"));
    assert_eq!(
        unlisted.add_default_copy(" (PV drivers)", "/gplpv"),
        Err(BootIniError::DefaultNotListed { path: "Z".into() })
    );
}

#[test]
fn a_key_behind_a_last_line_without_an_end_gets_a_line_of_its_own() {
    for (before, after) in [
        (
            "[operating systems]\nA=\"1\"\n[boot loader]",
            "[operating systems]\nA=\"1\"\n[boot loader]\ntimeout=5",
        ),
        (
            "[operating systems]\nA=\"1\"\n[boot loader]\ndefault=A\u{1a}rest",
            "[operating systems]\nA=\"1\"\n[boot loader]\ndefault=A\ntimeout=5\u{1a}rest",
        ),
    ] {
        let mut ini = parse(before);
        assert!(ini.set_timeout(5));
        assert_eq!(text(&ini), after);
        assert_eq!(parse(after).timeout(), Some(5));
    }
}

#[test]
fn timeout_and_default_are_set_in_place() {
    let mut ini = parse(
        "[boot loader]\ntimeout = 30 \ndefault=A\n[operating systems]\nA=\"1\"\nB=\"2\"\nB=\"3\"",
    );
    assert!(ini.set_timeout(5));
    assert!(!ini.set_timeout(5));
    assert_eq!(ini.set_default(0), Ok(false));
    assert_eq!(ini.set_default(2), Ok(true));
    assert_eq!(
        text(&ini),
        "[boot loader]\ntimeout = 5 \ndefault=B\n[operating systems]\nA=\"1\"\nB=\"3\"\nB=\"2\""
    );
    assert_eq!(ini.default_entry(), 1);

    let mut bare = parse("[operating systems]\r\nA=\"1\"\r\nB=\"2\"\r\n");
    assert_eq!(bare.set_default(1), Ok(true));
    assert!(bare.set_timeout(3));
    assert_eq!(
        text(&bare),
        "[boot loader]\r\ndefault=B\r\ntimeout=3\r\n[operating systems]\r\nA=\"1\"\r\nB=\"2\"\r\n"
    );
}

/// Any bytes either are refused or come back unchanged, and no edit panics.
#[test]
fn arbitrary_bytes_never_panic() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let pieces: [&[u8]; 14] = [
        b"[boot loader]",
        b"[operating systems]",
        b"default=",
        b"timeout=",
        b"multi(0)\\W",
        b"=",
        b"\"",
        b" /x",
        b"\r\n",
        b"\n",
        b"\r",
        b"\x1a",
        b"\xff;",
        b"/=[\t",
    ];
    let mut parsed = 0;
    for _ in 0..20_000 {
        let bytes: Vec<u8> =
            (0..random(16)).flat_map(|_| pieces[random(pieces.len())]).copied().collect();
        let Ok(mut ini) = BootIni::parse(&bytes) else { continue };
        parsed += 1;
        assert_eq!(ini.to_bytes(), bytes);
        let count = ini.entries().len();
        assert!(ini.default_entry() < count);
        let _ = ini.add_default_copy(" (PV)", "/gplpv");
        for entry in 0..count {
            if ini.add_switch(entry, "/y=1") == Ok(true) {
                assert_eq!(ini.add_switch(entry, "/Y=1"), Ok(false));
                assert_eq!(ini.remove_switch(entry, "/y"), Ok(true));
            }
        }
        let _ = ini.set_default(count - 1);
        ini.set_timeout(9);
        assert_eq!(ini.timeout(), Some(9));
        assert!(BootIni::parse(&ini.to_bytes()).is_ok());
    }
    assert!(parsed > 500, "{parsed}");
}
