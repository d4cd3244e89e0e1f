//! Under which key and in which folder a storyboard's clips are kept.

use crate::manifest::{AssetEntry, Manifest, Media, safe_filename};
use crate::storyboard::SceneId;

/// Under which keys a storyboard's outputs are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The storyboard's path relative to the project root; `None` for the project's default storyboard.
    pub storyboard: Option<String>,
    /// The variant, `None` for the default one.
    pub variant: Option<String>,
    /// Folder of its clips relative to the assets root: `assets/clips`, `assets/clips/trailer`.
    pub folder: String,
}

impl Place {
    /// The clip (still, voice) of a scene, relative to the assets root: stills and voices have folders beside that of the
    /// clips.
    pub fn filename(&self, scene: &SceneId, media: Media) -> String {
        let stem = scene.file_stem();
        match (media, self.folder.strip_prefix(CLIPS)) {
            (Media::Image, Some(own)) => format!("{STILLS}{own}/{stem}.png"),
            (Media::Audio, Some(own)) => format!("{SOUNDS}{own}/{stem}.mp3"),
            _ => format!("{}/{stem}.mp4", self.folder),
        }
    }
}

/// Where clips are kept when nothing else is said.
const CLIPS: &str = "assets/clips";
/// Where stills are kept.
const STILLS: &str = "assets/images";
/// Where voices are kept.
const SOUNDS: &str = "assets/audio";

/// The place of a storyboard. `key` is its path relative to the project root; `is_main` tells that a command without a
/// path would take it; `exists` whether a storyboard with another key is still there.
///
/// The project's main storyboard has no key and `assets/clips` itself. Another one is named in its entries and has a
/// folder of its own there, unless nobody else uses the main one. A storyboard that was renamed keeps its clips.
pub fn place(
    key: &str,
    is_main: bool,
    manifest: &Manifest,
    exists: &dyn Fn(&str) -> bool,
) -> Place {
    let wanted = (!is_main).then(|| key.to_owned());
    let current = |entry: &&AssetEntry| entry.superseded_by.is_none() && entry.variant.is_none();
    let of = |storyboard: &Option<String>| {
        manifest.renders().filter(current).find(|entry| entry.storyboard == *storyboard)
    };
    let storyboard = if of(&wanted).is_some() {
        wanted
    } else {
        // Clips of storyboards that are gone: one of them, and one only, was this one under its old name.
        let mut gone: Vec<&str> = manifest
            .renders()
            .filter(current)
            .filter_map(|entry| entry.storyboard.as_deref())
            .filter(|other| !exists(other))
            .collect();
        gone.sort_unstable();
        gone.dedup();
        match gone[..] {
            [only] => Some(only.to_owned()),
            _ => wanted,
        }
    };
    let folder = match (kept_in(manifest, &storyboard), &storyboard) {
        // Other tools write entries without a storyboard, too: none of them moves the main one's clips.
        (_, None) => CLIPS.to_owned(),
        (Some(folder), Some(_)) => folder,
        (None, Some(key)) => {
            let taken = manifest
                .renders()
                .filter(current)
                .any(|entry| folder_of(entry).is_some_and(|folder| folder == CLIPS));
            if taken || exists(MAIN) {
                format!("{CLIPS}/{}", folder_name(key))
            } else {
                CLIPS.to_owned()
            }
        }
    };
    Place { storyboard, variant: None, folder }
}

/// The folder that a storyboard's clips are in already.
fn kept_in(manifest: &Manifest, storyboard: &Option<String>) -> Option<String> {
    let ours = manifest.renders().filter(|entry| {
        entry.superseded_by.is_none() && entry.variant.is_none() && entry.storyboard == *storyboard
    });
    let mut folders = ours.map(folder_of);
    folders.next().flatten()
}

/// The folder for clips that an entry's clip, or the still beside it, is in: whoever wrote the entry may have put
/// anything there.
fn folder_of(entry: &AssetEntry) -> Option<String> {
    let (folder, _) = safe_filename(&entry.filename)?.rsplit_once('/')?;
    let own = match entry.media {
        Media::Image => folder.strip_prefix(STILLS),
        Media::Audio => folder.strip_prefix(SOUNDS),
        _ => folder.strip_prefix(CLIPS),
    }?;
    (own.is_empty() || own.starts_with('/')).then(|| format!("{CLIPS}{own}"))
}

