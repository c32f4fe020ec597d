//! Drivers for guests: added by the program, read back by other people's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::guest::{Guest, shared};
use crate::judges::{hivexget, judge_hive, judge_volumes, ntfs_file};
use crate::tools::{outside, outside_run, run};

pub(crate) const OFFSET: u64 = 2048 * 512;
const CATALOGS: &str = "Windows/System32/CatRoot/{F750E6C3-38EE-11D1-85E5-00C04FC295EE}";

/// A tree of packages that look complete: INF files of the corpus, with stand-ins for the files they name.
fn packages(from: &str, folder: &Path) -> Option<PathBuf> {
    let shared = shared()?;
    let to = folder.join("packages").join(from);
    let from = shared.join("corpus/inf/virtio-win").join(from);
    let script = shared.join("judges/mkdrivers.py");
    outside("python3", [&script, &from, &to]);
    if to.ends_with("Wxp/x86") {
        // As packages of that age often come.
        let (driver, packed) = (to.join("viostor.sys"), to.join("viostor.sy_"));
        outside("gcab", [Path::new("-c"), Path::new("-z"), Path::new("-n"), &packed, &driver]);
        std::fs::rename(driver, folder.join("viostor.sys")).expect("it is moved");
    }
    Some(to)
}

/// When the image was written last; any write shows, and it costs less than a hash.
fn written(image: &Path) -> std::time::SystemTime {
    let facts = std::fs::metadata(image).expect("an image");
    facts.modified().expect("a time")
}

pub(crate) struct Added {
    pub(crate) image: PathBuf,
    pub(crate) before: PathBuf,
    pub(crate) system: PathBuf,
    software: PathBuf,
    pub(crate) report: serde_json::Value,
}

/// Adds the packages: by a recipe that is not committed, by `drivers add`, and by `apply`, which finds them there. Volumes and hives are judged.
fn add(os: &'static str, from: &str, folder: &Path) -> Option<Added> {
    let source = packages(from, folder)?;
    let added = add_from(os, &source, from, folder)?;
    let judged = added.judge_against_infs(os, &source, from, &folder.join("furnished-SYSTEM"));
    assert!(judged > 0, "{os}: {}", added.report["drivers"]);
    Some(added)
}

/// As [`add`], packages of any source; `from` ends in the architecture.
fn add_from(os: &'static str, source: &Path, from: &str, folder: &Path) -> Option<Added> {
    let image = Guest::new(os, "mbr", "raw").build(folder)?;
    furnish(&image, from, folder);
    let before = folder.join("before.raw");
    outside("cp", ["--sparse=always", &image.display().to_string(), &before.display().to_string()]);
    let (name, source) = (image.display().to_string(), source.display().to_string());
    let args = ["drivers", "add", &name, &source, "--force-unsigned", "--json"];
    let recipe = folder.join("recipe.toml");
    let text = format!("[[drivers]]\nsource = '{source}'\nforce-unsigned = true\n");
    std::fs::write(&recipe, text).expect("the recipe is written");
    let recipe = recipe.display().to_string();
    let built = written(&image);
    let dry = run(["apply", &name, &recipe, "--json", "--dry-run"]).expect(0).json();
    assert_eq!(written(&image), built, "{os}: a dry run leaves the image as it is");
    let report = run(args).expect(0).json();
    assert_eq!(report["committed"], true, "{os}");
    assert_eq!(report["changes"].as_array().map(Vec::len), dry["changes"].as_array().map(Vec::len));
    let added = Added::read_back(os, image.clone(), before, report);
    let baked = written(&image);
    let again = run(["apply", &name, "--drivers", &source, "--force-unsigned", "--json"]);
    let again = again.expect(0).json();
    assert_eq!(again["committed"], false, "{os}: {}", again["changes"]);
    assert_eq!(again["io"]["image_bytes_written"], 0, "{os}");
    for driver in again["drivers"].as_array().expect("a list") {
        assert_ne!(driver["action"], "added", "{os}: {driver}");
    }
    assert_eq!(written(&image), baked, "{os}: a second time nothing is written");
    Some(added)
}

