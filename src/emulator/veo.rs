//! Veo: generate, extend, and the record of both.

use serde_json::{Map, Value, json};

use super::account::Credits;
use super::create::{Order, Refusal};
use super::fields::{Field, Kind, check, optional, required};
use super::tasks::{Media, Picture, Progress, Version, to_second};
use super::{Call, Emulator, Lane, Lookup, Outcome, Reply};

/// `POST /api/v1/veo/generate`. Both spellings of the ratio are accepted; the record shows `aspectRatio`.
const GENERATE: &[Field] = &[
    required("prompt", Kind::Text(0)),
    optional("model", Kind::Choice(&["veo3", "veo3_fast", "veo3_lite"])),
    optional(
        "generationType",
        Kind::Choice(&["TEXT_2_VIDEO", "FIRST_AND_LAST_FRAMES_2_VIDEO", "REFERENCE_2_VIDEO"]),
    ),
    optional("imageUrls", Kind::Urls(0, 3)),
    optional("aspect_ratio", Kind::Choice(&["16:9", "9:16", "Auto"])),
    optional("aspectRatio", Kind::Choice(&["16:9", "9:16", "Auto"])),
    optional("resolution", Kind::Choice(&["720p", "1080p", "4k"])),
    optional("duration", Kind::WholeChoice(&[4, 6, 8])),
    optional("seeds", Kind::Whole(10_000, 99_999)),
    optional("enableTranslation", Kind::Flag),
    optional("enableFallback", Kind::Flag),
    optional("watermark", Kind::Text(0)),
    optional("callBackUrl", Kind::Text(0)),
];

/// `POST /api/v1/veo/extend`.
const EXTEND: &[Field] = &[
    required("taskId", Kind::Text(0)),
    required("prompt", Kind::Text(0)),
    optional("model", Kind::Choice(&["fast", "quality", "lite"])),
    optional("seeds", Kind::Whole(10_000, 99_999)),
    optional("watermark", Kind::Text(0)),
    optional("callBackUrl", Kind::Text(0)),
];

/// Credits for a clip, by model and resolution (price list of about 2026-10-01).
fn clip_price(model: &str, resolution: &str) -> Credits {
    Credits::whole(match (model, resolution) {
        ("veo3_lite", "1080p") => 35,
        ("veo3_lite", "4k") => 150,
        ("veo3_lite", _) => 30,
        ("veo3", "1080p") => 255,
        ("veo3", "4k") => 370,
        ("veo3", _) => 250,
        (_, "1080p") => 65,
        (_, "4k") => 180,
        _ => 60,
    })
}

/// Credits for an extension, by its model.
fn extension_price(model: &str) -> Credits {
    Credits::whole(match model {
        "lite" => 30,
        "quality" => 250,
        _ => 60,
    })
}

pub(super) fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name)?.as_str()
}

impl Emulator {
    pub(super) fn veo_order(&self, body: &Map<String, Value>) -> Result<Order, Refusal> {
        let mut wasted = check(GENERATE, body).map_err(|message| Refusal::new(422, message))?;
        let model = text(body, "model").unwrap_or("veo3_fast");
        let images = body.get("imageUrls").and_then(Value::as_array).map_or(0, Vec::len);
        let inferred = if images == 0 { "TEXT_2_VIDEO" } else { "FIRST_AND_LAST_FRAMES_2_VIDEO" };
        let kind = text(body, "generationType").unwrap_or(inferred);
        match kind {
            "FIRST_AND_LAST_FRAMES_2_VIDEO" if !(1..=2).contains(&images) => {
                return Err(Refusal::new(
                    422,
                    "imageUrls must have 1 to 2 items for FIRST_AND_LAST_FRAMES_2_VIDEO",
                ));
            }
            "REFERENCE_2_VIDEO" if model == "veo3" => {
                return Err(Refusal::new(422, "REFERENCE_2_VIDEO is not supported by model veo3"));
            }
            "REFERENCE_2_VIDEO" if images == 0 => {
                return Err(Refusal::new(
                    422,
                    "imageUrls must have 1 to 3 items for REFERENCE_2_VIDEO",
                ));
            }
            "TEXT_2_VIDEO" if images > 0 => wasted.push("imageUrls".into()),
            _ => {}
        }
        let ratio =
            text(body, "aspect_ratio").or_else(|| text(body, "aspectRatio")).unwrap_or("16:9");
        let resolution = text(body, "resolution").unwrap_or("720p");
        let duration = body.get("duration").and_then(Value::as_i64).unwrap_or(8);
        let prompt = text(body, "prompt").unwrap_or_default();
        let flag =
            |name: &str, default: bool| body.get(name).and_then(Value::as_bool).unwrap_or(default);

        let mut echo = json!({
            "duration": duration,
            "enableTranslation": flag("enableTranslation", true),
            "generationType": kind,
            "aspectRatio": ratio,
            "model": model,
            "enableFallback": flag("enableFallback", false),
            "resolution": resolution,
            "prompt": prompt,
        });
        for (name, shown) in
            [("imageUrls", "imageUrls"), ("seeds", "seeds"), ("watermark", "waterMark")]
        {
            if let Some(value) = body.get(name).filter(|value| !value.is_null()) {
                echo[shown] = value.clone();
            }
        }
        let (long, short) = match resolution {
            "4k" => (3840, 2160),
            "1080p" => (1920, 1080),
            _ => (1280, 720),
        };
        let (width, height) = if ratio == "9:16" { (short, long) } else { (long, short) };
        Ok(Order {
            lane: Lane::Veo,
            model: model.to_owned(),
            prompt: prompt.to_owned(),
            echo: echo.to_string(),
            price: clip_price(model, resolution),
            clip: Picture { width, height, seconds: duration as f64 },
            joined_seconds: None,
            resolution: resolution.to_owned(),
            parent: None,
            media: Media::Video,
            wasted,
            failure: None,
        })
    }

