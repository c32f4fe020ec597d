//! Encodings, sections, strings, limits.

use winkiln_drivers::inf::{Inf, InfProblem, ParseOptions, code_page};

use crate::{fixture, inf, parsed};

fn wide(text: &str, big: bool) -> Vec<u8> {
    let order = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
    text.encode_utf16().flat_map(order).collect()
}

#[test]
fn every_encoding_gives_the_same() {
    let bytes = fixture("kilnstor.inf");
    let text = String::from_utf8(bytes.clone()).expect("UTF-8");
    let plain = parsed("kilnstor.inf");
    let with_mark = format!("\u{FEFF}{text}");
    let crlf = text.replace('\n', "\r\n");
    for (what, bytes) in [
        ("UTF-8 with mark", with_mark.clone().into_bytes()),
        ("UTF-16LE", wide(&with_mark, false)),
        ("UTF-16BE", wide(&with_mark, true)),
        ("UTF-16LE without mark", wide(&text, false)),
        ("UTF-16BE without mark", wide(&text, true)),
        ("CRLF", crlf.into_bytes()),
        ("a byte too many", [wide(&with_mark, false), vec![b'x']].concat()),
    ] {
        let other = Inf::parse("kilnstor.inf", &bytes, &ParseOptions::default()).expect(what);
        assert_eq!(other.sections(), plain.sections(), "{what}");
    }
}

#[test]
fn eight_bit_text_has_a_code_page() {
    let text = b"[Strings]\na=\"\xC4\xF6\"\n";
    let read = |ansi: u16| {
        let ansi = code_page(ansi).expect("a code page");
        let options = ParseOptions { ansi, ..ParseOptions::default() };
        Inf::parse("a.inf", text, &options).expect("an INF").strings()["a"].clone()
    };
    assert_eq!(read(1252), "Äö");
    assert_eq!(read(1251), "Дц");
    assert_eq!(read(932), "ﾄ\u{FFFD}");
    assert_eq!(code_page(1), None);
}

#[test]
fn sections_of_a_name_are_one() {
    let inf = inf("[A]\nx=1\n[B]\n[a]\ny=2\n[%n%]\nz=3\n[Strings]\nn=C\nn=D\n");
    let names: Vec<_> = inf.sections().iter().map(|section| section.name.as_str()).collect();
    assert_eq!(names, ["A", "B", "%n%", "Strings"]);
    let keys: Vec<_> = inf.entries("A").map(|entry| (entry.line(), entry.key())).collect();
    assert_eq!(keys, [(2, "x".to_owned()), (5, "y".to_owned())]);
    assert_eq!(inf.entry("c", "Z").map(|entry| entry.string(0)).as_deref(), Some("3"));
}

#[test]
fn strings_follow_the_language() {
    let text = "[A]\nk=%a%,%b%\n[Strings]\na=any\nb=any\n[Strings.0007]\na=neutral\n\
        [Strings.0C07]\na=austria\n[Strings.0407]\na=germany\n[Strings.0009]\na=english\n";
    let read = |text: &str, language| {
        let options = ParseOptions { language, ..ParseOptions::default() };
        let inf = Inf::parse("a.inf", text.as_bytes(), &options).expect("an INF");
        let entry = inf.entry("A", "k").expect("an entry");
        format!("{} {}", entry.string(0), entry.string(1))
    };
    for (language, expected) in [
        (0x0407, "germany any"),
        (0x0C07, "austria any"),
        (0x0807, "neutral any"),
        (0x0409, "english any"),
        (0x040C, "any any"),
    ] {
        assert_eq!(read(text, language), expected, "{language:#06x}");
    }
    let related = "[A]\nk=%a%,x\n[Strings.0407]\na=germany\n[Strings]\na=any\n";
    assert_eq!(read(related, 0x0807), "germany x");
    assert_eq!(read("[A]\nk=%a%,x\n[Strings.0407]\na=germany\n", 0x0409), "germany x");
}

#[test]
fn what_is_no_inf_is_refused() {
    let fails = |bytes: &[u8]| {
        let error = Inf::parse("a.inf", bytes, &ParseOptions::default()).expect_err("refused");
        (error.line, error.problem.clone(), error.to_string())
    };
    let (line, problem, text) = fails(b"\n; x\nhello\n");
    assert_eq!((line, problem), (3, InfProblem::BeforeFirstSection));
    assert_eq!(text, "a.inf line 3: text before the first section: this is no INF");
    assert_eq!(fails(b"[A]\n[B\n").1, InfProblem::UnclosedSection);
    let long = format!("[A]\nk={}\n", "x".repeat(40_000));
    assert!(matches!(fails(long.as_bytes()).1, InfProblem::FieldTooLong { .. }));
    let spaces = format!("[A]\nk=a{}b\n", " ".repeat(40_000));
    assert!(matches!(fails(spaces.as_bytes()).1, InfProblem::FieldTooLong { .. }));
    let bomb = format!("[A]\nk={}\n[Strings]\na={}\n", "%a%".repeat(10), "x".repeat(4000));
    assert!(matches!(fails(bomb.as_bytes()).1, InfProblem::FieldTooLong { .. }));
    let line = format!("{}\n", "%a%,".repeat(8000));
    let bomb = format!("[A]\n{line}{line}{line}[Strings]\na={}\n", "x".repeat(4000));
    assert!(matches!(fails(bomb.as_bytes()).1, InfProblem::ExpansionTooLong { .. }));
    assert!(matches!(fails(&vec![b' '; 17 << 20]).1, InfProblem::TooLarge { .. }));
    assert!(
        Inf::parse("a.inf", b"", &ParseOptions::default()).is_ok(),
        "empty is an INF of nothing"
    );
}

