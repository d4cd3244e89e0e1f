//! The snapshot that a plan is made against: manifest, ledger, cache and files, read once.

mod gather;

pub use gather::{Gathering, KnownError, gather, is_lfs_pointer};

use crate::layout::Place;
use crate::manifest::{AssetEntry, Manifest};
use crate::media::Probe;
use crate::record;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Everything a plan may know of the world.
#[derive(Debug, Default)]
pub struct Known {
    /// The manifest; empty where there is none.
    pub manifest: Manifest,
    /// The ledger; empty where there is none.
    pub ledger: record::Snapshot,
    /// Files that manifest entries name, by `filename`; one that is not here is missing.
    pub outputs: HashMap<String, Output>,
    /// What another branch has rendered, where one was named.
    pub deferred: Option<Deferred>,
    /// Digests of the clips in the cache.
    pub cached: HashSet<String>,
    /// Digests of clips that are not in the cache and that the shared cache has.
    pub shared: HashSet<String>,
    /// Files that the storyboard names, by path as written.
    pub inputs: BTreeMap<String, KnownInput>,
    /// Footage and stills that exist and stand in the film as they are, by path as written.
    pub footage: BTreeMap<String, Footage>,
    /// Unix milliseconds: what the provider still has depends on it.
    pub now_ms: i64,
    /// True when a key is at hand, so that the provider can be asked for a clip it still has.
    pub has_key: bool,
}

impl Known {
    /// Whether the bytes of a clip can be had without the provider.
    pub fn has(&self, sha256: &str) -> bool {
        self.cached.contains(sha256)
            || self.shared.contains(sha256)
            || self.beside(sha256).is_some()
    }

    /// Takes note that a clip is not what it should be, or is gone, beside another branch's manifest.
    pub fn not_beside(&mut self, sha256: &str) {
        if let Some(deferred) = &mut self.deferred {
            deferred.files.remove(sha256);
        }
    }

    /// Tasks that the manifest names, and that of another branch.
    pub fn tasks(&self) -> BTreeSet<String> {
        let mut tasks = self.manifest.tasks();
        tasks.extend(self.deferred.iter().flat_map(|deferred| deferred.manifest.tasks()));
        tasks
    }

    /// Files that the storyboard names and of which only a Git LFS pointer is here: path and digest of what it stands for.
    pub fn pointers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.inputs.iter().filter_map(|(path, input)| match input {
            KnownInput::Pointer { sha256 } => Some((path.as_str(), sha256.as_str())),
            KnownInput::File { .. } | KnownInput::Unusable(_) => None,
        })
    }

    /// The file beside another branch's manifest that holds this content.
    pub fn beside(&self, sha256: &str) -> Option<&Path> {
        self.deferred.as_ref()?.files.get(sha256).map(PathBuf::as_path)
    }

    /// Clips and stills on record, this branch's before another's.
    pub fn renders(&self) -> impl Iterator<Item = &AssetEntry> {
        let elsewhere = self.deferred.iter().flat_map(|deferred| deferred.manifest.renders());
        self.manifest.renders().chain(elsewhere)
    }

    /// Digests of all clips on record, each once.
    pub fn digests(&self) -> HashSet<&str> {
        let of_entries = self.renders().flat_map(|entry| {
            entry.sha256.iter().chain(entry.steps.iter().filter_map(|step| step.sha256.as_ref()))
        });
        let recorded = self.ledger.clips.iter().map(|clip| &clip.sha256);
        of_entries.chain(recorded).map(String::as_str).collect()
    }
}

/// What another branch has rendered: scenes that ask for the very same are taken from there.
#[derive(Debug)]
pub struct Deferred {
    /// Its manifest, as the user named it.
    pub shown: String,
    /// What that one records.
    pub manifest: Manifest,
    /// Where the clips of this storyboard are kept by it.
    pub place: Place,
    /// Clips that lie beside it, by digest.
    pub files: HashMap<String, PathBuf>,
}

/// A file under a published name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A regular file with this digest.
    File {
        /// `sha256:` and hex.
        sha256: String,
    },
    /// A Git LFS pointer: a few lines of text in place of the clip.
    Pointer,
}

/// Footage, or a still, that exists.
#[derive(Debug, Clone, PartialEq)]
pub enum Footage {
    /// It can be read.
    Readable(Probe),
    /// A Git LFS pointer: a few lines of text in place of the file.
    Pointer,
    /// It cannot be used, and why: `is missing`, `is cut: ...`.
    Unusable(String),
}

/// A file the storyboard names.
#[derive(Debug, Clone, PartialEq)]
pub enum KnownInput {
    /// It is there.
    File {
        /// Where.
        path: PathBuf,
        /// `sha256:` and hex.
        sha256: String,
        /// Its length, for a clip whose headers can be read.
        seconds: Option<f64>,
    },
    /// A Git LFS pointer to this content: known, and not here.
    Pointer {
        /// `sha256:` and hex of what it stands for.
        sha256: String,
    },
    /// It cannot be used, and why: `is missing`, `lies outside the project`.
    Unusable(String),
}
