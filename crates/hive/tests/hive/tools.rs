//! Other programs as judges.

use crate::corpus;
use crate::model::Key;
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::OnceLock;
use winkiln_hive::Hive;

/// Findings of the strict Python checker, counted by kind. `None` when it cannot run.
pub fn hivecheck(bytes: &[u8]) -> Option<BTreeMap<String, usize>> {
    let judge = corpus::judge("hivecheck.py")?;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let output = Command::new("python3").arg(judge).arg(file.path()).output();
    let output = corpus::found(output.ok(), "no python3")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut kinds = BTreeMap::new();
    if text.starts_with("not a hive") {
        kinds.insert("not a hive".to_owned(), 1);
        return Some(kinds);
    }
    // The second of the two dictionaries on the first line.
    let line = text
        .lines()
        .next()
        .unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let found = line.rsplit_once("} {").unwrap().1.trim_end_matches('}');
    for kind in found.split(", ").filter(|kind| !kind.is_empty()) {
        let (name, count) = kind.split_once(": ").unwrap();
        kinds.insert(name.trim_matches('\'').to_owned(), count.parse().unwrap());
    }
    Some(kinds)
}

/// Neither our check nor the strict Python checker finds anything.
pub fn judged_clean(hive: &Hive) {
    assert_eq!(hive.check(), []);
    if let Some(theirs) = hivecheck(hive.bytes()) {
        assert!(theirs.is_empty(), "{theirs:?}");
    }
}

/// A name of another reader as our own spells it.
fn spelt(name: &str) -> String {
    name.replace('\0', "\u{fffd}0000")
}

/// A name of ours as a reader shows it that knows only U+FFFD for what is no text.
fn lossy(name: &str) -> String {
    let mut units = Vec::new();
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let code = rest.get(3..7).filter(|_| c == '\u{fffd}');
        let unit = code.and_then(|code| u16::from_str_radix(code, 16).ok());
        rest = &rest[if unit.is_some() { 7 } else { c.len_utf8() }..];
        units.extend(unit.map_or_else(|| c.encode_utf16(&mut [0; 2]).to_vec(), |unit| vec![unit]));
    }
    String::from_utf16_lossy(&units)
}

/// Keys by path, values by name.
pub type Flat = BTreeMap<String, BTreeMap<String, (u32, Vec<u8>)>>;

/// What libhivex reads. `None` when it cannot run.
pub fn hivex(bytes: &[u8]) -> Option<Flat> {
    const SCRIPT: &str = r#"
import sys, hivex
h = hivex.Hivex(sys.argv[1])
def name(s): return s.encode('utf-8', 'surrogateescape').hex()
todo = [(h.root(), '')]
while todo:
    n, path = todo.pop()
    print('K', name(path))
    for v in h.node_values(n):
        kind, data = h.value_value(v)
        print('V', name(h.value_key(v)) or '-', kind & 0xffffffff, data.hex() or '-')
    for c in h.node_children(n): todo.append((c, path + '\\' + h.node_name(c)))
"#;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let python = "/usr/bin/python3";
    static WORKS: OnceLock<bool> = OnceLock::new();
    let works = *WORKS.get_or_init(|| {
        let import = Command::new(python).args(["-c", "import hivex"]).output();
        import.is_ok_and(|output| output.status.success())
    });
    corpus::found(works.then_some(()), "no python3-hivex")?;
    let output = Command::new(python).args(["-c", SCRIPT]).arg(file.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let unhex = |text: &str| -> Vec<u8> {
        let text = text.trim_start_matches('-');
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    };
    let mut all = Flat::new();
    let mut key = String::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["K", name] => {
                key = spelt(&String::from_utf8(unhex(name)).unwrap());
                all.insert(key.clone(), BTreeMap::new());
            }
            ["V", name, kind, data] => {
                let name = spelt(&String::from_utf8(unhex(name)).unwrap());
                all.get_mut(&key).unwrap().insert(name, (kind.parse().unwrap(), unhex(data)));
            }
            _ => panic!("{line}"),
        }
    }
    Some(all)
}

/// Compares with what nt-hive reads. It cannot tell unknown types, nor read large values in version 1.3.
pub fn nt_hive(bytes: &[u8], model: &Key, minor: u32) {
    let hive = nt_hive::Hive::new(bytes).unwrap();
    let mut left = vec![(hive.root_key_node().unwrap(), model)];
    while let Some((node, model)) = left.pop() {
        let mut values = 0;
        if let Some(list) = node.values() {
            for (value, (name, kind, data)) in list.unwrap().zip(&model.values) {
                let value = value.unwrap();
                values += 1;
                assert_eq!(value.name().unwrap().to_string_lossy(), lossy(name));
                if data.len() > 16344 && minor < 4 {
                    continue;
                }
                assert!(value.data().unwrap().into_vec().unwrap() == *data, "{name}");
                match value.data_type() {
                    Ok(found) => assert_eq!(found as u32, kind.raw(), "{name}"),
                    Err(_) => assert!(kind.raw() > 11, "{name}"),
                }
            }
        }
        assert_eq!(values, model.values.len());
        let mut subkeys = 0;
        if let Some(list) = node.subkeys() {
            for (subkey, (name, below)) in list.unwrap().zip(&model.subkeys) {
                let subkey = subkey.unwrap();
                subkeys += 1;
                assert_eq!(subkey.name().unwrap().to_string_lossy(), lossy(name));
                left.push((subkey, below));
            }
        }
        assert_eq!(subkeys, model.subkeys.len());
    }
}
