//! Whole bakes on a host of memory: cut at every operation, failing at every operation, with the disk full from every operation on.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::PathBuf;

use winkiln_bake::{BakeError, Recipe, Session};
use winkiln_disk::simulated::{Fault, Host, Lying};
use winkiln_disk::{CommitError, OpenOptions};

use crate::images::options;
use crate::judge::{Guest, assert_image_clean, run, shared};

/// An image with its bake: settings, a driver, a file, boot configuration on FAT, all the rest on NTFS.
struct Case {
    image: PathBuf,
    recipe: Recipe,
}

fn long() -> bool {
    std::env::var_os("WINKILN_LONG").is_some()
}

/// One guest, on a raw disk and on a qcow2.
#[test]
fn a_bake_that_is_cut_or_fails_leaves_old_or_new() {
    let Some(guest) = Guest::new("power-cut.raw", "10", "gpt", &[]) else { return };
    for image in [guest.in_qcow2(), guest.image.clone()] {
        let case = Case { image, recipe: recipe(&guest) };
        cut_everywhere(&case);
        fail_everywhere(&case);
    }
}

/// Says, in every run, how much was tried.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn recipe(guest: &Guest) -> Recipe {
    let drivers = guest.path("drivers");
    let script = shared("WINKILN_JUDGES", "judges").join("mkdrivers.py");
    let infs = shared("WINKILN_CORPUS", "corpus").join("inf/virtio-win/w10/amd64");
    run("python3", &[&script, &infs, &drivers]).unwrap();
    // Enough to be written ahead of the commit.
    std::fs::write(guest.path("agent.bin"), vec![7; 3 << 20]).unwrap();
    let text = r#"
[presets]
acpi-shutdown = true
crash-dump = "none"
testsigning = true
[[drivers]]
source = "drivers"
only = ["viostor"]
force-unsigned = true
[[registry]]
key = 'HKLM\SOFTWARE\Site'
name = "x"
type = "REG_DWORD"
data = 42
[[files]]
from = "agent.bin"
to = 'C:\Setup\agent.bin'
"#;
    Recipe::parse(text, guest.image.parent().unwrap()).unwrap()
}

impl Case {
    fn host(&self) -> Host {
        Host::above(&self.image).unwrap()
    }

    fn bake(&self, host: &Host) -> Result<(), BakeError> {
        let open = OpenOptions { writable: true, ..OpenOptions::default() };
        let image = host.open(&self.image, &open)?;
        let mut session = Session::over(image, &options(false))?;
        let planned = session.plan(&self.recipe.presets)?;
        for step in planned.iter().chain(&self.recipe.steps) {
            session.apply(step)?;
        }
        assert!(session.finish()?.committed);
        Ok(())
    }

    /// What a survivor is after it was opened: false for the old image, true for the new one, nothing for anything else.
    fn state(&self, survivor: &Host, old: &Host, new: &Host) -> Option<bool> {
        let options = OpenOptions { writable: true, ..OpenOptions::default() };
        let opened = survivor.open(&self.image, &options);
        if opened.is_err() || survivor.has_journal() {
            return None;
        }
        drop(opened);
        [old, new].iter().position(|state| survivor.is_as(state)).map(|found| found == 1)
    }
}

/// What a sweep found.
#[derive(Debug, Default)]
struct Found {
    cuts: usize,
    /// States that cuts left, and that are the old and the new image once opened.
    old: usize,
    new: usize,
    /// That are neither.
    torn: usize,
}

/// Cuts a bake before each `step`th operation, and after the last, with so many patterns of what the medium had written by then.
fn sweep(case: &Case, baked: &Host, new: &Host, step: usize, patterns: u64) -> Found {
    let old = case.host();
    let moments = baked.moments();
    let last = moments.len() - 1;
    let mut found = Found::default();
    for (cut, moment) in
        moments.iter().enumerate().filter(|(cut, _)| cut % step == 0 || *cut == last)
    {
        found.cuts += 1;
        let mut after = moment.survivors_of(patterns);
        after.push(moment.killed());
        for survivor in after {
            match case.state(&survivor, &old, new) {
                Some(true) => found.new += 1,
                Some(false) if cut < last => found.old += 1,
                _ => found.torn += 1,
            }
        }
    }
    found
}

/// A host on which the bake was done and recorded.
fn baked(case: &Case, lying: Lying) -> Host {
    let host = case.host();
    host.world().lying = lying;
    host.record();
    case.bake(&host).unwrap();
    host
}

fn cut_everywhere(case: &Case) {
    let new = baked(case, Lying::Nothing);
    assert!(baked(case, Lying::Nothing).is_as(&new), "the same bake writes the same bytes");
    let operations = new.world().operations;
    let (step, patterns) = if long() { (1, 32) } else { (1 + operations / 12, 4) };
    let found = sweep(case, &new, &new, step, patterns);
    let (image, barriers) = (case.image.display(), new.world().syncs.clone());
    say(&format!("{image}: {operations} operations, {} barriers: {found:?}", barriers.len()));
    assert!(found.torn == 0 && found.old > 0 && found.new > 0, "{image}: {found:?}");

    // What the program is killed in is opened, and judged by others.
    let middle = new.moments().swap_remove(operations * 3 / 4).killed();
    let state = case.state(&middle, &case.host(), &new);
    assert!(state.is_some());
    let opened =
        case.image.with_file_name("opened").with_extension(case.image.extension().unwrap());
    run("cp", &[OsStr::new("--sparse=always"), case.image.as_ref(), opened.as_ref()]).unwrap();
    middle.save(&opened).unwrap();
    assert_image_clean(&opened, &case.image);

    // The sweep is worth something: without any one barrier, but the last, it finds images that are neither.
    if case.image.extension() == Some(OsStr::new("qcow2")) || long() {
        for (number, barrier) in (1..barriers.len()).zip(&barriers) {
            let without = baked(case, Lying::Sync(number));
            let found = sweep(case, &without, &new, 1 + operations / 20, 6);
            say(&format!("without barrier {number} ({barrier}): {found:?}"));
            assert!(found.torn > 0, "barrier {number}, {barrier}, is not needed: {found:?}");
        }
    }
}

/// A failing operation, media that fail for good, a journal that cannot be removed, a full disk.
fn fail_everywhere(case: &Case) {
    let new = baked(case, Lying::Nothing);
    let old = case.host();
    let operations = new.world().operations;
    let step = if long() { 1 } else { 1 + operations / 4 };
    let mut tally = [0; 2];
    for at in (1..=operations).step_by(step) {
        let kinds = [Fault::Fail, Fault::FailForGood, Fault::FailAndStay, Fault::Full];
        for fault in kinds.map(|kind| kind(at)) {
            let host = case.host();
            host.world().fault = fault;
            let done = case.bake(&host);
            host.world().fault = Fault::None;
            let is_new = match &done {
                Ok(()) => true,
                Err(BakeError::Commit(error)) => matches!(
                    error,
                    CommitError::Unfinished { .. } | CommitError::JournalLeft { .. }
                ),
                Err(_) => false,
            };
            let state = case.state(&host, &old, &new);
            assert_eq!(state, Some(is_new), "{fault:?} of {operations}: {done:?}");
            tally[usize::from(is_new)] += 1;
        }
    }
    let image = case.image.display();
    say(&format!("{image}: failures at {operations} operations, old and new: {tally:?}"));
    assert!(tally[0] > 0 && tally[1] > 0, "{tally:?}");
}
