//! The provider's paths and what each one does.

use super::envelope::Door;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `POST /api/v1/veo/generate`
    VeoGenerate,
    /// `POST /api/v1/veo/extend`
    VeoExtend,
    /// `GET /api/v1/veo/record-info`
    VeoRead,
    /// `GET /api/v1/veo/get-1080p-video`
    Veo1080p,
    /// `POST /api/v1/veo/get-4k-video`
    Veo4k,
    /// `POST /api/v1/jobs/createTask`
    MarketCreate,
    /// `GET /api/v1/jobs/recordInfo`
    MarketRead,
    /// `POST /api/v1/runway/generate`
    RunwayGenerate,
    /// `POST /api/v1/runway/extend`
    RunwayExtend,
    /// `GET /api/v1/runway/record-detail`
    RunwayRead,
    /// `POST /api/v1/aleph/generate`
    AlephGenerate,
    /// `GET /api/v1/aleph/record-info`
    AlephRead,
    /// `GET /api/v1/chat/credit`
    Credit,
    /// `POST /api/v1/common/download-url`
    DownloadUrl,
    /// `GET /api/v1/models`
    Models,
    /// `GET /api/v1/models/{id}/schema`
    ModelSchema,
    /// `GET /api/v1/models/{id}/price`
    ModelPrice,
    /// `GET /api/v1/models/{id}/success-rate`
    ModelSuccess,
    /// `POST /api/file-base64-upload`
    UploadBase64,
    /// `POST /api/file-stream-upload`
    UploadStream,
    /// `POST /api/file-url-upload`
    UploadUrl,
    /// A result under `/files/`.
    File,
    /// A result through a fresh link, under `/links/`.
    Link,
    /// An uploaded file, under `/kieai/`.
    UploadFile,
    /// Anything at the other host that a redirect leads to, under `/elsewhere/`.
    Elsewhere,
}

/// What a method and a path lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// A known operation.
    To(Operation),
    /// The path is known, the method is not.
    WrongMethod,
    /// The path is not known.
    Unknown,
}

impl Operation {
    /// Every operation.
    pub const ALL: &'static [Self] = &[
        Self::VeoGenerate,
        Self::VeoExtend,
        Self::VeoRead,
        Self::Veo1080p,
        Self::Veo4k,
        Self::MarketCreate,
        Self::MarketRead,
        Self::RunwayGenerate,
        Self::RunwayExtend,
        Self::RunwayRead,
        Self::AlephGenerate,
        Self::AlephRead,
        Self::Credit,
        Self::DownloadUrl,
        Self::Models,
        Self::ModelSchema,
        Self::ModelPrice,
        Self::ModelSuccess,
        Self::UploadBase64,
        Self::UploadStream,
        Self::UploadUrl,
        Self::File,
        Self::Link,
        Self::UploadFile,
        Self::Elsewhere,
    ];

    /// The name used in scripts, in options and in the bill.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VeoGenerate => "veo-generate",
            Self::VeoExtend => "veo-extend",
            Self::VeoRead => "veo-read",
            Self::Veo1080p => "veo-1080p",
            Self::Veo4k => "veo-4k",
            Self::MarketCreate => "market-create",
            Self::MarketRead => "market-read",
            Self::RunwayGenerate => "runway-generate",
            Self::RunwayExtend => "runway-extend",
            Self::RunwayRead => "runway-read",
            Self::AlephGenerate => "aleph-generate",
            Self::AlephRead => "aleph-read",
            Self::Credit => "credit",
            Self::DownloadUrl => "download-url",
            Self::Models => "models",
            Self::ModelSchema => "model-schema",
            Self::ModelPrice => "model-price",
            Self::ModelSuccess => "model-success-rate",
            Self::UploadBase64 => "upload-base64",
            Self::UploadStream => "upload-stream",
            Self::UploadUrl => "upload-url",
            Self::File => "file",
            Self::Link => "link",
            Self::UploadFile => "upload-file",
            Self::Elsewhere => "elsewhere",
        }
    }

    /// The API family.
    #[must_use]
    pub const fn family(self) -> &'static str {
        match self {
            Self::VeoGenerate | Self::VeoExtend | Self::VeoRead | Self::Veo1080p | Self::Veo4k => {
                "veo"
            }
            Self::MarketCreate | Self::MarketRead => "market",
            Self::RunwayGenerate | Self::RunwayExtend | Self::RunwayRead => "runway",
            Self::AlephGenerate | Self::AlephRead => "aleph",
            Self::Credit | Self::DownloadUrl => "account",
            Self::Models | Self::ModelSchema | Self::ModelPrice | Self::ModelSuccess => "discovery",
            Self::UploadBase64 | Self::UploadStream | Self::UploadUrl => "upload",
            Self::File | Self::Link | Self::UploadFile | Self::Elsewhere => "download",
        }
    }

    /// Whether it creates a task.
    #[must_use]
    pub const fn creates(self) -> bool {
        matches!(
            self,
            Self::VeoGenerate
                | Self::VeoExtend
                | Self::MarketCreate
                | Self::RunwayGenerate
                | Self::RunwayExtend
                | Self::AlephGenerate
        )
    }

    /// Whether it reads a task's record.
    #[must_use]
    pub const fn reads(self) -> bool {
        matches!(self, Self::VeoRead | Self::MarketRead | Self::RunwayRead | Self::AlephRead)
    }

    /// Whether it needs the key. Files are plain addresses and must never see it.
    #[must_use]
    pub const fn needs_key(self) -> bool {
        !matches!(self, Self::File | Self::Link | Self::UploadFile | Self::Elsewhere)
    }
}

