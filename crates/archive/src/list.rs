//! The files and folders of an archive while they are collected: limits, folders that only paths name, links.

use std::collections::BTreeMap;

use crate::contents::Contents;
use crate::error::{Error, Format};
use crate::limits::Limits;
use crate::name::{self, Reason};
use crate::tree::{Entry, EntryKind, LeftOut};

/// Steps of links before a path counts as going round.
const LINKS_MAX: usize = 40;

/// What a path names.
pub(crate) enum Node {
    Folder,
    File {
        size: u64,
        contents: Contents,
    },
    /// A symbolic link, with its target as written: relative to the folder it lies in.
    Link {
        target: String,
    },
}

pub(crate) struct List {
    format: Format,
    limits: Limits,
    nodes: BTreeMap<String, Node>,
    left_out: Vec<LeftOut>,
    bytes: u64,
}

impl List {
    pub fn new(format: Format, limits: Limits) -> Self {
        Self { format, limits, nodes: BTreeMap::new(), left_out: Vec::new(), bytes: 0 }
    }

    /// Notes something that is left out.
    pub fn leave_out(&mut self, path: impl Into<String>, reason: Reason) -> Result<(), Error> {
        self.left_out.push(LeftOut { path: path.into(), reason });
        self.count()
    }

    /// Adds what a clean path names; the first of a name stays.
    pub fn add(&mut self, path: String, node: Node) -> Result<(), Error> {
        match (self.nodes.get(&path), &node) {
            (None, _) | (Some(Node::Folder), Node::Folder) => {}
            (Some(_), _) => return self.leave_out(path, Reason::Duplicate),
        }
        self.put(path, node)
    }

    /// Adds what a clean path names; the last of a name stays.
    pub fn replace(&mut self, path: String, node: Node) -> Result<(), Error> {
        if matches!((self.nodes.get(&path), &node), (Some(Node::Folder), Node::File { .. })) {
            return self.leave_out(path, Reason::Duplicate);
        }
        self.put(path, node)
    }

    /// A file that was added before, for hard links.
    pub fn file(&self, path: &str) -> Option<(u64, Contents)> {
        match self.nodes.get(path)? {
            Node::File { size, contents } => Some((*size, contents.clone())),
            _ => None,
        }
    }

    fn put(&mut self, path: String, node: Node) -> Result<(), Error> {
        if let Node::File { size, .. } = &node {
            self.bytes = self.bytes.saturating_add(*size);
            if self.format != Format::Folder && self.bytes > self.limits.bytes {
                let (size, max) = (self.bytes, self.limits.bytes);
                return Err(Error::TooLarge { format: self.format, size, max });
            }
        }
        self.nodes.insert(path, node);
        self.count()
    }

    fn count(&self) -> Result<(), Error> {
        let max = self.limits.entries;
        if self.nodes.len() + self.left_out.len() > max {
            return Err(Error::TooManyEntries { format: self.format, max });
        }
        Ok(())
    }

    /// Bytes of all files so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds the folders that only paths name, follows the links, and sorts.
    pub fn finish(mut self) -> Result<(Vec<Entry>, Vec<LeftOut>), Error> {
        self.add_parents()?;
        self.follow_links()?;
        let mut entries: Vec<Entry> = self
            .nodes
            .into_iter()
            .filter_map(|(path, node)| {
                let (kind, size, contents) = match node {
                    Node::Folder => (EntryKind::Folder, 0, None),
                    Node::File { size, contents } => (EntryKind::File, size, Some(contents)),
                    Node::Link { .. } => return None,
                };
                Some(Entry { folded: name::folded(&path), path, kind, size, contents })
            })
            .collect();
        entries.sort_by(|a, b| (&a.folded, &a.path).cmp(&(&b.folded, &b.path)));
        self.left_out.sort_by(|a, b| a.path.cmp(&b.path));
        Ok((entries, self.left_out))
    }

    fn add_parents(&mut self) -> Result<(), Error> {
        let paths: Vec<_> = self.nodes.keys().cloned().collect();
        'paths: for path in paths {
            for (at, _) in path.match_indices('/') {
                let parent = &path[..at];
                match self.nodes.get(parent) {
                    Some(Node::Folder) => {}
                    None => self.put(parent.to_owned(), Node::Folder)?,
                    Some(_) => {
                        self.nodes.remove(&path);
                        self.leave_out(path, Reason::BelowFile)?;
                        continue 'paths;
                    }
                }
            }
        }
        Ok(())
    }

    /// Links become what they lead to: a file, or a folder with all in it but further links.
    fn follow_links(&mut self) -> Result<(), Error> {
        let links: Vec<(String, String)> = self
            .nodes
            .iter()
            .filter_map(|(path, node)| match node {
                Node::Link { target } => Some((path.clone(), target.clone())),
                _ => None,
            })
            .collect();
        let ends: Vec<Option<String>> =
            links.iter().map(|(path, target)| self.end_of(path, target)).collect();
        for ((path, _), end) in links.into_iter().zip(ends) {
            let around = |end: &str| end.is_empty() || path.starts_with(&format!("{end}/"));
            let Some(end) = end.filter(|end| !around(end)) else {
                self.nodes.remove(&path);
                self.leave_out(path, Reason::Link)?;
                continue;
            };
            if let Some((size, contents)) = self.file(&end) {
                self.put(path, Node::File { size, contents })?;
                continue;
            }
            let prefix = format!("{end}/");
            let below: Vec<_> = self
                .nodes
                .range(prefix.clone()..)
                .take_while(|(name, _)| name.starts_with(&prefix))
                .filter_map(|(name, node)| {
                    let rest = name.strip_prefix(&prefix)?;
                    let node = match node {
                        Node::Folder => Node::Folder,
                        Node::File { size, contents } => {
                            Node::File { size: *size, contents: contents.clone() }
                        }
                        Node::Link { .. } => return None,
                    };
                    Some((format!("{path}/{rest}"), node))
                })
                .collect();
            self.put(path, Node::Folder)?;
            for (path, node) in below {
                if path.matches('/').count() >= Limits::DEPTH {
                    self.leave_out(path, Reason::TooLong)?;
                } else {
                    self.add(path, node)?;
                }
            }
        }
        Ok(())
    }

    /// Where a link ends: the path of a file or folder that is there and no link; the root is the empty path.
    fn end_of(&self, link: &str, target: &str) -> Option<String> {
        let folder = |path: &str| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let mut at = folder(link);
        let mut steps = 1;
        // What is still to be walked, last first.
        let mut todo: Vec<String> = target.split('/').rev().map(str::to_owned).collect();
        if target.starts_with('/') {
            return None;
        }
        while let Some(step) = todo.pop() {
            match step.as_str() {
                "" | "." => continue,
                ".." if at.is_empty() => return None,
                ".." => {
                    at = folder(&at);
                    continue;
                }
                _ => {}
            }
            let next = if at.is_empty() { step } else { format!("{at}/{step}") };
            match self.nodes.get(&next)? {
                Node::Folder => at = next,
                Node::File { .. } => return todo.is_empty().then_some(next),
                Node::Link { target } => {
                    steps += 1;
                    if steps > LINKS_MAX || target.starts_with('/') || todo.len() > 4096 {
                        return None;
                    }
                    todo.extend(target.split('/').rev().map(str::to_owned));
                }
            }
        }
        Some(at)
    }
}
