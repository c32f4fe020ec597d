//! Which package fits which Windows: the rules that Microsoft publishes, row by row.

use winkiln_drivers::Architecture::{Amd64, Arm64, X86};
use winkiln_drivers::choice::{Choice, Options, Refusal, Selection, choose, fit};
use winkiln_drivers::inf::{Decoration, ParseOptions};
use winkiln_drivers::{Architecture, Package, Target};

fn target(name: &str, architecture: Architecture) -> Target {
    Target::named(name, architecture).unwrap_or_else(|| panic!("{name}"))
}

fn package(path: &str, text: &str) -> Package {
    let text = format!("[Version]\nSignature=\"$Windows NT$\"\n{text}");
    Package::read(path, text.as_bytes(), &ParseOptions::default()).expect("a package")
}

/// A package with one maker: the decorations, of which those with `-` are empty.
fn decorated(list: &str) -> Package {
    let names = list.replace('-', "");
    let mut text = format!("[Manufacturer]\nM=S,{names}\n");
    for name in list.split(',') {
        let (section, empty) =
            (name.trim_start_matches('-').trim_end_matches('-'), name.contains('-'));
        let dot = if section.is_empty() { "" } else { "." };
        text += &format!("[S{dot}{section}]\n");
        if !empty {
            text += "d=I,ID\\1\n";
        }
    }
    package("a.inf", &text)
}

