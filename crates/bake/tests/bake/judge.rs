//! Sample guests, and the programs that judge what was baked into them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A guest image in a folder of its own, removed at the end.
pub(crate) struct Guest {
    folder: PathBuf,
    pub(crate) image: PathBuf,
    offset: u64,
    /// The Windows volume as a raw disk, before anything was baked.
    original: PathBuf,
}

/// A folder beside the workspace, unless a variable names another.
pub(crate) fn shared(variable: &str, name: &str) -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    std::env::var_os(variable).map_or_else(|| Path::new(beside).join(name), PathBuf::from)
}

/// What the judges need that is not there.
fn missing() -> Option<String> {
    const TOOLS: &[&str] = &[
        "mkntfs", "ntfs-3g", "hivexsh", "hivexget", "qemu-img", "sfdisk", "mcopy", "ifind", "icat",
        "fls", "losetup", "python3",
    ];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = |tool: &str| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file());
    if let Some(tool) = TOOLS.iter().find(|tool| !found(tool)) {
        return Some(format!("{tool} is not installed"));
    }
    for (variable, name) in [("WINKILN_CORPUS", "corpus"), ("WINKILN_JUDGES", "judges")] {
        let folder = shared(variable, name);
        if !folder.is_dir() {
            return Some(format!("{} is missing", folder.display()));
        }
    }
    let user = Command::new("id").arg("-u").output().ok()?;
    (user.stdout != b"0\n").then(|| "loop devices need root".to_owned())
}

/// Runs a program; its output when it succeeds.
pub(crate) fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Result<Vec<u8>, String> {
    let output = Command::new(program).args(arguments).output().map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Err(format!("{program}: {}\n{}{}", output.status, text(&output.stdout), text(&output.stderr)))
}