/// Finds the operation. `aliases` adds the paths that older notes give for 1080p, 4K and Aleph, of which no
/// official page or recording is known.
#[must_use]
pub fn find(method: &str, path: &str, door: Door, aliases: bool) -> Route {
    use Operation as To;
    let beginnings = [
        ("/files/", To::File),
        ("/links/", To::Link),
        ("/kieai/", To::UploadFile),
        ("/elsewhere/", To::Elsewhere),
    ];
    let known: &[(&str, Operation)] = match path {
        "/api/v1/veo/generate" => &[("POST", To::VeoGenerate)],
        "/api/v1/veo/extend" => &[("POST", To::VeoExtend)],
        "/api/v1/veo/record-info" => &[("GET", To::VeoRead)],
        "/api/v1/veo/get-1080p-video" => &[("GET", To::Veo1080p)],
        "/api/v1/veo/get-4k-video" => &[("POST", To::Veo4k)],
        "/api/v1/veo/1080p" if aliases => &[("POST", To::Veo1080p)],
        "/api/v1/veo/1080p-video" if aliases => &[("GET", To::Veo1080p)],
        "/api/v1/veo/4k" if aliases => &[("POST", To::Veo4k)],
        "/api/v1/jobs/createTask" => &[("POST", To::MarketCreate)],
        "/api/v1/jobs/recordInfo" => &[("GET", To::MarketRead)],
        "/api/v1/runway/generate" => &[("POST", To::RunwayGenerate)],
        "/api/v1/runway/extend" => &[("POST", To::RunwayExtend)],
        "/api/v1/runway/record-detail" => &[("GET", To::RunwayRead)],
        "/api/v1/aleph/generate" => &[("POST", To::AlephGenerate)],
        "/api/v1/runway/aleph/generate" if aliases => &[("POST", To::AlephGenerate)],
        "/api/v1/aleph/record-info" => &[("GET", To::AlephRead)],
        "/api/v1/chat/credit" => &[("GET", To::Credit)],
        "/api/v1/common/download-url" => &[("POST", To::DownloadUrl)],
        "/api/v1/models" => &[("GET", To::Models)],
        "/api/file-base64-upload" => &[("POST", To::UploadBase64)],
        "/api/file-stream-upload" => &[("POST", To::UploadStream)],
        "/api/file-url-upload" => &[("POST", To::UploadUrl)],
        _ if path.starts_with(MODELS) => match about_model(path) {
            Some((_, "schema")) => &[("GET", To::ModelSchema)],
            Some((_, "price")) => &[("GET", To::ModelPrice)],
            Some((_, "success-rate")) => &[("GET", To::ModelSuccess)],
            _ => return Route::Unknown,
        },
        _ => match beginnings.iter().find(|(beginning, _)| path.starts_with(beginning)) {
            Some((_, To::File)) => &[("GET", To::File), ("HEAD", To::File)],
            Some((_, To::Link)) => &[("GET", To::Link), ("HEAD", To::Link)],
            Some((_, To::UploadFile)) => &[("GET", To::UploadFile), ("HEAD", To::UploadFile)],
            Some((_, To::Elsewhere)) => &[
                ("GET", To::Elsewhere),
                ("HEAD", To::Elsewhere),
                ("POST", To::Elsewhere),
                ("PUT", To::Elsewhere),
            ],
            _ => return Route::Unknown,
        },
    };
    let Some((_, first)) = known.first() else {
        return Route::Unknown;
    };
    let served = match door {
        Door::Any => true,
        Door::Api => first.family() != "upload",
        Door::Upload => matches!(first.family(), "upload" | "download"),
    };
    if !served {
        return Route::Unknown;
    }
    known
        .iter()
        .find(|(verb, _)| *verb == method)
        .map_or(Route::WrongMethod, |(_, operation)| Route::To(*operation))
}

