//! Publishing: whatever happens in between, no clip is lost and the manifest tells the truth.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};
use storyreel::engine::real_files::RealFiles;
use storyreel::engine::watched::WatchedLedger;
use storyreel::ledger::{ClipRecord, Ledger, SqliteLedger, TakeId, TakeState};
use storyreel::manifest::{AssetEntry, Manifest, Media};
use storyreel::media::Probe;
use storyreel::plan::{EntryDraft, Slot};
use storyreel::ports::Files;
use storyreel::publish::{
    Layout, PublishError, Published, Publisher, Rendered, ToPublish, complete,
};
use storyreel::simulation::files::{
    CrashSwitch, Down, Fault, SimulatedCrash, SimulatedFiles, simulated_clip, simulated_digest,
};
use storyreel::storyboard::{SceneId, StepKind};

const NOW: i64 = 1_800_000_000_000;

/// A project on a simulated disk with its ledger.
struct World {
    switch: Arc<CrashSwitch>,
    files: SimulatedFiles,
    ledger: SqliteLedger,
    layout: Layout,
    /// Bytes that must never be lost, once they were in a file that people see.
    precious: BTreeSet<Vec<u8>>,
    /// Names of foreign assets, and their exact text.
    foreign: BTreeMap<String, String>,
    counter: u32,
}

impl World {
    fn new() -> Self {
        let switch = CrashSwitch::new();
        Self {
            files: SimulatedFiles::new(Arc::clone(&switch)),
            switch,
            ledger: SqliteLedger::open_in_memory().unwrap(),
            layout: Layout::new(Path::new("/p"), "public"),
            precious: BTreeSet::new(),
            foreign: BTreeMap::new(),
            counter: 0,
        }
    }

    /// A project in which another tool made a clip of scene 2, without a digest.
    fn with_foreign_clip() -> Self {
        let mut world = Self::new();
        let text = "{\"version\": \"1.0\", \"assets\": [\n  {\"id\": \"vid-001\", \"type\": \"video\", \
                    \"filename\": \"assets/clips/scene-02.mp4\", \"scene_id\": 2, \"version\": 1}\n]}\n";
        world.files.put(&world.layout.manifest(), text.as_bytes());
        world.put_clip(2, &simulated_clip("foreign", 5.0));
        world
    }

    fn clip_path(&self, scene: u64) -> PathBuf {
        self.layout.assets_root.join(filename(scene))
    }

    fn put_clip(&mut self, scene: u64, bytes: &[u8]) {
        self.files.put(&self.clip_path(scene), bytes);
        self.precious.insert(bytes.to_vec());
    }

    fn manifest(&self) -> Manifest {
        let text = self.files.get(&self.layout.manifest()).unwrap_or_else(|| b"{}".to_vec());
        Manifest::parse(std::str::from_utf8(&text).unwrap()).unwrap()
    }

    fn current(&self, scene: u64) -> Option<AssetEntry> {
        self.manifest().current(None, None, &SceneId::Number(scene), Media::Video).cloned()
    }

    fn cached_clip(&mut self, label: &str) -> (String, u64) {
        let bytes = simulated_clip(label, 8.0);
        let sha256 = simulated_digest(&bytes);
        self.files.put(&self.layout.cached(&sha256), &bytes);
        self.precious.insert(bytes.clone());
        (sha256, bytes.len() as u64)
    }

    /// A new take of a scene, rendered and in the cache.
    fn render(&mut self, scene: u64) -> ToPublish {
        self.counter += 1;
        let number = self.counter;
        let (sha256, bytes) = self.cached_clip(&format!("take {number} of {scene}"));
        let steps = [StepKind::Generate];
        let take =
            self.ledger.open_take(&slot(scene), number, &json!({"n": number}), &steps, &[], 1);
        ToPublish {
            take: Some(take.unwrap()),
            slot: slot(scene),
            sha256: sha256.clone(),
            filename: filename(scene),
            entry: Some(entry(scene, &sha256, bytes, Some(number), None)),
            supersedes: None,
            sources: Vec::new(),
        }
    }

