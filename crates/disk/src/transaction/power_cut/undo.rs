//! Commits that keep what they overwrite, and their undoing.

use std::path::Path;

use super::case::{Case, Failure, cases};
use super::{look_through, reopen};
use crate::device::Device;
use crate::simulated::{Fault, Host};
use crate::transaction::CommitError;
use crate::undo::{UndoError, UndoFile, Undone};

/// A host on which the case was committed with an undo file.
fn committed(case: &Case) -> Host {
    let host = case.host();
    case.run_keeping(&host, Fault::None).expect(case.name);
    assert!(!host.has_journal());
    host.world().operations = 0;
    host
}

fn undo(host: &Host) -> Result<Undone, UndoError> {
    let file = UndoFile::open_in(&host.undo_place())?;
    file.undo_in(Path::new("i"), &*host.image(), Some(host.place()), false)
}

/// The image file is, byte by byte and in its length, what it was.
#[test]
fn undoing_leaves_the_file_as_it_was() {
    for case in cases() {
        let host = committed(&case);
        let after = host.image_bytes();
        let told = UndoFile::open_in(&host.undo_place()).expect(case.name);
        let told = told.undo_in(Path::new("i"), &*host.image(), None, false).expect(case.name);
        assert!(!told.undone && !told.already && host.image_bytes() == after, "{}", case.name);
        assert!(undo(&host).expect(case.name).undone);
        assert!(host.image_bytes() == case.image && !host.has_journal(), "{}", case.name);
        let again = undo(&host).expect(case.name);
        assert!(again.already && !again.undone && host.image_bytes() == case.image);
    }
}

/// Wherever a commit is cut, an image that is new afterwards has an undo file that takes it back.
#[test]
fn a_commit_that_happened_can_be_undone() {
    let stride = if std::env::var_os("WINKILN_LONG").is_some() { 1 } else { 4 };
    for case in cases() {
        let operations = {
            let host = case.host();
            case.run_keeping(&host, Fault::None).expect(case.name);
            host.world().operations
        };
        let mut seen = [false; 2];
        for cut in (1..=operations).step_by(stride) {
            let host = case.host();
            let _ = case.run_keeping(&host, Fault::Cut(cut));
            let mut after = host.survivors();
            after.push(host.killed());
            for survivor in after {
                reopen(&survivor).expect(case.name);
                let new = survivor.image_bytes() != case.image;
                seen[usize::from(new)] = true;
                if new {
                    assert!(undo(&survivor).expect(case.name).undone, "{}: cut {cut}", case.name);
                    assert!(survivor.image_bytes() == case.image, "{}: cut {cut}", case.name);
                }
            }
        }
        assert_eq!(seen, [true; 2], "{}", case.name);
    }
}

/// A commit that failed leaves no undo file, unless the next open finishes it.
#[test]
fn a_commit_that_fails_leaves_no_undo_file() {
    for case in cases() {
        let operations = {
            let host = case.host();
            case.run_keeping(&host, Fault::None).expect(case.name);
            host.world().operations
        };
        let mut kinds = [0; 2];
        let faults = (1..=operations).flat_map(|at| [Fault::Fail(at), Fault::FailAndStay(at)]);
        for fault in faults {
            let what = format!("{}: {fault:?}", case.name);
            let host = case.host();
            let failed = case.run_keeping(&host, fault);
            let there = UndoFile::open_in(&host.undo_place());
            match failed {
                Ok(()) => assert!(there.is_ok(), "{what}: the date alone is missing"),
                Err(Failure::Commit(CommitError::Undo { .. })) => {
                    assert!(!host.has_undo_file(), "{what}");
                    assert!(host.image_bytes() == case.image, "{what}");
                    reopen(&host).expect(&what);
                    assert!(host.image_bytes() == case.image && !host.has_journal(), "{what}");
                    kinds[0] += 1;
                }
                Err(Failure::Commit(
                    CommitError::Unfinished { .. } | CommitError::JournalLeft { .. },
                )) => {
                    reopen(&host).expect(&what);
                    assert!(undo(&host).expect(&what).undone, "{what}");
                    assert!(host.image_bytes() == case.image, "{what}");
                    kinds[1] += 1;
                }
                Err(_) => {
                    reopen(&host).expect(&what);
                    assert!(host.image_bytes() == case.image, "{what}");
                    assert!(there.is_err() || undo(&host).expect(&what).already, "{what}");
                }
            }
        }
        assert!(kinds[0] > 2 && kinds[1] > 0, "{}: {kinds:?}", case.name);
    }
}

/// An undo file is of one commit: a second one of the same transaction is refused, and the first can still be undone.
#[test]
fn a_second_commit_leaves_the_undo_file_of_the_first() {
    let case = &cases()[0];
    let host = case.host();
    let transaction = case.begin_keeping(&host);
    transaction.write_at(0, &[1; 100]).unwrap();
    transaction.commit().unwrap();
    let first = host.image_bytes();
    transaction.write_at(9000, &[2; 100]).unwrap();
    assert!(matches!(transaction.commit(), Err(CommitError::Undo { .. })));
    drop(transaction);
    assert!(host.image_bytes() == first && first != case.image && !host.has_journal());
    assert!(undo(&host).unwrap().undone);
    assert!(host.image_bytes() == case.image);
}

