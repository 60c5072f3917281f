//! The request target: what is refused before any route is looked for, and which route it names.

use ::http::{HeaderMap, HeaderValue, Uri};

use super::{Base, Call, Fault, Route, route};

/// Longest path, and longest query, in bytes. Names have at most 512, cursors not much more.
const LONGEST: usize = 8 * 1024;

/// Most trailing slashes that are redirected away.
const MOST_SLASHES: usize = 16;

/// Path and query as they came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    uri: &'a Uri,
}

impl<'a> Target<'a> {
    /// Refuses what no route takes: a target that is too long, or has a NUL in it.
    pub(crate) fn new(uri: &'a Uri) -> Result<Self, Fault> {
        let (path, query) = (uri.path(), uri.query().unwrap_or_default());
        if path.len() > LONGEST || query.len() > LONGEST {
            return Err(Fault::too_long(LONGEST));
        }
        let nul = |text: &str| text.contains("%00") || text.contains('\0');
        if nul(path) || nul(query) {
            return Err(Fault::nul());
        }
        Ok(Self { uri })
    }

    /// The raw path.
    pub(crate) fn path(self) -> &'a str {
        self.uri.path()
    }

    /// The route of this path, or of the path without its trailing slash.
    pub(crate) fn route(
        self,
        map: &[&'static [Route]],
        headers: &'a HeaderMap,
    ) -> Result<Option<(&'static Route, Call<'a>)>, Fault> {
        route::find(map, Base::split(self.trimmed()), self.uri, headers)
    }

    /// Whether the path is to be asked without the slash it ends with. Only the root is one.
    pub(crate) fn has_trailing_slash(self) -> bool {
        self.path().len() > 1 && self.path().ends_with('/')
    }

    fn trimmed(self) -> &'a str {
        self.path().trim_end_matches('/')
    }

    /// The target without trailing slashes, query included, relative to the target itself: what a proxy has cut off in front
    /// stays. It begins with `../`, so it cannot lead to another host.
    pub(crate) fn location(self) -> Result<HeaderValue, Fault> {
        let trimmed = self.trimmed();
        let slashes = self.path().len() - trimmed.len();
        if slashes > MOST_SLASHES {
            return Err(Fault::no_route(self.path()));
        }
        let (steps, last) = match trimmed.rsplit_once('/') {
            Some((_, last)) => (slashes, last),
            None => (slashes.saturating_sub(1), ""),
        };
        let path = format!("{}{last}", "../".repeat(steps));
        let location = match self.uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path,
        };
        HeaderValue::try_from(location).map_err(|_| Fault::no_route(self.path()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAP;

    /// `METHOD`-less: the operation and the parameters a path leads to, as text.
    fn parsed(path: &str) -> Result<String, u16> {
        let uri: Uri = path.parse().expect(path);
        let headers = HeaderMap::new();
        let target = Target::new(&uri).map_err(|fault| fault.status().as_u16())?;
        let found = target
            .route(&MAP, &headers)
            .map_err(|fault| fault.status().as_u16())?;
        let Some((route, call)) = found else {
            return Err(404);
        };
        let mut text = route.id.to_owned();
        let params = route.path.iter().filter(|piece| piece.starts_with('{'));
        for piece in params {
            text.push(' ');
            text.push_str(call.param(piece));
        }
        Ok(format!("{text} @{}", call.base))
    }

    #[test]
    fn paths_lead_to_routes() {
        let check = |path: &str, expected: &str| {
            assert_eq!(parsed(path).as_deref(), Ok(expected), "{path}");
        };
        check("/", "home @");
        check("/servers", "listServers @");
        check("/v0.1/servers", "listServers @/v0.1");
        check("/v0/servers/", "listServers @/v0");
        check("/registry/a/servers", "listServers @/registry/a");
        check("/registry/a/v0.1/servers", "listServers @/registry/a/v0.1");
        check("/registry/%61/v0/health", "getHealth @/registry/a/v0");
        check(
            "/v0.1/servers/io.a%2Fx/versions",
            "listServerVersions io.a/x @/v0.1",
        );
        check(
            "/v0.1/servers/io.a%2fx/versions",
            "listServerVersions io.a/x @/v0.1",
        );
        check(
            "/v0.1/servers/io.a/x/versions",
            "listServerVersions io.a/x @/v0.1",
        );
        check("/v0.1/servers/x/versions", "listServerVersions x @/v0.1");
        check(
            "/v0/servers/io.a/x/versions/latest",
            "getServerVersion io.a/x latest @/v0",
        );
        check(
            "/v0/servers/io.a%2Fx/versions/1%2F2%2B3",
            "getServerVersion io.a/x 1/2+3 @/v0",
        );
        check(
            "/v0/servers/io.a%2Fx/versions/1+2",
            "getServerVersion io.a/x 1+2 @/v0",
        );
        check(
            "/v0/servers/io.a/versions/versions",
            "listServerVersions io.a/versions @/v0",
        );
        check(
            "/v0/servers/io.a%2Fx/versions/versions",
            "getServerVersion io.a/x versions @/v0",
        );
        check(
            "/v0/servers/io.a/versions/versions/1",
            "getServerVersion io.a/versions 1 @/v0",
        );
        check(
            "/v0/servers/x%20y/versions/%25",
            "getServerVersion x y % @/v0",
        );
        check(
            "/v0/servers/%C3%A4%2F%22/versions",
            "listServerVersions ä/\" @/v0",
        );
        check("/openapi.yaml", "getOpenapiYaml @");
        check("/registry/a/v0.1/docs", "getDocs @/registry/a/v0.1");
    }

    #[test]
    fn white_space_is_looked_up_under_every_base() {
        let found = parsed("/registry/a%20b/v0.1/servers/c%20d/versions/1%09");
        let expected = "getServerVersion c d 1\t @/registry/a%20b/v0.1";
        assert_eq!(found.as_deref(), Ok(expected));
    }

    #[test]
    fn other_paths_lead_nowhere() {
        let check = |path: &str, expected| assert_eq!(parsed(path), Err(expected), "{path}");
        check("/nothing", 404);
        check("/v0.1", 404);
        check("/registry", 404);
        check("/registry/a", 404);
        check("/v0.2/servers", 404);
        check("/v0.1/servers/io.a%2Fx", 404);
        check("/v0.1/servers/io.a%2Fx/versions/1/2", 404);
        check("/v0.1/servers/a/b/c/versions", 404);
        check("/v0.1/../health/x", 404);
        check("//servers", 404);
        check("/v0.1//servers", 404);
        check("//evil.example/", 404);
        check("/v0.1/servers//versions", 400);
        check("/registry//v0.1/servers", 400);
        check("/v0.1/servers/%FF/versions", 400);
        check("/v0.1/servers/x%00y/versions", 400);
        check("/v0.1/servers?search=%00", 400);
        check(
            &format!("/v0.1/servers?search={}", "a".repeat(LONGEST)),
            414,
        );
        check(&format!("/{}", "a".repeat(LONGEST)), 414);
    }

    #[test]
    fn a_slash_too_many_is_taken_away() {
        let check = |path: &str, expected: &str| {
            let uri: Uri = path.parse().expect(path);
            let target = Target::new(&uri).expect(path);
            assert_eq!(target.location().expect(path), expected, "{path}");
        };
        check("/v0.1/servers/", "../servers");
        check(
            "/v0.1/servers//?limit=1&cursor=a%2Fb",
            "../../servers?limit=1&cursor=a%2Fb",
        );
        check("/docs/", "../docs");
        check("//", "../");
        let long: Uri = "/docs/////////////////".parse().expect("a path");
        let target = Target::new(&long).expect("a target");
        assert!(target.location().is_err());
    }
}