    pub(super) fn veo_extend_order(
        &self,
        now: i64,
        body: &Map<String, Value>,
    ) -> Result<Order, Refusal> {
        let wasted = check(EXTEND, body).map_err(|message| Refusal::new(422, message))?;
        let id = text(body, "taskId").unwrap_or_default();
        let parent = self.memory.by_id.get(id).and_then(|index| self.memory.tasks.get(*index));
        let parent = parent
            .filter(|task| matches!(task.lane, Lane::Veo | Lane::VeoExtend) && task.visible(now));
        let parent = parent.ok_or_else(|| Refusal::new(404, "The original task does not exist"))?;
        if parent.progress(now) != Progress::Succeeded {
            return Err(Refusal::new(422, "The record status is not success"));
        }
        if self.record_expired(now, parent.created_ms) {
            return Err(Refusal::new(422, "Only videos generated within 14 days can be extended"));
        }
        if parent.upgrades.iter().any(|upgrade| upgrade.version == Version::FullHd) {
            return Err(Refusal::new(422, "A video that was upgraded to 1080P cannot be extended"));
        }
        let model = text(body, "model").unwrap_or("fast");
        let prompt = text(body, "prompt").unwrap_or_default();
        let mut echo = json!({"taskId": id, "model": model, "prompt": prompt});
        if let Some(seeds) = body.get("seeds") {
            echo["seeds"] = seeds.clone();
        }
        let before = parent.joined_seconds.unwrap_or(parent.clip.seconds);
        let seconds = self.options.extension_seconds;
        Ok(Order {
            lane: Lane::VeoExtend,
            model: model.to_owned(),
            prompt: prompt.to_owned(),
            echo: echo.to_string(),
            price: extension_price(model),
            clip: Picture { seconds, ..parent.clip.clone() },
            joined_seconds: Some(before + seconds),
            resolution: parent.resolution.clone(),
            parent: Some(id.to_owned()),
            media: Media::Video,
            wasted,
            failure: None,
        })
    }

    /// Veo's pages say that records are served for 14 days.
    pub(super) fn record_expired(&self, now: i64, created_ms: i64) -> bool {
        now - created_ms > self.options.result_days * 86_400_000
    }

    pub(super) fn veo_read(&mut self, call: &Call<'_>) -> Reply {
        let index = match self.look_up(
            call,
            call.request.query_value("taskId"),
            &[Lane::Veo, Lane::VeoExtend],
        ) {
            Lookup::NoId => return Reply::refuse(400, "taskId is required"),
            Lookup::TooOften => return too_often(),
            Lookup::Missing(id) => {
                return Reply::refuse(422, &format!("Record not found for taskId: {id}"));
            }
            Lookup::Found(index) => index,
        };
        let expired = self
            .memory
            .tasks
            .get(index)
            .is_some_and(|task| self.record_expired(call.now, task.created_ms));
        if expired {
            return Reply::refuse(422, "Only records within 14 days can be queried");
        }
        let base = self.options.base.clone();
        let Some(task) = self.memory.tasks.get_mut(index) else {
            return Reply::refuse(500, "Internal server error");
        };
        let (progress, with_urls) = task.show(call.now);
        let url = |path: String| format!("{base}{path}");
        let (flag, response, code, message) = match (progress, &task.outcome) {
            (Progress::Succeeded, _) => {
                let urls = |path: String| {
                    if with_urls { json!([url(path)]) } else { Value::Null }
                };
                let joined = task.joined_seconds.map_or(Value::Null, |_| urls(task.joined_path()));
                let origin = if task.has_origin() { urls(task.origin_path()) } else { Value::Null };
                let seed = 10_000 + super::mix(task.number) % 90_000;
                let response = json!({
                    "taskId": task.id,
                    "resultUrls": urls(task.path()),
                    "fullResultUrls": joined,
                    "originUrls": origin,
                    "resolution": task.resolution,
                    "hasAudioList": [true],
                    "seeds": [seed],
                });
                (1, response, Value::Null, "")
            }
            // Failures of a task that was created are 3 on the wire.
            (Progress::Failed, Outcome::Failure { code, message, .. }) => {
                (3, Value::Null, json!(code), message.as_str())
            }
            _ => (0, Value::Null, Value::Null, ""),
        };
        let completed = if flag == 0 { None } else { task.completed().map(to_second) };
        let data = json!({
            "taskId": task.id,
            "paramJson": task.echo,
            "response": response,
            "successFlag": flag,
            "fallbackFlag": false,
            "completeTime": completed,
            "createTime": to_second(task.created_ms),
            "errorCode": code,
            "errorMessage": message,
        });
        let billed = task.billed;
        self.note_shown(billed, with_urls);
        Reply::success(&data)
    }

    /// Books that a record showed where its result is.
    pub(super) fn note_shown(&mut self, billed: usize, with_urls: bool) {
        if with_urls && let Some(create) = self.memory.bill.creates.get_mut(billed) {
            create.result_shown = true;
        }
    }
}

/// The text of an answer to a request over a limit.
pub(super) const TOO_OFTEN: &str = "Your call frequency is too high. Please try again later.";

/// The answer to a read over the limit.
pub(super) fn too_often() -> Reply {
    Reply::refuse(429, TOO_OFTEN)
}