/// An INF reader and a hive reader of other hands.
fn inf_says(args: &[&str]) -> crate::tools::Run {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/whole/inf_says.py");
    outside_run("/usr/bin/python3", [&[script], args].concat())
}

/// Puts a program where each driver is that the guest starts with, so that only what is added can be missing.
pub(crate) fn furnish(image: &Path, from: &str, folder: &Path) {
    let system = folder.join("furnished-SYSTEM");
    ntfs_file(image, OFFSET, "Windows/System32/config/SYSTEM", &system);
    let names = inf_says(&["boot-drivers", &system.display().to_string()]).expect(0).stdout;
    assert!(names.lines().count() > 10, "{names}");
    let (infs, made) = (folder.join("own-infs"), folder.join("own"));
    std::fs::create_dir_all(&infs).expect("a folder");
    let files: String = names.lines().map(|name| format!("{name}.sys=1\n")).collect();
    std::fs::write(infs.join("own.inf"), format!("[SourceDisksFiles]\n{files}")).expect("an INF");
    let script = shared().expect("the judges").join("judges/mkdrivers.py");
    let arch = from.rsplit('/').next().expect("an architecture");
    let args = [script.as_os_str(), infs.as_ref(), made.as_ref(), "--arch".as_ref(), arch.as_ref()];
    outside("python3", args);
    let mut text = String::new();
    for name in names.lines() {
        let from = made.join(format!("{name}.sys")).display().to_string();
        let to = r"C:\Windows\System32\drivers\";
        text += &format!("[[files]]\nfrom = '{from}'\nto = '{to}'\n");
    }
    let recipe = folder.join("furnish.toml");
    std::fs::write(&recipe, text).expect("the recipe is written");
    let (image, recipe) = (image.display().to_string(), recipe.display().to_string());
    assert_eq!(run(["apply", &image, &recipe, "--json"]).expect(0).json()["committed"], true);
}

impl Added {
    /// Judges volumes and hives, and takes the hives out.
    pub(crate) fn read_back(
        os: &str,
        image: PathBuf,
        before: PathBuf,
        report: serde_json::Value,
    ) -> Self {
        judge_volumes(&image, &before);
        let [system, software] = ["SYSTEM", "SOFTWARE"].map(|hive| {
            let path = format!("Windows/System32/config/{hive}");
            let (copy, elder) =
                (image.with_file_name(hive), image.with_file_name(format!("before-{hive}")));
            ntfs_file(&image, OFFSET, &path, &copy);
            let found = judge_hive(&copy);
            if !found.is_empty() {
                // Windows' own hives are not in all points as they should be.
                ntfs_file(&before, OFFSET, &path, &elder);
                let known = judge_hive(&elder);
                for finding in found.lines().filter(|line| line.contains('@')) {
                    assert!(known.contains(finding), "{os}: {hive}: {finding}");
                }
            }
            copy
        });
        Self { image, before, system, software, report }
    }

