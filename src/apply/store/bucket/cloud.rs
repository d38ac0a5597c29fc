//! How a bucket is reached. The only file that names the clouds.

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

use super::client::{Answer, Connector, InTheClear};
use super::objects::{Condition, Fault, Object, Objects, Put, Version};
use crate::apply::store::StoreError;
use crate::model::with_causes;

/// How long a bucket may take for one request; nothing that is asked of it is large.
const REQUEST: Duration = Duration::from_secs(10);

type Variables = BTreeMap<String, String>;

/// A bucket of a cloud.
pub struct Cloud {
    store: Arc<dyn ObjectStore>,
}

/// Opens the bucket that a URL names, and returns the prefix in it.
pub fn open(url: &str, variables: &Variables) -> Result<(Cloud, String), StoreError> {
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
    let bucket = bucket.ok_or_else(|| refused(FORM.into()))?;
    let store = match address.scheme() {
        "s3" => s3(bucket, variables),
        "gs" => google(bucket, variables),
        "az" => azure(bucket, variables),
        _ => return Err(refused(FORM.into())),
    };
    let store = store.map_err(|error| refused(fault(error).source))?;
    Ok((
        Cloud { store },
        address.path().trim_matches('/').to_string(),
    ))
}

const FORM: &str = "the address of a bucket is s3://bucket/prefix, gs://bucket/prefix or az://container/prefix; \
                    credentials come from the environment";

fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            format!("{}://{}", &url[..scheme], &url[at + 1..])
        }
        _ => url.to_string(),
    }
}

fn s3(bucket: &str, variables: &Variables) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = AmazonS3Builder::new();
    for (name, value) in of_cloud("AWS_", variables) {
        if let Ok(key) = name.parse() {
            builder = builder.with_config(key, value);
        }
    }
    let endpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];
    let store = builder
        .with_bucket_name(bucket)
        .with_allow_http(true)
        .with_retry(never())
        .with_http_connector(connector("AWS_ALLOW_HTTP", &endpoint, variables))
        .build()?;
    Ok(Arc::new(store))
}

fn google(bucket: &str, variables: &Variables) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = GoogleCloudStorageBuilder::new();
    // The token that Google's action for GitHub makes of an identity there, by the name that Terraform has for it.
    let token = variables.get("GOOGLE_OAUTH_ACCESS_TOKEN");
    for (name, value) in of_cloud("GOOGLE_", variables) {
        // The same action names a file in a form that is not known here.
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
        .with_retry(never())
        .with_http_connector(connector(
            "GOOGLE_ALLOW_HTTP",
            &["GOOGLE_BASE_URL"],
            variables,
        ))
        .build()?;
    Ok(Arc::new(store))
}

fn azure(container: &str, variables: &Variables) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = MicrosoftAzureBuilder::new();
    for (name, value) in of_cloud("AZURE_", variables) {
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
        .with_retry(never())
        .with_http_connector(connector("AZURE_ALLOW_HTTP", &endpoint, variables))
        .build()?;
    Ok(Arc::new(store))
}

/// Returns the variables of a cloud, with their names as settings have them.
fn of_cloud<'a>(
    prefix: &'static str,
    variables: &'a Variables,
) -> impl Iterator<Item = (String, &'a String)> {
    let of_cloud = move |(name, _): &(&String, &String)| name.starts_with(prefix);
    let variables = variables.iter().filter(of_cloud);
    variables
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
}

fn connector(allow: &str, endpoints: &[&str], variables: &Variables) -> Connector {
    let named = endpoints.iter().find_map(|name| variables.get(*name));
    let allows = variables.get(allow).map(|value| value.to_ascii_lowercase());
    Connector {
        endpoint: named.and_then(|endpoint| Url::parse(endpoint).ok()),
        allows_http: matches!(allows.as_deref(), Some("true" | "1")),
    }
}

/// Requests are tried again by us alone: we know our own writes when we meet them.
fn never() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 0,
        retry_timeout: REQUEST,
    }
}

