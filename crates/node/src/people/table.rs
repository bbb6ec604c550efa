//! Who may do what, on which route: the one table from which the guard, the console and the reference are made.
//!
//! A route without a row is refused to everybody, and a test holds that every route of the OpenAPI document has one.

use super::role::{Role, Roles};
use super::session::Caller;

use Access::{Anybody, Inside, Only};
use Role::{Administrator, Analyst, KeyHolder, Observer, ReleaseOfficer};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Also who has no session.
    Anybody,
    /// Whoever has a session, with or without a role: it shows or changes only what is the caller's own.
    Inside,
    /// Whoever has at least one of these roles.
    Only(&'static [Role]),
}

/// One route with its rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    /// Whether it shows or changes what lies beyond a clearance, so that an account with one may not use it.
    pub(crate) whole: bool,
    /// What it does, for the reference.
    pub(crate) what: &'static str,
}

const READERS: Access = Only(&[Observer, Analyst, ReleaseOfficer, KeyHolder]);
const RELEASE: Access = Only(&[Analyst, ReleaseOfficer, KeyHolder]);

const fn get(path: &'static str, access: Access, what: &'static str) -> Row {
    Row { method: "GET", path, access, whole: false, what }
}

const fn post(path: &'static str, access: Access, what: &'static str) -> Row {
    Row { method: "POST", path, access, whole: false, what }
}

/// The same for those only who read everything.
const fn whole(row: Row) -> Row {
    Row { whole: true, ..row }
}

/// All routes, by what they are about.
pub(crate) const TABLE: &[Row] = &[
    get("/healthz", Anybody, "whether the node answers"),
    get("/enter", Anybody, "come in by a one-time link"),
    get("/login", Anybody, "the page to log in"),
    get("/login/ways", Anybody, "which ways to log in there are"),
    post("/login/passkey/start", Anybody, "ask for a challenge"),
    post("/login/passkey/finish", Anybody, "log in with a passkey"),
    get("/login/oidc", Anybody, "go to the organisation's identity provider"),
    get("/login/oidc/callback", Anybody, "come back from it"),
    get("/api/session", Inside, "who is at the console"),
    post("/api/session/end", Inside, "end the own session"),
    post("/api/session/move", Inside, "go on under the node's own name"),
    get("/api/openapi.json", Inside, "the OpenAPI document"),
    get("/api/account", Inside, "the own account"),
    post("/api/account/passkeys/start", Inside, "begin to register an own passkey"),
    post("/api/account/passkeys/finish", Inside, "register an own passkey"),
    post("/api/account/passkeys/{id}/remove", Inside, "remove an own passkey"),
    post(
        "/api/approvals",
        Only(&[ReleaseOfficer, KeyHolder]),
        "begin to approve an act by a fresh passkey assertion",
    ),
    get("/api/accounts", Only(&[Administrator]), "list accounts"),
    post("/api/accounts", Only(&[Administrator]), "add an account"),
    post("/api/accounts/{name}/roles", Only(&[Administrator]), "change the roles of an account"),
    post("/api/accounts/{name}/remove", Only(&[Administrator]), "remove an account"),
    post(
        "/api/accounts/{name}/link",
        Only(&[Administrator]),
        "a new link for an account that was never used",
    ),
    post("/api/accounts/{name}/clearance", Only(&[Administrator]), "say what an account may read here"),
    whole(get("/api/acts", Only(&[Administrator, KeyHolder]), "who did what and when")),
    whole(get("/metrics", Only(&[Administrator]), "figures for monitoring (or by the node's metrics token)")),
    get("/api/overview", READERS, "the state of the node"),
    get("/api/incidents", READERS, "list incidents"),
    get("/api/incidents/{id}", READERS, "one incident"),
    get("/api/findings", READERS, "list findings"),
    get("/api/findings/{id}", READERS, "one finding"),
    get("/api/entries/{id}", READERS, "one entry with its proof; an act only for who may list acts"),
    post("/api/entries/{id}/verify", READERS, "check one entry; an act only for who may list acts"),
    get("/api/entries/{id}/release", RELEASE, "why an entry goes to a peer, or why not"),
    get("/api/search", READERS, "search by words"),
    get("/api/facets", READERS, "how many findings of which kind, severity, owner and level"),
    get("/api/history", READERS, "findings about one object"),
    get("/api/events", READERS, "the live stream"),
    get("/api/catalogue", READERS, "the catalogue"),
    get("/api/catalogue/states", READERS, "positions"),
    get("/api/feeds", READERS, "list inputs"),
    whole(get("/api/jobs", READERS, "list work")),
    post("/api/reports", Only(&[Analyst]), "report; what is marked for allies is released to them"),
    whole(post("/api/feeds/{kind}", Only(&[Analyst]), "take in a feed")),
    whole(post("/api/jobs/screen", Only(&[Analyst]), "start a screening")),
    post("/api/entries/{id}/recall", Only(&[ReleaseOfficer]), "take an own item back"),
    whole(post("/api/record/verify", Only(&[ReleaseOfficer, KeyHolder]), "check the whole record")),
    get("/api/card", Only(&[KeyHolder, Administrator]), "the node's card"),
    whole(get("/api/peers", READERS, "list peers")),
    whole(post("/api/peers", Only(&[KeyHolder]), "introduce a peer")),
    whole(get("/api/peers/{name}/shared", RELEASE, "what went to a peer")),
    whole(get("/api/peers/{name}/withheld", RELEASE, "what was withheld from a peer and why")),
    whole(get("/api/taxii/peers", READERS, "how it stands with other TAXII servers")),
    get("/api/refusals", RELEASE, "what was refused"),
    whole(post(
        "/api/peers/{name}/file",
        Only(&[ReleaseOfficer, KeyHolder]),
        "write what a peer has not acknowledged as a file for a courier",
    )),
    whole(post(
        "/api/link/file",
        Only(&[ReleaseOfficer, KeyHolder]),
        "take in a file that a courier brought",
    )),
    whole(post(
        "/api/link/receipts",
        Only(&[ReleaseOfficer, KeyHolder]),
        "take in receipts that a courier brought",
    )),
    whole(post(
        "/api/entries/{id}/request-release",
        Only(&[ReleaseOfficer]),
        "ask whether another's item may go on",
    )),
    whole(get("/api/release-requests", RELEASE, "what was asked of whom, and the answers")),
    whole(post(
        "/api/release-requests/{id}/answer",
        Only(&[ReleaseOfficer]),
        "grant or refuse that an own item goes on",
    )),
    whole(get("/api/policy", RELEASE, "policies, who signed them, and which is in force")),
    whole(post("/api/policy", Only(&[ReleaseOfficer]), "propose a policy")),
    whole(post("/api/policy/dry-run", Only(&[ReleaseOfficer]), "what a policy would newly release or hold")),
    whole(post(
        "/api/policy/{id}/sign",
        Only(&[ReleaseOfficer]),
        "sign a policy, with an account of one's own",
    )),
    whole(post(
        "/api/policy/{id}/apply",
        Only(&[ReleaseOfficer]),
        "put a policy in force that two have signed",
    )),
    whole(get("/api/tables", RELEASE, "the tables of codes and words that hold at a time")),
    whole(post("/api/tables", Only(&[ReleaseOfficer]), "load a table of codes or words")),
];

