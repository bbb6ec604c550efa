//! Requests to the server: who calls, which resource is meant, what may be done with it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use base::KeyFingerprint;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use threat::taxii::{ApiRoot, Collection, Endpoint, MEDIA_TYPE, Query, accepts, is_taxii};

use super::answer::{Refused, document, page, raw};
use super::classes::{Eyes, may_have};
use super::clients::Client;
use super::intake::NotTaken;
use super::pages::Asked;
use super::settings::{EVERYBODY, OWN};
use super::store::Reader;
use super::{Taxii, TaxiiCollection, TaxiiRoot};
use crate::NodeError;
use crate::serve::ConsoleCertificate;

/// How long a body may take.
const BODY_WITHIN: std::time::Duration = std::time::Duration::from_secs(60);
/// Media types of what collections hold.
const STIX: [&str; 2] = ["application/stix+json;version=2.1", "application/stix+json;version=2.0"];

/// Puts the server before another: what is TAXII's goes here, all else there.
pub(crate) fn mount(router: Router, taxii: Option<Arc<Taxii>>) -> Router {
    let Some(taxii) = taxii else { return router };
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let taxii = Arc::clone(&taxii);
        async move {
            if taxii.is_meant(&request) {
                return taxii.answer(request).await.unwrap_or_else(Refused::into_response);
            }
            next.run(request).await
        }
    }))
}

/// What a route gives or does.
#[derive(Debug, Clone, Copy)]
enum Resource {
    Discovery,
    Root,
    Status,
    Collections,
    Collection,
    Read(Endpoint),
    Add,
    Delete,
    Stream,
}

/// A method at a path; HEAD is GET without the body.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// With `{root}` for the path of an API root and names in braces for one part each.
    pub(crate) path: &'static str,
    resource: Resource,
}

/// Every route of the server: what is not here is not answered. The pairs of [`crate::pairs`] drive each of them.
pub(crate) const ROUTES: &[Route] = &[
    get("taxii2/", Resource::Discovery),
    get("{root}/", Resource::Root),
    get("{root}/status/{id}/", Resource::Status),
    get("{root}/collections/", Resource::Collections),
    get("{root}/collections/{id}/", Resource::Collection),
    get("{root}/collections/{id}/manifest/", Resource::Read(Endpoint::Manifest)),
    get("{root}/collections/{id}/objects/", Resource::Read(Endpoint::Objects)),
    Route { method: Method::POST, path: "{root}/collections/{id}/objects/", resource: Resource::Add },
    get("{root}/collections/{id}/objects/{object}/", Resource::Read(Endpoint::Object)),
    Route {
        method: Method::DELETE,
        path: "{root}/collections/{id}/objects/{object}/",
        resource: Resource::Delete,
    },
    get("{root}/collections/{id}/objects/{object}/versions/", Resource::Read(Endpoint::Versions)),
    get("{root}/collections/{id}/stream/", Resource::Stream),
];

const fn get(path: &'static str, resource: Resource) -> Route {
    Route { method: Method::GET, path, resource }
}

/// The parts of `path` that a template has names for; `None` when the path is not of its form.
fn captured<'p>(template: &str, path: &'p str) -> Option<Vec<&'p str>> {
    let parts = |text: &'p str| text.split('/').filter(|part| !part.is_empty());
    let mut names = template.split('/').filter(|part| !part.is_empty());
    let mut found = Vec::new();
    for part in parts(path) {
        match names.next()? {
            name if name.starts_with('{') => found.push(part),
            word if word == part => {}
            _ => return None,
        }
    }
    names.next().is_none().then_some(found)
}

/// What a request names.
struct Named<'t, 'p> {
    /// None for what belongs to the server as a whole.
    root: Option<&'t TaxiiRoot>,
    resource: Resource,
    /// The id that stands first in the path; empty where the route has none.
    id: &'p str,
    /// The id of the object.
    object: Option<&'p str>,
}

impl Taxii {
    /// Whether a request is for this server: by its path, or by its media type, which nothing else speaks. So a client
    /// that asks for a root that is not there gets an error of TAXII's.
    fn is_meant(&self, request: &Request) -> bool {
        let path = request.uri().path().trim_matches('/');
        let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
        path == "taxii2"
            || path.starts_with("taxii2/")
            || self.split(path).is_some()
            || accept.is_some_and(|accept| accept.contains("application/taxii+json"))
    }