    /// The content of an entry again, for another or the same scene.
    fn again(&self, old: &AssetEntry, scene: u64) -> Option<ToPublish> {
        let sha256 = old.sha256.clone()?;
        let moved = old.scene_id != Some(SceneId::Number(scene));
        Some(ToPublish {
            take: None,
            slot: slot(scene),
            filename: filename(scene),
            entry: Some(entry(scene, &sha256, old.bytes?, old.take, Some(old.id.clone()))),
            supersedes: moved.then(|| old.id.clone()),
            sources: vec![self.layout.assets_root.join(&old.filename)],
            sha256,
        })
    }

    fn publish(&mut self, batch: &[ToPublish]) -> Result<Vec<Published>, PublishError> {
        let mut ledger = WatchedLedger::new(&mut self.ledger, self.switch.clone());
        Publisher::new(&self.files, &self.layout).publish(&mut ledger, batch, NOW)
    }

    fn recover(&mut self) -> Result<usize, PublishError> {
        let mut ledger = WatchedLedger::new(&mut self.ledger, self.switch.clone());
        Publisher::new(&self.files, &self.layout).recover(&mut ledger, NOW + 5)
    }

    /// Another tool adds an asset in its own style.
    fn foreign_asset(&mut self) {
        let number = self.foreign.len() + 1;
        let asset =
            format!("{{ \"id\":\"img-{number:03}\",\"type\":\"image\",  \"n\":{number}.0 }}");
        let text =
            self.files.get(&self.layout.manifest()).unwrap_or_else(|| b"{\"assets\": []}".to_vec());
        let text = String::from_utf8(text).unwrap();
        let at = text.rfind(']').unwrap();
        let empty = text[..at].trim_end().ends_with('[');
        let new = format!("{}{}{asset}{}", &text[..at], if empty { "" } else { "," }, &text[at..]);
        Manifest::parse(&new).unwrap();
        self.files.put(&self.layout.manifest(), new.as_bytes());
        self.foreign.insert(format!("img-{number:03}"), asset);
    }

    /// Everything that other people can see, but for temporary files.
    fn visible(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let hidden = |path: &Path| {
            path.starts_with(&self.layout.private)
                || path.file_name().unwrap().to_string_lossy().starts_with(".storyreel-")
        };
        let paths = self.files.paths().into_iter().filter(|path| !hidden(path));
        paths.map(|path| (path.clone(), self.files.get(&path).unwrap())).collect()
    }

    fn take_state(&mut self, take: TakeId) -> TakeState {
        let takes = self.ledger.snapshot().unwrap().takes;
        takes.iter().find(|found| found.id == take).unwrap().state
    }

    /// What must hold whenever no publication is under way. `edited` are scenes whose file somebody edited.
    fn check(&mut self, edited: &BTreeSet<u64>) {
        assert_eq!(self.ledger.unfinished_publications().unwrap(), []);
        let text = String::from_utf8(self.files.get(&self.layout.manifest()).unwrap_or_default());
        let text = text.unwrap();
        for asset in self.foreign.values() {
            assert_eq!(text.matches(asset.as_str()).count(), 1, "{asset} in\n{text}");
        }
        let manifest = self.manifest();
        let mut ids = BTreeSet::new();
        let mut marks = BTreeSet::new();
        let mut names = BTreeSet::new();
        for entry in manifest.renders() {
            assert!(ids.insert(&entry.id), "{} twice in\n{text}", entry.id);
            assert!(names.insert(&entry.filename), "{} twice in\n{text}", entry.filename);
            if let Some(sha256) = &entry.sha256 {
                let mark = (sha256, &entry.scene_id, &entry.created_at, &entry.restored_from);
                assert!(marks.insert(mark), "one publication twice in\n{text}");
            }
            let there = self.files.get(&self.layout.assets_root.join(&entry.filename));
            let there = there.unwrap_or_else(|| panic!("no {} for\n{text}", entry.filename));
            let expected = match &entry.sha256 {
                Some(sha256) => sha256.clone(),
                None => simulated_digest(&simulated_clip("foreign", 5.0)),
            };
            let Some(SceneId::Number(scene)) = entry.scene_id else { panic!("{entry:?}") };
            match &entry.superseded_by {
                Some(by) => {
                    assert!(manifest.render(by).is_some(), "{by}");
                    assert!(entry.filename.starts_with("assets/clips/takes/"), "{text}");
                    assert_eq!(simulated_digest(&there), expected, "{}\n{text}", entry.filename);
                }
                None => {
                    assert_eq!(entry.filename, filename(scene));
                    if !edited.contains(&scene) {
                        assert_eq!(
                            simulated_digest(&there),
                            expected,
                            "{}\n{text}",
                            entry.filename
                        );
                    }
                }
            }
        }
        let visible: BTreeSet<Vec<u8>> = self.visible().into_values().collect();
        for bytes in &self.precious {
            assert!(visible.contains(bytes), "lost: {}\n{text}", String::from_utf8_lossy(bytes));
        }
        // Each file that stands where a current clip stands has an entry.
        for path in self.visible().keys() {
            let clip = path.parent() == Some(&self.layout.assets_root.join("assets/clips"));
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(
                !clip || names.contains(&format!("assets/clips/{name}")),
                "{name} has no entry in\n{text}"
            );
        }
    }
}

