//! The buckets of the clouds. The only file that names them.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::HttpError;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    BackoffConfig, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig,
    UpdateVersion,
};
use tokio::time::timeout;
use url::Url;

use super::client::{BucketConnector, CleartextRefused, FailedResponse};
use super::objects::{
    BucketError, BucketObject, BucketObjects, ObjectVersion, PutCondition, PutOutcome,
};
use crate::apply::store::StoreError;
use crate::model::with_causes;

/// How long one request may take; all objects are small.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Environment variables by name.
type Variables = BTreeMap<String, String>;

/// A bucket of a cloud.
pub struct CloudObjects {
    store: Arc<dyn ObjectStore>,
}

/// Opens the bucket that a URL names, and returns it with the prefix in it.
pub fn open_bucket(url: &str, variables: &Variables) -> Result<(CloudObjects, String), StoreError> {
    let refused = |source| StoreError::Refused {
        task: "open",
        store: without_password(url),
        source,
    };
    let address = Url::parse(url).map_err(|error| refused(error.into()))?;
    let is_plain = address.username().is_empty()
        && address.password().is_none()
        && address.port().is_none()
        && address.query().is_none()
        && address.fragment().is_none();
    let bucket = address.host_str().filter(|_| is_plain);
    let bucket = bucket.ok_or_else(|| refused(URL_FORM.into()))?;
    let store = match address.scheme() {
        "s3" => build_s3(bucket, variables),
        "gs" => build_google(bucket, variables),
        "az" => build_azure(bucket, variables),
        _ => return Err(refused(URL_FORM.into())),
    };
    let store = store.map_err(|error| refused(classify_error(error).source))?;
    Ok((
        CloudObjects { store },
        address.path().trim_matches('/').to_string(),
    ))
}

/// Advice for a URL that does not name a bucket.
const URL_FORM: &str = "the address of a bucket is s3://bucket/prefix, gs://bucket/prefix or az://container/prefix; \
                    credentials come from the environment";

/// Removes user and password from a URL.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            format!("{}://{}", &url[..scheme], &url[at + 1..])
        }
        _ => url.to_string(),
    }
}

/// Builds a client for S3 from `AWS_*` variables.
fn build_s3(bucket: &str, variables: &Variables) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = AmazonS3Builder::new();
    for (name, value) in cloud_variables("AWS_", variables) {
        if let Ok(key) = name.parse() {
            builder = builder.with_config(key, value);
        }
    }
    let endpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];
    let store = builder
        .with_bucket_name(bucket)
        .with_allow_http(true)
        .with_retry(disable_retries())
        .with_http_connector(build_connector("AWS_ALLOW_HTTP", &endpoint, variables))
        .build()?;
    Ok(Arc::new(store))
}

/// Builds a client for Google Cloud Storage from `GOOGLE_*` variables.
fn build_google(bucket: &str, variables: &Variables) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = GoogleCloudStorageBuilder::new();
    // The access token of Google's GitHub action, under Terraform's name for it.
    let token = variables.get("GOOGLE_OAUTH_ACCESS_TOKEN");
    for (name, value) in cloud_variables("GOOGLE_", variables) {
        // The same action also names a credentials file in a form that the library does not know.
        if token.is_some() && name == "google_application_credentials" {
            continue;
        }
        if let Ok(key) = name.parse() {
            builder = builder.with_config(key, value);
        }
    }
    if let (Some(token), Ok(key)) = (token, "google_bearer_token".parse()) {
        builder = builder.with_config(key, token);
    }
    let store = builder
        .with_bucket_name(bucket)
        .with_retry(disable_retries())
        .with_http_connector(build_connector(
            "GOOGLE_ALLOW_HTTP",
            &["GOOGLE_BASE_URL"],
            variables,
        ))
        .build()?;
    Ok(Arc::new(store))
}

/// Builds a client for Azure Blob Storage from `AZURE_*` variables.
fn build_azure(
    container: &str,
    variables: &Variables,
) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = MicrosoftAzureBuilder::new();
    for (name, value) in cloud_variables("AZURE_", variables) {
        if let Ok(key) = name.parse() {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(endpoint) = variables.get("IDENTITY_ENDPOINT") {
        builder = builder.with_msi_endpoint(endpoint);
    }
    let endpoint = ["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"];
    let store = builder
        .with_container_name(container)
        .with_allow_http(true)
        .with_retry(disable_retries())
        .with_http_connector(build_connector("AZURE_ALLOW_HTTP", &endpoint, variables))
        .build()?;
    Ok(Arc::new(store))
}

/// Returns the variables of a cloud, with the names of the library's settings.
fn cloud_variables<'a>(
    prefix: &'static str,
    variables: &'a Variables,
) -> impl Iterator<Item = (String, &'a String)> {
    let cloud_variables = move |(name, _): &(&String, &String)| name.starts_with(prefix);
    let variables = variables.iter().filter(cloud_variables);
    variables
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
}

/// Builds the HTTP client with the endpoint that the variables name.
fn build_connector(allow: &str, endpoints: &[&str], variables: &Variables) -> BucketConnector {
    let named = endpoints.iter().find_map(|name| variables.get(*name));
    let allows = variables.get(allow).map(|value| value.to_ascii_lowercase());
    BucketConnector {
        endpoint: named.and_then(|endpoint| Url::parse(endpoint).ok()),
        allows_http: matches!(allows.as_deref(), Some("true" | "1")),
    }
}