/// The row of a route, by its method and its path with parameters in braces.
pub(crate) fn row(method: &str, path: &str) -> Option<&'static Row> {
    // HEAD is GET without the body.
    let method = if method == "HEAD" { "GET" } else { method };
    TABLE.iter().find(|row| row.method == method && row.path == path)
}

impl Row {
    /// Whether `caller` may use the route.
    pub(crate) fn lets(&self, caller: &Caller) -> bool {
        self.allows(&caller.roles) && !(self.whole && caller.clearance.is_some())
    }

    /// Whether someone with a session and these roles may use the route.
    pub(crate) fn allows(&self, roles: &Roles) -> bool {
        match self.access {
            Anybody | Inside => true,
            Only(some) => some.iter().any(|role| roles.contains(role)),
        }
    }
}

/// The routes that the caller may use beside those that are open to every session, as `POST /api/reports`.
pub(crate) fn rights(caller: &Caller) -> Vec<String> {
    let granted = TABLE.iter().filter(|row| matches!(row.access, Only(_)) && row.lets(caller));
    granted.map(|row| format!("{} {}", row.method, row.path)).collect()
}

/// The table as rows for tools: method, path, `anybody` or `inside` or the role words.
pub fn access_table() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    let words = |access| match access {
        Anybody => vec!["anybody"],
        Inside => vec!["inside"],
        Only(roles) => roles.iter().map(|role: &Role| role.as_str()).collect(),
    };
    TABLE.iter().map(|row| (row.method, row.path, words(row.access))).collect()
}

/// The table as Markdown, as it stands in docs/reference/roles.md.
pub fn roles_reference() -> String {
    let mut text = "# Roles\n\nMade from the table in `crates/node/src/people/table.rs`, which is also what the node \
        goes by; a test holds that this page is current. `x`: may. A person may have several roles; no role contains \
        another. A route that is not here is refused to everybody.\n\n| route | what | no session | any session | "
        .to_owned();
    for role in Role::ALL {
        text.push_str(role.as_str());
        text.push_str(" | ");
    }
    text.push_str("not with a clearance |");
    text = format!("{text}\n|---|---|---|---|---|---|---|---|---|---|\n");
    for row in TABLE {
        let mark = |may: bool| if may { " x |" } else { " |" };
        text.push_str(&format!("| `{} {}` | {} |", row.method, row.path, row.what));
        text.push_str(mark(row.access == Anybody));
        text.push_str(mark(matches!(row.access, Anybody | Inside)));
        for role in Role::ALL {
            text.push_str(mark(row.allows(&Roles::from([role]))));
        }
        text.push_str(mark(row.whole));
        text.push('\n');
    }
    text.push_str(ACTS);
    text
}

/// Which of all that people do is recorded as an act, for the reference.
const ACTS: &str = "
## Acts

An act is an entry of the record that says who did what and when (`bongsu.act/1`); no peer gets it. Acts are: coming in, also in vain, and leaving; every change of accounts, roles, clearances, links and passkeys; reports, \
recalls, introductions and their approvals; feeds that a person gave, and screenings; asking whether another's item may go on, and answering; every step toward a policy, loading a table, and each look at what a policy would \
change; checking the whole record; looking with a peer's eyes, once an hour for each person and peer.

No acts are reading and searching with the own eyes: they change nothing and let nothing out, would fill the record, and would themselves tell what a watch looks for. Exports and evidence bundles are made by the operator of the \
machine from the data folder of a stopped node, who is asked by no route; a bundle holds its own custody.
";
