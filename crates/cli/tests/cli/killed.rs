//! A program killed or stopped at any moment leaves the image as before, or completely baked.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::env::{Guest, command, copy_sparse, hash, path, require_tools, winkiln};
use crate::overlay::qemu_img;

/// A bake that writes the same bytes each time, some of them ahead of the commit.
fn bake<'a>(image: &'a str, file: &'a str) -> Vec<&'a str> {
    vec![
        "apply",
        image,
        file,
        "--preset",
        "utc-clock",
        "--preset",
        "crash-dump=small",
        "--preset",
        "testsigning",
        "--time",
        "1700000000",
    ]
}

/// A guest in a folder of its own, to be baked again and again.
struct Rounds {
    guest: Guest,
    old: PathBuf,
    recipe: String,
    folder: PathBuf,
    image: PathBuf,
    took: Duration,
    before: u64,
    after: u64,
}

impl Rounds {
    fn new(guest: Guest, format: &str) -> Self {
        let _ = guest.write("big.bin", &[7; 3 << 20]);
        let recipe = "[[files]]\nfrom = \"big.bin\"\nto = 'C:\\big.bin'\n";
        let recipe = guest.write("recipe.toml", recipe.as_bytes());
        let name = format!("guest.{format}");
        let folder = guest.dir.path().join("rounds");
        let mut this = Self {
            old: guest.image().into(),
            recipe,
            image: folder.join(&name),
            folder,
            took: Duration::ZERO,
            before: 0,
            after: 0,
            guest,
        };
        if format != "raw" {
            this.old = this.guest.dir.path().join(&name);
            let _ = qemu_img(&["convert", "-O", format, this.guest.image(), path(&this.old)]);
        }
        this.again();
        let started = Instant::now();
        let _ = winkiln(&bake(path(&this.image), &this.recipe)).ok();
        this.took = started.elapsed();
        (this.before, this.after) = (hash(&this.old), hash(&this.image));
        assert_ne!(this.before, this.after);
        this
    }

    /// Puts the old image in its place.
    fn again(&self) {
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir(&self.folder).expect("a folder");
        copy_sparse(&self.old, &self.image);
    }

    fn journal(&self) -> PathBuf {
        let mut name = self.image.clone().into_os_string();
        name.push(".winkiln-journal");
        name.into()
    }

