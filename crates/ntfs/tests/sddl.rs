//! Descriptors from text and back.

use std::collections::BTreeSet;

use winkiln_ntfs::{
    OpenOptions, Volume,
    security::{Domains, SecurityError, from_sddl, replace_parts, to_sddl},
};
use winkiln_security::{Objects, for_object};

use crate::{device::FileDevice, images};

fn read(text: &str) -> Vec<u8> {
    from_sddl(text, Domains::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn text_and_descriptor_are_inverse() {
    for text in [
        "O:BAG:SYD:(A;;FA;;;SY)",
        "O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICIIO;GA;;;CO)(A;CIIOID;SDGXGWGR;;;AU)",
        "D:",
        "D:P",
        "D:NO_ACCESS_CONTROL",
        "D:PNO_ACCESS_CONTROL",
        "O:WD",
        "G:S-1-5-21-1-2-3-513",
        "D:AI(D;NP;0x1;;;WD)S:AI(AU;SAFA;FA;;;WD)(ML;OICI;NW;;;LW)",
        "S:PAR(ML;;NWNRNX;;;HI)",
        "D:(OA;CI;0x100;00299570-246d-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;PS)",
        "D:(OA;;0x20;;bf967aba-0de6-11d0-a285-00aa003049e2;CO)(OD;;FR;;;AN)(A;;FX;;;AC)",
        "O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464D:(A;;0x1200a9;;;S-1-15-2-2)",
        "D:(A;;RCSDWDWO;;;OW)S:(AU;FA;FW;;;NU)",
        "S:(OL;;0x1;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)(AL;;0x2;;;WD)(OL;;0x1;;;HI)",
    ] {
        let bytes = read(text);
        assert_eq!(to_sddl(&bytes).unwrap(), text);
    }
}

/// Bytes as Windows lays them out: SACL, DACL, owner, group.
#[test]
fn the_layout_is_that_of_windows() {
    let expected = [
        &[1, 0, 4, 0x94, 0x30, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0][..],
        &[2, 0, 0x1c, 0, 1, 0, 0, 0],
        &[0, 3, 0x14, 0, 0xff, 1, 0x1f, 0, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0],
        &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0],
        &[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0],
    ]
    .concat();
    assert_eq!(read("O:BAG:SYD:PAI(A;OICI;FA;;;SY)"), expected);
}

#[test]
fn spellings_that_mean_the_same() {
    for (text, same) in [
        ("o:bag:syd:(a;oici;fa;;;sy)", "O:BAG:SYD:(A;OICI;FA;;;SY)"),
        (
            " O:BA G:SY\nD: P (A; OICI ; FA ;;; SY ) (A;;FR;;;WD) ",
            "O:BAG:SYD:P(A;OICI;FA;;;SY)(A;;FR;;;WD)",
        ),
        ("D:(A;CIOI;0x1F01FF;;;S-1-5-18)", "D:(A;OICI;FA;;;SY)"),
        ("D:(A;;2032127;;;S-1-0x5-0x12)", "D:(A;;FA;;;SY)"),
        ("D:(A;;017;;;SY)", "D:(A;;0xf;;;SY)"),
        ("D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;SY)", "D:(A;;0xf01ff;;;SY)"),
        ("D:(A;;KA;;;SY)(A;;KR;;;BU)", "D:(A;;0xf003f;;;SY)(A;;0x20019;;;BU)"),
        ("D:(A;;;;;SY)", "D:(A;;0x0;;;SY)"),
        ("S:D:O:SY", "O:SYD:S:"),
        ("D:ARAIP(A;;FRFW;;;SY)", "D:PARAI(A;;0x12019f;;;SY)"),
    ] {
        assert_eq!(to_sddl(&read(text)).unwrap(), same, "{text}");
    }
}

#[test]
fn accounts_of_a_domain_need_its_identifier() {
    let refused = from_sddl("O:LAD:", Domains::default()).unwrap_err();
    let expected = SecurityError::SddlDomain { letters: "LA".into(), whose: "machine" };
    assert_eq!(refused, expected);
    let sid = |text: &str| read(&format!("O:{text}"))[20..].to_vec();
    let (machine, domain) = (sid("S-1-5-21-1-2-3"), sid("S-1-5-21-7-8-9"));
    let domains = Domains { machine: Some(&machine), domain: Some(&domain), forest: None };
    let read = from_sddl("O:LAG:DUD:(A;;FA;;;da)", domains).unwrap();
    let text = "O:S-1-5-21-1-2-3-500G:S-1-5-21-7-8-9-513D:(A;;FA;;;S-1-5-21-7-8-9-512)";
    assert_eq!(to_sddl(&read).unwrap(), text);
    let refused = from_sddl("O:EA", domains).unwrap_err();
    assert!(matches!(refused, SecurityError::SddlDomain { whose: "forest", .. }), "{refused}");
}

#[test]
fn what_is_not_sddl_is_refused_with_its_place() {
    for (text, at, problem) in [
        ("hello", 0, "expected O:"),
        ("O:BAX:SY", 4, "expected O:"),
        ("O:XX", 2, "not a security identifier"),
        ("O:S-1-5", 2, "not a security identifier"),
        ("O:S-1-5-4294967296", 2, "not a security identifier"),
        ("O:S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16", 2, "not a security identifier"),
        ("O:BAO:SY", 4, "second time"),
        ("D:X(A;;FA;;;SY)", 2, "not a flag of an access"),
        ("D:(A;;FA;;;SY", 2, "expected an entry"),
        ("D:(A;;FA;;;SY)x", 14, "expected an entry"),
        ("D:(A;;FA;;SY)", 3, "six fields"),
        ("D:(Q;;FA;;;SY)", 3, "not a type"),
        ("D:(A;XX;FA;;;SY)", 5, "not a flag of an entry"),
        ("D:(A;;FAQQ;;;SY)", 8, "not a right"),
        ("D:(A;;0x1ffffffff;;;SY)", 6, "not an access mask"),
        ("D:(A;;FA;;;)", 11, "not a security identifier"),
        ("D:(A;;FA;bf967aba-0de6-11d0-a285-00aa003049e2;;SY)", 9, "no GUIDs"),
        ("D:(OA;;FA;bf967aba;;SY)", 10, "not a GUID"),
        ("D:(OA;;FA;+f967aba-0de6-11d0-a285-00aa003049e2;;SY)", 10, "not a GUID"),
        ("D:NO_ACCESS_CONTROL(A;;FA;;;SY)", 2, "null list"),
        ("D:(XA;;FX;;;WD;(@User.Title == \"PM\"))", 3, "conditions"),
        ("S:(RA;;;;;WD;(\"Secrecy\",TU,0,3))", 3, "conditions"),
        ("D:(A;;FA;;;\u{e4}\u{f6})", 11, "not a security identifier"),
        ("\u{e4}:", 0, "expected O:"),
    ] {
        match from_sddl(text, Domains::default()) {
            Err(SecurityError::Sddl { at: found, problem: said, .. }) => {
                assert_eq!(found, at, "{text}: {said}");
                assert!(said.contains(problem), "{text}: {said}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    let long = format!("D:{}", "(A;;FA;;;SY)".repeat(4000));
    let refused = from_sddl(&long, Domains::default()).unwrap_err();
    assert!(matches!(refused, SecurityError::ListTooLong { .. }), "{refused}");
}

#[test]
fn parts_are_replaced_one_by_one() {
    let old = "O:BAG:SYD:AI(A;ID;FA;;;SY)S:AI(ML;;NW;;;LW)";
    for (new, expected) in [
        ("O:SY", "O:SYG:SYD:AI(A;ID;FA;;;SY)S:AI(ML;;NW;;;LW)"),
        ("G:BU", "O:BAG:BUD:AI(A;ID;FA;;;SY)S:AI(ML;;NW;;;LW)"),
        ("D:P(A;;FR;;;WD)", "O:BAG:SYD:P(A;;FR;;;WD)S:AI(ML;;NW;;;LW)"),
        ("S:", "O:BAG:SYD:AI(A;ID;FA;;;SY)S:"),
        ("D:NO_ACCESS_CONTROL", "O:BAG:SYD:NO_ACCESS_CONTROLS:AI(ML;;NW;;;LW)"),
        ("", old),
    ] {
        let replaced = replace_parts(&read(old), &read(new)).unwrap();
        assert_eq!(to_sddl(&replaced).unwrap(), expected, "{new}");
    }
}

#[test]
fn generic_rights_become_file_rights_where_they_count() {
    let given = "D:(A;OICI;GA;;;BA)(A;OICIIO;GA;;;CO)(A;;GRGX;;;BU)(OD;;GW;;;WD)S:(ML;;NX;;;HI)";
    let stored =
        "D:(A;OICI;FA;;;BA)(A;OICIIO;GA;;;CO)(A;;0x1200a9;;;BU)(OD;;FW;;;WD)S:(ML;;NX;;;HI)";
    assert_eq!(to_sddl(&for_object(Objects::Files, &read(given)).unwrap()).unwrap(), stored);
}

/// Every descriptor that Windows (or another system) put on the volumes of the corpus, to text and back.
#[test]
fn descriptors_of_real_volumes_survive() {
    let (mut distinct, mut equal) = (BTreeSet::new(), 0);
    for name in images::corpus_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(image) = images::corpus(name, folder.path()) else { return };
        let device = FileDevice::open(&image.path, image.start, image.length, false);
        let volume = Volume::open(device, OpenOptions::default()).expect("opened");
        let mut folders = vec![volume.root()];
        while let Some(at) = folders.pop() {
            for entry in volume.read_directory(at).expect("a listing") {
                if let Ok(facts) = volume.metadata(entry.reference)
                    && let Some(security) = facts.security
                {
                    distinct.insert(security);
                }
                if entry.is_directory {
                    folders.push(entry.reference);
                }
            }
        }
    }
    for bytes in &distinct {
        let text = to_sddl(bytes).expect("text");
        let again = from_sddl(&text, Domains::default());
        if text.contains(" bytes") {
            assert!(again.is_err(), "{text}");
            continue;
        }
        let again = again.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(to_sddl(&again).expect("text"), text);
        equal += usize::from(again == *bytes);
        if again != *bytes {
            eprintln!("same meaning, other bytes: {text}");
        }
    }
    eprintln!("{} descriptors, {equal} equal to the byte", distinct.len());
    assert!(distinct.len() >= 30 && equal + 1 >= distinct.len(), "{} {equal}", distinct.len());
}
