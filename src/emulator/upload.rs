//! Uploads, which live on a host of their own and are free.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::bill::Upload;
use super::envelope::{Body, FileContent};
use super::state::{Uploaded, hex};
use super::{Call, Emulator, Operation, Reply, multipart};

/// The account's number in file paths.
const ACCOUNT: &str = "100001";

/// A file on its way in.
struct Incoming {
    bytes: Vec<u8>,
    mime: Option<String>,
    file_name: Option<String>,
    folder: Option<String>,
}

impl Emulator {
    pub(super) fn upload(&mut self, call: &Call<'_>) -> Reply {
        let incoming = match call.operation {
            Operation::UploadStream => from_form(call),
            Operation::UploadUrl => self.file_at_url(call),
            _ => from_base64(call),
        };
        match incoming {
            Ok(incoming) => self.store(call, incoming),
            Err(text) => refuse(&text),
        }
    }

    fn store(&mut self, call: &Call<'_>, incoming: Incoming) -> Reply {
        let Some(folder) = incoming.folder.filter(|folder| !folder.is_empty()) else {
            return refuse("Missing required parameter: uploadPath");
        };
        let safe = |path: &str| path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !safe(&folder) {
            return refuse("Invalid parameter: uploadPath");
        }
        let given = incoming.file_name.filter(|name| !name.is_empty());
        if given.as_deref().is_some_and(|name| !safe(name)) {
            return refuse("Invalid parameter: fileName");
        }
        let mime = incoming.mime.unwrap_or_else(|| {
            mime_of(given.as_deref().unwrap_or_default(), &incoming.bytes).to_owned()
        });
        let name = given.unwrap_or_else(|| {
            let random = self.memory.next_id(self.options.seed);
            let random = random.get(..8).unwrap_or_default();
            format!("{}-{random}.{}", call.now, extension_of(&mime))
        });
        let file_path = format!("kieai/{ACCOUNT}/{folder}/{name}");
        let length = incoming.bytes.len() as u64;
        let sha256 = hex(&Sha256::digest(&incoming.bytes));
        let stored = Uploaded {
            mime: mime.clone(),
            sha256: sha256.clone(),
            created_ms: call.now,
            bytes: Arc::new(incoming.bytes),
        };
        let overwrote = self.memory.uploads.insert(format!("/{file_path}"), stored).is_some();
        self.memory.bill.uploads.push(Upload {
            time_ms: call.now,
            operation: call.operation.name().to_owned(),
            file_path: file_path.clone(),
            bytes: length,
            sha256,
            overwrote,
        });
        let uploaded = jiff::Timestamp::from_millisecond(call.now).unwrap_or_default();
        let data = json!({
            "success": true,
            "fileName": name,
            "filePath": file_path,
            "downloadUrl": format!("{}/{}", self.options.upload_base, escape(&file_path)),
            "fileSize": length,
            "mimeType": mime,
            "uploadedAt": uploaded.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        });
        answer(
            200,
            &json!({"success": true, "code": 200, "msg": "File uploaded successfully", "data": data}),
        )
    }

    /// The emulator goes nowhere: it takes files of its own, and says so of others.
    fn file_at_url(&self, call: &Call<'_>) -> Result<Incoming, String> {
        let url = call.text("fileUrl").ok_or("Missing required parameter: fileUrl")?;
        let path = self.own_path(url).filter(|path| self.is_there(call.now, path));
        let path = path.as_deref().and_then(|path| self.memory.resolve(path));
        let path =
            path.ok_or("Failed to download the file: the emulator fetches only its own addresses")?;
        let (bytes, mime) = match self.memory.uploads.get(path) {
            Some(upload) => (upload.bytes.as_ref().clone(), upload.mime.clone()),
            None => {
                let request = super::Request::new("GET", path);
                let file = Call {
                    now: call.now,
                    operation: Operation::File,
                    request: &request,
                    body: None,
                    task_faults: Vec::new(),
                };
                let task = self.memory.files.get(path).map(|stored| stored.task);
                match self.file(&file, task).body {
                    Body::File { content: FileContent::Clip(order), .. } => {
                        (self.options.clips.make(&order)?, "video/mp4".to_owned())
                    }
                    Body::File { content: FileContent::Uploaded(bytes), .. } => {
                        (Arc::unwrap_or_clone(bytes), "image/png".to_owned())
                    }
                    Body::Bytes(_) => return Err("Failed to download the file".into()),
                }
            }
        };
        let folder = call.text("uploadPath").map(str::to_owned);
        Ok(Incoming {
            bytes,
            mime: Some(mime),
            file_name: call.text("fileName").map(str::to_owned),
            folder,
        })
    }
}

