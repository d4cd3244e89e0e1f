//! Runway and Aleph: creates and records.
//!
//! Neither a successful nor a failed Runway record was ever recorded; their shape here is the documented one. Of
//! Aleph, running and failed records were.

use serde_json::{Map, Value, json};

use super::account::Credits;
use super::create::{Order, Refusal};
use super::fields::{Field, Kind, check, optional, required};
use super::tasks::{Media, Picture, Progress, to_second};
use super::veo::text;
use super::{Call, Emulator, Lane, Lookup, Outcome, Reply};

const RATIOS: &[&str] = &["16:9", "4:3", "1:1", "3:4", "9:16"];

/// `POST /api/v1/runway/generate`. The provider's pages show the duration as a number and as text.
const GENERATE: &[Field] = &[
    required("prompt", Kind::Text(1800)),
    required("duration", Kind::LooseChoice(&[5, 10])),
    required("quality", Kind::Choice(&["720p", "1080p"])),
    optional("imageUrl", Kind::Url),
    optional("aspectRatio", Kind::Choice(RATIOS)),
    optional("waterMark", Kind::Text(0)),
    optional("callBackUrl", Kind::Text(0)),
];

/// `POST /api/v1/runway/extend`.
const EXTEND: &[Field] = &[
    required("taskId", Kind::Text(0)),
    required("prompt", Kind::Text(1800)),
    required("quality", Kind::Choice(&["720p", "1080p"])),
    optional("waterMark", Kind::Text(0)),
    optional("callBackUrl", Kind::Text(0)),
];

/// `POST /api/v1/aleph/generate`.
const ALEPH: &[Field] = &[
    required("prompt", Kind::Text(0)),
    required("videoUrl", Kind::Url),
    optional("aspectRatio", Kind::Choice(&["16:9", "9:16", "4:3", "3:4", "1:1", "21:9"])),
    optional("seed", Kind::Whole(0, u32::MAX as i64)),
    optional("referenceImage", Kind::Url),
    optional("waterMark", Kind::Text(0)),
    optional("uploadCn", Kind::Flag),
    optional("callBackUrl", Kind::Text(0)),
];

fn picture(ratio: &str, quality: &str, seconds: f64) -> Picture {
    let short = if quality == "1080p" { 1080 } else { 720 };
    let (across, down) = ratio.split_once(':').unwrap_or(("16", "9"));
    let (across, down): (u32, u32) = (across.parse().unwrap_or(16), down.parse().unwrap_or(9));
    let long = |large: u32, small: u32| (short * large / small) & !1;
    if across >= down {
        Picture { width: long(across, down), height: short, seconds }
    } else {
        Picture { width: short, height: long(down, across), seconds }
    }
}

