//! Folders: their entries, and the chains that these lead to.

use std::collections::HashSet;

use super::{Check, Folder, Told};
use crate::fat::FatError;
use crate::fat::directory::{
    ATTRIBUTE_DIRECTORY, ATTRIBUTE_VOLUME, ATTRIBUTES_LONG_NAME, DELETED, Directory, Node, Place,
};

/// Characters that no 8.3 name holds.
const FORBIDDEN: &[u8] = b"\"*+,./:;<=>?[\\]|";

impl Check<'_> {
    /// Every folder, from the root down.
    pub(super) fn tree(&mut self) -> Result<(), FatError> {
        let root = self.volume.root();
        if let Place::Chain(first) = root {
            self.follow(first, "\\")?;
        }
        self.folders.push_back(Folder { place: root, parent: 0, path: String::new() });
        // Each folder owns a cluster that no other one does.
        while let Some(folder) = self.folders.pop_front() {
            if self.stopped {
                return Ok(());
            }
            self.folder(&folder)?;
        }
        Ok(())
    }

    fn folder(&mut self, folder: &Folder) -> Result<(), FatError> {
        let path = if folder.path.is_empty() { "\\" } else { &folder.path };
        let directory = match self.volume.directory(folder.place) {
            Ok(directory) => directory,
            Err(FatError::Damaged { cluster, problem }) => {
                let told = Told {
                    object: "folder",
                    path: Some(path),
                    offset: self.volume.geometry.cluster_offset(cluster).ok(),
                    found: format!("cluster {cluster}: {problem}"),
                    expected: "a chain of clusters that ends",
                };
                // What is wrong with the chain was told when it was followed.
                if self.summary.damage == 0 {
                    self.damage("fat-folder", told);
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let mut nodes = Vec::new();
        directory.walk(|node| nodes.push(node));
        for (index, problem) in long_names(&directory, &nodes) {
            let told = Told {
                object: "long name",
                path: Some(path),
                offset: directory.offset(index),
                found: problem.into(),
                expected: "the parts of a long name before its short one",
            };
            self.damage("fat-long-name", told);
        }
        let own = match folder.place {
            Place::Chain(first) if !folder.path.is_empty() => Some(first),
            _ => None,
        };
        let mut names = HashSet::new();
        for (index, node) in nodes.iter().enumerate() {
            let label = node.attributes() & (ATTRIBUTE_VOLUME | ATTRIBUTE_DIRECTORY);
            if label == ATTRIBUTE_VOLUME {
                continue;
            }
            self.summary.files += 1;
            let dots: &[u8] = match index {
                0 => b".          ",
                1 => b"..         ",
                _ => b"",
            };
            if own.is_some() && index < 2 {
                let expected = if index == 0 { own.unwrap_or(0) } else { folder.parent };
                let sound = node.raw[..11] == *dots
                    && node.is_directory()
                    && node.first_cluster() == expected;
                if !sound {
                    self.entry("fat-dot-entry", node, path, "an entry of the folder or its parent");
                }
                continue;
            }
            if !names.insert(node.raw[..11].to_vec()) {
                self.entry("fat-duplicate-name", node, path, "a name of its own");
            }
            let raw = &node.raw[..11];
            let bad = |byte: &u8| *byte < 0x20 || FORBIDDEN.contains(byte);
            if raw[0] == b' ' || raw[0] != 5 && bad(&raw[0]) || raw[1..].iter().any(bad) {
                self.entry("fat-name", node, path, "characters of an 8.3 name");
            }
            self.node(node, folder)?;
        }
        Ok(())
    }

    fn node(&mut self, node: &Node, folder: &Folder) -> Result<(), FatError> {
        let path = format!("{}\\{}", folder.path, node.name);
        let first = node.first_cluster();
        if node.is_directory() {
            if node.size() != 0 {
                self.entry("fat-folder-size", node, &path, "a length of 0, as folders have");
            }
            if first == 0 {
                self.entry("fat-folder", node, &path, "a first cluster");
                return Ok(());
            }
            if self.follow(first, &path)?.is_empty() {
                return Ok(());
            }
            let parent = match folder.place {
                Place::Chain(first) if !folder.path.is_empty() => first,
                // The root is cluster 0 in `..`, on FAT32 too.
                _ => 0,
            };
            self.folders.push_back(Folder { place: Place::Chain(first), parent, path });
            return Ok(());
        }
        let clusters = if first == 0 { 0 } else { self.follow(first, &path)?.len() as u64 };
        let needed = u64::from(self.volume.geometry.clusters_for(node.size()));
        if clusters != needed {
            let told = Told {
                object: "directory entry",
                path: Some(&path),
                offset: Some(node.offset),
                found: format!("{} bytes in {clusters} clusters", node.size()),
                expected: &format!("{needed} clusters"),
            };
            self.damage("fat-size", told);
        }
        Ok(())
    }

    fn entry(&mut self, code: &'static str, node: &Node, path: &str, expected: &str) {
        let name = node.raw[..11].escape_ascii().to_string();
        let found =
            format!("entry {name:?}, cluster {}, {} bytes", node.first_cluster(), node.size());
        let told = Told {
            object: "directory entry",
            path: Some(path),
            offset: Some(node.offset),
            found,
            expected,
        };
        self.damage(code, told);
    }
}

/// Entries of long names that belong to no short one.
fn long_names(directory: &Directory, nodes: &[Node]) -> Vec<(usize, &'static str)> {
    let mut faults = Vec::new();
    let mut nodes = nodes.iter().peekable();
    for index in 0..directory.count() {
        while nodes.next_if(|node| node.entries.end <= index).is_some() {}
        let Some(raw) = directory.entry(index) else { break };
        match raw[0] {
            0 => break,
            DELETED => {}
            _ if raw[11] & 0x3F != ATTRIBUTES_LONG_NAME => {}
            _ if nodes.peek().is_some_and(|node| node.entries.contains(&index)) => {}
            _ => faults.push((index, "a part that belongs to no short name")),
        }
    }
    faults
}