    /// Every value of a package is what its INF says; and the guest boots from the devices of those that start with it. How many
    /// of them there are.
    pub(crate) fn judge_against_infs(
        &self,
        os: &str,
        source: &Path,
        from: &str,
        before: &Path,
    ) -> usize {
        let version = match os {
            "xp" => "5.1.2600",
            "2003" => "5.2.3790",
            "7" => "6.1.7601",
            "8.1" => "6.3.9600",
            "10" => "10.0.16299",
            _ => "10.0.22631",
        };
        let arch = from.rsplit('/').next().expect("an architecture");
        let system = self.system.display().to_string();
        let before = before.display().to_string();
        let mut started = Vec::new();
        for driver in self.report["drivers"].as_array().expect("a list") {
            // What has no name in the guest is not in its registry yet.
            let Some(oem) = driver["inf"].as_str().filter(|_| driver["action"] == "added") else {
                continue;
            };
            let starts = driver["boot_critical"] == true;
            let mode = if starts { "check" } else { "staged" };
            let path = driver["package"].as_str().expect("a path");
            let inf = source.join(path).display().to_string();
            let run = inf_says(&[mode, &system, &inf, version, arch, oem]);
            assert_eq!(run.code, 0, "{os}: {path}: {}{}", run.stdout, run.stderr);
            let count = run.stdout.trim().rsplit(' ').nth(1).and_then(|n| n.parse::<u32>().ok());
            let expected = if starts { 4 } else { 6 };
            assert!(count.is_some_and(|count| count >= expected), "{os}: {path}: {}", run.stdout);
            // As the guest was before, the same check finds what is missing.
            let run = inf_says(&[mode, &before, &inf, version, arch, oem]);
            assert_ne!(run.code, 0, "{os}: {path}: {}", run.stdout);
            let services = driver["services"].as_array().expect("a list");
            let names = services.iter().map(|name| name.as_str().expect("a name").to_lowercase());
            started.extend(names.filter(|_| starts));
        }
        let image = self.image.display().to_string();
        let scan = run(["drivers", "scan", &image, "--json"]).expect(0).json();
        let buses = scan["windows"][0]["buses"].as_array().expect("buses");
        let mut judged = 0;
        for (services, bus) in [
            (&["viostor"][..], "virtio-blk"),
            (&["vioscsi"], "virtio-scsi"),
            (&["xenbus", "xendisk"], "xen"),
            (&["iastor"], "ahci"),
        ] {
            if !services.iter().all(|service| started.iter().any(|known| known == service)) {
                continue;
            }
            judged += 1;
            let verdict = buses.iter().find(|verdict| verdict["bus"] == bus).expect(bus);
            assert_eq!(verdict["boots"], true, "{os}: {verdict}");
        }
        judged
    }

    /// Takes everything out again: the hives hold what they held, key by key, and the volume the files that it had.
    pub(crate) fn comes_out(&self, os: &str) {
        let image = self.image.display().to_string();
        let drivers = self.report["drivers"].as_array().expect("a list");
        let added = drivers.iter().filter(|driver| driver["action"] == "added");
        let paths: Vec<&str> = added.filter_map(|driver| driver["package"].as_str()).collect();
        let names: BTreeSet<&str> =
            paths.iter().filter_map(|path| path.rsplit('/').next()).collect();
        let mut args = vec!["drivers", "remove", &image, "--json", "--force"];
        args.extend(&names);
        let removed = run(args).expect(0).json();
        let gone = removed["drivers"].as_array().expect("a list");
        // Two of one INF that wait for their device are told as one.
        let known = names.len()..=paths.len();
        assert!(known.contains(&gone.len()), "{os}: {} of {known:?}: {removed:#}", gone.len());
        assert!(gone.iter().all(|driver| driver["action"] == "removed"), "{os}: {removed:#}");
        judge_volumes(&self.image, &self.before);
        for hive in ["SYSTEM", "SOFTWARE"] {
            let path = format!("Windows/System32/config/{hive}");
            let copies = [(&self.before, "was"), (&self.image, "is")].map(|(image, name)| {
                let copy = self.image.with_extension(format!("{name}-{hive}"));
                ntfs_file(image, OFFSET, &path, &copy);
                copy
            });
            let [was, is] = copies.map(|copy| exported(&copy));
            if let Some((line, other)) = was.lines().zip(is.lines()).find(|(a, b)| a != b) {
                panic!("{os}: {hive}: {line} became {other}");
            }
            assert_eq!(was.len(), is.len(), "{os}: {hive}");
        }
        let [was, is] = [&self.before, &self.image].map(|image| files_of(image));
        let lost: Vec<_> = was.keys().filter(|file| !is.contains_key(*file)).collect();
        let left = is.iter().filter(|(file, _)| !was.contains_key(*file));
        // Names in blocks of a folder that are not in use are told as if they were there.
        let left: Vec<_> = left.filter(|(_, record)| is_allocated(&self.image, record)).collect();
        assert_eq!((lost.len(), left.len()), (0, 0), "{os}: {lost:?} {left:?}");
    }

    /// What became of the package with that INF.
    fn package(&self, name: &str) -> &serde_json::Value {
        let drivers = self.report["drivers"].as_array().expect("a list");
        let is_it = |driver: &&serde_json::Value| {
            driver["action"] == "added"
                && driver["package"].as_str().is_some_and(|path| path.ends_with(name))
        };
        drivers.iter().find(is_it).unwrap_or_else(|| panic!("{name}: {drivers:?}"))
    }