    /// The root that a path lies below, and the rest.
    fn split<'p>(&self, path: &'p str) -> Option<(&TaxiiRoot, &'p str)> {
        self.settings.roots.iter().find_map(|root| {
            let rest = path.strip_prefix(root.path.trim_matches('/'))?;
            (rest.is_empty() || rest.starts_with('/')).then(|| (root, rest.trim_start_matches('/')))
        })
    }

    async fn answer(self: &Arc<Self>, request: Request) -> Result<Response, Refused> {
        self.core.metrics.requests.inc();
        let authorization = request.headers().get(header::AUTHORIZATION).cloned();
        let shown = request.extensions().get::<ConsoleCertificate>().map(|shown| shown.0);
        let client = self.client(authorization, shown).await?;
        let path = request.uri().path().trim_matches('/').to_owned();
        let Named { root, resource, id, object } = self.named(&path, request.method())?;
        let accept = request.headers().get(header::ACCEPT).map(|value| value.to_str().unwrap_or("?"));
        if !matches!(resource, Resource::Stream) && !accepts(accept) {
            let what = format!("answers are {MEDIA_TYPE}; say so in `Accept`");
            return Err(Refused::new(StatusCode::NOT_ACCEPTABLE, "taxii::not_acceptable", what));
        }
        let Some(root) = root else { return Ok(document(StatusCode::OK, &self.discovery)) };
        let may = |right| self.allowed(root, id, &client, right).cloned();
        let query = request.uri().query().unwrap_or_default();
        match resource {
            Resource::Discovery => Err(Refused::not_found()),
            Resource::Root => Ok(document(StatusCode::OK, &self.api_root(root))),
            Resource::Status => self.status(root, id, &client).await,
            Resource::Collections => {
                let all = root.collections.iter().filter_map(|c| self.shown(c, &client));
                let listed = serde_json::json!({ "collections": all.collect::<Vec<_>>() });
                // A list without members is left out (section 5.1.1).
                let none = listed["collections"].as_array().is_none_or(Vec::is_empty);
                Ok(document(StatusCode::OK, &if none { serde_json::json!({}) } else { listed }))
            }
            Resource::Collection => {
                let shown = collection(root, id).and_then(|c| self.shown(c, &client));
                Ok(document(StatusCode::OK, &shown.ok_or_else(Refused::not_found)?))
            }
            Resource::Stream => self.stream(client.clone(), &may(Right::Read)?, &request),
            Resource::Read(endpoint) => {
                let collection = may(Right::Read)?;
                self.read(&client, &collection, query, endpoint, object).await
            }
            Resource::Add => {
                let collection = may(Right::Add)?;
                self.post(&client, root.clone(), collection, request).await
            }
            Resource::Delete => {
                let collection = may(Right::Delete)?;
                self.delete(&client, collection, query, object.unwrap_or_default()).await
            }
        }
    }

    /// Who calls. Who is not known learns nothing else.
    async fn client(
        self: &Arc<Self>,
        authorization: Option<HeaderValue>,
        shown: Option<KeyFingerprint>,
    ) -> Result<Client, Refused> {
        let unknown = |why: &str| Refused::new(StatusCode::UNAUTHORIZED, "taxii::unauthorized", why);
        if authorization.is_none()
            && let Some(client) = shown.and_then(|shown| self.clients.of_certificate(&shown))
        {
            return Ok(client);
        }
        let Some(authorization) = authorization.as_ref().and_then(|value| value.to_str().ok()) else {
            return Err(unknown("say who you are: Basic, Bearer, or a certificate that is known here"));
        };
        if let Some(client) = self.clients.remembered(authorization) {
            return Ok(client);
        }
        // Each try costs memory and time, also a wrong one.
        let _slot = self.clients.tries.acquire().await.map_err(|_| unknown("the node is stopping"))?;
        let (taxii, text) = (Arc::clone(self), authorization.to_owned());
        let checked = tokio::task::spawn_blocking(move || taxii.clients.check(&text)).await;
        checked.ok().flatten().ok_or_else(|| unknown("name or password is wrong"))
    }

    /// What a path and a method name.
    fn named<'t, 'p>(&'t self, path: &'p str, method: &Method) -> Result<Named<'t, 'p>, Refused> {
        let (root, rest) = match path {
            "taxii2" => (None, path),
            _ => self.split(path).map(|(root, rest)| (Some(root), rest)).ok_or_else(Refused::not_found)?,
        };
        let mut there = ROUTES
            .iter()
            .filter(|route| route.path.starts_with("{root}") == root.is_some())
            .filter_map(|route| Some((route, captured(route.path.trim_start_matches("{root}"), rest)?)))
            .peekable();
        if there.peek().is_none() {
            return Err(Refused::not_found());
        }
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let (route, ids) = there.find(|(route, _)| route.method == method).ok_or_else(no_method)?;
        let mut ids = ids.into_iter();
        let id = ids.next().unwrap_or_default();
        Ok(Named { root, resource: route.resource, id, object: ids.next() })
    }

    fn api_root(&self, root: &TaxiiRoot) -> ApiRoot {
        ApiRoot {
            title: root.title.clone(),
            description: root.description.clone(),
            versions: vec![MEDIA_TYPE.to_owned()],
            max_content_length: self.settings.most(root) as u64,
        }
    }

    /// A collection as a client may know it.
    fn shown(&self, collection: &TaxiiCollection, client: &Client) -> Option<Collection> {
        let (can_read, can_write) = rights(collection, client);
        (can_read || can_write || collection.listed).then(|| Collection {
            id: collection.id.clone(),
            title: collection.title.clone(),
            description: collection.description.clone(),
            alias: collection.alias.clone(),
            can_read,
            can_write,
            media_types: if collection.media_types.is_empty() {
                STIX.map(str::to_owned).into()
            } else {
                collection.media_types.clone()
            },
        })
    }

    /// The collection, when the client may do that with it. One that it may not know of is not there.
    fn allowed<'r>(
        &self,
        root: &'r TaxiiRoot,
        id: &str,
        client: &Client,
        right: Right,
    ) -> Result<&'r TaxiiCollection, Refused> {
        let collection = collection(root, id).ok_or_else(Refused::not_found)?;
        let (can_read, can_write) = rights(collection, client);
        let may = match right {
            Right::Read => can_read,
            Right::Add => can_write,
            Right::Delete => can_read && can_write,
        };
        if may {
            return Ok(collection);
        }
        if can_read || can_write || (collection.listed && right != Right::Delete) {
            let what = "this client may not do that with the collection";
            return Err(Refused::new(StatusCode::FORBIDDEN, "taxii::forbidden", what));
        }
        Err(Refused::not_found())
    }

    async fn status(
        self: &Arc<Self>,
        root: &TaxiiRoot,
        id: &str,
        client: &Client,
    ) -> Result<Response, Refused> {
        let (path, id, client) = (root.path.trim_matches('/').to_owned(), id.to_owned(), client.name.clone());
        let body = self.off(move |taxii| taxii.store.reader()?.status(&id, client.as_str(), &path)).await?;
        Ok(raw(StatusCode::OK, body.ok_or_else(Refused::not_found)?))
    }

    async fn read(
        self: &Arc<Self>,
        client: &Client,
        collection: &TaxiiCollection,
        query: &str,
        endpoint: Endpoint,
        object: Option<&str>,
    ) -> Result<Response, Refused> {
        let query = Query::parse(query, endpoint)
            .map_err(|e| Refused::new(StatusCode::BAD_REQUEST, "taxii::bad_query", e.to_string()))?;
        let (client, id, object) = (client.clone(), collection.id.clone(), object.map(str::to_owned));
        let found = self
            .off(move |taxii| {
                let reader = taxii.store.reader()?;
                let Some(number) = reader.collection(&id)? else {
                    return Ok(object.is_none().then(|| raw(StatusCode::OK, "{}")));
                };
                let seen = taxii.seen(&reader, &client)?;
                let asked = Asked {
                    reader: &reader,
                    collection: number,
                    seen: &seen,
                    query: &query,
                    endpoint,
                    object: object.as_deref(),
                    limit: query
                        .limit
                        .map_or(taxii.settings.page_objects, |n| n.min(taxii.settings.page_objects)),
                    who: client.name.as_str(),
                    marks: &taxii.marks,
                };
                asked.page()?.map(|found| page(&reader, &found, endpoint)).transpose()
            })
            .await?;
        found.ok_or_else(Refused::not_found)
    }

    /// Which markings a client may see, with the kinds of objects that carry them.
    pub(super) fn seen(
        &self,
        reader: &Reader<'_>,
        client: &Client,
    ) -> Result<HashMap<i64, String>, NodeError> {
        let now = self.core.surroundings.now();
        let rules = self.core.rules(now);
        let classes = reader.classes()?.into_iter();
        Ok(classes
            .filter(|(_, (kind, marking))| may_have(&client.eyes, marking, kind, &rules, now))
            .map(|(number, (kind, _))| (number, kind))
            .collect())
    }

    async fn post(
        self: &Arc<Self>,
        client: &Client,
        root: TaxiiRoot,
        collection: TaxiiCollection,
        request: Request,
    ) -> Result<Response, Refused> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !is_taxii(kind) || request.headers().contains_key(header::CONTENT_ENCODING) {
            let what = format!("a body is {MEDIA_TYPE}, not packed; say so in `Content-Type`");
            return Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "taxii::media_type", what));
        }
        let body = self.body(request, self.settings.most(&root)).await?;
        let name = client.name.to_string();
        let work = move |taxii: &Self| Ok(taxii.add(&root, &collection, &name, body, Vec::new()));
        match self.off(work).await? {
            Ok(status) => Ok(document(StatusCode::ACCEPTED, &status)),
            Err(NotTaken::Malformed(fault)) => {
                let what = format!("While processing supplied content, an error occurred: {fault}");
                Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, "taxii::malformed", what))
            }
            Err(NotTaken::Failed(error)) => Err(error.into()),
        }
    }

    /// The body, of at most the size that is advertised.
    async fn body(&self, request: Request, most: usize) -> Result<Vec<u8>, Refused> {
        let too_large = || {
            let what = format!("a body has at most {most} bytes; send the objects in several");
            Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "taxii::too_large", what)
        };
        let length =
            request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > most as u64) {
            return Err(too_large());
        }
        let late =
            || Refused::new(StatusCode::REQUEST_TIMEOUT, "taxii::late", "the body did not come in time");
        let _slot = self.bodies.acquire().await.map_err(|_| late())?;
        let body = Limited::new(request.into_body(), most).collect();
        match tokio::time::timeout(BODY_WITHIN, body).await {
            Ok(Ok(body)) => Ok(body.to_bytes().into()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => {
                Err(Refused::new(StatusCode::BAD_REQUEST, "taxii::broken_off", "the body broke off"))
            }
            Err(_) => Err(late()),
        }
    }

    async fn delete(
        self: &Arc<Self>,
        client: &Client,
        collection: TaxiiCollection,
        query: &str,
        object: &str,
    ) -> Result<Response, Refused> {
        let query = Query::parse(query, Endpoint::Delete)
            .map_err(|e| Refused::new(StatusCode::BAD_REQUEST, "taxii::bad_query", e.to_string()))?;
        let (client, object) = (client.clone(), object.to_owned());
        let removed = self
            .off(move |taxii| {
                let held = {
                    let reader = taxii.store.reader()?;
                    let Some(number) = reader.collection(&collection.id)? else { return Ok(false) };
                    let seen = taxii.seen(&reader, &client)?;
                    let asked = Asked {
                        reader: &reader,
                        collection: number,
                        seen: &seen,
                        query: &query,
                        endpoint: Endpoint::Delete,
                        object: Some(&object),
                        limit: usize::MAX,
                        who: client.name.as_str(),
                        marks: &taxii.marks,
                    };
                    match asked.page()? {
                        Some(page) => page.held,
                        None => return Ok(false),
                    }
                };
                if !held.is_empty() {
                    taxii.remove(&collection, client.name.as_str(), &object, &held)?;
                }
                Ok(true)
            })
            .await?;
        if removed { Ok(raw(StatusCode::OK, "{}")) } else { Err(Refused::not_found()) }
    }

    /// Does what blocks off the async part.
    pub(super) async fn off<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<R, NodeError> + Send + 'static,
    ) -> Result<R, Refused> {
        let taxii = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&taxii)).await;
        done.map_err(|_| Refused::from(NodeError::Stopping))?.map_err(Refused::from)
    }
}

/// What a client wants to do with a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Read,
    Add,
    Delete,
}

fn no_method() -> Refused {
    let what = "there is nothing here by that method";
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, "taxii::no_method", what)
}

fn collection<'r>(root: &'r TaxiiRoot, id: &str) -> Option<&'r TaxiiCollection> {
    root.collections.iter().find(|c| c.id == id || c.alias.as_deref() == Some(id))
}

/// Whether a client may read and write.
fn rights(collection: &TaxiiCollection, client: &Client) -> (bool, bool) {
    let own = matches!(client.eyes, Eyes::Own);
    let is_meant = |name: &String| name == EVERYBODY || (own && name == OWN) || name == client.name.as_str();
    let may = |list: &[String]| list.iter().any(is_meant);
    (may(&collection.read), may(&collection.write))
}
