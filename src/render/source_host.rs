//! Addresses of commits and lines at the git host of a repository, for links in pages.
//!
//! Input is the address of a remote as git has it, or that of the repository's own page. Nothing is looked up: the
//! form of the addresses follows from the name of the host, and a host that is not known here gets no links.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// Characters of a path that stay as they are in an address.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The form of a host's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Software {
    GitHub,
    GitLab,
    /// Gitea, Forgejo and Codeberg.
    Gitea,
    Bitbucket,
}

/// A repository at a git host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceHost {
    /// Address of the repository's page, without a slash at its end.
    page: String,
    software: Software,
}

impl SourceHost {
    /// Reads the address of a remote or of a repository's page; `None` if the host is not known or it is no web address.
    ///
    /// `git@github.com:acme/licences.git`, `ssh://git@github.com/acme/licences` and
    /// `https://x:token@github.com/acme/licences.git` are all `https://github.com/acme/licences`. User, password, query
    /// and the port of ssh are dropped.
    pub fn parse(address: &str) -> Option<Self> {
        let url = parse_remote(address.trim())?;
        let host = url.host_str()?;
        let software = software_of(host)?;
        let port = match url.scheme() {
            "https" | "http" => url.port(),
            _ => None,
        };
        let port = port.map_or(String::new(), |port| format!(":{port}"));
        let scheme = if url.scheme() == "http" {
            "http"
        } else {
            "https"
        };
        let path = url.path().trim_matches('/').trim_end_matches(".git");
        path.contains('/').then(|| Self {
            page: format!("{scheme}://{host}{port}/{path}"),
            software,
        })
    }

    /// Reads the page of a repository at a GitLab of any name, as its runners give it.
    pub fn gitlab(page: &str) -> Option<Self> {
        Self::with_software(page, Software::GitLab)
    }

    /// Reads the page of a repository at a GitHub of any name, as its runners give it.
    pub fn github(page: &str) -> Option<Self> {
        Self::with_software(page, Software::GitHub)
    }

    fn with_software(page: &str, software: Software) -> Option<Self> {
        let url = Url::parse(page.trim()).ok()?;
        let is_web = matches!(url.scheme(), "https" | "http") && url.username().is_empty();
        (is_web && url.password().is_none()).then(|| Self {
            page: url.as_str().trim_end_matches('/').to_string(),
            software,
        })
    }

    /// Returns the address of a commit.
    pub fn commit_url(&self, commit: &str) -> String {
        let commit = utf8_percent_encode(commit, PATH);
        let page = &self.page;
        match self.software {
            Software::GitHub | Software::Gitea => format!("{page}/commit/{commit}"),
            Software::GitLab => format!("{page}/-/commit/{commit}"),
            Software::Bitbucket => format!("{page}/commits/{commit}"),
        }
    }

    /// Returns the address of a line in a file as a commit has it. `path` is relative to the root of the repository;
    /// line 0 is the file itself.
    pub fn line_url(&self, commit: &str, path: &str, line: u32) -> String {
        let (commit, path) = (
            utf8_percent_encode(commit, PATH),
            utf8_percent_encode(path, PATH),
        );
        let page = &self.page;
        let (file, mark) = match self.software {
            Software::GitHub => (format!("{page}/blob/{commit}/{path}"), "L"),
            Software::GitLab => (format!("{page}/-/blob/{commit}/{path}"), "L"),
            Software::Gitea => (format!("{page}/src/commit/{commit}/{path}"), "L"),
            Software::Bitbucket => (format!("{page}/src/{commit}/{path}"), "lines-"),
        };
        match line {
            0 => file,
            line => format!("{file}#{mark}{line}"),
        }
    }
}

/// The repository as a page links to it.
#[derive(Clone, Copy, Default)]
pub struct SourceLinks<'a> {
    /// The git host; `None` if it is not known.
    pub host: Option<&'a SourceHost>,
    /// The commit at which the manifests were read.
    pub commit: Option<&'a str>,
    /// The directory of the run below the top of the repository; empty at the top.
    pub base: &'a str,
}

