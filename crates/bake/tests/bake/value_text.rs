//! Values as text, there and back.

use winkiln_bake::value_text::{
    ValueTextError, display_value, parse_type, parse_value, type_name, type_number,
};
use winkiln_hive::ValueType;

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn data_is_read_as_reg_add_reads_it() {
    let rows: &[(&str, &str, ValueType, Vec<u8>)] = &[
        ("REG_SZ", "text", ValueType::Sz, utf16("text\0")),
        ("reg_sz", "", ValueType::Sz, utf16("\0")),
        ("REG_SZ", "дом 𝄞", ValueType::Sz, utf16("дом 𝄞\0")),
        ("REG_EXPAND_SZ", r"%SystemRoot%\x", ValueType::ExpandSz, utf16("%SystemRoot%\\x\0")),
        ("REG_MULTI_SZ", r"one\0two", ValueType::MultiSz, utf16("one\0two\0\0")),
        ("REG_MULTI_SZ", r"one\0", ValueType::MultiSz, utf16("one\0\0")),
        ("REG_MULTI_SZ", "", ValueType::MultiSz, utf16("\0")),
        ("REG_DWORD", "1", ValueType::Dword, vec![1, 0, 0, 0]),
        ("REG_DWORD", "0xFFFFFFFF", ValueType::Dword, vec![255; 4]),
        ("REG_DWORD_BIG_ENDIAN", "258", ValueType::DwordBigEndian, vec![0, 0, 1, 2]),
        ("REG_QWORD", "18446744073709551615", ValueType::Qword, vec![255; 8]),
        ("REG_BINARY", "01ff", ValueType::Binary, vec![1, 255]),
        ("REG_BINARY", "", ValueType::Binary, vec![]),
        ("REG_NONE", "0a", ValueType::None, vec![10]),
        ("REG_LINK", r"\a", ValueType::Link, utf16(r"\a")),
        ("0x12", "0a", ValueType::Other(18), vec![10]),
        ("4", "7", ValueType::Dword, vec![7, 0, 0, 0]),
    ];
    for (type_text, data, kind, expected) in rows {
        let parsed = parse_value(type_text, data);
        assert_eq!(parsed, Ok((*kind, expected.clone())), "{type_text} {data}");
    }
}

#[test]
fn data_that_does_not_fit_is_refused() {
    for (type_text, data) in [
        ("REG_DWORD", "4294967296"),
        ("REG_DWORD", "-1"),
        ("REG_DWORD", "+1"),
        ("REG_DWORD", ""),
        ("REG_DWORD", "0x"),
        ("REG_DWORD", "one"),
        ("REG_QWORD", "18446744073709551616"),
        ("REG_BINARY", "0"),
        ("REG_BINARY", "xy"),
        ("REG_BINARY", "ёж"),
        ("REG_MULTI_SZ", r"one\0\0two"),
    ] {
        let parsed = parse_value(type_text, data);
        assert!(matches!(parsed, Err(ValueTextError::BadData { .. })), "{type_text} {data:?}");
    }
}

#[test]
fn an_unknown_type_names_the_nearest_known_one() {
    let rows =
        [("REG_DWRD", Some("REG_DWORD")), ("REG_MULTISZ", Some("REG_MULTI_SZ")), ("text", None)];
    for (given, expected) in rows {
        let Err(ValueTextError::UnknownType { nearest, .. }) = parse_type(given) else {
            panic!("{given} is no type");
        };
        assert_eq!(nearest, expected, "{given}");
    }
}

#[test]
fn type_names_and_numbers_are_each_others_inverse() {
    for number in (0..16).chain([0xFFFF_0011]) {
        let kind = parse_type(&number.to_string()).unwrap();
        assert_eq!(type_number(kind), number);
        if number < 12 {
            assert_eq!(parse_type(&type_name(kind)), Ok(kind));
        }
    }
}

#[test]
fn values_are_shown_briefly() {
    let rows: &[(ValueType, Vec<u8>, &str)] = &[
        (ValueType::Dword, vec![1, 0, 0, 0], "REG_DWORD 0x00000001"),
        (ValueType::Dword, vec![1], "REG_DWORD 01"),
        (ValueType::DwordBigEndian, vec![0, 0, 0, 1], "REG_DWORD_BIG_ENDIAN 0x00000001"),
        (ValueType::Qword, vec![255; 8], "REG_QWORD 0xffffffffffffffff"),
        (ValueType::Sz, utf16("text\0"), "REG_SZ \"text\""),
        (ValueType::Sz, utf16("text"), "REG_SZ \"text\""),
        (ValueType::Sz, vec![], "REG_SZ \"\""),
        (ValueType::Sz, vec![0x41], "REG_SZ 41"),
        (ValueType::MultiSz, utf16("a\0b\0\0"), "REG_MULTI_SZ [\"a\", \"b\"]"),
        (ValueType::Binary, vec![], "REG_BINARY (empty)"),
        (ValueType::Other(0x12), vec![1], "REG_TYPE_0x12 01"),
    ];
    for (kind, data, expected) in rows {
        assert_eq!(display_value(*kind, data), *expected);
    }
    let long = display_value(ValueType::Binary, &[0xAB; 100]);
    assert!(long.ends_with("… (100 bytes)") && long.len() < 120, "{long}");
    let long = display_value(ValueType::Sz, &utf16(&"x".repeat(5000)));
    assert!(long.ends_with("… (5000 characters)") && long.len() < 300, "{long}");
}
