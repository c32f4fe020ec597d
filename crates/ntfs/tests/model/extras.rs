//! Links, junctions, given descriptors, and files that other programs left in forms of their own.

use std::collections::BTreeMap;

use winkiln_ntfs::{
    Error, Link, ReparsePoint, Volume,
    security::{Domains, from_sddl, to_sddl},
};

use super::{ARCHIVE, File, Model, Node, SETTABLE};

/// Descriptors, of a few bytes and of many.
const SDDL: [&str; 4] = [
    "O:BAG:SYD:P(A;;FA;;;BA)",
    "O:SYG:SYD:PAI(A;;FA;;;SY)(A;;FR;;;BU)S:AI(ML;;NW;;;HI)",
    "O:S-1-5-21-1-2-3-1001G:S-1-5-21-1-2-3-513D:(D;;FW;;;AN)(A;ID;FA;;;WD)",
    "O:BAG:BAD:NO_ACCESS_CONTROL",
];

impl Model {
    pub(super) fn is_folder(&self, node: Node) -> bool {
        match node {
            Node::Folder => true,
            Node::File(_) => false,
            Node::Link(number) => self.links[number].1,
        }
    }

    pub(super) fn extra(&mut self, volume: &mut Volume) -> Result<(), Error> {
        match self.random.below(8) {
            0..=2 => self.create_link(volume),
            3 => self.change_link(volume),
            4 => self.remove_link(volume),
            5 => self.create_secured(volume),
            _ => self.set_security(volume),
        }
    }