fn slot(scene: u64) -> Slot {
    Slot { storyboard: "SCENES.md".into(), variant: String::new(), scene: scene.to_string() }
}

fn filename(scene: u64) -> String {
    format!("assets/clips/scene-{scene:02}.mp4")
}

fn entry(
    scene: u64,
    sha256: &str,
    bytes: u64,
    take: Option<u32>,
    restored_from: Option<String>,
) -> Map<String, Value> {
    let draft = EntryDraft {
        scene_id: SceneId::Number(scene),
        filename: filename(scene),
        fields: Map::from_iter([
            ("take".to_owned(), json!(take)),
            ("prompt".to_owned(), json!("p")),
        ]),
        steps: vec![Map::from_iter([("step".to_owned(), json!("generate"))])],
    };
    let rendered = Rendered {
        // The same for all, so that telling publications apart does not rest on luck.
        created_at: "2026-11-22T10:00:00.000Z".into(),
        sha256: sha256.into(),
        bytes,
        probe: None,
        task_id: Some("task".into()),
        fingerprint: None,
        credits: Some(60.0),
        restored_from,
        steps: Vec::new(),
    };
    complete(&draft, &rendered)
}

/// What happens to the project.
#[derive(Debug, Clone)]
enum Deed {
    /// New takes of these scenes, published together.
    Render(Vec<u64>),
    /// An earlier take of the scene again.
    Undo(u64, usize),
    /// Scenes get other numbers: from each to the next of the list.
    Move(Vec<u64>),
    /// The clip file is lost and put back.
    Restore(u64),
    /// The clip file is edited by hand.
    Edit(u64),
    /// The cache is deleted.
    ForgetCache,
    /// Another tool adds an asset.
    Foreign,
}

fn deed() -> impl Strategy<Value = Deed> {
    let scene = 1..5u64;
    prop_oneof![
        4 => prop::collection::vec(1..5u64, 1..4).prop_map(Deed::Render),
        2 => (scene.clone(), 0..3usize).prop_map(|(scene, nth)| Deed::Undo(scene, nth)),
        3 => Just(vec![1u64, 2, 3, 4, 5])
            .prop_shuffle()
            .prop_flat_map(|all| (2..=5usize).prop_map(move |count| all[..count].to_vec()))
            .prop_map(Deed::Move),
        1 => scene.clone().prop_map(Deed::Restore),
        1 => scene.prop_map(Deed::Edit),
        1 => Just(Deed::ForgetCache),
        1 => Just(Deed::Foreign),
    ]
}

