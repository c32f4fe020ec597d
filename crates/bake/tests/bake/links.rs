//! Links, given security and 8.3 names in whole images.

use std::fs;

use winkiln_bake::step::Contents;
use winkiln_bake::{LinkKind, Recipe, Report, Session, SessionOptions, ShortNames, Step};

use crate::judge::Guest;

const NOW: u64 = 134_118_110_450_000_000;

fn bake(guest: &Guest, steps: &[Step], short_names: ShortNames) -> Report {
    let options = SessionOptions { now: NOW, short_names, ..SessionOptions::default() };
    let mut session = Session::open(&guest.image, &options).expect("opens");
    for step in steps {
        session.apply(step).unwrap_or_else(|error| panic!("{step:?}: {error:?}"));
    }
    session.finish().unwrap_or_else(|error| panic!("{error:?}"))
}

fn put(path: &str, text: &[u8]) -> Step {
    Step::PutFile { path: path.into(), contents: Contents::Bytes(text.to_vec()), parents: true }
}

fn link(path: &str, target: &str, kind: LinkKind) -> Step {
    Step::Link { path: path.into(), target: target.into(), kind }
}

fn told(report: &Report) -> Vec<(&str, &str, Option<&str>)> {
    let changes = report.changes.iter();
    changes.map(|change| (change.kind, &*change.target, change.after.as_deref())).collect()
}

#[test]
fn links_are_baked_and_verified() {
    let Some(guest) = Guest::new("links.raw", "7", "mbr", &["--files", "40"]) else { return };
    let before = guest.copy("before.img");
    let steps = [
        put(r"C:\Here\one.txt", b"one"),
        link(r"C:\hard.txt", r"C:\Here\one.txt", LinkKind::Hard),
        link(r"C:\soft.txt", r"here\one.txt", LinkKind::Symbolic),
        link(r"C:\folder", r"C:\Here", LinkKind::Symbolic),
        link(r"C:\junction", "C:/Here", LinkKind::Junction),
        // Into an existing folder, under the target's name.
        link(r"C:\Windows", r"\Here\one.txt", LinkKind::Hard),
    ];
    let report = bake(&guest, &steps, ShortNames::Guest);
    assert!(report.committed && report.warnings.is_empty(), "{report:?}");
    assert_eq!(
        told(&report)[2..],
        [
            ("link", r"\hard.txt", Some(r"hard link to \Here\one.txt")),
            ("link", r"\soft.txt", Some(r"symbolic link to here\one.txt")),
            ("link", r"\folder", Some(r"symbolic link to C:\Here")),
            ("link", r"\junction", Some(r"junction to C:\Here")),
            ("link", r"\Windows\one.txt", Some(r"hard link to \Here\one.txt")),
        ]
    );
    assert_eq!(report.verified.iter().filter(|verified| verified.reader == "ntfs").count(), 7);
    assert_eq!(guest.file("hard.txt"), Some(b"one".to_vec()));
    assert_eq!(guest.file("Windows/one.txt"), Some(b"one".to_vec()));
    guest.assert_clean(&before);
    let again = bake(&guest, &steps, ShortNames::Guest);
    assert!(!again.committed && again.changes.is_empty(), "{again:?}");

    // Later steps of a session may take the other name away, rename a link, or remove it.
    let before = guest.copy("linked.img");
    let steps = [
        link(r"C:\more.txt", r"C:\Here\one.txt", LinkKind::Hard),
        link(r"C:\new", r"C:\Windows", LinkKind::Junction),
        link(r"C:\moved", r"C:\Windows", LinkKind::Symbolic),
        Step::Remove { path: r"C:\Here".into(), recursive: true },
        Step::Remove { path: r"C:\new".into(), recursive: true },
        Step::Rename { from: r"C:\moved".into(), to: r"C:\Windows\to here".into() },
        Step::Remove { path: r"C:\junction".into(), recursive: true },
    ];
    let report = bake(&guest, &steps, ShortNames::Guest);
    assert!(report.committed, "{report:?}");
    assert_eq!(guest.file("more.txt"), Some(b"one".to_vec()));
    assert_eq!(guest.file("Here/one.txt"), None);
    assert!(guest.lists("Windows", "System32") && guest.lists("Windows", "to here"));
    guest.assert_clean(&before);
}

