//! The paths that the Cryptlex simulator serves, their methods and the scopes that they need.
//!
//! From the vendor's reference pages, each of which names the scope of its call (checked 2026-11-21).

/// A path that is served, with its ids.
pub(super) enum Route<'a> {
    Login,
    Organizations,
    Organization(&'a str),
    Licenses(&'a str),
    License(&'a str, &'a str),
    Groups(&'a str),
    Group(&'a str, &'a str),
}

impl<'a> Route<'a> {
    /// Returns the route of a path; `None` for an unknown path.
    pub(super) fn find(path: &'a str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        Some(match parts.as_slice() {
            ["v3", "accounts", "login"] => Route::Login,
            ["v3", "organizations"] => Route::Organizations,
            ["v3", "organizations", id] => Route::Organization(id),
            ["v3", "organizations", id, "licenses"] => Route::Licenses(id),
            ["v3", "organizations", id, "licenses", license] => Route::License(id, license),
            ["v3", "organizations", id, "user-groups"] => Route::Groups(id),
            ["v3", "organizations", id, "user-groups", group] => Route::Group(id, group),
            _ => return None,
        })
    }

    /// Returns the methods of this path in the form of an `Allow` header.
    pub(super) fn allowed_methods(&self) -> &'static str {
        match self {
            Route::Login => "POST",
            Route::Organizations | Route::Organization(_) | Route::Licenses(_) => "GET",
            Route::License(..) => "GET, PATCH",
            Route::Groups(_) => "GET, POST",
            Route::Group(..) => "PATCH, DELETE",
        }
    }

    /// Returns the scope that the vendor's page names for a call; `None` for the login, which needs no token.
    pub(super) fn required_scope(&self, method: &str) -> Option<&'static str> {
        Some(match (self, method) {
            (Route::Login, _) => return None,
            (Route::Organizations | Route::Organization(_), _) => "organization:read",
            (Route::License(..), "PATCH") => "organization:license:update",
            (Route::Licenses(_) | Route::License(..), _) => "organization:license:read",
            (Route::Groups(_), "POST") => "organization:userGroup:create",
            (Route::Groups(_), _) => "organization:userGroup:read",
            (Route::Group(..), "DELETE") => "organization:userGroup:delete",
            (Route::Group(..), _) => "organization:userGroup:update",
        })
    }
}
