//! Recipe files: what they mean, and how they are refused.

use std::fs;
use std::path::{Path, PathBuf};

use winkiln_bake::step::Contents;
use winkiln_bake::{BakeError, Preset, Recipe, Step};
use winkiln_boot::bcd::{OrderEdit, OrderList};
use winkiln_hive::ValueType;

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("winkiln-bake-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a scratch folder");
    folder
}

fn parse(text: &str) -> Result<Recipe, BakeError> {
    Recipe::parse(text, Path::new("/nowhere"))
}

/// The error with its causes, as a user reads it.
fn message(error: &BakeError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn value(key: &str, name: &str, kind: ValueType, data: &[u8]) -> Step {
    Step::SetValue { key: key.into(), name: name.into(), kind, data: data.to_vec() }
}

#[test]
fn presets_keep_the_order_of_the_file() {
    let recipe = parse(
        "[presets]\ntcp-tuning = true\nacpi-shutdown = true\nrdp = false\ncrash-dump = \"small,no-reboot\"\nboot-switch = [\"/3GB\", \"/usepmtimer\"]\n",
    )
    .unwrap();
    let presets: Vec<(&str, Option<&str>)> =
        recipe.presets.iter().map(|p| (p.name.as_str(), p.argument.as_deref())).collect();
    assert_eq!(
        presets,
        [
            ("tcp-tuning", None),
            ("acpi-shutdown", None),
            ("crash-dump", Some("small,no-reboot")),
            ("boot-switch", Some("/3GB")),
            ("boot-switch", Some("/usepmtimer")),
        ]
    );
    let list = parse("[presets]\ncrash-dump = [\"kernel\", \"no-reboot\"]").unwrap();
    assert_eq!(list.presets, [Preset::parse("crash-dump=kernel,no-reboot").unwrap()]);
}

#[test]
fn inline_registry_values_take_the_form_of_their_type() {
    let recipe = parse(
        r#"
[[registry]]
key = 'HKLM\SOFTWARE\A'
[[registry]]
key = 'HKLM\SOFTWARE\A'
name = "text"
data = "x"
[[registry]]
key = 'HKLM\SOFTWARE\A'
data = "default"
[[registry]]
key = 'HKLM\SOFTWARE\A'
name = "number"
type = "REG_DWORD"
data = 0x1_0
[[registry]]
key = 'HKLM\SOFTWARE\A'
name = "hex"
type = "REG_QWORD"
data = "0xff"
[[registry]]
key = 'HKLM\SOFTWARE\A'
name = "list"
type = "REG_MULTI_SZ"
data = ["a", "b"]
[[registry]]
key = 'HKLM\SOFTWARE\A'
name = "bytes"
type = "REG_BINARY"
data = "01 02"
[[registry]]
key = 'HKLM\SOFTWARE\A'
name = "gone"
delete = true
[[registry]]
key = 'HKLM\SOFTWARE\B'
delete = true
"#,
    )
    .unwrap();
    let a = r"HKLM\SOFTWARE\A";
    assert_eq!(
        recipe.steps,
        [
            Step::CreateKey { key: a.into() },
            value(a, "text", ValueType::Sz, b"x\0\0\0"),
            value(a, "", ValueType::Sz, b"d\0e\0f\0a\0u\0l\0t\0\0\0"),
            value(a, "number", ValueType::Dword, &[16, 0, 0, 0]),
            value(a, "hex", ValueType::Qword, &[255, 0, 0, 0, 0, 0, 0, 0]),
            value(a, "list", ValueType::MultiSz, b"a\0\0\0b\0\0\0\0\0"),
            value(a, "bytes", ValueType::Binary, &[1, 2]),
            Step::DeleteValue { key: a.into(), name: "gone".into() },
            Step::DeleteKey { key: r"HKLM\SOFTWARE\B".into() },
        ]
    );
}

#[test]
fn boot_elements_and_first_boot_commands_come_last() {
    let recipe = parse(
        "[[firstboot]]\nname = \"agent\"\nrun = 'C:\\Setup\\setup.exe /quiet'\n[[bcd]]\nobject = \"{default}\"\nelement = \"testsigning\"\nvalue = true\n[[bcd]]\nobject = \"{bootmgr}\"\nelement = \"timeout\"\nvalue = 5\n[[bcd]]\nobject = \"{default}\"\nelement = \"nx\"\ndelete = true\n",
    )
    .unwrap();
    let texts: Vec<String> = recipe.steps.iter().map(|step| format!("{step:?}")).collect();
    assert_eq!(texts.len(), 4);
    assert!(texts[0].contains("\"testsigning\", value: \"on\""), "{}", texts[0]);
    assert!(texts[1].contains("\"timeout\", value: \"5\""), "{}", texts[1]);
    assert!(texts[2].starts_with("BcdDelete"), "{}", texts[2]);
    assert!(texts[3].starts_with("FirstBoot"), "{}", texts[3]);
}

#[test]
fn boot_objects_are_made_once_and_put_in_order() {
    let new = "{11111111-2222-3333-4444-555555555555}";
    let recipe = parse(&format!(
        "[[bcd]]\ncopy = '{{default}}'\nobject = '{new}'\ndescription = 'Rescue'\n\
         [[bcd]]\ncreate = 'inherit osloader'\nobject = '{new}'\n\
         [[bcd]]\nlist = 'displayorder'\nentries = ['{new}']\nhow = 'last'\n\
         [[bcd]]\nlist = 'bootsequence'\nentries = ['{new}']\n\
         [[bcd]]\nobject = '{new}'\ndelete = true\n\
         [[bcd]]\nretarget = true\n"
    ))
    .unwrap();
    let when =
        |is_there, step| Step::BcdWhere { object: new.into(), is_there, step: Box::new(step) };
    let (copy, description) = ("{default}".to_owned(), Some("Rescue".to_owned()));
    let order = |list, edit| Step::BcdOrder { list, edit, entries: vec![new.into()] };
    assert_eq!(
        recipe.steps,
        [
            when(false, Step::BcdCopy { object: copy, guid: new.into(), description }),
            when(
                false,
                Step::BcdCreate { object: new.into(), kind: 0x2020_0003, description: None }
            ),
            order(OrderList::Display, OrderEdit::AddLast),
            order(OrderList::BootSequence, OrderEdit::Set),
            when(true, Step::BcdDeleteObject { object: new.into(), cleanup: true }),
            Step::BcdRetarget,
        ]
    );
}

#[test]
fn files_and_folders_are_found_beside_the_recipe() {
    let folder = folder("files");
    fs::create_dir_all(folder.join("tree/sub")).unwrap();
    fs::write(folder.join("tree/b.txt"), "b").unwrap();
    fs::write(folder.join("tree/sub/a.txt"), "a").unwrap();
    fs::write(
        folder.join("site.reg"),
        "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Site]\r\n\"x\"=dword:00000001\r\n\"y\"=-\r\n[-HKEY_LOCAL_MACHINE\\SOFTWARE\\Old]\r\n",
    )
    .unwrap();
    let recipe = Recipe::parse(
        "[[registry]]\nfile = \"site.reg\"\n[[files]]\nfrom = \"tree\"\nto = 'C:\\Tree\\'\n[[files]]\nfrom = \"tree/b.txt\"\nto = '/x/c.txt'\n",
        &folder,
    )
    .unwrap();
    let host = |path: &str| Contents::HostFile(folder.join(path));
    let put = |path: &str, from: &str| Step::PutFile {
        path: path.into(),
        contents: host(from),
        parents: true,
    };
    let site = r"HKEY_LOCAL_MACHINE\SOFTWARE\Site";
    assert_eq!(
        recipe.steps,
        [
            Step::CreateKey { key: site.into() },
            value(site, "x", ValueType::Dword, &[1, 0, 0, 0]),
            Step::DeleteValue { key: site.into(), name: "y".into() },
            Step::DeleteKey { key: r"HKEY_LOCAL_MACHINE\SOFTWARE\Old".into() },
            Step::MakeDirectory { path: r"C:\Tree".into(), parents: true },
            put(r"C:\Tree\b.txt", "tree/b.txt"),
            Step::MakeDirectory { path: r"C:\Tree\sub".into(), parents: true },
            put(r"C:\Tree\sub\a.txt", "tree/sub/a.txt"),
            put("/x/c.txt", "tree/b.txt"),
        ]
    );
    fs::remove_dir_all(folder).unwrap();
}

#[test]
#[cfg(unix)]
fn links_in_a_folder_are_not_followed() {
    let folder = folder("links");
    fs::create_dir_all(folder.join("tree")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", folder.join("tree/link")).unwrap();
    let error = Recipe::parse("[[files]]\nfrom = \"tree\"\nto = '/x'\n", &folder).unwrap_err();
    assert!(matches!(error, BakeError::HostFileUnfit { .. }), "{error:?}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn errors_name_the_place_and_what_was_meant() {
    let rows = [
        (
            "[preset]\n",
            "line 1, column 2: unknown key \"preset\" in the recipe; did you mean presets?",
        ),
        (
            "[presets]\nacpi-shutdwon = true\n",
            "line 2, column 1: unknown preset \"acpi-shutdwon\"; did you mean acpi-shutdown?",
        ),
        ("[presets]\nrdp = false\nzzz = false\n", "line 3, column 1: unknown preset \"zzz\""),
        (
            "[presets]\nrdp = 1\n",
            "line 2, column 1: rdp is of type integer; expected true, false, text or a list of texts",
        ),
        ("[presets]\nrdp = \"x\"\n", "line 2, column 1: preset rdp takes no argument, not \"x\""),
        (
            "[presets]\nnic-watchdog = true\n",
            "line 2, column 1: preset nic-watchdog needs an argument: nic-watchdog=HOST, a name or an IPv4 address",
        ),
        (
            "[[registry]]\nkeys = 'x'\n",
            "line 2, column 1: unknown key \"keys\" in [[registry]]; did you mean key?",
        ),
        ("\n[[registry]]\nname = 'x'\n", "[[registry]] needs key"),
        ("[[registry]]\nkey = 'x'\nname = 'y'\n", "[[registry]] needs data"),
        (
            "[[registry]]\nkey = 'x'\nname = 'y'\ndata = 1\n",
            "line 4, column 1: data is of type integer; expected text (or type = \"REG_DWORD\" for a number)",
        ),
        (
            "[[registry]]\nkey = 'x'\nname = 'y'\ntype='REG_DWORD'\ndata = -1\n",
            "line 5, column 1: \"-1\" is not data of type REG_DWORD",
        ),
        ("[[registry]]\nfile = 'x'\nkey = 'y'\n", "takes either file, or key"),
        (
            "[[registry]]\nkey = 'y'\ndelete = true\ndata = 'x'\n",
            "delete = true takes no type and no data",
        ),
        ("[[files]]\nfrom = 'x'\n", "[[files]] needs to"),
        ("[[files]]\nfrom = 'x'\nto = 'C:\\..\\y'\n", "holds the component \"..\""),
        (
            "[[files]]\nfrom = 'x'\nto = 'y'\nsddl = 'D:(A;;FA;;;EA)'\n",
            "EA is an account of the forest",
        ),
        ("[[files]]\nfrom = 'x'\nto = 'y'\nsddl = 'x'\n", "sddl: expected O:"),
        ("[[bcd]]\nobject = 'x'\nelement = 'y'\n", "[[bcd]] needs value"),
        ("[[bcd]]\nobject = 'x'\ncreate = 'y'\n", "create is osloader"),
        ("[[bcd]]\nobject = 'x'\ncopy = 'y'\nvalue = 1\n", "one table does one thing"),
        ("[[bcd]]\nlist = 'displayorder'\n", "[[bcd]] needs entries"),
        ("[[bcd]]\nlist = 'x'\nentries = []\n", "list is displayorder"),
        ("[[bcd]]\nlist = 'displayorder'\nentries = ['x']\nhow = 'y'\n", "how is set, first"),
        ("[[bcd]]\nretarget = false\n", "stands alone"),
        ("[[bcd]]\nobject = 'x'\nelement = 'y'\ndescription = 'z'\n", "description goes with"),
        ("[[firstboot]]\nname = 'x'\nrun = 'say \"hi'\n", "its quotes do not pair"),
        ("[[drivers]]\nonly = ['x']\n", "[[drivers]] needs source"),
        ("[[drivers]]\nsource = 'x'\nonly = 'y'\n", "only is of type"),
        ("[[drivers]]\nsource = 'x'\nforce = true\n", "force"),
        ("registry = 1\n", "registry is of type integer; expected a list"),
        ("[presets\n", "line 1, column "),
    ];
    for (text, expected) in rows {
        let error = parse(text).expect_err(text);
        let message = message(&error);
        assert!(message.contains(expected), "{text}\n  {message}\n  {expected}");
    }
}

#[test]
fn missing_host_files_are_named() {
    let error = parse("[[files]]\nfrom = 'agent.exe'\nto = '/x'\n").unwrap_err();
    assert!(message(&error).contains("/nowhere/agent.exe"), "{}", message(&error));
    let error = parse("[[registry]]\nfile = 'site.reg'\n").unwrap_err();
    assert!(message(&error).contains("/nowhere/site.reg"), "{}", message(&error));
}

#[test]
fn arbitrary_text_is_refused_without_a_panic() {
    let seed = "[presets]\nrdp = true\n[[registry]]\nkey = 'HKLM\\SOFTWARE\\A'\nname = \"é\"\ntype = \"REG_DWORD\"\ndata = 0x10\n[[files]]\nfrom='a'\nto='b'\n";
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let mut understood = 0;
    for _ in 0..3000 {
        let mut letters: Vec<char> = seed.chars().collect();
        for _ in 0..1 + next() % 4 {
            let at = next() % letters.len();
            letters[at] = ['=', '[', ']', '"', '\'', '\n', 'é', '0', ' ', '.'][next() % 10];
        }
        let text: String = letters.into_iter().collect();
        understood += usize::from(parse(&text).is_ok());
    }
    // The file `a` does not exist, so nothing that keeps [[files]] whole can pass.
    assert!(understood < 300, "{understood}");
}
