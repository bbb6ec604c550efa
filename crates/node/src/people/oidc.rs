//! Log-in by the organisation's identity provider: OpenID Connect Core 1.0, authorization code with PKCE (RFC 7636).
//!
//! The library checks issuer, audience, signature, times, nonce and the access token's hash. Sessions stand as long as
//! the provider says so: each is asked for again every [`ASK_EVERY`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreTokenResponse,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RefreshToken, RequestTokenError, Scope, TokenResponse,
};

use super::pending::Pending;
use super::session::token;
use crate::config::OidcSettings;
use crate::core::lock;
use crate::{Config, NodeError};

/// How often the provider is asked whether each session's person is still there.
pub(crate) const ASK_EVERY: Duration = Duration::from_secs(20);
/// How long a session stands while the provider cannot be reached: an outage must not close a watch floor at once.
const UNREACHABLE_FOR: Duration = Duration::from_secs(600);
/// How long one request to the provider may take.
const REQUEST: Duration = Duration::from_secs(10);
/// The largest answer of the provider.
const MOST_BYTES: u64 = 1 << 20;
/// Signatures that are taken: all asymmetric. With a shared secret whoever knows it could write tokens.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 10] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EcdsaP521Sha512,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Why somebody did not come in by the provider.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct OidcError(String);

fn error(e: &dyn std::fmt::Display) -> OidcError {
    OidcError(e.to_string())
}

/// What the browser went away with.
struct Away {
    provider: CoreProviderMetadata,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    /// What only the browser that began has in its cookie.
    browser: String,
}

/// A session that the provider vouches for.
#[derive(Clone)]
pub(crate) struct Vouched {
    provider: CoreProviderMetadata,
    access: AccessToken,
    refresh: Option<RefreshToken>,
    subject: String,
    confirmed: Instant,
}

/// The organisation's provider as this node knows it.
pub(crate) struct Oidc {
    pub(crate) title: String,
    issuer: IssuerUrl,
    client: ClientId,
    secret: ClientSecret,
    redirect: RedirectUrl,
    agent: ureq::Agent,
    away: Pending<Away>,
    /// By the session's token. In memory only: after a restart people come in anew.
    vouched: Mutex<BTreeMap<String, Vouched>>,
}

/// Reads a secret that nobody but its owner may read.
pub(crate) fn secret_file(path: &Path) -> Result<String, NodeError> {
    use std::os::unix::fs::PermissionsExt;
    let io = |source| NodeError::Io { path: path.to_owned(), source };
    let mode = std::fs::metadata(path).map_err(io)?.permissions().mode();
    if mode & 0o077 != 0 {
        let message = format!("`{}` may be read by others; run chmod 600 on it", path.display());
        return Err(NodeError::BadRequest { message });
    }
    Ok(std::fs::read_to_string(path).map_err(io)?.trim().to_owned())
}

