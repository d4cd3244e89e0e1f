//! An S3 server for tests: the one of the crate `s3s-fs` over a temporary folder, behind a door that lets one request in at
//! a time, because that server looks whether an object is there and creates it in two steps.

use crate::support::{Served, serve};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::Mutex;

const NAME: &str = "AKIATESTS";
const SECRET: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYTESTS";
const BUCKET: &str = "films";

/// A server that ends with this value.
pub struct S3 {
    folder: TempDir,
    served: Served,
}

struct Door {
    service: S3Service,
    one_at_a_time: Mutex<()>,
}

impl S3 {
    /// Starts one with an empty bucket.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
        let files = s3s_fs::FileSystem::new(folder.path()).expect("a server");
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(NAME, SECRET));
        let door = Arc::new(Door { service: builder.build(), one_at_a_time: Mutex::new(()) });
        Self { folder, served: serve(Router::new().fallback(enter).with_state(door)) }
    }

    /// What a process must know to use it.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("STORYREEL_CACHE", format!("s3://{BUCKET}/skerry light")),
            ("AWS_ENDPOINT_URL", self.served.base.clone()),
            ("AWS_REGION", "eu-north-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", NAME.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
        ]
    }

    /// Where its objects lie.
    pub fn folder(&self) -> std::path::PathBuf {
        self.folder.path().join(BUCKET)
    }
}

async fn enter(State(door): State<Arc<Door>>, request: Request) -> Response {
    let _alone = door.one_at_a_time.lock().await;
    match door.service.call(request.map(s3s::Body::http_body_unsync)).await {
        Ok(response) => response.into_response(),
        Err(error) => (axum::http::StatusCode::BAD_GATEWAY, format!("{error:?}")).into_response(),
    }
}
