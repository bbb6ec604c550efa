//! The console, built into the binary.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::Embed;

use super::Failure;

#[derive(Embed)]
#[folder = "../../console/dist"]
struct Console;

/// The page to log in.
const LOGIN: &str = "login.html";

/// The files that the page to log in names: these and no others are for who has no session.
static OPEN: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let page = Console::get(LOGIN).map(|file| file.data.into_owned()).unwrap_or_default();
    let page = String::from_utf8_lossy(&page).into_owned();
    let named = page.split('"').filter(|part| part.trim_start_matches('/').starts_with("assets/"));
    named.map(|part| format!("/{}", part.trim_start_matches('/'))).collect()
});

/// Whether a file belongs to the page to log in.
pub(crate) fn is_open(path: &str) -> bool {
    OPEN.contains(path)
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
    file(LOGIN)
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