    /// Begins a bake, and comes back at a moment that depends on the round. Every other round waits for the journal: the
    /// commit takes a small part of the time.
    fn begin(&self, round: u32, rounds: u32) -> Child {
        self.again();
        let mut child = command(&bake(path(&self.image), &self.recipe))
            .env("TMPDIR", &self.folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built program starts");
        let part = Duration::from_micros(u64::from(round) * 7919 % 4001);
        if round.is_multiple_of(2) {
            thread::sleep(self.took * round / rounds + part / 40);
        } else {
            while !self.journal().exists() && matches!(child.try_wait(), Ok(None)) {
                thread::sleep(Duration::from_micros(50));
            }
            thread::sleep(part);
        }
        child
    }

    /// Whether the image is baked; it is not anything but old or new.
    fn is_baked(&self, round: u32) -> bool {
        let now = hash(&self.image);
        assert!(now == self.before || now == self.after, "round {round}: neither before nor after");
        now == self.after
    }
}

fn rounds(always: u32, long: u32) -> u32 {
    if std::env::var_os("WINKILN_LONG").is_some() { long } else { always }
}

#[test]
fn a_killed_bake_is_whole_or_never_was() {
    let guest = Guest::new();
    if qemu_img(&["--version"]).is_none() {
        return;
    }
    let count = rounds(6, 300);
    let rounds = Rounds::new(guest, "qcow2");
    let image = path(&rounds.image);
    let _ = qemu_img(&["check", "-q", image]);
    let _ = winkiln(&["check", image]).ok();
    let (mut ends, mut journals) = ([0, 0], 0);
    for round in 0..count {
        let mut child = rounds.begin(round, count);
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().expect("the program ends");
        journals += u32::from(rounds.journal().exists());
        drop(winkiln(&["recover", image]).ok());
        ends[usize::from(rounds.is_baked(round))] += 1;
        assert_eq!(names(&rounds.folder), 1, "round {round}: a journal stays behind");
        let _ = qemu_img(&["check", "-q", image]);
    }
    let _ = writeln!(
        std::io::stderr(),
        "{count} bakes killed: {} as before, {} baked; {journals} with a journal",
        ends[0],
        ends[1]
    );
    assert!(ends[0] > 0, "no round was killed before the commit: {ends:?}");
}

/// A limit on the size of files ends the program in the middle of writing the image in place: its journal is complete by then.
#[test]
fn an_interrupted_commit_is_told_looked_through_and_finished() {
    let guest = Guest::new();
    let key = r"HKLM\SOFTWARE\Site";
    let add = command(&["reg", "add", guest.image(), key, "-v", "x", "-d", "new"]);
    let ended = Command::new("sh")
        .args(["-c", "ulimit -c 0; ulimit -f 2048; exec \"$0\" \"$@\""])
        .arg(add.get_program())
        .args(add.get_args())
        .output()
        .expect("a shell");
    assert_eq!(ended.status.signal(), Some(Signal::SIGXFSZ as i32), "{ended:?}");
    let before = guest.hash();
    let told = winkiln(&["reg", "query", guest.image(), key]);
    assert!(told.err.contains("is shown as if it were finished"), "{}", told.err);
    assert!(told.ok().contains("new"));
    let possible = winkiln(&["recover", "--dry-run", "--json", guest.image()]).json();
    assert_eq!((&possible["recovery"], guest.hash()), (&"finished".into(), before));
    assert_eq!(names(guest.dir.path()), 2);
    let done = winkiln(&["recover", guest.image()]).ok();
    assert!(done.contains("finished the interrupted commit"), "{done}");
    assert_eq!(names(guest.dir.path()), 1);
    assert_ne!(guest.hash(), before);
    let after = winkiln(&["reg", "query", guest.image(), key]);
    assert!(after.err.is_empty(), "{}", after.err);
    assert!(after.ok().contains("new"));
}

/// Without a word of `recover`: what a signal stops is tidy at once.
#[test]
fn a_bake_that_a_signal_stops_leaves_nothing_behind() {
    let formats: &[&str] =
        if qemu_img(&["--version"]).is_some() { &["raw", "qcow2"] } else { &["raw"] };
    for format in formats {
        let count = rounds(5, 150);
        let signals = heeded();
        let rounds = Rounds::new(Guest::new(), format);
        let mut ends = [0, 0];
        for round in 0..count {
            let signal = signals[round as usize % signals.len()];
            let child = rounds.begin(round, count);
            let _ = kill(pid(&child), signal);
            let done = child.wait_with_output().expect("the program ends");
            let said = String::from_utf8_lossy(&done.stderr);
            let baked = rounds.is_baked(round);
            ends[usize::from(baked)] += 1;
            let left = names(&rounds.folder);
            assert_eq!(left, 1, "{format}, round {round}: something stays behind; {said}");
            if baked {
                assert!(done.status.success(), "{format}, round {round}: {:?} {said}", done.status);
            } else {
                assert_eq!(done.status.signal(), Some(signal as i32), "round {round}: {said}");
                // Before it opened the image there is nothing to say.
                let text = format!("error: stopped by {signal}; no image was changed\n");
                assert!(said.is_empty() || said == text, "round {round}: {said}");
            }
        }
        let (before, baked) = (ends[0], ends[1]);
        let text = format!("{format}: {count} bakes stopped: {before} as before, {baked} baked");
        let _ = writeln!(std::io::stderr(), "{text}");
        assert!(before > 0, "no round was stopped before the commit: {ends:?}");
    }
}

/// Those that this process, and what it starts, was not told to ignore, as shells do for what runs in their background.
fn heeded() -> Vec<Signal> {
    let status = fs::read_to_string("/proc/self/status").expect("of this process");
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("a mask");
    let ignored = u64::from_str_radix(ignored.trim(), 16).expect("a number");
    let all = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];
    all.into_iter().filter(|signal| ignored >> (*signal as i32 - 1) & 1 == 0).collect()
}