fn from_base64(call: &Call<'_>) -> Result<Incoming, String> {
    let text = call.text("base64Data").ok_or("Missing required parameter: base64Data")?;
    let (mime, text) = match text.strip_prefix("data:").and_then(|rest| rest.split_once(',')) {
        Some((kind, data)) => {
            (kind.split(';').next().filter(|kind| !kind.is_empty()).map(str::to_owned), data)
        }
        None => (None, text),
    };
    let bytes = decode_base64(text).ok_or("Base64 decoding failed")?;
    let file_name = call.text("fileName").map(str::to_owned);
    Ok(Incoming { bytes, mime, file_name, folder: call.text("uploadPath").map(str::to_owned) })
}

fn from_form(call: &Call<'_>) -> Result<Incoming, String> {
    let kind = call.request.header("content-type").unwrap_or_default();
    let parts =
        multipart::parts(kind, &call.request.body).ok_or("The body is not multipart/form-data")?;
    let mut fields = HashMap::new();
    let mut file = None;
    for part in parts {
        if part.name == "file" {
            file = Some(part);
        } else {
            fields.insert(part.name, String::from_utf8_lossy(part.content).into_owned());
        }
    }
    let file = file.ok_or("Missing required parameter: file")?;
    let generic = |mime: &String| mime != "application/octet-stream";
    Ok(Incoming {
        bytes: file.content.to_vec(),
        mime: file.content_type.filter(generic),
        file_name: fields.remove("fileName"),
        folder: fields.remove("uploadPath"),
    })
}

/// An answer of the upload host; its errors are documented with a real status.
fn answer(status: u16, value: &Value) -> Reply {
    let mut reply = Reply::json(status, value);
    reply.headers = vec![
        ("content-type".into(), "application/json".into()),
        ("access-control-allow-origin".into(), "*".into()),
    ];
    reply
}

fn refuse(text: &str) -> Reply {
    answer(400, &json!({"success": false, "code": 400, "msg": text, "data": null}))
}

/// Escapes a path for an address: everything but unreserved letters and slashes.
fn escape(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            escaped.push(byte as char);
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

fn mime_of(name: &str, bytes: &[u8]) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        _ => match bytes {
            [0x89, b'P', b'N', b'G', ..] => "image/png",
            [0xFF, 0xD8, ..] => "image/jpeg",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => "video/mp4",
            _ => "application/octet-stream",
        },
    }
}

fn extension_of(mime: &str) -> &'static str {
    match mime {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/webp" => "webp",
        "video/mp4" => "mp4",
        "video/quicktime" => "mov",
        "audio/mpeg" => "mp3",
        "audio/wav" => "wav",
        _ => "bin",
    }
}

/// Reads standard base64, with or without its padding and with line breaks.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut pending, mut count) = (0u32, 0u32);
    let text = text.trim_end().trim_end_matches('=');
    for letter in text.bytes().filter(|letter| !letter.is_ascii_whitespace()) {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        pending = (pending << 6 | u32::from(value)) & 0xFF_FFFF;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((pending >> count) as u8);
        }
    }
    // One letter alone is six bits, which is no byte.
    (count < 6).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_the_rfc_has_it() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg", "foob"),
            ("Zm9v\r\nYmFy", "foobar"),
        ] {
            assert_eq!(decode_base64(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(decode_base64("Zm9v!"), None);
        assert_eq!(decode_base64("Z"), None);
    }
}
