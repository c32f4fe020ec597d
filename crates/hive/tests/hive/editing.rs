//! Seeded random edits against a model, judged by other readers.

use crate::model::Key;
use crate::rng::Rng;
use crate::versions::cells_with;
use crate::{corpus, tools};
use winkiln_hive::{Hive, NewValue, ValueSet, ValueType, check_file};

const NAMES: [&str; 18] = [
    "Alpha",
    "alpha2",
    "BETA",
    "gamma",
    "Ünïcode",
    "élan",
    "Ключ",
    "ключ2",
    "日本",
    "x",
    "Y",
    "zz_top",
    "A b",
    "_",
    "~",
    "Ωmega",
    "a-much-longer-name-than-the-others-so-that-cells-differ",
    "{4d36e97b-e325-11ce-bfc1-08002be10318}",
];

const KINDS: [ValueType; 7] = [
    ValueType::Sz,
    ValueType::Dword,
    ValueType::Binary,
    ValueType::MultiSz,
    ValueType::Qword,
    ValueType::None,
    ValueType::Other(0xffff_0012),
];

const LENGTHS: [usize; 14] = [0, 1, 3, 4, 5, 8, 12, 13, 60, 61, 500, 4000, 16344, 16345];

/// One random edit of both; panics when they disagree.
pub fn step(hive: &mut Hive, model: &mut Key, rng: &mut Rng, now: u64) {
    let paths = model.paths();
    let mut path = rng.pick(&paths).clone();
    let root = hive.root();
    let key = hive.find(root, &path.join("\\")).unwrap().expect("a key of the model");
    match rng.below(13) {
        0..=3 => {
            for _ in 0..=rng.below(3) {
                let number =
                    if rng.below(2) == 0 { String::new() } else { rng.below(50).to_string() };
                path.push(format!("{}{number}", rng.pick(&NAMES)));
            }
            let (_, made) = hive.create_key(root, &path.join("\\"), now).unwrap();
            assert_eq!(made, model.create(&path), "{path:?}");
        }
        4..=8 => {
            let many = if rng.below(3) == 0 { 1 + rng.below(12) } else { 1 };
            let values: Vec<(&str, ValueType, Vec<u8>)> = (0..many)
                .map(|_| {
                    let name = if rng.below(5) == 0 { "" } else { *rng.pick(&NAMES) };
                    let length = match rng.below(20) {
                        0 => rng.below(60_000),
                        1..=6 => rng.below(100),
                        _ => *rng.pick(&LENGTHS),
                    };
                    (name, *rng.pick(&KINDS), rng.bytes(length))
                })
                .collect();
            let new: Vec<NewValue<'_>> = values
                .iter()
                .map(|(name, kind, data)| NewValue { name, kind: *kind, data })
                .collect();
            let own = model.find(&path).unwrap();
            for (new, set) in new.iter().zip(hive.set_values(key, &new, now).unwrap()) {
                let before = own.value(new.name);
                let told = match &set {
                    ValueSet::Unchanged => Some((new.kind, new.data)),
                    ValueSet::Created => None,
                    ValueSet::Replaced(kind, data) => Some((*kind, data.as_slice())),
                };
                assert_eq!(before, told, "{path:?} {new:?}");
                let changed = own.set(new.name, new.kind, new.data);
                assert_eq!(set != ValueSet::Unchanged, changed, "{path:?} {new:?}");
            }
            let last = new[new.len() - 1];
            assert!(!hive.set_value(key, last.name, last.kind, last.data, now + 1).unwrap());
        }
        9 | 10 => {
            let own = model.find(&path).unwrap();
            let name = match own.values.len() {
                0 => "absent".to_owned(),
                count => own.values[rng.below(count)].0.clone(),
            };
            assert_eq!(
                hive.delete_value(key, &name, now).unwrap(),
                own.unset(&name),
                "{path:?} {name}"
            );
        }
        11 => {
            let to = rng.pick(&paths).clone();
            let name = format!("{}{}", rng.pick(&NAMES), rng.below(50));
            let parent = hive.find(root, &to.join("\\")).unwrap().unwrap();
            let result = hive.move_key(key, parent, &name, now);
            assert_eq!(result.is_ok(), model.relocate(&path, &to, &name), "{path:?} {to:?} {name}");
        }
        _ => {
            if !path.is_empty() && path.len() > rng.below(4) {
                hive.delete_key(key, now).unwrap();
                model.delete(&path);
            }
        }
    }
}