/// The section in force, or why there is none.
fn section(list: &str, target: &Target) -> String {
    match decorated(list).fit(target) {
        Ok(fit) => {
            fit.sections.iter().map(|section| section.name.as_str()).collect::<Vec<_>>().join(" ")
        }
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn releases_have_names() {
    for (name, architecture, expected) in [
        ("xp", X86, "5.1.2600 client, x86"),
        ("XP", Amd64, "5.2.3790 client, amd64"),
        ("2k3", X86, "5.2.3790 server, x86"),
        ("vista", X86, "6.0.6002 client, x86"),
        ("2k8", X86, "6.0.6003 server, x86"),
        ("w7", Amd64, "6.1.7601 client, amd64"),
        ("2k8R2", Amd64, "6.1.7601 server, amd64"),
        ("w8", Amd64, "6.2.9200 client, amd64"),
        ("2k12", Amd64, "6.2.9200 server, amd64"),
        ("w8.1", Amd64, "6.3.9600 client, amd64"),
        ("2k12R2", Amd64, "6.3.9600 server, amd64"),
        ("w10", Amd64, "10.0.19045 client, amd64"),
        ("2k16", Amd64, "10.0.14393 server, amd64"),
        ("2k19", Amd64, "10.0.17763 server, amd64"),
        ("2k22", Amd64, "10.0.20348 server, amd64"),
        ("w11", Arm64, "10.0.26200 client, arm64"),
        ("2k25", Amd64, "10.0.26100 server, amd64"),
        ("10.0.20348", Amd64, "10.0.20348 server, amd64"),
        ("10.0.14393", Amd64, "10.0.14393 client, amd64"),
        ("6.1", X86, "6.1.7601 client, x86"),
        ("10.0.99999", Amd64, "10.0.99999 client, amd64"),
    ] {
        assert_eq!(target(name, architecture).to_string(), expected, "{name}");
    }
    for name in ["", "w9", "10", "10.x", "10.0.1.2", "7.7"] {
        assert_eq!(Target::named(name, X86), None, "{name}");
    }
    assert_eq!(Target::names().count(), 16);
}

#[test]
fn the_nearest_section_is_in_force() {
    let xp = target("xp", X86);
    let datacenter = Target { suite_mask: 0x80, ..target("2k3", X86) };
    for (list, target, expected) in [
        // "INF Manufacturer section": the highest version that is not higher than that of Windows.
        ("NT,NT.5,NT.5.5,NT....0x80", xp, "S.NT.5"),
        ("NT,NT.5,NT.5.5,NT....0x80", Target { suite_mask: 0x80, ..xp }, "S.NT.5"),
        ("NTx86....0x80,NTamd64", datacenter, "S.NTx86....0x80"),
        ("NTx86....0x80,NTamd64", target("2k3", Amd64), "S.NTamd64"),
        ("NTx86....0x80,NTamd64", xp, "it is for product suites 0x80 only"),
        ("NT.7.8,NT", xp, "S.NT"),
        (",NTx86.5.1", xp, "S.NTx86.5.1"),
        (",NTx86.5.1", Target { version: (5, 0), build: 2195, ..xp }, "S"),
        // Empty sections exclude.
        ("-,-NTx86.6.0,NTx86.5.1", xp, "S.NTx86.5.1"),
        (
            "-,-NTx86.6.0,NTx86.5.1",
            target("vista", X86),
            "its section [S.NTx86.6.0] has no devices, which excludes this Windows",
        ),
        (
            "-,-NTx86.6.0,NTx86.5.1",
            target("w10", X86),
            "its section [S.NTx86.6.0] has no devices, which excludes this Windows",
        ),
        // Builds: "Example 3".
        ("NTamd64.6.1,NTamd64.10.0,NTamd64.10.0...14393", target("w7", Amd64), "S.NTamd64.6.1"),
        ("NTamd64.6.1,NTamd64.10.0,NTamd64.10.0...14393", target("w8.1", Amd64), "S.NTamd64.6.1"),
        (
            "NTamd64.6.1,NTamd64.10.0,NTamd64.10.0...14393",
            target("10.0.10586", Amd64),
            "S.NTamd64.10.0",
        ),
        (
            "NTamd64.6.1,NTamd64.10.0,NTamd64.10.0...14393",
            target("2k16", Amd64),
            "S.NTamd64.10.0...14393",
        ),
        (
            "NTamd64.10.0...17134,NTamd64.10.0...22000",
            target("2k22", Amd64),
            "S.NTamd64.10.0...17134",
        ),
        (
            "NTamd64.10.0...17134,NTamd64.10.0...22000",
            target("2k25", Amd64),
            "S.NTamd64.10.0...22000",
        ),
        (
            "NTamd64.10.0...17134,-NTamd64.10.0...17763",
            target("2k19", Amd64),
            "its section [S.NTamd64.10.0...17763] has no devices, which excludes this Windows",
        ),
        (
            "NTamd64.10.0...19041",
            target("2k19", Amd64),
            "it is for Windows 10.0 build 19041 and later",
        ),
        (
            "NTamd64.10.0...22000,NTamd64.10.0...19041",
            target("w8.1", Amd64),
            "it is for Windows 10.0 build 19041 and later",
        ),
        // A build counts within its own version alone.
        ("NTamd64.6.1...99999", target("w10", Amd64), "S.NTamd64.6.1...99999"),
        // Product types.
        ("NTamd64.6.1.1,NTamd64.6.1.3", target("w7", Amd64), "S.NTamd64.6.1.1"),
        ("NTamd64.6.1.1,NTamd64.6.1.3", target("2k8R2", Amd64), "S.NTamd64.6.1.3"),
        ("NTamd64.6.1,NTamd64.6.1.3", target("2k8R2", Amd64), "S.NTamd64.6.1.3"),
        ("NTamd64.6.1.1", target("2k16", Amd64), "it is for clients only"),
        ("NTamd64.6.1.3,NTx86", target("w10", Amd64), "it is for servers only"),
        // Architectures: since Server 2003 SP1 none named is x86.
        ("NT.6.0", target("w7", X86), "S.NT.6.0"),
        (
            "NT.6.0",
            target("w7", Amd64),
            "it names no architecture, which Windows takes to mean x86",
        ),
        ("", target("w7", X86), "S"),
        ("", target("xp", Amd64), "it names no architecture, which Windows takes to mean x86"),
        ("NT,NTx86", xp, "S.NTx86"),
        ("NTx86,NTarm64", target("w10", Amd64), "it is for x86, arm64"),
        ("NTx86,NTamd64.6.2", target("w7", Amd64), "it is for Windows 6.2 and later"),
        (
            "NT$ARCH$",
            xp,
            "\"NT$ARCH$\" is no target that Windows knows: this is a template, not a finished INF",
        ),
    ] {
        assert_eq!(section(list, &target), expected, "{list} on {target}");
    }
}

#[test]
fn each_maker_has_a_section_of_its_own() {
    let text = "[Manufacturer]\nA=A,NTamd64.10.0...17134\nB=B,NTamd64.10.0...22000\n\
        [A.NTamd64.10.0...17134]\nd=I,1\n[B.NTamd64.10.0...22000]\nd=I,2\n";
    let package = package("a.inf", text);
    let count = |name| package.fit(&target(name, Amd64)).map_or(0, |fit| fit.sections.len());
    assert_eq!((count("2k16"), count("2k19"), count("2k25")), (0, 1, 2));
}

#[test]
fn a_package_without_devices_fits_by_its_default_install() {
    let filter = package("f.inf", "[DefaultInstall.NTamd64]\n");
    assert!(filter.fit(&target("w10", Amd64)).is_ok());
    let refusal = filter.fit(&target("w10", X86)).expect_err("not for x86");
    assert_eq!(refusal, Refusal::Architecture { for_architectures: vec![Amd64] });
    let nothing = package("n.inf", "[A]\n").fit(&target("w10", X86)).expect_err("nothing");
    assert_eq!(nothing, Refusal::Nothing);
    assert!(fit(&Decoration::None, &target("xp", X86)).is_ok());
}

/// A package for the device `ID` with what decides between rivals.
fn rival(path: &str, decoration: &str, driver: &str, more: &str) -> Package {
    let text = format!(
        "DriverVer={driver}\nClass=SCSIAdapter\n[Manufacturer]\nM=S,{decoration}\n[S.{decoration}]\nd=I,ID\n\
         [I]\n{more}\n[I.Services]\nAddService=svc,2,X\n"
    );
    package(path, &text)
}

fn chosen(choice: &Choice<'_>) -> Vec<String> {
    choice.chosen.iter().map(|chosen| chosen.package.path().to_owned()).collect()
}

fn pick(
    packages: &[Package],
    target: &Target,
    selection: &Selection,
) -> (Vec<String>, Vec<String>) {
    let choice = choose(packages, target, &Options { selection, signature: &|_| 0x0D });
    let others = choice.others.iter().map(|o| format!("{}: {}", o.package.path(), o.why));
    (chosen(&choice), others.collect())
}

#[test]
fn the_best_of_a_name_is_chosen() {
    let w10 = target("w10", Amd64);
    let (old, new) = ("01/01/2020,2.0.0.0", "01/01/2021,1.0.0.0");
    let (x, y) = ("NTamd64.6.1", "NTamd64.10.0");
    for (what, first, second, expected) in [
        (
            "the later date",
            rival("1/a.inf", x, old, ""),
            rival("2/a.inf", x, new, ""),
            "2/a.inf is of a later date",
        ),
        (
            "the higher version",
            rival("1/a.inf", x, "01/01/2020,1.2", ""),
            rival("2/a.inf", x, "01/01/2020,1.10", ""),
            "2/a.inf is of a higher version",
        ),
        (
            "no date",
            rival("1/a.inf", x, "", ""),
            rival("2/a.inf", x, old, ""),
            "2/a.inf is of a later date",
        ),
        (
            "the feature score",
            rival("1/a.inf", x, old, "FeatureScore=FC"),
            rival("2/a.inf", x, new, ""),
            "1/a.inf has the better feature score",
        ),
        (
            "the nearer decoration",
            rival("1/a.inf", x, old, ""),
            rival("2/a.inf", y, old, ""),
            "2/a.inf names this Windows more closely",
        ),
        (
            "the folder",
            rival("w7/a.inf", x, old, ""),
            rival("w10/a.inf", x, old, ""),
            "w10/a.inf is the same by its INF, and in the folder that suits this Windows better",
        ),
        (
            "the folder's kind",
            rival("2k16/a.inf", x, old, ""),
            rival("w10/a.inf", x, old, ""),
            "w10/a.inf is the same by its INF, and in the folder that suits this Windows better",
        ),
        (
            "no later folder",
            rival("w10/a.inf", x, old, ""),
            rival("w11/a.inf", x, old, ""),
            "w10/a.inf is the same by its INF, and in the folder that suits this Windows better",
        ),
        (
            "a folder is no proof",
            rival("w10/a.inf", x, old, ""),
            rival("w11/a.inf", x, new, ""),
            "w11/a.inf is of a later date",
        ),
        (
            "a folder where the INF says nothing",
            rival("w10/a.inf", "NTamd64", old, ""),
            rival("w11/a.inf", "NTamd64", new, ""),
            "w10/a.inf is for this Windows, while this one's folder is named after a later one",
        ),
        (
            "the first",
            rival("1/a.inf", x, old, ""),
            rival("2/a.inf", x, old, ""),
            "1/a.inf is the same by its INF, and comes first",
        ),
    ] {
        let packages = [first, second];
        let (chosen, others) = pick(&packages, &w10, &Selection::default());
        assert_eq!((chosen.len(), others.len()), (1, 1), "{what}");
        assert!(expected.starts_with(&chosen[0]), "{what}: {chosen:?}");
        assert!(others[0].ends_with(&format!(": {expected}")), "{what}: {others:?}");
        let reversed = [packages[1].clone(), packages[0].clone()];
        if what != "the first" {
            assert_eq!(pick(&reversed, &w10, &Selection::default()).0, chosen, "{what}");
        }
    }
    let packages = [rival("1/a.inf", x, old, ""), rival("2/a.inf", x, new, "")];
    let selection = Selection::default();
    let signature = |package: &Package| if package.path() == "1/a.inf" { 0x0D } else { 0x80 };
    let choice = choose(&packages, &w10, &Options { selection: &selection, signature: &signature });
    assert_eq!(chosen(&choice), ["1/a.inf"]);
    assert_eq!(choice.others[0].why.to_string(), "1/a.inf has the better signature");
}

#[test]
fn packages_for_other_devices_are_no_rivals() {
    let text = |id: &str| format!("[Manufacturer]\nM=S,NTx86\n[S.NTx86]\nd=I,{id}\n[I]\n");
    let packages = [
        package("1/a.inf", &text("A,B")),
        package("2/A.INF", &text("C")),
        package("3/b.inf", &text("A")),
    ];
    let (chosen, _) = pick(&packages, &target("xp", X86), &Selection::default());
    assert_eq!(chosen, ["1/a.inf", "2/A.INF", "3/b.inf"]);
    // What is beaten by one that is beaten itself is not beaten.
    let dated = |path: &str, date: &str, id: &str| {
        package(path, &format!("DriverVer={date}\n{}", text(id)))
    };
    let chain = [
        dated("1/a.inf", "01/01/2001", "A"),
        dated("2/a.inf", "01/01/2002", "A,B"),
        dated("3/a.inf", "01/01/2003", "B"),
    ];
    let (chosen, _) = pick(&chain, &target("xp", X86), &Selection::default());
    assert_eq!(chosen, ["1/a.inf", "3/a.inf"]);
}

#[test]
fn many_packages_of_a_name_take_time_in_proportion() {
    let services: String = (0..100).map(|number| format!("AddService=s{number},,S\n")).collect();
    let packages: Vec<_> = (0..1000)
        .map(|number| {
            let services = services.replace('=', &format!("=p{number}"));
            let text = format!("[Manufacturer]\nM=S,NTx86\n[S.NTx86]\nd=I,ID\\{number}\n");
            package(&format!("{number}/a.inf"), &format!("{text}[I.Services]\n{services}"))
        })
        .collect();
    let (chosen, _) = pick(&packages, &target("xp", X86), &Selection::default());
    assert_eq!(chosen.len(), packages.len());
}

#[test]
fn users_select_by_name_service_or_class() {
    let packages = [
        rival("w10/kiln.inf", "NTamd64", "", ""),
        rival("w11/kiln.inf", "NTamd64", "", ""),
        package("net.inf", "Class=Net\n[DefaultInstall]\n"),
    ];
    let w11 = target("w11", Amd64);
    let select = |only: &[&str], exclude: &[&str], all| {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Selection { only: owned(only), exclude: owned(exclude), all }
    };
    let picked = |selection: Selection| pick(&packages, &w11, &selection).0;
    assert_eq!(picked(select(&[], &[], false)), ["w11/kiln.inf", "net.inf"]);
    assert_eq!(picked(select(&[], &[], true)), ["w11/kiln.inf", "w10/kiln.inf", "net.inf"]);
    for name in ["KILN", "kiln.inf", "Svc", "scsiadapter"] {
        assert_eq!(picked(select(&[name], &[], false)), ["w11/kiln.inf"], "{name}");
        assert_eq!(picked(select(&[], &[name], false)), ["net.inf"], "{name}");
    }
    assert_eq!(select(&["kiln", "kilm"], &["x"], false).unknown(&packages), ["kilm", "x"]);
}