impl Guest {
    /// Makes a guest; `None`, loudly, where the tools for it are missing.
    pub(crate) fn new(name: &str, os: &str, table: &str, more: &[&str]) -> Option<Self> {
        if let Some(why) = missing() {
            assert!(std::env::var_os("WINKILN_REQUIRE_TOOLS").is_none(), "{why}");
            eprintln!("SKIPPED: {why}");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("winkiln-bake-{}", std::process::id()));
        let folder = folder.join(name.replace('.', "-"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a scratch folder");
        let image = folder.join(name);
        let script = shared("WINKILN_JUDGES", "judges").join("mkguest.sh");
        let made = Command::new(script)
            .env("WINKILN_CORPUS", shared("WINKILN_CORPUS", "corpus"))
            .arg(&image)
            .args(["--os", os, "--table", table, "--size", "400M"])
            .args(more)
            .output()
            .expect("mkguest.sh starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let sectors = if table == "gpt" { 239_616 } else { 2048 };
        let original = folder.join("original.img");
        run("cp", &[OsStr::new("--sparse=always"), image.as_ref(), original.as_ref()]).unwrap();
        let original = as_raw(&original, &image);
        Some(Self { folder, image, offset: sectors * 512, original })
    }

    /// A path in the guest's scratch folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A copy of the image as it is now.
    pub(crate) fn copy(&self, name: &str) -> PathBuf {
        let copy = self.path(name);
        run("cp", &[OsStr::new("--sparse=always"), self.image.as_ref(), copy.as_ref()]).unwrap();
        copy
    }

    /// Whether the image holds the same bytes as a copy, and nothing lies beside it.
    pub(crate) fn is_as(&self, copy: &Path) -> bool {
        run("cmp", &[&self.image, &copy.to_owned()]).is_ok()
    }

    fn raw(&self) -> PathBuf {
        as_raw(&self.image, &self.image)
    }

    /// Whether the Windows volume has an entry of that name in a folder; the Sleuth Kit finds deleted ones elsewhere, too.
    pub(crate) fn lists(&self, folder: &str, name: &str) -> bool {
        let raw = self.raw();
        let sector = (self.offset / 512).to_string();
        let inode = run("ifind", &["-o", &sector, "-n", folder, raw.to_str().unwrap()]).unwrap();
        let inode = String::from_utf8(inode).unwrap().trim().to_owned();
        let list = run("fls", &["-u", "-o", &sector, raw.to_str().unwrap(), &inode]).unwrap();
        String::from_utf8_lossy(&list).lines().any(|line| line.ends_with(&format!("\t{name}")))
    }

    /// A file of the Windows volume, read by the Sleuth Kit.
    pub(crate) fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.file_of(&self.raw(), path)
    }

    fn file_of(&self, raw: &Path, path: &str) -> Option<Vec<u8>> {
        let raw = raw.to_str().unwrap();
        let sector = (self.offset / 512).to_string();
        let inode = run("ifind", &["-o", &sector, "-n", path, raw]).ok()?;
        let inode = String::from_utf8(inode).ok()?.trim().to_owned();
        if !inode.starts_with(|letter: char| letter.is_ascii_digit()) {
            return None;
        }
        Some(run("icat", &["-o", &sector, raw, &inode]).unwrap())
    }

    /// A hive of the guest as a file of its own; the strict checker must find nothing in it that it had not before.
    pub(crate) fn hive(&self, path: &str) -> Hive {
        let bytes = |raw: &Path| self.file_of(raw, path).unwrap_or_else(|| panic!("no {path}"));
        self.hive_of(path, &bytes(&self.raw()), &bytes(&self.original))
    }

    /// The BCD store of a GPT guest, read by mtools.
    pub(crate) fn esp_store(&self) -> Hive {
        let bytes = |raw: &Path| {
            let disk = format!("{}@@{}", raw.display(), 2048 * 512);
            run("mtype", &["-i", &disk, "::/EFI/Microsoft/Boot/BCD"]).unwrap()
        };
        self.hive_of("BCD", &bytes(&self.raw()), &bytes(&self.original))
    }

    fn hive_of(&self, path: &str, bytes: &[u8], before: &[u8]) -> Hive {
        let file = self.path(&path.replace('/', "_"));
        std::fs::write(&file, before).unwrap();
        let known = findings(&file);
        std::fs::write(&file, bytes).unwrap();
        let found = findings(&file);
        let new: Vec<&String> = found.iter().filter(|line| !known.contains(line)).collect();
        assert!(new.is_empty(), "{path}: {new:#?}");
        Hive(file)
    }

    /// `checkdisk`, `ntfsfix -n` and `ntfs-3g` find nothing that the image did not have before; neither does `qemu-img`.
    pub(crate) fn assert_clean(&self, before: &Path) {
        assert_image_clean(&self.image, before);
    }

    /// The same guest in a qcow2 beside the raw image.
    pub(crate) fn in_qcow2(&self) -> PathBuf {
        let image = self.image.with_extension("qcow2");
        let arguments: [&OsStr; 5] = [
            "convert".as_ref(),
            "-O".as_ref(),
            "qcow2".as_ref(),
            self.image.as_ref(),
            image.as_ref(),
        ];
        run("qemu-img", &arguments).unwrap();
        image
    }
}

/// As [`Guest::assert_clean`], of any image.
pub(crate) fn assert_image_clean(image: &Path, before: &Path) {
    let script = shared("WINKILN_JUDGES", "judges").join("ntfscheck.sh");
    // Most samples are clean to begin with; the others are compared.
    if run("bash", &[&script, &image.to_owned()]).is_err() {
        run("bash", &[&script, &image.to_owned(), &before.to_owned()])
            .unwrap_or_else(|found| panic!("{found}"));
    }
    if image.extension() == Some(OsStr::new("qcow2")) {
        run("qemu-img", &[OsStr::new("check"), image.as_ref()]).unwrap();
    }
}

/// A folder with a stand-in for each driver, made by the judges' script: a program of the architecture that does nothing.
pub(crate) fn make_drivers(guest: &Guest, arch: &str, names: &[String]) -> PathBuf {
    let (infs, made) = (guest.path("stand-in-infs"), guest.path("stand-ins"));
    std::fs::create_dir_all(&infs).unwrap();
    let lines: String = names.iter().map(|name| format!("{name}.sys=1\n")).collect();
    std::fs::write(infs.join("all.inf"), format!("[SourceDisksFiles]\n{lines}")).unwrap();
    let script = shared("WINKILN_JUDGES", "judges").join("mkdrivers.py");
    let arguments =
        [script.as_os_str(), infs.as_ref(), made.as_ref(), "--arch".as_ref(), arch.as_ref()];
    run("python3", &arguments).unwrap_or_else(|error| panic!("{error}"));
    made
}

/// `image` as a raw disk beside it; `like` tells its format.
fn as_raw(image: &Path, like: &Path) -> PathBuf {
    if like.extension() == Some(OsStr::new("raw")) {
        return image.to_owned();
    }
    let raw = image.with_extension("converted");
    let arguments: [&OsStr; 5] =
        ["convert".as_ref(), "-O".as_ref(), "raw".as_ref(), image.as_ref(), raw.as_ref()];
    run("qemu-img", &arguments).unwrap();
    raw
}

/// What the strict checker finds in a hive, one line each.
fn findings(hive: &Path) -> Vec<String> {
    let checker = shared("WINKILN_JUDGES", "judges").join("hivecheck.py");
    let output = Command::new("python3").arg(checker).arg(hive).output().expect("python3 starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = text.lines().filter(|line| line.contains(" @0x")).map(str::to_owned);
    let found: Vec<String> = found.collect();
    assert!(output.status.success() || !found.is_empty(), "{text}");
    found
}

impl Drop for Guest {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
            let _ = self.folder.parent().map(std::fs::remove_dir);
        }
    }
}

/// A hive outside of its image, read by hivex.
pub(crate) struct Hive(PathBuf);

impl Hive {
    /// A value as `hivexget` prints it.
    pub(crate) fn get(&self, key: &str, name: &str) -> Option<String> {
        let text = run("hivexget", &[self.0.as_ref(), OsStr::new(key), OsStr::new(name)]).ok()?;
        Some(String::from_utf8_lossy(&text).trim_end().to_owned())
    }

    /// The data of a REG_DWORD.
    pub(crate) fn dword(&self, key: &str, name: &str) -> Option<u32> {
        let text = self.get(key, name)?;
        match text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        }
    }
}
