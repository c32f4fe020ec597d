//! `fs ln`, `-L`, `fs security`, 8.3 names.

use std::fs;

use serde_json::json;
use winkiln_hive::{Hive, ValueType};

use crate::env::{Guest, winkiln};

/// A folder with a file, and links of every kind to both.
fn linked() -> Guest {
    let guest = Guest::new();
    let image = guest.image();
    let local = guest.write("note.txt", b"contents");
    drop(winkiln(&["fs", "mkdir", image, r"\there"]).ok());
    drop(winkiln(&["fs", "put", image, &local, r"\there\note.txt"]).ok());
    for args in [
        &[r"\there\note.txt", r"\hard.txt"][..],
        &["-s", r"there\note.txt", r"\soft.txt"],
        &["-s", r"C:\there", r"\folder"],
        &["-j", r"C:\there", r"\junction"],
        &["-j", r"D:\elsewhere", r"\other"],
        &["-s", "circle", r"\circle"],
    ] {
        let mut all = vec!["fs", "ln", image];
        all.extend(args);
        all.push("--json");
        let report = winkiln(&all).json();
        assert_eq!(report["committed"], true, "{args:?}: {report}");
        assert_eq!(report["verified"].as_array().map(Vec::len), Some(1), "{report}");
        assert_eq!(report["changes"][0]["kind"], "link", "{report}");
        let again = winkiln(&all).json();
        assert_eq!(again["committed"], false, "{args:?}: {again}");
    }
    guest
}

#[test]
fn links_are_made_and_shown() {
    let guest = linked();
    let image = guest.image();
    let list = winkiln(&["fs", "ls", image]).ok();
    for line in [r"soft.txt -> there\note.txt", r"folder -> C:\there", r"junction -> C:\there"] {
        assert!(list.contains(line), "{line}: {list}");
    }
    let list = winkiln(&["fs", "ls", image, "--json"]).json();
    let entry = |name: &str| {
        let entries = list["entries"].as_array().expect("entries").iter();
        entries.clone().find(|entry| entry["name"] == name).expect(name).clone()
    };
    assert_eq!(
        (&entry("folder")["type"], &entry("folder")["link"]["kind"]),
        (&"folder".into(), &"symbolic".into())
    );
    assert_eq!(entry("junction")["link"]["target"], r"C:\there");
    assert_eq!(
        (&entry("soft.txt")["type"], &entry("hard.txt")["link"]),
        (&"file".into(), &serde_json::Value::Null)
    );
    let stat = winkiln(&["fs", "stat", image, r"\junction"]).ok();
    assert!(stat.contains(r"junction to C:\there") && stat.contains("0xa0000003"), "{stat}");
    let stat = winkiln(&["fs", "stat", image, r"\hard.txt", "--json"]).json();
    assert_eq!((&stat["links"], &stat["size"]), (&2.into(), &8.into()));
}

#[test]
fn links_are_followed_when_asked() {
    let guest = linked();
    let image = guest.image();
    winkiln(&["fs", "cat", image, r"\soft.txt"])
        .fails(1, &[r"symbolic link to there\note.txt", "-L"]);
    winkiln(&["fs", "get", image, r"\junction", &guest.local("x"), "-r"])
        .fails(1, &["junction to", "-L"]);
    for path in [r"\soft.txt", r"\folder\note.txt", r"\junction\NOTE.TXT"] {
        assert_eq!(winkiln(&["fs", "cat", "-L", image, path]).out, b"contents", "{path}");
    }
    winkiln(&["fs", "cat", image, r"\junction\note.txt"]).fails(1, &["no such file"]);
    assert!(winkiln(&["fs", "ls", "-L", image, r"\junction"]).ok().contains("note.txt"));
    let stat = winkiln(&["fs", "stat", "--follow", image, r"\folder", "--json"]).json();
    assert_eq!((&stat["path"], &stat["link"]), (&r"\there".into(), &serde_json::Value::Null));
    drop(winkiln(&["fs", "get", "-L", image, r"\soft.txt", &guest.local("")]).ok());
    assert_eq!(fs::read(guest.local("soft.txt")).unwrap(), b"contents");
    winkiln(&["fs", "ls", "-L", image, r"\other"])
        .fails(1, &["leads out of the volume", r"D:\elsewhere"]);
    winkiln(&["fs", "cat", "-L", image, r"\circle"]).fails(1, &["more than 63 links"]);
    winkiln(&["fs", "cat", "-L", "--drive", "D", image, r"\junction\note.txt"])
        .fails(1, &["leads out"]);
    winkiln(&["fs", "stat", "-L", "--drive", "D", image, r"\other"])
        .fails(1, &[r"no such file", "elsewhere"]);
}

