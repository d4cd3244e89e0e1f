//! `storyreel sheet`: the first, middle and last picture of each take on one page.

use super::args::FileFlag;
use super::failure::Failure;
use super::preview::folder as preview_folder;
use super::workspace::Workspace;
use super::{Output, pretty, print, selection, tell};
use crate::known::is_lfs_pointer;
use crate::manifest::{AssetEntry, Manifest, Media};
use crate::media::frame::png;
use crate::media::{Ffmpeg, Which, take_frame};
use crate::plan::Selection;
use crate::preview::{Strip, sheet};
use crate::report::{counted, sanitise, scenes_named, trimmed};
use crate::storyboard::SceneId;
use clap_complete::ArgValueCompleter;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Takes on one page: more are not seen any more.
const MOST: usize = 96;

/// Put the first, middle and last picture of each take on one page, a PNG. Free, and nothing is changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The takes are those in their scenes' places and those beside them, to choose from. A still has one picture.

Examples:
  storyreel sheet -o sheet.png
  storyreel sheet 3,7-9 -o sheet.png
  storyreel sheet --preview -o sheet.png     of the animatic that `render --preview` has drawn
  storyreel sheet 4 --all -o takes.png       earlier versions, too")]
pub(super) struct Sheet {
    /// Only these scenes: ids and ranges, such as `1,3-5,intro`
    #[arg(value_name = "SEL", add = ArgValueCompleter::new(super::completing::scenes))]
    scenes: Option<String>,
    /// The picture to write
    #[arg(short = 'o', long = "out", value_name = "FILE", default_value = "sheet.png")]
    out: PathBuf,
    /// Earlier versions, too
    #[arg(long, conflicts_with = "preview")]
    all: bool,
    /// The animatic of `render --preview` in place of the clips
    #[arg(long)]
    preview: bool,
    /// Print what is on the page as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    file: FileFlag,
}

/// A take that is on the page.
struct Shown {
    scene: SceneId,
    take: Option<u32>,
    filename: String,
    why: Option<String>,
    strip: Strip,
}

/// So many scenes of which there is nothing are named.
const MOST_NAMED: usize = 20;

impl Sheet {
    pub fn run(&self, _: Output) -> Result<u8, Failure> {
        let workspace = Workspace::open(&self.file.flags())?;
        let ids = workspace.scene_ids();
        let only =
            self.scenes.as_deref().map(|text| selection::parse("SEL", text, &ids)).transpose()?;
        let (root, manifest) = self.manifest(&workspace)?;
        let storyboard = workspace.slot_storyboard()?;
        let mut shown = Vec::new();
        let mut left_out = 0;
        let mut without: Vec<String> = Vec::new();
        for scene in &ids {
            let takes = self.takes(&manifest, &storyboard, scene, only.as_ref());
            let wanted = only.as_ref().is_none_or(|only| only.has(scene));
            if wanted && takes.is_empty() {
                without.push(scene.to_string());
            }
            for entry in takes {
                if shown.len() == MOST {
                    left_out += 1;
                    continue;
                }
                shown.push(self.show(&workspace, &root, scene, entry));
            }
        }
        if shown.is_empty() {
            let (what, next) = if self.preview {
                ("no preview of these scenes was drawn", "storyreel render --preview")
            } else {
                ("nothing of these scenes was rendered", "storyreel sheet --preview")
            };
            return Err(Failure::invalid("nothing-to-show", what)
                .hint(format!("`{next}` shows what there is for free")));
        }
        self.write(&workspace, &shown)?;
        if self.json {
            let takes: Vec<_> = shown
                .iter()
                .map(|one| {
                    json!({"scene_id": one.scene, "take": one.take, "filename": one.filename, "missing": one.why})
                })
                .collect();
            print(&pretty(&json!({"sheet": self.out, "takes": takes, "left_out": left_out})))?;
        } else {
            print(&format!("{}\n", self.out.display()))?;
        }
        for one in &shown {
            if let Some(why) = &one.why {
                let scene = sanitise(&one.scene.to_string(), 40);
                tell(&format!("scene {scene}: {}\n", sanitise(why, 300)));
            }
        }
        tell(&format!("{} on the sheet\n", counted(shown.len(), "take")));
        if !without.is_empty() {
            let named = scenes_named(&without, MOST_NAMED, |id| sanitise(id, 40));
            tell(&format!("nothing yet of {named}\n"));
        }
        if left_out > 0 {
            tell(&format!(
                "{} more do not fit: choose scenes, such as `storyreel sheet 1-30 -o sheet.png`\n",
                counted(left_out, "take")
            ));
        }
        Ok(0)
    }

