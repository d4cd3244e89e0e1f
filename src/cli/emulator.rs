//! `storyreel emulator`: a local kie.ai.

use super::Output;
use super::failure::{Failure, WRONG_COMMAND_LINE};
use crate::emulator::server::{ServeOptions, serve};
use crate::emulator::{ClipMaker, ClipOrder, EmulatorArgs};
use crate::preview::{self, Shot, Source};
use crate::report::ErrorReport;
use std::sync::Arc;

/// Run a local stand-in for kie.ai, for tests and continuous integration.
#[derive(Debug, clap::Args)]
pub(super) struct Emulator {
    #[command(flatten)]
    arguments: EmulatorArgs,
}

impl Emulator {
    pub fn run(&self, _: Output) -> Result<u8, Failure> {
        let options = ServeOptions::from_args(&self.arguments, Some(Arc::new(DrawnClips)))
            .map_err(|message| {
                Failure::of(WRONG_COMMAND_LINE, ErrorReport::new("usage", message))
            })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::cannot_work("runtime", format!("cannot start: {error}")))?;
        runtime
            .block_on(serve(options))
            .map_err(|error| Failure::cannot_work("emulator", error.to_string()))?;
        Ok(0)
    }
}

/// Clips that the preview renderer draws from the prompt.
#[derive(Debug)]
struct DrawnClips;

impl ClipMaker for DrawnClips {
    fn make(&self, order: &ClipOrder) -> Result<Vec<u8>, String> {
        let shot = Shot {
            scene: "emulator".to_owned(),
            position: (1, 1),
            film_title: None,
            title: None,
            shot: None,
            camera: None,
            words: order.prompt.clone(),
            dialogue: Vec::new(),
            sound: Vec::new(),
            text_overlay: None,
            transition: None,
            model: order.model.clone(),
            duration: order.seconds,
            extensions: Vec::new(),
            upscale: None,
            aspect_ratio: (order.width, order.height),
            source: Source::Words,
            origin: None,
            steps: Vec::new(),
            cast: Vec::new(),
        };
        preview::clip_bytes(&shot).map_err(|error| error.to_string())
    }
}