    #[track_caller]
    fn system(&self, key: &str, name: &str, expected: &str) {
        let found = hivexget(&self.system, key, name);
        assert_eq!(found.as_deref(), Some(expected), "{key} {name}");
    }

    /// A file of the guest is that of the package.
    #[track_caller]
    fn file(&self, path: &str, of: &Path) {
        let copy = self.image.with_extension("copy");
        ntfs_file(&self.image, OFFSET, path, &copy);
        assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(of).unwrap(), "{path}");
    }
}

/// All keys and values of a hive, by hivex.
fn exported(hive: &Path) -> String {
    outside("hivexregedit", ["--export", &hive.display().to_string(), "\\"])
}

/// Paths of all files and folders with their records, by The Sleuth Kit.
fn files_of(image: &Path) -> BTreeMap<String, String> {
    let listed = outside("fls", ["-r", "-p", "-u", "-o", "2048", &image.display().to_string()]);
    let named = listed.lines().filter_map(|line| {
        let (place, path) = line.split_once(":\t")?;
        let record = place.rsplit(' ').next()?.split('-').next()?;
        Some((path.to_owned(), record.to_owned()))
    });
    named.filter(|(path, _)| !path.starts_with('$') && !path.contains("OrphanFiles")).collect()
}

/// Tells whether a file record is in use.
fn is_allocated(image: &Path, record: &str) -> bool {
    let told = outside("istat", ["-o", "2048", &image.display().to_string(), record]);
    !told.contains("Not Allocated")
}

