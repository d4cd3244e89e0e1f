//! Callbacks: what is posted to a task's `callBackUrl` when it has ended.
//!
//! The bodies are those of the provider's callback pages and of the market's recorded schema (2026-10). A client must
//! take a callback for a hint and read the record: the signature does not cover the body.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::tasks::{Lane, Media, Outcome, Task};
use super::{Credits, Emulator};

/// The block of SHA-256, in bytes, which HMAC (RFC 2104) pads its key to.
const BLOCK: usize = 64;

/// One callback to send.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Callback {
    /// Where it goes.
    pub url: String,
    /// The task that ended.
    pub task_id: String,
    /// What is sent.
    pub body: Value,
}

impl Callback {
    /// The headers that sign it at a Unix time in seconds, for an account that has a webhook key.
    #[must_use]
    pub fn signature(&self, key: &str, timestamp: i64) -> [(&'static str, String); 2] {
        let text = format!("{}.{timestamp}", self.task_id);
        [
            ("x-webhook-timestamp", timestamp.to_string()),
            ("x-webhook-signature", base64(&hmac(key.as_bytes(), text.as_bytes()))),
        ]
    }
}

impl Emulator {
    /// The callbacks of tasks that have ended by `now` (epoch milliseconds), each once.
    pub fn take_callbacks(&mut self, now: i64) -> Vec<Callback> {
        self.settle(now);
        std::mem::take(&mut self.memory.callbacks)
    }

    /// Takes note of what became of a callback.
    pub fn note_callback(&mut self, callback: &Callback, tries: u32, outcome: &str) {
        self.revision += 1;
        self.memory.bill.callbacks.push(super::bill::CallbackSent {
            task_id: callback.task_id.clone(),
            url: callback.url.clone(),
            tries,
            outcome: outcome.to_owned(),
        });
    }

    /// The body for a task that has just ended.
    pub(super) fn callback_body(&self, task: &Task) -> Value {
        let url = |path: String| format!("{}{path}", self.options.base);
        let id = &task.id;
        let failure = match &task.outcome {
            Outcome::Failure { code, message, charged } => Some((*code, message, *charged)),
            Outcome::Success => None,
        };
        match (task.lane, failure) {
            (Lane::Market, _) => self.market_callback(task),
            (Lane::Veo, None) => {
                json!({"code": 200, "msg": "Veo3.1 video generated successfully.", "data": {
                    "taskId": id,
                    "promptJson": task.echo,
                    "info": {"resultUrls": [url(task.path())], "resolution": task.resolution},
                    "fallbackFlag": false,
                }})
            }
            (Lane::Veo, Some((code, message, _))) => {
                json!({"code": code, "msg": message, "data": {"taskId": id, "fallbackFlag": false}})
            }
            (Lane::Aleph, None) => {
                json!({"code": 200, "msg": "All generated successfully.", "data": {
                "result_video_url": url(task.path()),
                "result_image_url": url(task.still_path()),
            }, "taskId": id})
            }
            (Lane::Aleph, Some((code, message, _))) => {
                json!({"code": code, "msg": message, "data": null, "taskId": id})
            }
            (_, None) => json!({"code": 200, "msg": "All generated successfully.", "data": {
                "task_id": id,
                "video_id": id,
                "video_url": url(task.path()),
                "image_url": url(task.still_path()),
            }}),
            (_, Some((code, message, _))) => json!({"code": code, "msg": message, "data": {
                "task_id": id, "video_id": "", "video_url": "", "image_url": "",
            }}),
        }
    }

    fn market_callback(&self, task: &Task) -> Value {
        let completed = task.completed();
        let mut data = json!({
            "taskId": task.id,
            "model": task.model,
            "param": task.echo,
            "resultJson": null,
            "failCode": null,
            "failMsg": null,
            "costTime": completed.map(|at| (at - task.created_ms) / 1000),
            "createTime": task.created_ms,
            "updateTime": completed,
            "completeTime": completed,
        });
        match &task.outcome {
            Outcome::Success => {
                let result = match task.media {
                    Media::Json => json!({"resultObject": {"subject_status": 1, "mask_urls": []}}),
                    _ => json!({"resultUrls": [format!("{}{}", self.options.base, task.path())]}),
                };
                data["state"] = "success".into();
                data["resultJson"] = result.to_string().into();
                data["creditsConsumed"] = task.price.to_json();
                json!({"code": 200, "msg": "Playground task completed successfully.", "data": data})
            }
            Outcome::Failure { code, message, charged } => {
                data["state"] = "fail".into();
                data["failCode"] = code.to_string().into();
                data["failMsg"] = message.as_str().into();
                let consumed = if *charged { task.price } else { Credits::default() };
                data["creditsConsumed"] = consumed.to_json();
                json!({"code": 501, "msg": "Playground task failed.", "data": data})
            }
        }
    }
}

/// HMAC-SHA256 (RFC 2104).
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; BLOCK];
    let hashed;
    let key = if key.len() > BLOCK {
        hashed = Sha256::digest(key);
        &hashed[..]
    } else {
        key
    };
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

/// Standard base64 with its padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize] as char;
            text.push(if at <= chunk.len() { letter } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_rfc() {
        let hex = |bytes: &[u8]| crate::emulator::state::hex(bytes);
        // RFC 4231, cases 2 and 6.
        assert_eq!(
            hex(&hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(&hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
        assert_eq!(
            [base64(b""), base64(b"f"), base64(b"fo"), base64(b"foo")],
            ["", "Zg==", "Zm8=", "Zm9v"]
        );
    }
}
