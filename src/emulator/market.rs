//! The market: `jobs/createTask` and `jobs/recordInfo`, with the models that the emulator knows.

use serde_json::{Map, Value, json};

use super::account::Credits;
use super::create::{Order, Refusal};
use super::fields::{Field, Kind, check, optional, required};
use super::tasks::{Picture, Progress};
use super::{Call, Emulator, Lane, Lookup, Outcome, Reply};

/// A model: its fields, and what makes its price and its clip.
struct Model {
    id: &'static str,
    fields: &'static [Field],
    shape: Shape,
}

/// How price and clip follow from the input (prices of 2026-10-02).
#[derive(Clone, Copy)]
enum Shape {
    /// Kling 2.6: 55 credits for each five seconds, twice that with sound.
    Kling,
    /// Kling 2.6 motion control: as long as the driving clip, 11 or 18 credits a second.
    Motion,
    /// Topaz: as long as the source, 8 credits a second, 14 for the factor 4.
    Topaz,
}

const MODELS: &[Model] = &[
    Model {
        id: "kling-2.6/text-to-video",
        fields: &[
            required("prompt", Kind::Text(1000)),
            required("sound", Kind::Flag),
            required("aspect_ratio", Kind::Choice(&["1:1", "16:9", "9:16"])),
            required("duration", Kind::Choice(&["5", "10"])),
        ],
        shape: Shape::Kling,
    },
    Model {
        id: "kling-2.6/image-to-video",
        fields: &[
            required("prompt", Kind::Text(1000)),
            required("image_urls", Kind::Urls(1, 1)),
            required("sound", Kind::Flag),
            required("duration", Kind::Choice(&["5", "10"])),
        ],
        shape: Shape::Kling,
    },
    Model {
        id: "kling-2.6/motion-control",
        fields: &[
            optional("prompt", Kind::Text(2500)),
            required("input_urls", Kind::Urls(1, 1)),
            required("video_urls", Kind::Urls(1, 1)),
            required("character_orientation", Kind::Choice(&["image", "video"])),
            required("mode", Kind::Choice(&["720p", "1080p"])),
        ],
        shape: Shape::Motion,
    },
    Model {
        id: "topaz/video-upscale",
        fields: &[
            required("video_url", Kind::Url),
            optional("upscale_factor", Kind::Choice(&["1", "2", "4"])),
        ],
        shape: Shape::Topaz,
    },
];

/// The fields beside `input`.
const AROUND: &[Field] =
    &[required("model", Kind::Text(0)), optional("callBackUrl", Kind::Text(0))];

const UNKNOWN_MODEL: &str = "The model name you specified is not supported. Please verify your input and use one of the supported models provided by KIE.";

