//! Every power cut and every failed write, over a host of memory.

mod case;
mod journaled_file;
mod undo;

use std::sync::Arc;

use super::CommitError;
use crate::device::Device;
use crate::host::{HostFile, read_padded};
use crate::journal::recover::{self, Found, RecoverFailure};
use crate::journal::view::View;
use crate::simulated::{Fault, Host, Lying};
use case::{Case, Change, Failure, cases};

/// Opens as for writing: deals with the journal.
fn reopen(host: &Host) -> Result<(), RecoverFailure> {
    let (place, image) = (host.place(), host.image());
    match recover::find(&place, &*image)? {
        Found::Nothing => Ok(()),
        Found::Complete(journal) => recover::finish(&place, &journal, &*image),
        Found::Incomplete(journal) => recover::undo(&place, &journal, &*image),
    }
}

/// What a reader sees, looking through the journal.
fn look_through(host: &Host) -> Vec<u8> {
    let image = host.image();
    let view: Arc<dyn HostFile> = match recover::find(&host.place(), &*image).expect("fits") {
        Found::Complete(journal) => Arc::new(View::finished(image, journal).expect("reads")),
        Found::Incomplete(journal) => Arc::new(View::undone(image, journal).expect("reads")),
        Found::Nothing => image,
    };
    let mut bytes = vec![0; view.len().expect("length") as usize];
    read_padded(&*view, 0, &mut bytes).expect("reads");
    bytes
}

/// The guest's bytes before and after, and how many operations it takes.
fn measure(case: &Case) -> (Vec<u8>, Vec<u8>, usize) {
    let host = case.host();
    let old = case.guest(&host);
    case.run(&host, Fault::None).expect(case.name);
    let new = case.guest(&host);
    let mut model = old.clone();
    for Change { offset, data, .. } in &case.changes {
        model[*offset as usize..][..data.len()].copy_from_slice(data);
    }
    assert!(new == model && new != old, "{}", case.name);
    assert!(!host.has_journal());
    let operations = host.world().operations;
    (old, new, operations)
}

/// Uncommitted, the transaction shows what was written and, asked for it, what was there.
#[test]
fn reads_see_writes_and_the_original() {
    for case in cases() {
        let host = case.host();
        let old = case.guest(&host);
        let (mut model, transaction) = (old.clone(), case.begin(&host));
        for Change { offset, data, fresh } in &case.changes {
            if *fresh {
                transaction.write_fresh(*offset, data).unwrap();
            } else {
                transaction.write_at(*offset, data).unwrap();
            }
            model[*offset as usize..][..data.len()].copy_from_slice(data);
            for at in [0, 20_000, 24_500, 41_000, 56_000] {
                let mut found = vec![0; 14_333];
                transaction.read_at(at, &mut found).unwrap();
                assert!(found == model[at as usize..][..found.len()], "{}", case.name);
                transaction.read_original_at(at, &mut found).unwrap();
                assert!(found == old[at as usize..][..found.len()], "{}: original", case.name);
            }
        }
        if case.name.ends_with("written ahead") {
            transaction.backend.overlay().land().unwrap();
            assert!(host.image_bytes() != case.image, "{}", case.name);
        }
        drop(transaction);
        assert!(host.image_bytes() == case.image && !host.has_journal(), "{}", case.name);
    }
}

/// After a cut at any operation, whatever subset of the unsynced sectors survived, the image is old or new.
#[test]
fn every_power_cut_shows_old_or_new() {
    for case in cases() {
        let (old, new, operations) = measure(&case);
        let mut seen = [false; 2];
        for cut in 1..=operations {
            let host = case.host();
            let result = case.run(&host, Fault::Cut(cut));
            let done = result.is_ok();
            let mut after = host.survivors();
            after.push(host.killed());
            for (index, survivor) in after.into_iter().enumerate() {
                let what = format!("{}: cut {cut} of {operations}, survivor {index}", case.name);
                let through = look_through(&survivor);
                reopen(&survivor).unwrap_or_else(|failure| panic!("{what}: {failure:?}"));
                assert!(!survivor.has_journal(), "{what}");
                let bytes = survivor.image_bytes();
                assert!(through == bytes, "{what}: readers see what a writer will");
                let found = case.guest(&survivor);
                assert!(found == new || (found == old && !done), "{what}");
                assert!(found == new || bytes == case.image, "{what}: byte for byte");
                seen[usize::from(found == new)] = true;
            }
        }
        assert_eq!(seen, [true; 2], "{}", case.name);
    }
}

