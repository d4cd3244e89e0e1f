//! A disk in memory that can fail, fill up, lose power and crash at any operation, for simulated runs.

use crate::digest;
use crate::engine::watched::Watcher;
use crate::media::Probe;
use crate::media::picture::{self, PictureFormat};
use crate::ports::Files;
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::panic::panic_any;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a simulated crash panics with; a test catches it with `catch_unwind` and starts the next process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimulatedCrash;

/// Counts the operations of a simulated process and kills it at one of them. Disk and ledger share one.
#[derive(Debug, Default)]
pub struct CrashSwitch {
    state: Mutex<(u64, Option<u64>)>,
    /// After so many more writes the ledger refuses.
    refusing: Mutex<Option<u64>>,
}

impl CrashSwitch {
    /// A switch that only counts.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Lets `operations` more operations happen and crashes at the one after; `None` never crashes.
    pub fn crash_after(&self, operations: Option<u64>) {
        *self.lock() = (0, operations);
    }

    /// Crashes no more, and keeps the count.
    pub fn disarm(&self) {
        self.lock().1 = None;
    }

    /// Lets the ledger take so many more writes, and refuse from then on; `None` heals it.
    pub fn refuse_ledger_after(&self, writes: Option<u64>) {
        *self.refusing.lock().unwrap_or_else(PoisonError::into_inner) = writes;
    }

    /// Operations since the last call of [`CrashSwitch::crash_after`].
    pub fn count(&self) -> u64 {
        self.lock().0
    }

    /// One operation begins.
    pub fn tick(&self) {
        let crash = {
            let mut state = self.lock();
            let crash = state.1.is_some_and(|allowed| state.0 >= allowed);
            state.0 += 1;
            crash
        };
        if crash {
            panic_any(SimulatedCrash);
        }
    }

    fn lock(&self) -> MutexGuard<'_, (u64, Option<u64>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for CrashSwitch {
    fn passes(&self, _: std::fmt::Arguments<'_>) {
        self.tick();
    }

    fn refuses(&self) -> Option<String> {
        let mut refusing = self.refusing.lock().unwrap_or_else(PoisonError::into_inner);
        match refusing.as_mut()? {
            0 => Some("simulated: the ledger cannot be written".to_owned()),
            left => {
                *left -= 1;
                None
            }
        }
    }
}

/// How a simulated machine goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Down {
    /// The process is killed: what it wrote is there.
    Killed,
    /// Power is cut: only what was synced is there, and names that were not synced are lost.
    PowerCut,
    /// Power is cut, but the names reached the disk before the bytes did: files that were not synced are empty.
    PowerCutAfterNames,
}

/// An error that every write gives from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No room left.
    DiskFull,
    /// The folder (and what is below it) may not be written to.
    ReadOnly,
    /// What was written does not reach the disk: `sync` fails.
    SyncFails,
}

#[derive(Debug, Default, Clone)]
struct Node {
    live: Vec<u8>,
    durable: Option<Vec<u8>>,
    modified_ns: i64,
}

#[derive(Debug, Default)]
struct Disk {
    nodes: BTreeMap<u64, Node>,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    next: u64,
    clock_ns: i64,
    faults: Vec<(PathBuf, Fault)>,
}

/// [`Files`] in memory.
#[derive(Debug)]
pub struct SimulatedFiles {
    disk: Mutex<Disk>,
    switch: Arc<CrashSwitch>,
}

impl SimulatedFiles {
    /// An empty disk.
    pub fn new(switch: Arc<CrashSwitch>) -> Self {
        let disk = Disk { clock_ns: 1_800_000_000_000_000_000, ..Disk::default() };
        Self { disk: Mutex::new(disk), switch }
    }

