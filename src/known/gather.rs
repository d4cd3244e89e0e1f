//! Reads the world once for a plan. Looks only: nothing is created, written or sent.

use super::{Deferred, Footage, Known, KnownInput, Output};
use crate::digest;
use crate::layout::Layout;
use crate::manifest::{Manifest, safe_filename};
use crate::record::{FileRecord, Snapshot};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Where to look and what is known already.
pub struct Gathering<'a> {
    /// The project's folders.
    pub layout: &'a Layout,
    /// The storyboard's folder, against which its paths are resolved.
    pub board_folder: &'a Path,
    /// The manifest, read and valid.
    pub manifest: Manifest,
    /// What another branch has rendered; which clips lie beside its manifest is found out here.
    pub deferred: Option<(PathBuf, Deferred)>,
    /// The ledger; empty where there is none.
    pub ledger: Snapshot,
    /// Paths and asset ids that the storyboard names, as written.
    pub paths: Vec<String>,
    /// Paths and asset ids of footage and stills that exist, as written.
    pub footage: Vec<String>,
    /// Unix milliseconds.
    pub now_ms: i64,
    /// Whether a key is at hand.
    pub has_key: bool,
}

/// Why a file that exists could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{path}`: {error}")]
pub struct KnownError {
    /// The file.
    pub path: String,
    /// What the system said.
    pub error: std::io::Error,
}

/// Takes the snapshot. Also gives the hashes that were not known yet, for the ledger to remember.
///
/// # Errors
/// A file that exists and cannot be read.
pub fn gather(gathering: Gathering<'_>) -> Result<(Known, Vec<FileRecord>), KnownError> {
    let Gathering {
        layout,
        board_folder,
        manifest,
        deferred,
        ledger,
        paths,
        footage,
        now_ms,
        has_key,
    } = gathering;
    let mut hashes = Hashes {
        root: &layout.project_root,
        known: ledger.files.iter().map(|record| (record.path.as_str(), record)).collect(),
        fresh: Vec::new(),
    };
    let mut outputs = HashMap::new();
    for entry in manifest.renders() {
        if outputs.contains_key(&entry.filename) || safe_filename(&entry.filename).is_none() {
            continue;
        }
        if let Some(output) = hashes.output(&layout.assets_root.join(&entry.filename))? {
            outputs.insert(entry.filename.clone(), output);
        }
    }
    let place = |written: &str| match manifest.asset_filename(written) {
        Some(filename) => layout.assets_root.join(filename),
        None => board_folder.join(written),
    };
    let mut inputs = BTreeMap::new();
    for written in paths {
        let input = hashes.input(&place(&written))?;
        inputs.insert(written, input);
    }
    let footage = footage.into_iter().map(|written| {
        let found = hashes.footage(&place(&written));
        (written, found)
    });
    let footage = footage.collect();
    let deferred =
        deferred.map(|(path, deferred)| hashes.beside(&path, deferred, &outputs)).transpose()?;
    let fresh = hashes.fresh;
    let (cached, shared) = (HashSet::new(), HashSet::new());
    let mut known = Known {
        manifest,
        deferred,
        ledger,
        outputs,
        cached,
        shared,
        inputs,
        footage,
        now_ms,
        has_key,
    };
    let here = known.digests().into_iter().filter(|sha256| layout.cached(sha256).is_file());
    known.cached = here.map(str::to_owned).collect();
    Ok((known, fresh))
}

/// Digests of files, trusting size and time where the ledger knows them.
struct Hashes<'a> {
    root: &'a Path,
    known: HashMap<&'a str, &'a FileRecord>,
    fresh: Vec<FileRecord>,
}