impl Objects for Cloud {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Object>, Fault>> {
        let get = async move {
            let found = match self.store.get(&Path::from(path)).await {
                Err(Error::NotFound { .. }) => return Ok(None),
                found => found.map_err(fault)?,
            };
            let version = Version {
                e_tag: found.meta.e_tag.clone(),
                generation: found.meta.version.clone(),
            };
            let body = found.bytes().await.map_err(fault)?.to_vec();
            Ok(Some(Object { body, version }))
        };
        in_time(get).boxed()
    }

    fn put<'a>(
        &'a self,
        path: &'a str,
        body: &'a [u8],
        condition: Condition<'a>,
    ) -> BoxFuture<'a, Result<Put, Fault>> {
        let mode = match condition {
            Condition::Absent => PutMode::Create,
            Condition::Is(version) => PutMode::Update(UpdateVersion {
                e_tag: version.e_tag.clone(),
                version: version.generation.clone(),
            }),
        };
        let put = async move {
            let (path, body) = (Path::from(path), body.to_vec().into());
            let put = self.store.put_opts(&path, body, PutOptions::from(mode));
            match put.await {
                Ok(put) => Ok(Put::Done(Version {
                    e_tag: put.e_tag,
                    generation: put.version,
                })),
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Put::Refused),
                Err(error) => Err(fault(error)),
            }
        };
        in_time(put).boxed()
    }

    fn list<'a>(
        &'a self,
        folder: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, Fault>> {
        let list = async move {
            let folder = Path::from(folder);
            let mut objects = match after {
                Some(after) => self
                    .store
                    .list_with_offset(Some(&folder), &Path::from(after)),
                None => self.store.list(Some(&folder)),
            };
            let mut paths = Vec::new();
            // A long list comes in pages, each a request.
            while let Some(object) = in_time(objects.next().map(Ok)).await? {
                paths.push(object.map_err(fault)?.location.to_string());
            }
            paths.sort();
            Ok(paths)
        };
        list.boxed()
    }

    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, Fault>> {
        let list = async move {
            let folder = Path::from(folder);
            let list = self.store.list_with_delimiter(Some(&folder)).await;
            let folders = list.map_err(fault)?.common_prefixes;
            let names = folders.iter().filter_map(|path| path.filename());
            Ok(names.map(str::to_string).collect())
        };
        // Of 1,000 folders a page.
        in_time(list).boxed()
    }

    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        let delete = async move {
            match self.store.delete(&Path::from(path)).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(fault(error)),
            }
        };
        in_time(delete).boxed()
    }
}

async fn in_time<T>(request: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let late = |_| Fault::passing(format!("no answer within {} s", REQUEST.as_secs()));
    timeout(REQUEST, request).await.map_err(late)?
}

/// Judges an error by what caused it, and tells it in few words.
fn fault(error: Error) -> Fault {
    let mut cause: &(dyn std::error::Error + 'static) = &error;
    loop {
        if let Some(answer) = cause.downcast_ref::<Answer>() {
            return match answer.is_passing() {
                true => Fault::passing(answer.to_string()),
                false => Fault::lasting(format!("{answer}{}", advice(answer))),
            };
        }
        if cause.is::<InTheClear>() {
            return Fault::lasting(cause.to_string());
        }
        if let Some(http) = cause.downcast_ref::<HttpError>()
            && !http
                .source()
                .is_some_and(|source| source.is::<Answer>() || source.is::<InTheClear>())
        {
            return Fault::passing(with_causes(http.source().unwrap_or(http)));
        }
        match cause.source() {
            Some(source) => cause = source,
            None => break,
        }
    }
    match error {
        Error::NotFound { .. } => Fault::lasting("there is no such bucket"),
        error => Fault::lasting(error),
    }
}

fn advice(answer: &Answer) -> &'static str {
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
        let late = in_time(futures::future::pending::<Result<(), Fault>>()).await;
        let fault = late.unwrap_err();
        assert!(fault.is_passing);
        assert_eq!(fault.source.to_string(), "no answer within 10 s");
    }
}