impl Emulator {
    pub(super) fn runway_order(&self, body: &Map<String, Value>) -> Result<Order, Refusal> {
        let wasted = check(GENERATE, body).map_err(|message| Refusal::new(422, message))?;
        let duration = body.get("duration");
        let seconds = duration
            .and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()))
            .unwrap_or(5);
        let quality = text(body, "quality").unwrap_or("720p");
        let image = text(body, "imageUrl").unwrap_or_default();
        if seconds == 10 && quality == "1080p" {
            return Err(Refusal::new(422, "10-second videos cannot have 1080p quality"));
        }
        if image.is_empty() && text(body, "aspectRatio").is_none() {
            return Err(Refusal::new(422, "aspectRatio is required without imageUrl"));
        }
        let prompt = text(body, "prompt").unwrap_or_default();
        Ok(Order {
            lane: Lane::Runway,
            model: "runway".into(),
            prompt: prompt.to_owned(),
            echo: json!({"prompt": prompt, "imageUrl": image, "expandPrompt": true}).to_string(),
            price: Credits::whole(if seconds == 5 && quality == "720p" { 12 } else { 30 }),
            clip: picture(text(body, "aspectRatio").unwrap_or("16:9"), quality, seconds as f64),
            joined_seconds: None,
            resolution: quality.to_owned(),
            parent: None,
            media: Media::Video,
            wasted,
            failure: None,
        })
    }

    /// An unknown source is accepted and fails later. The price of extensions is not published; one note says six
    /// credits a second, and an extension here has five.
    pub(super) fn runway_extend_order(&self, body: &Map<String, Value>) -> Result<Order, Refusal> {
        let wasted = check(EXTEND, body).map_err(|message| Refusal::new(422, message))?;
        let id = text(body, "taskId").unwrap_or_default();
        let source = self.memory.by_id.get(id).and_then(|index| self.memory.tasks.get(*index));
        let source = source.filter(|task| {
            matches!(task.lane, Lane::Runway | Lane::RunwayExtend)
                && task.settled
                && task.outcome == Outcome::Success
        });
        let quality = text(body, "quality").unwrap_or("720p");
        let prompt = text(body, "prompt").unwrap_or_default();
        let failure = source
            .is_none()
            .then(|| (400, "The source video does not exist or is not finished".to_owned()));
        Ok(Order {
            lane: Lane::RunwayExtend,
            model: "runway".into(),
            prompt: prompt.to_owned(),
            echo: json!({"prompt": prompt, "imageUrl": "", "expandPrompt": true}).to_string(),
            price: Credits::whole(30),
            clip: source.map_or_else(
                || picture("16:9", quality, 5.0),
                |task| Picture { seconds: 5.0, ..task.clip.clone() },
            ),
            joined_seconds: None,
            resolution: quality.to_owned(),
            parent: Some(id.to_owned()),
            media: Media::Video,
            wasted,
            failure,
        })
    }

    pub(super) fn runway_read(&mut self, call: &Call<'_>) -> Reply {
        let index = match self.look_up(
            call,
            call.request.query_value("taskId"),
            &[Lane::Runway, Lane::RunwayExtend],
        ) {
            Lookup::NoId => return Reply::refuse(400, "taskId is required"),
            Lookup::TooOften => return super::veo::too_often(),
            Lookup::Missing(_) => return Reply::success(&Value::Null),
            Lookup::Found(index) => index,
        };
        let base = self.options.base.clone();
        let kept_ms = self.options.result_days * 86_400_000;
        let Some(task) = self.memory.tasks.get_mut(index) else {
            return Reply::success(&Value::Null);
        };
        let (progress, with_urls) = task.show(call.now);
        let state = match progress {
            Progress::Waiting => "wait",
            Progress::Queued => "queueing",
            Progress::Generating => "generating",
            Progress::Succeeded => "success",
            Progress::Failed => "fail",
        };
        let (code, message) = match &task.outcome {
            Outcome::Failure { code, message, .. } if progress == Progress::Failed => {
                (json!(code), message.as_str())
            }
            _ => (Value::Null, ""),
        };
        let url = |path: String| {
            if with_urls { format!("{base}{path}") } else { String::new() }
        };
        let video = (progress == Progress::Succeeded).then(|| {
            json!({
                "videoId": uuid_like(&task.id),
                "taskId": task.id,
                "videoUrl": url(task.path()),
                "imageUrl": url(task.still_path()),
            })
        });
        let expired = task.completed().is_some_and(|at| call.now - at > kept_ms);
        let generate: Value = serde_json::from_str(&task.echo).unwrap_or(Value::Null);
        let data = json!({
            "taskId": task.id,
            "parentTaskId": task.parent.as_deref().unwrap_or_default(),
            "generateParam": generate,
            "state": state,
            "generateTime": date_and_time(task.created_ms),
            "videoInfo": video,
            "failCode": code,
            "failMsg": message,
            "expireFlag": i64::from(expired),
        });
        let billed = task.billed;
        self.note_shown(billed, with_urls);
        Reply::success(&data)
    }

    /// Aleph has no price in the catalogue; notes say 110 credits a video.
    pub(super) fn aleph_order(&self, body: &Map<String, Value>) -> Result<Order, Refusal> {
        let wasted = check(ALEPH, body).map_err(|message| Refusal::new(422, message))?;
        let prompt = text(body, "prompt").unwrap_or_default();
        let video = text(body, "videoUrl").unwrap_or_default();
        let in_china = body.get("uploadCn").and_then(Value::as_bool).unwrap_or(false);
        let source = self.source_picture(video);
        let clip = match text(body, "aspectRatio") {
            Some(ratio) => picture(ratio, "720p", source.seconds),
            None => source,
        };
        Ok(Order {
            lane: Lane::Aleph,
            model: "aleph".into(),
            prompt: prompt.to_owned(),
            echo: json!({"videoUrl": video, "uploadCn": in_china, "prompt": prompt}).to_string(),
            price: Credits::whole(110),
            clip,
            joined_seconds: None,
            resolution: "720p".into(),
            parent: None,
            media: Media::Video,
            wasted,
            failure: None,
        })
    }

    pub(super) fn aleph_read(&mut self, call: &Call<'_>) -> Reply {
        let index = match self.look_up(call, call.request.query_value("taskId"), &[Lane::Aleph]) {
            Lookup::NoId => return Reply::refuse(400, "taskId is required"),
            Lookup::TooOften => return super::veo::too_often(),
            Lookup::Missing(_) => return Reply::success(&Value::Null),
            Lookup::Found(index) => index,
        };
        let base = self.options.base.clone();
        let Some(task) = self.memory.tasks.get_mut(index) else {
            return Reply::success(&Value::Null);
        };
        let (progress, with_urls) = task.show(call.now);
        let url = |path: String| {
            if with_urls { json!(format!("{base}{path}")) } else { Value::Null }
        };
        let (flag, response, code, message) = match (progress, &task.outcome) {
            (Progress::Succeeded, _) => {
                let response = json!({
                    "taskId": task.id,
                    "resultVideoUrl": url(task.path()),
                    "resultImageUrl": url(task.still_path()),
                });
                (1, response, json!(0), json!(""))
            }
            (Progress::Failed, Outcome::Failure { code, message, .. }) => {
                (3, Value::Null, json!(code), json!(message))
            }
            _ => (0, Value::Null, Value::Null, Value::Null),
        };
        let completed = if flag == 0 { None } else { task.completed().map(to_second) };
        let data = json!({
            "taskId": task.id,
            "paramJson": task.echo,
            "response": response,
            "completeTime": completed,
            "createTime": to_second(task.created_ms),
            "successFlag": flag,
            "errorCode": code,
            "errorMessage": message,
        });
        let billed = task.billed;
        self.note_shown(billed, with_urls);
        Reply::success(&data)
    }
}

/// `YYYY-MM-DD HH:mm:ss` in UTC.
fn date_and_time(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The same digits with the dashes of a UUID.
fn uuid_like(id: &str) -> String {
    let part = |from: usize, to: usize| id.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