#[test]
fn windows_10_starts_on_virtio() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(added) = add("10", "w10/amd64", folder.path()) else { return };
    let package = added.package("viostor.inf");
    assert_eq!(package["boot_critical"], true);
    assert_eq!(package["inf"], "oem14.inf", "the lowest number that is free");
    let source = folder.path().join("packages/w10/amd64");
    let files = package["files"].as_array().expect("a list");
    let store =
        files[0].as_str().expect("a path").rsplit('\\').nth(1).expect("a folder").to_owned();
    assert!(store.starts_with("viostor.inf_amd64_") && store.len() == 18 + 16, "{store}");
    let in_store = format!("Windows/System32/DriverStore/FileRepository/{store}");
    for (path, file) in [
        (format!("{in_store}/viostor.inf"), "viostor.inf"),
        (format!("{in_store}/viostor.sys"), "viostor.sys"),
        (format!("{in_store}/viostor.cat"), "viostor.cat"),
        ("Windows/INF/oem14.inf".to_owned(), "viostor.inf"),
        ("Windows/System32/drivers/viostor.sys".to_owned(), "viostor.sys"),
        (format!("{CATALOGS}/oem14.cat"), "viostor.cat"),
    ] {
        added.file(&path, &source.join(file));
    }
    let service = r"ControlSet001\Services\viostor";
    for (name, expected) in [
        ("Start", "0"),
        ("Type", "1"),
        ("ErrorControl", "1"),
        ("Group", "SCSI miniport"),
        ("ImagePath", r"System32\drivers\viostor.sys"),
        ("Owners", "oem14.inf"),
    ] {
        added.system(service, name, expected);
    }
    added.system(&format!(r"{service}\Parameters"), "BusType", "1");
    added.system(&format!(r"{service}\Parameters\PnpInterface"), "5", "1");
    let database = r"DriverDatabase";
    added.system(&format!(r"{database}\DriverInfFiles\oem14.inf"), "Active", &store);
    added.system(&format!(r"{database}\DriverInfFiles\oem14.inf"), "Configurations", "scsi_inst");
    let package = format!(r"{database}\DriverPackages\{store}");
    added.system(&package, "InfName", "viostor.inf");
    added.system(&package, "Provider", "Red Hat, Inc.");
    added.system(&format!(r"{package}\Configurations\scsi_inst"), "Service", "viostor");
    for id in
        ["VEN_1AF4&DEV_1001&SUBSYS_00021AF4&REV_00", "VEN_1AF4&DEV_1042&SUBSYS_11001AF4&REV_01"]
    {
        added.system(&format!(r"{package}\Descriptors\PCI\{id}"), "Configuration", "scsi_inst");
        let flags =
            hivexget(&added.system, &format!(r"{database}\DeviceIds\PCI\{id}"), "oem14.inf");
        assert!(flags.is_some(), "{id}");
    }
    like_windows_own(&added.system, &store);
    // Its settings are carried out when the device is met.
    let messages = r"Device\Interrupt Management\MessageSignaledInterruptProperties";
    added.system(&format!(r"{package}\Configurations\scsi_inst\{messages}"), "MSISupported", "1");

    // Not signed in a way that this Windows takes: an error unless forced, and nothing changes.
    let before = written(&added.image);
    let (image, source) = (added.image.display().to_string(), source.display().to_string());
    let refused = run(["drivers", "add", &image, &source]).expect(1);
    assert!(refused.stderr.contains("--force-unsigned"), "{}", refused.stderr);
    let wrong = run(["drivers", "add", &image, &source, "--only", "viostro"]).expect(2);
    assert!(wrong.stderr.contains("viostor"), "{}", wrong.stderr);
    // What does not fit is told of the source of which nothing does.
    let Some(old) = packages("Wxp/x86", folder.path()) else { return };
    let recipe = folder.path().join("two.toml");
    let text = format!(
        "[[drivers]]\nsource = '{source}'\nonly = ['viostor']\nforce-unsigned = true\n\
         [[drivers]]\nsource = '{}'\n",
        old.display()
    );
    std::fs::write(&recipe, text).expect("the recipe is written");
    let nothing = run(["apply", &image, &recipe.display().to_string()]).expect(1);
    assert!(nothing.stderr.contains("viostor.inf: it "), "{}", nothing.stderr);
    assert!(!nothing.stderr.contains("not asked for"), "{}", nothing.stderr);
    assert_eq!(written(&added.image), before);
    let listed = run(["drivers", "installed", &image, "--json"]).expect(0).json();
    let packages = listed["packages"].as_array().expect("a list");
    let ours = packages.iter().find(|package| package["inf"] == "oem14.inf").expect("a package");
    assert_eq!((&ours["original"], &ours["class"]), (&"viostor.inf".into(), &"SCSIAdapter".into()));
    assert_eq!(ours["services"][0]["present"], true);
    added.comes_out("10");
    // One that Windows 10 added itself leaves nothing that has its name, but for devices that it will install anew.
    let _ = run(["drivers", "remove", &image, "heci"]).expect(0);
    let system = folder.path().join("without-heci");
    ntfs_file(&added.image, OFFSET, "Windows/System32/config/SYSTEM", &system);
    let text = exported(&system);
    let mut key = "";
    for line in text.lines() {
        key = line.strip_prefix('[').unwrap_or(key);
        let named = ["oem7.inf", "heci.inf", "MEIx64"].iter().any(|name| line.contains(name));
        // Software keys of devices, which hold settings, and what was noted at the last start.
        let left = key.contains("Control\\Class\\") || key.contains("Enum\\");
        assert!(!named || left, "{key} {line}");
    }
}

/// Keys, names and types of a package that Windows 10 itself added and configured are those of ours. What stands for the device,
/// the section and the service has other names.
fn like_windows_own(system: &Path, store: &str) {
    let own = "heci.inf_amd64_b029e08ef3dd5b21";
    let theirs = shape(system, own, &["TEE_DDI_W10_x64", "MEIx64", "VEN_8086&DEV_1E3A"]);
    let devices = [
        "VEN_1AF4&DEV_1001&SUBSYS_00021AF4&REV_00",
        "VEN_1AF4&DEV_1042&SUBSYS_11001AF4&REV_01",
        "VEN_1AF4&DEV_1001",
        "VEN_1AF4&DEV_1042",
    ];
    let ours = shape(system, store, &[&["scsi_inst", "viostor"][..], &devices].concat());
    assert!(ours.len() > 20 && theirs.len() > 15, "{ours:?} {theirs:?}");
    // Of a name that both have the type is the same.
    for (name, kind) in &ours {
        if let Some(known) = theirs.get(name) {
            assert_eq!(known, kind, "{name}");
        }
    }
    // Settings of the INF, and strings, are each package's own; ours is not signed, and says which catalog it came with.
    let general = |name: &&String| {
        !["\\Device", "\\Properties", "\\Parameters", "\\Strings"]
            .iter()
            .any(|own| name.contains(own))
    };
    let missing: Vec<_> =
        theirs.keys().filter(general).filter(|name| !ours.contains_key(*name)).collect();
    assert_eq!(missing, [r" SignerName"]);
    let further: Vec<_> =
        ours.keys().filter(general).filter(|name| !theirs.contains_key(*name)).collect();
    assert_eq!(further, [r" Catalog"]);
}