/// After a cut at any operation of undoing, the image is as the commit left it or as it was before.
#[test]
fn every_power_cut_of_undoing_shows_old_or_new() {
    for case in cases() {
        let host = committed(&case);
        let new = host.image_bytes();
        undo(&host).expect(case.name);
        let operations = host.world().operations;
        let mut seen = [false; 2];
        for cut in 1..=operations {
            let host = committed(&case);
            host.world().fault = Fault::Cut(cut);
            let done = undo(&host).is_ok();
            host.world().fault = Fault::None;
            let mut after = host.survivors();
            after.push(host.killed());
            for (index, survivor) in after.into_iter().enumerate() {
                let what = format!("{}: cut {cut} of {operations}, survivor {index}", case.name);
                let through = look_through(&survivor);
                reopen(&survivor).unwrap_or_else(|failure| panic!("{what}: {failure:?}"));
                let found = survivor.image_bytes();
                assert!(through == found && !survivor.has_journal(), "{what}");
                assert!(found == case.image || (found == new && !done), "{what}");
                seen[usize::from(found == new)] = true;
                undo(&survivor).unwrap_or_else(|failure| panic!("{what}: {failure:?}"));
                assert!(survivor.image_bytes() == case.image, "{what}: undone after all");
            }
        }
        assert_eq!(seen, [true; 2], "{}", case.name);
    }
}

/// Undoing that fails leaves the image as the commit left it, or is finished by the next open.
#[test]
fn every_failure_of_undoing_leaves_old_or_new() {
    for case in cases() {
        let host = committed(&case);
        let new = host.image_bytes();
        undo(&host).expect(case.name);
        for at in 1..=host.world().operations {
            for fault in [Fault::Fail(at), Fault::FailForGood(at)] {
                let host = committed(&case);
                host.world().fault = fault;
                let failure = undo(&host).expect_err(case.name);
                host.world().fault = Fault::None;
                reopen(&host).unwrap_or_else(|failure| panic!("{}: {failure:?}", case.name));
                let finished = matches!(failure, UndoError::Unfinished { .. });
                let wanted = if finished { &case.image } else { &new };
                assert!(host.image_bytes() == *wanted, "{}: {fault:?} {failure}", case.name);
            }
        }
    }
}

/// Where anything differs from what the commit left, nothing is undone.
#[test]
fn an_image_changed_since_is_refused() {
    for case in cases() {
        let host = committed(&case);
        let left = host.image_bytes();
        let mut changed: Vec<usize> = Vec::new();
        for (at, byte) in left.iter().enumerate() {
            let before = case.image.get(at);
            if before != Some(byte) && changed.last().is_none_or(|last| last + 97 < at) {
                changed.push(at);
            }
        }
        assert!(changed.len() > 20, "{}", case.name);
        for at in changed {
            let host = host.killed();
            host.image().write_at(at as u64, &[left[at] ^ 0x55]).unwrap();
            let before = host.image_bytes();
            let refused = undo(&host).expect_err(case.name);
            assert!(
                matches!(refused, UndoError::Changed { offset, .. } if offset / 512 == at as u64 / 512),
                "{}: {refused:?}",
                case.name
            );
            assert!(refused.is_refusal() && host.image_bytes() == before && !host.has_journal());
        }
        let longer = host.killed();
        longer.image().set_len(left.len() as u64 + 512).unwrap();
        assert!(matches!(undo(&longer), Err(UndoError::Changed { .. })), "{}", case.name);
    }
}

/// An undo file that is cut short or damaged anywhere is told as such.
#[test]
fn a_damaged_undo_file_is_refused() {
    let case = &cases()[0];
    let host = committed(case);
    let new = host.image_bytes();
    let place = host.undo_place();
    let length = place.folder.open(&place.name, false).unwrap().unwrap().len().unwrap();
    for at in (0..length).step_by(61).chain([length - 1]) {
        // The date, and what is left of its sector.
        if (7680..8192).contains(&at) || (24..7672).contains(&at) && at % 7 != 0 {
            continue;
        }
        let damaged = host.killed();
        let place = damaged.undo_place();
        let file = place.folder.open(&place.name, true).unwrap().unwrap();
        let mut byte = [0];
        file.read_at(at, &mut byte).unwrap();
        file.write_at(at, &[!byte[0]]).unwrap();
        let refused = undo(&damaged).expect_err("damaged");
        assert!(
            matches!(refused, UndoError::Incomplete { .. } | UndoError::NotUndo { .. }),
            "{at}: {refused:?}"
        );
        file.write_at(at, &byte).unwrap();
        file.set_len(at).unwrap();
        assert!(undo(&damaged).is_err(), "cut at {at}");
        assert!(damaged.image_bytes() == new);
    }
}