#[test]
fn copies_go_where_links_lead_when_asked() {
    let guest = linked();
    let image = guest.image();
    let local = guest.write("new.txt", b"new contents");
    for (path, at) in [
        (r"\soft.txt", r"\there\note.txt"),
        ("/junction/", r"\there\new.txt"),
        (r"\folder\other.txt", r"\there\other.txt"),
    ] {
        let put = winkiln(&["fs", "put", "-L", image, &local, path, "--json"]).json();
        assert_eq!(put["changes"][0]["target"], at, "{put}");
        assert_eq!(winkiln(&["fs", "cat", image, at]).out, b"new contents", "{path}");
    }
    // A file keeps its other names, and the links stay.
    assert_eq!(winkiln(&["fs", "cat", image, r"\hard.txt"]).out, b"new contents");
    let list = winkiln(&["fs", "ls", image]).ok();
    assert!(
        list.contains(r"soft.txt -> there\note.txt") && list.contains("junction -> "),
        "{list}"
    );
    let more = guest.local("more");
    fs::create_dir(&more).unwrap();
    fs::write(format!("{more}/file"), b"in a folder").unwrap();
    drop(winkiln(&["fs", "put", "-rL", image, &more, r"\junction"]).ok());
    assert_eq!(winkiln(&["fs", "cat", image, r"\there\more\file"]).out, b"in a folder");
    winkiln(&["fs", "put", "-L", image, &local, r"\other\x"])
        .fails(1, &["leads out of the volume"]);
    winkiln(&["fs", "put", "-L", "--drive", "D", image, &local, r"\junction\x"])
        .fails(1, &["leads out of the volume"]);
    winkiln(&["fs", "put", "-L", image, &local, r"\circle"]).fails(1, &["more than 63 links"]);
}