impl Hashes<'_> {
    /// What stands under a published name; `None` for nothing.
    fn output(&mut self, path: &Path) -> Result<Option<Output>, KnownError> {
        let metadata = match std::fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_file() => metadata,
            _ => return Ok(None),
        };
        if is_lfs_pointer(path, metadata.len()) {
            return Ok(Some(Output::Pointer));
        }
        self.digest(path, &metadata).map(|sha256| Some(Output::File { sha256 }))
    }

    /// Finds the clips that lie beside another branch's manifest and not here: a checkout of that branch has them.
    fn beside(
        &mut self,
        manifest: &Path,
        mut deferred: Deferred,
        outputs: &HashMap<String, Output>,
    ) -> Result<Deferred, KnownError> {
        // The manifest lies in `assets`, and names are relative to the folder that holds it.
        let folder = manifest.parent().filter(|folder| folder.ends_with("assets"));
        let Some(root) = folder.and_then(Path::parent) else { return Ok(deferred) };
        let here: HashSet<&str> = outputs
            .values()
            .filter_map(|output| match output {
                Output::File { sha256 } => Some(sha256.as_str()),
                Output::Pointer => None,
            })
            .collect();
        for entry in deferred.manifest.renders() {
            let Some(sha256) = entry.sha256.as_ref().filter(|sha256| {
                !here.contains(sha256.as_str()) && !deferred.files.contains_key(*sha256)
            }) else {
                continue;
            };
            let Some(filename) = safe_filename(&entry.filename) else { continue };
            let path = root.join(filename);
            if let Some(Output::File { sha256: found }) = self.output(&path)?
                && found == *sha256
            {
                deferred.files.insert(found, path);
            }
        }
        Ok(deferred)
    }

    /// A file the storyboard names.
    fn input(&mut self, path: &Path) -> Result<KnownInput, KnownError> {
        match self.inside(path) {
            Ok((real, metadata)) => {
                if let Some(sha256) = pointed_to(&real, metadata.len()) {
                    return Ok(KnownInput::Pointer { sha256 });
                }
                let sha256 = self.digest(&real, &metadata)?;
                let seconds = seconds_of(&real);
                Ok(KnownInput::File { path: real, sha256, seconds })
            }
            Err(why) => Ok(KnownInput::Unusable(why.into())),
        }
    }

    /// A file that stands in the film as it is. Nothing is made from it, so its content is not hashed.
    fn footage(&self, path: &Path) -> Footage {
        let (real, metadata) = match self.inside(path) {
            Ok(found) => found,
            Err(why) => return Footage::Unusable(why.into()),
        };
        if is_lfs_pointer(&real, metadata.len()) {
            return Footage::Pointer;
        }
        match crate::media::probe_file(&real) {
            Ok(probe) => Footage::Readable(probe),
            Err(error) => Footage::Unusable(error.to_string()),
        }
    }

    /// A file of the project; why it is none, in words that follow its name.
    fn inside(&self, path: &Path) -> Result<(PathBuf, std::fs::Metadata), &'static str> {
        let real = path.canonicalize().map_err(|_| "is missing")?;
        let root = self.root.canonicalize().unwrap_or_else(|_| self.root.to_owned());
        if !real.starts_with(&root) {
            return Err("lies outside the project");
        }
        match std::fs::metadata(&real) {
            Ok(metadata) if metadata.is_file() => Ok((real, metadata)),
            _ => Err("is not a file"),
        }
    }

    fn digest(&mut self, path: &Path, metadata: &std::fs::Metadata) -> Result<String, KnownError> {
        let name = relative(path, self.root);
        let modified_ns = modified_ns(metadata);
        if let Some(record) = self.known.get(name.as_str())
            && record.size == metadata.len()
            && record.modified_ns == modified_ns
        {
            return Ok(record.sha256.clone());
        }
        let sha256 = std::fs::File::open(path)
            .and_then(digest::of_reader)
            .map_err(|error| KnownError { path: path.display().to_string(), error })?;
        self.fresh.push(FileRecord {
            path: name,
            size: metadata.len(),
            modified_ns,
            sha256: sha256.clone(),
        });
        Ok(sha256)
    }
}

/// How long a clip or a sound is: what is made from it may be as long, and is paid for by the second.
fn seconds_of(path: &Path) -> Option<f64> {
    const CLIPS: [&str; 3] = ["mp4", "mov", "m4v"];
    const SOUNDS: [&str; 7] = ["mp3", "wav", "m4a", "aac", "ogg", "opus", "flac"];
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    if CLIPS.contains(&extension.as_str()) {
        return crate::media::probe_file(path).ok().map(|probe| probe.duration);
    }
    SOUNDS.contains(&extension.as_str()).then_some(())?;
    crate::media::sound::seconds_of_file(path)
}

/// A path relative to the project root with `/`; the whole path where it lies elsewhere.
fn relative(path: &Path, root: &Path) -> String {
    let root: PathBuf = if path.starts_with(root) {
        root.to_owned()
    } else {
        root.canonicalize().unwrap_or_default()
    };
    let parts = path.strip_prefix(&root).unwrap_or(path).components();
    let parts: Vec<String> =
        parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}

fn modified_ns(metadata: &std::fs::Metadata) -> i64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or_default()
}

/// The content that a Git LFS pointer of `size` bytes stands for.
fn pointed_to(path: &Path, size: u64) -> Option<String> {
    if !is_lfs_pointer(path, size) {
        return None;
    }
    let text = std::fs::read_to_string(path).ok()?;
    let oid = text.lines().find_map(|line| line.strip_prefix("oid "))?.trim();
    let hex = oid.strip_prefix("sha256:")?;
    let is_digest = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then(|| oid.to_owned())
}

/// True for the few lines of text that Git LFS puts in the place of a file of `size` bytes.
pub fn is_lfs_pointer(path: &Path, size: u64) -> bool {
    if size >= 1024 {
        return false;
    }
    let mut start = [0; 43];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start.starts_with(b"version https://git-lfs.github.com/spec/")
}