    /// What another program does: writes a whole file, durably, without counting as an operation.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let mut disk = self.lock();
        let id = disk.new_node();
        let modified_ns = disk.now();
        disk.nodes
            .insert(id, Node { live: bytes.to_vec(), durable: Some(bytes.to_vec()), modified_ns });
        disk.names.insert(path.to_owned(), id);
        disk.durable_names.insert(path.to_owned(), id);
    }

    /// What another program does: removes a file.
    pub fn delete(&self, path: &Path) {
        let mut disk = self.lock();
        disk.names.remove(path);
        disk.durable_names.remove(path);
    }

    /// What another program sees: the bytes of a file.
    pub fn get(&self, path: &Path) -> Option<Vec<u8>> {
        let disk = self.lock();
        disk.names.get(path).map(|id| disk.nodes[id].live.clone())
    }

    /// All paths, in order.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.lock().names.keys().cloned().collect()
    }

    /// Makes writes at or below `place` fail; an empty path means everywhere.
    pub fn set_fault(&self, place: &Path, fault: Fault) {
        self.lock().faults.push((place.to_owned(), fault));
    }

    /// Heals all faults.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// The machine goes down and comes up again.
    pub fn restart(&self, how: Down) {
        let mut disk = self.lock();
        match how {
            Down::Killed => return,
            Down::PowerCut => disk.names = disk.durable_names.clone(),
            Down::PowerCutAfterNames => {}
        }
        for node in disk.nodes.values_mut() {
            node.live = node.durable.clone().unwrap_or_default();
        }
        disk.durable_names = disk.names.clone();
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        // A simulated crash is a panic, and the disk survives it.
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One operation begins that writes at `path`.
    fn writing(&self, path: &Path) -> Result<MutexGuard<'_, Disk>> {
        self.switch.tick();
        let disk = self.lock();
        match disk.fault_at(path) {
            Some(Fault::DiskFull) => Err(Error::from(ErrorKind::StorageFull)),
            Some(Fault::ReadOnly) => Err(Error::from(ErrorKind::PermissionDenied)),
            Some(Fault::SyncFails) | None => Ok(disk),
        }
    }

    /// One operation begins that makes durable what was written at `path`.
    fn syncing(&self, path: &Path) -> Result<MutexGuard<'_, Disk>> {
        self.switch.tick();
        let disk = self.lock();
        match disk.fault_at(path) {
            Some(Fault::SyncFails) => Err(Error::other("simulated: input/output error")),
            _ => Ok(disk),
        }
    }

    fn sync_folder(&self, folder: Option<&Path>) -> Result<()> {
        let mut disk = self.syncing(folder.unwrap_or(Path::new("")))?;
        let of_folder = |path: &PathBuf| path.parent() == folder;
        let live: Vec<(PathBuf, u64)> = disk
            .names
            .iter()
            .filter(|(path, _)| of_folder(path))
            .map(|(path, id)| (path.clone(), *id))
            .collect();
        disk.durable_names.retain(|path, _| !of_folder(path));
        disk.durable_names.extend(live);
        Ok(())
    }
}

impl Disk {
    fn fault_at(&self, path: &Path) -> Option<Fault> {
        let fits = |place: &PathBuf| path.starts_with(place) || place.as_os_str().is_empty();
        self.faults.iter().find(|(place, _)| fits(place)).map(|(_, fault)| *fault)
    }

    fn new_node(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn now(&mut self) -> i64 {
        self.clock_ns += 1_000_000;
        self.clock_ns
    }

    fn node(&self, path: &Path) -> Result<&Node> {
        self.names
            .get(path)
            .and_then(|id| self.nodes.get(id))
            .ok_or_else(|| Error::from(ErrorKind::NotFound))
    }

    fn node_mut(&mut self, path: &Path) -> Result<&mut Node> {
        let id = self.names.get(path).ok_or_else(|| Error::from(ErrorKind::NotFound))?;
        self.nodes.get_mut(id).ok_or_else(|| Error::from(ErrorKind::NotFound))
    }

    fn create(&mut self, folder: &Path, suffix: &str) -> PathBuf {
        let id = self.new_node();
        let modified_ns = self.now();
        self.nodes.insert(id, Node { modified_ns, ..Node::default() });
        let path = folder.join(format!(".storyreel-{id:06}{suffix}"));
        self.names.insert(path.clone(), id);
        path
    }
}

impl Files for SimulatedFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        Ok(self.lock().node(path)?.live.clone())
    }

    fn stat(&self, path: &Path) -> Result<Option<(u64, i64)>> {
        let disk = self.lock();
        Ok(disk.node(path).ok().map(|node| (node.live.len() as u64, node.modified_ns)))
    }

    fn hash(&self, path: &Path) -> Result<String> {
        Ok(simulated_digest(&self.lock().node(path)?.live))
    }

    fn create_temporary(&self, folder: &Path, suffix: &str) -> Result<PathBuf> {
        Ok(self.writing(folder)?.create(folder, suffix))
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        // In two halves, so that a crash can come between them.
        let middle = bytes.len() / 2;
        for half in [&bytes[..middle], &bytes[middle..]] {
            let mut disk = self.writing(path)?;
            let now = disk.now();
            let node = disk.node_mut(path)?;
            node.live.extend_from_slice(half);
            node.modified_ns = now;
        }
        Ok(())
    }

    fn sync(&self, path: &Path) -> Result<()> {
        let mut disk = self.syncing(path)?;
        let node = disk.node_mut(path)?;
        node.durable = Some(node.live.clone());
        Ok(())
    }

    fn make_durable(&self, path: &Path) -> Result<()> {
        if self.get(path).is_some() {
            self.sync(path)?;
        }
        self.sync_folder(path.parent())
    }

    fn copy_to_temporary(&self, from: &Path, folder: &Path, suffix: &str) -> Result<PathBuf> {
        let bytes = self.read(from)?;
        let to = self.create_temporary(folder, suffix)?;
        let copied = self.append(&to, &bytes).and_then(|()| self.sync(&to));
        if copied.is_err() {
            let mut disk = self.lock();
            disk.names.remove(&to);
        }
        copied.map(|()| to)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        {
            let mut disk = self.writing(to)?;
            let id = disk.names.remove(from).ok_or_else(|| Error::from(ErrorKind::NotFound))?;
            disk.names.insert(to.to_owned(), id);
        }
        self.sync_folder(to.parent())?;
        if from.parent() != to.parent() {
            self.sync_folder(from.parent())?;
        }
        Ok(())
    }

    fn replace(&self, from: &Path, to: &Path, seen: Option<&[u8]>) -> Result<bool> {
        let now = match self.read(to) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if now.as_deref() != seen {
            return Ok(false);
        }
        self.rename(from, to).map(|()| true)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.writing(path)?.names.remove(path);
        self.sync_folder(path.parent())
    }

    fn probe(&self, path: &Path) -> std::result::Result<Probe, String> {
        let bytes = self.read(path).map_err(|error| error.to_string())?;
        simulated_probe(&bytes)
    }

    fn frame(
        &self,
        clip: &Path,
        which: &str,
        folder: &Path,
    ) -> std::result::Result<PathBuf, String> {
        let cannot = |error: Error| error.to_string();
        let picture = simulated_frame(&self.read(clip).map_err(cannot)?, which)?;
        let to = self.create_temporary(folder, ".png").map_err(cannot)?;
        if let Err(error) = self.append(&to, &picture) {
            self.lock().names.remove(&to);
            return Err(cannot(error));
        }
        Ok(to)
    }
}

