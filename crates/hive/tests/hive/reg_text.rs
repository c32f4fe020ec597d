//! `.reg` text: what is understood, what is refused, and back again.

use crate::corpus;
use winkiln_hive::reg_text::{self, RegAction, RegOperation};
use winkiln_hive::{Hive, HiveError, KeyId, ValueType};

/// Applies operations below `root`, their keys taken as they are without the first component.
pub fn apply(hive: &mut Hive, operations: &[RegOperation]) {
    for operation in operations {
        let path = operation.key.split_once('\\').map_or("", |(_, rest)| rest);
        let root = hive.root();
        match &operation.action {
            RegAction::CreateKey => {
                hive.create_key(root, path, 9).unwrap();
            }
            RegAction::DeleteKey => {
                if let Some(key) = hive.find(root, path).unwrap() {
                    hive.delete_key(key, 9).unwrap();
                }
            }
            RegAction::SetValue { name, kind, data } => {
                let key = hive.create_key(root, path, 9).unwrap().0;
                hive.set_value(key, name, *kind, data, 9).unwrap();
            }
            RegAction::DeleteValue { name } => {
                if let Some(key) = hive.find(root, path).unwrap() {
                    hive.delete_value(key, name, 9).unwrap();
                }
            }
        }
    }
}

fn value(line: &str) -> Result<(String, ValueType, Vec<u8>), String> {
    let text = format!("Windows Registry Editor Version 5.00\r\n\r\n[K]\r\n{line}\r\n");
    parse_value(text.as_bytes())
}