/// Ends a program that waits for what never comes.
fn ends_by(mut child: Child, signal: Signal) -> String {
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("it can be asked") {
            break status;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{signal} does not end it");
        thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.signal(), Some(signal as i32));
    let mut said = String::new();
    let _ = child.stderr.take().expect("a pipe").read_to_string(&mut said);
    said
}

#[test]
fn a_program_that_waits_is_stopped_as_well() {
    let guest = Guest::new();
    let (before, folder) = (guest.hash(), guest.dir.path());
    let spawn = |args: &[&str]| {
        command(args)
            .env("TMPDIR", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built program starts")
    };
    // For standard input: its copy goes, too.
    let mut child = spawn(&["fs", "put", guest.image(), "-", r"C:\x"]);
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(b"half").expect("it reads");
    while names(folder) == 1 {
        thread::sleep(Duration::from_millis(2));
    }
    let _ = kill(pid(&child), Signal::SIGTERM);
    let said = ends_by(child, Signal::SIGTERM);
    assert!(said.contains("stopped by SIGTERM; no image was changed"), "{said}");
    assert_eq!((guest.hash(), names(folder)), (before, 1), "{said}");

    // For a server that says nothing, which the first signal does not end: the second one does.
    let socket = folder.join("silent");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let address = format!("nbd+unix:///?socket={}", socket.display());
    let child = spawn(&["apply", &address, "--journal-dir", path(folder), "--preset", "utc-clock"]);
    let _connection = listener.accept().expect("it connects");
    for _ in 0..2 {
        let _ = kill(pid(&child), Signal::SIGTERM);
        thread::sleep(Duration::from_millis(50));
    }
    let _ = ends_by(child, Signal::SIGTERM);
}

/// `qemu-nbd` ends with the connection, and its socket has no name that could stay.
#[test]
fn a_killed_program_leaves_no_server_behind() {
    if Command::new("qemu-nbd").arg("--version").output().is_err() {
        assert!(!require_tools(), "qemu-nbd is missing");
        return eprintln!("SKIPPED: qemu-nbd is missing");
    }
    let guest = Guest::new();
    let image = guest.local("guest.vmdk");
    if qemu_img(&["convert", "-f", "raw", "-O", "vmdk", guest.image(), &image]).is_none() {
        return;
    }
    let folder = guest.dir.path().join("temporary");
    fs::create_dir(&folder).expect("a folder");
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let mut child = command(&["fs", "put", &image, "-", r"C:\x"])
            .env("TMPDIR", &folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built program starts");
        let started = Instant::now();
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(b"half").expect("it reads");
        // What it reads goes to a file once the image is open.
        while names(&folder) == 0 || folder_of_a_socket(&folder) {
            assert!(started.elapsed() < Duration::from_secs(20), "it does not begin");
            thread::sleep(Duration::from_millis(2));
        }
        winkiln(&["fs", "ls", &image]).fails(3, &["in use by qemu-nbd (process "]);
        let _ = kill(pid(&child), signal);
        let _ = ends_by(child, signal);
        let ended = Instant::now();
        while winkiln(&["fs", "ls", &image]).status != 0 {
            assert!(ended.elapsed() < Duration::from_secs(20), "{signal}: it is still served");
            thread::sleep(Duration::from_millis(20));
        }
        // A copy of what was read stays where the program could not tidy up.
        assert_eq!(names(&folder), usize::from(signal == Signal::SIGKILL), "{signal}");
    }
}

fn folder_of_a_socket(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).expect("the folder is there").flatten();
    entries.into_iter().any(|entry| entry.path().is_dir())
}

/// As with `nohup`, or in the background of a script.
#[test]
fn a_signal_that_is_to_be_ignored_is() {
    let rounds = Rounds::new(Guest::new(), "raw");
    rounds.again();
    let program = command(&bake(path(&rounds.image), &rounds.recipe));
    let child = Command::new("sh")
        .args(["-c", "trap '' INT; exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(program.get_args())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    thread::sleep(rounds.took / 2);
    let _ = kill(pid(&child), Signal::SIGINT);
    let done = child.wait_with_output().expect("the program ends");
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    assert!(rounds.is_baked(0));
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().expect("a number of a process"))
}

fn names(folder: &Path) -> usize {
    fs::read_dir(folder).expect("the folder is there").count()
}