/// Asks `exists` for the project's main storyboard, whatever its name.
pub const MAIN: &str = "";

/// A folder name from a storyboard's path: `films/Trailer.md` becomes `films-Trailer`.
fn folder_name(key: &str) -> String {
    let stem = key.rsplit_once('.').map_or(key, |(stem, _)| stem);
    let name = SceneId::Text(stem.replace('/', "-")).file_stem();
    let name = name.strip_prefix("scene-").unwrap_or(&name);
    // `takes` is the folder of superseded clips, and Windows has devices of these names.
    let first = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let numbered = |device: &str| {
        first.strip_prefix(device).is_some_and(|rest| matches!(rest.as_bytes(), [b'0'..=b'9']))
    };
    let reserved = matches!(first.as_str(), "takes" | "con" | "prn" | "aux" | "nul")
        || numbered("com")
        || numbered("lpt");
    if reserved { format!("film-{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(entries: &[(&str, Option<&str>)]) -> Manifest {
        let assets: Vec<serde_json::Value> = entries
            .iter()
            .map(|(filename, storyboard)| {
                let mut entry = serde_json::json!({"id": filename, "type": "video", "filename": filename, "scene_id": 1});
                if let Some(storyboard) = storyboard {
                    entry["storyboard"] = (*storyboard).into();
                }
                entry
            })
            .collect();
        Manifest::parse(&serde_json::json!({"assets": assets}).to_string()).unwrap()
    }

    fn told(place: &Place) -> (Option<&str>, &str) {
        (place.storyboard.as_deref(), &place.folder)
    }

    #[test]
    fn the_main_storyboard_has_the_main_folder() {
        let found = place("SCENES.md", true, &Manifest::empty(), &|_| true);
        assert_eq!(told(&found), (None, "assets/clips"));
    }

    #[test]
    fn another_one_has_its_own_unless_it_is_alone() {
        let alone = place("film.md", false, &Manifest::empty(), &|other| other == "film.md");
        assert_eq!(told(&alone), (Some("film.md"), "assets/clips"));
        let beside = place("cuts/Trailer.md", false, &Manifest::empty(), &|_| true);
        assert_eq!(told(&beside), (Some("cuts/Trailer.md"), "assets/clips/cuts-Trailer"));
        for (key, folder) in [
            ("takes.md", "film-takes"),
            ("NUL.yaml", "film-NUL"),
            ("com1.v2.md", "film-com1.v2"),
            ("lpt.md", "lpt"),
            ("console.md", "console"),
            ("...md", "x"),
        ] {
            let found = place(key, false, &Manifest::empty(), &|_| true);
            assert_eq!(found.folder, format!("assets/clips/{folder}"), "{key}");
        }
        let taken = manifest(&[("assets/clips/scene-01.mp4", None)]);
        let beside = place("../b.md", false, &taken, &|other| other == "../b.md");
        assert_eq!(told(&beside), (Some("../b.md"), "assets/clips/b"));
        let again = manifest(&[("assets/clips/scene-01.mp4", Some("film.md"))]);
        let again = place("film.md", false, &again, &|_| true);
        assert_eq!(told(&again), (Some("film.md"), "assets/clips"), "a folder once chosen is kept");
    }

    #[test]
    fn entries_of_others_move_no_clips() {
        for filename in ["assets/videos/old.mp4", "../../x.mp4", "/x.mp4", "x.mp4"] {
            let foreign = manifest(&[(filename, None)]);
            let found = place("SCENES.md", true, &foreign, &|_| true);
            assert_eq!(told(&found), (None, "assets/clips"), "{filename}");
            let foreign = manifest(&[(filename, Some("film.md"))]);
            let found = place("film.md", false, &foreign, &|_| true);
            assert_eq!(told(&found), (Some("film.md"), "assets/clips/film"), "{filename}");
        }
    }

    #[test]
    fn a_renamed_storyboard_keeps_its_clips() {
        let old = manifest(&[("assets/clips/scene-01.mp4", Some("film.md"))]);
        let renamed = place("SCENES.md", true, &old, &|other| other != "film.md");
        assert_eq!(told(&renamed), (Some("film.md"), "assets/clips"));
        let beside = place("SCENES.md", true, &old, &|_| true);
        assert_eq!(told(&beside), (None, "assets/clips"));
    }
}
