//! A `$Bitmap` that calls the volume's own structures free: nothing is put on top of them.

use std::sync::Arc;

use winkiln_disk::{Device, MemoryDevice};
use winkiln_ntfs::{Error, OpenOptions, Volume};

use super::sample;

const DATA: u32 = 0x80;

#[test]
fn contents_never_land_on_the_volumes_own_structures() {
    let Some(mut sample) = sample::ours() else { return };
    // `$MFT`, `$MFTMirr`, `$Bitmap`, `$Boot`.
    for record in [0, 1, 6, 7] {
        let bitmap = sample.runs(6, DATA, "");
        let cluster = sample.geometry.cluster_size as usize;
        for run in &bitmap {
            let at = run.lcn.expect("clusters").0 as usize * cluster;
            sample.bytes[at..at + run.length as usize * cluster].fill(0xff);
        }
        let mut free = 0;
        for run in sample.runs(record, DATA, "") {
            let first = run.lcn.expect("clusters").0;
            free += run.length;
            for number in first..first + run.length {
                sample.bytes_of(6, DATA, "", number / 8)[0] &= !(1 << (number % 8));
            }
        }
        let before = sample.bytes.clone();
        let device = Arc::new(MemoryDevice::new(before.clone()));
        let options = OpenOptions { writable: true, ..Default::default() };
        let mut volume =
            Volume::open(device.clone() as Arc<dyn Device>, options).expect("opens for writing");
        let file = volume.find("small").expect("a lookup").expect("a file");
        let contents = vec![1; free as usize * cluster];
        let error = volume.write_at(file, "new", 0, &contents).expect_err("refused");
        assert!(matches!(error, Error::Damaged { structure: "$Bitmap", .. }), "{record}: {error}");
        volume.flush().expect("flushed");
        assert!(device.to_vec() == before, "{record}: something has changed");
    }
}