    /// Where clips lie, and the list of them.
    fn manifest(&self, workspace: &Workspace) -> Result<(PathBuf, Manifest), Failure> {
        if !self.preview {
            return Ok((workspace.layout.assets_root.clone(), workspace.manifest()?));
        }
        let folder = preview_folder(workspace);
        let manifest = match std::fs::read(folder.join("manifest.json")) {
            Ok(bytes) => Manifest::parse_bytes(&bytes).ok(),
            Err(_) => None,
        };
        Ok((folder, manifest.unwrap_or_else(Manifest::empty)))
    }

    /// The takes of a scene, the one in its place first.
    fn takes<'m>(
        &self,
        manifest: &'m Manifest,
        storyboard: &str,
        scene: &SceneId,
        only: Option<&Selection>,
    ) -> Vec<&'m AssetEntry> {
        let of_board = |entry: &AssetEntry| {
            self.preview
                || entry.storyboard.as_deref().unwrap_or_default() == storyboard
                    && entry.variant.is_none()
        };
        let mut takes: Vec<&AssetEntry> = manifest
            .renders()
            .filter(|entry| {
                entry.scene_id.as_ref() == Some(scene)
                    && only.is_none_or(|only| only.has(scene))
                    && entry.media != Media::Audio
                    && of_board(entry)
                    && (self.all || entry.superseded_by.is_none() || entry.candidate)
            })
            .collect();
        takes.sort_by_key(|entry| (entry.superseded_by.is_some(), entry.take, entry.version));
        let mut seen = std::collections::HashSet::new();
        // A version that was published again has the same content.
        takes.retain(|entry| {
            seen.insert((entry.media.type_name(), entry.sha256.clone(), entry.take))
        });
        takes
    }

    fn show(
        &self,
        workspace: &Workspace,
        root: &Path,
        scene: &SceneId,
        entry: &AssetEntry,
    ) -> Shown {
        let path = crate::manifest::safe_filename(&entry.filename).map(|name| root.join(name));
        let pictures = match &path {
            Some(path) => pictures_of(path, entry.media),
            None => Err("its file would not lie in the assets".to_owned()),
        };
        let mut details = Vec::new();
        if let Some(take) = entry.take {
            let place = match (entry.superseded_by.is_some(), entry.candidate) {
                (false, _) => "",
                (true, true) => ", to choose from",
                (true, false) => ", superseded",
            };
            details.push(format!("take {take}{place}"));
        }
        details.push(entry.model.clone());
        let length =
            entry.probe.as_ref().map(|probe| probe.duration).filter(|length| *length > 0.0);
        let credits = entry.credits.map(|credits| format!("{} credits", trimmed(credits, 2)));
        let length = length.map(|length| format!("{} s", trimmed(length, 2)));
        let more: Vec<String> = [length, credits].into_iter().flatten().collect();
        if !more.is_empty() {
            details.push(more.join(", "));
        }
        details.push(entry.filename.rsplit('/').next().unwrap_or_default().to_owned());
        let title = workspace.scene(scene).and_then(|scene| scene.title.as_ref());
        Shown {
            scene: scene.clone(),
            take: entry.take,
            filename: entry.filename.clone(),
            why: pictures.as_ref().err().cloned(),
            strip: Strip {
                name: format!("Scene {scene}"),
                title: title.map(|title| title.value.clone()).unwrap_or_default(),
                details,
                pictures,
            },
        }
    }

    fn write(&self, workspace: &Workspace, shown: &[Shown]) -> Result<(), Failure> {
        let title = workspace.board.title.as_ref().map(|title| title.value.clone());
        let title = title.unwrap_or_else(|| workspace.settings.project.shown.clone());
        let title = if self.preview { format!("{title} (preview)") } else { title };
        let strips: Vec<Strip> = shown.iter().map(|one| one.strip.clone()).collect();
        let drawn = sheet(&title, &strips)
            .map_err(|error| Failure::cannot_work("drawing", error.to_string()))?;
        let bytes =
            png(&drawn).map_err(|error| Failure::cannot_work("drawing", error.to_string()))?;
        super::replace::replace(&self.out, &bytes).map_err(|error| {
            Failure::cannot_work(
                "unwritable",
                format!("cannot write `{}`: {error}", self.out.display()),
            )
        })
    }
}

/// The first, middle and last picture of a clip; a still is its own.
fn pictures_of(path: &Path, media: Media) -> Result<Vec<image::RgbImage>, String> {
    let length = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        _ => {
            return Err(
                "its file is not here; `storyreel render` brings it back where it can".to_owned()
            );
        }
    };
    if is_lfs_pointer(path, length) {
        return Err("a Git LFS pointer stands in its place: `git lfs pull`, or `storyreel render`"
            .to_owned());
    }
    if media == Media::Image {
        let picture = crate::preview::read_picture(path)?;
        return Ok(vec![picture.into_rgb8()]);
    }
    let ffmpeg = Ffmpeg::default();
    [Which::First, Which::Middle, Which::Last]
        .into_iter()
        .map(|which| take_frame(path, which, &ffmpeg).map_err(|error| error.to_string()))
        .collect()
}
