//! `.reg` text. An input is the text, which says the same in blocks of any size. What is understood goes into a hive, whose own text must give the same hive.

use winkiln_hive::reg_text::{RegAction, RegOperation, code_page, export, fuzz, parse};
use winkiln_hive::{Hive, HiveError, KeyId};

/// Operations that go into a hive.
const OPERATIONS_MAX: usize = 200;

/// Bytes read at once, so that inputs have several blocks.
const BLOCK: usize = 64;

/// Parses text, imports it, exports the hive, and imports that.
pub fn run(data: &[u8]) {
    let whole = parse(data);
    if data.len() > BLOCK {
        let pieces = fuzz::parse_in_blocks(
            data,
            code_page("CP1252").expect("known"),
            BLOCK + data.len() % 37,
        );
        assert!(pieces == whole, "blocks make a difference");
    }
    let Ok(operations) = whole else { return };
    let mut hive = Hive::create("X", 1);
    for operation in operations.iter().take(OPERATIONS_MAX) {
        // Names too long or with characters that keys do not have are refused.
        let _ = apply(&mut hive, operation);
    }
    assert!(hive.check().is_empty(), "an imported hive is sound");
    let Ok(text) = export(&hive, hive.root(), "K") else { return };
    let again = parse(text.as_bytes()).expect("our own text is understood");
    let mut copy = Hive::create("X", 1);
    for operation in &again {
        apply(&mut copy, operation).expect("our own text is imported");
    }
    let second = export(&copy, copy.root(), "K").expect("it has a text again");
    assert!(text == second, "a hive changes by way of its text");
}

fn apply(hive: &mut Hive, operation: &RegOperation) -> Result<(), HiveError> {
    // The first component names the root.
    let path = operation.key.split_once('\\').map_or("", |(_, path)| path);
    let root = hive.root();
    let key =
        |hive: &mut Hive| -> Result<KeyId, HiveError> { Ok(hive.create_key(root, path, 1)?.0) };
    match &operation.action {
        RegAction::CreateKey => key(hive).map(drop),
        RegAction::DeleteKey => match hive.find(root, path)? {
            Some(found) if found != root => hive.delete_key(found, 1),
            _ => Ok(()),
        },
        RegAction::SetValue { name, kind, data } => {
            let key = key(hive)?;
            hive.set_value(key, name, *kind, data, 1).map(drop)
        }
        RegAction::DeleteValue { name } => match hive.find(root, path)? {
            Some(found) => hive.delete_value(found, name, 1).map(drop),
            None => Ok(()),
        },
    }
}

/// Text of both versions and several encodings.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let text = "Windows Registry Editor Version 5.00\r\n\r\n; a comment\r\n[K\\a\\b]\r\n@=\"default\"\r\n\
        \"q\\\"uote\\\\d\"=\"text \\\"quoted\\\"\"\r\n\"d\"=dword:0000002a\r\n\"h\"=hex:01,02,\\\r\n  03,04\r\n\
        \"e\"=hex(2):25,00,00,00\r\n\"m\"=hex(7):61,00,00,00,00,00\r\n\"gone\"=-\r\n\r\n[-K\\a\\c]\r\n[K\\\u{df}\u{4e2d}]\r\n";
    let old = "REGEDIT4\n\n[K\\a]\n\"s\"=\"te\\\\xt\"\n\"x\"=hex(2):25,61,00\n\"b\"=hex:\n";
    let mut utf16 = vec![0xff, 0xfe];
    utf16.extend(crate::bytes::utf16(text));
    vec![
        text.as_bytes().to_vec(),
        utf16,
        old.as_bytes().to_vec(),
        b"\xef\xbb\xbfREGEDIT4\r\n[K]".to_vec(),
    ]
}
