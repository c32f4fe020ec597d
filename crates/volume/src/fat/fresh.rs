//! Contents for clusters that were free when the transaction below the volume began: they overwrite nothing that a rollback would
//! need, so the transaction may pass them on to the image at once.

use winkiln_disk::Device;

use super::table::TableReader;
use super::{FatError, FatVolume};

/// Tells whether the tables lay where they lie now when the transaction began.
pub(super) fn tables_are_original(device: &dyn Device, boot: &[u8; 512]) -> Result<bool, FatError> {
    let mut then = [0; 512];
    device.read_original_at(0, &mut then)?;
    Ok(then == *boot)
}

impl FatVolume {
    /// Writes file contents to a range of data clusters that follow each other, those for fresh clusters as such.
    pub(super) fn write_contents(&self, mut at: u64, mut data: &[u8]) -> Result<(), FatError> {
        let cluster = u64::from(self.geometry.cluster);
        let mut reader = TableReader::of_original(&*self.device, &self.geometry);
        while !data.is_empty() {
            let from_data = at.saturating_sub(self.geometry.data);
            let mut left = cluster - from_data % cluster;
            let mut number = (from_data / cluster) as u32 + 2;
            let fresh = self.is_fresh(&mut reader, number)?;
            while left < data.len() as u64 {
                number += 1;
                if self.is_fresh(&mut reader, number)? != fresh {
                    break;
                }
                left += cluster;
            }
            let (part, rest) = data.split_at(left.min(data.len() as u64) as usize);
            if fresh {
                self.device.write_fresh(at, part)?;
            } else {
                self.device.write_at(at, part)?;
            }
            at += part.len() as u64;
            data = rest;
        }
        Ok(())
    }

    fn is_fresh(&self, reader: &mut TableReader<'_>, number: u32) -> Result<bool, FatError> {
        Ok(self.original && self.geometry.holds(number) && reader.entry(number)? == 0)
    }
}
