//! Guests whose drivers are programs, so that starting Windows' own of them can be judged.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use winkiln_bake::step::Contents;
use winkiln_bake::{Recipe, Session, SessionOptions, Step};
use winkiln_guest::HiveName;
use winkiln_guest::boots_on::ControllerVerdict;

use crate::judge::{Guest, make_drivers, shared};

const OWN: [&str; 6] = ["intelide", "pciide", "atapi", "msahci", "storahci", "stornvme"];

/// Puts a program where each driver of the boot is expected, and Windows' own drivers of disk controllers where `elsewhere` says.
pub(crate) fn furnish(guest: &Guest, arch: &str, elsewhere: &[(&str, &str)]) {
    let mut session = Session::open(&guest.image, &SessionOptions::default()).expect("opens");
    let (registry, disk) = session.registry().expect("a registry");
    let hive = registry.hive(disk, &HiveName::System).expect("a hive");
    let services = hive.find(hive.root(), r"ControlSet001\Services").unwrap().expect("services");
    let mut names = OWN.map(str::to_owned).to_vec();
    for (name, key) in hive.subkeys(services).unwrap() {
        let number = |value: &str| {
            let value = hive.value(key, value).unwrap()?;
            Some(u32::from_le_bytes(*value.data.first_chunk()?))
        };
        if (number("Type"), number("Start")) == (Some(1), Some(0)) {
            names.push(name);
        }
    }
    drop(session);
    let files = make_drivers(guest, arch, &names);
    let mut steps = Vec::new();
    for name in names {
        let known = elsewhere.iter().find(|(own, _)| name.eq_ignore_ascii_case(own));
        let path = known.map_or_else(
            || format!(r"\Windows\System32\drivers\{name}.sys"),
            |(_, path)| (*path).to_owned(),
        );
        let contents = Contents::HostFile(files.join(format!("{name}.sys")));
        steps.push(Step::PutFile { path, contents, parents: true });
    }
    for (missing, _) in elsewhere {
        let path = format!(r"\Windows\System32\drivers\{missing}.sys");
        if guest.lists("Windows/System32/drivers", &format!("{missing}.sys")) {
            steps.push(Step::Remove { path, recursive: false });
        }
    }
    if arch == "x86" {
        let inf = shared("WINKILN_CORPUS", "corpus").join("inf/ms-inbox-i386/mshdc.inf");
        let path = r"\Windows\INF\mshdc.inf".to_owned();
        steps.push(Step::PutFile { path, contents: Contents::HostFile(inf), parents: true });
    }
    let report = crate::images::bake(
        guest,
        &Recipe { presets: Vec::new(), steps, ..Recipe::default() },
        false,
    );
    assert!(report.committed);
}

/// Which controllers the guest boots from, of the buses that every hypervisor emulates.
pub(crate) fn boots_on(image: &Path) -> BTreeMap<&'static str, bool> {
    let mut session = Session::open_read_only(image, &SessionOptions::default()).expect("opens");
    let windows = session.windows().expect("a Windows");
    let (registry, disk) = session.registry().expect("a registry");
    let verdicts = winkiln_guest::boots_on(disk, registry, &windows).expect("verdicts");
    let verdicts = verdicts.into_iter().filter(|bus| ["ide", "ahci", "nvme"].contains(&bus.word));
    verdicts.map(|bus| (bus.word, bus.controllers.iter().all(ControllerVerdict::boots))).collect()
}

/// What the table says, as `ide=yes ...`.
pub(crate) fn table(image: &Path) -> String {
    let mut text = String::new();
    for (word, boots) in boots_on(image) {
        let _ = write!(text, "{word}={} ", if boots { "yes" } else { "no" });
    }
    text.trim_end().to_owned()
}