    fn target(&mut self) -> (Link, bool) {
        let junction = self.random.below(3) == 0;
        let most = if self.random.below(9) == 0 { 900 } else { 40 };
        let length = 1 + self.random.below(most);
        let target = match self.random.below(4) {
            0 => format!(r"C:\{}", "x".repeat(length as usize)),
            1 => self.pick(true).unwrap_or_default().replace('/', r"\"),
            2 if !junction => r"..\".repeat(1 + length as usize % 9) + "name",
            _ => format!(r"D:\a folder\{length}"),
        };
        let link = Link::to(&target, junction);
        (link.or_else(|| Link::to(r"C:\any", junction)).expect("a link"), junction)
    }

    /// Links have short names: a long one moves the link's data into an extension record, where checkdisk takes them for that record's.
    pub(super) fn link_name(name: &str) -> String {
        let name: String = name.chars().take(30).collect();
        name.trim_end().to_owned()
    }

    fn create_link(&mut self, volume: &mut Volume) -> Result<(), Error> {
        let (parent, name) = (self.parent(), self.new_name());
        let name = Self::link_name(&name);
        let (link, junction) = self.target();
        let is_directory = junction || self.random.below(2) == 0;
        let folder = Self::reference(volume, &parent);
        match volume.create_link(folder, &name, &link, is_directory) {
            // Not every program that formats makes `$Reparse`.
            Err(Error::Unsupported { .. }) => return Ok(()),
            done => done?,
        };
        self.linked += 1;
        self.nodes.insert(format!("{parent}/{name}"), Node::Link(self.links.len()));
        self.links.push((link, is_directory));
        Ok(())
    }

    /// Gives a link another target, and an empty file one.
    fn change_link(&mut self, volume: &mut Volume) -> Result<(), Error> {
        let Some(path) = self.pick_of(|node| matches!(node, Node::Link(_))) else { return Ok(()) };
        let Node::Link(number) = self.nodes[&path] else { return Ok(()) };
        let (link, junction) = self.target();
        let done = volume.set_link(Self::reference(volume, &path), &link);
        if junction && !self.links[number].1 && !matches!(done, Err(Error::Device(_))) {
            assert!(matches!(done, Err(Error::NotADirectory { .. })), "{path}: {done:?}");
            return Ok(());
        }
        done?;
        self.links[number].0 = link;
        Ok(())
    }

    /// Removes a link, or makes it the empty file or folder that it is.
    fn remove_link(&mut self, volume: &mut Volume) -> Result<(), Error> {
        let Some(path) = self.pick_of(|node| matches!(node, Node::Link(_))) else { return Ok(()) };
        let (parent, name) = path.rsplit_once('/').expect("a path");
        if self.random.below(2) == 0 {
            volume.remove(Self::reference(volume, parent), name)?;
            self.nodes.remove(&path);
            return Ok(());
        }
        volume.remove_link(Self::reference(volume, &path))?;
        if self.is_folder(self.nodes[&path]) {
            self.nodes.insert(path, Node::Folder);
            return Ok(());
        }
        self.nodes.insert(path, Node::File(self.files.len()));
        self.files.push(File {
            streams: BTreeMap::from([(String::new(), Vec::new())]),
            attributes: ARCHIVE,
            times: [Some(self.now); 3],
            sddl: None,
        });
        Ok(())
    }

    fn create_secured(&mut self, volume: &mut Volume) -> Result<(), Error> {
        let (parent, name) = (self.parent(), self.new_name());
        let sddl = SDDL[self.random.below(SDDL.len() as u64) as usize];
        let security = from_sddl(sddl, Domains::default()).expect("a descriptor");
        let folder = Self::reference(volume, &parent);
        volume.create_file_with(folder, &name, 0, Some(&security))?;
        self.nodes.insert(format!("{parent}/{name}"), Node::File(self.files.len()));
        self.files.push(File {
            streams: BTreeMap::from([(String::new(), Vec::new())]),
            attributes: ARCHIVE,
            times: [Some(self.now); 3],
            sddl: Some(sddl),
        });
        Ok(())
    }

    fn set_security(&mut self, volume: &mut Volume) -> Result<(), Error> {
        let Some(path) = self.pick(false) else { return Ok(()) };
        let sddl = SDDL[self.random.below(SDDL.len() as u64) as usize];
        let security = from_sddl(sddl, Domains::default()).expect("a descriptor");
        volume.set_security(Self::reference(volume, &path), None, &security)?;
        // The parts that it leaves out stay: what was there before counts no more, or is not known.
        let whole = sddl.contains("S:AI");
        if let Some(file) = self.file_mut(&path) {
            let had_label = file.sddl.is_none_or(|before| before.contains("S:AI"));
            file.sddl = (whole || !had_label).then_some(sddl);
        }
        Ok(())
    }

    /// Takes over the files in the root that another program made.
    pub(crate) fn adopt(&mut self, volume: &Volume) {
        for entry in volume.read_directory(volume.root()).expect("a listing") {
            let facts = volume.metadata(entry.reference).expect("facts");
            let mut value = vec![0; facts.size as usize];
            volume.read_at(entry.reference, "", 0, &mut value).expect("read");
            self.nodes.insert(format!("/{}", entry.name), Node::File(self.files.len()));
            self.files.push(File {
                streams: BTreeMap::from([(String::new(), value)]),
                attributes: facts.attributes & SETTABLE,
                times: [facts.created, facts.modified, facts.accessed].map(Some),
                sddl: None,
            });
        }
    }

    /// Compares every link, and every descriptor that was given.
    pub(super) fn check_extras(&self, volume: &Volume) {
        for (path, node) in &self.nodes {
            let file = Self::reference(volume, path);
            match node {
                Node::Folder => {}
                Node::Link(number) => {
                    let (link, is_directory) = &self.links[*number];
                    let found = volume.reparse_point(file).expect("read");
                    assert_eq!(found, Some(ReparsePoint::Link(link.clone())), "{path}");
                    let facts = volume.metadata(file).expect("facts");
                    assert_eq!(facts.is_directory, *is_directory, "{path}");
                }
                Node::File(number) => {
                    let Some(expected) = self.files[*number].sddl else { continue };
                    let found = volume.metadata(file).expect("facts").security;
                    let found = to_sddl(&found.expect("a descriptor")).expect("text");
                    assert_eq!(found, expected, "{path}");
                }
            }
        }
    }
}
