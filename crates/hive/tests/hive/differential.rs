//! The same edits by winkiln and by hivex: both results hold the same, whoever reads them.

use crate::model::{Key, fold};
use crate::rng::Rng;
use crate::{corpus, tools};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use winkiln_hive::{Hive, ValueType};

/// What both can do: hivex sorts names by ASCII alone, writes no big data, and replaces all values of a key at once.
#[derive(Debug)]
enum Edit {
    Create(String, String),
    Delete(String),
    Set(String, String, u32, Vec<u8>),
}

const NAMES: [&str; 12] = [
    "Alpha",
    "beta",
    "GAMMA",
    "delta 4",
    "_e",
    "Zeta",
    "{0001}",
    "a.b",
    "Long name of a key",
    "x",
    "Y",
    "q-1",
];

/// Reads edits, one a line, and writes the hive.
const SCRIPT: &str = r#"
import sys, hivex
h = hivex.Hivex(sys.argv[1], write=True)
def text(s): return bytes.fromhex(s[1:]).decode()
def node(path):
    n = h.root()
    for name in path.split('\\'):
        if name: n = h.node_get_child(n, name)
    return n
for line in sys.stdin:
    word, *rest = line.split()
    if word == 'C': h.node_add_child(node(text(rest[0])), text(rest[1]))
    elif word == 'D': h.node_delete_child(node(text(rest[0])))
    else:
        h.node_set_value(node(text(rest[0])), {'key': text(rest[1]), 't': int(rest[2]), 'value': bytes.fromhex(rest[3][1:])})
h.commit(None)
"#;

/// One random edit, done in the model and in the hive.
fn edit(model: &mut Key, hive: &mut Hive, rng: &mut Rng, now: u64) -> Option<Edit> {
    let paths: Vec<Vec<String>> =
        model.paths().into_iter().filter(|path| path.iter().all(|name| name.is_ascii())).collect();
    let path = rng.pick(&paths).clone();
    let text = path.join("\\");
    let key = hive.find(hive.root(), &text).unwrap().unwrap();
    let name = || "name".to_owned();
    match rng.below(10) {
        0..=3 => {
            let name = format!("{}{}", rng.pick(&NAMES), rng.below(300));
            let mut child = path.clone();
            child.push(name.clone());
            if path.len() > 5 || model.create(&child) == 0 {
                return None;
            }
            hive.create_key(key, &name, now).unwrap();
            Some(Edit::Create(text, name))
        }
        4 => {
            if path.is_empty() || hive.delete_key(key, now).is_err() {
                return None;
            }
            model.delete(&path);
            Some(Edit::Delete(text))
        }
        _ => {
            let name = if rng.below(4) == 0 { name() } else { (*rng.pick(&NAMES)).to_owned() };
            let length = if rng.below(8) == 0 { rng.below(9000) } else { rng.below(40) };
            let data = rng.bytes(length);
            let kind = rng.below(12) as u32;
            let own = model.find(&path).unwrap();
            // hivex finds values by ASCII case.
            if own.values.iter().any(|(name, ..)| !name.is_ascii()) {
                return None;
            }
            own.set(&name, ValueType::from_raw(kind), &data);
            hive.set_value(key, &name, ValueType::from_raw(kind), &data, now).unwrap();
            Some(Edit::Set(text, name, kind, data))
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("-{digits}")
}

/// What hivex makes of the file; `None` when it refuses or cannot run.
fn by_hivex(bytes: &[u8], edits: &[Edit]) -> Option<Vec<u8>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-c", SCRIPT]).arg(file.path()).stdin(Stdio::piped());
    let mut child = corpus::found(command.spawn().ok(), "no python3")?;
    let mut input = String::new();
    for edit in edits {
        let line = match edit {
            Edit::Create(path, name) => {
                format!("C {} {}", hex(path.as_bytes()), hex(name.as_bytes()))
            }
            Edit::Delete(path) => format!("D {}", hex(path.as_bytes())),
            Edit::Set(path, name, kind, data) => {
                format!("S {} {} {kind} {}", hex(path.as_bytes()), hex(name.as_bytes()), hex(data))
            }
        };
        input.push_str(&line);
        input.push('\n');
    }
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "hivex could not do the edits: {edits:?}");
    Some(std::fs::read(file.path()).unwrap())
}

type Upper = BTreeMap<String, BTreeMap<String, (u32, Vec<u8>)>>;

/// Keys and values with names in upper case, as they may be spelt either way.
fn upper(flat: BTreeMap<String, BTreeMap<String, (u32, Vec<u8>)>>) -> Upper {
    flat.into_iter()
        .map(|(key, values)| {
            (fold(&key), values.into_iter().map(|(name, value)| (fold(&name), value)).collect())
        })
        .collect()
}

fn compare(name: &str, bytes: &[u8], seed: u64, count: usize) -> bool {
    let mut rng = Rng::new(seed);
    let mut hive = Hive::open(bytes.to_vec()).unwrap();
    let mut model = Key::read(&hive, hive.root());
    let edits: Vec<Edit> =
        (0..count).filter_map(|now| edit(&mut model, &mut hive, &mut rng, now as u64)).collect();
    hive.seal(1);
    let sound = hive.check();
    assert_eq!(sound, [], "{name} {seed}");
    let Some(theirs) = by_hivex(bytes, &edits) else { return false };
    let ours = upper(Key::read(&hive, hive.root()).flat());
    let other = Hive::open(theirs.clone()).unwrap();
    assert!(upper(Key::read(&other, other.root()).flat()) == ours, "{name} {seed}: our reader");
    for bytes in [hive.bytes(), &theirs] {
        let Some(read) = tools::hivex(bytes) else { return false };
        assert!(upper(read) == ours, "{name} {seed}: hivex");
    }
    tools::nt_hive(hive.bytes(), &Key::read(&hive, hive.root()), hive.minor_version());
    if let Some(found) = tools::hivecheck(hive.bytes()) {
        assert!(found.is_empty(), "{name} {seed}: {found:?}");
    }
    true
}

#[test]
fn winkiln_and_hivex_agree() {
    let (rounds, count) =
        if std::env::var_os("WINKILN_LONG").is_some() { (800, 120) } else { (6, 40) };
    let names = ["bcd/bios-win7/BCD", "hive/plaso/100_sub_keys.hiv", "hive/regipy/SAM"];
    let mut hives = vec![("new".to_owned(), Hive::create("ROOT", 1).bytes().to_vec())];
    for name in names {
        hives.extend(corpus::sample(name).map(|bytes| (name.to_owned(), bytes)));
    }
    for (name, bytes) in &hives {
        for seed in 0..rounds {
            if !compare(name, bytes, 5000 + seed, count) {
                return;
            }
        }
    }
}