/// A failed operation leaves the image as it was, or a journal, and the error says which.
#[test]
fn every_failed_operation_is_undone_or_can_be_finished() {
    for case in cases() {
        let (old, new, operations) = measure(&case);
        for at in 1..=operations {
            for fault in [Fault::Fail(at), Fault::FailForGood(at)] {
                let what = format!("{}: {fault:?} of {operations}", case.name);
                let host = case.host();
                let failure = case.run(&host, fault).expect_err(&what);
                let before = case.guest(&host);
                let same = host.image_bytes() == case.image;
                let expected = match failure {
                    Failure::Write => {
                        assert!(same || matches!(fault, Fault::FailForGood(_)), "{what}");
                        assert!(same || host.has_journal(), "{what}");
                        &old
                    }
                    Failure::Commit(
                        CommitError::Journal { .. }
                        | CommitError::UndoneWrite(_)
                        | CommitError::Plan(_),
                    ) => {
                        assert!(before == old && same, "{what}");
                        &old
                    }
                    Failure::Commit(CommitError::NotTakenBack { .. }) => {
                        assert!(host.has_journal(), "{what}");
                        &old
                    }
                    Failure::Commit(CommitError::Unfinished { .. }) => {
                        assert!(host.has_journal(), "{what}");
                        &new
                    }
                    Failure::Commit(CommitError::JournalLeft { .. }) => {
                        assert!(before == new, "{what}");
                        &new
                    }
                    Failure::Commit(other) => panic!("{what}: {other:?}"),
                };
                reopen(&host).unwrap_or_else(|failure| panic!("{what}: {failure:?}"));
                assert!(case.guest(&host) == *expected && !host.has_journal(), "{what}");
                assert!(expected == &new || host.image_bytes() == case.image, "{what}");
            }
        }
    }
}

/// True when, with a medium that lies, some cut leaves an image that is neither old nor new.
fn torn(case: &Case, lying: Lying) -> bool {
    let (_, new, operations) = measure(case);
    (1..=operations).any(|cut| {
        let host = case.host();
        host.world().lying = lying;
        let _ = case.run(&host, Fault::Cut(cut));
        host.survivors().iter().any(|survivor| {
            let opened = reopen(survivor).is_ok();
            let old = survivor.image_bytes() == case.image;
            !opened || (!old && case.guest(survivor) != new)
        })
    })
}

/// The sweep is worth something: it notices where what must be durable is not.
#[test]
fn the_sweep_notices_a_missing_barrier() {
    let cases = cases();
    assert!(torn(&cases[0], Lying::Journal), "pages before the journal");
    let mut ahead = cases.into_iter().find(|case| case.name == "raw, written ahead").unwrap();
    ahead.changes.retain(|change| change.fresh);
    assert!(torn(&ahead, Lying::Image), "the end before what was written ahead");
    // Never committed: all that can go wrong is that nobody knows what to take back.
    ahead.changes.truncate(1);
    let host = ahead.host();
    host.world().lying = Lying::Journal;
    let transaction = ahead.begin(&host);
    transaction.write_fresh(20_480, &ahead.changes[0].data).unwrap();
    transaction.backend.overlay().land().unwrap();
    let lost = host.survivors().into_iter().any(|survivor| {
        let _ = reopen(&survivor);
        survivor.image_bytes() != ahead.image
    });
    assert!(lost, "bytes ahead before their announcement");
}

/// A journal whose image was changed meanwhile is refused, not applied.
#[test]
fn a_journal_of_another_image_is_refused() {
    for case in cases() {
        let (_, _, operations) = measure(&case);
        let mut refused = 0;
        for cut in 1..=operations {
            let host = case.host();
            let _ = case.run(&host, Fault::Cut(cut));
            let host = host.killed();
            let Ok(Found::Complete(journal)) = recover::find(&host.place(), &*host.image()) else {
                continue;
            };
            let (page, _) = journal.pages.iter().next().unwrap();
            host.image().write_at(page * 4096 + 5, &[0xe7; 3]).unwrap();
            let before = host.image_bytes();
            let failure = reopen(&host).expect_err(case.name);
            assert!(matches!(failure, RecoverFailure::Mismatch(_)), "{failure:?}");
            assert!(host.image_bytes() == before && host.has_journal());
            refused += 1;
        }
        assert!(refused > 0, "{}", case.name);
    }
}

/// What somebody else wrote, after a crash, to a place that was written ahead is never taken back.
#[test]
fn bytes_of_others_are_not_taken_back() {
    let mut tried = 0;
    for case in cases().into_iter().filter(|case| case.name.ends_with("written ahead")) {
        let host = case.host();
        let transaction = case.begin(&host);
        for Change { offset, data, .. } in case.changes.iter().filter(|change| change.fresh) {
            transaction.write_fresh(*offset, data).unwrap();
        }
        transaction.backend.overlay().land().unwrap();
        let killed = host.killed();
        drop(transaction);
        assert!(host.image_bytes() == case.image, "{}: dropped", case.name);
        let Ok(Found::Incomplete(journal)) = recover::find(&killed.place(), &*killed.image())
        else {
            panic!("{}", case.name);
        };
        let places: Vec<_> = journal.early.within(0, 1 << 20).collect();
        assert!(!places.is_empty(), "{}", case.name);
        for (from, to) in places {
            for at in [from, to - 1] {
                let foreign = killed.killed();
                foreign.image().write_at(at, &[0xa5]).unwrap();
                let before = foreign.image_bytes();
                assert!(matches!(reopen(&foreign), Err(RecoverFailure::Mismatch(_))));
                assert!(foreign.image_bytes() == before && foreign.has_journal());
                tried += 1;
            }
        }
        // Past the end that the file had, too.
        let foreign = killed.killed();
        let end = foreign.image().len().unwrap();
        foreign.image().write_at(end, &[1]).unwrap();
        assert!(matches!(reopen(&foreign), Err(RecoverFailure::Mismatch(_))));
    }
    assert!(tried >= 8);
}
