//! INF files of vendors.

use std::process::Command;

use winkiln_drivers::Architecture;
use winkiln_drivers::inf::{Decoration, Inf, InfProblem, NoIncludes, ParseOptions};

use crate::corpus;

/// Every file with its text, unpacked; none, with a word, when there is no corpus.
fn infs() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = corpus::folder("inf") else { return Vec::new() };
    let files = corpus::files(&folder);
    assert!(files.len() >= 90, "{} INF files", files.len());
    let mut found = Vec::new();
    for path in files {
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        let bytes = if name.ends_with(".xz") {
            let output = Command::new("xz").arg("-dc").arg(&path).output();
            match output {
                Ok(output) => output.stdout,
                Err(_) => {
                    corpus::missing("no program xz");
                    continue;
                }
            }
        } else {
            std::fs::read(&path).unwrap()
        };
        found.push((name, bytes));
    }
    found
}

/// Templates of source trees, which a build turns into INF files: placeholders stand where numbers should.
const TEMPLATES: [&str; 3] = ["kvm-guest-src/", "winpv-xcp-ng/", "gplpv-0.11/"];

#[test]
fn all_files_parse_and_their_models_install() {
    let mut installed = 0;
    for (name, bytes) in infs() {
        let template = TEMPLATES.iter().any(|folder| name.starts_with(folder));
        let inf = Inf::parse(&name, &bytes, &ParseOptions::default()).expect("it parses");
        let version = inf.version();
        // The floppy's table is no INF; the setup tables of Windows have a signature.
        if name.ends_with("TXTSETUP.OEM") {
            let problem = version.expect_err("it has no version").problem;
            assert_eq!(problem, InfProblem::NoSection { section: "Version".to_owned() });
            continue;
        }
        let version = version.expect("a signature");
        assert!(template || version.problems.is_empty(), "{name}: {:?}", version.problems);
        for section in inf.manufacturers().expect("makers").iter().flat_map(|m| &m.sections) {
            assert_eq!(section.problems, [], "{name}");
            let target = match &section.decoration {
                Decoration::Unknown(text) => {
                    assert!(text.contains(['$', '@']), "{name}: {text}");
                    continue;
                }
                Decoration::None => Architecture::X86,
                Decoration::Target(target) => target.architecture.unwrap_or(Architecture::X86),
            };
            for model in &section.models {
                let install = inf.install(&model.install_section, target, &NoIncludes);
                let install = install.unwrap_or_else(|error| panic!("{error}"));
                installed += 1;
                let complete = install.included.iter().all(|i| i.found_in.is_some());
                let service = install.function_service().is_some() || install.null_service;
                // Class installers name the services of some of Windows' own devices, and of protocols.
                let class = name.starts_with("ms-") || version.class.as_deref() == Some("NetTrans");
                let install = &model.install_section;
                assert!(class || service || !complete, "{name}: {install}");
            }
        }
    }
    assert!(installed > 900 || infs().is_empty(), "{installed} models");
}

#[test]
fn a_vendors_storage_driver_is_understood() {
    let Some((name, bytes)) = infs().into_iter().find(|(name, _)| name.ends_with("iaStorVD.inf"))
    else {
        return;
    };
    let inf = Inf::parse(&name, &bytes, &ParseOptions::default()).expect("it parses");
    let install = inf.install("VMD_inst", Architecture::Amd64, &NoIncludes).expect("it installs");
    let files: Vec<_> =
        install.files.iter().map(|file| (file.name.as_str(), file.destination.folder.0)).collect();
    assert_eq!(
        files,
        [("iaStorVD.sys", 12), ("RstMwService.exe", 13), ("RstMwEventLogMsg.dll", 11)]
    );
    let service = install.function_service().expect("a service");
    assert_eq!((service.name.as_str(), service.start, service.registry.len()), ("iaStorVD", 0, 4));
    assert_eq!(install.services.len(), 2);
    assert_eq!(install.feature_score, Some(0x80));
    assert_eq!(install.hardware_registry.len(), 17);
    assert_eq!(install.not_carried_out[0].directive, "AddPowerSetting");
}
