//! The open volume below its public face: what every other module works on.

use std::sync::Arc;

use winkiln_disk::Device;

use crate::{
    Error, FileTime,
    boot_sector::{self, Geometry},
    page_cache::PageCache,
    parsed::Parsed,
    run_list::Run,
    upcase::UpCase,
    wof::Unpacked,
};

/// What is known of the volume and must go back when an operation fails.
#[derive(Clone)]
pub(crate) struct State {
    /// Runs of `$MFT`.
    pub(crate) mft: Arc<Vec<Run>>,
    /// Initialised bytes of `$MFT`.
    pub(crate) mft_size: u64,
    /// Runs of `$MFTMirr`.
    pub(crate) mirror: Arc<Vec<Run>>,
    /// Bytes of `$MFTMirr`.
    pub(crate) mirror_size: u64,
    /// Runs of `$Bitmap`.
    pub(crate) bitmap: Arc<Vec<Run>>,
    /// Where the search for free clusters goes on.
    pub(crate) cursor: u64,
    /// Below this file record none is free.
    pub(crate) record_hint: u64,
    /// What was last inherited: the folder's security id, for a folder or a file, and the id given.
    pub(crate) inherited: Option<(u32, bool, u32)>,
    /// A folder that is known to be a user's.
    pub(crate) user_folder: Option<u64>,
}

/// An open volume.
pub(crate) struct Core {
    pub(crate) cache: PageCache,
    pub(crate) geometry: Geometry,
    pub(crate) state: State,
    pub(crate) parsed: Box<Parsed>,
    pub(crate) upcase: Option<Arc<UpCase>>,
    /// Forgotten when anything changes.
    pub(crate) unpacked: Option<Box<Unpacked>>,
    /// `$Bitmap` lies where it lay when the transaction below began.
    pub(crate) original_bitmap: bool,
    pub(crate) now: FileTime,
    /// New long names get an 8.3 name.
    pub(crate) short_names: bool,
}

impl Core {
    /// Reads the boot sector and finds `$MFT`, `$MFTMirr` and `$Bitmap`.
    pub(crate) fn open(device: Arc<dyn Device>, now: FileTime) -> Result<Self, Error> {
        let mut cache = PageCache::new(device);
        let mut sector = [0; boot_sector::BYTES];
        cache.read(0, &mut sector)?;
        let geometry = Geometry::parse(&sector)?;
        let none: Arc<Vec<Run>> = Arc::default();
        let state = State {
            mft: none.clone(),
            mft_size: 0,
            mirror: none.clone(),
            mirror_size: 0,
            bitmap: none,
            cursor: 0,
            record_hint: crate::mft::FIRST_FREE,
            inherited: None,
            user_folder: None,
        };
        let mut core = Self {
            cache,
            geometry,
            state,
            parsed: Box::default(),
            upcase: None,
            unpacked: None,
            original_bitmap: false,
            now,
            short_names: false,
        };
        core.open_mft()?;
        core.open_bitmap()?;
        Ok(core)
    }

    /// Runs a changing operation: all of it happens, or nothing.
    pub(crate) fn operation<T>(
        &mut self,
        f: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.upcase()?;
        self.unpacked = None;
        let before = self.state.clone();
        self.cache.begin();
        self.parsed.begin();
        let done = f(self).and_then(|value| self.settle_records().map(|()| value));
        match done {
            Ok(value) => {
                self.parsed.end();
                if self.cache.commit() {
                    self.flush()?;
                }
                Ok(value)
            }
            Err(error) => {
                self.cache.rollback();
                self.parsed.rollback();
                self.state = before;
                Err(error)
            }
        }
    }

    /// The volume's upper-case table, read when a name is compared for the first time.
    pub(crate) fn upcase(&mut self) -> Result<Arc<UpCase>, Error> {
        if let Some(table) = &self.upcase {
            return Ok(table.clone());
        }
        let stream = self.system_stream(crate::mft::UPCASE, crate::attribute::kind::DATA, "")?;
        let mut bytes = vec![0; stream.size().min(crate::upcase::TABLE_BYTES as u64) as usize];
        self.read_stream(&stream, 0, &mut bytes)?;
        let table = Arc::new(UpCase::from_bytes(&bytes));
        self.upcase = Some(table.clone());
        Ok(table)
    }

    /// Bytes per cluster.
    pub(crate) fn cluster(&self) -> u64 {
        self.geometry.cluster_size.into()
    }
}