impl Emulator {
    pub(super) fn market_order(&self, body: &Map<String, Value>) -> Result<Order, Refusal> {
        let around: Map<String, Value> = body
            .iter()
            .filter(|(name, _)| *name != "input")
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut wasted = check(AROUND, &around).map_err(|message| Refusal::new(422, message))?;
        let id = body.get("model").and_then(Value::as_str).unwrap_or_default();
        let model = MODELS
            .iter()
            .find(|model| model.id == id)
            .ok_or_else(|| Refusal::new(404, UNKNOWN_MODEL))?;
        let input = body
            .get("input")
            .and_then(Value::as_object)
            .ok_or_else(|| Refusal::new(422, "input is required"))?;
        let unknown = check(model.fields, input).map_err(|message| Refusal::new(422, message))?;
        wasted.extend(unknown.into_iter().map(|name| format!("input.{name}")));

        let text = |name: &str| input.get(name).and_then(Value::as_str);
        let first =
            |name: &str| input.get(name).and_then(|list| list.get(0)?.as_str()).unwrap_or_default();
        let mut failure = None;
        let (price, clip, resolution) = match model.shape {
            Shape::Kling => {
                let seconds: i64 = text("duration").and_then(|text| text.parse().ok()).unwrap_or(5);
                let sound = input.get("sound").and_then(Value::as_bool).unwrap_or(false);
                let (width, height) = match text("aspect_ratio") {
                    Some("9:16") => (720, 1280),
                    Some("1:1") => (960, 960),
                    _ => (1280, 720),
                };
                let price = Credits::whole(seconds * 11 * if sound { 2 } else { 1 });
                (price, Picture { width, height, seconds: seconds as f64 }, "720p")
            }
            Shape::Motion => {
                let driving = self.source_picture(first("video_urls"));
                let mode = text("mode").unwrap_or("720p");
                let most = if text("character_orientation") == Some("image") { 10.0 } else { 30.0 };
                if !(3.0..=most).contains(&driving.seconds) {
                    failure =
                        Some((400, format!("The driving video must be 3 to {most} seconds long")));
                }
                let (rate, short) = if mode == "1080p" { (18.0, 1080) } else { (11.0, 720) };
                let (width, height) = scaled(&driving, short);
                (
                    Credits::from_f64(rate * driving.seconds),
                    Picture { width, height, ..driving },
                    mode,
                )
            }
            Shape::Topaz => {
                let source = self.source_picture(text("video_url").unwrap_or_default());
                let factor: u32 =
                    text("upscale_factor").and_then(|text| text.parse().ok()).unwrap_or(2);
                let rate = if factor == 4 { 14.0 } else { 8.0 };
                let clip = Picture {
                    width: source.width.saturating_mul(factor),
                    height: source.height.saturating_mul(factor),
                    ..source
                };
                (Credits::from_f64(rate * clip.seconds), clip, "")
            }
        };
        // The record shows the request with its input as text inside the text.
        let mut echo = around;
        echo.insert("input".into(), Value::String(Value::Object(input.clone()).to_string()));
        Ok(Order {
            lane: Lane::Market,
            model: id.to_owned(),
            prompt: text("prompt").unwrap_or_default().to_owned(),
            echo: Value::Object(echo).to_string(),
            price,
            clip,
            joined_seconds: None,
            resolution: resolution.to_owned(),
            parent: None,
            wasted,
            failure,
        })
    }

    pub(super) fn market_read(&mut self, call: &Call<'_>) -> Reply {
        let index = match self.look_up(call, call.request.query_value("taskId"), &[Lane::Market]) {
            Lookup::NoId => return Reply::refuse(400, "taskId is required"),
            Lookup::TooOften => return super::veo::too_often(),
            Lookup::Missing(_) => return Reply::refuse(422, "recordInfo is null"),
            Lookup::Found(index) => index,
        };
        let base = self.options.base.clone();
        let Some(task) = self.memory.tasks.get_mut(index) else {
            return Reply::refuse(422, "recordInfo is null");
        };
        let (progress, with_urls) = task.show(call.now);
        let (state, flag) = match progress {
            Progress::Waiting => ("waiting", 0),
            Progress::Queued => ("queuing", 0),
            Progress::Generating => ("generating", 0),
            Progress::Succeeded => ("success", 1),
            Progress::Failed => ("fail", 3),
        };
        let ended = flag != 0;
        let completed = if ended { task.completed() } else { None };
        let result = with_urls.then(|| json!({"resultUrls": [format!("{base}{}", task.path())]}));
        let (fail_code, fail_message, consumed) = match &task.outcome {
            Outcome::Failure { code, message, charged } if ended => {
                let consumed = if *charged { task.price } else { Credits::default() };
                (json!(code.to_string()), json!(message), consumed)
            }
            _ => (Value::Null, Value::Null, task.price),
        };
        let mut data = json!({
            "taskId": task.id,
            "model": task.model,
            "state": state,
            "successFlag": flag,
            "param": task.echo,
            "resultJson": result.as_ref().map_or(Value::String(String::new()), |result| result.to_string().into()),
            "response": result,
            "failCode": fail_code,
            "failMsg": fail_message,
            "costTime": completed.map(|at| (at - task.created_ms) / 1000),
            "createTime": task.created_ms,
            "updateTime": completed.unwrap_or(task.created_ms),
            "completeTime": completed,
        });
        if ended {
            data["creditsConsumed"] = consumed.to_json();
        }
        let billed = task.billed;
        self.note_shown(billed, with_urls);
        Reply::success(&data)
    }
}

/// The size of a picture whose shorter side becomes `short` pixels.
fn scaled(picture: &Picture, short: u32) -> (u32, u32) {
    let (width, height) = (u64::from(picture.width.max(1)), u64::from(picture.height.max(1)));
    let (long_side, short_side) = (width.max(height), width.min(height));
    let long = u32::try_from(u64::from(short) * long_side / short_side).unwrap_or(u32::MAX) & !1;
    if width >= height { (long, short) } else { (short, long) }
}