/// The publications that a deed asks for; none for what others do, which is done at once.
fn prepare(world: &mut World, deed: &Deed, edited: &mut BTreeSet<u64>) -> Vec<ToPublish> {
    match deed {
        Deed::Render(scenes) => {
            let batch = scenes.iter().map(|scene| world.render(*scene)).collect();
            edited.retain(|scene| !scenes.contains(scene));
            batch
        }
        Deed::Undo(scene, nth) => {
            let manifest = world.manifest();
            let Some(current) =
                manifest.current(None, None, &SceneId::Number(*scene), Media::Video)
            else {
                return Vec::new();
            };
            let again =
                manifest.history(current).get(*nth).and_then(|old| world.again(old, *scene));
            if again.is_some() {
                edited.remove(scene);
            }
            again.into_iter().collect()
        }
        Deed::Move(scenes) => {
            let pairs = scenes.iter().zip(scenes.iter().skip(1));
            let whole: Vec<ToPublish> = pairs
                .filter(|(from, _)| !edited.contains(from))
                .filter_map(|(from, to)| world.again(&world.current(*from)?, *to))
                .collect();
            for published in &whole {
                edited.remove(&published.slot.scene.parse().unwrap());
            }
            whole
        }
        Deed::Restore(scene) => {
            let Some(old) = world.current(*scene).filter(|_| !edited.contains(scene)) else {
                return Vec::new();
            };
            let Some(sha256) = old.sha256.clone() else { return Vec::new() };
            let cached = world.layout.cached(&sha256);
            let bytes = world.files.get(&world.clip_path(*scene)).unwrap();
            world.files.put(&cached, &bytes);
            world.files.delete(&world.clip_path(*scene));
            vec![ToPublish { entry: None, supersedes: None, ..world.again(&old, *scene).unwrap() }]
        }
        Deed::Edit(scene) => {
            // The bytes before the edit are safe only if something else has them.
            let there = world.files.get(&world.clip_path(*scene));
            if let Some(there) = there
                && world.files.get(&world.layout.cached(&simulated_digest(&there))).is_some()
            {
                world.precious.remove(&there);
                world.counter += 1;
                let bytes = simulated_clip(&format!("edit {}", world.counter), 8.0);
                world.put_clip(*scene, &bytes);
                edited.insert(*scene);
            }
            Vec::new()
        }
        Deed::ForgetCache => {
            // While an edited file stands in for its original, the cache is all that is left of that.
            if edited.is_empty() {
                for path in world.files.paths() {
                    if path.starts_with(world.layout.private.join("cache")) {
                        world.files.delete(&path);
                    }
                }
            }
            Vec::new()
        }
        Deed::Foreign => {
            world.foreign_asset();
            Vec::new()
        }
    }
}

/// Runs all deeds but the last whole, and says what the last one is to publish.
fn until_last(deeds: &[Deed]) -> (World, BTreeSet<u64>, Vec<ToPublish>) {
    let mut world = World::with_foreign_clip();
    let mut edited = BTreeSet::new();
    let mut batch = Vec::new();
    for (at, deed) in deeds.iter().enumerate() {
        batch = prepare(&mut world, deed, &mut edited);
        if at + 1 < deeds.len() {
            world.publish(&batch).unwrap();
            world.check(&edited);
        }
    }
    (world, edited, batch)
}

/// Crashes are panics; they need no message.
fn quiet_crashes() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !panic.payload().is::<SimulatedCrash>() {
                usual(panic);
            }
        }));
    });
}

/// The result, or `None` after a simulated crash.
fn until_crash<T>(run: impl FnOnce() -> T) -> Option<T> {
    quiet_crashes();
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(done) => Some(done),
        Err(payload) if payload.is::<SimulatedCrash>() => None,
        Err(payload) => std::panic::resume_unwind(payload),
    }
}

