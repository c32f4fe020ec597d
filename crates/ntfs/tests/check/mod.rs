//! The consistency check: silent on sound volumes, loud on damaged ones.

mod faults;
mod flips;
mod sample;
mod wrong_bitmap;

use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

use winkiln_disk::Device;
use winkiln_ntfs::check::{self, Event, Finding, Severity, Summary};

use crate::{
    device::FileDevice,
    images::{self, Image},
    write_volumes::open_for_writing,
};

/// Findings of a device that can be checked.
pub(crate) fn findings(device: &Arc<dyn Device>) -> (Vec<Finding>, Summary) {
    let mut findings = Vec::new();
    let summary = check::check(device, &mut |event| {
        if let Event::Finding(finding) = event {
            findings.push(finding);
        }
        ControlFlow::Continue(())
    });
    (findings, summary.expect("a volume that can be checked"))
}

fn findings_of(image: &Image) -> Vec<Finding> {
    let device: Arc<dyn Device> = FileDevice::open(&image.path, image.start, image.length, false);
    let (findings, summary) = findings(&device);
    assert!(summary.complete);
    let damage = findings.iter().any(|finding| finding.severity == Severity::Damage);
    assert_eq!(summary.is_clean(), !damage);
    findings
}

/// What is damaged, wherever it lies.
pub(crate) fn damage(image: &Image) -> BTreeSet<(&'static str, Option<u64>, String)> {
    let damage = |finding: &Finding| finding.severity == Severity::Damage;
    let found = findings_of(image).into_iter().filter(damage);
    found.map(|finding| (finding.code, finding.record, finding.found)).collect()
}

/// Nothing is damaged.
pub(crate) fn assert_clean(image: &Image, what: &str) {
    let mut damage = findings_of(image);
    damage.retain(|finding| finding.severity == Severity::Damage);
    assert!(damage.is_empty(), "{what}: {damage:#?}");
}

fn codes(findings: &[Finding]) -> BTreeSet<&'static str> {
    findings.iter().map(|finding| finding.code).collect()
}

fn corpus(name: &str, notes: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::corpus(name, folder.path()) else { return };
    let found = findings_of(&image);
    assert_eq!(codes(&found), notes.iter().copied().collect(), "{name}: {found:#?}");
}

#[test]
fn nothing_is_wrong_with_real_volumes() {
    for name in images::corpus_names() {
        let notes: &[&str] = match name {
            // Microsoft ships it without the copy of the boot sector.
            "boot.sdi-3170304.sdi.xz" => &["backup-boot-sector-missing"],
            // Its log was not closed.
            "win-links-junction-ads.vol.raw.xz" => &["state-log-not-clean"],
            _ => &[],
        };
        corpus(name, notes);
    }
}

#[test]
fn nothing_is_wrong_with_fresh_volumes() {
    for shift in 9..=21 {
        let folder = tempfile::tempdir().expect("a folder");
        let size = if shift > 16 { 512 << 20 } else { 32 << 20 };
        let Some(image) = images::mkntfs(folder.path(), size, 1 << shift, "") else { return };
        let found = findings_of(&image);
        assert!(found.is_empty(), "clusters of {} bytes: {found:#?}", 1 << shift);
        let mut volume = open_for_writing(&image);
        for number in 0..40 {
            let folder = volume.create_directory(volume.root(), &format!("folder {number}"));
            let file = volume.create_file(folder.expect("created"), "file", 0).expect("created");
            volume.write_at(file, "", 0, &vec![7; 300 * number]).expect("written");
        }
        volume.flush().expect("flushed");
        drop(volume);
        assert_clean(&image, &format!("our files, clusters of {} bytes", 1 << shift));
    }
    for cluster in [4096, 65536] {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(image) = images::mkntfs(folder.path(), 256 << 20, cluster, "-s 4096") else {
            return;
        };
        let found = findings_of(&image);
        assert!(found.is_empty(), "sectors of 4 KiB: {found:#?}");
    }
}

#[test]
fn nothing_is_wrong_with_what_ntfs_3g_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 64 << 20, 4096, "") else { return };
    let Some(mount) = crate::judges::Mount::new(&image, "compression") else { return };
    let root = mount.path().display();
    images::shell(&format!(
        "cd '{root}' && mkdir -p many deep/a/b/c && seq -f 'many/a name of file %g.txt' 600 | xargs -d '\\n' touch \
         && for i in $(seq 80); do head -c $((i * 900)) /dev/urandom > \"deep/a/$i\"; ln \"deep/a/$i\" \"deep/a/b/link $i\"; \
         ln -s target \"deep/a/b/c/symbolic $i\"; done && truncate -s 5M sparse && echo end >> sparse \
         && for i in $(seq 60); do ln sparse \"many/a long name of a link number $i\"; done \
         && seq -f 'many/a name of file %g.txt' 1 2 600 | xargs -d '\\n' rm \
         && for i in $(seq 30); do for j in 1 2 3; do head -c 5000 /dev/zero >> \"deep/grown $j\"; done; done"
    ));
    drop(mount);
    assert_clean(&image, "files of ntfs-3g");
}

#[test]
fn a_check_can_be_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(image) = images::mkntfs(folder.path(), 16 << 20, 4096, "") else { return };
    let device: Arc<dyn Device> = FileDevice::open(&image.path, 0, None, false);
    let mut events = 0;
    let summary = check::check(&device, &mut |_| {
        events += 1;
        ControlFlow::Break(())
    });
    let summary = summary.expect("a volume");
    assert_eq!((events, summary.complete, summary.is_clean()), (1, false, false));
}
