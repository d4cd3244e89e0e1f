//! The market: `jobs/createTask` and `jobs/recordInfo`, with every model that the facts describe.

use serde_json::{Map, Value, json};

use super::account::Credits;
use super::create::{Order, Refusal};
use super::fields::{Field, Kind, check, optional, required};
use super::market_rows::Source;
use super::tasks::{Media, Picture, Progress};
use super::{Call, Emulator, Lane, Lookup, Outcome, Reply};

/// The fields beside `input`.
const AROUND: &[Field] =
    &[required("model", Kind::Text(0)), optional("callBackUrl", Kind::Text(0))];

/// The answer to the name of a model that there is not.
pub(super) const UNKNOWN_MODEL: &str = "The model name you specified is not supported. Please verify your input and use one of the supported models provided by KIE.";

impl Emulator {
    pub(super) fn market_order(&self, body: &Map<String, Value>) -> Result<Order, Refusal> {
        let around: Map<String, Value> = body
            .iter()
            .filter(|(name, _)| *name != "input")
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut wasted = check(AROUND, &around).map_err(|message| Refusal::new(422, message))?;
        let id = body.get("model").and_then(Value::as_str).unwrap_or_default();
        let row = self.options.market.row(id).ok_or_else(|| Refusal::new(422, UNKNOWN_MODEL))?;
        if row.retired {
            return Err(Refusal::new(500, "This interface is temporarily paused"));
        }
        let input = body
            .get("input")
            .and_then(Value::as_object)
            .ok_or_else(|| Refusal::new(500, "input is required"))?;
        let unknown = row.check(input)?;
        wasted.extend(unknown.into_iter().map(|name| format!("input.{name}")));

        let text = |name: &str| input.get(name).and_then(Value::as_str);
        let parent = text("task_id").or_else(|| text("taskId")).map(str::to_owned);
        let before =
            parent.as_ref().and_then(|id| self.memory.tasks.get(*self.memory.by_id.get(id)?));
        let mut failure = None;
        if parent.is_some()
            && !before.is_some_and(|task| task.settled && task.outcome == Outcome::Success)
        {
            failure = Some((400, "The source task does not exist or is not finished".to_owned()));
        }
        let clips: Vec<Picture> = row
            .clip_fields()
            .flat_map(|name| links(input.get(name)))
            .map(|link| self.source_picture(link))
            .collect();
        let clips_s: f64 = clips.iter().map(|clip| clip.seconds).sum();
        let source = match (row.source(), before) {
            (_, Some(task)) => {
                Some(Source { seconds: task.clip.seconds, resolution: task.resolution.clone() })
            }
            (Some(name), None) => links(input.get(name)).next().map(|link| Source {
                seconds: self.source_picture(link).seconds,
                resolution: String::new(),
            }),
            (None, None) => None,
        };
        let seconds = row.seconds(input, source.as_ref());
        if id == "kling-2.6/motion-control" {
            let most = if text("character_orientation") == Some("image") { 10.0 } else { 30.0 };
            if !(3.0..=most).contains(&seconds) {
                failure =
                    Some((400, format!("The driving video must be 3 to {most} seconds long")));
            }
        }
        let price = Credits::from_f64(row.price(input, seconds, clips_s, source.as_ref()));
        let (short, ratio, resolution) = row.shape(input);
        let like = clips.first().or(before.map(|task| &task.clip));
        let factor: Option<u32> = text("upscale_factor").and_then(|factor| factor.parse().ok());
        let clip = match (like, ratio) {
            (Some(clip), _) if row.has_field("upscale_factor") => {
                let factor = factor.unwrap_or(2);
                Picture {
                    width: clip.width.saturating_mul(factor),
                    height: clip.height.saturating_mul(factor),
                    seconds,
                }
            }
            (Some(clip), None) => {
                let (width, height) = scaled(clip, short);
                Picture { width, height, seconds }
            }
            (_, ratio) => {
                let (width, height) = ratio.unwrap_or((16, 9));
                let (width, height) = scaled(&Picture { width, height, seconds }, short);
                Picture { width, height, seconds }
            }
        };
        // The record shows the request with its input as text inside the text.
        let mut echo = around;
        echo.insert("input".into(), Value::String(Value::Object(input.clone()).to_string()));
        Ok(Order {
            lane: Lane::Market,
            model: id.to_owned(),
            prompt: text("prompt").map_or_else(|| spoken(input), str::to_owned),
            echo: Value::Object(echo).to_string(),
            price,
            clip,
            joined_seconds: None,
            resolution,
            parent,
            media: row.media,
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
        let result = with_urls.then(|| match task.media {
            Media::Json => json!({"resultObject": {"subject_status": 1, "mask_urls": []}}),
            _ => json!({"resultUrls": [format!("{base}{}", task.path())]}),
        });
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

/// The links that a field holds, one or many, each by itself or as the `url` of an entry.
fn links(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let many = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let many = many.iter().map(|entry| entry.get("url").unwrap_or(entry));
    value.into_iter().chain(many).filter_map(Value::as_str)
}

/// The size of a picture whose shorter side becomes `short` pixels.
fn scaled(picture: &Picture, short: u32) -> (u32, u32) {
    let (width, height) = (u64::from(picture.width.max(1)), u64::from(picture.height.max(1)));
    let (long_side, short_side) = (width.max(height), width.min(height));
    let long = u32::try_from(u64::from(short) * long_side / short_side).unwrap_or(u32::MAX) & !1;
    if width >= height { (long, short) } else { (short, long) }
}

/// What a speech model is asked to say.
fn spoken(input: &Map<String, Value>) -> String {
    let words = |value: &Value| value.get("text").and_then(Value::as_str).map(str::to_owned);
    let turns =
        ["dialogue", "dialogue_turns"].into_iter().filter_map(|name| input.get(name)?.as_array());
    let turns: Vec<String> = turns.flatten().filter_map(words).collect();
    let text = input.get("text").and_then(Value::as_str);
    text.map_or_else(|| turns.join("\n"), str::to_owned)
}
