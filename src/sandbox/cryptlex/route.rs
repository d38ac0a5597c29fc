//! The paths that the Cryptlex simulator serves, their methods and the scopes that they need.
//!
//! From the vendor's reference pages, each of which names the scope of its call (checked 2026-11-21 and 2026-11-29).

/// A path that is served, with its ids.
pub(super) enum Route<'a> {
    Login,
    Organizations,
    Organization(&'a str),
    OrganizationLicenses(&'a str),
    OrganizationLicense(&'a str, &'a str),
    Groups(&'a str),
    Group(&'a str, &'a str),
    Users(&'a str),
    User(&'a str, &'a str),
    Licenses,
    License(&'a str),
    Expiry(&'a str),
}

impl<'a> Route<'a> {
    /// Returns the route of a path; `None` for an unknown path.
    pub(super) fn find(path: &'a str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let ["v3", rest @ ..] = parts.as_slice() else {
            return None;
        };
        Some(match *rest {
            ["accounts", "login"] => Route::Login,
            ["organizations"] => Route::Organizations,
            ["organizations", id] => Route::Organization(id),
            ["organizations", id, "licenses"] => Route::OrganizationLicenses(id),
            ["organizations", id, "licenses", license] => Route::OrganizationLicense(id, license),
            ["organizations", id, "user-groups"] => Route::Groups(id),
            ["organizations", id, "user-groups", group] => Route::Group(id, group),
            ["organizations", id, "users"] => Route::Users(id),
            ["organizations", id, "users", user] => Route::User(id, user),
            ["licenses"] => Route::Licenses,
            ["licenses", id] => Route::License(id),
            ["licenses", id, "expires-at"] => Route::Expiry(id),
            _ => return None,
        })
    }

    /// Returns the methods of this path in the form of an `Allow` header.
    pub(super) fn allowed_methods(&self) -> &'static str {
        match self {
            Route::Login => "POST",
            Route::OrganizationLicenses(_) | Route::Users(_) => "GET",
            Route::OrganizationLicense(..) => "GET, PATCH",
            Route::Organizations | Route::Groups(_) | Route::Licenses => "GET, POST",
            Route::Group(..) => "PATCH, DELETE",
            Route::Organization(_) | Route::License(_) => "GET, PATCH, DELETE",
            Route::User(..) | Route::Expiry(_) => "PATCH",
        }
    }

    /// Returns the scope that the vendor's page names for a call; `None` for the login, which needs no token.
    pub(super) fn required_scope(&self, method: &str) -> Option<&'static str> {
        Some(match (self, method) {
            (Route::Login, _) => return None,
            (Route::Organizations | Route::Organization(_), "GET") => "organization:read",
            (Route::Organizations | Route::Organization(_), _) => "organization:write",
            (Route::OrganizationLicense(..), "PATCH") => "organization:license:update",
            (Route::OrganizationLicenses(_) | Route::OrganizationLicense(..), _) => {
                "organization:license:read"
            }
            (Route::Groups(_), "POST") => "organization:userGroup:create",
            (Route::Groups(_), _) => "organization:userGroup:read",
            (Route::Group(..), "DELETE") => "organization:userGroup:delete",
            (Route::Group(..), _) => "organization:userGroup:update",
            (Route::Users(_), _) => "organization:user:read",
            (Route::User(..), _) => "organization:user:update",
            (Route::Licenses | Route::License(_), "GET") => "license:read",
            (Route::Licenses | Route::License(_) | Route::Expiry(_), _) => "license:write",
        })
    }
}
