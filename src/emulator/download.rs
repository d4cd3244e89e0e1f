//! Files: results, uploads and fresh links to them.

use std::sync::Arc;

use serde_json::json;

use super::envelope::{Body, Delivery, FileContent};
use super::faults::WrongContent;
use super::state::{Link, Stored};
use super::tasks::{Media, Picture};
use super::{Call, ClipOrder, Emulator, Reply};

/// How long a fresh link is good.
const LINK_MS: i64 = 20 * 60 * 1000;

impl Emulator {
    /// The path of an address on one of the provider's own hosts.
    pub(super) fn own_path(&self, link: &str) -> Option<String> {
        let bases = [&self.options.base, &self.options.upload_base, &self.options.elsewhere];
        let path = bases.into_iter().find_map(|base| link.strip_prefix(base.as_str()))?;
        let path = path.split(['?', '#']).next().unwrap_or_default();
        path.starts_with('/').then(|| super::Request::new("GET", path).path)
    }

    /// Whether a file of the provider's own is there at `now`.
    pub(super) fn is_there(&self, now: i64, path: &str) -> bool {
        if self.memory.links.get(path).is_some_and(|link| now > link.until_ms) {
            return false;
        }
        let Some(path) = self.memory.resolve(path) else {
            return false;
        };
        if let Some(stored) = self.memory.files.get(path) {
            return now - stored.created_ms <= self.options.result_days * 86_400_000;
        }
        let kept_ms = self.options.upload_hours * 3_600_000;
        self.memory.uploads.get(path).is_some_and(|upload| now - upload.created_ms <= kept_ms)
    }

    /// `POST /api/v1/common/download-url`. A fresh link does not keep a file any longer.
    pub(super) fn download_url(&mut self, call: &Call<'_>) -> Reply {
        let path = call.text("url").and_then(|url| self.own_path(url));
        let known = |path: &String| {
            self.memory.files.contains_key(path) || self.memory.uploads.contains_key(path)
        };
        let Some(path) = path.filter(known) else {
            return Reply::refuse(422, "url is wrong");
        };
        let token = self.memory.next_id(self.options.seed);
        let name = path.rsplit('/').next().unwrap_or_default();
        let link = format!("/links/{token}/{name}");
        self.memory.links.insert(link.clone(), Link { path, until_ms: call.now + LINK_MS });
        Reply::success(&json!(format!("{}{link}", self.options.base)))
    }

    /// A result, by its own address or by a fresh link.
    pub(super) fn file(&self, call: &Call<'_>, about: Option<usize>) -> Reply {
        let path = &call.request.path;
        if !self.is_there(call.now, path) {
            return Reply::html(self.options.expired_status, "This file is gone");
        }
        let Some(own) = self.memory.resolve(path) else {
            return Reply::html(404, "Not found");
        };
        match (self.memory.files.get(own), about) {
            (Some(stored), Some(task)) => self.stored_file(call, own, stored, task),
            _ => self.upload_bytes(call, own),
        }
    }

    fn stored_file(&self, call: &Call<'_>, path: &str, stored: &Stored, task: usize) -> Reply {
        let Some(task) = self.memory.tasks.get(task) else {
            return Reply::html(404, "Not found");
        };
        if stored.still {
            let bytes = Arc::new(super::still::png(&task.id));
            return file_reply("image/png", FileContent::Uploaded(bytes), call);
        }
        match task.media {
            Media::Image => {
                let bytes = Arc::new(super::still::png(&task.id));
                return file_reply("image/png", FileContent::Uploaded(bytes), call);
            }
            Media::Audio => {
                let bytes = Arc::new(super::still::wave(&task.id, &task.prompt));
                return file_reply("audio/wav", FileContent::Uploaded(bytes), call);
            }
            Media::Video | Media::Json => {}
        }
        let Picture { width, height, seconds } = stored.picture;
        let order = ClipOrder {
            task_id: task.id.clone(),
            name: path.rsplit('/').next().unwrap_or_default().to_owned(),
            prompt: task.prompt.clone(),
            model: task.model.clone(),
            width,
            height,
            seconds,
        };
        file_reply("video/mp4", FileContent::Clip(order), call)
    }

