//! Security descriptors of keys, set and read.

use crate::rng::Rng;
use crate::{corpus, tools};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use winkiln_hive::{Hive, HiveError, check_file};
use winkiln_security::{Domains, Objects, from_sddl, replace_parts, to_sddl};

const NOW: u64 = 0x01dc_0000_0000_0000;

/// Text, and what a key has of it then: owner and group stay when they are not given, generic rights are resolved.
const TEXTS: [(&str, &str); 6] = [
    ("D:P(A;CI;KA;;;BA)", "D:P(A;CI;KA;;;BA)"),
    (
        "D:P(A;;GA;;;SY)(A;CIIO;GA;;;CO)(A;CI;GR;;;BU)",
        "D:P(A;;KA;;;SY)(A;CIIO;GA;;;CO)(A;CI;KR;;;BU)",
    ),
    ("D:P(A;;KX;;;WD)(A;;KW;;;AU)", "D:P(A;;KR;;;WD)(A;;KW;;;AU)"),
    (
        "D:P(D;;0x6;;;WD)(A;;CCDC;;;S-1-5-21-1-2-3-1001)",
        "D:P(D;;0x6;;;WD)(A;;0x3;;;S-1-5-21-1-2-3-1001)",
    ),
    ("D:NO_ACCESS_CONTROL", "D:NO_ACCESS_CONTROL"),
    ("D:AI(A;CIID;KA;;;BA)S:P(AU;SAFA;KW;;;WD)", "D:AI(A;CIID;KA;;;BA)S:P(AU;SAFA;KW;;;WD)"),
];

/// The lists alone.
fn lists(sddl: &str) -> &str {
    &sddl[sddl.find("D:").unwrap()..]
}

#[test]
fn descriptors_are_shared_counted_and_linked() {
    let mut rng = Rng::new(11);
    let mut hive = Hive::create("ROOT", NOW);
    let root = hive.root();
    let mut expected: BTreeMap<String, String> = BTreeMap::new();
    for round in 0..400 {
        let path = format!("K{}\\L{}", rng.below(6), rng.below(6));
        match rng.below(5) {
            0 => {
                if let Some(key) = hive.find(root, &path).unwrap() {
                    hive.delete_key(key, NOW).unwrap();
                    expected.remove(&path);
                }
            }
            _ => {
                let (key, made) = hive.create_key(root, &path, NOW).unwrap();
                let (text, found) = TEXTS[rng.below(TEXTS.len())];
                hive.set_sddl(key, text, Domains::default(), NOW).unwrap();
                assert!(!hive.set_sddl(key, text, Domains::default(), NOW).unwrap(), "{text}");
                // A part that is not given stays.
                let keeps = match expected.get(&path).and_then(|old| old.split_once("S:")) {
                    Some((_, sacl)) if !found.contains("S:") && made == 0 => {
                        format!("{found}S:{sacl}")
                    }
                    _ => found.to_owned(),
                };
                expected.insert(path, keeps);
            }
        }
        if round % 40 == 39 {
            assert_eq!(hive.check(), [], "{round}");
        }
    }
    hive.seal(NOW + 1);
    assert_eq!(check_file(hive.bytes()).unwrap(), []);
    if let Some(kinds) = tools::hivecheck(hive.bytes()) {
        assert_eq!(kinds, BTreeMap::new());
    }
    let again = Hive::open(hive.bytes().to_vec()).unwrap();
    let others = read_by_hivex(hive.bytes());
    for (path, sddl) in &expected {
        let key = again.find(again.root(), path).unwrap().unwrap();
        let whole = again.sddl(key).unwrap();
        assert!(whole.starts_with("O:BAG:"), "{whole}");
        assert_eq!(lists(&whole), sddl, "{path}");
        if let Some(others) = &others {
            assert_eq!(to_sddl(Objects::Keys, &others[path]).unwrap(), whole, "{path}");
        }
    }
}