#[test]
fn nothing_goes_through_a_link_unasked() {
    let guest = linked();
    let image = guest.image();
    let local = guest.write("new.txt", b"new");
    winkiln(&["fs", "put", image, &local, r"\junction\new.txt"]).fails(1, &["reparse point", "-L"]);
    winkiln(&["fs", "mkdir", image, r"\folder\sub"]).fails(1, &["reparse point"]);
    winkiln(&["fs", "put", image, &local, r"\soft.txt"]).fails(1, &["reparse point"]);
    let copy = guest.local("copy");
    let got = winkiln(&["fs", "get", "-r", image, r"\", &copy]);
    assert_eq!(got.status, 1, "{}", got.err);
    assert_eq!(got.err.matches("is not copied: it is a link").count(), 5, "{}", got.err);
    assert!(fs::read(format!("{copy}/there/note.txt")).is_ok());
    assert!(!fs::exists(format!("{copy}/soft.txt")).unwrap());
    for path in [r"\junction", r"\folder", r"\soft.txt", r"\other", r"\circle"] {
        // A link to a folder is none itself.
        let rm = ["fs", "rm", image, path, "-r"];
        drop(winkiln(&rm[..if path == r"\junction" { 4 } else { 5 }]).ok());
    }
    assert_eq!(winkiln(&["fs", "cat", image, r"\there\note.txt"]).out, b"contents");
    drop(winkiln(&["fs", "rm", image, r"\there\note.txt"]).ok());
    assert_eq!(winkiln(&["fs", "cat", image, r"\hard.txt"]).out, b"contents");
    winkiln(&["fs", "ln", image, r"\there\note.txt", r"\x"]).fails(1, &["no such file"]);
    winkiln(&["fs", "ln", image, r"\there", r"\x"]).fails(1, &["is a folder"]);
    winkiln(&["fs", "ln", "-j", image, "relative", r"\x"]).fails(1, &["junction", "drive letter"]);
    winkiln(&["fs", "ln", "-s", image, "x", r"\none\x"])
        .fails(1, &[r"no such file or folder: \none"]);
    winkiln(&["fs", "ln", "-s", "-j", image, "x", "y"]).fails(2, &["cannot be used with"]);
}

#[test]
fn security_is_shown_and_set() {
    let guest = Guest::new();
    let image = guest.image();
    let local = guest.write("a.txt", b"a");
    let folder = guest.local("folder");
    fs::create_dir(&folder).unwrap();
    fs::write(format!("{folder}/inside"), b"i").unwrap();
    let show = |path: &str| winkiln(&["fs", "security", image, path]).ok().trim().to_owned();
    drop(winkiln(&["fs", "mkdir", image, r"\own", "--sddl", "D:P(A;OICI;GA;;;BA)"]).ok());
    assert_eq!(show(r"\own"), "O:BAG:SYD:P(A;OICI;FA;;;BA)");
    drop(winkiln(&["fs", "put", image, &local, r"\own\a.txt"]).ok());
    assert_eq!(show(r"\own\a.txt"), "O:BAG:SYD:(A;;FA;;;BA)");
    let put = winkiln(&[
        "fs",
        "put",
        image,
        &local,
        r"\own\b.txt",
        "--sddl",
        "O:SYD:P(A;;FR;;;WD)",
        "--json",
    ])
    .json();
    assert_eq!(put["changes"][1]["kind"], "security", "{put}");
    assert_eq!(show(r"\own\b.txt"), "O:SYG:SYD:P(A;;FR;;;WD)");
    drop(
        winkiln(&["fs", "put", "-r", image, &folder, r"\own", "--sddl", "D:P(A;OICI;FX;;;BU)"])
            .ok(),
    );
    assert_eq!(show(r"\own\folder"), "O:BAG:SYD:P(A;OICI;FX;;;BU)");
    assert_eq!(show(r"\own\folder\inside"), "O:BAG:SYD:(A;;FX;;;BU)");
    let set = winkiln(&["fs", "security", image, r"\own", "G:BUS:(ML;;NW;;;HI)", "--json"]).json();
    assert_eq!(set["changes"][0]["after"], "O:BAG:BUD:P(A;OICI;FA;;;BA)S:AI(ML;;NW;;;HI)", "{set}");
    let again = winkiln(&["fs", "security", image, r"\own", "G:BU", "--json"]).json();
    assert_eq!(again["committed"], false);
    let json = winkiln(&["fs", "security", image, r"\own", "--json"]).json();
    assert_eq!(json["sddl"], "O:BAG:BUD:P(A;OICI;FA;;;BA)S:AI(ML;;NW;;;HI)");
    winkiln(&["fs", "security", image, r"\own", "D:(A;;FA;;;DA)"]).fails(2, &["DA", "S-1-5-21"]);
    // A list that is not protected gets what the folder passes on; -r passes it on itself.
    drop(winkiln(&["fs", "security", image, r"\own\a.txt", "D:(A;;GR;;;WD)"]).ok());
    assert_eq!(show(r"\own\a.txt"), "O:BAG:SYD:AI(A;;FR;;;WD)(A;ID;FA;;;BA)");
    let given = "D:P(A;OICI;FA;;;SY)";
    let set = winkiln(&["fs", "security", "-r", image, r"\own", given, "--json"]).json();
    let below = &set["changes"][1];
    assert_eq!(
        (&below["kind"], &below["target"]),
        (&json!("security"), &json!(r"\own\*")),
        "{set}"
    );
    assert_eq!(below["after"], "passed on to 1 files and folders", "{set}");
    assert_eq!(show(r"\own\a.txt"), "O:BAG:SYD:AI(A;;FR;;;WD)(A;ID;FA;;;SY)");
    assert_eq!(show(r"\own\folder"), "O:BAG:SYD:P(A;OICI;FX;;;BU)", "protected");
    let again = winkiln(&["fs", "security", "-r", image, r"\own", given, "--json"]).json();
    assert_eq!(again["committed"], false, "{again}");
    winkiln(&["fs", "security", "-r", image, r"\own"]).fails(2, &["SDDL"]);
    winkiln(&["fs", "security", image, r"\own", "nonsense"]).fails(2, &["sddl", "character 0"]);
    winkiln(&["fs", "security", image, r"\none", "O:BA"]).fails(1, &["no such file"]);
}

/// LA and DA are accounts of the guest and its domain, which its SAM and SECURITY hives tell.
#[test]
fn accounts_of_the_guest_are_known() {
    let guest = Guest::new();
    let image = guest.image();
    let sid = |numbers: [u32; 3]| {
        let start = [1, 4, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0];
        [start.to_vec(), numbers.into_iter().flat_map(u32::to_le_bytes).collect()].concat()
    };
    let account = ("SAM", r"SAM\Domains\Account", "V", [vec![7; 200], sid([1, 2, 3])].concat());
    let domain = ("SECURITY", r"Policy\PolPrDmS", "", sid([4, 5, 6]));
    for (name, key, value, data) in [account, domain] {
        let mut hive = Hive::create("ROOT", 1);
        let (key, _) = hive.create_key(hive.root(), key, 1).unwrap();
        hive.set_value(key, value, ValueType::Binary, &data, 1).unwrap();
        hive.seal(2);
        fs::write(guest.local(name), hive.bytes()).unwrap();
        let to = format!(r"\Windows\System32\config\{name}");
        drop(winkiln(&["fs", "put", image, &guest.local(name), &to]).ok());
    }
    drop(winkiln(&["fs", "mkdir", image, r"\own", "--sddl", "O:LAD:P(A;;FA;;;DA)"]).ok());
    let shown = winkiln(&["fs", "security", image, r"\own"]).ok();
    assert_eq!(shown, "O:S-1-5-21-1-2-3-500G:SYD:P(A;;FA;;;S-1-5-21-4-5-6-512)\n");
    let key = r"HKLM\SOFTWARE\Site";
    drop(winkiln(&["reg", "add", image, key]).ok());
    drop(winkiln(&["reg", "security", image, key, "O:LG"]).ok());
    let shown = winkiln(&["reg", "security", image, key]).ok();
    assert!(shown.starts_with("O:S-1-5-21-1-2-3-501G:"), "{shown}");
    let hive = guest.local("SAM");
    drop(winkiln(&["reg", "security", "--hive", &hive, r"\SAM", "O:LA"]).ok());
    let text = "[[files]]\nfrom = 'SAM'\nto = 'C:\\x'\nsddl = 'D:P(A;;FA;;;LA)'\n";
    let recipe = guest.write("recipe.toml", text.as_bytes());
    drop(winkiln(&["apply", image, &recipe]).ok());
    let shown = winkiln(&["fs", "security", image, r"\x"]).ok();
    assert!(shown.ends_with("D:P(A;;FA;;;S-1-5-21-1-2-3-500)\n"), "{shown}");
    winkiln(&["fs", "security", image, r"\x", "O:EA"]).fails(2, &["EA", "forest"]);
}

#[test]
fn short_names_are_made_as_the_guest_says() {
    let guest = Guest::new();
    let image = guest.image();
    let local = guest.write("A long name.text", b"a");
    let put = |to: &str, more: &[&str]| {
        let mut args = vec!["fs", "put", image, &local, to];
        args.extend(more);
        drop(winkiln(&args).ok());
    };
    let short = |name: &str| {
        let list = winkiln(&["fs", "ls", image, "--json"]).json();
        let entries = list["entries"].as_array().expect("entries").clone();
        entries.into_iter().find(|entry| entry["name"] == name).expect(name)["short_name"].clone()
    };
    put(r"\one long name.text", &["--short-names", "on"]);
    assert_eq!(short("one long name.text"), "ONELON~1.TEX");
    put(r"\two long name.text", &["--short-names=off"]);
    assert_eq!(short("two long name.text"), serde_json::Value::Null);
    let key = r"HKLM\SYSTEM\CurrentControlSet\Control\FileSystem";
    for (value, name, made) in
        [("0", "a longer name", true), ("1", "b longer name", false), ("3", "c longer name", true)]
    {
        let args = [
            "reg",
            "add",
            image,
            key,
            "-v",
            "NtfsDisable8dot3NameCreation",
            "-t",
            "REG_DWORD",
            "-d",
            value,
        ];
        drop(winkiln(&args).ok());
        put(&format!(r"\{name}"), &[]);
        assert_eq!(short(name).is_string(), made, "{value}: {name}");
    }
    // A name that is there stays as it is; a rename goes with its 8.3 name.
    drop(winkiln(&["fs", "mv", image, r"\ONELON~1.TEX", r"\another long name"]).ok());
    assert_eq!(short("another long name"), "ANOTHE~1");
}

#[test]
fn the_missing_folder_is_named() {
    let guest = Guest::new();
    let made = winkiln(&["fs", "mkdir", guest.image(), r"\Users\none\deeper\still"]);
    made.fails(1, &[r"no such file or folder: \Users\none"]);
}