    /// An upload, by its own address.
    pub(super) fn uploaded_file(&self, call: &Call<'_>) -> Reply {
        if !self.is_there(call.now, &call.request.path) {
            return Reply::html(self.options.expired_status, "This file is gone");
        }
        self.upload_bytes(call, &call.request.path)
    }

    fn upload_bytes(&self, call: &Call<'_>, path: &str) -> Reply {
        match self.memory.uploads.get(path) {
            Some(upload) => {
                file_reply(&upload.mime, FileContent::Uploaded(Arc::clone(&upload.bytes)), call)
            }
            None => Reply::html(404, "Not found"),
        }
    }

    /// The host that scripted redirects lead to: files are there, anything else is a page.
    pub(super) fn elsewhere(&self, call: &Call<'_>) -> Reply {
        let path = call.request.path.strip_prefix("/elsewhere").unwrap_or_default();
        let Some(own) = self.memory.resolve(path).filter(|_| self.is_there(call.now, path)) else {
            return Reply::html(200, "Sign in");
        };
        match self.memory.files.get(own) {
            Some(stored) => self.stored_file(call, own, stored, stored.task),
            None => self.upload_bytes(call, own),
        }
    }

    /// What a file holds in place of its clip.
    pub(super) fn wrong_content(&self, content: WrongContent, about: Option<usize>) -> Reply {
        let mut empty = Reply::json(200, &serde_json::Value::Null);
        empty.headers = vec![("content-type".into(), "video/mp4".into())];
        empty.body = Body::Bytes(Vec::new());
        match content {
            WrongContent::Html => Reply::html(200, "One moment please"),
            WrongContent::Empty => empty,
            WrongContent::OtherClip => {
                let clip = about
                    .and_then(|index| self.memory.tasks.get(index))
                    .map(|task| task.clip.clone());
                let Picture { width, height, seconds } =
                    clip.unwrap_or(Picture { width: 1280, height: 720, seconds: 8.0 });
                let order = ClipOrder {
                    task_id: "somebody else's".into(),
                    name: "other.mp4".into(),
                    prompt: "somebody else's clip".into(),
                    model: String::new(),
                    width,
                    height,
                    seconds: seconds / 2.0,
                };
                match self.options.clips.make(&order) {
                    Ok(bytes) => Reply { body: Body::Bytes(bytes), ..empty },
                    Err(_) => empty,
                }
            }
        }
    }

    /// Books a part of a file; once the parts cover it, the clip counts as downloaded.
    pub(super) fn book_delivery(&mut self, delivery: &Delivery) {
        let path = delivery.path.strip_prefix("/elsewhere").unwrap_or(&delivery.path);
        let Some(own) = self.memory.resolve(path).map(str::to_owned) else {
            return;
        };
        let Some(stored) = self.memory.files.get_mut(&own) else {
            return;
        };
        stored.taken.push((delivery.start, delivery.end));
        stored.taken.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::new();
        for &(start, end) in &stored.taken {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        stored.taken = merged;
        if stored.still || stored.taken != [(0, delivery.total)] {
            return;
        }
        match stored.upgrade {
            Some(upgrade) => {
                if let Some(entry) = self.memory.bill.upgrades.get_mut(upgrade) {
                    entry.downloaded = true;
                }
            }
            None => {
                let billed = self.memory.tasks.get(stored.task).map(|task| task.billed);
                if let Some(create) =
                    billed.and_then(|billed| self.memory.bill.creates.get_mut(billed))
                {
                    create.downloaded = true;
                }
            }
        }
    }
}

fn file_reply(mime: &str, content: FileContent, call: &Call<'_>) -> Reply {
    Reply {
        status: 200,
        headers: vec![("content-type".into(), mime.to_owned())],
        body: Body::File {
            content,
            path: call.request.path.clone(),
            range: call.request.header("range").map(str::to_owned),
        },
        delay_ms: 0,
        fault: None,
    }
}
