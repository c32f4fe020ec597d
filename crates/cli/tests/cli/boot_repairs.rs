//! Rescue steps from one end to the other: hives from `RegBack`, stores by recipe, and what is shown of the way to Windows.

use serde_json::json;

use crate::env::{Guest, winkiln};

#[test]
fn a_hive_comes_back_from_regback() {
    let guest = Guest::new();
    let image = guest.image();
    let config = r"\Windows\System32\config";
    let as_it_was = guest.hive(&format!(r"{config}\SOFTWARE"), "SOFTWARE");
    drop(winkiln(&["fs", "mkdir", image, &format!(r"{config}\RegBack")]).ok());
    let backup = format!(r"{config}\RegBack\SOFTWARE");
    drop(winkiln(&["fs", "put", image, &as_it_was, &backup]).ok());
    let key = r"HKLM\SOFTWARE\Changed since";
    drop(winkiln(&["reg", "add", image, key, "-v", "x", "-d", "y"]).ok());
    let report = winkiln(&["apply", image, "--preset", "restore-hive=SOFTWARE", "--json"]).json();
    assert_eq!(report["committed"], true, "{report}");
    assert!(report["warnings"].to_string().contains("is lost"), "{report}");
    assert!(!report["verified"].as_array().unwrap().is_empty(), "{report}");
    winkiln(&["reg", "query", image, key]).fails(1, &["Changed since"]);
    let restored = guest.hive(&format!(r"{config}\SOFTWARE"), "restored");
    assert_eq!(std::fs::read(restored).unwrap(), std::fs::read(as_it_was).unwrap());
    // A copy of no length, as Windows leaves them since 1803, is none.
    let empty = guest.write("empty", b"");
    drop(winkiln(&["fs", "put", image, &empty, &backup]).ok());
    winkiln(&["apply", image, "--preset", "restore-hive=SOFTWARE"]).fails(1, &["RegBack"]);
}

#[test]
fn a_recipe_makes_copies_orders_and_deletes_entries() {
    let guest = Guest::new();
    let image = guest.image();
    let [rescue, made, gone] =
        [1, 2, 3].map(|n| format!("{{00000000-0000-4000-8000-00000000000{n}}}"));
    let recipe = format!(
        "[[bcd]]\ncopy = '{{default}}'\nobject = '{rescue}'\ndescription = 'Rescue'\n\
         [[bcd]]\nobject = '{rescue}'\nelement = 'safeboot'\nvalue = 'Minimal'\n\
         [[bcd]]\ncreate = 'osloader'\nobject = '{made}'\ndescription = 'Made'\n\
         [[bcd]]\nlist = 'displayorder'\nentries = ['{rescue}']\nhow = 'first'\n\
         [[bcd]]\nobject = '{{bootmgr}}'\nelement = 'default'\nvalue = '{rescue}'\n\
         [[bcd]]\nobject = '{{bootmgr}}'\nelement = 'timeout'\nvalue = 7\n\
         [[bcd]]\nobject = '{gone}'\ndelete = true\n"
    );
    let recipe = guest.write("recipe.toml", recipe.as_bytes());
    let create = ["bcd", "create", image, &gone, "--application", "osloader"];
    drop(winkiln(&[&create[..], &["-d", "Gone"]].concat()).ok());
    let report = winkiln(&["apply", image, &recipe, "--json"]).json();
    assert_eq!(report["committed"], true, "{report}");
    let shown = winkiln(&["bcd", "enum", image, "all", "--json"]).json();
    let objects = shown["objects"].as_array().unwrap();
    let object = |guid: &str| objects.iter().find(|object| object["guid"] == guid);
    let value = |guid: &str, name: &str| {
        let elements = object(guid).unwrap()["elements"].as_array().unwrap();
        let found = elements.iter().find(|element| element["name"] == name);
        found.map(|element| element["value"].clone())
    };
    assert!(object(&gone).is_none(), "{shown}");
    let manager = "{9dea862c-5cdd-4e70-acc1-f32b344d4795}";
    assert_eq!(value(manager, "default"), Some(json!(rescue)));
    assert_eq!(value(manager, "timeout"), Some(json!(7)));
    assert_eq!(value(manager, "displayorder").unwrap()[0], rescue.as_str());
    assert_eq!(value(&rescue, "description"), Some(json!("Rescue")));
    assert_eq!(value(&rescue, "systemroot"), Some(json!(r"\Windows")));
    assert_eq!(value(&made, "description"), Some(json!("Made")));
    // The same again changes nothing.
    assert_eq!(winkiln(&["apply", image, &recipe, "--json"]).json()["committed"], false);
}

