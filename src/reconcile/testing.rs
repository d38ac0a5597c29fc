//! What the unit tests of several files share.

/// A manifest of the connection `lac`.
pub const CONNECTION: &str = "apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: lac}
spec:
  vendor: lac
  baseUrl: https://lac.example.com
  auth: {token: {env: LAC_TOKEN}}
";