fn parse_value(bytes: &[u8]) -> Result<(String, ValueType, Vec<u8>), String> {
    let operations = reg_text::parse(bytes).map_err(|error| error.to_string())?;
    match &operations[1].action {
        RegAction::SetValue { name, kind, data } if operations.len() == 2 => {
            Ok((name.clone(), *kind, data.clone()))
        }
        other => Err(format!("{other:?}")),
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn values_are_understood() {
    use ValueType as T;
    for (line, name, kind, data) in [
        (r#""a"="b""#, "a", T::Sz, utf16("b\0")),
        (r#"@="""#, "", T::Sz, utf16("\0")),
        (r#" "a" = "b"  ; why"#, "a", T::Sz, utf16("b\0")),
        (r#""a\\b\"c"="C:\\dir\\\"x\"""#, "a\\b\"c", T::Sz, utf16("C:\\dir\\\"x\"\0")),
        ("\"a\"=\"two\r\nlines\"", "a", T::Sz, utf16("two\r\nlines\0")),
        (r#""a=b"="c;d""#, "a=b", T::Sz, utf16("c;d\0")),
        (r#""a"=dword:0000001F"#, "a", T::Dword, vec![0x1f, 0, 0, 0]),
        (r#""a"=DWORD:1 ; one"#, "a", T::Dword, vec![1, 0, 0, 0]),
        (r#""a"=hex:"#, "a", T::Binary, vec![]),
        (r#""a"=HEX:1,ff"#, "a", T::Binary, vec![1, 255]),
        ("\"a\"=hex:01,\\\r\n  02,\\\r\n  03", "a", T::Binary, vec![1, 2, 3]),
        ("\"a\"=hex:01,\\ ; first\n\n ; between\n\t02", "a", T::Binary, vec![1, 2]),
        (r#""a"=hex(0):aa"#, "a", T::None, vec![0xaa]),
        (r#""a"=hex(1):41,00"#, "a", T::Sz, vec![0x41, 0]),
        (r#""a"=hex(2):41"#, "a", T::ExpandSz, vec![0x41]),
        (r#""a"=hex(7):"#, "a", T::MultiSz, vec![]),
        (r#""a"=hex(b):01,00"#, "a", T::Qword, vec![1, 0]),
        (r#""a"=hex(4):01"#, "a", T::Dword, vec![1]),
        (r#""a"=hex(ffff0012):00"#, "a", T::Other(0xffff_0012), vec![0]),
    ] {
        assert_eq!(value(line), Ok((name.to_owned(), kind, data)), "{line}");
    }
}

#[test]
fn what_is_not_understood_is_an_error_with_its_line() {
    let head = "Windows Registry Editor Version 5.00\r\n";
    for (text, line) in [
        ("", 0),
        ("\r\n\r\n", 0),
        ("REGEDIT\r\n", 1),
        ("[K]\r\n", 1),
        (&format!("{head}\"a\"=\"b\"\r\n"), 2),
        (&format!("{head}[K\r\n"), 2),
        (&format!("{head}[]\r\n"), 2),
        (&format!("{head}[-]\r\n"), 2),
        (&format!("{head}[K] x\r\n"), 2),
        (&format!("{head}[-K]\r\n\"a\"=\"b\"\r\n"), 3),
        (&format!("{head}[K]\r\n\r\n# note\r\n"), 4),
        (&format!("{head}[K]\r\n\"a\"=foo\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\"=\"b\r\n\"c\"=\"d\"\r\n"), 4),
        (&format!("{head}[K]\r\n\"a\"=\"b\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\"\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\"=dword:\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\"=dword:123456789\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\"=dword:1g\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\"=\"C:\\dir\"\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\"=\"b\" c\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\"=hex:01,\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\"=hex:01 02\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\"=hex:,01\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\"=hex:012\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\"=hex:0x\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\"=hex:01,\\\r\n[L]\r\n"), 4),
        (&format!("{head}[K]\r\n\"a\"=hex:01,\\\r\n"), 4),
        (&format!("{head}[K]\r\n\"a\"=hex():01\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\"=hex(100000000):01\r\n"), 3),
        (&format!("{head}[K]\r\n\"a\"=-1\r\n"), 3),
    ] {
        let error = reg_text::parse(text.as_bytes()).expect_err(text);
        assert_eq!(error.line, line, "{text:?}: {error}");
    }
}

#[test]
fn operations_keep_their_order_and_lines() {
    let text = "\u{feff}regedit4\n; note\n[A\\B]\n\"x\"=-\n@=-\n\n[-A\\C]\n[A\\[z]]]\n";
    let operations = reg_text::parse(text.as_bytes()).unwrap();
    let found: Vec<(u32, &str, &RegAction)> =
        operations.iter().map(|o| (o.line, &*o.key, &o.action)).collect();
    let x = RegAction::DeleteValue { name: "x".into() };
    let default = RegAction::DeleteValue { name: String::new() };
    assert_eq!(
        found,
        [
            (3, "A\\B", &RegAction::CreateKey),
            (4, "A\\B", &x),
            (5, "A\\B", &default),
            (7, "A\\C", &RegAction::DeleteKey),
            (8, "A\\[z]]", &RegAction::CreateKey),
        ]
    );
}

#[test]
fn encodings_are_told_apart() {
    let text = "Windows Registry Editor Version 5.00\r\n[K]\r\n\"ключ\"=\"é\"\r\n";
    let wide = utf16(text);
    let big_endian: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let expected = Ok(("ключ".to_owned(), ValueType::Sz, utf16("é\0")));
    assert_eq!(parse_value(text.as_bytes()), expected, "UTF-8");
    assert_eq!(
        parse_value(&[b"\xef\xbb\xbf", text.as_bytes()].concat()),
        expected,
        "UTF-8 with mark"
    );
    assert_eq!(parse_value(&wide), expected, "UTF-16LE");
    assert_eq!(parse_value(&[b"\xff\xfe", &wide[..]].concat()), expected, "UTF-16LE with mark");
    assert_eq!(
        parse_value(&[b"\xfe\xff", &big_endian[..]].concat()),
        expected,
        "UTF-16BE with mark"
    );
    assert_eq!(parse_value(&big_endian), expected, "UTF-16BE");
    let cut = reg_text::parse(&wide[..wide.len() - 1]).unwrap_err();
    assert!(cut.reason.contains("UTF-16"), "{cut}");

    // "Ключ" in code page 1251, which is nothing in UTF-8; in REGEDIT4 what could be UTF-8 is not.
    let ansi = b"REGEDIT4\r\n[K]\r\n\"\xca\xeb\xfe\xf7\"=hex(2):ca,00\r\n";
    let operations = reg_text::parse_with(ansi, encoding_rs::WINDOWS_1251).unwrap();
    let (name, kind, data) = ("Ключ".to_owned(), ValueType::ExpandSz, utf16("К\0"));
    assert_eq!(operations[1].action, RegAction::SetValue { name, kind, data });
    let western = parse_value(b"REGEDIT4\r\n[K]\r\n\"\xc3\xa9\"=hex:ca\r\n");
    assert_eq!(western, Ok(("Ã©".to_owned(), ValueType::Binary, vec![0xca])));
    let broken =
        reg_text::parse_with(b"REGEDIT4\r\n[K]\r\n\"\x81\"=\"\"\r\n", encoding_rs::SHIFT_JIS)
            .unwrap_err();
    assert_eq!(broken.line, 3, "{broken}");
}

#[test]
fn lines_end_in_three_ways() {
    let text = "REGEDIT4\n\n; a\n[K]\n\"a\"=\"x\"\n\"h\"=hex:01,\\;c\n ;c\n\n  02\n\"d\"=dword:1 ;c\n[-L]\n";
    let operations = reg_text::parse(text.as_bytes()).unwrap();
    assert_eq!(operations.len(), 5);
    for end in ["\r\n", "\r"] {
        let other = text.replace('\n', end);
        assert_eq!(reg_text::parse(other.as_bytes()).unwrap(), operations, "{end:?}");
        assert_eq!(reg_text::parse(other.trim_end().as_bytes()).unwrap(), operations);
    }
    // In quotes they are part of the text.
    let (_, _, data) = value("\"a\"=\"1\r\n2\r3\n4\"").unwrap();
    assert_eq!(data, utf16("1\r\n2\r3\n4\0"));
}

/// What is read in pieces is what is read as a whole: operations, and the first line that is wrong.
#[test]
fn the_size_of_what_is_read_at_once_makes_no_difference() {
    let head = "Windows Registry Editor Version 5.00\r\n";
    let bytes = vec!["0a,0b,0c,0d,\\\r\n  "; 2000].concat();
    let comments = "; nothing\r\n   \r\n".repeat(3000);
    let lines = "a line\r\nof text\r\n".repeat(2000);
    let long = format!(
        "{head}{comments}[K]\r\n\"h\"=hex:{bytes}0e\r\n{comments}\"s\"=\"{lines}\"\r\n[K\\ключ]\r\n\"x\"=dword:1"
    );
    let wrong = format!("{long}\r\n\"y\"=1\r\n");
    let wide = [b"\xff\xfe", &utf16(&long)[..]].concat();
    let mut broken = [b"\xff\xfe", &utf16(&format!("{wrong}[L]\r\n"))[..]].concat();
    let end = broken.len() - 4;
    // Half a pair in a line behind the one that is wrong.
    broken[end..end + 2].copy_from_slice(&[0, 0xd8]);
    // Not UTF-8, as only its end shows.
    let ansi = [format!("{head}{comments}[\u{e9}]\r\n").as_bytes(), b"\"\xe9\"=\"\"\r\n"].concat();
    // Lines end as they do on a Mac.
    let mac = wrong.replace("\r\n", "\r");
    for text in [long.as_bytes(), wrong.as_bytes(), &wide, &broken, &ansi, mac.as_bytes()] {
        let whole = reg_text::parse(text);
        for block in [64, 1000, 70_000] {
            let pieces = reg_text::fuzz::parse_in_blocks(text, encoding_rs::WINDOWS_1252, block);
            assert!(pieces == whole, "{block}: {:?}", pieces.err());
        }
    }
    let error = reg_text::parse(wrong.as_bytes()).unwrap_err();
    assert_eq!(error.line as usize, wrong.lines().count(), "{error}");
    assert_eq!(reg_text::parse(&broken).unwrap_err(), error);
    assert_eq!(reg_text::parse(mac.as_bytes()).unwrap_err(), error);
    let operations = reg_text::parse(&ansi).unwrap();
    assert_eq!((&*operations[0].key, operations.len()), ("Ã©", 2), "all of it is 8-bit text");
    let operations = reg_text::parse(&wide).unwrap();
    let RegAction::SetValue { data, .. } = &operations[1].action else { panic!("a value") };
    assert_eq!(data.len(), 8001);
}

#[test]
fn real_files_are_read_or_refused_with_reasons() {
    // Files made for another program: no header, or its own kinds of value.
    let refused = [
        ("reg/v2v/win11-software.reg", 2),
        ("reg/v2v/win2k25-software.reg", 2),
        ("reg/v2v/win7-32-software.reg", 2),
        ("reg/v2v/windows-software-all.reg", 2),
        ("reg/v2v/windows-system.reg", 1),
        // Single backslashes in a string.
        ("reg/wimbuilder2/01-Components_Windows_Media_Player_MSMediaPlayer.reg", 93),
    ];
    for sample in corpus::files("reg") {
        let result = reg_text::parse(&sample.bytes);
        match refused.iter().find(|(name, _)| *name == sample.name) {
            Some((_, line)) => assert_eq!(result.unwrap_err().line, *line, "{}", sample.name),
            None => {
                let mut operations =
                    result.unwrap_or_else(|error| panic!("{}: {error}", sample.name));
                let mut hive = Hive::create("ROOT", 1);
                if sample.name.contains("maximum-key-name-length") {
                    // One of its keys has a name of 256 letters.
                    let spelt = |o: &RegOperation| o.key.rsplit('\\').next().unwrap().len();
                    let long = operations.iter().position(|o| spelt(o) > 255).unwrap();
                    let path = operations.remove(long).key;
                    let error = hive.create_key(hive.root(), &path, 1).unwrap_err();
                    assert_eq!(error, HiveError::NameTooLong { what: "key", units: 256, max: 255 });
                    assert_eq!(hive.subkeys(hive.root()).unwrap(), [], "nothing of it is left");
                    operations.retain(|o| o.key != path);
                }
                apply(&mut hive, &operations);
                assert_eq!(hive.check(), [], "{}", sample.name);
            }
        }
    }
}

/// Everything below a key, without times and security.
pub fn contents(hive: &Hive, key: KeyId) -> Vec<(String, Vec<winkiln_hive::Value>)> {
    let mut all = Vec::new();
    let mut left = vec![(key, String::new())];
    while let Some((key, path)) = left.pop() {
        for (name, subkey) in hive.subkeys(key).unwrap() {
            left.push((subkey, format!("{path}\\{name}")));
        }
        all.push((path, hive.values(key).unwrap()));
    }
    all
}

#[test]
fn exports_of_real_hives_import_to_the_same() {
    for sample in corpus::hives() {
        let Ok(hive) = Hive::open_unrecovered(sample.bytes) else { continue };
        let text = match reg_text::export(&hive, hive.root(), "HKEY_LOCAL_MACHINE") {
            Ok(text) => text,
            Err(error) => {
                // A damaged key, half a surrogate pair in a name, a NUL in a name.
                let known = [
                    "hive/yarp/BadListHive",
                    "hive/yarp/BadSubkeyHive",
                    "hive/yarp/DeletedDataHiveTruncated",
                    "hive/yarp/TruncatedPairHive2",
                    "hive/hivex/special",
                ];
                assert!(known.contains(&sample.name.as_str()), "{}: {error}", sample.name);
                continue;
            }
        };
        let mut file = vec![0xff, 0xfe];
        file.extend(utf16(&text));
        let operations =
            reg_text::parse(&file).unwrap_or_else(|error| panic!("{}: {error}", sample.name));
        let mut copy = Hive::create("ROOT", 1);
        apply(&mut copy, &operations);
        let (theirs, ours) = (contents(&hive, hive.root()), contents(&copy, copy.root()));
        assert!(theirs == ours, "{}", sample.name);
        assert_eq!(copy.check(), [], "{}", sample.name);
    }
}

#[test]
fn long_data_are_folded_as_regedit_does() {
    let mut hive = Hive::create("ROOT", 1);
    let (key, _) = hive.create_key(hive.root(), "K", 1).unwrap();
    hive.set_value(key, "abc", ValueType::Binary, &[0xab; 60], 1).unwrap();
    let text = reg_text::export(&hive, key, "HKEY_X\\K").unwrap();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[..3], ["Windows Registry Editor Version 5.00", "", "[HKEY_X\\K]"]);
    assert!(lines[3].starts_with("\"abc\"=hex:ab,ab,"));
    assert!(
        lines[3..5].iter().all(|line| line.ends_with(",\\") && (75..=80).contains(&line.len())),
        "{lines:?}"
    );
    assert_eq!(lines[4].matches("ab").count(), 25);
}

#[test]
fn a_large_file_is_imported_in_no_time() {
    use std::fmt::Write;
    let mut text = String::from("Windows Registry Editor Version 5.00\r\n");
    for key in 0..10_000 {
        write!(text, "\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Import\\Key{key:05}]\r\n").unwrap();
        for value in 0..10 {
            write!(text, "\"Value{value}\"=\"Some text of value {value} in key {key}\"\r\n")
                .unwrap();
        }
    }
    let start = std::time::Instant::now();
    let operations = reg_text::parse(text.as_bytes()).unwrap();
    let parsed = start.elapsed();
    let mut hive = Hive::create("ROOT", 1);
    apply(&mut hive, &operations);
    hive.seal(2);
    let took = start.elapsed();
    eprintln!("parsed in {parsed:?}, imported in {took:?}, {} bytes", hive.bytes().len());
    assert_eq!(hive.check(), []);
    let import = hive.find(hive.root(), "SOFTWARE\\Import").unwrap().unwrap();
    assert_eq!(hive.info(import).unwrap().subkey_count, 10_000);
    // A minute means that something grows with the square of the file.
    assert!(took.as_secs() < 20, "{took:?}");
}

#[test]
fn bytes_in_one_long_line_are_read_in_no_time() {
    let line = format!("\"a\"=hex:5a{}", ",5a".repeat((1 << 20) - 1));
    let start = std::time::Instant::now();
    let (_, kind, data) = value(&line).unwrap();
    let took = start.elapsed();
    assert_eq!(kind, ValueType::Binary);
    assert!(data.len() == 1 << 20 && data.iter().all(|byte| *byte == 0x5a));
    // Minutes mean that something grows with the square of the line.
    assert!(took.as_secs() < 20, "{took:?}");
    assert!(value(&format!("{line},5x")).unwrap_err().contains("found \"x\""));
}