#[test]
fn inspect_draws_the_way_to_windows() {
    let guest = Guest::new();
    let image = guest.image();
    let manager = winkiln(&["bcd", "enum", image, "{bootmgr}", "--json"]).json();
    let elements = manager["objects"][0]["elements"].as_array().unwrap();
    let order = elements.iter().find(|element| element["name"] == "displayorder").unwrap();
    let first = order["value"][0].as_str().unwrap();
    drop(winkiln(&["bcd", "deletevalue", image, "{bootmgr}", "default"]).ok());
    let text = winkiln(&["inspect", image]).ok();
    let chain: Vec<&str> = text
        .lines()
        .skip_while(|line| *line != "  boot chain")
        .take_while(|line| !line.contains("storage-not-bound"))
        .collect();
    let expected = format!(
        r#"  boot chain
    !! firmware      BIOS, master boot record, partition 1
       mbr-code-missing  master boot record: no boot code
    ok boot manager  \bootmgr of volume 1
    i  configuration \Boot\BCD of volume 1, no default entry after 30 s
       boot-default-missing  default of {{bootmgr}}: nothing: {first}, the first of the menu, starts
    ok loader        \Windows\System32\winload.exe of volume 1
    ok registry      ControlSet001 of \Windows\System32\config\SYSTEM
    ok boot drivers  4 start with the kernel
    !! disk          found on no disk controller of a hypervisor"#
    );
    assert_eq!(chain, expected.lines().collect::<Vec<_>>(), "{text}");
}

/// What an entry of `boot.ini` names, and what keeps it from being read.
#[test]
fn bootini_show_tells_where_entries_lead() {
    let guest = super::boot::boot_ini_guest();
    let image = guest.image();
    let arc = |disk, partition| format!("multi(0)disk(0)rdisk({disk})partition({partition})\\W");
    let ini = format!(
        "[operating systems]\r\n{}=\"1\"\r\n{}=\"2\"\r\n{}=\"3\"\r\nC:\\x.bin=\"4\"\r\n",
        arc(0, 1),
        arc(0, 4),
        arc(1, 1)
    );
    let put = |bytes: &[u8]| {
        let local = guest.write("ini", bytes);
        drop(winkiln(&["fs", "put", image, &local, r"\boot.ini"]).ok());
    };
    put(ini.as_bytes());
    let shown = winkiln(&["bootini", "show", image, "--json"]).json();
    let places: Vec<_> = shown["entries"].as_array().unwrap().iter().collect();
    assert_eq!(places[0]["volume"], 1);
    assert_eq!(places[1]["no_volume"], "this disk has no such partition");
    assert_eq!(places[2]["no_volume"], "it is on another disk");
    assert_eq!((places[3].get("volume"), places[3].get("no_volume")), (None, None));
    let text = winkiln(&["bootini", "show", image]).ok();
    assert!(text.contains("Volume:           none, it is on another disk\n"), "{text}");
    let units = std::iter::once(0xFEFF).chain(ini.encode_utf16());
    put(&units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    for args in [&["bootini", "show", image][..], &["bootini", "timeout", image, "5"]] {
        winkiln(args).fails(1, &["UTF-16", "winkiln doctor"]);
    }
}
