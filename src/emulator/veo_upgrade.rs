//! The 1080p and 4K versions of a finished Veo clip. Both are asked for and polled with one and the same call.

use serde_json::{Value, json};

use super::account::Credits;
use super::bill::Upgrade;
use super::create::Refusal;
use super::tasks::{Progress, Upgrading, Version};
use super::{Call, Emulator, Lane, Lookup, Operation, Reply, State};

/// Where a version stands after a call.
enum Standing {
    /// It was asked for by this call.
    Begun,
    /// It is being made.
    Running,
    /// It is there.
    Done,
    /// It failed.
    Failed,
}

impl Emulator {
    pub(super) fn veo_1080p(&mut self, call: &Call<'_>) -> Reply {
        let id = call.request.query_value("taskId").or_else(|| call.text("taskId"));
        let index = call.request.query_value("index").map(str::to_owned);
        let asked =
            index.map_or_else(|| number_in(call, "index"), |text| text.parse().map_err(|_| ()));
        let (task, clip) = match self.source(call, id, asked) {
            Ok(found) => found,
            Err(refusal) => return Reply::refuse(refusal.code, &refusal.message),
        };
        match self.stand(call, task, Version::FullHd, clip, Credits::whole(5)) {
            Err(refusal) => Reply::refuse(refusal.code, &refusal.message),
            Ok(Standing::Begun | Standing::Running) => {
                let text = "1080P is processing. It should be ready in 1-2 minutes. Please check back shortly.";
                Reply::refuse(self.options.processing_code, text)
            }
            Ok(Standing::Failed) => Reply::refuse(
                500,
                "The 1080P version of this video is unavailable. Please try another video.",
            ),
            Ok(Standing::Done) => {
                let url = self.version_url(task, Version::FullHd, clip, "mp4");
                Reply::success(&json!({"resultUrl": url}))
            }
        }
    }

    pub(super) fn veo_4k(&mut self, call: &Call<'_>) -> Reply {
        let (task, clip) = match self.source(call, call.text("taskId"), number_in(call, "index")) {
            Ok(found) => found,
            Err(refusal) => return Reply::refuse(refusal.code, &refusal.message),
        };
        let id = call.text("taskId").unwrap_or_default();
        let answer = |code: i64, message: &str, videos: Value, stills: Value| {
            let data = json!({"taskId": id, "resultUrls": videos, "imageUrls": stills});
            Reply::json(200, &json!({"code": code, "msg": message, "data": data}))
        };
        match self.stand(call, task, Version::FourK, clip, Credits::whole(120)) {
            Err(refusal) => Reply::refuse(refusal.code, &refusal.message),
            Ok(Standing::Begun) => answer(200, "success", Value::Null, Value::Null),
            Ok(Standing::Running) => {
                let text = "4k is processing. It should be ready in 5-10 minutes. Please check back shortly.";
                answer(422, text, Value::Null, Value::Null)
            }
            Ok(Standing::Failed) => Reply::refuse(
                500,
                "The 4K version of this video is unavailable. Please try another video.",
            ),
            Ok(Standing::Done) => {
                let videos = json!([self.version_url(task, Version::FourK, clip, "mp4")]);
                let stills = json!([self.version_url(task, Version::FourK, clip, "png")]);
                answer(422, "The video has been generated successfully", videos, stills)
            }
        }
    }

    /// The finished task that a call is about, and the clip in it.
    fn source(
        &mut self,
        call: &Call<'_>,
        id: Option<&str>,
        clip: Result<u64, ()>,
    ) -> Result<(usize, u64), Refusal> {
        let index = match self.look_up(call, id, &[Lane::Veo, Lane::VeoExtend]) {
            Lookup::NoId => return Err(Refusal::new(400, "taskId is required")),
            Lookup::TooOften => return Err(Refusal::new(429, super::veo::TOO_OFTEN)),
            Lookup::Missing(_) => return Err(Refusal::new(422, "Record does not exist")),
            Lookup::Found(index) => index,
        };
        let Some(task) = self.memory.tasks.get(index) else {
            return Err(Refusal::new(422, "Record does not exist"));
        };
        if self.record_expired(call.now, task.created_ms) {
            return Err(Refusal::new(422, "Only records within 14 days can be queried"));
        }
        if task.progress(call.now) != Progress::Succeeded {
            return Err(Refusal::new(422, "The record status is not success"));
        }
        match clip {
            Ok(0) => Ok((index, 0)),
            _ => Err(Refusal::new(422, "index is out of range")),
        }
    }

    /// Asks for a version where nobody did, and tells how far it is.
    fn stand(
        &mut self,
        call: &Call<'_>,
        index: usize,
        version: Version,
        clip: u64,
        price: Credits,
    ) -> Result<Standing, Refusal> {
        let charge_again = version == Version::FullHd && self.options.charge_every_1080p_call;
        let poor = self.memory.balance < price;
        let no_credits =
            || Refusal::new(402, "The current credits are insufficient. Please top up.");
        let Some(task) = self.memory.tasks.get_mut(index) else {
            return Err(Refusal::new(422, "Record does not exist"));
        };
        let (id, fails) = (task.id.clone(), task.quirks.upgrades_fail);
        if let Some(upgrade) = task.upgrade(version, clip) {
            let (settled, billed) = (upgrade.settled, upgrade.billed);
            if charge_again && poor {
                return Err(no_credits());
            }
            if let Some(entry) = self.memory.bill.upgrades.get_mut(billed) {
                entry.calls += 1;
                if charge_again {
                    entry.price += price.to_f64();
                }
                entry.result_shown |= settled && !fails;
            }
            if charge_again {
                self.memory.charge(price);
            }
            return Ok(match (settled, fails) {
                (false, _) => Standing::Running,
                (true, true) => Standing::Failed,
                (true, false) => Standing::Done,
            });
        }
        if poor {
            return Err(no_credits());
        }
        let ready_ms = call.now.saturating_add(self.options.times.of(call.operation));
        let place = task.upgrades.len();
        let billed = self.memory.bill.upgrades.len();
        task.upgrades.push(Upgrading { version, index: clip, ready_ms, billed, settled: false });
        self.memory.due.insert((ready_ms, index, Some(place)));
        self.memory.charge(price);
        let operation =
            if version == Version::FullHd { Operation::Veo1080p } else { Operation::Veo4k };
        self.memory.bill.upgrades.push(Upgrade {
            time_ms: call.now,
            task_id: id,
            operation: operation.name().to_owned(),
            price: price.to_f64(),
            refunded: false,
            calls: 1,
            state: State::Running,
            result_shown: false,
            downloaded: false,
        });
        Ok(Standing::Begun)
    }

    fn version_url(&self, index: usize, version: Version, clip: u64, extension: &str) -> String {
        let path =
            self.memory.tasks.get(index).map(|task| task.version_path(version, clip, extension));
        format!("{}{}", self.options.base, path.unwrap_or_default())
    }
}

/// A whole number of the body, 0 where it is absent.
fn number_in(call: &Call<'_>, name: &str) -> Result<u64, ()> {
    match call.body.as_ref().and_then(|body| body.get(name)) {
        None | Some(Value::Null) => Ok(0),
        Some(value) => value.as_u64().ok_or(()),
    }
}