/// Where questions about one model begin.
const MODELS: &str = "/api/v1/models/";

/// The model that a path is about and what it asks for. An id has one or two segments, its slash as it is.
#[must_use]
pub fn about_model(path: &str) -> Option<(&str, &str)> {
    let (id, question) = path.strip_prefix(MODELS)?.rsplit_once('/')?;
    let segments: Vec<&str> = id.split('/').collect();
    let is_id = segments.len() <= 2 && segments.iter().all(|segment| !segment.is_empty());
    is_id.then_some((id, question))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_about_a_model_names_it_with_its_slash() {
        let to = |path| find("GET", path, Door::Any, false);
        assert_eq!(to("/api/v1/models"), Route::To(Operation::Models));
        assert_eq!(to("/api/v1/models/a/b/schema"), Route::To(Operation::ModelSchema));
        assert_eq!(about_model("/api/v1/models/a/b/schema"), Some(("a/b", "schema")));
        assert_eq!(to("/api/v1/models/veo-3-1/price"), Route::To(Operation::ModelPrice));
        for path in ["/api/v1/models/a/b/c/price", "/api/v1/models//price", "/api/v1/models/a/cost"]
        {
            assert_eq!(to(path), Route::Unknown, "{path}");
        }
        let elsewhere = find("GET", "/api/v1/models", Door::Upload, false);
        assert_eq!(elsewhere, Route::Unknown);
    }

    #[test]
    fn official_paths_are_known_and_older_ones_only_on_request() {
        let to = |method, path| find(method, path, Door::Any, false);
        assert_eq!(to("GET", "/api/v1/veo/get-1080p-video"), Route::To(Operation::Veo1080p));
        assert_eq!(to("POST", "/api/v1/veo/get-1080p-video"), Route::WrongMethod);
        for path in [
            "/api/v1/veo/1080p",
            "/api/v1/veo/4k",
            "/api/v1/runway/aleph/generate",
            "/api/v1/veo/task",
            "/api/v1/jobs/create",
        ] {
            assert_eq!(to("POST", path), Route::Unknown, "{path}");
        }
        assert_eq!(find("POST", "/api/v1/veo/4k", Door::Any, true), Route::To(Operation::Veo4k));
    }

    #[test]
    fn each_host_knows_only_its_own_paths() {
        assert_eq!(find("POST", "/api/file-stream-upload", Door::Api, false), Route::Unknown);
        assert_eq!(
            find("POST", "/api/file-stream-upload", Door::Upload, false),
            Route::To(Operation::UploadStream)
        );
        assert_eq!(find("POST", "/api/v1/veo/generate", Door::Upload, false), Route::Unknown);
        assert_eq!(
            find("GET", "/kieai/1/a.png", Door::Upload, false),
            Route::To(Operation::UploadFile)
        );
    }
}