/// A list that is not protected gets what the parent passes on; below, entries of their own stay and inherited ones are replaced.
#[test]
fn lists_are_inherited_and_passed_on() {
    let mut hive = Hive::create("ROOT", NOW);
    let root = hive.root();
    let domains = Domains::default();
    let key = |hive: &mut Hive, path: &str| hive.create_key(root, path, NOW).unwrap().0;
    let keys = ["A", r"A\B", r"A\B\C", r"A\P", r"A\P\Q"].map(|path| key(&mut hive, path));
    let [a, b, c, p, _] = keys;
    let top = "D:PAI(A;CI;KA;;;SY)(A;CIIO;GA;;;CO)";
    hive.change_sddl(a, top, domains, true, NOW).unwrap();
    let inherited = "(A;CIID;KA;;;SY)(A;ID;KA;;;BA)(A;CIIOID;GA;;;CO)";
    assert_eq!(hive.sddl(c).unwrap(), format!("O:BAG:SYD:AI{inherited}"));
    assert!(hive.set_sddl(b, "D:(A;;GR;;;WD)", domains, NOW).unwrap());
    assert_eq!(hive.sddl(b).unwrap(), format!("O:BAG:SYD:AI(A;;KR;;;WD){inherited}"));
    assert_eq!(hive.sddl(c).unwrap(), format!("O:BAG:SYD:AI{inherited}"), "stays");
    hive.set_sddl(p, "D:P(A;CI;KR;;;BU)", domains, NOW).unwrap();
    // Those of the root are taken as they are given.
    hive.set_sddl(root, "D:(A;CI;KA;;;BA)", domains, NOW).unwrap();
    assert_eq!(hive.sddl(root).unwrap(), "O:BAG:SYD:(A;CI;KA;;;BA)");

    let changes = hive.change_sddl(a, "D:P(A;CI;KA;;;BA)", domains, true, NOW).unwrap();
    let told: Vec<_> = changes.changed().map(|change| change.path).collect();
    assert_eq!(
        (told, changes.unchanged),
        (["", "B", r"B\C"].map(str::to_owned).to_vec(), 1),
        "Q is not even looked at"
    );
    let sddls = keys.map(|key| hive.sddl(key).unwrap());
    let expected = [
        "D:P(A;CI;KA;;;BA)",
        "D:AI(A;;KR;;;WD)(A;CIID;KA;;;BA)",
        "D:AI(A;CIID;KA;;;BA)",
        "D:P(A;CI;KR;;;BU)",
        &format!("D:AI{inherited}"),
    ];
    assert_eq!(sddls, expected.map(|list| format!("O:BAG:SY{list}")));
    let changes = hive.change_sddl(a, "O:SY", domains, true, NOW).unwrap();
    assert_eq!(
        (changes.changed().count(), changes.unchanged),
        (5, 0),
        "an owner is that of all below"
    );
    assert!(keys.iter().all(|key| hive.sddl(*key).unwrap().starts_with("O:SYG:SYD:")));
    assert_eq!(hive.check(), []);
    hive.seal(NOW + 1);
    if let Some(others) = read_by_hivex(hive.bytes()) {
        for (key, path) in keys.iter().zip(["A", r"A\B", r"A\B\C", r"A\P", r"A\P\Q"]) {
            assert_eq!(others[path], hive.security(*key).unwrap(), "{path}");
        }
    }
}

/// Many keys share few descriptors, also long ones: neither time nor memory follows keys times descriptors.
#[test]
fn a_long_descriptor_is_worked_out_once() {
    const KEYS: usize = 20_000;
    let mut hive = Hive::create("ROOT", NOW);
    let root = hive.root();
    let domains = Domains::default();
    let entries: String = (0..1200).map(|id| format!("(A;;KR;;;S-1-5-21-1-2-3-{id})")).collect();
    let (top, _) = hive.create_key(root, "Top", NOW).unwrap();
    for key in 0..KEYS {
        hive.create_key(top, &format!("K{key}"), NOW).unwrap();
    }
    hive.change_sddl(top, &format!("D:P{entries}(A;CI;KA;;;BA)"), domains, true, NOW).unwrap();
    let began = std::time::Instant::now();
    let changes =
        hive.change_sddl(top, &format!("O:SYD:P{entries}(A;CI;KR;;;BU)"), domains, true, NOW);
    let changes = changes.unwrap();
    // Each by itself would take minutes, and gigabytes of text.
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    assert_eq!((changes.changed().count(), changes.unchanged), (KEYS + 1, 0));
    assert_eq!(hive.check(), []);
}

/// What cannot be done for one key below is done for none.
#[test]
fn a_damaged_key_below_leaves_all_as_they_were() {
    let mut hive = Hive::create("ROOT", NOW);
    let root = hive.root();
    let domains = Domains::default();
    let (top, _) = hive.create_key(root, "Top", NOW).unwrap();
    for key in 0..10 {
        hive.create_key(top, &format!("K{key}"), NOW).unwrap();
    }
    let (last, _) = hive.create_key(top, "Last", NOW).unwrap();
    hive.set_sddl(last, "D:P(A;;KA;;;WD)", domains, NOW).unwrap();
    hive.seal(NOW);
    let mut bytes = hive.bytes().to_vec();
    let cell = |bytes: &[u8], at: usize| {
        0x1000 + u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
    };
    let security = cell(&bytes, last.in_file() as usize + 4 + 0x2c);
    bytes[security + 4 + 20] = 9;
    let mut hive = Hive::open(bytes.clone()).unwrap();
    hive.change_sddl(top, "D:P(A;CI;KR;;;BU)", domains, true, NOW + 1).unwrap_err();
    assert!(hive.bytes() == bytes && !hive.is_edited());
}