#[test]
fn security_is_baked_from_recipes() {
    let Some(guest) = Guest::new("security.raw", "7", "mbr", &["--files", "40"]) else { return };
    let before = guest.copy("before.img");
    let folder = guest.path("recipe");
    fs::create_dir_all(folder.join("tree")).expect("a folder");
    fs::write(folder.join("tree/inside.txt"), "i").expect("written");
    fs::write(folder.join("one.txt"), "1").expect("written");
    let text = "[[files]]\nfrom = 'tree'\nto = 'C:\\Own'\nsddl = 'D:P(A;OICI;GA;;;BA)'\n\
                [[files]]\nfrom = 'one.txt'\nto = 'C:\\Own\\'\nsddl = 'O:SYD:P(A;;FR;;;WD)'\n";
    let recipe = Recipe::parse(text, &folder).expect("a recipe");
    let report = bake(&guest, &recipe.steps, ShortNames::Guest);
    let told = told(&report);
    for (path, sddl) in
        [(r"\Own", "O:BAG:SYD:P(A;OICI;FA;;;BA)"), (r"\Own\one.txt", "O:SYG:SYD:P(A;;FR;;;WD)")]
    {
        assert!(told.contains(&("security", path, Some(sddl))), "{told:?}");
    }
    guest.assert_clean(&before);
    let again = bake(&guest, &recipe.steps, ShortNames::Guest);
    assert!(!again.committed, "{again:?}");
    let options = SessionOptions { now: NOW, ..SessionOptions::default() };
    let mut session = Session::open_read_only(&guest.image, &options).expect("opens");
    let volume = session.file_volume().expect("a volume");
    let facts = session.disk().volume(volume).expect("opens").metadata(r"\Own\inside.txt");
    let security = facts.expect("facts").expect("there").security.expect("a descriptor");
    let sddl = winkiln_ntfs::security::to_sddl(&security).expect("text");
    assert_eq!(sddl, "O:BAG:SYD:(A;;FA;;;BA)");
}

#[test]
fn short_names_follow_the_guest() {
    let Some(guest) = Guest::new("short.raw", "7", "mbr", &["--files", "40"]) else { return };
    let before = guest.copy("before.img");
    let set = |value: u8| Step::SetValue {
        key: r"HKLM\SYSTEM\CurrentControlSet\Control\FileSystem".into(),
        name: "NtfsDisable8dot3NameCreation".into(),
        kind: winkiln_hive::ValueType::Dword,
        data: vec![value, 0, 0, 0],
    };
    let short = |name: &str| {
        let options = SessionOptions { now: NOW, ..SessionOptions::default() };
        let mut session = Session::open_read_only(&guest.image, &options).expect("opens");
        let volume = session.file_volume().expect("a volume");
        let entries = session.disk().volume(volume).expect("opens").read_directory("\\");
        let entries = entries.expect("a listing");
        entries.into_iter().find(|entry| entry.name == name).expect(name).short_name
    };
    for (value, name, made) in [
        (0, "A long name 0", true),
        (1, "B long name 1", false),
        // mkntfs says nothing about 8.3 names, which allows them.
        (2, "C long name 2", true),
        (3, "D long name 3", true),
    ] {
        drop(bake(&guest, &[set(value)], ShortNames::Guest));
        drop(bake(&guest, &[put(&format!(r"C:\{name}"), b"x")], ShortNames::Guest));
        assert_eq!(short(name).is_some(), made, "{value}");
        // The setting as this very session leaves it counts.
        let name = format!("Same {name}");
        drop(bake(
            &guest,
            &[set(1 - value % 2), set(value), put(&format!(r"C:\{name}"), b"x")],
            ShortNames::Guest,
        ));
        assert_eq!(short(&name).is_some(), made, "{value}");
    }
    drop(bake(&guest, &[set(1), put(r"C:\Q asked for", b"x")], ShortNames::On));
    assert_eq!(short("Q asked for").as_deref(), Some("QASKED~1"));
    drop(bake(&guest, &[set(0), put(r"C:\R not asked for", b"x")], ShortNames::Off));
    assert_eq!(short("R not asked for"), None);
    guest.assert_clean(&before);
}
