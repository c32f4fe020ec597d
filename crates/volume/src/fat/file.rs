//! The contents of files.

use std::sync::{Arc, PoisonError};

use super::directory::{ENTRIES_MAX, ENTRY, Node};
use super::{FatError, FatVolume, Found};

impl FatVolume {
    /// Reads from the file at a path; 0 at its end. `None` when there is no file.
    pub(crate) fn read_at(
        &self,
        path: &[String],
        offset: u64,
        buf: &mut [u8],
    ) -> Result<Option<usize>, FatError> {
        let Some(Found::Entry { node, .. }) = self.find(path)? else { return Ok(None) };
        if node.is_directory() {
            return Ok(None);
        }
        let left = u64::from(node.size()).saturating_sub(offset);
        let length = usize::try_from(left).map_or(buf.len(), |left| left.min(buf.len()));
        let chain = self.file_chain(&node)?;
        let device = &self.device;
        let mut done = 0;
        self.each_run(&chain, offset, length, |at, part| {
            device.read_at(at, &mut buf[done..done + part])?;
            done += part;
            Ok(())
        })?;
        Ok(Some(length))
    }

    /// Writes into the file at a path, growing it when the range passes its end; a gap reads as zeros.
    /// False when there is no file.
    pub(crate) fn write_at(
        &mut self,
        path: &[String],
        offset: u64,
        data: &[u8],
    ) -> Result<bool, FatError> {
        self.check_writable()?;
        let Some(mut node) = self.find_file(path)? else { return Ok(false) };
        let end =
            offset.checked_add(data.len() as u64).ok_or(FatError::TooLarge { size: u64::MAX })?;
        let old = u64::from(node.size());
        let chain = if end > old { self.resize(&mut node, end)? } else { self.file_chain(&node)? };
        if offset > old {
            self.zero(&chain, old, offset - old)?;
        }
        let mut rest = data;
        self.each_run(&chain, offset, data.len(), |at, part| {
            let (now, later) = rest.split_at(part);
            rest = later;
            self.write_contents(at, now)
        })?;
        node.set_modified(self.now);
        self.write_node(&node)?;
        Ok(true)
    }

    /// Cuts or grows the file at a path; what is new reads as zeros. False when there is no file.
    pub(crate) fn set_size(&mut self, path: &[String], size: u64) -> Result<bool, FatError> {
        self.resize_at(path, size, true)
    }

    /// As [`FatVolume::set_size`], for a caller that writes all of the file afterwards.
    pub(crate) fn set_size_for_writing(
        &mut self,
        path: &[String],
        size: u64,
    ) -> Result<bool, FatError> {
        self.resize_at(path, size, false)
    }

    /// Stamps the file at a path as modified.
    pub(crate) fn touch(&mut self, path: &[String]) -> Result<(), FatError> {
        self.check_writable()?;
        if let Some(mut node) = self.find_file(path)? {
            node.set_modified(self.now);
            self.write_node(&node)?;
        }
        Ok(())
    }

    fn resize_at(&mut self, path: &[String], size: u64, zero: bool) -> Result<bool, FatError> {
        self.check_writable()?;
        let Some(mut node) = self.find_file(path)? else { return Ok(false) };
        let old = u64::from(node.size());
        if size != old {
            let chain = self.resize(&mut node, size)?;
            if zero && size > old {
                self.zero(&chain, old, size - old)?;
            }
            node.set_modified(self.now);
            self.write_node(&node)?;
        }
        Ok(true)
    }

    fn find_file(&self, path: &[String]) -> Result<Option<Node>, FatError> {
        Ok(match self.find(path)? {
            Some(Found::Entry { node, .. }) if !node.is_directory() => Some(node),
            _ => None,
        })
    }

    /// The clusters of a file, at least as many as its size needs.
    pub(super) fn file_chain(&self, node: &Node) -> Result<Arc<Vec<u32>>, FatError> {
        let first = node.first_cluster();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let known = recent.as_ref().filter(|(known, _)| *known == first);
        let chain = match known {
            Some((_, chain)) => Arc::clone(chain),
            None => {
                // Some writers leave spare clusters behind a file's end; they stay its own.
                let longest = self.geometry.clusters_for(u32::MAX);
                let chain = Arc::new(self.chain(first, longest)?);
                *recent = Some((first, Arc::clone(&chain)));
                chain
            }
        };
        if (chain.len() as u64) < u64::from(self.geometry.clusters_for(node.size())) {
            let problem = "the file's chain is shorter than its size";
            return Err(FatError::Damaged { cluster: first, problem });
        }
        Ok(chain)
    }

    /// The clusters of a folder.
    pub(super) fn directory_chain(&self, node: &Node) -> Result<Vec<u32>, FatError> {
        let limit = (ENTRIES_MAX * ENTRY).div_ceil(self.geometry.cluster as usize);
        self.chain(node.first_cluster(), limit as u32)
    }

    /// Gives a file the clusters for `size` bytes and changes its entry in memory. New clusters are not zeroed.
    fn resize(&mut self, node: &mut Node, size: u64) -> Result<Arc<Vec<u32>>, FatError> {
        let short = u32::try_from(size).map_err(|_| FatError::TooLarge { size })?;
        let mut chain = Arc::unwrap_or_clone(self.file_chain(node)?);
        let needed = self.geometry.clusters_for(short) as usize;
        if needed > chain.len() {
            let more = self.allocate((needed - chain.len()) as u32)?;
            match chain.last() {
                Some(last) => self.link(*last, more.first().copied())?,
                None => node.set_first_cluster(more.first().copied().unwrap_or(0)),
            }
            chain.extend(more);
        } else if needed < chain.len() {
            let rest = chain.split_off(needed);
            match chain.last() {
                Some(last) => self.link(*last, None)?,
                None => node.set_first_cluster(0),
            }
            self.free(&rest)?;
        }
        node.set_size(short);
        Ok(Arc::new(chain))
    }

    fn zero(&self, chain: &[u32], offset: u64, length: u64) -> Result<(), FatError> {
        let length = usize::try_from(length).map_err(|_| FatError::TooLarge { size: length })?;
        self.each_run(chain, offset, length, |at, part| self.clear(at, part as u64))
    }

    /// Calls `each` with the place on the volume and the length of every run of adjacent clusters in a range of a chain.
    fn each_run(
        &self,
        chain: &[u32],
        mut offset: u64,
        mut length: usize,
        mut each: impl FnMut(u64, usize) -> Result<(), FatError>,
    ) -> Result<(), FatError> {
        let cluster_size = u64::from(self.geometry.cluster);
        while length > 0 {
            let index = (offset / cluster_size) as usize;
            let past_end =
                FatError::Damaged { cluster: 0, problem: "the range passes the end of its chain" };
            let Some(first) = chain.get(index).copied() else { return Err(past_end) };
            let most = (length as u64).div_ceil(cluster_size) as usize;
            let adjacent = chain[index..]
                .windows(2)
                .take(most)
                .take_while(|pair| pair[1] == pair[0] + 1)
                .count() as u64;
            let within = offset % cluster_size;
            let part = usize::try_from((adjacent + 1) * cluster_size - within)
                .map_or(length, |run| run.min(length));
            each(self.geometry.cluster_offset(first)? + within, part)?;
            offset += part as u64;
            length -= part;
        }
        Ok(())
    }
}
