//! The console, built into the binary.

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::Embed;

use super::Failure;

#[derive(Embed)]
#[folder = "../../console/dist"]
struct Console;

/// The folder of the page to log in, which shares no file with the console: it is for who has no session.
const LOGIN: &str = "login/";

/// Whether a file belongs to the page to log in.
pub(crate) fn is_open(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|path| path.starts_with(LOGIN) && Console::get(path).is_some())
}

pub(crate) async fn serve(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    if path.starts_with("api/") {
        return Failure::not_found().into_response();
    }
    file(if path.is_empty() { "index.html" } else { path })
}

/// The page to log in.
pub(crate) fn login() -> Response {
    file(&format!("{LOGIN}index.html"))
}

fn file(path: &str) -> Response {
    let Some(file) = Console::get(path) else {
        return (StatusCode::NOT_FOUND, "not found\n").into_response();
    };
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    // Names of built files carry a hash of their content.
    let cache = if path.starts_with("assets/") { "private, max-age=31536000, immutable" } else { "no-store" };
    ([(header::CONTENT_TYPE, kind.as_ref()), (header::CACHE_CONTROL, cache)], file.data.into_owned())
        .into_response()
}