/// Each value of a package, by the path and the name, with its type. What is given is replaced by X.
fn shape(system: &Path, store: &str, names: &[&str]) -> BTreeMap<String, String> {
    shape_below(system, &format!(r"\DriverDatabase\DriverPackages\{store}"), names)
}

/// The same of any key.
pub(crate) fn shape_below(system: &Path, key: &str, names: &[&str]) -> BTreeMap<String, String> {
    let text = outside("hivexregedit", ["--export", &system.display().to_string(), key]);
    let mut values = BTreeMap::new();
    let mut path = String::new();
    for line in text.lines() {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            // Windows spells some keys in several ways.
            path = header.get(key.len()..).expect("a key below").to_owned();
            for name in names {
                path = path.replace(name, "X");
            }
        } else if let Some((name, data)) = line.split_once('=') {
            let kind = if data.starts_with('"') {
                "string"
            } else {
                data.split(':').next().unwrap_or_default()
            };
            values.insert(format!("{path} {}", name.trim_matches('"')), kind.to_owned());
        }
    }
    values
}

#[test]
fn windows_xp_starts_on_virtio() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(added) = add("xp", "Wxp/x86", folder.path()) else { return };
    assert_eq!(added.package("viostor.inf")["boot_critical"], true);
    let source = folder.path().join("packages/Wxp/x86");
    added.file("Windows/System32/drivers/viostor.sys", &folder.path().join("viostor.sys"));
    added.file("Windows/INF/oem0.inf", &source.join("viostor.inf"));
    added.file(&format!("{CATALOGS}/oem0.cat"), &source.join("viostor.cat"));
    added.system(r"ControlSet001\Services\viostor", "Start", "0");
    let critical = r"ControlSet001\Control\CriticalDeviceDatabase";
    for id in ["PCI#VEN_1AF4&DEV_1001&SUBSYS_00021AF4", "PCI#VEN_1AF4&DEV_1001"] {
        let key = format!(r"{critical}\{id}");
        added.system(&key, "Service", "viostor");
        added.system(&key, "ClassGUID", "{4D36E97B-E325-11CE-BFC1-08002BE10318}");
    }
    like_services_of_windows(&added.system, "viostor", "symc810");
    // Others wait for their devices where Windows looks for packages; those are not services yet.
    let network = added.package("netkvm.inf");
    assert_eq!(network["boot_critical"], false);
    assert_eq!(network["inf"], serde_json::Value::Null);
    assert_eq!(hivexget(&added.system, r"ControlSet001\Services\netkvm", "Start"), None);
    let current = r"Microsoft\Windows\CurrentVersion";
    let paths = hivexget(&added.software, current, "DevicePath").expect("a value");
    let paths: Vec<&str> = paths.split(';').collect();
    assert_eq!(paths[0], r"%SystemRoot%\inf");
    let folders =
        paths.iter().filter(|path| path.starts_with(r"C:\Windows\winkiln\netkvm.inf_x86_"));
    let [folder] = folders.collect::<Vec<_>>()[..] else { panic!("{paths:?}") };
    let folder = folder.replace(r"C:\Windows", "Windows").replace('\\', "/");
    added.file(&format!("{folder}/netkvm.inf"), &source.join("netkvm.inf"));
    added.file(&format!("{folder}/netkvm.sys"), &source.join("netkvm.sys"));
    // The framework that its console driver needs comes with a co-installer.
    let warnings = added.report["warnings"].to_string();
    assert!(warnings.contains("kernel-mode driver framework"), "{warnings}");
    added.comes_out("xp");
}

