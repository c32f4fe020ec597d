//! Data of every size, names and depths at their limits.

use crate::model::Key;
use crate::tools::{self, judged_clean};
use crate::versions::with_minor;
use winkiln_hive::{Hive, HiveError, ValueType};

#[test]
fn data_of_every_size_are_kept() {
    for minor in [3, 4, 5, 6] {
        let mut hive = with_minor(minor);
        let (key, _) = hive.create_key(hive.root(), "k", 1).unwrap();
        let max = 1024 * 1024 - 4;
        let sizes =
            [0, 1, 4, 5, 8, 4060, 4064, 16343, 16344, 16345, 32688, 32689, max, 1024 * 1024];
        let data = |size: usize| (0..size).map(|byte| (byte * 31 % 251) as u8).collect::<Vec<u8>>();
        for round in 0..2 {
            for size in sizes {
                let result =
                    hive.set_value(key, &size.to_string(), ValueType::Binary, &data(size), 2);
                if minor == 3 && size > max {
                    assert_eq!(result, Err(HiveError::DataTooLong { length: size, max }));
                    assert!(!result.unwrap_err().is_refusal());
                } else {
                    assert_eq!(result, Ok(round == 0));
                }
            }
        }
        hive.seal(3);
        judged_clean(&hive);
        let model = Key::read(&hive, hive.root());
        tools::nt_hive(hive.bytes(), &model, u32::from(minor));
        for size in sizes.into_iter().filter(|size| minor > 3 || *size <= max) {
            assert_eq!(hive.value(key, &size.to_string()).unwrap().unwrap().data, data(size));
        }
        // Every size becomes every other.
        for from in sizes.into_iter().filter(|size| *size <= max) {
            for to in sizes.into_iter().filter(|size| *size <= max) {
                hive.set_value(key, "changing", ValueType::Sz, &data(from), 4).unwrap();
                hive.set_value(key, "changing", ValueType::Sz, &data(to), 4).unwrap();
                assert_eq!(
                    hive.value(key, "changing").unwrap().unwrap().data,
                    data(to),
                    "{from} to {to}"
                );
            }
        }
        assert_eq!(hive.check(), []);
        let names: Vec<String> =
            hive.values(key).unwrap().into_iter().map(|value| value.name).collect();
        for name in names {
            assert!(hive.delete_value(key, &name, 5).unwrap());
        }
        assert_eq!(hive.check(), []);
    }
}

#[test]
fn many_values_in_one_key() {
    let mut hive = Hive::create("ROOT", 1);
    let (key, _) = hive.create_key(hive.root(), "k", 1).unwrap();
    for index in 0..3000 {
        hive.set_value(key, &format!("v{index}"), ValueType::Dword, &[1, 2, 3, 4], 2).unwrap();
    }
    for index in (0..3000).step_by(3) {
        assert!(hive.delete_value(key, &format!("V{index}"), 3).unwrap());
    }
    assert!(!hive.delete_value(key, "v0", 3).unwrap());
    hive.seal(4);
    judged_clean(&hive);
    assert_eq!(hive.info(key).unwrap().value_count, 2000);
}

#[test]
fn names_and_depths_end_where_windows_ends_them() {
    let mut hive = Hive::create("ROOT", 1);
    let root = hive.root();
    let name = "ж".repeat(255);
    assert_eq!(hive.create_key(root, &name, 1).unwrap().1, 1);
    assert!(hive.find(root, &name.to_uppercase()).unwrap().is_some());
    let error = hive.create_key(root, &format!("a\\{}", "x".repeat(256)), 1).unwrap_err();
    assert_eq!(error, HiveError::NameTooLong { what: "key", units: 256, max: 255 });
    assert_eq!(hive.find(root, "a").unwrap(), None, "nothing is left of the failed path");

    let value = "v".repeat(16383);
    assert!(hive.set_value(root, &value, ValueType::None, &[], 1).unwrap());
    let error = hive.set_value(root, &format!("{value}v"), ValueType::None, &[], 1).unwrap_err();
    assert!(matches!(error, HiveError::NameTooLong { units: 16384, .. }));

    let path = vec!["d"; 512].join("\\");
    assert_eq!(hive.create_key(root, &path, 1).unwrap().1, 512);
    let error = hive.create_key(root, &format!("{path}\\d"), 1).unwrap_err();
    assert!(matches!(error, HiveError::TooDeep { max: 512, .. }));
    hive.seal(2);
    judged_clean(&hive);
    let top = hive.find(root, "d").unwrap().unwrap();
    hive.delete_key(top, 3).unwrap();
    hive.seal(4);
    judged_clean(&hive);
}

#[test]
fn order_is_that_of_upper_case_in_every_alphabet() {
    let mut hive = Hive::create("ROOT", 1);
    let root = hive.root();
    for name in ["_", "a", "B", "Z", "z1", "é", "É1", "ÿ", "Ω", "ω1", "ж", "Я", "日本", "\u{ffee}"]
    {
        hive.create_key(root, name, 1).unwrap();
        assert_eq!(hive.create_key(root, name, 1).unwrap().1, 0);
    }
    hive.seal(2);
    judged_clean(&hive);
    // Units are compared, not characters; the strict checker orders these two the other way.
    hive.create_key(root, "\u{10400}", 1).unwrap();
    assert_eq!(hive.check(), []);
    let names: Vec<String> =
        hive.subkeys(root).unwrap().into_iter().map(|(name, _)| name).collect();
    let expected = [
        "a",
        "B",
        "Z",
        "z1",
        "_",
        "é",
        "É1",
        "ÿ",
        "Ω",
        "ω1",
        "ж",
        "Я",
        "日本",
        "\u{10400}",
        "\u{ffee}",
    ];
    assert_eq!(names, expected);
    for (name, other) in [("É", "é"), ("Ÿ", "ÿ"), ("Ω1", "ω1"), ("я", "Я"), ("A", "a")] {
        assert!(hive.find(root, name).unwrap() == hive.find(root, other).unwrap());
        assert!(hive.find(root, name).unwrap().is_some(), "{name}");
    }
    assert!(hive.find(root, "µ").unwrap().is_none());
}