/// What a project shows, whatever the order in which things were written.
fn essence(world: &World) -> (BTreeMap<PathBuf, Vec<u8>>, BTreeMap<String, AssetEntry>) {
    let mut files = world.visible();
    files.remove(&world.layout.manifest());
    let entries =
        world.manifest().renders().map(|entry| (entry.id.clone(), entry.clone())).collect();
    (files, entries)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The last deed crashes at each of its operations in turn, recovery crashes too, and then it is as if nothing
    /// had happened.
    #[test]
    fn a_crash_anywhere_changes_nothing_in_the_end(
        deeds in prop::collection::vec(deed(), 1..7),
        last in prop_oneof![
            prop::collection::vec(1..5u64, 1..4).prop_map(Deed::Render),
            Just(Deed::Move(vec![3, 4, 5, 1])),
            Just(Deed::Undo(1, 0)),
            Just(Deed::Restore(1)),
        ],
        down in prop_oneof![Just(Down::Killed), Just(Down::PowerCut), Just(Down::PowerCutAfterNames)],
        second in 0..40u64,
        foreign in any::<bool>(),
    ) {
        let mut deeds = deeds;
        // Something to work on.
        deeds.insert(0, Deed::Render(vec![1, 3, 4]));
        deeds.push(last);
        let (mut whole, edited, batch) = until_last(&deeds);
        whole.switch.crash_after(None);
        whole.publish(&batch).unwrap();
        let operations = whole.switch.count();
        whole.check(&edited);
        let wanted = essence(&whole);

        for crash in 0..operations {
            let (mut world, edited, batch) = until_last(&deeds);
            world.switch.crash_after(Some(crash));
            let done = until_crash(|| world.publish(&batch));
            prop_assert!(done.is_none(), "operation {} of {}", crash, operations);
            world.files.restart(down);
            if foreign {
                world.foreign_asset();
            }
            world.switch.crash_after(Some(second));
            if until_crash(|| world.recover().map(drop)).is_none() {
                world.files.restart(down);
                world.switch.crash_after(None);
                world.recover().unwrap();
            }
            world.switch.crash_after(None);
            prop_assert_eq!(world.recover().unwrap(), 0);
            // A crash before anything was on record leaves the work to the next run.
            let takes: Vec<TakeId> = batch.iter().filter_map(|clip| clip.take).collect();
            let recorded = match takes.first() {
                Some(take) => world.take_state(*take) == TakeState::Published,
                None => essence(&world) == wanted,
            };
            if !recorded {
                for take in &takes {
                    prop_assert_eq!(world.take_state(*take), TakeState::Open);
                }
                world.publish(&batch).unwrap();
            }
            // What the ledger calls published survives a power cut, whoever's rename put it in its place.
            world.files.restart(Down::PowerCut);
            world.check(&edited);
            for take in takes {
                prop_assert_eq!(world.take_state(take), TakeState::Published);
            }
            prop_assert_eq!(&essence(&world), &wanted, "crash at {} of {}", crash, operations);
        }
    }
}

#[test]
fn takes_follow_their_scene_and_the_old_file_goes() {
    let mut world = World::new();
    let batch = [world.render(3), world.render(4)];
    world.publish(&batch).unwrap();
    let (three, four) = (world.current(3).unwrap(), world.current(4).unwrap());
    let batch = [world.again(&three, 4).unwrap(), world.again(&four, 5).unwrap()];
    let done = world.publish(&batch).unwrap();
    assert_eq!(done[1].entry_id.as_deref(), Some("vid-004"));
    world.check(&BTreeSet::new());
    assert_eq!(world.files.get(&world.clip_path(3)), None);
    assert_eq!(world.files.get(&world.clip_path(4)), Some(simulated_clip("take 1 of 3", 8.0)));
    let scenes: Vec<String> =
        world.ledger.snapshot().unwrap().takes.into_iter().map(|take| take.slot.scene).collect();
    assert_eq!(scenes, ["4", "5"]);
}

#[test]
fn an_edited_file_is_kept_beside_the_original() {
    let mut world = World::new();
    for edit in ["first edit", "second edit"] {
        let batch = [world.render(1)];
        world.publish(&batch).unwrap();
        world.put_clip(1, edit.as_bytes());
    }
    let batch = [world.render(1)];
    world.publish(&batch).unwrap();
    world.check(&BTreeSet::new());
    let get = |name: &str| {
        world.files.get(&world.layout.assets_root.join("assets/clips/takes").join(name))
    };
    assert_eq!(get("scene-01.v1.edited.mp4").as_deref(), Some(&b"first edit"[..]));
    assert_eq!(get("scene-01.v1.mp4"), Some(simulated_clip("take 1 of 1", 8.0)));
    assert_eq!(get("scene-01.v2.edited.mp4").as_deref(), Some(&b"second edit"[..]));
}

#[test]
fn a_file_that_nobody_recorded_is_kept() {
    let mut world = World::new();
    world.put_clip(1, b"footage");
    let batch = [world.render(1)];
    world.publish(&batch).unwrap();
    world.check(&BTreeSet::new());
    let kept = world.layout.assets_root.join("assets/clips/takes/scene-01.unrecorded.mp4");
    assert_eq!(world.files.get(&kept).as_deref(), Some(&b"footage"[..]));
}