/// The digest a simulated file has: the real one of its bytes.
pub fn simulated_digest(bytes: &[u8]) -> String {
    digest::of_bytes(bytes)
}

/// Bytes that a simulated disk takes for a whole clip of `seconds` seconds; different labels give different bytes.
pub fn simulated_clip(label: &str, seconds: f64) -> Vec<u8> {
    format!("simulated clip\n{seconds}\n{}\nend\n", label.escape_default()).into_bytes()
}

/// What a simulated disk finds in a clip; a cut one is refused.
pub fn simulated_probe(bytes: &[u8]) -> std::result::Result<Probe, String> {
    if let Some(format) = PictureFormat::of(bytes) {
        let probe = picture::probe(std::io::Cursor::new(bytes), format);
        return probe.map_err(|error| error.to_string());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "not a clip".to_owned())?;
    let mut lines = text.lines();
    if lines.next() != Some("simulated clip") {
        return Err("not a clip".to_owned());
    }
    let duration = lines.next().and_then(|line| line.parse().ok());
    match (duration, text.ends_with("\nend\n")) {
        (Some(duration), true) => {
            Ok(Probe { duration, width: 1280, height: 720, fps: 24.0, codec: "h264".to_owned() })
        }
        _ => Err("the clip is cut".to_owned()),
    }
}

/// The picture that a simulated disk takes out of a clip: a small PNG of the digest of the clip's bytes and of the
/// frame's name, so that no two frames are alike.
pub fn simulated_frame(clip: &[u8], which: &str) -> std::result::Result<Vec<u8>, String> {
    if simulated_probe(clip)?.picture().is_some() {
        return Err("a still has no frames".to_owned());
    }
    if !["first", "last"].contains(&which) {
        return Err(format!("`{which}` is no frame of a clip"));
    }
    let digest = simulated_digest(format!("{} {which}", simulated_digest(clip)).as_bytes());
    let grey: Vec<u8> = digest.trim_start_matches("sha256:").bytes().collect();
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::GrayImage::from_raw(8, 8, grey)
        .ok_or_else(|| "a digest has 64 digits".to_owned())?
        .write_to(&mut bytes, image::ImageFormat::Png)
        .map_err(|error| error.to_string())?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_small_pictures_that_depend_on_clip_and_name() {
        let files = SimulatedFiles::new(CrashSwitch::new());
        let frame = |clip: &str, which: &str| {
            files.put(Path::new("/clip"), &simulated_clip(clip, 8.0));
            let path = files.frame(Path::new("/clip"), which, Path::new("/cache")).expect("frame");
            assert_eq!(files.probe(&path).expect("a picture").codec, "png");
            files.get(&path).expect("bytes")
        };
        assert_eq!(frame("a", "last"), frame("a", "last"));
        assert_ne!(frame("a", "last"), frame("a", "first"));
        assert_ne!(frame("a", "last"), frame("b", "last"));
        let folder = Path::new("/cache");
        assert!(files.frame(Path::new("/nothing"), "last", folder).is_err());
        assert!(files.frame(Path::new("/clip"), "middle", folder).is_err());
        files.put(Path::new("/clip"), b"simulated clip\n8\na");
        assert!(files.frame(Path::new("/clip"), "last", folder).is_err());
    }
}