impl SourceLinks<'_> {
    /// Returns the address of a commit; `None` if the host is not known or the text names no commit.
    pub fn commit_url(&self, commit: &str) -> Option<String> {
        let host = self.host.filter(|_| is_commit(commit))?;
        Some(host.commit_url(commit))
    }

    /// Returns the address of a line; `None` if host or commit are not known, or the file is not in the repository.
    pub fn line_url(&self, file: &str, line: u32) -> Option<String> {
        let (host, commit) = self.host.zip(self.commit)?;
        let path = repository_path(self.base, file);
        let is_outside = path.starts_with('/') || path.split('/').any(|part| part == "..");
        let is_file = !file.starts_with('<') && !is_outside;
        (is_commit(commit) && is_file).then(|| host.line_url(commit, &path, line))
    }
}

/// Reports whether a text is a full or shortened name of a commit, and nothing else.
fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns a path as the repository names it: `base` and `file` joined by a slash.
///
/// With `base` `licences`, `./a.yaml` becomes `licences/a.yaml`. Absolute paths, and all paths with an empty
/// `base`, stay. GitHub and SARIF look files up from the top of the repository, while a run names them from its
/// own directory.
pub fn repository_path(base: &str, file: &str) -> String {
    let file = file.strip_prefix("./").unwrap_or(file);
    if base.is_empty() || file.starts_with('/') {
        file.to_string()
    } else {
        format!("{base}/{file}")
    }
}

/// Reads an address as git takes it. `user@host:path` is the short form of `ssh://user@host/path`.
fn parse_remote(address: &str) -> Option<Url> {
    if address.contains("://") {
        let url = Url::parse(address).ok()?;
        return matches!(url.scheme(), "https" | "http" | "ssh" | "git+ssh").then_some(url);
    }
    let (host, path) = address.split_once(':')?;
    let host = host.rsplit('@').next()?;
    let is_host = host.contains('.') && !host.contains(['/', '\\']);
    is_host.then(|| Url::parse(&format!("ssh://{host}/{path}")).ok())?
}

/// Returns the software that a host runs, by its name.
///
/// A company's own host is known by a part of its name, such as `gitlab.acme.com`.
fn software_of(host: &str) -> Option<Software> {
    let has = |name: &str| host.split('.').any(|part| part == name);
    if has("github") {
        Some(Software::GitHub)
    } else if has("gitlab") {
        Some(Software::GitLab)
    } else if has("gitea") || has("forgejo") || has("codeberg") {
        Some(Software::Gitea)
    } else {
        (host == "bitbucket.org").then_some(Software::Bitbucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_address_leads_to_the_same_page() {
        for address in [
            "https://github.com/acme/licences",
            "https://github.com/acme/licences.git",
            "https://user:token@github.com/acme/licences.git?x=y",
            "git@github.com:acme/licences.git",
            "ssh://git@github.com:22/acme/licences.git/",
        ] {
            let host = SourceHost::parse(address).expect(address);
            assert_eq!(
                host.commit_url("4b825dc"),
                "https://github.com/acme/licences/commit/4b825dc"
            );
        }
        for address in [
            "",
            "/srv/git/licences.git",
            "file:///srv/git/licences.git",
            "../licences",
            "https://git.example.com/acme/licences",
            "javascript://github.com/acme/licences",
            "https://github.com/acme",
            "C:\\licences",
        ] {
            assert_eq!(SourceHost::parse(address), None, "{address}");
        }
    }

    #[test]
    fn a_line_has_the_address_that_its_host_gives_it() {
        let line = |address: &str| {
            let host = SourceHost::parse(address).expect(address);
            host.line_url("4b82", "a b/ü#.yaml", 7)
        };
        let path = "a%20b/%C3%BC%23.yaml";
        assert_eq!(
            line("git@github.com:a/b.git"),
            format!("https://github.com/a/b/blob/4b82/{path}#L7")
        );
        assert_eq!(
            line("https://gitlab.acme.com:8443/a/b/c.git"),
            format!("https://gitlab.acme.com:8443/a/b/c/-/blob/4b82/{path}#L7")
        );
        assert_eq!(
            line("https://codeberg.org/a/b"),
            format!("https://codeberg.org/a/b/src/commit/4b82/{path}#L7")
        );
        assert_eq!(
            line("https://bitbucket.org/a/b"),
            format!("https://bitbucket.org/a/b/src/4b82/{path}#lines-7")
        );
        let own = SourceHost::gitlab("https://git.acme.com/a/b").expect("a page");
        assert_eq!(
            own.line_url("4b82", "a.yaml", 0),
            "https://git.acme.com/a/b/-/blob/4b82/a.yaml"
        );
        assert_eq!(SourceHost::github("javascript:alert(1)"), None);
    }
}