#[test]
fn a_git_lfs_pointer_stands_for_its_content() {
    let mut world = World::new();
    let batch = [world.render(1)];
    world.publish(&batch).unwrap();
    let sha256 = world.current(1).unwrap().sha256.unwrap();
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid {sha256}\nsize 40\n");
    world.files.put(&world.clip_path(1), pointer.as_bytes());
    world.files.delete(&world.layout.cached(&sha256));
    let batch = [world.render(1)];
    world.publish(&batch).unwrap();
    let take = world.layout.assets_root.join("assets/clips/takes/scene-01.v1.mp4");
    assert_eq!(world.files.get(&take), Some(pointer.into_bytes()));
    assert_eq!(world.visible().len(), 3);
}

#[test]
fn what_cannot_be_written_says_so_and_loses_nothing() {
    for (place, fault, expected) in [
        ("/p/public", Fault::DiskFull, "make room on the disk"),
        ("/p/public/assets/clips", Fault::ReadOnly, "make `/p/public/assets/clips/takes` writable"),
        (
            "/p/public/assets/clips/takes",
            Fault::ReadOnly,
            "make `/p/public/assets/clips/takes` writable",
        ),
        ("/p/public/assets/manifest.json", Fault::ReadOnly, "make `/p/public/assets` writable"),
    ] {
        let mut world = World::new();
        let batch = [world.render(1)];
        world.publish(&batch).unwrap();
        let before = essence(&world);
        let batch = [world.render(1)];
        world.files.set_fault(Path::new(place), fault);
        let error = world.publish(&batch).unwrap_err();
        assert!(error.hint().contains(expected), "{error}: {}", error.hint());
        assert!(error.to_string().contains(place), "{error}");
        let manifest_only = place.ends_with(".json");
        if !manifest_only {
            assert_eq!(essence(&world), before, "{place}");
            assert_eq!(world.take_state(batch[0].take.unwrap()), TakeState::Open);
        }
        world.files.clear_faults();
        if world.recover().unwrap() == 0 {
            world.publish(&batch).unwrap();
        }
        world.check(&BTreeSet::new());
        assert_eq!(world.current(1).unwrap().sha256, Some(batch[0].sha256.clone()));
    }
}

#[test]
fn an_invalid_manifest_is_not_touched() {
    let mut world = World::new();
    let batch = [world.render(1)];
    let broken = b"{\"assets\": [\n<<<<<<< HEAD\n]}";
    world.files.put(&world.layout.manifest(), broken);
    let error = world.publish(&batch).unwrap_err();
    assert!(error.to_string().contains("line 2, column 1"), "{error}");
    assert_eq!(world.files.get(&world.layout.manifest()).as_deref(), Some(&broken[..]));
    assert_eq!(world.files.get(&world.clip_path(1)), None);
    assert_eq!(world.take_state(batch[0].take.unwrap()), TakeState::Open);
}

#[test]
fn content_that_is_not_what_its_digest_says_is_not_published() {
    let mut world = World::new();
    let batch = [world.render(1)];
    world.files.put(&world.layout.cached(&batch[0].sha256), b"rot");
    let error = world.publish(&batch).unwrap_err();
    assert!(matches!(error, PublishError::Content { .. }), "{error}");
    assert_eq!(world.take_state(batch[0].take.unwrap()), TakeState::Open);
    // A good copy elsewhere heals the cache.
    world.files.put(Path::new("/p/elsewhere.mp4"), &simulated_clip("take 1 of 1", 8.0));
    let batch = batch.map(|clip| ToPublish { sources: vec!["/p/elsewhere.mp4".into()], ..clip });
    world.publish(&batch).unwrap();
    world.check(&BTreeSet::new());
}