/// Turns off the library's retries: only we know our own writes when we meet them.
fn disable_retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 0,
        retry_timeout: REQUEST_TIMEOUT,
    }
}

impl BucketObjects for CloudObjects {
    fn get<'a>(
        &'a self,
        path: &'a str,
    ) -> BoxFuture<'a, Result<Option<BucketObject>, BucketError>> {
        let get = async move {
            let found = match self.store.get(&Path::from(path)).await {
                Err(Error::NotFound { .. }) => return Ok(None),
                found => found.map_err(classify_error)?,
            };
            let version = ObjectVersion {
                e_tag: found.meta.e_tag.clone(),
                generation: found.meta.version.clone(),
            };
            let body = found.bytes().await.map_err(classify_error)?.to_vec();
            Ok(Some(BucketObject { body, version }))
        };
        with_timeout(get).boxed()
    }

    fn put<'a>(
        &'a self,
        path: &'a str,
        body: &'a [u8],
        condition: PutCondition<'a>,
    ) -> BoxFuture<'a, Result<PutOutcome, BucketError>> {
        let mode = match condition {
            PutCondition::Absent => PutMode::Create,
            PutCondition::Unchanged(version) => PutMode::Update(UpdateVersion {
                e_tag: version.e_tag.clone(),
                version: version.generation.clone(),
            }),
        };
        let put = async move {
            let (path, body) = (Path::from(path), body.to_vec().into());
            let put = self.store.put_opts(&path, body, PutOptions::from(mode));
            match put.await {
                Ok(put) => Ok(PutOutcome::Done(ObjectVersion {
                    e_tag: put.e_tag,
                    generation: put.version,
                })),
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                    Ok(PutOutcome::Refused)
                }
                Err(error) => Err(classify_error(error)),
            }
        };
        with_timeout(put).boxed()
    }

    fn list<'a>(
        &'a self,
        folder: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, BucketError>> {
        let list = async move {
            let folder = Path::from(folder);
            let mut objects = match after {
                Some(after) => self
                    .store
                    .list_with_offset(Some(&folder), &Path::from(after)),
                None => self.store.list(Some(&folder)),
            };
            let mut paths = Vec::new();
            // A long list comes in pages, each with a request of its own.
            while let Some(object) = with_timeout(objects.next().map(Ok)).await? {
                paths.push(object.map_err(classify_error)?.location.to_string());
            }
            paths.sort();
            Ok(paths)
        };
        list.boxed()
    }

    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, BucketError>> {
        let list = async move {
            let folder = Path::from(folder);
            let list = self.store.list_with_delimiter(Some(&folder)).await;
            let folders = list.map_err(classify_error)?.common_prefixes;
            let names = folders.iter().filter_map(|path| path.filename());
            Ok(names.map(str::to_string).collect())
        };
        // A page has up to 1,000 folders.
        with_timeout(list).boxed()
    }

    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), BucketError>> {
        let delete = async move {
            match self.store.delete(&Path::from(path)).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(classify_error(error)),
            }
        };
        with_timeout(delete).boxed()
    }
}

/// Bounds the time of a request.
async fn with_timeout<T>(
    request: impl Future<Output = Result<T, BucketError>>,
) -> Result<T, BucketError> {
    let late =
        |_| BucketError::transient(format!("no answer within {} s", REQUEST_TIMEOUT.as_secs()));
    timeout(REQUEST_TIMEOUT, request).await.map_err(late)?
}

/// Decides by the cause of an error whether it is transient, and shortens its text.
fn classify_error(error: Error) -> BucketError {
    let mut cause: &(dyn std::error::Error + 'static) = &error;
    loop {
        if let Some(answer) = cause.downcast_ref::<FailedResponse>() {
            return match answer.is_transient() {
                true => BucketError::transient(answer.to_string()),
                false => BucketError::permanent(format!("{answer}{}", suggest_fix(answer))),
            };
        }
        if cause.is::<CleartextRefused>() {
            return BucketError::permanent(cause.to_string());
        }
        if let Some(http) = cause.downcast_ref::<HttpError>()
            && !http.source().is_some_and(|source| {
                source.is::<FailedResponse>() || source.is::<CleartextRefused>()
            })
        {
            return BucketError::transient(with_causes(http.source().unwrap_or(http)));
        }
        match cause.source() {
            Some(source) => cause = source,
            None => break,
        }
    }
    match error {
        Error::NotFound { .. } => BucketError::permanent("there is no such bucket"),
        error => BucketError::permanent(error),
    }
}

/// Returns what to do about a refused request; empty if nothing is known.
fn suggest_fix(answer: &FailedResponse) -> &'static str {
    match answer.status.as_u16() {
        301 | 307 | 308 => "; the bucket is in another region: set AWS_REGION",
        401 => "; the credentials are wrong or have expired",
        403 => "; the credentials do not have the right to it",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bucket_that_does_not_answer_is_not_waited_for() {
        let late = with_timeout(futures::future::pending::<Result<(), BucketError>>()).await;
        let error = late.unwrap_err();
        assert!(error.is_transient);
        assert_eq!(error.source.to_string(), "no answer within 10 s");
    }
}
