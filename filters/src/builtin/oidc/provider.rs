//! What the provider says of users.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{TimeDelta, Utc};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreIdToken,
    CoreJwsSigningAlgorithm as Algorithm, CoreTokenResponse,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, LogoutRequest, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, RedirectUrl, RefreshToken,
    RequestTokenError, Scope, SignatureVerificationError, StandardErrorResponse, TokenResponse,
};

use super::asking::Asking;
use super::claims::Claims;
use super::discovery::{Discovery, Metadata, with_causes};
use crate::filter::FilterError;
use crate::outside::AskError;

/// Clocks differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// What ID tokens may be signed with: nothing that a site's own secret would do for, and never nothing.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;
type TokenError = RequestTokenError<AskError, StandardErrorResponse<CoreErrorResponseType>>;

/// The provider.
pub(super) struct Provider {
    pub(super) client_id: ClientId,
    pub(super) client_secret: Option<ClientSecret>,
    pub(super) auth_type: AuthType,
    pub(super) scopes: Vec<String>,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) asking: Arc<Asking>,
    pub(super) discovery: Arc<Discovery>,
}

/// A sign-in that has begun.
pub(super) struct Begun {
    pub(super) url: String,
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
}

/// What the provider said of a user.
pub(super) struct Told {
    /// What the ID token says; a refreshed session may come without one.
    pub(super) claims: Option<Claims>,
    pub(super) expires_in: Option<Duration>,
    pub(super) refresh_token: Option<String>,
}

/// Why it said nothing.
pub(super) enum Unsaid {
    /// It does not vouch for the user.
    Refused(String),
    /// Something is wrong with it, with the way to it, or with the settings.
    Fault(FilterError),
}

impl From<FilterError> for Unsaid {
    fn from(error: FilterError) -> Self {
        Self::Fault(error)
    }
}

impl Provider {
    /// Begins a sign-in that comes back to `redirect`.
    pub(super) async fn begin(&self, redirect: RedirectUrl) -> Result<Begun, FilterError> {
        let metadata = self.discovery.metadata().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let scopes = self.scopes.iter().filter(|scope| *scope != "openid");
        let client = self.client(&metadata).set_redirect_uri(redirect);
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(scopes.cloned().map(Scope::new))
            .set_pkce_challenge(challenge);
        for (name, value) in &self.parameters {
            request = request.add_extra_param(name.as_str(), value.as_str());
        }
        let (url, state, nonce) = request.url();
        Ok(Begun {
            url: url.into(),
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
        })
    }

    /// What the provider says of the user for whom it gave out `code`.
    pub(super) async fn exchange(
        &self,
        redirect: RedirectUrl,
        code: String,
        verifier: String,
        nonce: String,
    ) -> Result<Told, Unsaid> {
        let metadata = self.discovery.metadata().await?;
        let client = self.client(&metadata).set_redirect_uri(redirect);
        let request = client.exchange_code(AuthorizationCode::new(code));
        let request = request.map_err(|_| no_token_endpoint())?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier));
        let response = request.request_async(&self.asking.client()).await;
        let told = self
            .told(&metadata, response, Some(Nonce::new(nonce)))
            .await?;
        match told.claims {
            Some(_) => Ok(told),
            None => Err(FilterError::new("the provider's answer has no ID token").into()),
        }
    }

    /// What the provider says of a user now.
    pub(super) async fn refresh(&self, token: &str) -> Result<Told, Unsaid> {
        let metadata = self.discovery.metadata().await?;
        let client = self.client(&metadata);
        let token = RefreshToken::new(token.to_owned());
        let request = client.exchange_refresh_token(&token);
        let request = request.map_err(|_| no_token_endpoint())?;
        let response = request.request_async(&self.asking.client()).await;
        self.told(&metadata, response, None).await
    }

    /// Where the provider signs out, if it is known to do so.
    pub(super) async fn sign_out(&self, then: PostLogoutRedirectUrl) -> Option<String> {
        let metadata = self.discovery.metadata().await.ok()?;
        let endpoint = metadata
            .additional_metadata()
            .end_session_endpoint
            .clone()?;
        let request = LogoutRequest::from(endpoint).set_client_id(self.client_id.clone());
        let request = request.set_post_logout_redirect_uri(then);
        Some(request.http_get_url().into())
    }

    fn client(&self, metadata: &Metadata) -> Client {
        let secret = self.client_secret.clone();
        let client =
            CoreClient::from_provider_metadata(metadata.clone(), self.client_id.clone(), secret);
        client.set_auth_type(self.auth_type.clone())
    }

    async fn told(
        &self,
        metadata: &Arc<Metadata>,
        response: Result<CoreTokenResponse, TokenError>,
        nonce: Option<Nonce>,
    ) -> Result<Told, Unsaid> {
        let response = response.map_err(unsaid)?;
        let claims = match response.id_token() {
            Some(token) => Some(self.verified(metadata, token, nonce.as_ref()).await?),
            None => None,
        };
        Ok(Told {
            claims,
            expires_in: response.expires_in(),
            refresh_token: response.refresh_token().map(|token| token.secret().clone()),
        })
    }

    /// What an ID token says, once it was found to be the provider's, for this site and of this sign-in.
    async fn verified(
        &self,
        metadata: &Arc<Metadata>,
        token: &CoreIdToken,
        nonce: Option<&Nonce>,
    ) -> Result<Claims, Unsaid> {
        use ClaimsVerificationError::SignatureVerification;
        let mut checked = self.check(metadata, token, nonce);
        if let Err(SignatureVerification(SignatureVerificationError::NoMatchingKey)) = &checked
            && let Some(renewed) = self.discovery.renewed(metadata).await
        {
            checked = self.check(&renewed, token, nonce);
        }
        checked.map_err(|error| {
            Unsaid::Refused(format!(
                "the ID token is not right: {}",
                with_causes(&error)
            ))
        })?;
        claims(token).ok_or_else(|| Unsaid::Refused("the ID token has no claims".to_owned()))
    }

    fn check(
        &self,
        metadata: &Metadata,
        token: &CoreIdToken,
        nonce: Option<&Nonce>,
    ) -> Result<(), ClaimsVerificationError> {
        let client = self.client(metadata);
        let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
        let verifier = verifier.set_time_fn(|| Utc::now() - LEEWAY);
        let claims = match nonce {
            Some(nonce) => token.claims(&verifier, nonce),
            None => token.claims(&verifier, |_: Option<&Nonce>| Ok(())),
        };
        claims.map(drop)
    }
}

/// All that a token says, also what the library has no name for.
fn claims(token: &CoreIdToken) -> Option<Claims> {
    let token = token.to_string();
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// What is no answer may hold tokens, so it is not told.
fn unsaid(error: TokenError) -> Unsaid {
    match error {
        RequestTokenError::ServerResponse(told) => match told.error() {
            CoreErrorResponseType::InvalidGrant => {
                Unsaid::Refused("the provider says `invalid_grant`".to_owned())
            }
            other => {
                let message = format!("the provider says `{}`", other.as_ref().escape_debug());
                Unsaid::Fault(FilterError::new(message))
            }
        },
        RequestTokenError::Request(error) => {
            let message = format!("the provider does not answer: {error}");
            Unsaid::Fault(FilterError::new(message))
        }
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Unsaid::Fault(
            FilterError::new("the provider's answer is not a token response"),
        ),
    }
}

fn no_token_endpoint() -> FilterError {
    FilterError::new("the provider names no token endpoint")
}