#[test]
fn a_publication_whose_content_is_gone_does_not_block_the_next_run() {
    let mut world = World::new();
    let batch = [world.render(1)];
    // It stops just after the rows are on record.
    let rows_recorded = (0..50).find(|crash| {
        world.switch.crash_after(Some(*crash));
        assert!(until_crash(|| world.publish(&batch)).is_none());
        !world.ledger.unfinished_publications().unwrap().is_empty()
    });
    assert!(rows_recorded.is_some());
    world.switch.crash_after(None);
    world.files.delete(&world.layout.cached(&batch[0].sha256));
    assert_eq!(world.recover().unwrap(), 0);
    assert_eq!(world.take_state(batch[0].take.unwrap()), TakeState::Open);
    assert_eq!(world.ledger.unfinished_publications().unwrap(), []);
    assert_eq!(world.files.get(&world.layout.manifest()), None);
}

#[test]
fn a_restore_leaves_the_manifest_alone() {
    let mut world = World::new();
    let batch = [world.render(1)];
    world.publish(&batch).unwrap();
    let before = world.visible();
    let old = world.current(1).unwrap();
    world.files.delete(&world.clip_path(1));
    let restore = ToPublish { entry: None, ..world.again(&old, 1).unwrap() };
    assert_eq!(world.publish(&[restore]).unwrap()[0].entry_id, None);
    assert_eq!(world.visible(), before);
}

/// Another tool that writes to the manifest while clips are published.
struct Meddling<'a> {
    files: &'a SimulatedFiles,
    manifest: PathBuf,
    /// Changes the manifest after this many reads.
    countdown: std::sync::atomic::AtomicI64,
}

impl Files for Meddling<'_> {
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        let bytes = self.files.read(path);
        let turn = self.countdown.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
        if path == self.manifest && turn == 0 {
            let asset = "{\"id\": \"vid-050\", \"type\": \"audio\"}";
            self.files.put(path, format!("{{\"assets\": [{asset}]}}").as_bytes());
        }
        bytes
    }
    fn stat(&self, path: &Path) -> std::io::Result<Option<(u64, i64)>> {
        self.files.stat(path)
    }
    fn hash(&self, path: &Path) -> std::io::Result<String> {
        self.files.hash(path)
    }
    fn create_temporary(&self, folder: &Path, suffix: &str) -> std::io::Result<PathBuf> {
        self.files.create_temporary(folder, suffix)
    }
    fn append(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        self.files.append(path, bytes)
    }
    fn sync(&self, path: &Path) -> std::io::Result<()> {
        self.files.sync(path)
    }
    fn make_durable(&self, path: &Path) -> std::io::Result<()> {
        self.files.make_durable(path)
    }
    fn copy_to_temporary(
        &self,
        from: &Path,
        folder: &Path,
        suffix: &str,
    ) -> std::io::Result<PathBuf> {
        self.files.copy_to_temporary(from, folder, suffix)
    }
    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        self.files.rename(from, to)
    }
    fn replace(&self, from: &Path, to: &Path, seen: Option<&[u8]>) -> std::io::Result<bool> {
        if self.read(to).ok().as_deref() != seen {
            return Ok(false);
        }
        self.files.replace(from, to, seen)
    }
    fn remove(&self, path: &Path) -> std::io::Result<()> {
        self.files.remove(path)
    }
    fn probe(&self, path: &Path) -> Result<Probe, String> {
        self.files.probe(path)
    }
    fn frame(&self, clip: &Path, which: &str, folder: &Path) -> Result<PathBuf, String> {
        self.files.frame(clip, which, folder)
    }
}

#[test]
fn an_asset_that_another_tool_adds_meanwhile_is_kept() {
    // The manifest is read three times: at first, for the plan of files, and just before its rename.
    for (reads, expected) in [(0, "vid-051"), (1, "vid-051"), (9, "vid-001")] {
        let mut world = World::new();
        let batch = [world.render(1)];
        let files = Meddling {
            files: &world.files,
            manifest: world.layout.manifest(),
            countdown: reads.into(),
        };
        let done = Publisher::new(&files, &world.layout).publish(&mut world.ledger, &batch, NOW);
        assert_eq!(done.unwrap()[0].entry_id.as_deref(), Some(expected));
        let text = String::from_utf8(world.files.get(&world.layout.manifest()).unwrap()).unwrap();
        assert_eq!(text.contains("vid-050"), reads < 9, "{text}");
        world.check(&BTreeSet::new());
    }
}

fn no_probe(_: &Path) -> Result<Probe, String> {
    Err("not asked".into())
}

