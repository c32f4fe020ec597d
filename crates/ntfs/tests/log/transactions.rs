//! What belongs to a transaction, and what of it is taken back.

use winkiln_ntfs::log::LogError;

use super::{
    replay::{KEPT, OPEN, plan},
    small_volume::{BITMAP, OPENED, Target, empty},
    writer::{Operation, Writer},
};

/// Sets eight bits of the bitmap: its byte `index`.
fn set(index: u32) -> Operation {
    let data = [(8 * index).to_le_bytes(), 8u32.to_le_bytes()].concat();
    let operation = Target::Bitmap.operation((21, 22), (data.clone(), data));
    Operation { target: 0x18 + 2 * 0x28, ..operation }
}

/// The operation that takes another one back, as a transaction does while it still runs.
fn compensation(of: &Operation) -> Operation {
    Operation {
        redo: of.undo,
        undo: 1,
        redo_data: of.undo_data.clone(),
        undo_data: vec![],
        ..of.clone()
    }
}

fn about_nothing(redo: u16) -> Operation {
    Operation { redo, undo: 1, target: 0x18, ..Operation::default() }
}

/// The first bytes of the bitmap after the replay of what `f` logs behind a checkpoint.
fn replayed(f: impl FnOnce(&mut Writer)) -> Result<Vec<u8>, LogError> {
    let mut writer = Writer::new(64 * 4096, 1, 0);
    writer.operation(KEPT, (0, 0), &Operation::default());
    writer.checkpoint(0, &OPENED, &[], &[]);
    f(&mut writer);
    let mut image = empty();
    match plan(&writer.finish(false), &image) {
        Ok(plan) => {
            for (at, bytes) in plan.writes {
                image[at as usize..at as usize + bytes.len()].copy_from_slice(&bytes);
            }
            Ok(Target::Bitmap.read(&image)[..4].to_vec())
        }
        Err(winkiln_ntfs::Error::Log(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn what_was_taken_back_already_is_not_taken_back_again() {
    // The third operation was taken back by the transaction itself, and byte 3 was then set by another one.
    let bytes = replayed(|writer| {
        let first = writer.operation(OPEN, (0, 0), &set(1));
        let second = writer.operation(OPEN, (first, first), &set(2));
        let third = writer.operation(OPEN, (second, second), &set(3));
        writer.operation(OPEN, (third, second), &compensation(&set(3)));
        let other = writer.operation(KEPT, (0, 0), &set(3));
        writer.operation(KEPT, (other, 0), &about_nothing(0x1b));
    });
    assert_eq!(bytes.expect("replayed"), [0, 0, 0, 0xff]);
}

#[test]
fn what_a_top_level_action_did_stays() {
    let bytes = replayed(|writer| {
        let first = writer.operation(OPEN, (0, 0), &set(1));
        let inner = writer.operation(OPEN, (first, first), &set(2));
        let end = writer.operation(OPEN, (inner, first), &about_nothing(0x18));
        writer.operation(OPEN, (end, end), &set(3));
    });
    assert_eq!(bytes.expect("replayed"), [0, 0, 0xff, 0]);
}

#[test]
fn what_is_committed_stays_though_its_transaction_was_not_forgotten() {
    let bytes = replayed(|writer| {
        let first = writer.operation(OPEN, (0, 0), &set(1));
        writer.operation(OPEN, (first, first), &about_nothing(0x1a));
    });
    assert_eq!(bytes.expect("replayed"), [0, 0xff, 0, 0]);
}

#[test]
fn transactions_are_taken_back_newest_first() {
    // Both change byte 1, in turn.
    let value = |from: u8, to: u8| {
        let operation = Target::Bitmap.operation((8, 8), (vec![to], vec![from]));
        Operation { target: 0x18 + 2 * 0x28, attribute_offset: 1, ..operation }
    };
    let bytes = replayed(|writer| {
        let first = writer.operation(OPEN, (0, 0), &value(0, 1));
        let other = writer.operation(KEPT, (0, 0), &value(1, 2));
        let second = writer.operation(OPEN, (first, first), &value(2, 3));
        writer.operation(KEPT, (other, other), &value(3, 4));
        writer.operation(OPEN, (second, second), &set(2));
    });
    assert_eq!(bytes.expect("replayed"), [0; 4]);
}

#[test]
fn freed_clusters_are_not_written() {
    let bytes = replayed(|writer| {
        let first = writer.operation(KEPT, (0, 0), &set(1));
        let range = [BITMAP[0].to_le_bytes(), 1u64.to_le_bytes()].concat();
        let free = Operation { redo_data: range, ..about_nothing(0x0a) };
        let freed = writer.operation(KEPT, (first, first), &free);
        writer.operation(KEPT, (freed, 0), &about_nothing(0x1b));
    });
    // The bitmap's other cluster is dirty still, and the record is about both.
    assert_eq!(bytes.expect("replayed"), [0, 0, 0, 0]);
}

#[test]
fn prepared_transactions_are_refused() {
    let error = replayed(|writer| {
        let first = writer.operation(OPEN, (0, 0), &set(1));
        writer.operation(OPEN, (first, first), &about_nothing(0x19));
    });
    assert!(matches!(error, Err(LogError::Record { .. })), "{error:?}");
}