#[test]
fn wrong_text_changes_nothing() {
    let mut hive = Hive::create("ROOT", NOW);
    hive.seal(NOW);
    let before = hive.bytes().to_vec();
    let root = hive.root();
    for text in ["D:(A;;KA;;;BA", "X:BA", "D:(A;;KQ;;;BA)", "O:DA", "D:(A;;KA;;;LA)"] {
        let error = hive.set_sddl(root, text, Domains::default(), NOW).unwrap_err();
        assert!(matches!(error, HiveError::SecurityDescriptor(_)), "{text}: {error}");
        assert!(!error.is_refusal(), "{text}");
    }
    let error = hive.set_security(root, &[1, 0, 0], NOW).unwrap_err();
    assert!(matches!(error, HiveError::SecurityDescriptor(_)), "{error}");
    assert!(!hive.is_edited());
    assert_eq!(hive.bytes(), before);
}

/// Every descriptor of the corpus becomes text, and that text the same descriptor.
#[test]
fn descriptors_of_real_hives_become_text_and_back() {
    let mut seen = BTreeSet::new();
    let (mut same, mut other) = (0, 0);
    for sample in corpus::hives() {
        let Ok(hive) = Hive::open_unrecovered(sample.bytes) else { continue };
        let mut left = vec![hive.root()];
        while let Some(key) = left.pop() {
            left.extend(hive.subkeys(key).unwrap_or_default().into_iter().map(|(_, key)| key));
            let Ok(descriptor) = hive.security(key) else { continue };
            if !seen.insert(descriptor.clone()) {
                continue;
            }
            let Ok(text) = to_sddl(Objects::Keys, &descriptor) else { continue };
            let back = from_sddl(&text, Domains::default());
            let back = back.unwrap_or_else(|error| panic!("{}: {text}: {error}", sample.name));
            if back == descriptor {
                same += 1;
                continue;
            }
            // Parts in another order or with room after them are laid out anew. SDDL has no letters for what was a default, for
            // a list that is not there, and for the revision of one.
            let plain = |mut bytes: Vec<u8>| {
                bytes[2] &= !0x2b;
                if bytes[12..16] == [0; 4] {
                    bytes[3] &= !0x28;
                }
                for field in [12, 16] {
                    let list = usize::from(u16::from_le_bytes([bytes[field], bytes[field + 1]]));
                    if list != 0 {
                        bytes[list] = 0;
                    }
                }
                bytes
            };
            let anew = replace_parts(&descriptor, &descriptor).unwrap();
            assert_eq!(plain(back), plain(anew), "{}: {text}", sample.name);
            other += 1;
        }
    }
    if !seen.is_empty() {
        assert!(same > 100, "{same} the same, {other} laid out otherwise");
    }
}

/// Descriptors by path: keys as libhivex walks them, the security cell read beside it. `None` when it cannot run.
fn read_by_hivex(bytes: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    const SCRIPT: &str = r"
import sys, struct, hivex
h = hivex.Hivex(sys.argv[1]); b = open(sys.argv[1], 'rb').read()
todo = [(h.root(), '')]
while todo:
    n, path = todo.pop()
    at = 0x1000 + struct.unpack_from('<I', b, n + 4 + 0x2c)[0] + 4
    assert b[at:at+2] == b'sk'
    print(path[1:] + '|' + b[at+20:at+20+struct.unpack_from('<I', b, at + 16)[0]].hex())
    for c in h.node_children(n): todo.append((c, path + '\\' + h.node_name(c)))
";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let output =
        Command::new("/usr/bin/python3").args(["-c", SCRIPT]).arg(file.path()).output().ok();
    let output = output.filter(|output| output.status.success());
    let text = corpus::found(output, "no python3-hivex")?.stdout;
    let unhex = |text: &str| -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    };
    let lines = String::from_utf8(text).unwrap();
    Some(
        lines
            .lines()
            .map(|line| line.split_once('|').unwrap())
            .map(|(path, hex)| (path.to_owned(), unhex(hex)))
            .collect(),
    )
}