#[test]
fn a_real_disk_ends_with_the_same_files_and_no_temporary_ones() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path(), "public");
    let files = RealFiles::new(folder.path(), no_probe).unwrap();
    let mut ledger = SqliteLedger::open(&layout.ledger()).unwrap();
    let publisher = Publisher::new(&files, &layout);
    for take in ["one", "two"] {
        let bytes = simulated_clip(take, 8.0);
        let sha256 = simulated_digest(&bytes);
        let cached = layout.cached(&sha256);
        let temporary = files.create_temporary(cached.parent().unwrap(), ".mp4").unwrap();
        files.append(&temporary, &bytes).unwrap();
        files.sync(&temporary).unwrap();
        files.rename(&temporary, &cached).unwrap();
        let record =
            ClipRecord { sha256: sha256.clone(), bytes: 1, probe: Value::Null, task_id: None };
        ledger.remember_clip(&record).unwrap();
        let clip = ToPublish {
            take: None,
            slot: slot(1),
            filename: filename(1),
            entry: Some(entry(1, &sha256, bytes.len() as u64, Some(1), None)),
            supersedes: None,
            sources: Vec::new(),
            sha256,
        };
        publisher.publish(&mut ledger, &[clip], NOW).unwrap();
    }
    let clips = folder.path().join("public/assets/clips");
    assert_eq!(std::fs::read(clips.join("scene-01.mp4")).unwrap(), simulated_clip("two", 8.0));
    assert_eq!(
        std::fs::read(clips.join("takes/scene-01.v1.mp4")).unwrap(),
        simulated_clip("one", 8.0)
    );
    assert_eq!(std::fs::read_dir(&clips).unwrap().count(), 2);
    assert_eq!(std::fs::read_dir(clips.join("takes")).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(folder.path().join("public/assets")).unwrap().count(), 2);
    let record = &ledger.snapshot().unwrap().files;
    let paths: Vec<&str> = record.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        ["public/assets/clips/scene-01.mp4", "public/assets/clips/takes/scene-01.v1.mp4"]
    );
    let stat = files.stat(&clips.join("scene-01.mp4")).unwrap().unwrap();
    assert_eq!((record[0].size, record[0].modified_ns), stat);

    let left_over = files.create_temporary(&clips, ".mp4").unwrap();
    files.create_temporary(&clips.join("takes"), ".mp4").unwrap();
    assert_eq!(files.remove_left_over(&folder.path().join("public/assets")).unwrap(), 2);
    assert!(!left_over.exists() && clips.join("scene-01.mp4").exists());
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_that_leaves_the_project() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let outside = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let assets = folder.path().join("public/assets");
    std::fs::create_dir_all(&assets).unwrap();
    symlink(outside.path(), assets.join("clips")).unwrap();
    std::fs::write(outside.path().join("secret.mp4"), "secret").unwrap();
    let files = RealFiles::new(folder.path(), no_probe).unwrap();
    let inside = files.create_temporary(&assets, ".tmp").unwrap();
    let clip = assets.join("clips/scene-01.mp4");
    for refused in [
        files.create_temporary(&assets.join("clips"), ".mp4").map(drop),
        files.create_temporary(&assets.join("clips/takes"), ".mp4").map(drop),
        files.create_temporary(outside.path(), ".mp4").map(drop),
        files.rename(&inside, &clip),
        files.append(&assets.join("../../../x"), b"x"),
        files.append(&assets.join("clips/secret.mp4"), b"x"),
        files.remove(&assets.join("clips/secret.mp4")),
        files.stat(&assets.join("clips/secret.mp4")).map(drop),
        files.hash(&assets.join("clips/secret.mp4")).map(drop),
    ] {
        assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    }
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
    let mode = std::fs::metadata(&inside).unwrap().permissions().mode();
    assert_ne!(mode & 0o044, 0, "other programs can read what is published");
    // A link that stays inside is the user's business.
    std::fs::create_dir(folder.path().join("big")).unwrap();
    symlink(folder.path().join("big"), assets.join("near")).unwrap();
    files.rename(&inside, &assets.join("near/x")).unwrap();
    assert!(folder.path().join("big/x").exists());
}