/// Applies `steps` edits, then asks everybody.
pub fn run(name: &str, bytes: Option<Vec<u8>>, seed: u64, steps: usize) {
    let before = bytes.clone().map(|bytes| check_file(&bytes).unwrap()).unwrap_or_default();
    let mut hive =
        bytes.clone().map_or_else(|| Hive::create("ROOT", 5), |bytes| Hive::open(bytes).unwrap());
    let mut model = Key::read(&hive, hive.root());
    let mut rng = Rng::new(seed);
    for now in 0..steps {
        step(&mut hive, &mut model, &mut rng, 1000 + now as u64);
    }
    assert!(model == Key::read(&hive, hive.root()), "{name} {seed}: content");

    let ranges = hive.seal(77);
    assert!(!hive.is_modified());
    // The ranges are all that has to be written back.
    if let Some(mut file) = bytes.clone() {
        file.resize(file.len().max(hive.bytes().len()), 0);
        for range in &ranges {
            let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            file[range.clone()].copy_from_slice(&hive.bytes()[range]);
        }
        assert!(file == hive.bytes(), "{name} {seed}: ranges");
    }
    let known = |id: &str| before.iter().filter(|finding| finding.id == id).count();
    let mut after = check_file(hive.bytes()).unwrap();
    after.retain(|finding| known(finding.id) == 0);
    assert_eq!(after, [], "{name} {seed}");
    let theirs = tools::hivecheck(hive.bytes()).unwrap_or_default();
    if !theirs.is_empty() {
        // What it found before the edits it may find again.
        let known = bytes.and_then(|bytes| tools::hivecheck(&bytes)).unwrap_or_default();
        for (kind, count) in theirs {
            let before = known.get(&kind).copied().unwrap_or(0);
            assert!(before >= count, "{name} {seed}: {count} {kind}");
        }
    }
    if let Some(theirs) = tools::hivex(hive.bytes()) {
        let ours = model.flat();
        for (key, values) in &ours {
            let read = theirs
                .get(key)
                .unwrap_or_else(|| panic!("{name} {seed}: hivex does not read {key:?}"));
            for (value, data) in values {
                let (theirs, ours) = (&read[value], data);
                let lengths = (theirs.0, theirs.1.len(), ours.0, ours.1.len());
                assert!(
                    theirs == ours,
                    "{name} {seed}: hivex reads {key:?} {value:?} otherwise: {lengths:?}"
                );
            }
            assert_eq!(
                read.len(),
                values.len(),
                "{name} {seed}: values of {key:?} that hivex reads"
            );
        }
        assert_eq!(theirs.len(), ours.len(), "{name} {seed}: keys that hivex reads");
    }
    tools::nt_hive(hive.bytes(), &model, hive.minor_version());
    let again = Hive::open(hive.bytes().to_vec()).unwrap();
    assert!(model == Key::read(&again, again.root()), "{name} {seed}: reopened");
}

#[test]
fn random_edits_of_a_new_hive() {
    // More of them for a longer search: WINKILN_HIVE_SEEDS=1000.
    let seeds = std::env::var("WINKILN_HIVE_SEEDS").map_or(8, |seeds| seeds.parse().unwrap());
    for seed in 0..seeds {
        run("new", None, seed, 400);
    }
}