/// Trees of Xen drivers: the sources of their INFs with the words of a build put in.
fn xen(from: &str, architecture: &str, folder: &Path) -> Option<PathBuf> {
    let corpus = shared()?.join("corpus/inf");
    Some(finished_tree(&corpus.join(from), architecture, &folder.join(from)))
}

/// A tree that looks complete, of INFs that may be sources: the words of a build are put in.
pub(crate) fn finished_tree(from: &Path, architecture: &str, folder: &Path) -> PathBuf {
    let (inf, to) = (folder.join("inf"), folder.join("complete"));
    let mut folders = vec![from.to_path_buf()];
    let mut has_architecture = false;
    while let Some(top) = folders.pop() {
        for entry in std::fs::read_dir(&top).expect("the corpus") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                has_architecture |= path.ends_with("x86") || path.ends_with("amd64");
                folders.push(path);
                continue;
            }
            let kind = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
            if !kind.is_some_and(|kind| kind == "inf" || kind == "inx") {
                continue;
            }
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let name = name.rsplit('-').next().unwrap_or(&name).to_owned();
            let bytes = std::fs::read(&path).expect("an INF");
            let mut at = inf.join(top.strip_prefix(from).expect("a folder below"));
            let finished = finished(&bytes, architecture);
            if finished.is_some() {
                at.push(&name);
            }
            std::fs::create_dir_all(&at).expect("a folder");
            let text = finished.unwrap_or(bytes);
            std::fs::write(at.join(format!("{name}.inf")), text).expect("an INF is written");
        }
    }
    let script = shared().expect("the judges").join("judges/mkdrivers.py");
    let mut args = vec![script, inf, to.clone()];
    if !has_architecture {
        args.extend(["--arch".into(), architecture.into()]);
    }
    outside("python3", args);
    to
}

/// A source with the words of a build put in; `None` for an INF that is finished.
fn finished(bytes: &[u8], architecture: &str) -> Option<Vec<u8>> {
    let was = String::from_utf8(bytes.to_vec()).ok()?;
    let mut text = was.clone();
    for (word, value) in [
        ("@INF_ARCH@", architecture),
        ("$ARCH$", architecture),
        ("@INF_DATE@", "03/31/2021"),
        ("@VENDOR_PREFIX@", "XP"),
        ("@VENDOR_DEVICE_ID@", "C000"),
        ("@MAJOR_VERSION@", "9"),
        ("INX_PLATFORM_DRIVERS_DIR", "12"),
    ] {
        text = text.replace(word, value);
    }
    for word in ["MINOR", "MICRO", "BUILD"] {
        for end in ["VERSION", "NUMBER"] {
            text = text.replace(&format!("@{word}_{end}@"), "0");
        }
    }
    (text != was).then(|| text.into_bytes())
}

/// Packages of Xen, and those of other generations, go in and come out of the hives of each generation.
#[test]
fn what_was_added_comes_out_again() {
    if std::env::var_os("WINKILN_LONG").is_none() {
        return;
    }
    for (os, from, architecture) in [
        ("7", "winpv-xcp-ng", "x86"),
        ("10", "winpv-xcp-ng", "amd64"),
        ("8.1", "gplpv-0.11", "amd64"),
        ("xp", "gplpv-0.11", "x86"),
        ("8.1", "Win8.1/amd64", ""),
        ("2003", "Wnet/x86", ""),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let added = match architecture {
            "" => add(os, from, folder.path()),
            architecture => xen(from, architecture, folder.path())
                .and_then(|source| add_from(os, &source, architecture, folder.path())),
        };
        let Some(added) = added else { return };
        if from.starts_with("winpv") {
            for (service, group) in [("xenbus", "Boot Bus Extender"), ("xenvbd", "Scsi Miniport")] {
                let key = format!(r"ControlSet001\Services\{service}");
                added.system(&key, "Group", group);
                added.system(&key, "Start", "0");
            }
        }
        added.comes_out(os);
    }
}