impl Oidc {
    pub(crate) fn new(settings: &OidcSettings, config: &Config, origin: &str) -> Result<Self, NodeError> {
        let bad = |message: String| NodeError::BadRequest { message: format!("oidc: {message}") };
        let mut tls = ureq::tls::TlsConfig::builder();
        if let Some(file) = &settings.ca_file {
            let path = config.data.join(file);
            let pem = std::fs::read(&path).map_err(|source| NodeError::Io { path, source })?;
            let certificate = ureq::tls::Certificate::from_pem(&pem).map_err(|e| bad(e.to_string()))?;
            tls = tls.root_certs(ureq::tls::RootCerts::new_with_certs(&[certificate]));
        }
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(REQUEST))
            // A provider that sends us elsewhere could send us anywhere.
            .max_redirects(0)
            .http_status_as_error(false)
            .tls_config(tls.build())
            .build()
            .into();
        Ok(Self {
            title: settings.title.clone(),
            issuer: IssuerUrl::new(settings.issuer.clone()).map_err(|e| bad(e.to_string()))?,
            client: ClientId::new(settings.client_id.clone()),
            secret: ClientSecret::new(secret_file(&config.data.join(&settings.client_secret_file))?),
            redirect: RedirectUrl::new(format!("{origin}/login/oidc/callback"))
                .map_err(|e| bad(e.to_string()))?,
            agent,
            away: Pending::default(),
            vouched: Mutex::new(BTreeMap::new()),
        })
    }

    fn http(&self) -> impl Fn(HttpRequest) -> Result<HttpResponse, OidcError> + '_ {
        |request| {
            let response = self.agent.run(request).map_err(|e| error(&e))?;
            let (head, mut body) = response.into_parts();
            let bytes = body.with_config().limit(MOST_BYTES).read_to_vec().map_err(|e| error(&e))?;
            Ok(HttpResponse::from_parts(head, bytes))
        }
    }

    /// Where the browser is sent, and what goes into its cookie. Asks the provider: call it where it may block.
    pub(crate) fn begin(&self) -> Result<(String, String), OidcError> {
        let provider = CoreProviderMetadata::discover(&self.issuer, &self.http()).map_err(|e| error(&e))?;
        let client = CoreClient::from_provider_metadata(
            provider.clone(),
            self.client.clone(),
            Some(self.secret.clone()),
        )
        .set_redirect_uri(self.redirect.clone());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("openid".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let browser = token();
        self.away.put_as(state.secret(), Away { provider, nonce, verifier, browser: browser.clone() });
        Ok((url.to_string(), browser))
    }

    /// Who came back, with what the provider vouches by. Asks the provider: call it where it may block.
    pub(crate) fn finish(
        &self,
        state: &str,
        code: String,
        browser: &str,
    ) -> Result<(String, Vouched), OidcError> {
        let away = self.away.take(state).ok_or_else(|| error(&"not begun here, or too long ago"))?;
        if super::session::hash(browser) != super::session::hash(&away.browser) {
            return Err(error(&"begun in another browser"));
        }
        if away.provider.userinfo_endpoint().is_none() {
            return Err(error(&"the provider has no userinfo endpoint, so it could not end sessions"));
        }
        let client = CoreClient::from_provider_metadata(
            away.provider.clone(),
            self.client.clone(),
            Some(self.secret.clone()),
        )
        .set_redirect_uri(self.redirect.clone());
        let answer: CoreTokenResponse = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|e| error(&e))?
            .set_pkce_verifier(away.verifier)
            .request(&self.http())
            .map_err(|e| error(&e))?;
        let id_token = answer.id_token().ok_or_else(|| error(&"the provider gave no id token"))?;
        let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
        let claims = id_token.claims(&verifier, &away.nonce).map_err(|e| error(&e))?;
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = id_token.signing_alg().map_err(|e| error(&e))?;
            let key = id_token.signing_key(&verifier).map_err(|e| error(&e))?;
            let found = AccessTokenHash::from_token(answer.access_token(), algorithm, key);
            if found.map_err(|e| error(&e))? != *expected {
                return Err(error(&"the access token is not that of the id token"));
            }
        }
        let subject = claims.subject().to_string();
        let vouched = Vouched {
            provider: away.provider,
            access: answer.access_token().clone(),
            refresh: answer.refresh_token().cloned(),
            subject: subject.clone(),
            confirmed: Instant::now(),
        };
        Ok((subject, vouched))
    }

    /// From now on the session of `token` stands as long as the provider says so.
    pub(crate) fn vouch(&self, token: &str, vouched: Vouched) {
        lock(&self.vouched).insert(token.to_owned(), vouched);
    }

    pub(crate) fn vouches(&self, token: &str) -> bool {
        lock(&self.vouched).get(token).is_some_and(|v| v.confirmed.elapsed() < UNREACHABLE_FOR)
    }

    pub(crate) fn forget(&self, token: &str) {
        lock(&self.vouched).remove(token);
    }

    /// The sessions to ask for.
    pub(crate) fn tokens(&self) -> Vec<String> {
        lock(&self.vouched).keys().cloned().collect()
    }

    /// Asks the provider for one session; `false` when it says that the person is gone. It may block.
    pub(crate) fn ask(&self, token: &str) -> bool {
        let Some(mut vouched) = lock(&self.vouched).get(token).cloned() else { return false };
        let answer = match self.userinfo(&vouched) {
            // The access token is over; the person need not be.
            Answer::Refused => self.renew(&mut vouched),
            answer => answer,
        };
        match answer {
            Answer::Stands => {
                vouched.confirmed = Instant::now();
                // Not put back when the session ended meanwhile.
                if let Some(place) = lock(&self.vouched).get_mut(token) {
                    *place = vouched;
                }
                true
            }
            Answer::Unreachable => vouched.confirmed.elapsed() < UNREACHABLE_FOR,
            Answer::Refused => false,
        }
    }

    fn userinfo(&self, vouched: &Vouched) -> Answer {
        let Some(url) = vouched.provider.userinfo_endpoint() else { return Answer::Refused };
        let bearer = format!("Bearer {}", vouched.access.secret());
        let Ok(mut response) = self.agent.get(url.as_str()).header("authorization", bearer).call() else {
            return Answer::Unreachable;
        };
        match response.status().as_u16() {
            200 => {
                let body = response.body_mut().with_config().limit(MOST_BYTES).read_to_vec();
                let Ok(body) = body else { return Answer::Unreachable };
                let document: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
                // A signed answer (a JWT) is not taken apart: that the token is still good is what counts.
                let subject = document.as_ref().and_then(|d| d.get("sub")).and_then(|s| s.as_str());
                if subject.is_none_or(|subject| subject == vouched.subject) {
                    Answer::Stands
                } else {
                    Answer::Refused
                }
            }
            400 | 401 | 403 | 404 => Answer::Refused,
            _ => Answer::Unreachable,
        }
    }

    fn renew(&self, vouched: &mut Vouched) -> Answer {
        let Some(refresh) = &vouched.refresh else { return Answer::Refused };
        let client = CoreClient::from_provider_metadata(
            vouched.provider.clone(),
            self.client.clone(),
            Some(self.secret.clone()),
        );
        let Ok(request) = client.exchange_refresh_token(refresh) else { return Answer::Refused };
        match request.request(&self.http()) {
            Ok(answer) => {
                vouched.access = answer.access_token().clone();
                if let Some(next) = answer.refresh_token() {
                    vouched.refresh = Some(next.clone());
                }
                self.userinfo(vouched)
            }
            Err(RequestTokenError::Request(_)) => Answer::Unreachable,
            Err(_) => Answer::Refused,
        }
    }
}

/// What the provider said about a session.
enum Answer {
    Stands,
    Refused,
    Unreachable,
}