#[test]
fn a_version_needs_its_signature() {
    let version = |text: &str| inf(text).version().map_err(|error| error.to_string());
    assert_eq!(version("[A]\n"), Err("test.inf: there is no section [Version]".to_owned()));
    let none =
        "test.inf line 1: the signature is \"\", not \"$Windows NT$\": this is no INF of Windows";
    assert_eq!(version("[Version]\nClass=x\n"), Err(none.to_owned()));
    let odd = version(
        "[Version]\nSignature=$CHICAGO$\nClassGuid={1}\nDriverVer=@DATE@\nPnpLockdown=yes\n",
    );
    let problems = odd.expect("a version").problems;
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "test.inf line 3: \"{1}\" is not a GUID",
            "test.inf line 4: \"@DATE@,\" is not mm/dd/yyyy,a.b.c.d",
            "test.inf line 5: \"yes\" is not a number (PnpLockdown)",
        ]
    );
}

#[test]
fn random_text_never_panics() {
    let words = [
        "[",
        "]",
        "Version",
        "Strings",
        "Manufacturer",
        "A",
        ".NT",
        "\n",
        "\r\n",
        "=",
        ",",
        ";",
        "\"",
        "\\",
        "%",
        "%%",
        "a",
        "0x10",
        "12",
        "CopyFiles",
        "AddReg",
        "Needs",
        "Include",
        "AddService",
        "HKR",
        "\0",
        "ü",
        " ",
        "@",
        "Services",
        ".",
    ];
    let mut state = 7_u64;
    let mut below = |limit: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    for _ in 0..3000 {
        let mut text = String::new();
        if below(2) == 0 {
            text.push_str("[A]\n");
        }
        for _ in 0..below(60) {
            text.push_str(words[below(words.len())]);
        }
        let Ok(inf) = Inf::parse("a.inf", text.as_bytes(), &ParseOptions::default()) else {
            continue;
        };
        let _ = inf.version();
        let _ = inf.manufacturers();
        for section in inf.sections() {
            let architecture = winkiln_drivers::Architecture::Amd64;
            let _ = inf.install(&section.name, architecture, &winkiln_drivers::inf::NoIncludes);
        }
    }
}

#[test]
fn many_backslashes_take_time_in_proportion() {
    let line = r"\,".repeat(1 << 20);
    let inf = inf(&format!("[a]\n{line}\n"));
    assert_eq!(inf.entries("a").map(|entry| entry.len()).sum::<usize>(), (1 << 20) + 1);
}

#[test]
fn many_keys_take_time_in_proportion() {
    let count = 50_000;
    let mut text = "[Version]\nSignature=\"$Windows NT$\"\n[DestinationDirs]\nList=12\n\
        [SourceDisksNames]\n1=disk\n[i]\nCopyFiles=List\n[List]\n"
        .to_owned();
    for section in ["", "[SourceDisksFiles]\n"] {
        text += section;
        for number in 0..count {
            text +=
                &if section.is_empty() { format!("f{number}\n") } else { format!("F{number}=1\n") };
        }
    }
    let inf = inf(&text);
    let install =
        inf.install("i", winkiln_drivers::Architecture::Amd64, &winkiln_drivers::inf::NoIncludes);
    let files = install.expect("it installs").files;
    assert!(files.len() == count && files.iter().all(|file| file.source.listed));
}

#[test]
fn what_includes_cost_is_counted() {
    let names = (0..3000).map(|number| format!("n{number}.inf")).collect::<Vec<_>>().join(",");
    let needs = (0..3000).map(|number| format!("s{number}")).collect::<Vec<_>>().join(",");
    let inf = inf(&format!("[i]\nInclude={names}\nNeeds={needs}\n"));
    let found =
        inf.install("i", winkiln_drivers::Architecture::Amd64, &winkiln_drivers::inf::NoIncludes);
    assert!(found.unwrap_err().to_string().contains("entries"));
}

/// What an INF takes in memory follows its text, however short its lines are; and what makes copies of it is counted by its length.
#[test]
fn an_inf_is_no_larger_than_any() {
    let refused = |text: &str| {
        let parsed = Inf::parse("a.inf", text.as_bytes(), &ParseOptions::default());
        matches!(parsed.expect_err("refused").problem, InfProblem::TooManyFields { .. })
    };
    assert!(refused(&format!("[A]\n{}", "a\n".repeat(1_000_000))));
    assert!(refused(&format!("[A]\n{}", "a,".repeat(2_000_000))));
    assert!(refused(&"[A]\n".repeat(250_001)));
    // The largest of graphics drivers and printers have a quarter of this.
    let large = inf(&format!("[A]\n{}", "HKR,,N,%REG_DWORD%,0\n".repeat(200_000)));
    assert_eq!(large.entries("A").map(|entry| entry.len()).sum::<usize>(), 1_000_000);

    let long = "x".repeat(30_000);
    let named = "M,".repeat(20_000);
    let text = format!("[Manufacturer]\nA=M,{named}\n[M]\nm=i\n[M.M]\n\"{long}\"=i,PCI\\A\n");
    let error = inf(&text).manufacturers().expect_err("refused").to_string();
    assert!(error.ends_with("entries are referred to"), "{error}");
    let named = "R,".repeat(20_000);
    let line = format!("HKR,,x,,\"{long}\"");
    for text in
        [format!("[i]\nAddReg={named}\n[R]\n{line}\n"), format!("[i]\nAddReg={named}\n{line}\n")]
    {
        let installed = inf(&text).install(
            "i",
            winkiln_drivers::Architecture::Amd64,
            &winkiln_drivers::inf::NoIncludes,
        );
        let error = installed.expect_err("refused").to_string();
        assert!(error.ends_with("entries are referred to"), "{error}");
    }
}