/// Every storage driver of the corpus into the generation it is for.
#[test]
fn each_generation_gets_its_storage_driver() {
    if std::env::var_os("WINKILN_LONG").is_none() {
        return;
    }
    for (os, from, service) in [
        ("2003", "Wnet/x86", "viostor"),
        ("7", "Wnet/x86", "viostor"),
        ("8.1", "Win8.1/amd64", "vioscsi"),
        ("10", "Win8.1/amd64", "vioscsi"),
        ("11", "w10/amd64", "viostor"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(added) = add(os, from, folder.path()) else { return };
        assert_eq!(added.package(&format!("{service}.inf"))["boot_critical"], true, "{os}");
        let current = hivexget(&added.system, "Select", "Current").expect("a number");
        let set: u32 = current.parse().expect("a number");
        let key = format!(r"ControlSet{set:03}\Services\{service}");
        added.system(&key, "Start", "0");
        let own = if os == "2003" { "symc810" } else { "LSI_SAS" };
        like_services_of_windows(&added.system, service, own);
        if os == "8.1" {
            let store = added.store_of("balloon.inf");
            like_a_staged_package(&added.system, &store, "vboxguest.inf_amd64_7c8d1446c2599c22");
        }
    }
}

/// A service has what one has that Windows itself made, name by name and type by type, but for its place in its group; and so have
/// the bindings of its devices, where a key does that.
fn like_services_of_windows(system: &Path, ours: &str, theirs: &str) {
    let set = hivexget(system, "Select", "Current").expect("a number");
    let set = format!(r"\ControlSet{:03}", set.parse::<u32>().expect("a number"));
    let shape = |name: &str| shape_below(system, &format!(r"{set}\Services\{name}"), &[]);
    let own = |(name, _): &(&String, &String)| name.starts_with(' ');
    let (ours, theirs) = (shape(ours), shape(theirs));
    let told = ours.iter().filter(own).filter(|(name, _)| *name != " DisplayName");
    for (name, kind) in told {
        // Setup's own services of XP and 2003 go without a path where it is the usual one.
        let known =
            theirs.get(name).map(String::as_str).or((name == " ImagePath").then_some("hex(2)"));
        assert_eq!(known, Some(kind.as_str()), "{name}");
    }
    for (name, kind) in theirs.iter().filter(own).filter(|(name, _)| *name != " Tag") {
        assert_eq!(ours.get(name), Some(kind), "{name}");
    }
    let critical = format!(r"{set}\Control\CriticalDeviceDatabase");
    if hivexget(system, &critical, "").is_none() && ours.contains_key(" Owners") {
        return;
    }
    let entries = shape_below(system, &critical, &[]);
    let of = |mine: bool| {
        let is_mine = move |name: &&str| name.contains("VEN_1AF4") == mine;
        let names = entries.iter().map(|(name, kind)| (name.as_str(), kind.as_str()));
        let named = names.filter(move |(name, _)| is_mine(name));
        let last = |(name, kind): (&str, &str)| {
            (name.rsplit(' ').next().unwrap_or_default().to_owned(), kind.to_owned())
        };
        named.map(last).collect::<BTreeSet<_>>()
    };
    let (mine, known) = (of(true), of(false));
    assert!(mine.len() == 2 && mine.is_subset(&known), "{mine:?} {known:?}");
}

/// A package that waits for its device has what one has that Windows itself added.
fn like_a_staged_package(system: &Path, ours: &str, theirs: &str) {
    let [ours, theirs] = [ours, theirs].map(|store| shape(system, store, &[]));
    let own = |(name, _): &(&String, &String)| name.starts_with(' ');
    for (name, kind) in theirs.iter().filter(own).filter(|(name, _)| *name != " SignerName") {
        assert_eq!(ours.get(name), Some(kind), "{name}");
    }
    // Windows 8.1 notes neither where it staged a package long ago.
    let known =
        |name: &str| theirs.contains_key(name) || [" Catalog", " ImportDate"].contains(&name);
    let further: Vec<_> = ours.iter().filter(own).filter(|(name, _)| !known(name)).collect();
    assert!(further.is_empty(), "{further:?}");
}

impl Added {
    /// The folder in the driver store of the package with that INF.
    fn store_of(&self, name: &str) -> String {
        let files = self.package(name)["files"].as_array().expect("a list");
        let path = files
            .iter()
            .filter_map(|path| path.as_str())
            .find(|path| path.contains("FileRepository"));
        path.and_then(|path| path.rsplit('\\').nth(1)).expect("a folder").to_owned()
    }
}
