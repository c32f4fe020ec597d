//! The files of the sample guest.

use std::path::Path;

use winkiln_bake::step::Contents;
use winkiln_bake::{Report, Session, SessionOptions, Step};
use winkiln_hive::{Hive, reg_text};

use crate::error::{Doing as _, Result};
use crate::loose_hive::LooseHive;

/// A hive made of `.reg` text.
struct HiveFixture {
    /// Where it lies in the guest.
    path: &'static str,
    /// Name of its root key.
    root: &'static str,
    /// Where Windows mounts it.
    mount: &'static str,
    text: &'static str,
}

const HIVES: [HiveFixture; 6] = [
    HiveFixture {
        path: r"\Windows\System32\config\SYSTEM",
        root: "ROOT",
        mount: r"HKLM\SYSTEM",
        text: include_str!("../../../../fixtures/demo/system.reg"),
    },
    HiveFixture {
        path: r"\Windows\System32\config\SOFTWARE",
        root: "ROOT",
        mount: r"HKLM\SOFTWARE",
        text: include_str!("../../../../fixtures/demo/software.reg"),
    },
    HiveFixture {
        path: r"\Windows\System32\config\SAM",
        root: "SAM",
        mount: r"HKLM\SAM",
        text: include_str!("../../../../fixtures/demo/sam.reg"),
    },
    HiveFixture {
        path: r"\Windows\System32\config\SECURITY",
        root: "SECURITY",
        mount: r"HKLM\SECURITY",
        text: include_str!("../../../../fixtures/demo/security.reg"),
    },
    HiveFixture {
        path: r"\Windows\System32\config\DEFAULT",
        root: "DEFAULT",
        mount: r"HKU\.DEFAULT",
        text: include_str!("../../../../fixtures/demo/default.reg"),
    },
    HiveFixture {
        path: r"\Boot\BCD",
        root: "NewStoreRoot",
        mount: r"HKLM\BCD00000000",
        text: include_str!("../../../../fixtures/demo/bcd.reg"),
    },
];

/// Files that Windows has there; here they hold a line of text.
const STAND_INS: [&str; 17] = [
    r"\bootmgr",
    r"\Boot\memtest.exe",
    r"\Windows\explorer.exe",
    r"\Windows\System32\ntoskrnl.exe",
    r"\Windows\System32\ntdll.dll",
    r"\Windows\System32\hal.dll",
    r"\Windows\System32\smss.exe",
    r"\Windows\System32\winload.exe",
    r"\Windows\System32\drivers\afd.sys",
    r"\Windows\System32\drivers\atapi.sys",
    r"\Windows\System32\drivers\disk.sys",
    r"\Windows\System32\drivers\e1i65x64.sys",
    r"\Windows\System32\drivers\intelide.sys",
    r"\Windows\System32\drivers\partmgr.sys",
    r"\Windows\System32\drivers\storahci.sys",
    r"\Windows\System32\drivers\stornvme.sys",
    r"\Windows\System32\drivers\tcpip.sys",
];

const FOLDERS: [&str; 4] = [
    r"\Program Files",
    r"\Users\Public\Desktop",
    r"\Windows\INF",
    r"\Windows\System32\DriverStore\FileRepository",
];

/// Fills the sample disk, in one transaction like any other edit.
pub(crate) fn fill(image: &Path, now: u64) -> Result<Report> {
    let doing = || format!("cannot fill {}", image.display());
    let options = SessionOptions { now, ..SessionOptions::default() };
    let mut session = Session::open(image, &options).doing(doing)?;
    for step in steps(now)? {
        session.apply(&step).doing(doing)?;
    }
    session.finish().doing(doing)
}

fn steps(now: u64) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for path in FOLDERS {
        steps.push(Step::MakeDirectory { path: path.to_owned(), parents: true });
    }
    for path in STAND_INS {
        let name = path.rsplit('\\').next().unwrap_or_default();
        steps.push(put(path, format!("stands for {name} in a sample guest\r\n").into_bytes()));
    }
    for fixture in HIVES {
        steps.push(put(fixture.path, fixture.build(now)?));
    }
    Ok(steps)
}

fn put(path: &str, bytes: Vec<u8>) -> Step {
    Step::PutFile { path: path.to_owned(), contents: Contents::Bytes(bytes), parents: true }
}

impl HiveFixture {
    fn build(&self, now: u64) -> Result<Vec<u8>> {
        let doing = || format!("cannot build {}", self.path);
        let operations = reg_text::parse(self.text.as_bytes()).doing(doing)?;
        let empty = Hive::create(self.root, now);
        let mut hive = LooseHive::new(Path::new(self.path), empty, Some(self.mount))?;
        hive.import(operations.into_iter().map(Ok), false, now).doing(doing)?;
        Ok(hive.into_bytes(now))
    }
}