/// What a hive has that edits may do otherwise: its version, and the kinds of cells that not all have.
fn traits(bytes: &[u8]) -> (u8, Vec<&'static [u8; 2]>) {
    let kinds: [&[u8; 2]; 6] = [b"lf", b"lh", b"li", b"ri", b"db", b"vk"];
    let has = |kind: &&&[u8; 2]| !cells_with(bytes, kind).is_empty();
    (bytes[24], kinds.iter().filter(has).copied().collect())
}

/// One hive of each sort, the smallest; with `WINKILN_LONG` all.
#[test]
fn random_edits_of_real_hives() {
    let unfit = [
        "BadListHive",
        "BadSubkeyHive",
        "DeletedDataHiveTruncated",
        "TruncatedPairHive2",
        "DupNameHive",
    ];
    let mut samples = corpus::hives();
    samples.retain(|sample| {
        sample.bytes.len() < 270_000
            && !unfit.iter().any(|name| sample.name.contains(name))
            && Hive::open(sample.bytes.clone()).is_ok()
    });
    if std::env::var_os("WINKILN_LONG").is_none() {
        samples.sort_by_key(|sample| sample.bytes.len());
        let mut seen = Vec::new();
        samples.retain(|sample| {
            let own = traits(&sample.bytes);
            let new = !seen.contains(&own);
            seen.push(own);
            new
        });
    }
    for sample in samples {
        run(&sample.name, Some(sample.bytes), 3, 120);
    }
}

#[test]
fn random_edits_of_large_hives() {
    for name in [
        "hive/regipy-win7sp1-x86/SYSTEM",
        "hive/cellxml-xpsp3-x86/SYSTEM",
        "hive/winreg-kb/NTUSER.DAT",
        "hive/yarp/ManySubkeysHive",
    ] {
        if let Some(bytes) = corpus::sample(name) {
            run(name, Some(bytes), 4, 30);
        }
    }
}

#[test]
fn values_of_a_large_key_are_found_by_name() {
    const COUNT: u32 = 5000;
    let mut hive = Hive::create("ROOT", 1);
    let root = hive.root();
    let names: Vec<String> = (0..COUNT).map(|number| format!("Wert é{number}")).collect();
    let data: Vec<[u8; 4]> = (0..COUNT).map(u32::to_le_bytes).collect();
    let new = |names: &[String], add: usize| -> Vec<(String, Vec<u8>)> {
        let data = data.iter().cycle().skip(add);
        names.iter().cloned().zip(data.map(|data| data.to_vec())).collect()
    };
    let mut set = |values: &[(String, Vec<u8>)]| {
        let values: Vec<NewValue<'_>> = values
            .iter()
            .map(|(name, data)| NewValue { name, kind: ValueType::Dword, data })
            .collect();
        hive.set_values(root, &values, 1).unwrap()
    };
    let first = new(&names, 0);
    assert!(set(&first).iter().all(|set| *set == ValueSet::Created));
    assert!(set(&first).iter().all(|set| *set == ValueSet::Unchanged));
    let upper: Vec<String> = names.iter().map(|name| name.to_uppercase()).collect();
    let mut other = new(&upper, 1);
    other.reverse();
    // One name twice, and one that is new.
    other.push((names[7].clone(), vec![7; 4]));
    other.push(("new".to_owned(), vec![8; 4]));
    other.push(("NEW".to_owned(), vec![9; 4]));
    let done = set(&other);
    for (index, done) in done.iter().take(COUNT as usize).enumerate() {
        let old = data[COUNT as usize - 1 - index].to_vec();
        assert_eq!(*done, ValueSet::Replaced(ValueType::Dword, old));
    }
    let last = &done[COUNT as usize..];
    assert_eq!(last[0], ValueSet::Replaced(ValueType::Dword, 8u32.to_le_bytes().to_vec()));
    assert_eq!(last[1..], [ValueSet::Created, ValueSet::Replaced(ValueType::Dword, vec![8; 4])]);
    assert_eq!(hive.info(root).unwrap().value_count, COUNT + 1);
    assert_eq!(hive.check(), []);
}
